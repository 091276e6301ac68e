package broadcasts

import (
	"context"
	"errors"
	"time"

	"holdfast"
	"holdfast/journal"
	"holdfast/store"
)

// settle writes down what the outbox knows of the letters that are on their way;
// deep looks at those that the providers have taken, too.
func (b *Broadcasts) settle(ctx context.Context, deep bool) error {
	states, since := "('sending')", time.Time{}
	if deep {
		// One query for all that is recent, so an idle desk pays one look at an index.
		var newest time.Time
		if err := b.DB.QueryRow(ctx, "SELECT COALESCE(MAX(state_at), 0) FROM broadcast WHERE started_at > 0").Scan(&newest); err != nil {
			return err
		}
		if since = time.Now().Add(-lateNews); newest.Before(since) {
			return nil
		}
		states = "('sending', 'told', 'unsure', 'failed')"
	}
	type change struct {
		broadcast            holdfast.ID
		position             int
		state                holdfast.Delivery
		had, reason, details string
	}
	rows, err := b.DB.Query(ctx, `SELECT r.broadcast, r.position, r.state, o.state, o.code, o.reason FROM broadcast b JOIN broadcast_recipient r ON r.broadcast = b.id JOIN outbox o ON o.message = r.message
		WHERE b.started_at > 0 AND b.state_at >= $1 AND r.state IN `+states+` AND o.state NOT IN ('queued', 'retry_wait', 'held')
			AND r.state <> CASE o.state WHEN 'accepted' THEN 'told' WHEN 'delivered' THEN 'delivered' WHEN 'seen' THEN 'delivered' WHEN 'failed' THEN 'failed' WHEN 'cancelled' THEN 'dropped' ELSE 'unsure' END
		LIMIT 5000`, since)
	list, err := store.Collect(rows, err, func(r *store.Rows, c *change) error {
		return r.Scan(&c.broadcast, &c.position, &c.had, &c.state, &c.reason, &c.details)
	})
	if err != nil || len(list) == 0 {
		return err
	}
	return b.DB.Write(ctx, func(tx *store.Tx) error {
		for _, c := range list {
			state := unsure
			switch c.state {
			case holdfast.Accepted:
				state = told
			case holdfast.Delivered, holdfast.Seen:
				state = delivered
			case holdfast.Failed:
				state = failed
			case holdfast.Cancelled:
				state = dropped
			}
			if err := tx.Exec("UPDATE broadcast_recipient SET state = $4, reason = $5, detail = $6 WHERE broadcast = $1 AND position = $2 AND state = $3",
				c.broadcast, c.position, c.had, state, c.reason, c.details); err != nil {
				return err
			}
		}
		return nil
	})
}

// finish ends a broadcast that has nobody left.
func (b *Broadcasts) finish(ctx context.Context, j job) error {
	var left int
	if err := b.DB.QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM broadcast_recipient WHERE broadcast = $1 AND state IN ('waiting', 'sending') LIMIT 1) AS few", j.ID).Scan(&left); err != nil || left > 0 {
		return err
	}
	t, _, err := b.totals(ctx, j.ID)
	if err != nil {
		return err
	}
	return b.change(ctx, j.workspace, holdfast.System, j.ID, func(now *row) (holdfast.Body, error) {
		if now.State != holdfast.BroadcastRunning {
			return nil, nil
		}
		return &holdfast.BroadcastEnded{Told: t.Told, Refused: t.Refused, Failed: t.Failed + t.Unsure}, nil
	})
}

// align brings what the outbox has of each broadcast to where the broadcast stands:
// held where it is paused, withdrawn where it is cancelled, let go where it runs
// again. It does again what a crash has cut off.
func (b *Broadcasts) align(ctx context.Context) error {
	err := b.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("UPDATE broadcast_recipient SET state = 'dropped' WHERE state = 'waiting' AND broadcast IN (SELECT id FROM broadcast WHERE state = 'cancelled' AND started_at > 0)")
	})
	if err != nil {
		return err
	}
	type letter struct {
		broadcast, workspace, message holdfast.ID
		position                      int
		state                         holdfast.BroadcastState
	}
	rows, err := b.DB.Query(ctx, `SELECT r.broadcast, r.workspace, r.message, r.position, b.state FROM broadcast b JOIN broadcast_recipient r ON r.broadcast = b.id JOIN outbox o ON o.message = r.message
		WHERE b.started_at > 0 AND r.state = 'sending' AND (b.state = 'paused' AND o.state IN ('queued', 'retry_wait')
			OR b.state = 'cancelled' AND o.state IN ('queued', 'retry_wait', 'held') OR b.state = 'running' AND r.held AND o.state = 'held')`)
	list, err := store.Collect(rows, err, func(r *store.Rows, l *letter) error {
		return r.Scan(&l.broadcast, &l.workspace, &l.message, &l.position, &l.state)
	})
	if err != nil {
		return err
	}
	for _, l := range list {
		var err error
		held := false
		switch l.state {
		case holdfast.BroadcastPaused:
			held = true
			_, err = b.Outbox.Hold(ctx, l.workspace, holdfast.System, holdfast.ID{}, l.message)
		case holdfast.BroadcastCancelled:
			_, err = b.Outbox.Cancel(ctx, l.workspace, holdfast.System, holdfast.ID{}, l.message)
		default:
			_, err = b.Outbox.Retry(ctx, l.workspace, holdfast.System, holdfast.ID{}, l.message)
		}
		switch holdfast.KindOf(err) {
		case holdfast.Conflict, holdfast.NotFound:
			continue // it went meanwhile
		}
		if err != nil {
			return err
		}
		if err := b.DB.Write(ctx, func(tx *store.Tx) error {
			return tx.Exec("UPDATE broadcast_recipient SET held = $3 WHERE broadcast = $1 AND position = $2", l.broadcast, l.position, held)
		}); err != nil {
			return err
		}
	}
	return b.settle(ctx, true)
}

// answersFor is how long what a customer writes is taken for an answer to what they
// were told.
const answersFor = 7 * 24 * time.Hour

// Follow puts what a customer was told into the conversation that their answer
// lands in, as a note: until ctx ends.
func (b *Broadcasts) Follow(ctx context.Context) error {
	return b.Journal.Follow(ctx, journal.Follower{Name: "broadcasts", Handle: b.answered})
}

// answered notes, beside the first answer to a broadcast, what it answers. The note
// has the letter's id in its own: it is written once, whoever is restarted when.
func (b *Broadcasts) answered(ctx context.Context, e *holdfast.Entry) error {
	m, ok := e.Body.(*holdfast.MessageReceived)
	if !ok || e.History() {
		return nil
	}
	var id, message, had holdfast.ID
	var position int
	var words string
	err := b.DB.QueryRow(ctx, `SELECT r.broadcast, r.position, r.message, COALESCE(t.text, ''), r.answer FROM broadcast_recipient r LEFT JOIN letter t ON t.message = r.message
		WHERE r.workspace = $1 AND r.scheme = $2 AND r.address = $3 AND r.told_at > $4 AND r.told_at <= $5 AND r.state IN ('sending', 'told', 'delivered', 'unsure')
		ORDER BY r.told_at DESC LIMIT 1`, e.Workspace, m.From.Scheme, m.From.Value, e.At.Add(-answersFor), e.At).Scan(&id, &position, &message, &words, &had)
	if errors.Is(err, store.ErrNoRows) || err == nil && !had.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	note := holdfast.DeriveID(message, "answered")
	_, err = b.Journal.Do(ctx, journal.Command{Workspace: e.Workspace, Actor: holdfast.System, ID: note, Run: func(tx *journal.Tx) error {
		n, err := tx.ExecN("UPDATE broadcast_recipient SET answer = $3 WHERE broadcast = $1 AND position = $2 AND answer IS NULL", id, position, e.Subject)
		if err != nil || n == 0 || words == "" {
			return err
		}
		_, err = tx.Append(e.Subject, &holdfast.MessageNoted{Message: note, Text: words})
		return err
	}})
	return err
}
