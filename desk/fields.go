package desk

import (
	"context"
	"strings"
	"time"
	"unicode"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
)

// change runs a small command on a conversation that must exist.
func (d *Desk) change(ctx context.Context, by By, conversation holdfast.ID, run func(tx *journal.Tx, c *inbox.Brief) error) error {
	_, err := d.do(ctx, by, func(tx *journal.Tx) error {
		c, err := inbox.FindConversation(tx.Tx, by.Workspace, conversation)
		if err != nil {
			return err
		}
		return run(tx, c)
	})
	return err
}

// SetStatus sets a conversation's status. until is for Snoozed; zero there means
// until the customer writes. Setting what already holds changes nothing.
func (d *Desk) SetStatus(ctx context.Context, by By, conversation holdfast.ID, status holdfast.Status, until time.Time) error {
	if _, err := holdfast.ParseStatus(string(status)); err != nil {
		return err
	}
	return d.change(ctx, by, conversation, func(tx *journal.Tx, c *inbox.Brief) error { return setStatus(tx, c, status, until) })
}

func setStatus(tx *journal.Tx, c *inbox.Brief, status holdfast.Status, until time.Time) error {
	if status == holdfast.Snoozed && !until.IsZero() && !until.After(tx.Now) {
		return holdfast.Errorf(holdfast.Invalid, "snooze.past", "a snooze must end in the future").WithField("until")
	}
	if c.State == status && status != holdfast.Snoozed {
		return nil
	}
	_, err := tx.Append(c.ID, &holdfast.ConversationStatus{Status: status, Until: until})
	return err
}

// Wake opens a conversation whose snooze has run out; nothing if it no longer is so.
func (d *Desk) Wake(ctx context.Context, workspace, conversation holdfast.ID) error {
	by := By{Workspace: workspace, Actor: holdfast.System}
	return d.change(ctx, by, conversation, func(tx *journal.Tx, c *inbox.Brief) error {
		if c.State != holdfast.Snoozed || c.Until.IsZero() || c.Until.After(tx.Now) {
			return nil
		}
		_, err := tx.Append(c.ID, &holdfast.ConversationStatus{Status: holdfast.Open})
		return err
	})
}

// Assign hands a conversation to an operator, a team, both or nobody. Whether
// they are of the workspace is checked by the caller, who knows the operators.
func (d *Desk) Assign(ctx context.Context, by By, conversation, operator, team holdfast.ID) error {
	return d.change(ctx, by, conversation, func(tx *journal.Tx, c *inbox.Brief) error { return assign(tx, c, operator, team) })
}

func assign(tx *journal.Tx, c *inbox.Brief, operator, team holdfast.ID) error {
	if c.Operator == operator && c.Team == team {
		return nil
	}
	_, err := tx.Append(c.ID, &holdfast.ConversationAssigned{Operator: operator, Team: team})
	return err
}

// SetPriority sets a conversation's priority, 0 low to 3 urgent.
func (d *Desk) SetPriority(ctx context.Context, by By, conversation holdfast.ID, p holdfast.Priority) error {
	if p < holdfast.Low || p > holdfast.Urgent {
		return holdfast.Errorf(holdfast.Invalid, "priority.unknown", "%d is not a priority", p).WithField("priority").WithNext("Use 0 low, 1 normal, 2 high or 3 urgent.")
	}
	return d.change(ctx, by, conversation, func(tx *journal.Tx, c *inbox.Brief) error { return setPriority(tx, c, p) })
}

func setPriority(tx *journal.Tx, c *inbox.Brief, p holdfast.Priority) error {
	if c.Priority == p {
		return nil
	}
	_, err := tx.Append(c.ID, &holdfast.ConversationPrioritised{Priority: p})
	return err
}

// SetSubject renames a conversation.
func (d *Desk) SetSubject(ctx context.Context, by By, conversation holdfast.ID, subject string) error {
	subject = strings.Join(strings.Fields(subject), " ")
	if len(subject) > 500 {
		return holdfast.Errorf(holdfast.TooLarge, "subject.too_long", "a subject may have at most 500 bytes").WithField("subject")
	}
	return d.change(ctx, by, conversation, func(tx *journal.Tx, c *inbox.Brief) error {
		if c.Subject == subject {
			return nil
		}
		_, err := tx.Append(c.ID, &holdfast.ConversationSubject{Subject: subject})
		return err
	})
}

// NormalTag is a tag as stored: trimmed, lower case, spaces as "-", at most 50
// characters. The error is Invalid for what leaves nothing.
func NormalTag(tag string) (string, error) {
	var b strings.Builder
	for i, w := range strings.Fields(strings.ToLower(tag)) {
		if i > 0 {
			b.WriteByte('-')
		}
		for _, r := range w {
			if unicode.IsControl(r) || r == ',' || r == '/' {
				continue
			}
			b.WriteRune(r)
		}
	}
	t := []rune(strings.Trim(b.String(), "-#"))
	if len(t) == 0 || len(t) > 50 {
		return "", holdfast.Errorf(holdfast.Invalid, "tag.malformed", "a tag has 1 to 50 characters").WithField("tag")
	}
	return string(t), nil
}

// Tag adds a tag; adding it twice changes nothing.
func (d *Desk) Tag(ctx context.Context, by By, conversation holdfast.ID, tag string) error {
	tag, err := NormalTag(tag)
	if err != nil {
		return err
	}
	return d.change(ctx, by, conversation, func(tx *journal.Tx, c *inbox.Brief) error { return d.addTag(tx, c, tag) })
}

func (d *Desk) addTag(tx *journal.Tx, c *inbox.Brief, tag string) error {
	marks, err := d.inbox.Marks(tx.Tx, tx.Workspace(), c.ID, tag)
	if err != nil || len(marks) > 0 {
		return err
	}
	_, err = tx.Append(c.ID, &holdfast.ConversationTagged{Tag: tag, Mark: holdfast.NewID()})
	return err
}

// Untag removes a tag; removing what is not there changes nothing.
func (d *Desk) Untag(ctx context.Context, by By, conversation holdfast.ID, tag string) error {
	tag, err := NormalTag(tag)
	if err != nil {
		return err
	}
	return d.change(ctx, by, conversation, func(tx *journal.Tx, c *inbox.Brief) error { return d.removeTag(tx, c, tag) })
}

func (d *Desk) removeTag(tx *journal.Tx, c *inbox.Brief, tag string) error {
	marks, err := d.inbox.Marks(tx.Tx, tx.Workspace(), c.ID, tag)
	if err != nil || len(marks) == 0 {
		return err
	}
	_, err = tx.Append(c.ID, &holdfast.ConversationUntagged{Tag: tag, Marks: marks})
	return err
}

// Read records how far the operator has read; zero means all there is. Unread takes it back.
func (d *Desk) Read(ctx context.Context, by By, conversation holdfast.ID, upto holdfast.Clock, unread bool) error {
	if by.Operator.IsZero() {
		return holdfast.Errorf(holdfast.Invalid, "read.no_operator", "only an operator reads; a token has no eyes")
	}
	return d.change(ctx, by, conversation, func(tx *journal.Tx, c *inbox.Brief) error { return markRead(tx, by, c, upto, unread) })
}

func markRead(tx *journal.Tx, by By, c *inbox.Brief, upto holdfast.Clock, unread bool) (err error) {
	if upto == 0 {
		if upto, err = inbox.LastClock(tx.Tx, by.Workspace, c.ID); err != nil {
			return err
		}
	}
	have, err := inbox.ReadUpto(tx.Tx, by.Operator, c.ID)
	if err != nil || (!unread && have >= upto) || (unread && have == 0) {
		return err
	}
	_, err = tx.Append(c.ID, &holdfast.ConversationRead{Operator: by.Operator, Upto: upto, Unread: unread})
	return err
}

// SaveDraft keeps what the operator has typed; empty text drops it.
func (d *Desk) SaveDraft(ctx context.Context, by By, conversation holdfast.ID, text string, note bool) error {
	if by.Operator.IsZero() {
		return holdfast.Errorf(holdfast.Invalid, "draft.no_operator", "only an operator has drafts")
	}
	if len(text) > MaxText {
		return holdfast.Errorf(holdfast.TooLarge, "message.too_long", "a draft may have at most %d bytes", MaxText).WithField("text")
	}
	return d.change(ctx, by, conversation, func(tx *journal.Tx, c *inbox.Brief) error {
		_, err := tx.Append(c.ID, &holdfast.DraftSaved{Operator: by.Operator, Text: text, Note: note})
		return err
	})
}
