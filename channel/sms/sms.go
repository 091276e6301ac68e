// Package sms carries texts over the telephone network, by one of several ways
// in: an SMPP connection to an operator or aggregator is one.
//
// It refuses to send a text again by itself when it may have been sent, to change
// a letter of it, and to tell the network that a text was received before the
// desk has it, or this account keeps its part, on disk. It refuses to decide what
// follows from a "STOP": it marks what came.
package sms

import (
	"context"
	_ "embed"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/sms/gsm"
)

const (
	kindName = "sms"
	scheme   = "tel"
)

//go:embed texts.json
var textsJSON []byte

//go:embed icon.svg
var icon string

// Kind describes SMS to the desk.
func Kind() *channel.Kind {
	return &channel.Kind{
		Name:     kindName,
		Icon:     icon,
		Texts:    channel.ParseTexts(textsJSON),
		Needs:    holdfast.Domestic,
		Scheme:   scheme,
		Settings: func() any { return defaults() },
		Limits:   channel.Limits{Text: 30 * 153}, // the account's own limit is in parts
		Resend:   channel.ResendPark,
		Joins:    true,
		Receipts: true, // unless the way in says otherwise
		New: func(a channel.Account, env channel.Env) (channel.Adapter, error) {
			return newAdapter(a, env)
		},
	}
}

// adapter is one connected number.
type adapter struct {
	account channel.Account
	env     channel.Env
	set     *Settings
	way     backend
	joints  *joints
	seen    *seen
}

func newAdapter(a channel.Account, env channel.Env) (*adapter, error) {
	set, ok := a.Settings.(*Settings)
	if !ok {
		return nil, holdfast.Errorf(holdfast.Invalid, "channel.settings_invalid", "settings are %T", a.Settings).WithField("settings")
	}
	if err := set.check(); err != nil {
		return nil, err
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	ad := &adapter{account: a, env: env, set: set, joints: newJoints(env), seen: newSeen(env)}
	var err error
	switch set.Via {
	case "smpp":
		ad.way, err = newSMPP(a, env, set)
	case "http":
		ad.way, err = newHTTP(a, env, set)
	case "modem":
		ad.way, err = newModem(a, env, set)
	default:
		err = bad("via", "%q is no way to send", set.Via)
	}
	if err != nil {
		return nil, err
	}
	return ad, nil
}

// Send hands m over, in as many parts as it takes.
func (a *adapter) Send(ctx context.Context, m channel.Outbound) (channel.Sent, error) {
	to := number(m.To.Value, a.set.Region)
	if m.To.Scheme != scheme || !dialable(to) {
		return channel.Sent{}, &channel.Failure{Reason: channel.Permanent, Code: "wrong_address", Text: "This is not a telephone number that a text can go to."}
	}
	text := tidy(m.Text)
	if text == "" {
		return channel.Sent{}, &channel.Failure{Reason: channel.Permanent, Code: "empty", Text: "There is no text to send."}
	}
	alphabet := a.set.alphabet(text)
	texts := alphabet.Split(text)
	if len(texts) > a.set.MaxParts {
		return channel.Sent{}, &channel.Failure{Reason: channel.Permanent, Code: "too_long",
			Text: "The text takes more parts than this channel may send. Shorten it, or allow more parts in the channel's settings."}
	}
	out := sms{id: m.ID, to: to, from: a.set.From, text: text, alphabet: alphabet, attempt: m.Attempt, trace: m.Trace}
	for i, t := range texts {
		p := part{text: t, data: alphabet.Encode(t)}
		if len(texts) > 1 {
			// The same message has the same reference on each attempt, so that its
			// parts fit together whenever each was sent.
			p.header = gsm.Header(m.ID[len(m.ID)-1], len(texts), i+1)
		}
		out.parts = append(out.parts, p)
	}
	return a.way.Send(ctx, out)
}

// Listen takes in what comes until ctx ends.
func (a *adapter) Listen(ctx context.Context, sink channel.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := a.inflow(sink)
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.watch(ctx)
	}()
	err := a.way.Listen(ctx, in)
	cancel()
	<-done
	return err
}

// ServeWebhook hands a call to the back-end that expects it.
func (a *adapter) ServeWebhook(w http.ResponseWriter, r *http.Request, sink channel.Sink) {
	h, ok := a.way.(hooked)
	if !ok {
		http.NotFound(w, r)
		return
	}
	h.ServeWebhook(w, r, a.inflow(sink))
}

func (a *adapter) inflow(sink channel.Sink) *inflow {
	return &inflow{sink: sink, env: a.env, region: a.set.Region, own: a.set.From, joints: a.joints, seen: a.seen}
}

// Health is how the way in is.
func (a *adapter) Health() channel.Health { return a.way.Health() }

// Test tries the way in.
func (a *adapter) Test(ctx context.Context) []channel.Check { return a.way.Test(ctx) }

// Resend is what may be done with a text that may have been sent already.
func (a *adapter) Resend() channel.Resend { return a.way.Resend() }

// Needs is the least reach that the way in works within.
func (a *adapter) Needs() holdfast.Reach {
	if n, ok := a.way.(channel.Needing); ok {
		return n.Needs()
	}
	return holdfast.Domestic
}

// Receipts reports whether the network says when a text has arrived.
func (a *adapter) Receipts() bool { return a.way.Receipts() }

// Single reports whether the way in holds what only one can hold at a time.
func (a *adapter) Single() bool {
	s, ok := a.way.(channel.Single)
	return ok && s.Single()
}

// Close lets go of what the way in holds.
func (a *adapter) Close() error {
	if c, ok := a.way.(interface{ Close() error }); ok {
		return c.Close()
	}
	return nil
}

// Estimate says what a text comes to.
func (a *adapter) Estimate(text string) channel.Estimate {
	text = tidy(text)
	c := a.set.alphabet(text).Measure(text)
	e := channel.Estimate{Parts: c.Parts, MaxParts: a.set.MaxParts, Alphabet: string(c.Alphabet), Units: c.Units, Left: c.Left, Letter: gsm.Culprit(text)}
	if p := a.set.partPrice(); p > 0 && a.set.Currency != "" {
		e.PartPrice, e.Currency = p, a.set.Currency
	}
	return e
}

// tidy leaves out what costs and nobody sees.
func tidy(text string) string {
	return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \n\t")
}
