package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
)

type estimateIn struct {
	IDIn
	Body struct {
		Text string `json:"text" maxLength:"20000"`
	}
}

// estimateView is what a text comes to, and the whole of it.
type estimateView struct {
	channel.Estimate
	Price float64 `json:"price,omitempty" doc:"Of all parts."`
}

func (a *API) estimateText(ctx context.Context, id access.Identity, in *estimateIn) (*body[estimateView], error) {
	v, err := a.Setup.Channel(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	e := a.Channels.Estimate(v.ID, in.Body.Text)
	if e == nil {
		return nil, holdfast.Errorf(holdfast.Conflict, "channel.no_estimate", "this channel does not bill by the length of a text, or does not run")
	}
	return ok(estimateView{*e, e.Price()}, nil)
}
