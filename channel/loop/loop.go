// Package loop is the channel of tests and drills: a provider that does what it
// is told, inside the program or behind a small HTTP interface, and remembers
// everything that reached it.
//
// It refuses to reach anybody: what goes in stays in this machine, and no
// installation offers it to its administrators.
package loop

import (
	"context"
	_ "embed"
	"net"
	"net/url"

	"holdfast"
	"holdfast/channel"
)

// Scheme is the address scheme of the people on it.
const Scheme = "loop"

//go:embed icon.svg
var icon string

//go:embed texts.json
var textsJSON []byte

// Settings of one loop account.
type Settings struct {
	URL        string         `json:"url" form:"section=provider"`
	Token      channel.Secret `json:"token" form:"section=provider"`
	Idempotent bool           `json:"idempotent" form:"section=behaviour"`
	Resend     string         `json:"resend" form:"section=behaviour,options=same;once;park"`
}

// Kind describes a loop whose accounts name a provider by URL, or share one that
// nobody else can see.
func Kind(resend channel.Resend) *channel.Kind { return New().Kind(resend) }

// Kind describes the loop to the rest of the desk; its adapters share p. resend
// is the policy of accounts that set none.
func (p *Provider) Kind(resend channel.Resend) *channel.Kind {
	return &channel.Kind{
		Name:     p.name,
		Icon:     icon,
		Texts:    channel.ParseTexts(textsJSON),
		Needs:    holdfast.Local,
		Scheme:   p.scheme,
		Settings: func() any { return &Settings{Resend: string(resend)} },
		Limits:   channel.Limits{Text: 10_000, Attachments: 10, AttachmentBytes: 10 << 20},
		Resend:   resend,
		New: func(acc channel.Account, env channel.Env) (channel.Adapter, error) {
			s, ok := acc.Settings.(*Settings)
			if !ok {
				return nil, holdfast.Errorf(holdfast.Internal, "loop.settings_type", "loop got settings of type %T", acc.Settings)
			}
			a := &Adapter{provider: p, account: acc.ID, env: env, set: s}
			if s.URL != "" && !local(s.URL) {
				return nil, holdfast.Errorf(holdfast.Invalid, "channel.setting_invalid", "the make-believe provider must be on this machine").
					WithField("settings.url").WithNext("Write an address such as http://127.0.0.1:9000/.")
			}
			return a, nil
		},
	}
}

// local reports whether a URL is an HTTP one of this machine.
func local(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// Adapter is one loop account. It implements channel.Adapter, Listener and Webhook.
type Adapter struct {
	provider *Provider
	account  holdfast.ID
	env      channel.Env
	set      *Settings
}

// Resend is the account's own policy.
func (a *Adapter) Resend() channel.Resend { return channel.Resend(a.set.Resend) }

// Send hands m to the provider.
func (a *Adapter) Send(ctx context.Context, m channel.Outbound) (channel.Sent, error) {
	m.Trace.Redact(string(a.set.Token))
	if m.To.Scheme != a.provider.scheme || m.To.Value == "" {
		return channel.Sent{}, &channel.Failure{Reason: channel.Permanent, Code: "wrong_address", Text: "This is not an address of the loop."}
	}
	if a.set.URL != "" {
		return a.post(ctx, m)
	}
	m.Trace.Said(m.ID.String() + " to " + m.To.Value)
	sent, err := a.provider.take(ctx, m)
	if err != nil {
		m.Trace.Heard(err.Error())
	} else {
		m.Trace.Heard("accepted as " + sent.ExternalID)
	}
	return sent, err
}

// Listen connects the provider's Deliver with the desk until ctx ends.
func (a *Adapter) Listen(ctx context.Context, sink channel.Sink) error {
	defer a.provider.connect(a.account, sink)()
	<-ctx.Done()
	return nil
}
