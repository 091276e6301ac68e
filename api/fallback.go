package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/fallback"
)

type consentsView struct {
	Items   []fallback.Consent `json:"items"`
	Prefers []string           `json:"prefers" doc:"Schemes of addresses: the ways that the customer prefers, the first one first."`
}

func (a *API) listConsents(ctx context.Context, id access.Identity, in *IDIn) (*body[consentsView], error) {
	var v consentsView
	var err error
	if v.Items, err = a.Fallback.Consents(ctx, id.Workspace, in.id()); err != nil {
		return nil, err
	}
	v.Prefers, err = a.Fallback.Preference(ctx, id.Workspace, in.id())
	return ok(v, err)
}

type consentIn struct {
	IDIn
	Body struct {
		Scheme  string                  `json:"scheme" maxLength:"100"`
		Value   string                  `json:"value" maxLength:"998"`
		Purpose holdfast.ConsentPurpose `json:"purpose" enum:"service,notice,marketing,calls"`
		Given   bool                    `json:"given"`
		Proof   string                  `json:"proof,omitempty" maxLength:"500" doc:"How it is known; needed for a yes."`
	}
}

func (a *API) setConsent(ctx context.Context, id access.Identity, in *consentIn) (*body[consentsView], error) {
	address := holdfast.Address{Scheme: in.Body.Scheme, Value: in.Body.Value}
	if err := a.Fallback.SetConsent(ctx, id, in.id(), address, in.Body.Purpose, in.Body.Given, in.Body.Proof); err != nil {
		return nil, err
	}
	return a.listConsents(ctx, id, &in.IDIn)
}

type preferenceIn struct {
	IDIn
	Body struct {
		Schemes []string `json:"schemes" maxItems:"8"`
	}
}

func (a *API) setPreference(ctx context.Context, id access.Identity, in *preferenceIn) (*body[consentsView], error) {
	if err := a.Fallback.SetPreference(ctx, id, in.id(), in.Body.Schemes); err != nil {
		return nil, err
	}
	return a.listConsents(ctx, id, &in.IDIn)
}

type waysIn struct {
	IDIn
	Channel string `query:"channel" doc:"That a message would be written for; empty: the first way that there is."`
	Sort    string `query:"sort" enum:"reply,automatic,notice" default:"reply"`
}

func (a *API) customerWays(ctx context.Context, id access.Identity, in *waysIn) (*body[*fallback.Outlook], error) {
	own, err := parseID(in.Channel, "channel")
	if err != nil {
		return nil, err
	}
	return ok(a.Fallback.Outlook(ctx, id.Workspace, in.id(), own, holdfast.MessageSort(in.Sort)))
}

func (a *API) listWays(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[fallback.Way]], error) {
	list, err := a.Fallback.Ways(ctx, id.Workspace)
	return paged(list, "", err)
}

func (a *API) listChains(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[holdfast.ChainSaved]], error) {
	list, err := a.Fallback.Chains(ctx, id.Workspace)
	return paged(list, "", err)
}

type legIn struct {
	Channel  string  `json:"channel,omitempty" doc:"One channel, or"`
	Kind     string  `json:"kind,omitempty" maxLength:"50" doc:"any of a kind."`
	Wait     int     `json:"wait" minimum:"0" maximum:"604800" doc:"Seconds until the next way is tried; 0: only when this one is cut or fails."`
	MaxPrice float64 `json:"max_price,omitempty" minimum:"0"`
}

type chainIn struct {
	Sort string `path:"sort" enum:"reply,automatic,notice"`
	Body struct {
		First int     `json:"first" minimum:"0" maximum:"604800" doc:"As wait, of the channel that a message was written for."`
		Legs  []legIn `json:"legs" maxItems:"8"`
		Once  bool    `json:"once,omitempty" doc:"Never send what one way has accepted, or may have, another way."`
	}
}

func (a *API) saveChain(ctx context.Context, id access.Identity, in *chainIn) (*body[page[holdfast.ChainSaved]], error) {
	c := holdfast.ChainSaved{Sort: holdfast.MessageSort(in.Sort), First: in.Body.First, Once: in.Body.Once, Legs: []holdfast.Leg{}}
	for _, l := range in.Body.Legs {
		ch, err := parseID(l.Channel, "legs")
		if err != nil {
			return nil, err
		}
		c.Legs = append(c.Legs, holdfast.Leg{Channel: ch, Kind: l.Kind, Wait: l.Wait, MaxPrice: l.MaxPrice})
	}
	if err := a.Fallback.SaveChain(ctx, id, c); err != nil {
		return nil, err
	}
	return a.listChains(ctx, id, nil)
}

func (a *API) readLimit(ctx context.Context, id access.Identity, in *IDIn) (*body[holdfast.LaneLimited], error) {
	if _, err := a.Setup.Channel(ctx, id.Workspace, in.id()); err != nil {
		return nil, err
	}
	return ok(a.Outbox.Limit(ctx, id.Workspace, in.id()))
}

type limitIn struct {
	IDIn
	Body struct {
		Count int    `json:"count" minimum:"0" maximum:"100000" doc:"0: no limit."`
		Per   string `json:"per" enum:"second,minute"`
	}
}

func (a *API) setLimit(ctx context.Context, id access.Identity, in *limitIn) (*body[holdfast.LaneLimited], error) {
	limit := holdfast.LaneLimited{Count: in.Body.Count, Per: in.Body.Per}
	return ok(limit, a.Fallback.SetLimit(ctx, id, in.id(), limit))
}
