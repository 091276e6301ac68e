package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/presets"
)

func (a *API) listFields(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[presets.Field]], error) {
	list, err := a.Presets.Fields(ctx, id)
	return paged(list, "", err)
}

type fieldIn struct {
	IDIn
	Body struct {
		Of       string                 `json:"of" enum:"customer,conversation"`
		Key      string                 `json:"key" maxLength:"50" doc:"For programs: small Latin letters, digits and _."`
		Labels   map[string]string      `json:"labels" doc:"By language."`
		Type     string                 `json:"type" enum:"text,number,date,choice,bool"`
		Choices  []holdfast.FieldChoice `json:"choices,omitempty" maxItems:"200"`
		Required bool                   `json:"required,omitempty" doc:"A value can be changed, but not taken away."`
		Position int                    `json:"position,omitempty" minimum:"0" maximum:"10000"`
	}
}

func (a *API) saveField(ctx context.Context, id access.Identity, in *fieldIn) (*body[presets.Field], error) {
	return ok(a.Presets.SaveField(ctx, id, in.id(), holdfast.FieldSaved{Of: in.Body.Of, Key: in.Body.Key, Labels: in.Body.Labels,
		Type: holdfast.FieldType(in.Body.Type), Choices: in.Body.Choices, Required: in.Body.Required, Position: in.Body.Position}))
}

func (a *API) removeField(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Presets.RemoveField(ctx, id, in.id()))
}

// fieldValues are values of custom fields, by key.
type fieldValues struct {
	Values map[string]string `json:"values" doc:"By the field's key: a number in decimal, a date as 2026-11-30, yes or no. Empty takes one away."`
}

type fieldValuesIn struct {
	IDIn
	Body fieldValues
}

func (a *API) conversationFields(ctx context.Context, id access.Identity, in *IDIn) (*body[fieldValues], error) {
	c, err := a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator)
	if err != nil {
		return nil, err
	}
	v, err := a.Presets.Values(ctx, id, presets.OfConversation, c.ID)
	return ok(fieldValues{v}, err)
}

func (a *API) setConversationFields(ctx context.Context, id access.Identity, in *fieldValuesIn) (*body[fieldValues], error) {
	c, err := a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator)
	if err != nil {
		return nil, err
	}
	if err := a.Presets.SetFields(ctx, id, presets.OfConversation, c.ID, in.Body.Values); err != nil {
		return nil, err
	}
	v, err := a.Presets.Values(ctx, id, presets.OfConversation, c.ID)
	return ok(fieldValues{v}, err)
}

func (a *API) customerFields(ctx context.Context, id access.Identity, in *IDIn) (*body[fieldValues], error) {
	if _, err := a.Inbox.Customer(ctx, id.Workspace, in.id()); err != nil {
		return nil, err
	}
	v, err := a.Presets.Values(ctx, id, presets.OfCustomer, in.id())
	return ok(fieldValues{v}, err)
}

func (a *API) setCustomerFields(ctx context.Context, id access.Identity, in *fieldValuesIn) (*body[fieldValues], error) {
	if _, err := a.Inbox.Customer(ctx, id.Workspace, in.id()); err != nil {
		return nil, err
	}
	if err := a.Presets.SetFields(ctx, id, presets.OfCustomer, in.id(), in.Body.Values); err != nil {
		return nil, err
	}
	v, err := a.Presets.Values(ctx, id, presets.OfCustomer, in.id())
	return ok(fieldValues{v}, err)
}
