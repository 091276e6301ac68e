package api

import (
	"context"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/continuity"
	"holdfast/links"
)

func (a *API) readContinuity(ctx context.Context, id access.Identity, _ *struct{}) (*body[continuity.Overview], error) {
	return ok(a.Continuity.Overview(ctx, id.Workspace))
}

type figuresIn struct {
	IDIn
	Step string    `query:"step" enum:"1s,1m,15m" default:"1m" doc:"Seconds are kept for an hour, minutes for 30 days, quarters of an hour for two years."`
	From time.Time `query:"from" doc:"Missing: an hour, a day or 30 days before the end, by the step."`
	To   time.Time `query:"to" doc:"Missing: now."`
}

type figuresView struct {
	Step  string              `json:"step"`
	Items []continuity.Figure `json:"items" doc:"The oldest first; at most 1500 of a minute or more, neighbours being put together. A step in which nothing ran is missing."`
}

func (a *API) linkFigures(ctx context.Context, _ access.Identity, in *figuresIn) (*body[figuresView], error) {
	if in.To.IsZero() {
		in.To = time.Now()
	}
	if in.From.IsZero() {
		in.From = in.To.Add(-map[string]time.Duration{"1s": time.Hour, "1m": 24 * time.Hour, "15m": 30 * 24 * time.Hour}[in.Step])
	}
	list, err := a.Continuity.Figures(ctx, in.id(), continuity.Steps[in.Step], in.From, in.To)
	return ok(figuresView{in.Step, list}, err)
}

type outagesIn struct {
	PageIn
	From time.Time `query:"from" doc:"Only those that lasted then or later."`
	To   time.Time `query:"to" doc:"Only those that had begun then."`
}

func (a *API) listOutages(ctx context.Context, id access.Identity, in *outagesIn) (*body[page[continuity.Outage]], error) {
	list, next, err := a.Continuity.Outages(ctx, id.Workspace, in.From, in.To, in.Cursor, in.Limit)
	return paged(list, next, err)
}

func (a *API) readOutage(ctx context.Context, id access.Identity, in *IDIn) (*body[continuity.Outage], error) {
	return ok(a.Continuity.Outage(ctx, id.Workspace, in.id()))
}

type continuitySettings struct {
	Links     []continuity.Link      `json:"links"`
	Equipment []continuity.Equipment `json:"equipment"`
	Targets   continuity.Targets     `json:"targets"`
	Defaults  []links.Defaults       `json:"defaults" doc:"By country; the last is for every other."`
	MayChange bool                   `json:"may_change" doc:"False: they are those of workspaces, too, that you do not administer."`
}

func (a *API) continuitySettings(ctx context.Context, id access.Identity, _ *struct{}) (*body[continuitySettings], error) {
	v := continuitySettings{Links: []continuity.Link{}, Equipment: []continuity.Equipment{}}
	list, err := a.Continuity.Links(ctx)
	if err != nil {
		return nil, err
	}
	things, err := a.Continuity.Equipment(ctx)
	if err != nil {
		return nil, err
	}
	if v.Targets, err = a.Continuity.Targets(ctx); err != nil {
		return nil, err
	}
	v.Links, v.Equipment = append(v.Links, list...), append(v.Equipment, things...)
	for _, c := range links.Countries() {
		v.Defaults = append(v.Defaults, links.DefaultsFor(c))
	}
	switch err := a.Setup.MayManageNode(ctx, id); holdfast.KindOf(err) {
	case holdfast.Forbidden:
	default:
		if err != nil {
			return nil, err
		}
		v.MayChange = true
	}
	return ok(v, nil)
}

type linkIn struct {
	IDIn
	Body struct {
		Name      string  `json:"name"`
		Kind      string  `json:"kind" doc:"fibre, cable, dsl, lte, satellite or other."`
		Interface string  `json:"interface,omitempty" doc:"The device that its probes are bound to."`
		Source    string  `json:"source,omitempty" doc:"The address that they come from, where no device is named."`
		Gateway   string  `json:"gateway,omitempty" doc:"Empty: as the routes say."`
		Metered   bool    `json:"metered,omitempty" doc:"Each byte costs: probed sparingly while another uplink is up."`
		PriceMB   float64 `json:"price_mb,omitempty" doc:"Of a megabyte, in the workspace's currency."`
	}
}

func (a *API) saveLink(ctx context.Context, id access.Identity, in *linkIn) (*nothing, error) {
	if err := a.Setup.MayManageNode(ctx, id); err != nil {
		return nil, err
	}
	b := &in.Body
	return end(a.Continuity.SaveLink(ctx, id.Workspace, id.Actor, continuity.Link{ID: in.id(), Name: b.Name, Kind: links.Kind(b.Kind), Interface: b.Interface, Source: b.Source,
		Gateway: b.Gateway, Metered: b.Metered, PriceMB: b.PriceMB}))
}

func (a *API) removeLink(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	if err := a.Setup.MayManageNode(ctx, id); err != nil {
		return nil, err
	}
	return end(a.Continuity.RemoveLink(ctx, id.Workspace, id.Actor, in.id()))
}

type overrideIn struct {
	IDIn
	Body struct {
		State  string `json:"state" doc:"up or down; empty: what the probes say."`
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"For the audit."`
	}
}

func (a *API) overrideLink(ctx context.Context, id access.Identity, in *overrideIn) (*nothing, error) {
	if err := a.Setup.MayManageNode(ctx, id); err != nil {
		return nil, err
	}
	return end(a.Continuity.Override(ctx, id.Workspace, id.Actor, in.id(), in.Body.State, in.Body.Reason))
}

func (a *API) probeLink(ctx context.Context, id access.Identity, in *IDIn) (*body[continuity.Trial], error) {
	if err := a.Setup.MayManageNode(ctx, id); err != nil {
		return nil, err
	}
	return ok(a.Continuity.Probe(ctx, in.id()))
}

type equipmentIn struct {
	IDIn
	Body struct {
		Name    string `json:"name"`
		Kind    string `json:"kind" doc:"router, access_point, pbx, printer or other."`
		Address string `json:"address"`
		Port    int    `json:"port,omitempty" doc:"Of tcp and http; 0: the usual one."`
		Probe   string `json:"probe,omitempty" doc:"auto, icmp, tcp or http."`
	}
}

func (a *API) saveEquipment(ctx context.Context, id access.Identity, in *equipmentIn) (*nothing, error) {
	if err := a.Setup.MayManageNode(ctx, id); err != nil {
		return nil, err
	}
	b := &in.Body
	return end(a.Continuity.SaveEquipment(ctx, id.Workspace, id.Actor, continuity.Equipment{ID: in.id(), Name: b.Name, Kind: b.Kind, Address: b.Address, Port: b.Port, Probe: b.Probe}))
}

func (a *API) removeEquipment(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	if err := a.Setup.MayManageNode(ctx, id); err != nil {
		return nil, err
	}
	return end(a.Continuity.RemoveEquipment(ctx, id.Workspace, id.Actor, in.id()))
}

type targetsIn struct{ Body continuity.Targets }

func (a *API) setTargets(ctx context.Context, id access.Identity, in *targetsIn) (*nothing, error) {
	if err := a.Setup.MayManageNode(ctx, id); err != nil {
		return nil, err
	}
	return end(a.Continuity.SetTargets(ctx, id.Workspace, id.Actor, in.Body))
}

type foundView struct {
	Items []foundLink `json:"items"`
}

type foundLink struct {
	links.Found
	Configured bool `json:"configured" doc:"An uplink is set up on this device."`
}

func (a *API) discoverLinks(ctx context.Context, id access.Identity, _ *struct{}) (*body[foundView], error) {
	if err := a.Setup.MayManageNode(ctx, id); err != nil {
		return nil, err
	}
	have, err := a.Continuity.Links(ctx)
	if err != nil {
		return nil, err
	}
	list, err := links.Discover()
	if err != nil {
		return nil, holdfast.Errorf(holdfast.Unavailable, "continuity.discover_failed", "the system does not tell which uplinks it has: %w", err).
			WithNext("Add the uplink by hand.")
	}
	v := foundView{Items: []foundLink{}}
	for _, f := range list {
		x := foundLink{Found: f}
		for _, l := range have {
			x.Configured = x.Configured || l.Interface == f.Interface
		}
		v.Items = append(v.Items, x)
	}
	return ok(v, nil)
}

type needsIn struct {
	IDIn
	Body struct {
		Reach string `json:"reach" doc:"international, domestic or local; empty: as its kind says."`
	}
}

func (a *API) setNeeds(ctx context.Context, id access.Identity, in *needsIn) (*nothing, error) {
	return end(a.Continuity.SetNeeds(ctx, id.Workspace, id.Actor, in.id(), holdfast.Reach(in.Body.Reach)))
}
