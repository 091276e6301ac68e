package api

import (
	"context"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/losses"
)

type assumptionsView struct {
	Said     holdfast.Assumptions `json:"said"`
	Currency string               `json:"currency" doc:"That sums are in; until one is said, the usual one of the workspace's language."`
	Factors  []losses.Factor      `json:"factors"`
	Basis    losses.Basis         `json:"basis"`
}

func (a *API) readAssumptions(ctx context.Context, id access.Identity, _ *struct{}) (*body[assumptionsView], error) {
	said, err := a.Losses.Assumptions(ctx, id.Workspace)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	r, err := a.Losses.Of(ctx, id.Workspace, now, now)
	if err != nil {
		return nil, err
	}
	return ok(assumptionsView{said, r.Currency, r.Factors, r.Basis}, nil)
}

type assumptionsIn struct{ Body holdfast.Assumptions }

func (a *API) setAssumptions(ctx context.Context, id access.Identity, in *assumptionsIn) (*body[assumptionsView], error) {
	if err := a.Losses.Assume(ctx, id.Workspace, id.Actor, in.Body); err != nil {
		return nil, err
	}
	return a.readAssumptions(ctx, id, nil)
}

type costsIn struct {
	Days int `query:"days" minimum:"1" maximum:"366" default:"90" doc:"How far back."`
}

func (a *API) readCosts(ctx context.Context, id access.Identity, in *costsIn) (*body[*losses.Report], error) {
	now := time.Now()
	return ok(a.Losses.Of(ctx, id.Workspace, now.AddDate(0, 0, -in.Days), now))
}

func (a *API) outageCost(ctx context.Context, id access.Identity, in *IDIn) (*body[*losses.Episode], error) {
	return ok(a.Losses.Outage(ctx, id.Workspace, in.id()))
}

type calculateIn struct {
	Body struct {
		From        time.Time            `json:"from,omitzero" doc:"When it begins; missing: now, or when the desk opens next."`
		Hours       float64              `json:"hours" minimum:"0" maximum:"2160"`
		Cut         float64              `json:"cut" minimum:"0" maximum:"1" doc:"The share of all contacts that it cuts off."`
		Customers   *float64             `json:"customers,omitempty" minimum:"0" doc:"Who is not served; missing: as many as would have written."`
		Assumptions holdfast.Assumptions `json:"assumptions"`
	}
}

func (a *API) calculateCost(ctx context.Context, id access.Identity, in *calculateIn) (*body[*losses.Episode], error) {
	b := &in.Body
	return ok(a.Losses.Calculate(ctx, id.Workspace, losses.Case{From: b.From, Hours: b.Hours, Cut: b.Cut, Customers: b.Customers, Assumptions: b.Assumptions}))
}
