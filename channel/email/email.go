// Package email is the e-mail channel: it fetches mail by IMAP or takes it in
// as an SMTP or LMTP server, parses it, and sends answers by SMTP.
//
// It refuses to change a mailbox: nothing is deleted, moved or marked as read.
// It refuses to lose a mail: what it cannot understand is handed on with the
// reason, and a server is told "received" only after the desk has it on disk.
// It refuses to decide whose mail it is: it reports what the mail proves.
package email

import (
	"context"
	"crypto"
	"crypto/tls"
	_ "embed"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
)

const (
	kindName = "email"
	scheme   = "mailto"
)

//go:embed texts.json
var textsJSON []byte

//go:embed icon.svg
var icon string

// Kind describes e-mail to the desk.
func Kind() *channel.Kind {
	return &channel.Kind{
		Name:     kindName,
		Icon:     icon,
		Texts:    channel.ParseTexts(textsJSON),
		Needs:    holdfast.International,
		Scheme:   scheme,
		Settings: func() any { return defaults() },
		Limits:   channel.Limits{Attachments: 50, AttachmentBytes: 25 << 20, HTML: true, Subject: true, CC: true},
		// one message has one Message-ID, by which mail programs know it again
		Resend: channel.ResendSame,
		New: func(a channel.Account, env channel.Env) (channel.Adapter, error) {
			return newAdapter(a, env)
		},
	}
}

// adapter is one connected mailbox.
type adapter struct {
	account channel.Account
	env     channel.Env
	set     *Settings
	dkim    crypto.Signer // nil when mails are not signed
	tokens  *tokens       // nil with a password
	health  *health
	tls     *tls.Config // nil: the system's roots

	dial    time.Duration // to connect
	command time.Duration // for one answer of a server
	data    time.Duration // for a server to take a mail after its last byte
	pause   time.Duration // first wait before connecting again; it doubles
	days    int           // how far back a count looks
	window  int           // mails per FETCH

	mu sync.Mutex // only one Listen at a time
}

func newAdapter(a channel.Account, env channel.Env) (*adapter, error) {
	set, ok := a.Settings.(*Settings)
	if !ok {
		return nil, holdfast.Errorf(holdfast.Invalid, "channel.settings_invalid", "settings are %T", a.Settings).WithField("settings")
	}
	key, err := set.check()
	if err != nil {
		return nil, err
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.HTTP == nil {
		env.HTTP = http.DefaultClient
	}
	ad := &adapter{
		account: a, env: env, set: set, dkim: key,
		dial: 30 * time.Second, command: time.Minute, data: 10 * time.Minute, pause: time.Second, days: 7, window: 50,
	}
	ad.health = newHealth(env.Now)
	if set.Auth == "oauth2" {
		ad.tokens = newTokens(set, env)
	}
	return ad, nil
}

// options are what Parse must know about this account.
func (a *adapter) options() Options {
	return Options{Address: a.set.Address, Key: a.env.Key, Limit: int64(a.set.MaxMegabytes) << 20}
}

// Health says how receiving is going.
func (a *adapter) Health() channel.Health {
	if a.set.Receive != "imap" {
		return channel.Health{State: "up"}
	}
	return a.health.report()
}

// Listen fetches mail by IMAP until ctx ends. An account that receives by the
// gateway, or not at all, has nothing to do here.
func (a *adapter) Listen(ctx context.Context, sink channel.Sink) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.set.Receive != "imap" {
		<-ctx.Done()
		return ctx.Err()
	}
	return a.receive(ctx, sink)
}
