package sms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"holdfast"
	"holdfast/channel"
)

// inflow takes short messages in: it puts the parts of a text together, writes
// numbers one way, knows a repeated delivery again, and hands on to the desk.
type inflow struct {
	sink   channel.Sink
	env    channel.Env
	region string
	own    string // our number
	joints *joints
	seen   *seen
}

// arrived takes one delivery in. nil means that it is on disk: with the desk, or,
// for a part of a longer text, with this account. Only then may the network be told so.
func (in *inflow) arrived(ctx context.Context, m incoming) error {
	m.from = number(m.from, in.region)
	if m.to == "" {
		m.to = number(in.own, in.region) // only now: knowing all numbers of the world takes memory
	}
	if m.piece.total > 1 {
		whole, err := in.joints.add(ctx, m)
		if err != nil || whole == nil {
			return err
		}
		return in.finish(ctx, whole)
	}
	key := m.key
	var err error
	switch {
	case key != "":
	case !m.at.IsZero():
		key = digest(m.from, m.to, m.at.UTC().Format(time.RFC3339), m.text)
	default:
		if key, err = in.seen.key(ctx, m); err != nil {
			return err
		}
	}
	if err := in.accept(ctx, key, m); err != nil {
		return err
	}
	in.seen.done(key)
	return nil
}

// finish hands on a text whose parts are all there, or will never be.
func (in *inflow) finish(ctx context.Context, g *joint) error {
	if err := in.accept(ctx, g.key(), incoming{from: g.From, to: g.To, text: g.text(), at: g.At, marks: g.marks()}); err != nil {
		return err
	}
	return in.joints.drop(ctx, g)
}

// accept hands one whole text to the desk.
func (in *inflow) accept(ctx context.Context, key string, m incoming) error {
	marks := m.marks
	if w := wish(m.text); w != "" {
		marks = append(marks, w)
	}
	i := channel.Inbound{
		Key: key, From: holdfast.Address{Scheme: scheme, Value: m.from, Verified: dialable(m.from)},
		Text: m.text, SentAt: m.at, Marks: marks, Trace: m.trace,
	}
	if m.to != "" {
		i.To = []string{m.to}
	}
	_, err := in.sink.Accept(ctx, i)
	if holdfast.KindOf(err) == holdfast.Invalid {
		in.env.Log.Warn("the desk will never take this text", "key", key, "err", err)
		return nil // the network would bring it for ever
	}
	return err
}

// reported stores what the network says about a text of ours.
func (in *inflow) reported(ctx context.Context, r channel.Report) error {
	return in.sink.Report(ctx, r)
}

// watch hands on what waits for parts that do not come, until ctx ends.
func (in *inflow) watch(ctx context.Context) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		in.overdue(ctx)
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

func (in *inflow) overdue(ctx context.Context) {
	list, err := in.joints.overdue(ctx)
	if err != nil {
		if ctx.Err() == nil {
			in.env.Log.Warn("texts in parts cannot be read", "err", err)
		}
		return
	}
	for _, g := range list {
		if err := in.finish(ctx, g); err != nil && ctx.Err() == nil {
			in.env.Log.Warn("a text in parts was not taken in", "err", err)
		}
	}
}

// digest is a short stable name of some values.
func digest(values ...string) string {
	h := sha256.New()
	for _, v := range values {
		fmt.Fprintf(h, "%d:%s", len(v), v)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
