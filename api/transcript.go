package api

import (
	"context"

	"holdfast/access"
)

type transcriptIn struct {
	IDIn
	Body struct {
		Address string `json:"address,omitempty" maxLength:"254" doc:"An address of the customer's; empty: the first that is known."`
	}
}

// mailed says where something went.
type mailed struct {
	To string `json:"to"`
}

func (a *API) mailTranscript(ctx context.Context, id access.Identity, in *transcriptIn) (*body[mailed], error) {
	to, err := a.Transcripts.ForOperator(ctx, id.Workspace, id.Actor, in.id(), in.Body.Address)
	return ok(mailed{to}, err)
}
