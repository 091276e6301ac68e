package outbox

import (
	"context"
	"errors"
	"html"
	"strings"

	"holdfast"
	"holdfast/channel"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
)

// leg keeps that a message was sent another way.
func leg(tx *store.Tx, e *holdfast.Entry, b *holdfast.MessageRerouted) error {
	return tx.Exec(`INSERT INTO {leg} (message, stamp, workspace, conversation, at, from_channel, from_scheme, from_address, accepted, external_id,
			channel, scheme, address, why, code, reason, line, files, subject, thread)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) ON CONFLICT (message, stamp) DO NOTHING`,
		b.Message, store.Stamp(e), e.Workspace, e.Subject, e.At, b.From, clip(b.FromAddress.Scheme, 100), clip(b.FromAddress.Value, 998), b.Accepted, clip(b.ExternalID, 998),
		b.To, clip(b.Address.Scheme, 100), clip(b.Address.Value, 998), clip(b.Why, 32), clip(b.Code, 100), clip(b.Reason, 1000), clip(b.Line, 1000), clip(b.Files, 8000),
		clip(b.Subject, 998), store.Text(strings.Join(b.Thread, "\n")))
}

// limited keeps a lane's limit; the latest word counts.
func limited(tx *store.Tx, e *holdfast.Entry, b *holdfast.LaneLimited) error {
	return tx.Exec(`INSERT INTO {lane_limit} (channel, workspace, count, per, stamp) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (channel) DO UPDATE SET count = excluded.count, per = excluded.per, stamp = excluded.stamp
		WHERE {lane_limit}.workspace = excluded.workspace AND excluded.stamp > {lane_limit}.stamp`,
		e.Subject, e.Workspace, b.Count, b.Window().Milliseconds(), store.Stamp(e))
}

// Move is another way for a message.
type Move struct {
	Message holdfast.ID
	// From is the way that it was found on; where it is on another by now, nothing is done.
	From    holdfast.ID
	Channel holdfast.ID
	To      holdfast.Address
	Why     string
	Code    string
	Reason  string
	Line    string // for the customer
	Files   string // instead of the files
	Subject string
	// Once moves only what surely has not been accepted.
	Once bool
}

// Reroute sends a message that waits, has failed or was not delivered another way.
// It reports false when that is not so any more: it is being sent, has arrived, or
// is on another way. Errors: NotFound.
func (w *Worker) Reroute(ctx context.Context, workspace holdfast.ID, m Move) (moved bool, err error) {
	_, err = w.journal.Do(ctx, journal.Command{Workspace: workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		moved = false
		r, err := readRow(tx.Tx, m.Message)
		if errors.Is(err, store.ErrNoRows) || err == nil && (r.workspace != workspace || r.lsn == 0 || r.channel != m.From) {
			return nil
		}
		if err != nil {
			return err
		}
		var busy, unsure int
		if err := tx.QueryRow(`SELECT (SELECT count(*) FROM lease WHERE message = $1), (SELECT count(*) FROM exchange WHERE message = $1 AND outcome IN ('unknown', 'repeatable'))`, m.Message).Scan(&busy, &unsure); err != nil || busy > 0 {
			return err
		}
		accepted := r.state == holdfast.Accepted
		switch r.state {
		case holdfast.Queued, holdfast.RetryWait, holdfast.Failed:
		case holdfast.Accepted, holdfast.Parked:
			if m.Once {
				return nil
			}
		default:
			return nil
		}
		if m.Once && (unsure > 0 || r.sentLSN > 0) {
			return nil
		}
		if err := hasAccount(tx.Tx, workspace, m.Channel); err != nil {
			return err
		}
		thread, err := inbox.Thread(tx.Tx, workspace, r.conversation, m.Channel, 20)
		if err != nil {
			return err
		}
		_, err = tx.Append(r.conversation, &holdfast.MessageRerouted{Message: m.Message, From: r.channel, FromAddress: holdfast.Address{Scheme: r.scheme, Value: r.address},
			Accepted: accepted, ExternalID: r.externalID, To: m.Channel, Address: m.To, Why: m.Why, Code: m.Code, Reason: m.Reason,
			Line: m.Line, Files: m.Files, Subject: m.Subject, Thread: thread})
		moved = err == nil
		return err
	}})
	return moved, err
}

// Stay drops a leg of a message that has not started, because the way before it,
// which had accepted the message, is enough. It reports whether there was one.
func (w *Worker) Stay(ctx context.Context, workspace, message holdfast.ID, why string) (stayed bool, err error) {
	_, err = w.journal.Do(ctx, journal.Command{Workspace: workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		stayed = false
		var conversation holdfast.ID
		b := &holdfast.MessageStayed{Message: message, Why: why}
		err := tx.QueryRow(`SELECT o.conversation, g.from_channel, g.from_scheme, g.from_address FROM outbox o JOIN leg g ON g.message = o.message AND g.channel = o.channel
			WHERE o.message = $1 AND o.workspace = $2 AND o.state IN ('queued', 'retry_wait') AND g.accepted
				AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.message = o.message) ORDER BY g.stamp DESC LIMIT 1`, message, workspace).
			Scan(&conversation, &b.Channel, &b.To.Scheme, &b.To.Value)
		if errors.Is(err, store.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = tx.Append(conversation, b)
		stayed = err == nil
		return err
	}})
	return stayed, err
}

// another fits what was written for one way to the one that it goes by now.
func (w *Worker) another(ctx context.Context, workspace, account, written holdfast.ID, kind *channel.Kind, out *channel.Outbound) error {
	if account == written || kind == nil {
		return nil
	}
	var line, files, subject, thread string
	err := w.db.QueryRow(ctx, "SELECT line, files, subject, thread FROM leg WHERE message = $1 AND workspace = $2 AND channel = $3 ORDER BY stamp DESC LIMIT 1", out.ID, workspace, account).
		Scan(&line, &files, &subject, &thread)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return err
	}
	// What it was called and answered is the other way's; here it would mean nothing.
	out.ExternalID, out.Thread, out.CC, out.BCC, out.Rerouted = "", nil, nil, nil, true
	if thread != "" {
		out.Thread = strings.Split(thread, "\n")
	}
	if !carries(kind.Limits, out.Attachments) && files == "" {
		files = names(out.Attachments) // an operator has sent it this way: what does not go with it is named
	}
	out.Text, out.HTML, out.Subject = reworded(out.Text, out.HTML, out.Subject, line, files, subject, kind.Limits)
	if files != "" {
		out.Attachments = nil
	}
	return nil
}

// carries reports whether files can go along.
func carries(l channel.Limits, files []holdfast.Attachment) bool {
	if len(files) > l.Attachments {
		return false
	}
	for _, f := range files {
		if l.AttachmentBytes > 0 && f.Size > l.AttachmentBytes {
			return false
		}
	}
	return true
}

func names(files []holdfast.Attachment) string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = "📎 " + f.Name
	}
	return strings.Join(list, "\n")
}

// reworded adds the line that tells the customer why this comes another way, as it
// is done there: before the text of a letter, behind that of a short message. It
// always begins with what was written, so that nothing is added twice.
func reworded(text, formatted, subject, line, files, title string, limits channel.Limits) (string, string, string) {
	switch {
	case !limits.Subject:
		subject = ""
	case subject == "":
		subject = title
	}
	if !limits.HTML {
		formatted = ""
	}
	if files != "" {
		text = strings.TrimSpace(text + "\n" + files)
	}
	if formatted != "" {
		if line != "" {
			formatted = "<p>" + html.EscapeString(line) + "</p>" + formatted
		}
		if files != "" {
			formatted += "<p>" + strings.ReplaceAll(html.EscapeString(files), "\n", "<br>") + "</p>"
		}
	}
	if line == "" {
		return text, formatted, subject
	}
	if limits.Subject {
		return line + "\n\n" + text, formatted, subject
	}
	return text + "\n(" + line + ")", formatted, subject
}

// refused reports whether the person at an address has said no to what goes there.
// An answer to what came from that address is what they asked for themselves.
func refused(tx *store.Tx, a *attempt, to holdfast.Address) (bool, error) {
	purpose := holdfast.ForService
	if a.bulk {
		purpose = holdfast.ForNotices
	}
	var given bool
	err := tx.QueryRow("SELECT given FROM consent WHERE workspace = $1 AND scheme = $2 AND value = $3 AND purpose = $4", a.workspace, to.Scheme, to.Value, purpose).Scan(&given)
	if errors.Is(err, store.ErrNoRows) || err != nil || given {
		return false, ignore(err)
	}
	if a.automatic {
		return true, nil
	}
	var wrote bool
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM message m WHERE m.workspace = $1 AND m.conversation IN (SELECT k.id FROM conversation k WHERE k.id = $2 OR k.merged = $2)
		AND m.direction = 'in' AND m.address = $3)`, a.workspace, a.conversation, to.Value).Scan(&wrote)
	return !wrote, err
}

func ignore(err error) error {
	if errors.Is(err, store.ErrNoRows) {
		return nil
	}
	return err
}

// refusedCode is what a message fails with that somebody does not want.
const refusedCode = "consent.withdrawn"
