package api

import (
	"context"
	"time"

	"holdfast/access"
	"holdfast/inbox"
)

type putOffIn struct {
	IDIn
	Body struct {
		NotBefore time.Time `json:"not_before,omitempty" doc:"Empty: now."`
	}
}

func (a *API) putOffMessage(ctx context.Context, id access.Identity, in *putOffIn) (*body[*inbox.Message], error) {
	return ok(a.Desk.PutOff(ctx, by(ctx, id), in.id(), in.Body.NotBefore))
}
