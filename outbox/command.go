package outbox

import (
	"context"
	"errors"

	"holdfast"
	"holdfast/journal"
	"holdfast/store"
)

// Retry sends a message again that waits, failed, is held or may have been sent.
// The command's id makes it idempotent. Errors: NotFound; Conflict when the
// message is not in such a state.
func (w *Worker) Retry(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, command, message holdfast.ID) (journal.Result, error) {
	return w.Requeue(ctx, workspace, actor, command, message, holdfast.ID{}, holdfast.Address{})
}

// Requeue is Retry through another channel account (zero: the same) to another
// address (zero: the same). The other account must be the workspace's own, and
// its kind must know addresses of that scheme.
func (w *Worker) Requeue(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, command, message, account holdfast.ID, to holdfast.Address) (journal.Result, error) {
	var scheme string
	if !account.IsZero() {
		_, kind, err := w.adapters(ctx, account)
		if err != nil {
			return journal.Result{}, err
		}
		if kind != nil {
			scheme = kind.Scheme
		}
	}
	return w.command(ctx, workspace, actor, command, message, func(tx *journal.Tx, r *row) (holdfast.Body, error) {
		switch r.state {
		case holdfast.Queued, holdfast.RetryWait, holdfast.Failed, holdfast.Parked, holdfast.Held:
		case holdfast.Cancelled:
			return nil, holdfast.Errorf(holdfast.Conflict, "outbox.cancelled", "this message was withdrawn").WithNext("Write it again.")
		default:
			return nil, alreadySent()
		}
		if !account.IsZero() {
			var one int
			err := tx.QueryRow("SELECT 1 FROM channel_account WHERE id = $1 AND workspace = $2 AND NOT removed", account, workspace).Scan(&one)
			if errors.Is(err, store.ErrNoRows) {
				return nil, holdfast.Errorf(holdfast.NotFound, "channel.missing", "there is no such channel in this workspace").WithField("channel")
			}
			if err != nil {
				return nil, err
			}
			target := to
			if target.Value == "" {
				target = holdfast.Address{Scheme: r.scheme, Value: r.address}
			}
			if scheme != "" && target.Scheme != scheme {
				return nil, holdfast.Errorf(holdfast.Invalid, "outbox.wrong_address", "that channel carries to %s addresses, not to %s", scheme, target.Scheme).
					WithField("to").WithNext("Name an address of the customer on that channel.")
			}
		}
		return &holdfast.MessageRequeued{Message: message, Channel: account, To: to}, nil
	})
}

// Hold keeps a waiting message back until it is retried. Errors: NotFound, Conflict.
func (w *Worker) Hold(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, command, message holdfast.ID) (journal.Result, error) {
	return w.command(ctx, workspace, actor, command, message, func(_ *journal.Tx, r *row) (holdfast.Body, error) {
		switch r.state {
		case holdfast.Queued, holdfast.RetryWait:
			return &holdfast.MessageHeld{Message: message}, nil
		case holdfast.Accepted, holdfast.Delivered, holdfast.Seen:
			return nil, alreadySent()
		}
		return nil, notWaiting(r.state)
	})
}

// Cancel withdraws a message that has not been sent, or gives up one that may
// have been. Errors: NotFound, Conflict.
func (w *Worker) Cancel(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, command, message holdfast.ID) (journal.Result, error) {
	return w.command(ctx, workspace, actor, command, message, func(_ *journal.Tx, r *row) (holdfast.Body, error) {
		switch r.state {
		case holdfast.Queued, holdfast.RetryWait, holdfast.Held, holdfast.Parked:
			return &holdfast.MessageCancelled{Message: message}, nil
		case holdfast.Accepted, holdfast.Delivered, holdfast.Seen:
			return nil, alreadySent()
		}
		return nil, notWaiting(r.state)
	})
}

func alreadySent() error {
	return holdfast.Errorf(holdfast.Conflict, "outbox.already_sent", "this message has been sent").
		WithNext("Write another message; what is sent cannot be taken back.")
}

func notWaiting(s holdfast.Delivery) error {
	return holdfast.Errorf(holdfast.Conflict, "outbox.not_waiting", "this message is not waiting to be sent: it is %s", s).
		WithNext("Look at its state again.")
}

// command checks a message's state inside the transaction and appends what decide says.
func (w *Worker) command(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, command, message holdfast.ID, decide func(*journal.Tx, *row) (holdfast.Body, error)) (journal.Result, error) {
	return w.journal.Do(ctx, journal.Command{Workspace: workspace, Actor: actor, ID: command, Run: func(tx *journal.Tx) error {
		r, err := readRow(tx.Tx, message)
		if errors.Is(err, store.ErrNoRows) || err == nil && (r.workspace != workspace || r.lsn == 0) {
			return holdfast.Errorf(holdfast.NotFound, "message.missing", "there is no such message in this workspace's outbox")
		}
		if err != nil {
			return err
		}
		var one int
		err = tx.QueryRow("SELECT 1 FROM lease WHERE message = $1", message).Scan(&one)
		if err == nil {
			return holdfast.Errorf(holdfast.Conflict, "outbox.sending", "this message is being sent right now").
				WithNext("Wait for the provider's answer and look again.")
		}
		if !errors.Is(err, store.ErrNoRows) {
			return err
		}
		body, err := decide(tx, r)
		if err != nil {
			return err
		}
		_, err = tx.Append(r.conversation, body)
		return err
	}})
}
