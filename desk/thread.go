package desk

import (
	"context"
	"slices"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
)

// MaxMerged is how many conversations one is made of at most.
const MaxMerged = 20

// Merge makes two conversations of one customer one matter. It is shown as the
// smaller id of the two, is open if one of them was, and keeps the tags of both.
// Merging what is one already changes nothing. Errors: NotFound; Conflict for
// different customers and for too many.
func (d *Desk) Merge(ctx context.Context, by By, conversation, with holdfast.ID) (*inbox.Conversation, error) {
	_, err := d.do(ctx, by, func(tx *journal.Tx) error {
		a, err := inbox.FindConversation(tx.Tx, by.Workspace, conversation)
		if err != nil {
			return err
		}
		b, err := inbox.FindConversation(tx.Tx, by.Workspace, with)
		if err != nil {
			return err
		}
		if a.ID == b.ID {
			if conversation == with {
				return holdfast.Errorf(holdfast.Invalid, "conversation.merge_itself", "a conversation cannot be merged with itself").WithField("with")
			}
			return nil
		}
		if a.Customer != b.Customer {
			return holdfast.Errorf(holdfast.Conflict, "conversation.other_customer", "these conversations are with different customers").WithField("with").
				WithNext("Merge conversations of one customer only: a reply would show one of them what the other wrote.")
		}
		all, err := inbox.Members(tx.Tx, by.Workspace, a.ID)
		if err != nil {
			return err
		}
		more, err := inbox.Members(tx.Tx, by.Workspace, b.ID)
		if err != nil {
			return err
		}
		if all = append(all, more...); len(all) > MaxMerged {
			return holdfast.Errorf(holdfast.Conflict, "conversation.too_many_merged", "at most %d conversations can be one", MaxMerged).WithField("with")
		}
		stays, goes := a, b
		if slices.Compare(b.ID[:], a.ID[:]) < 0 {
			stays, goes = b, a
		}
		if _, err := tx.Append(stays.ID, &holdfast.ConversationMerged{With: goes.ID}); err != nil {
			return err
		}
		if goes.State == holdfast.Open && stays.State != holdfast.Open {
			if _, err := tx.Append(stays.ID, &holdfast.ConversationStatus{Status: holdfast.Open}); err != nil {
				return err
			}
		}
		if stays.Operator.IsZero() && !goes.Operator.IsZero() {
			if _, err := tx.Append(stays.ID, &holdfast.ConversationAssigned{Operator: goes.Operator, Team: stays.Team}); err != nil {
				return err
			}
		}
		tags, err := inbox.TagsOf(tx.Tx, by.Workspace, goes.ID)
		if err != nil {
			return err
		}
		for _, tag := range tags {
			if err := d.addTag(tx, stays, tag); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Conversation(ctx, by.Workspace, conversation, by.Operator)
}

// Unmerge takes one conversation out of what it was merged into and returns it.
// What came in or was written since the merger stays with the other. Errors:
// NotFound; Conflict when it is not merged.
func (d *Desk) Unmerge(ctx context.Context, by By, part holdfast.ID) (*inbox.Conversation, error) {
	_, err := d.do(ctx, by, func(tx *journal.Tx) error {
		if _, err := inbox.FindConversation(tx.Tx, by.Workspace, part); err != nil {
			return err
		}
		edges, err := inbox.Edges(tx.Tx, by.Workspace, part)
		if err != nil {
			return err
		}
		if len(edges) == 0 {
			return holdfast.Errorf(holdfast.Conflict, "conversation.not_merged", "this conversation is not merged with another")
		}
		// Its neighbours stay one matter without it.
		for i, other := range edges {
			if _, err := tx.Append(part, &holdfast.ConversationUnmerged{With: other}); err != nil {
				return err
			}
			if i > 0 {
				if _, err := tx.Append(edges[0], &holdfast.ConversationMerged{With: other}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Conversation(ctx, by.Workspace, part, by.Operator)
}

// Split is what is taken out of a conversation.
type Split struct {
	ID       holdfast.ID   // of the conversation that they go to: a new one, client-made, or another of the same customer
	Messages []holdfast.ID // at least one, at most 200
	Subject  string        // of a new one; empty: the same
}

// Split moves messages of a conversation into another, which it opens if there is
// none of that id. The same again changes nothing. Errors: NotFound, Invalid,
// Conflict for another customer's conversation and for all of a conversation's messages.
func (d *Desk) Split(ctx context.Context, by By, conversation holdfast.ID, s Split) (*inbox.Conversation, error) {
	if s.ID.IsZero() {
		return nil, holdfast.Errorf(holdfast.Invalid, "id.missing", "the conversation needs an id").WithField("id")
	}
	if len(s.Messages) == 0 || len(s.Messages) > 200 {
		return nil, holdfast.Errorf(holdfast.Invalid, "split.no_messages", "name 1 to 200 messages").WithField("messages")
	}
	if len(s.Subject) > 500 {
		return nil, holdfast.Errorf(holdfast.TooLarge, "subject.too_long", "a subject may have at most 500 bytes").WithField("subject")
	}
	_, err := d.do(ctx, by, func(tx *journal.Tx) error {
		from, err := inbox.FindConversation(tx.Tx, by.Workspace, conversation)
		if err != nil {
			return err
		}
		members, err := inbox.Members(tx.Tx, by.Workspace, from.ID)
		if err != nil {
			return err
		}
		to, err := inbox.FindConversation(tx.Tx, by.Workspace, s.ID)
		isNew := holdfast.KindOf(err) == holdfast.NotFound
		switch {
		case isNew:
		case err != nil:
			return err
		case to.ID == from.ID:
			return holdfast.Errorf(holdfast.Invalid, "split.same", "they are in that conversation already").WithField("id")
		case to.Customer != from.Customer:
			return holdfast.Errorf(holdfast.Conflict, "conversation.other_customer", "these conversations are with different customers").WithField("id")
		}
		var moving []inbox.Where
		for _, id := range s.Messages {
			w, ok, err := inbox.FindMessage(tx.Tx, by.Workspace, id)
			switch {
			case err != nil:
				return err
			case !ok:
				return holdfast.Errorf(holdfast.NotFound, "message.missing", "there is no such message in this workspace").WithField("messages")
			case slices.Contains(members, w.Conversation):
				moving = append(moving, w)
			case isNew || w.Conversation != to.ID:
				return holdfast.Errorf(holdfast.Invalid, "split.elsewhere", "a message is in another conversation").WithField("messages").WithNext("Load the conversation again.")
			}
		}
		if len(moving) == 0 {
			return nil
		}
		if isNew {
			if n, err := inbox.CountMessages(tx.Tx, by.Workspace, from.ID); err != nil {
				return err
			} else if n == len(moving) {
				return holdfast.Errorf(holdfast.Conflict, "split.all", "all of its messages would go").WithField("messages").WithNext("Leave one, or rename the conversation instead.")
			}
			number, err := inbox.NextNumber(tx.Tx, by.Workspace)
			if err != nil {
				return err
			}
			subject := s.Subject
			if subject == "" {
				subject = from.Subject
			}
			if _, err := tx.Append(s.ID, &holdfast.ConversationOpened{Number: number, Customer: from.Customer, Channel: from.Channel, Subject: subject, Team: from.Team}); err != nil {
				return err
			}
			if !from.Operator.IsZero() {
				if _, err := tx.Append(s.ID, &holdfast.ConversationAssigned{Operator: from.Operator, Team: from.Team}); err != nil {
					return err
				}
			}
		}
		target := s.ID
		if !isNew {
			target = to.ID
		}
		for _, w := range moving {
			if _, err := tx.Append(target, &holdfast.MessageMoved{Message: w.Message, From: w.Conversation}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Conversation(ctx, by.Workspace, s.ID, by.Operator)
}
