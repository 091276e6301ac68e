package inbox

import (
	"errors"

	"holdfast"
	"holdfast/store"
)

// place is where message $1 belongs that was written into conversation $2: it may
// have been moved before it came here.
const place = `COALESCE((SELECT f.conversation FROM {message_fate} f WHERE f.message = $1 AND f.conversation IS NOT NULL), $2)`

const insertMessage = `INSERT INTO {message} (lsn, id, workspace, conversation, clock, at, direction, customer, channel, author,
		address, address_name, subject, text, rest, html, external_id, extra, raw, forwarded)
	VALUES ($1, $2, $3, COALESCE((SELECT f.conversation FROM {message_fate} f WHERE f.message = $2 AND f.conversation IS NOT NULL), $4),
		$5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
	ON CONFLICT (id) DO NOTHING`

// The sums of a conversation over its messages are each a greatest or a smallest, so
// that they can be joined message by message: $4 is the message's clock, $5 its
// preview, $6 a time. The preview is the latest message's; last_clock also moves
// when a conversation is opened, so it is not what the preview goes by.
const (
	ifLatest = ` CASE WHEN $4 > {conversation}.last_in_clock AND $4 > {conversation}.last_out_clock THEN `
	latest   = `preview =` + ifLatest + `$5 ELSE {conversation}.preview END,
		last_clock = CASE WHEN $4 > {conversation}.last_clock THEN $4 ELSE {conversation}.last_clock END`
	joinIn = `first_in_at = CASE WHEN {conversation}.first_in_at = 0 OR $6 < {conversation}.first_in_at THEN $6 ELSE {conversation}.first_in_at END,
		state = CASE WHEN {conversation}.status NOT IN ('open', 'closed') AND
			($4 > {conversation}.status_clock OR {conversation}.last_in_clock > {conversation}.status_clock) THEN 'open' ELSE {conversation}.status END,
		last_in_clock = CASE WHEN $4 > {conversation}.last_in_clock THEN $4 ELSE {conversation}.last_in_clock END,
		preview_dir =` + ifLatest + `'in' ELSE {conversation}.preview_dir END, ` + latest
	joinOut = `first_reply_at = CASE WHEN CAST($6 AS BIGINT) > 0 AND ({conversation}.first_reply_at = 0 OR $6 < {conversation}.first_reply_at) THEN $6 ELSE {conversation}.first_reply_at END,
		last_out_clock = CASE WHEN $4 > {conversation}.last_out_clock THEN $4 ELSE {conversation}.last_out_clock END,
		preview_dir =` + ifLatest + `'out' ELSE {conversation}.preview_dir END, ` + latest
	insertIn = `INSERT INTO {conversation} (id, workspace, first_in_at, last_in_clock, last_clock, preview, preview_dir)
		VALUES (` + place + `, $3, $6, $4, $4, $5, 'in') ON CONFLICT (id) DO UPDATE SET ` + joinIn
	insertOut = `INSERT INTO {conversation} (id, workspace, first_reply_at, last_out_clock, last_clock, preview, preview_dir)
		VALUES (` + place + `, $3, $6, $4, $4, $5, 'out') ON CONFLICT (id) DO UPDATE SET ` + joinOut
	// A merged conversation's messages count for the one that it is shown as, too.
	shownAs = ` WHERE id = (SELECT k.merged FROM {conversation} k WHERE k.id = ` + place + `) AND workspace = $3`
)

func received(tx *store.Tx, e *holdfast.Entry, b *holdfast.MessageReceived) error {
	x := extra{To: b.To, CC: b.CC, Attachments: b.Attachments, Marks: b.Marks, Language: b.Language, SentAt: b.SentAt,
		Remote: b.Remote, Thread: b.Thread, Scheme: b.From.Scheme}
	err := tx.Exec(insertMessage, e.LSN, b.Message, e.Workspace, e.Subject, e.Clock, e.At, holdfast.Inbound, b.Customer, b.Channel, holdfast.ID{},
		b.From.Value, clip(b.From.Name, 200), clip(b.Subject, 998), store.Text(b.Text), store.Text(b.Rest), store.Text(b.HTML), nullable(b.ExternalID), x.encode(), b.Raw, holdfast.ID{})
	if err != nil {
		return err
	}
	args := []any{b.Message, e.Subject, e.Workspace, e.Clock, preview(b.Text, b.Attachments), e.At}
	if err := tx.Exec(insertIn, args...); err != nil {
		return err
	}
	return tx.Exec("UPDATE {conversation} SET "+joinIn+shownAs, args...)
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return clip(s, 998)
}

func queued(tx *store.Tx, e *holdfast.Entry, b *holdfast.MessageQueued) error {
	x := extra{CC: b.CC, BCC: b.BCC, Attachments: b.Attachments, Automatic: b.Automatic, Thread: b.Thread, Scheme: b.To.Scheme}
	err := tx.Exec(insertMessage, e.LSN, b.Message, e.Workspace, e.Subject, e.Clock, e.At, holdfast.Outbound, b.Customer, b.Channel, b.Author,
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
	args := []any{b.Message, e.Subject, e.Workspace, e.Clock, preview(b.Text, b.Attachments), replied}
	if err := tx.Exec(insertOut, args...); err != nil {
		return err
	}
	return tx.Exec("UPDATE {conversation} SET "+joinOut+shownAs, args...)
}

// answers reports whether an outbound message counts as a person's reply.
func answers(author holdfast.ID, automatic bool, forwarded holdfast.ID) bool {
	return !author.IsZero() && !automatic && forwarded.IsZero()
}
