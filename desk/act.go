package desk

import (
	"context"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/inbox"
	"holdfast/journal"
)

// Act carries out a list of actions on one conversation, all of them or, when one
// fails, none. by.Command is required: the same one again changes nothing. Texts
// come filled in, canned replies as texts, and whether operators and teams are of
// the workspace is checked by the caller. undo holds a reply back. Errors: those of
// the actions.
func (d *Desk) Act(ctx context.Context, by By, conversation holdfast.ID, actions []holdfast.Action, undo time.Duration) error {
	if by.Command.IsZero() {
		return holdfast.Errorf(holdfast.Invalid, "id.missing", "a list of actions needs an id").WithField("id").WithNext("Make a UUID and send the same one when you try again.")
	}
	if err := holdfast.CheckActions(actions); err != nil {
		return err
	}
	c, err := d.inbox.Conversation(ctx, by.Workspace, conversation, by.Operator)
	if err != nil {
		return err
	}
	run := make([]func(tx *journal.Tx, c *inbox.Brief) error, 0, len(actions))
	for i, a := range actions {
		step, err := d.step(ctx, by, c, a, commandID(by.Command, i), undo)
		if err != nil {
			return err
		}
		run = append(run, step)
	}
	_, err = d.do(ctx, by, func(tx *journal.Tx) error {
		for _, step := range run {
			now, err := inbox.FindConversation(tx.Tx, by.Workspace, conversation)
			if err != nil {
				return err
			}
			if err := step(tx, now); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// step is one action, checked as far as that goes outside the transaction.
func (d *Desk) step(ctx context.Context, by By, c *inbox.Conversation, a holdfast.Action, id holdfast.ID, undo time.Duration) (func(tx *journal.Tx, c *inbox.Brief) error, error) {
	switch a.Do {
	case holdfast.DoReply:
		r := Reply{ID: id, Text: a.Text, Then: a.Then, Undo: undo}
		ch, err := d.prepare(ctx, by, c, &r)
		if err != nil {
			return nil, err
		}
		return func(tx *journal.Tx, now *inbox.Brief) error {
			if _, again, err := inbox.FindMessage(tx.Tx, by.Workspace, r.ID); err != nil || again {
				return err
			}
			return d.queue(tx, by, now.ID, ch, r, false)
		}, nil
	case holdfast.DoNote:
		if err := checkText(a.Text, nil, channel.Limits{}); err != nil {
			return nil, err
		}
		return func(tx *journal.Tx, now *inbox.Brief) error {
			_, err := tx.Append(now.ID, &holdfast.MessageNoted{Message: id, Author: by.Operator, Text: a.Text})
			return err
		}, nil
	case holdfast.DoStatus:
		return func(tx *journal.Tx, now *inbox.Brief) error { return setStatus(tx, now, a.Status, time.Time{}) }, nil
	case holdfast.DoSnooze:
		return func(tx *journal.Tx, now *inbox.Brief) error {
			var until time.Time
			if a.Minutes > 0 {
				until = tx.Now.Add(time.Duration(a.Minutes) * time.Minute)
			}
			return setStatus(tx, now, holdfast.Snoozed, until)
		}, nil
	case holdfast.DoAssign:
		operator := a.Operator
		if a.Me {
			if operator = by.Operator; operator.IsZero() {
				return nil, holdfast.Errorf(holdfast.Invalid, "assignment.no_operator", "only an operator can be assigned to; a token cannot").WithField("actions")
			}
		}
		return func(tx *journal.Tx, now *inbox.Brief) error {
			team := a.Team
			if team.IsZero() && !operator.IsZero() {
				team = now.Team // handing it to a person leaves it with the team
			}
			return assign(tx, now, operator, team)
		}, nil
	case holdfast.DoPriority:
		return func(tx *journal.Tx, now *inbox.Brief) error { return setPriority(tx, now, a.Priority) }, nil
	case holdfast.DoTag, holdfast.DoUntag:
		tag, err := NormalTag(a.Tag)
		if err != nil {
			return nil, err
		}
		if a.Do == holdfast.DoTag {
			return func(tx *journal.Tx, now *inbox.Brief) error { return d.addTag(tx, now, tag) }, nil
		}
		return func(tx *journal.Tx, now *inbox.Brief) error { return d.removeTag(tx, now, tag) }, nil
	default: // holdfast.DoRead; CheckActions has refused what there is not
		if by.Operator.IsZero() {
			return nil, holdfast.Errorf(holdfast.Invalid, "read.no_operator", "only an operator reads; a token has no eyes")
		}
		return func(tx *journal.Tx, now *inbox.Brief) error { return markRead(tx, by, now, 0, false) }, nil
	}
}
