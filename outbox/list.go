package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/store"
)

// Item is one outbound message as the outbox screen shows it.
type Item struct {
	Message      holdfast.ID       `json:"message"`
	Conversation holdfast.ID       `json:"conversation"`
	Number       int64             `json:"number" doc:"Of the conversation, for people."`
	Channel      holdfast.ID       `json:"channel"`
	To           holdfast.Address  `json:"to"`
	State        holdfast.Delivery `json:"state"`
	Attempts     int               `json:"attempts"`
	DueAt        time.Time         `json:"due_at,omitzero"`
	Code         string            `json:"code,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	Doubled      bool              `json:"doubled,omitempty" doc:"It may have reached the customer twice."`
	Preview      string            `json:"preview"`
	Letter       holdfast.Purpose  `json:"letter,omitempty" doc:"What it is for, when it is no conversation's message: transcript, digest or alarm."`
	At           time.Time         `json:"at"`
	LSN          holdfast.LSN      `json:"lsn"`
}

const previewLength = 140 // characters

// stateNow is a row's state as people see it: a lease means that it is being sent.
const stateNow = "CASE WHEN l.message IS NOT NULL THEN 'sending' ELSE o.state END"

// List reads a page of a workspace's outbox, the newest first, before an LSN
// (0: the newest), of one state and one channel account or (zero) any.
func (w *Worker) List(ctx context.Context, workspace holdfast.ID, state holdfast.Delivery, account holdfast.ID, before holdfast.LSN, limit int) ([]Item, error) {
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	if before <= 0 {
		before = 1<<62 - 1
	}
	where := []string{"o.workspace = $1", "o.lsn > 0", "o.lsn < $2"}
	args := []any{workspace, before}
	switch state {
	case "":
	case holdfast.Sending:
		where = append(where, "l.message IS NOT NULL")
	case holdfast.Queued, holdfast.RetryWait:
		args = append(args, state)
		where = append(where, fmt.Sprintf("o.state = $%d", len(args)), "l.message IS NULL")
	case holdfast.Accepted, holdfast.Delivered, holdfast.Seen, holdfast.Failed, holdfast.Parked, holdfast.Held, holdfast.Cancelled:
		args = append(args, state)
		where = append(where, fmt.Sprintf("o.state = $%d", len(args)))
	default:
		return nil, holdfast.Errorf(holdfast.Invalid, "outbox.state_unknown", "%q is not a state of the outbox", clip(string(state), 32)).WithField("state").
			WithNext("Use queued, sending, retry_wait, accepted, delivered, seen, failed, unknown, held or cancelled.")
	}
	if !account.IsZero() {
		args = append(args, account)
		where = append(where, fmt.Sprintf("o.channel = $%d", len(args)))
	}
	args = append(args, limit)
	rows, err := w.db.Query(ctx, fmt.Sprintf(`SELECT o.message, o.conversation, COALESCE(c.number, 0), o.channel, o.scheme, o.address, COALESCE(m.address_name, t.recipient, ''), COALESCE(m.address, ''),
			%s, o.attempts, o.due_at, o.code, o.reason, o.doubled, substr(COALESCE(m.text, t.subject, ''), 1, %d), COALESCE(m.at, t.created_at, 0), o.lsn, COALESCE(t.purpose, '')
		FROM outbox o LEFT JOIN lease l ON l.message = o.message LEFT JOIN message m ON m.id = o.message LEFT JOIN letter t ON t.message = o.message LEFT JOIN conversation c ON c.id = o.conversation
		WHERE %s ORDER BY o.lsn DESC LIMIT $%d`, stateNow, previewLength, strings.Join(where, " AND "), len(args)), args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, i *Item) error {
		var address string
		err := r.Scan(&i.Message, &i.Conversation, &i.Number, &i.Channel, &i.To.Scheme, &i.To.Value, &i.To.Name, &address,
			&i.State, &i.Attempts, &i.DueAt, &i.Code, &i.Reason, &i.Doubled, &i.Preview, &i.At, &i.LSN, &i.Letter)
		if i.Conversation == i.Message {
			i.Conversation = holdfast.ID{} // a letter about none
		}
		if address != i.To.Value && i.Letter == "" { // re-routed: the name was somebody's of the old address
			i.To.Name = ""
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	breakers := w.Breakers()
	for i := range list {
		it := &list[i]
		if it.State != holdfast.Queued && it.State != holdfast.RetryWait {
			continue
		}
		if b := breakers[it.Channel]; b.State != "" && b.State != "closed" && it.Code == "" {
			it.Code, it.Reason = b.Code, b.Reason
			if b.Until.After(it.DueAt) {
				it.DueAt = b.Until
			}
		}
	}
	return list, nil
}

// Totals are the sizes of what a workspace's outbox has in hand.
type Totals struct {
	Queued    int       `json:"queued"`
	Sending   int       `json:"sending"`
	RetryWait int       `json:"retry_wait"`
	Unknown   int       `json:"unknown" doc:"Maybe sent; somebody must decide."`
	Held      int       `json:"held"`
	Failed    int       `json:"failed"`
	Oldest    time.Time `json:"oldest,omitzero" doc:"When the message that waits longest was written."`
}

// Totals counts a workspace's messages that have not gone, by state.
func (w *Worker) Totals(ctx context.Context, workspace holdfast.ID) (Totals, error) {
	var t Totals
	rows, err := w.db.Query(ctx, "SELECT "+stateNow+`, count(*), COALESCE(MIN(COALESCE(m.at, t.created_at)), 0) FROM outbox o
			LEFT JOIN lease l ON l.message = o.message LEFT JOIN message m ON m.id = o.message LEFT JOIN letter t ON t.message = o.message
		WHERE o.workspace = $1 AND o.state IN ('queued', 'retry_wait', 'unknown', 'held', 'failed') GROUP BY 1`, workspace)
	if err != nil {
		return t, err
	}
	defer rows.Close()
	for rows.Next() {
		var state holdfast.Delivery
		var n int
		var oldest time.Time
		if err := rows.Scan(&state, &n, &oldest); err != nil {
			return t, err
		}
		switch state {
		case holdfast.Queued:
			t.Queued = n
		case holdfast.Sending:
			t.Sending = n
		case holdfast.RetryWait:
			t.RetryWait = n
		case holdfast.Parked:
			t.Unknown = n
		case holdfast.Held:
			t.Held = n
		case holdfast.Failed:
			t.Failed = n
		}
		switch state {
		case holdfast.Queued, holdfast.Sending, holdfast.RetryWait:
			if t.Oldest.IsZero() || oldest.Before(t.Oldest) {
				t.Oldest = oldest
			}
		}
	}
	return t, rows.Err()
}

// Exchange is what was said to a provider about a message, and how it ended.
type Exchange struct {
	At      time.Time           `json:"at"`
	Outcome string              `json:"outcome" doc:"accepted, temporary, throttled, permanent, blocked, broken, unknown or repeatable."`
	TookMS  int64               `json:"took_ms"`
	Lines   []channel.TraceLine `json:"lines"`
}

// Exchanges lists a message's exchanges, the first one first. They hold what the
// provider said, redacted; reading them needs its own permission.
func (w *Worker) Exchanges(ctx context.Context, workspace, message holdfast.ID) ([]Exchange, error) {
	rows, err := w.db.Query(ctx, "SELECT at, outcome, took, lines FROM exchange WHERE message = $1 AND workspace = $2 ORDER BY at, id LIMIT 500", message, workspace)
	return store.Collect(rows, err, func(r *store.Rows, x *Exchange) error {
		var lines []byte
		if err := r.Scan(&x.At, &x.Outcome, &x.TookMS, &lines); err != nil {
			return err
		}
		if err := json.Unmarshal(lines, &x.Lines); err != nil {
			return fmt.Errorf("an exchange of message %s: %w", message, err)
		}
		if x.Lines == nil {
			x.Lines = []channel.TraceLine{}
		}
		return nil
	})
}

// Forget drops records of what was said to providers before a time. The
// messages and how far they have come stay.
func (w *Worker) Forget(ctx context.Context, before time.Time) error {
	return w.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec(`DELETE FROM letter WHERE created_at < $1 AND message NOT IN
			(SELECT message FROM outbox WHERE state IN ('queued', 'retry_wait', 'unknown', 'held'))`, before); err != nil {
			return err
		}
		// A message that may still be sent again is decided by its exchanges.
		return tx.Exec(`DELETE FROM exchange WHERE at < $1 AND message NOT IN
			(SELECT message FROM outbox WHERE state IN ('queued', 'retry_wait', 'unknown', 'held'))`, before)
	})
}
