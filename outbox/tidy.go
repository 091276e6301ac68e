package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/journal"
	"holdfast/store"
)

// crashCode marks an attempt that nobody saw the end of.
const crashCode = "crash"

// patience is how long an attempt that was cut off waits for its account to come
// up; without it nobody can say whether sending again is safe.
const patience = 5 * time.Minute

// tidy resolves leases that nobody holds any more and fails what has waited too
// long, also where no attempt can be made.
func (w *Worker) tidy(ctx context.Context) error {
	stale, err := w.leftovers(ctx, time.Now().Add(-sendDeadline-2*sendGrace))
	if err != nil {
		return err
	}
	if _, err := w.resolveAll(ctx, stale); err != nil {
		return err
	}
	rows, err := w.db.Query(ctx, "SELECT message, workspace FROM outbox WHERE "+waiting+" AND expires_at > 0 AND expires_at <= $1 ORDER BY lsn LIMIT 500", w.now())
	list, err := store.Collect(rows, err, func(r *store.Rows, d *due) error { return r.Scan(&d.message, &d.workspace) })
	if err != nil {
		return err
	}
	for _, d := range list {
		if !w.claim(d.message) {
			continue
		}
		err := w.expire(ctx, d)
		w.release(d.message)
		if err != nil {
			return err
		}
	}
	return nil
}

// expire fails a waiting message whose time is over.
func (w *Worker) expire(ctx context.Context, d due) error {
	return w.fail(ctx, d, true, &holdfast.MessageFailed{Message: d.message, Code: "expired", Reason: "It could not be sent before its time was over."})
}

// fail gives up a waiting message that nobody is sending; late asks for its time
// to be over. One that may have been sent becomes an operator's to decide.
func (w *Worker) fail(ctx context.Context, d due, late bool, body *holdfast.MessageFailed) error {
	_, err := w.journal.Do(ctx, journal.Command{Workspace: d.workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		var conversation holdfast.ID
		var expires time.Time
		err := tx.QueryRow("SELECT conversation, expires_at FROM outbox o WHERE message = $1 AND "+waiting+
			" AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.message = o.message)", d.message).Scan(&conversation, &expires)
		if errors.Is(err, store.ErrNoRows) || err == nil && late && (expires.IsZero() || expires.After(w.now())) {
			return nil
		}
		if err != nil {
			return err
		}
		var unsure int
		if err := tx.QueryRow("SELECT count(*) FROM exchange WHERE message = $1 AND outcome IN ('unknown', 'repeatable')", d.message).Scan(&unsure); err != nil {
			return err
		}
		if unsure > 0 {
			_, err = tx.Append(conversation, &holdfast.MessageUnknown{Message: d.message, Code: body.Code, Reason: body.Reason})
			return err
		}
		_, err = tx.Append(conversation, body)
		return err
	}})
	return err
}

type leftover struct {
	message, account holdfast.ID
	attempt          int
	at               int64
}

// leftovers lists attempts that began up to a moment (the zero time: all).
func (w *Worker) leftovers(ctx context.Context, upto time.Time) ([]leftover, error) {
	limit := int64(1<<63 - 1)
	if !upto.IsZero() {
		limit = upto.UnixMilli()
	}
	rows, err := w.db.Query(ctx, "SELECT message, channel, attempt, at FROM lease WHERE at <= $1 ORDER BY at", limit)
	return store.Collect(rows, err, func(r *store.Rows, l *leftover) error { return r.Scan(&l.message, &l.account, &l.attempt, &l.at) })
}

// resolveAll decides about attempts whose end nobody saw, and returns those that
// must wait until their account is there.
func (w *Worker) resolveAll(ctx context.Context, list []leftover) (rest []leftover, err error) {
	for i, l := range list {
		if !w.claim(l.message) {
			continue // ours
		}
		done, err := w.resolve(ctx, l)
		w.release(l.message)
		if err != nil {
			return append(rest, list[i:]...), err
		}
		if !done {
			rest = append(rest, l)
		}
	}
	return rest, nil
}

// resolve decides about one; done is false when that is not possible yet.
func (w *Worker) resolve(ctx context.Context, l leftover) (done bool, err error) {
	adapter, kind, err := w.adapters(ctx, l.account)
	if kind == nil && time.Since(w.base) < patience {
		w.log.Debug("an attempt that was cut off waits for its account", "message", l.message.String(), "account", l.account.String(), "err", err)
		return false, nil
	}
	var workspace holdfast.ID
	err = w.db.QueryRow(ctx, "SELECT workspace FROM outbox WHERE message = $1", l.message).Scan(&workspace)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return false, err
	}
	id := holdfast.NewID()
	_, err = w.journal.Do(ctx, journal.Command{Workspace: workspace, Actor: holdfast.System, ID: id, Run: func(tx *journal.Tx) error {
		mine, err := tx.ExecN("DELETE FROM lease WHERE message = $1 AND at = $2", l.message, l.at)
		if err != nil || mine == 0 {
			return err
		}
		r, err := readRow(tx.Tx, l.message)
		if errors.Is(err, store.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.state != holdfast.Queued && r.state != holdfast.RetryWait {
			return nil // a provider's report has said how it ended
		}
		a := &attempt{due: due{message: l.message, workspace: workspace}, number: l.attempt, resend: resend(adapter, kind)}
		var doubtful int
		if err := tx.QueryRow("SELECT count(*) FROM exchange WHERE message = $1 AND outcome = $2", l.message, outcomeUnknown).Scan(&doubtful); err != nil {
			return err
		}
		a.doubtful = doubtful > 0
		outcome, body := a.settleUnknown(w.now(), crashCode, "The program stopped while the message was being sent.")
		lines, err := json.Marshal([]channel.TraceLine{{At: tx.Now, Dir: "·", Text: "the program stopped during this attempt; what the provider did is not known"}})
		if err != nil {
			return err
		}
		if err := writeExchange(tx.Tx, id, workspace, l.message, time.UnixMilli(l.at), outcome, 0, lines); err != nil {
			return err
		}
		_, err = tx.Append(r.conversation, body)
		return err
	}})
	return err == nil, err
}
