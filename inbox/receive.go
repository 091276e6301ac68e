package inbox

import (
	"errors"

	"holdfast"
	"holdfast/store"
)

// insertMessage puts message $1 into conversation $2.
var insertMessage = placing(`INSERT INTO {message} (id, conversation, workspace, lsn, clock, at, direction, customer, channel, author,
		address, address_name, subject, text, rest, html, external_id, extra, raw, forwarded)
	VALUES ($1, `, "$1", "$2", `, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
	ON CONFLICT (id) DO NOTHING`)

// The sums of a conversation over its messages are each a greatest or a smallest, so
// that they can be joined message by message: $1 is the conversation, $2 its
// workspace, $3 the message's clock, $4 its preview, $5 a time, $6 the message. The
// preview is the latest message's; last_clock also moves when a conversation is
// opened, so it is not what the preview goes by.
const (
	ifLatest = ` CASE WHEN $3 > {conversation}.last_in_clock AND $3 > {conversation}.last_out_clock THEN `
	latest   = `preview =` + ifLatest + `$4 ELSE {conversation}.preview END,
		last_clock = CASE WHEN $3 > {conversation}.last_clock THEN $3 ELSE {conversation}.last_clock END`
	joinIn = `first_in_at = CASE WHEN {conversation}.first_in_at = 0 OR $5 < {conversation}.first_in_at THEN $5 ELSE {conversation}.first_in_at END,
		state = CASE WHEN {conversation}.status NOT IN ('open', 'closed') AND
			($3 > {conversation}.status_clock OR {conversation}.last_in_clock > {conversation}.status_clock) THEN 'open' ELSE {conversation}.status END,
		last_in_clock = CASE WHEN $3 > {conversation}.last_in_clock THEN $3 ELSE {conversation}.last_in_clock END,
		preview_dir =` + ifLatest + `'in' ELSE {conversation}.preview_dir END, ` + latest
	joinOut = `first_reply_at = CASE WHEN CAST($5 AS BIGINT) > 0 AND ({conversation}.first_reply_at = 0 OR $5 < {conversation}.first_reply_at) THEN $5 ELSE {conversation}.first_reply_at END,
		last_out_clock = CASE WHEN $3 > {conversation}.last_out_clock THEN $3 ELSE {conversation}.last_out_clock END,
		preview_dir =` + ifLatest + `'out' ELSE {conversation}.preview_dir END, ` + latest
)

var (
	insertIn = placing(`INSERT INTO {conversation} (id, workspace, last_in_clock, last_clock, preview, first_in_at, preview_dir)
		VALUES (`, "$6", "$1", `, $2, $3, $3, $4, $5, 'in') ON CONFLICT (id) DO UPDATE SET `+joinIn)
	insertOut = placing(`INSERT INTO {conversation} (id, workspace, last_out_clock, last_clock, preview, first_reply_at, preview_dir)
		VALUES (`, "$6", "$1", `, $2, $3, $3, $4, $5, 'out') ON CONFLICT (id) DO UPDATE SET `+joinOut)
	// A merged conversation's messages count for the one that it is shown as, too.
	shownIn  = placing("UPDATE {conversation} SET "+joinIn+" WHERE workspace = $2 AND id = (SELECT k.merged FROM {conversation} k WHERE k.id = ", "$6", "$1", ")")
	shownOut = placing("UPDATE {conversation} SET "+joinOut+" WHERE workspace = $2 AND id = (SELECT k.merged FROM {conversation} k WHERE k.id = ", "$6", "$1", ")")
)

// put keeps a message; columns are those of insertMessage from the direction on.
func (o *oddity) put(tx *store.Tx, e *holdfast.Entry, message holdfast.ID, columns ...any) error {
	return tx.Exec(o.of(insertMessage), append([]any{message, e.Subject, e.Workspace, e.LSN, e.Clock, e.At}, columns...)...)
}

// count adds a message to the sums of its conversation, and of the one that this is shown as.
func (o *oddity) count(tx *store.Tx, insert, shown statement, e *holdfast.Entry, preview string, at any, message holdfast.ID) error {
	args := []any{e.Subject, e.Workspace, e.Clock, preview, at}
	if o.moved {
		args = append(args, message)
	}
	if err := tx.Exec(o.of(insert), args...); err != nil || !o.merged {
		return err
	}
	return tx.Exec(o.of(shown), args...)
}

// arriving is what a customer's message becomes in our tables, as far as its entry alone says.
type arriving struct {
	name, subject, text, rest, html, preview string
	external                                 any
	extra                                    []byte
}

func arrive(b *holdfast.MessageReceived) *arriving {
	x := extra{To: b.To, CC: b.CC, Attachments: b.Attachments, Marks: b.Marks, Language: b.Language, SentAt: b.SentAt,
		Remote: b.Remote, Thread: b.Thread, Scheme: b.From.Scheme}
	return &arriving{name: clip(b.From.Name, 200), subject: clip(b.Subject, 998), text: store.Text(b.Text), rest: store.Text(b.Rest), html: store.Text(b.HTML),
		preview: preview(b.Text, b.Attachments), external: nullable(b.ExternalID), extra: x.encode()}
}

// Prepare works out the columns of a customer's message.
func (*Inbox) Prepare(_ holdfast.ID, body holdfast.Body) any {
	if b, ok := body.(*holdfast.MessageReceived); ok {
		return arrive(b)
	}
	return nil
}

// ApplyPrepared is Apply with what Prepare worked out.
func (in *Inbox) ApplyPrepared(tx *store.Tx, e *holdfast.Entry, ready any) error {
	if a, ok := ready.(*arriving); ok {
		return received(tx, e, e.Body.(*holdfast.MessageReceived), a)
	}
	return in.Apply(tx, e)
}

func received(tx *store.Tx, e *holdfast.Entry, b *holdfast.MessageReceived, a *arriving) error {
	rare, err := oddities(tx)
	if err != nil {
		return err
	}
	err = rare.put(tx, e, b.Message, holdfast.Inbound, b.Customer, b.Channel, holdfast.ID{},
		b.From.Value, a.name, a.subject, a.text, a.rest, a.html, a.external, a.extra, b.Raw, holdfast.ID{})
	if err != nil {
		return err
	}
	return rare.count(tx, insertIn, shownIn, e, a.preview, e.At, b.Message)
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return clip(s, 998)
}

func queued(tx *store.Tx, e *holdfast.Entry, b *holdfast.MessageQueued) error {
	x := extra{CC: b.CC, BCC: b.BCC, Attachments: b.Attachments, Automatic: b.Automatic, Thread: b.Thread, Scheme: b.To.Scheme}
	rare, err := oddities(tx)
	if err != nil {
		return err
	}
	err = rare.put(tx, e, b.Message, holdfast.Outbound, b.Customer, b.Channel, b.Author,
		b.To.Value, clip(b.To.Name, 200), clip(b.Subject, 998), store.Text(b.Text), "", store.Text(b.HTML), nullable(b.ExternalID), x.encode(), "", b.Forwarded)
	if err != nil {
		return err
	}
	if b.Then != "" {
		if err := setStatus(tx, e, e.Subject, b.Then, nil); err != nil {
			return err
		}
	}
	var gone bool // withdrawn, as an entry has said that came before this one
	err = tx.QueryRow("SELECT withdrawn FROM {message_fate} WHERE message = $1", b.Message).Scan(&gone)
	if err != nil && !errors.Is(err, store.ErrNoRows) || gone {
		return err
	}
	var replied int64
	if answers(b.Author, b.Automatic, b.Forwarded) {
		replied = e.At.UnixMilli()
	}
	return rare.count(tx, insertOut, shownOut, e, preview(b.Text, b.Attachments), replied, b.Message)
}

// answers reports whether an outbound message counts as a person's reply.
func answers(author holdfast.ID, automatic bool, forwarded holdfast.ID) bool {
	return !author.IsZero() && !automatic && forwarded.IsZero()
}
