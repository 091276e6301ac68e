package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/setup"
)

// hoursView is when the desk or a team answers.
type hoursView struct {
	Team     string            `json:"team,omitempty" doc:"Empty: the workspace as a whole."`
	TimeZone string            `json:"time_zone" doc:"The workspace's; the hours are meant in it."`
	Week     [][]holdfast.Span `json:"week" doc:"Seven days from Sunday, each a list of spans."`
	Days     []holdfast.Day    `json:"days" doc:"Dates that are not as their weekday; without spans the day is free."`
}

func viewHours(h setup.Hours) hoursView {
	v := hoursView{TimeZone: h.TimeZone, Week: make([][]holdfast.Span, 7), Days: h.Days}
	if !h.Team.IsZero() {
		v.Team = h.Team.String()
	}
	for i, spans := range h.Week {
		v.Week[i] = append([]holdfast.Span{}, spans...)
	}
	if v.Days == nil {
		v.Days = []holdfast.Day{}
	}
	for i := range v.Days {
		if v.Days[i].Spans == nil {
			v.Days[i].Spans = []holdfast.Span{}
		}
	}
	return v
}

func (a *API) listHours(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[hoursView]], error) {
	list, err := a.Setup.Hours(ctx, id.Workspace)
	views := make([]hoursView, 0, len(list))
	for _, h := range list {
		views = append(views, viewHours(h))
	}
	return paged(views, "", err)
}

type hoursIn struct {
	Body struct {
		Team string            `json:"team,omitempty" doc:"Empty: the workspace as a whole."`
		Week [][]holdfast.Span `json:"week" minItems:"7" maxItems:"7" doc:"Seven days from Sunday. No spans on any day and no days: the team follows the workspace, the workspace has no hours."`
		Days []holdfast.Day    `json:"days,omitempty" maxItems:"500"`
	}
}

func (a *API) setHours(ctx context.Context, id access.Identity, in *hoursIn) (*body[page[hoursView]], error) {
	team, err := parseID(in.Body.Team, "team")
	if err != nil {
		return nil, err
	}
	h := holdfast.Hours{Days: in.Body.Days}
	copy(h.Week[:], in.Body.Week)
	if err := a.Setup.SetHours(ctx, id, team, h); err != nil {
		return nil, err
	}
	return a.listHours(ctx, id, nil)
}
