package outbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/journal"
	"holdfast/store"
)

// attempt is one try to send one message.
type attempt struct {
	due
	account      holdfast.ID
	conversation holdfast.ID
	number       int // from 1
	to           holdfast.Address
	leasedAt     int64
	expires      time.Time
	doubtful     bool // an earlier attempt may have sent it, and the provider cannot tell
	unsure       bool // an earlier attempt may have sent it
	resend       channel.Resend
	automatic    bool // nobody's own words to this person
	refused      bool // the person does not want it
}

// carry takes one message through lease, send and record.
func (l *lane) carry(ctx context.Context, d due, adapter channel.Adapter, kind *channel.Kind, probe bool) {
	w := l.worker
	abort := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.breaker.abort(probe)
	}
	out, err := w.prepare(ctx, d, l.account, kind)
	if err != nil {
		abort()
		if holdfast.KindOf(err) == holdfast.NotFound {
			// It would come up for ever and keep a place in the lane from those that can go.
			w.keep(ctx, "giving up a message without content", func() error {
				return w.fail(ctx, d, false, &holdfast.MessageFailed{Message: d.message, Code: "message.missing", Reason: "Its content is not on record any more."})
			})
		} else if ctx.Err() == nil {
			w.log.Warn("a message cannot be read for sending", "message", d.message.String(), "err", err)
			pause(ctx, w.halt, time.Second)
		}
		return
	}
	a := &attempt{due: d, account: l.account, resend: resend(adapter, kind), automatic: out.Automatic}
	if ok := w.lease(ctx, a, out); !ok {
		abort()
		return
	}
	began := time.Now()
	sent, err := w.send(ctx, adapter, *out)
	if ctx.Err() != nil {
		return // as after a crash: the lease stays, the next run decides
	}
	var f *channel.Failure
	if err != nil {
		f = channel.AsFailure(err)
	}
	l.mu.Lock()
	was := l.closed()
	l.breaker.result(w.now(), f, probe)
	turned := l.closed() != was
	l.mu.Unlock()
	if turned {
		w.turned()
	}
	w.record(ctx, a, sent, f, out.Trace, began)
}

// prepare reads what the adapter needs.
func (w *Worker) prepare(ctx context.Context, d due, account holdfast.ID, kind *channel.Kind) (*channel.Outbound, error) {
	m, err := w.inbox.Message(ctx, d.workspace, d.message)
	if holdfast.KindOf(err) == holdfast.NotFound {
		return w.letter(ctx, d, account, kind)
	}
	if err != nil {
		return nil, err
	}
	out := &channel.Outbound{ID: m.ID, Conversation: m.Conversation, CC: m.CC, BCC: m.BCC, Automatic: m.Automatic,
		Subject: m.Subject, Text: m.Text, HTML: m.HTML, Attachments: m.Attachments, ExternalID: m.ExternalID, At: m.At, Trace: &channel.Trace{}}
	if !m.Author.IsZero() && w.names != nil {
		out.Author = w.names(m.Author)
	}
	if err := w.db.QueryRow(ctx, "SELECT number FROM conversation WHERE id = $1 AND workspace = $2", m.Conversation, d.workspace).Scan(&out.Number); err != nil && !errors.Is(err, store.ErrNoRows) {
		return nil, err
	}
	// What it answers was decided when it was written, and only the entry has it.
	e, err := w.journal.Entry(ctx, d.workspace, m.LSN)
	if err != nil {
		return nil, err
	}
	if q, ok := e.Body.(*holdfast.MessageQueued); ok {
		out.Thread, out.Unsubscribe = q.Thread, q.Unsubscribe
		if err := w.another(ctx, d.workspace, account, q.Channel, kind, out); err != nil {
			return nil, err
		}
	}
	if m.Recipient != nil {
		out.To = *m.Recipient
	}
	return out, nil
}

// lease puts on disk that the message is being sent. It reports false when it
// must not go now: somebody held, cancelled or took it, it has expired, or the
// database did not take the lease.
func (w *Worker) lease(ctx context.Context, a *attempt, out *channel.Outbound) bool {
	if _, cut := w.cut(a.account); cut {
		return false
	}
	taken := false
	err := w.db.Write(ctx, func(tx *store.Tx) error {
		taken = false
		var scheme, address, external string
		var tried, exchanges, doubtful, unsure int
		err := tx.QueryRow(`SELECT o.conversation, o.scheme, o.address, o.external_id, o.attempts, o.expires_at,
				(SELECT count(*) FROM exchange x WHERE x.message = o.message),
				(SELECT count(*) FROM exchange x WHERE x.message = o.message AND x.outcome = 'unknown'),
				(SELECT count(*) FROM exchange x WHERE x.message = o.message AND x.outcome IN ('unknown', 'repeatable'))
			FROM outbox o WHERE o.message = $3 AND o.channel = $1 AND `+ready, a.account, w.now(), a.message).
			Scan(&a.conversation, &scheme, &address, &external, &tried, &a.expires, &exchanges, &doubtful, &unsure)
		if errors.Is(err, store.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		a.number, a.doubtful, a.unsure = max(tried, exchanges)+1, doubtful > 0, unsure > 0
		if out.To.Scheme != scheme || out.To.Value != address { // re-routed
			out.To = holdfast.Address{Scheme: scheme, Value: address}
		}
		if out.ExternalID == "" && !out.Rerouted {
			out.ExternalID = external
		}
		out.Attempt, a.to = a.number, out.To
		taken = true
		if a.refused, err = refused(tx, a, out.To); err != nil || a.refused {
			return err
		}
		if !a.expires.IsZero() && !a.expires.After(w.now()) {
			return nil
		}
		a.leasedAt = tx.Now.UnixMilli()
		return tx.Exec("INSERT INTO lease (message, channel, attempt, at) VALUES ($1, $2, $3, $4)", a.message, a.account, a.number, a.leasedAt)
	})
	if err != nil {
		if ctx.Err() == nil {
			w.log.Warn("a message was not leased and not sent", "message", a.message.String(), "err", err)
			// The answer of the commit may have been lost. Nothing was sent, so the lease,
			// if there is one, must not be taken for an attempt.
			w.keep(ctx, "giving a lease back", func() error {
				return w.db.Write(ctx, func(tx *store.Tx) error {
					return tx.Exec("DELETE FROM lease WHERE message = $1 AND channel = $2 AND attempt = $3", a.message, a.account, a.number)
				})
			})
			pause(ctx, w.halt, time.Second) // or it would be tried again at once, for ever
		}
		return false
	}
	if taken && a.refused {
		w.keep(ctx, "recording that somebody does not want a message", func() error {
			return w.fail(ctx, a.due, false, &holdfast.MessageFailed{Message: a.message, Code: refusedCode, Reason: "The person at this address has asked for no more messages."})
		})
		return false
	}
	if taken && a.leasedAt == 0 {
		w.keep(ctx, "recording that a message has expired", func() error { return w.expire(ctx, a.due) })
		return false
	}
	return taken
}

// send calls the adapter with a deadline. An adapter that does not come back
// counts as one that may have sent.
func (w *Worker) send(ctx context.Context, adapter channel.Adapter, out channel.Outbound) (channel.Sent, error) {
	sctx, cancel := context.WithTimeout(ctx, sendDeadline)
	defer cancel()
	type answer struct {
		sent channel.Sent
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				w.log.Error("an adapter panicked while sending", "message", out.ID.String(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				a.err = &channel.Failure{Reason: channel.Unknown, Code: "panic", Text: "The channel's adapter broke while sending."}
			}
			got <- a
		}()
		a.sent, a.err = adapter.Send(sctx, out)
	}()
	late := time.NewTimer(sendDeadline + sendGrace)
	defer late.Stop()
	select {
	case a := <-got:
		return a.sent, a.err
	case <-late.C:
		return channel.Sent{}, &channel.Failure{Reason: channel.Unknown, Code: "timeout", Text: "The channel's adapter did not come back in time."}
	case <-ctx.Done():
		return channel.Sent{}, ctx.Err()
	}
}

// record brings the result into the journal, with the lease's end and the
// exchange in one transaction. It does not give up while the program lives: a
// result that is lost would have to be guessed.
func (w *Worker) record(ctx context.Context, a *attempt, sent channel.Sent, f *channel.Failure, trace *channel.Trace, began time.Time) {
	took := time.Since(began)
	id := holdfast.NewID()
	outcome, body := a.settle(w.now(), sent, f)
	if r, ok := body.(*holdfast.MessageRetrying); ok && f.Reason == channel.Temporary {
		if _, cut := w.cut(a.account); cut {
			r.NextAt = w.now() // it waits for the way, and not also for its turn after that
		}
	}
	w.keep(ctx, "recording what a provider answered", func() error {
		_, err := w.journal.Do(ctx, journal.Command{Workspace: a.workspace, Actor: holdfast.System, ID: id, Run: func(tx *journal.Tx) error {
			mine, err := tx.ExecN("DELETE FROM lease WHERE message = $1 AND at = $2", a.message, a.leasedAt)
			if err != nil {
				return err
			}
			if err := writeExchange(tx.Tx, id, a.workspace, a.message, began, outcome, took, trace.JSON()); err != nil {
				return err
			}
			if mine == 0 && f != nil {
				return nil // somebody has decided in the meantime, and we know nothing better
			}
			r, err := readRow(tx.Tx, a.message)
			if err != nil {
				return err
			}
			if _, err := tx.Append(a.conversation, body); err != nil {
				return err
			}
			if f == nil && sent.Delivered {
				_, err = tx.Append(a.conversation, &holdfast.MessageDelivered{Message: a.message})
			} else if f == nil && r.state == holdfast.Failed {
				// The provider took it back before we had written that it had taken it.
				_, err = tx.Append(a.conversation, &holdfast.MessageFailed{Message: a.message, Code: r.code, Reason: r.reason})
			}
			return err
		}})
		return err
	})
}

func writeExchange(tx *store.Tx, id, workspace, message holdfast.ID, at time.Time, outcome string, took time.Duration, lines []byte) error {
	return tx.Exec("INSERT INTO exchange (id, workspace, message, at, outcome, took, lines) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
		id, workspace, message, at, outcome, took, lines)
}

func pause(ctx context.Context, halt <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-halt:
	case <-ctx.Done():
	}
}
