package api

import (
	"context"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
	"holdfast/inbox"
)

type mergeIn struct {
	IDIn
	Body struct {
		With string `json:"with" format:"uuid" doc:"Another conversation with the same customer."`
	}
}

func (a *API) mergeConversation(ctx context.Context, id access.Identity, in *mergeIn) (*body[*inbox.Conversation], error) {
	with, err := parseID(in.Body.With, "with")
	if err != nil {
		return nil, err
	}
	return ok(a.Desk.Merge(ctx, by(ctx, id), in.id(), with))
}

func (a *API) unmergeConversation(ctx context.Context, id access.Identity, in *IDIn) (*body[*inbox.Conversation], error) {
	return ok(a.Desk.Unmerge(ctx, by(ctx, id), in.id()))
}

type splitIn struct {
	IDIn
	Body struct {
		ID       string   `json:"id" format:"uuid" doc:"Of the conversation that they go to: a new one, made by you, or another of the same customer."`
		Messages []string `json:"messages" minItems:"1" maxItems:"200"`
		Subject  string   `json:"subject,omitempty" maxLength:"500" doc:"Of a new one; empty: the same."`
	}
}

func (a *API) splitConversation(ctx context.Context, id access.Identity, in *splitIn) (*created[*inbox.Conversation], error) {
	to, err := parseID(in.Body.ID, "id")
	if err != nil {
		return nil, err
	}
	messages, err := parseIDs(in.Body.Messages, "messages")
	if err != nil {
		return nil, err
	}
	return made(a.Desk.Split(ctx, by(ctx, id), in.id(), desk.Split{ID: to, Messages: messages, Subject: in.Body.Subject}))
}

type forwardIn struct {
	IDIn
	Body struct {
		ID      string    `json:"id" format:"uuid" doc:"Of the new message; made by you."`
		To      addressIn `json:"to"`
		CC      []string  `json:"cc,omitempty" maxItems:"50"`
		BCC     []string  `json:"bcc,omitempty" maxItems:"50"`
		Text    string    `json:"text,omitempty" doc:"What is said above it."`
		Channel string    `json:"channel,omitempty" doc:"Empty: the one it came over."`
		Undo    int       `json:"undo,omitempty" minimum:"0" maximum:"60"`
	}
}

func (a *API) forwardMessage(ctx context.Context, id access.Identity, in *forwardIn) (*created[*inbox.Message], error) {
	f := desk.Forward{CC: in.Body.CC, BCC: in.Body.BCC, Text: in.Body.Text, Undo: time.Duration(in.Body.Undo) * time.Second}
	var err error
	if f.ID, err = parseID(in.Body.ID, "id"); err != nil {
		return nil, err
	}
	if f.Channel, err = parseID(in.Body.Channel, "channel"); err != nil {
		return nil, err
	}
	if err := checkCopies(f.CC, f.BCC); err != nil {
		return nil, err
	}
	if to := in.Body.To.address(); to != nil {
		f.To = *to
	}
	w, err := a.Setup.Workspace(ctx, id.Workspace)
	if err != nil {
		return nil, err
	}
	f.Language = w.Language
	if f.Zone, err = time.LoadLocation(w.TimeZone); err != nil {
		f.Zone = time.UTC
	}
	return made(a.Desk.Forward(ctx, by(ctx, id), in.id(), f))
}

func checkCopies(lists ...[]string) error {
	for _, list := range lists {
		for _, addr := range list {
			if !plausibleAddress(addr) {
				return holdfast.Errorf(holdfast.Invalid, "address.malformed", "%q is not an e-mail address", addr).WithField("cc")
			}
		}
	}
	return nil
}
