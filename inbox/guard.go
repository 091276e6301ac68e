package inbox

import (
	"context"
	"errors"
	"time"

	"holdfast"
	"holdfast/store"
)

// What a reply must know of what happens beside it.

// said is what others have said in conversation $2 since entry $3: the customer, and
// whoever is not operator $4. Automatic messages have no author and tell nobody
// anything new.
const said = ` FROM message m WHERE m.workspace = $1 AND m.conversation IN (SELECT k.id FROM conversation k WHERE k.id = $2 OR k.merged = $2) AND m.lsn > $3
	AND (m.direction = 'in' OR m.direction = 'out' AND m.author IS NOT NULL AND m.author <> $4)
	AND NOT EXISTS (SELECT 1 FROM message_fate f WHERE f.message = m.id AND f.withdrawn)`

// somebody is an operator's id for comparing; a program has one that nobody has.
func somebody(operator holdfast.ID) holdfast.ID {
	if operator.IsZero() {
		return holdfast.ID{0xff}
	}
	return operator
}

// SaidSince counts the messages of others in a conversation after an entry.
func SaidSince(tx *store.Tx, workspace, conversation, operator holdfast.ID, seen holdfast.LSN) (n int, err error) {
	err = tx.QueryRow("SELECT count(*)"+said, workspace, conversation, seen, somebody(operator)).Scan(&n)
	return n, err
}

// Since lists the messages of others in a conversation after an entry, the oldest
// first, at most 50.
func (b *Inbox) Since(ctx context.Context, workspace, conversation, operator holdfast.ID, seen holdfast.LSN) ([]Message, error) {
	rows, err := b.db.Query(ctx, "SELECT "+messageColumns+" WHERE m.lsn IN (SELECT m.lsn"+said+" ORDER BY m.lsn LIMIT 50) ORDER BY m.clock, m.lsn", workspace, conversation, seen, somebody(operator))
	return store.Collect(rows, err, scanMessage)
}

// LastChannel is the channel of the customer's latest message in a conversation; zero when there is none.
func (b *Inbox) LastChannel(ctx context.Context, workspace, conversation holdfast.ID) (id holdfast.ID, err error) {
	err = b.db.QueryRow(ctx, `SELECT m.channel FROM message m WHERE m.workspace = $1 AND m.conversation IN (SELECT k.id FROM conversation k WHERE k.id = $2 OR k.merged = $2)
		AND m.direction = 'in' ORDER BY m.clock DESC LIMIT 1`, workspace, conversation).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		return id, nil
	}
	return id, err
}

// HeldUntil is when the last of a conversation's messages on a channel falls due that
// waits between two times; zero when none does.
func HeldUntil(tx *store.Tx, conversation, channel holdfast.ID, from, to time.Time) (due time.Time, err error) {
	err = tx.QueryRow("SELECT COALESCE(MAX(due_at), 0) FROM outbox WHERE conversation = $1 AND channel = $2 AND state = 'queued' AND due_at > $3 AND due_at <= $4",
		conversation, channel, from, to).Scan(&due)
	return due, err
}

// Queued is how an outbound message waits.
type Queued struct {
	Conversation holdfast.ID // as the outbox knows it
	State        holdfast.Delivery
	Due          time.Time
	Leased       bool // an attempt to send it may be happening
}

// FindWaiting reads how an outbound message waits. The error is NotFound.
func FindWaiting(tx *store.Tx, workspace, message holdfast.ID) (q Queued, err error) {
	err = tx.QueryRow(`SELECT o.conversation, o.state, o.due_at, l.message IS NOT NULL FROM outbox o LEFT JOIN lease l ON l.message = o.message
		WHERE o.message = $1 AND o.workspace = $2 AND o.lsn > 0`, message, workspace).Scan(&q.Conversation, &q.State, &q.Due, &q.Leased)
	if errors.Is(err, store.ErrNoRows) {
		return q, notFound("message")
	}
	return q, err
}

// Strangers are those of the operators who do not belong to a workspace and never did.
func Strangers(tx *store.Tx, workspace holdfast.ID, operators []holdfast.ID) (list []holdfast.ID, err error) {
	for _, id := range operators {
		var member bool
		if err := tx.QueryRow("SELECT EXISTS (SELECT 1 FROM member WHERE workspace = $1 AND operator = $2)", workspace, id).Scan(&member); err != nil {
			return nil, err
		}
		if !member {
			list = append(list, id)
		}
	}
	return list, nil
}

// HasDraft reports whether an operator has typed something there.
func HasDraft(tx *store.Tx, operator, conversation holdfast.ID) (bool, error) {
	var n int
	err := tx.QueryRow("SELECT count(*) FROM draft WHERE operator = $1 AND conversation = $2 AND text <> ''", operator, conversation).Scan(&n)
	return n > 0, err
}
