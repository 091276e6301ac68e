// Package desk holds what an operator can do: reply, note, assign, set a status,
// tag, edit a customer. Each checks the wish against what is true now and
// appends entries to the journal.
//
// It refuses to send anything (the outbox does), to decide who may ask (api
// does), and to change a table by itself.
package desk

import (
	"context"
	"strings"
	"unicode/utf8"

	"holdfast"
	"holdfast/channel"
	"holdfast/inbox"
	"holdfast/journal"
)

// Desk carries out operators' wishes.
type Desk struct {
	journal *journal.Journal
	inbox   *inbox.Inbox
	lookup  Lookup
}

// Lookup finds a workspace's channel account and its kind. The error is NotFound.
type Lookup func(ctx context.Context, workspace, account holdfast.ID) (Channel, error)

// Channel is what the desk must know about a channel account.
type Channel struct {
	ID      holdfast.ID
	Name    string
	Kind    *channel.Kind
	Team    holdfast.ID
	Enabled bool
}

// New returns a desk over a journal.
func New(j *journal.Journal, in *inbox.Inbox, lookup Lookup) *Desk {
	return &Desk{journal: j, inbox: in, lookup: lookup}
}

// By is who asks, in which workspace, and the id that makes the wish idempotent.
type By struct {
	Workspace holdfast.ID
	Actor     holdfast.Actor
	Operator  holdfast.ID // the person behind the actor; zero for a program
	Command   holdfast.ID // zero: not idempotent by itself
}

func (d *Desk) do(ctx context.Context, by By, run func(tx *journal.Tx) error) (journal.Result, error) {
	return d.journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, ID: by.Command, Run: run})
}

// MaxText bounds a message in bytes, whatever the channel allows.
const MaxText = 256 << 10

func checkText(text string, attachments []holdfast.Attachment, limits channel.Limits) error {
	if strings.TrimSpace(text) == "" && len(attachments) == 0 {
		return holdfast.Errorf(holdfast.Invalid, "message.empty", "a message needs text or a file").WithField("text").WithNext("Write something or attach a file.")
	}
	if len(text) > MaxText {
		return holdfast.Errorf(holdfast.TooLarge, "message.too_long", "a message may have at most %d bytes", MaxText).WithField("text").WithNext("Attach the long part as a file.")
	}
	if limits.Text > 0 && utf8.RuneCountInString(text) > limits.Text {
		return holdfast.Errorf(holdfast.TooLarge, "message.too_long", "this channel takes at most %d characters", limits.Text).WithField("text").WithNext("Shorten it, split it, or attach it as a file.")
	}
	if len(attachments) > 0 && len(attachments) > limits.Attachments {
		return holdfast.Errorf(holdfast.TooLarge, "message.too_many_files", "this channel takes at most %d files", limits.Attachments).WithField("attachments")
	}
	for _, a := range attachments {
		if limits.AttachmentBytes > 0 && a.Size > limits.AttachmentBytes {
			return holdfast.Errorf(holdfast.TooLarge, "attachment.too_large", "%s is larger than the %d bytes this channel takes", a.Name, limits.AttachmentBytes).WithField("attachments")
		}
	}
	return nil
}

// NoteIn is a private note.
type NoteIn struct {
	ID          holdfast.ID
	Text        string
	Attachments []holdfast.Attachment
	Mentions    []holdfast.ID
}

// Note adds a private note. Whom it mentions works, or has worked, in the
// workspace. Errors: NotFound, Invalid, TooLarge.
func (d *Desk) Note(ctx context.Context, by By, conversation holdfast.ID, n NoteIn) (*inbox.Message, error) {
	if n.ID.IsZero() {
		return nil, holdfast.Errorf(holdfast.Invalid, "id.missing", "a note needs an id").WithField("id")
	}
	if err := checkText(n.Text, n.Attachments, channel.Limits{Attachments: 100}); err != nil {
		return nil, err
	}
	_, err := d.do(ctx, by, func(tx *journal.Tx) error {
		if _, again, err := inbox.FindMessage(tx.Tx, by.Workspace, n.ID); err != nil || again {
			return err
		}
		c, err := inbox.FindConversation(tx.Tx, by.Workspace, conversation)
		if err != nil {
			return err
		}
		strangers, err := inbox.Strangers(tx.Tx, by.Workspace, n.Mentions)
		if err != nil {
			return err
		}
		if len(strangers) > 0 {
			return holdfast.Errorf(holdfast.Invalid, "note.mention_unknown", "nobody of this workspace has the id %s", strangers[0]).WithField("mentions").WithNext("Mention operators of this workspace.")
		}
		_, err = tx.Append(c.ID, &holdfast.MessageNoted{Message: n.ID, Author: by.Operator, Text: n.Text, Attachments: n.Attachments, Mentions: n.Mentions})
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Message(ctx, by.Workspace, n.ID)
}

// Start is a conversation that an operator begins.
type Start struct {
	ID       holdfast.ID // of the conversation, client-made
	Customer holdfast.ID // or
	To       *holdfast.Address
	Reply    Reply
}

// Start opens a conversation with its first message. Errors as Reply's.
func (d *Desk) Start(ctx context.Context, by By, s Start) (*inbox.Conversation, error) {
	if s.ID.IsZero() || s.Reply.ID.IsZero() {
		return nil, holdfast.Errorf(holdfast.Invalid, "id.missing", "a conversation and its first message need ids").WithField("id")
	}
	ch, err := d.lookup(ctx, by.Workspace, s.Reply.Channel)
	if err != nil {
		return nil, err
	}
	if err := checkText(s.Reply.Text, s.Reply.Attachments, ch.Kind.Limits); err != nil {
		return nil, err
	}
	if !ch.Kind.Limits.HTML {
		s.Reply.HTML = ""
	}
	if err := checkCopies(ch, s.Reply); err != nil {
		return nil, err
	}
	_, err = d.do(ctx, by, func(tx *journal.Tx) error {
		if _, again, err := inbox.FindMessage(tx.Tx, by.Workspace, s.Reply.ID); err != nil || again {
			return err
		}
		to := holdfast.Address{Scheme: ch.Kind.Scheme}
		if s.To != nil {
			to = *s.To
		}
		customer := s.Customer
		if !customer.IsZero() {
			if err := inbox.FindCustomer(tx.Tx, by.Workspace, customer); err != nil {
				return err
			}
			if to.Value == "" {
				if to, err = inbox.AddressFor(tx.Tx, by.Workspace, customer, ch.Kind.Scheme); err != nil {
					return err
				}
			}
		}
		if to.Value == "" || to.Scheme != ch.Kind.Scheme {
			return holdfast.Errorf(holdfast.Invalid, "reply.no_address", "an address on %s is needed", ch.Name).WithField("to").WithNext("Say whom this goes to.")
		}
		if customer.IsZero() {
			p, err := inbox.FindPlace(tx.Tx, by.Workspace, ch.ID, to)
			if err != nil {
				return err
			}
			if customer = p.Customer; customer.IsZero() {
				customer = holdfast.DeriveID(by.Workspace, to.String())
				if _, err := tx.Append(customer, &holdfast.CustomerCreated{Name: to.Name, Addresses: []holdfast.Address{to}}); err != nil {
					return err
				}
			}
		}
		number, err := inbox.NextNumber(tx.Tx, by.Workspace)
		if err != nil {
			return err
		}
		if _, err := tx.Append(s.ID, &holdfast.ConversationOpened{Number: number, Customer: customer, Channel: ch.ID, Subject: s.Reply.Subject, Team: ch.Team}); err != nil {
			return err
		}
		if !by.Operator.IsZero() {
			if _, err := tx.Append(s.ID, &holdfast.ConversationAssigned{Operator: by.Operator, Team: ch.Team}); err != nil {
				return err
			}
		}
		then := s.Reply.Then
		if then == "" {
			then = holdfast.Waiting
		}
		body := &holdfast.MessageQueued{Message: s.Reply.ID, Customer: customer, Channel: ch.ID, To: to, Subject: s.Reply.Subject, Text: s.Reply.Text,
			HTML: s.Reply.HTML, Attachments: s.Reply.Attachments, Author: by.Operator, NotBefore: s.Reply.notBefore(tx.Now), Then: then,
			CC: s.Reply.CC, BCC: s.Reply.BCC}
		if !body.NotBefore.IsZero() {
			body.ExpiresAt = body.NotBefore.Add(lateness)
		}
		_, err = tx.Append(s.ID, body)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Conversation(ctx, by.Workspace, s.ID, by.Operator)
}
