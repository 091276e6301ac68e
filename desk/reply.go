package desk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
)

// Reply is an answer to a customer.
type Reply struct {
	ID          holdfast.ID // client-made; the same id twice is one reply
	Text        string
	HTML        string // already cleaned
	Subject     string
	Channel     holdfast.ID       // zero: where the customer wrote last
	To          *holdfast.Address // nil: who wrote last
	CC, BCC     []string
	Attachments []holdfast.Attachment
	Then        holdfast.Status // "" leaves the status
	NotBefore   time.Time       // zero: now
	Undo        time.Duration   // how long it is held back so that it can be taken back
	Automatic   bool
	Unsubscribe string // where such mail is refused with one click; "" for what cannot be
	// Seen is the newest entry its author had seen of the conversation, 0 when that
	// is not known. What a customer or a colleague has said since is an error, unless
	// the author knows and wants to send it Anyway.
	Seen   holdfast.LSN
	Anyway bool
	// Forwards is the message that this one passes on; then To is not the customer.
	Forwards holdfast.ID
}

// MaxUndo is the longest that a message is held back so that it can be taken back.
const MaxUndo = time.Minute

// lateness is how long a message that was put off may wait once it is due, for a
// channel that cannot take it then.
const lateness = 72 * time.Hour

// Changed is the error of a reply whose author had not seen what was said since:
// Conflict "conversation.changed".
type Changed struct {
	Why   *holdfast.Error
	Since []inbox.Message // the oldest first
}

func (c *Changed) Error() string { return c.Why.Error() }

// Unwrap is the error without the messages.
func (c *Changed) Unwrap() error { return c.Why }

// notBefore is when a reply may go, or zero for now.
func (r *Reply) notBefore(now time.Time) time.Time {
	if undo := now.Add(r.Undo); r.Undo > 0 && undo.After(r.NotBefore) {
		return undo
	}
	return r.NotBefore
}

// checkCopies refuses copies that the channel would drop without a word.
func checkCopies(ch Channel, r Reply) error {
	if !ch.Kind.Limits.CC && len(r.CC)+len(r.BCC) > 0 {
		return holdfast.Errorf(holdfast.Invalid, "reply.no_copies", "%s cannot send copies", ch.Name).WithField("cc").
			WithNext("Reply over e-mail, or leave the copies out.")
	}
	return nil
}

// prepare checks what needs no transaction and fills in the channel.
func (d *Desk) prepare(ctx context.Context, by By, c *inbox.Conversation, r *Reply) (Channel, error) {
	if r.ID.IsZero() {
		return Channel{}, holdfast.Errorf(holdfast.Invalid, "id.missing", "a reply needs an id").WithField("id").WithNext("Make a UUID and send the same one when you try again.")
	}
	if r.Channel.IsZero() {
		r.Channel = c.Channel
		// Several conversations in one may have come over several channels, and an answer
		// to what was sent another way comes that way.
		last, err := d.inbox.LastChannel(ctx, by.Workspace, c.ID)
		if err != nil {
			return Channel{}, err
		}
		if !last.IsZero() {
			r.Channel = last
		}
	}
	ch, err := d.lookup(ctx, by.Workspace, r.Channel)
	if err != nil {
		return Channel{}, err
	}
	if err := checkText(r.Text, r.Attachments, ch.Kind.Limits); err != nil {
		return Channel{}, err
	}
	if err := checkCopies(ch, *r); err != nil {
		return Channel{}, err
	}
	if !ch.Kind.Limits.HTML {
		r.HTML = ""
	}
	if r.Then != "" {
		if _, err := holdfast.ParseStatus(string(r.Then)); err != nil {
			return Channel{}, err
		}
	}
	if r.Undo < 0 || r.Undo > MaxUndo {
		return Channel{}, holdfast.Errorf(holdfast.Invalid, "reply.undo_too_long", "a reply can be held back for at most %d seconds", int(MaxUndo.Seconds())).WithField("undo")
	}
	return ch, nil
}

// Reply queues an answer and returns it as stored. Errors: NotFound, Invalid,
// TooLarge, Conflict "conversation.closed" and *Changed, Unavailable.
func (d *Desk) Reply(ctx context.Context, by By, conversation holdfast.ID, r Reply) (*inbox.Message, error) {
	c, err := d.inbox.Conversation(ctx, by.Workspace, conversation, by.Operator)
	if err != nil {
		return nil, err
	}
	ch, err := d.prepare(ctx, by, c, &r)
	if err != nil {
		return nil, err
	}
	changed := false
	_, err = d.do(ctx, by, func(tx *journal.Tx) error {
		changed = false
		if _, again, err := inbox.FindMessage(tx.Tx, by.Workspace, r.ID); err != nil || again {
			return err
		}
		if r.Seen > 0 && !r.Anyway {
			n, err := inbox.SaidSince(tx.Tx, by.Workspace, c.ID, by.Operator, r.Seen)
			if err != nil {
				return err
			}
			if changed = n > 0; changed {
				return errChanged(n)
			}
		}
		return d.queue(tx, by, conversation, ch, r, c.Draft != nil && !c.Draft.Note)
	})
	if changed {
		since, more := d.inbox.Since(ctx, by.Workspace, c.ID, by.Operator, r.Seen)
		if more != nil {
			return nil, more
		}
		return nil, &Changed{errChanged(len(since)), since}
	}
	if err != nil {
		return nil, err
	}
	return d.inbox.Message(ctx, by.Workspace, r.ID)
}

func errChanged(n int) *holdfast.Error {
	return holdfast.Errorf(holdfast.Conflict, "conversation.changed", "%d messages have come since you looked", n).
		WithNext("Read them, then send your reply with \"anyway\" if it still fits.")
}

// queue appends a checked reply and what follows from it.
func (d *Desk) queue(tx *journal.Tx, by By, conversation holdfast.ID, ch Channel, r Reply, dropDraft bool) error {
	now, err := inbox.FindConversation(tx.Tx, by.Workspace, conversation)
	if err != nil {
		return err
	}
	if now.State == holdfast.Closed {
		return holdfast.Errorf(holdfast.Conflict, "conversation.closed", "this conversation is closed").WithNext("Open it first, or start a new one with this customer.")
	}
	to, thread, subject, err := d.recipient(tx, by.Workspace, now, ch, r)
	if err != nil {
		return err
	}
	before, err := inbox.HeldUntil(tx.Tx, now.ID, ch.ID, tx.Now, tx.Now.Add(MaxUndo))
	if err != nil {
		return err
	}
	due := r.notBefore(tx.Now)
	if before.After(due) {
		due = before // behind what was written before it and can still be taken back
	}
	body := &holdfast.MessageQueued{Message: r.ID, Customer: now.Customer, Channel: r.Channel, To: to, Subject: subject,
		Text: r.Text, HTML: r.HTML, Attachments: r.Attachments, Author: by.Operator, Automatic: r.Automatic,
		NotBefore: due, Then: r.Then, Thread: thread, CC: r.CC, BCC: r.BCC, Forwarded: r.Forwards, Unsubscribe: r.Unsubscribe}
	if !due.IsZero() {
		body.ExpiresAt = due.Add(lateness)
	}
	if _, err := tx.Append(now.ID, body); err != nil {
		return err
	}
	if now.Operator.IsZero() && !by.Operator.IsZero() && !r.Automatic && r.Forwards.IsZero() {
		// Who answers first has it in hand, unless somebody else already does.
		if _, err := tx.Append(now.ID, &holdfast.ConversationAssigned{Operator: by.Operator, Team: now.Team}); err != nil {
			return err
		}
	}
	if !by.Operator.IsZero() && dropDraft {
		_, err = tx.Append(now.ID, &holdfast.DraftSaved{Operator: by.Operator})
	}
	return err
}

// recipient decides whom a reply goes to, what it is called and what it answers.
func (d *Desk) recipient(tx *journal.Tx, workspace holdfast.ID, c *inbox.Brief, ch Channel, r Reply) (to holdfast.Address, thread []string, subject string, err error) {
	last, err := inbox.LastInbound(tx.Tx, workspace, c.ID, ch.ID)
	if err != nil {
		return to, nil, "", err
	}
	switch {
	case r.To != nil:
		to = *r.To
	case last.From.Value != "":
		to = last.From
	default:
		to, err = inbox.AddressFor(tx.Tx, workspace, c.Customer, ch.Kind.Scheme)
		if err != nil {
			return to, nil, "", err
		}
	}
	if to.Value == "" || to.Scheme != ch.Kind.Scheme {
		return to, nil, "", holdfast.Errorf(holdfast.Invalid, "reply.no_address", "this customer has no address on %s", ch.Name).WithField("to").
			WithNext("Add an address to the customer, or reply over another channel.")
	}
	if ch.Kind.Limits.Subject {
		subject = r.Subject
	}
	if !r.Forwards.IsZero() { // somebody else's thread begins here
		return to, nil, subject, nil
	}
	thread, err = inbox.Thread(tx.Tx, workspace, c.ID, ch.ID, 20)
	if err != nil {
		return to, nil, "", err
	}
	if ch.Kind.Limits.Subject && subject == "" {
		subject = c.Subject
		if last.From.Value != "" && subject != "" && !strings.HasPrefix(strings.ToLower(subject), "re:") {
			subject = "Re: " + subject
		}
	}
	return to, thread, subject, nil
}

// Withdraw takes back a reply that is not yet due, and opens its conversation again
// when it had set the status. It gives the text back as the draft of whoever wrote
// it, unless there is a newer one. Only the author may. Errors: NotFound; Forbidden;
// Conflict when it has gone or is going.
func (d *Desk) Withdraw(ctx context.Context, by By, message holdfast.ID) (*inbox.Message, error) {
	m, err := d.own(ctx, by, message)
	if err != nil {
		return nil, err
	}
	_, err = d.do(ctx, by, func(tx *journal.Tx) error {
		w, err := inbox.FindWaiting(tx.Tx, by.Workspace, message)
		if err != nil || w.State == holdfast.Cancelled {
			return err
		}
		if err := stillHere(w, tx.Now); err != nil {
			return err
		}
		if _, err := tx.Append(w.Conversation, &holdfast.MessageCancelled{Message: message}); err != nil {
			return err
		}
		c, err := inbox.FindConversation(tx.Tx, by.Workspace, m.Conversation)
		if err != nil {
			return err
		}
		if c.StatusClock == m.Clock && c.State != holdfast.Open {
			if _, err := tx.Append(c.ID, &holdfast.ConversationStatus{Status: holdfast.Open}); err != nil {
				return err
			}
		}
		// What went with a forwarded message is no answer to this customer.
		if has, err := inbox.HasDraft(tx.Tx, by.Operator, c.ID); err != nil || has || m.Text == "" || !m.Forwarded.IsZero() {
			return err
		}
		_, err = tx.Append(c.ID, &holdfast.DraftSaved{Operator: by.Operator, Text: m.Text})
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Message(ctx, by.Workspace, message)
}

// commandID is the id of one step of a command, so that the same command makes the
// same things.
func commandID(command holdfast.ID, step int) holdfast.ID {
	return holdfast.DeriveIDAt(command, command, fmt.Sprint("step ", step))
}
