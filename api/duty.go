package api

import (
	"context"
	"time"

	"holdfast"
	"holdfast/access"
)

// shiftsView is when an operator works.
type shiftsView struct {
	TimeZone string            `json:"time_zone" doc:"The workspace's; the hours are meant in it."`
	Week     [][]holdfast.Span `json:"week" doc:"Seven days from Sunday, each a list of spans. No spans on any day and no days: the operator works as their team does."`
	Days     []holdfast.Day    `json:"days" doc:"Dates that are not as their weekday; without spans the day is free."`
}

func (a *API) readShifts(ctx context.Context, id access.Identity, in *IDIn) (*body[shiftsView], error) {
	h, err := a.Setup.Shifts(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	w, err := a.Setup.Workspace(ctx, id.Workspace)
	v := shiftsView{TimeZone: w.TimeZone, Week: make([][]holdfast.Span, 7), Days: h.Days}
	for i, spans := range h.Week {
		v.Week[i] = append([]holdfast.Span{}, spans...)
	}
	if v.Days == nil {
		v.Days = []holdfast.Day{}
	}
	return ok(v, err)
}

type shiftsIn struct {
	IDIn
	Body struct {
		Week [][]holdfast.Span `json:"week" minItems:"7" maxItems:"7" doc:"Seven days from Sunday. No spans on any day and no days: the operator works as their team does."`
		Days []holdfast.Day    `json:"days,omitempty" maxItems:"500"`
	}
}

func (a *API) setShifts(ctx context.Context, id access.Identity, in *shiftsIn) (*body[shiftsView], error) {
	h := holdfast.Hours{Days: in.Body.Days}
	copy(h.Week[:], in.Body.Week)
	if err := a.Setup.SetShifts(ctx, id, in.id(), h); err != nil {
		return nil, err
	}
	return a.readShifts(ctx, id, &in.IDIn)
}

type awayBody struct {
	Away  bool      `json:"away"`
	Until time.Time `json:"until,omitempty" doc:"When they will be back; missing: until they say so."`
}

type awayIn struct{ Body awayBody }

func (a *API) setMyAway(ctx context.Context, id access.Identity, in *awayIn) (*nothing, error) {
	return end(a.Setup.SetAway(ctx, id, id.Operator, in.Body.Away, in.Body.Until))
}

type operatorAwayIn struct {
	IDIn
	Body awayBody
}

func (a *API) setAway(ctx context.Context, id access.Identity, in *operatorAwayIn) (*nothing, error) {
	return end(a.Setup.SetAway(ctx, id, in.id(), in.Body.Away, in.Body.Until))
}
