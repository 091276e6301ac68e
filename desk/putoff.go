package desk

import (
	"context"
	"time"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
)

// PutOff gives a message that waits another time to go at; the zero time, or one that
// has passed, lets it go now. Only its author may. Errors: NotFound; Forbidden;
// Conflict when it has gone, is going, or was taken back.
func (d *Desk) PutOff(ctx context.Context, by By, message holdfast.ID, until time.Time) (*inbox.Message, error) {
	if _, err := d.own(ctx, by, message); err != nil {
		return nil, err
	}
	_, err := d.do(ctx, by, func(tx *journal.Tx) error {
		w, err := inbox.FindWaiting(tx.Tx, by.Workspace, message)
		if err != nil {
			return err
		}
		if w.State == holdfast.Cancelled {
			return holdfast.Errorf(holdfast.Conflict, "outbox.cancelled", "this message was withdrawn").WithNext("Write it again.")
		}
		if err := stillHere(w, tx.Now); err != nil {
			return err
		}
		if !until.After(tx.Now) {
			until = time.Time{}
		}
		_, err = tx.Append(w.Conversation, &holdfast.MessageRequeued{Message: message, NotBefore: until})
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Message(ctx, by.Workspace, message)
}

// own reads an outbound message for its author. Errors: NotFound; Forbidden for
// everybody else.
func (d *Desk) own(ctx context.Context, by By, message holdfast.ID) (*inbox.Message, error) {
	m, err := d.inbox.Message(ctx, by.Workspace, message)
	if err != nil {
		return nil, err
	}
	if m.Direction != holdfast.Outbound {
		return nil, holdfast.Errorf(holdfast.NotFound, "message.missing", "there is no such message in this workspace's outbox")
	}
	if by.Operator.IsZero() || m.Author != by.Operator {
		return nil, holdfast.Errorf(holdfast.Forbidden, "outbox.not_yours", "only its author takes a message back").
			WithNext("Ask a supervisor to cancel it.")
	}
	return m, nil
}

// stillHere refuses a message that has left, or may be leaving right now.
func stillHere(w inbox.Queued, now time.Time) error {
	if w.Leased || w.State != holdfast.Queued && w.State != holdfast.Held || w.State == holdfast.Queued && !w.Due.After(now) {
		return holdfast.Errorf(holdfast.Conflict, "outbox.too_late", "this message is being sent or has been").
			WithNext("Write another message; what is sent cannot be taken back.")
	}
	return nil
}
