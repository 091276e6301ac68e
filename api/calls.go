package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/calls"
)

func (a *API) listCalls(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[calls.List]], error) {
	list, err := a.Calls.Lists(ctx, id.Workspace, id.Operator)
	return paged(list, "", err)
}

type callIn struct {
	IDIn
	Customer string `path:"customer" format:"uuid"`
	Body     struct {
		Outcome holdfast.CallOutcome `json:"outcome" enum:"reached,no_answer,later,wrong"`
		Text    string               `json:"text,omitempty" maxLength:"2000" doc:"Becomes a note on what is open of the customer's."`
	}
}

func (a *API) callMade(ctx context.Context, id access.Identity, in *callIn) (*nothing, error) {
	customer, err := parseID(in.Customer, "customer")
	if err != nil {
		return nil, err
	}
	return end(a.Calls.Made(ctx, id, in.id(), customer, in.Body.Outcome, in.Body.Text))
}
