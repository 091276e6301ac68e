package api

import (
	"context"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/status"
)

// statusPage is how a workspace shows itself, with where that is.
type statusPage struct {
	status.Page
	URL      string `json:"url"`
	BoardURL string `json:"board_url" doc:"A secret link; empty for whoever may not manage the workspace."`
	HasLinks bool   `json:"has_links" doc:"This desk watches its uplinks."`
}

func (a *API) statusPage(ctx context.Context, id access.Identity) (*body[statusPage], error) {
	p, err := a.Status.Settings(ctx, id.Workspace)
	out := statusPage{Page: p, URL: a.Status.URL(id.Workspace, p), HasLinks: a.Status.Links != nil}
	if id.May(holdfast.ManageWorkspace) {
		out.BoardURL = a.Status.BoardURL(id.Workspace, p)
	}
	return ok(out, err)
}

func (a *API) readStatusPage(ctx context.Context, id access.Identity, _ *struct{}) (*body[statusPage], error) {
	return a.statusPage(ctx, id)
}

type statusPageIn struct {
	Body struct {
		Open      bool           `json:"open"`
		Slug      string         `json:"slug" maxLength:"64"`
		About     holdfast.Texts `json:"about,omitempty"`
		Phone     string         `json:"phone,omitempty" maxLength:"64"`
		SMS       string         `json:"sms,omitempty" maxLength:"64"`
		Links     bool           `json:"links,omitempty"`
		Hidden    []string       `json:"hidden,omitempty" maxItems:"200" doc:"Channels that are not named."`
		Board     bool           `json:"board,omitempty"`
		Languages []string       `json:"languages,omitempty" maxItems:"10" doc:"Of the board, one after the other; empty: all."`
	}
}

func (a *API) setStatusPage(ctx context.Context, id access.Identity, in *statusPageIn) (*body[statusPage], error) {
	b := in.Body
	hidden, err := parseIDs(b.Hidden, "hidden")
	if err != nil {
		return nil, err
	}
	p := status.Page{Open: b.Open, Slug: b.Slug, About: b.About, Phone: b.Phone, SMS: b.SMS, Links: b.Links, Hidden: hidden, Board: b.Board, Languages: b.Languages}
	if err := a.Status.SetSettings(ctx, id, p); err != nil {
		return nil, err
	}
	return a.statusPage(ctx, id)
}

func (a *API) renewBoard(ctx context.Context, id access.Identity, _ *struct{}) (*body[statusPage], error) {
	if err := a.Status.RenewBoard(ctx, id); err != nil {
		return nil, err
	}
	return a.statusPage(ctx, id)
}

type incidentsIn struct {
	Days int `query:"days" minimum:"1" maximum:"3650" default:"90" doc:"How far back; what is open is always there."`
}

func (a *API) listIncidents(ctx context.Context, id access.Identity, in *incidentsIn) (*body[page[status.Incident]], error) {
	list, err := a.Status.Incidents(ctx, id.Workspace, time.Now().AddDate(0, 0, -in.Days))
	return paged(list, "", err)
}

func (a *API) readIncident(ctx context.Context, id access.Identity, in *IDIn) (*body[status.Incident], error) {
	return ok(a.Status.Incident(ctx, id.Workspace, in.id()))
}

// UpdateIn is one word on an incident.
type UpdateIn struct {
	State string         `json:"state" enum:"investigating,identified,watching,resolved"`
	Texts holdfast.Texts `json:"texts" doc:"By language."`
}

type incidentIn struct {
	IDIn
	Body struct {
		Titles    holdfast.Texts `json:"titles" doc:"By language."`
		Scope     []string       `json:"scope,omitempty" maxItems:"100" doc:"Channels that it concerns; empty: everything."`
		StartedAt time.Time      `json:"started_at,omitzero" doc:"Left out: now, or as it was."`
		First     *UpdateIn      `json:"first,omitempty" doc:"What is said of it along with it, once."`
	}
}

func (a *API) saveIncident(ctx context.Context, id access.Identity, in *incidentIn) (*body[status.Incident], error) {
	scope, err := parseIDs(in.Body.Scope, "scope")
	if err != nil {
		return nil, err
	}
	for _, c := range scope {
		if _, err := a.Setup.Channel(ctx, id.Workspace, c); err != nil {
			return nil, err
		}
	}
	var first *status.NewUpdate
	if f := in.Body.First; f != nil {
		first = &status.NewUpdate{ID: holdfast.DeriveID(in.id(), "first"), State: holdfast.IncidentState(f.State), Texts: f.Texts}
	}
	return ok(a.Status.SaveIncident(ctx, id, holdfast.ID{}, in.id(), holdfast.IncidentSaved{Titles: in.Body.Titles, Scope: scope, StartedAt: in.Body.StartedAt}, first))
}

type incidentUpdateIn struct {
	IDIn
	Update string `path:"update" format:"uuid"`
	Body   UpdateIn
}

func (a *API) updateIncident(ctx context.Context, id access.Identity, in *incidentUpdateIn) (*body[status.Incident], error) {
	u, err := parseID(in.Update, "update")
	if err != nil {
		return nil, err
	}
	return ok(a.Status.UpdateIncident(ctx, id, in.id(), status.NewUpdate{ID: u, State: holdfast.IncidentState(in.Body.State), Texts: in.Body.Texts}))
}

func (a *API) removeIncident(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Status.RemoveIncident(ctx, id, in.id()))
}

func (a *API) listBanners(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[status.Banner]], error) {
	list, err := a.Status.Banners(ctx, id.Workspace, time.Now())
	return paged(list, "", err)
}

type bannerIn struct {
	IDIn
	Body struct {
		Audiences []holdfast.Audience `json:"audiences" minItems:"1" maxItems:"8" doc:"console, widget, status, board"`
		Severity  string              `json:"severity" enum:"info,warning,critical"`
		Texts     holdfast.Texts      `json:"texts" doc:"By language."`
		Until     time.Time           `json:"until,omitzero" doc:"It goes by itself then."`
	}
}

func (a *API) raiseBanner(ctx context.Context, id access.Identity, in *bannerIn) (*nothing, error) {
	return end(a.Status.RaiseBanner(ctx, id, holdfast.ID{}, in.id(), holdfast.BannerRaised{Audiences: in.Body.Audiences, Severity: holdfast.Severity(in.Body.Severity), Texts: in.Body.Texts, Until: in.Body.Until}))
}

func (a *API) lowerBanner(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Status.LowerBanner(ctx, id, in.id()))
}
