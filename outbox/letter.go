package outbox

import (
	"context"
	"errors"
	"strings"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/journal"
	"holdfast/store"
)

// letterMax bounds a letter's text, in bytes.
const letterMax = 512 << 10

// Letter is what is sent by a mailbox and is no message of a conversation. It goes
// the way of all messages: it waits, is leased, tried again, and is seen in the
// outbox. Its words are not in the journal and are dropped with its exchanges.
type Letter struct {
	ID           holdfast.ID // the same id twice is one letter
	Purpose      holdfast.Purpose
	Conversation holdfast.ID // that it is about; zero for none
	Channel      holdfast.ID // the mailbox
	To           holdfast.Address
	Subject      string
	Text         string
	HTML         string // our own; "" to have it made of the text
	Unsubscribe  string // where such mail is refused with one click
	Life         time.Duration
	Customer     holdfast.ID // whom it is for; zero when that is no customer
	Bulk         bool        // one of very many: it leaves a part of the channel to one-to-one service
}

// Post queues a letter. What also holds, when it is not nil, is done in the same
// transaction, and only when the letter is new. Errors: Invalid, TooLarge, Unavailable.
func (w *Worker) Post(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, l Letter, also func(tx *store.Tx) error) error {
	_, err := w.journal.Do(ctx, journal.Command{Workspace: workspace, Actor: actor, Run: func(tx *journal.Tx) error {
		fresh, err := w.Put(tx, l)
		if err != nil || !fresh || also == nil {
			return err
		}
		return also(tx.Tx)
	}})
	return err
}

// Put is Post within a command of the caller's, for many at once. It reports
// whether the letter is new.
func (w *Worker) Put(tx *journal.Tx, l Letter) (fresh bool, err error) {
	if l.ID.IsZero() || l.Channel.IsZero() || l.To.Value == "" || strings.TrimSpace(l.Text) == "" {
		return false, holdfast.Errorf(holdfast.Invalid, "letter.incomplete", "a letter needs an id, a mailbox, an address and a text")
	}
	if len(l.Text) > letterMax || len(l.HTML) > letterMax*2 {
		return false, holdfast.Errorf(holdfast.TooLarge, "letter.too_long", "this is too much for one letter")
	}
	var one int
	err = tx.QueryRow("SELECT 1 FROM letter WHERE message = $1", l.ID).Scan(&one)
	if !errors.Is(err, store.ErrNoRows) {
		return false, err // it was queued already
	}
	err = tx.Exec(`INSERT INTO letter (message, workspace, purpose, recipient, subject, text, html, unsubscribe, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		l.ID, tx.Workspace(), l.Purpose, clip(l.To.Name, 200), clip(l.Subject, 998), store.Text(l.Text), store.Text(l.HTML), l.Unsubscribe, tx.Now)
	if err != nil {
		return false, err
	}
	subject := l.Conversation
	if subject.IsZero() {
		subject = l.ID
	}
	body := &holdfast.LetterQueued{Message: l.ID, Purpose: l.Purpose, Channel: l.Channel, To: holdfast.Address{Scheme: l.To.Scheme, Value: l.To.Value}, Customer: l.Customer, Bulk: l.Bulk}
	if l.Life > 0 {
		body.ExpiresAt = tx.Now.Add(l.Life)
	}
	_, err = tx.Append(subject, body)
	return true, err
}

// letter reads what the adapter needs of one. The error is NotFound when its words
// are gone.
func (w *Worker) letter(ctx context.Context, d due, account holdfast.ID, kind *channel.Kind) (*channel.Outbound, error) {
	out := &channel.Outbound{ID: d.message, Automatic: true, Trace: &channel.Trace{}}
	var written holdfast.ID
	err := w.db.QueryRow(ctx, `SELECT t.recipient, t.subject, t.text, t.html, t.unsubscribe, t.created_at, o.conversation, o.scheme, o.address, COALESCE(c.number, 0)
		FROM letter t JOIN outbox o ON o.message = t.message LEFT JOIN conversation c ON c.id = o.conversation
		WHERE t.message = $1 AND t.workspace = $2 AND o.workspace = $2`, d.message, d.workspace).
		Scan(&out.To.Name, &out.Subject, &out.Text, &out.HTML, &out.Unsubscribe, &out.At, &out.Conversation, &out.To.Scheme, &out.To.Value, &out.Number)
	if errors.Is(err, store.ErrNoRows) {
		return nil, holdfast.Errorf(holdfast.NotFound, "message.missing", "there is no such message in this workspace's outbox")
	}
	if out.Conversation == d.message {
		out.Conversation = holdfast.ID{} // it is about none
	}
	if err != nil {
		return out, err
	}
	// The first way that it left is the one it was written for.
	err = w.db.QueryRow(ctx, "SELECT from_channel FROM leg WHERE message = $1 ORDER BY stamp LIMIT 1", d.message).Scan(&written)
	if errors.Is(err, store.ErrNoRows) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	return out, w.another(ctx, d.workspace, account, written, kind, out)
}
