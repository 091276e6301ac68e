package api

import (
	"context"
	"encoding/json"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/presets"
)

func (a *API) listViews(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[presets.View]], error) {
	list, err := a.Presets.Views(ctx, id)
	return paged(list, "", err)
}

func (a *API) readView(ctx context.Context, id access.Identity, in *IDIn) (*body[presets.View], error) {
	return ok(a.Presets.View(ctx, id, in.id()))
}

type viewIn struct {
	IDIn
	Body struct {
		Owner    *ownerIn            `json:"owner,omitempty"`
		Name     string              `json:"name" maxLength:"200"`
		Filter   holdfast.ViewFilter `json:"filter"`
		Position int                 `json:"position,omitempty" minimum:"0" maximum:"10000"`
	}
}

func (a *API) saveView(ctx context.Context, id access.Identity, in *viewIn) (*body[presets.View], error) {
	owner, err := in.Body.Owner.owner(id)
	if err != nil {
		return nil, err
	}
	return ok(a.Presets.SaveView(ctx, id, in.id(), holdfast.ViewSaved{Owner: owner, Name: in.Body.Name, Filter: in.Body.Filter, Position: in.Body.Position}))
}

func (a *API) removeView(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Presets.RemoveView(ctx, id, in.id()))
}

// asker is what "me" and "mine" mean to whoever asks.
func (a *API) asker(ctx context.Context, id access.Identity) (inbox.Asker, error) {
	who := inbox.Asker{Operator: id.Operator, Now: a.Inbox.Now()}
	if id.Operator.IsZero() {
		return who, nil
	}
	m, err := a.Guard.Operator(ctx, id.Workspace, id.Operator)
	who.Teams = m.Teams
	return who, err
}

// listView reads a page of a saved view.
func (a *API) listView(ctx context.Context, id access.Identity, view holdfast.ID, cursor string, limit int) (*body[page[inbox.Item]], error) {
	v, err := a.Presets.View(ctx, id, view)
	if err != nil {
		return nil, err
	}
	who, err := a.asker(ctx, id)
	if err != nil {
		return nil, err
	}
	return paged(a.Inbox.ListView(ctx, id.Workspace, v.Filter, who, cursor, limit))
}

// viewCount is how much a view finds.
type viewCount struct {
	ID      holdfast.ID `json:"id"`
	Count   int         `json:"count" doc:"At most 1000: then it is that many or more."`
	Partial bool        `json:"partial,omitempty" doc:"Only the latest 20000 conversations were looked at."`
}

type countViewsIn struct {
	Filter string `query:"filter" maxLength:"16384" doc:"Instead of the saved views: a filter as JSON, to count before it is saved. Its id is empty."`
}

func (a *API) countViews(ctx context.Context, id access.Identity, in *countViewsIn) (*body[page[viewCount]], error) {
	views, err := a.countedViews(ctx, id, in.Filter)
	if err != nil {
		return nil, err
	}
	who, err := a.asker(ctx, id)
	if err != nil {
		return nil, err
	}
	filters := make([]holdfast.ViewFilter, len(views))
	for i := range views {
		filters[i] = views[i].Filter
	}
	counts, partial, err := a.Inbox.CountViews(ctx, id.Workspace, filters, who)
	if err != nil {
		return nil, err
	}
	list := make([]viewCount, 0, len(views))
	for i, v := range views {
		list = append(list, viewCount{v.ID, counts[i], partial[i]})
	}
	return paged(list, "", nil)
}

// maxCounted is how many views are counted in one call: one's own come first.
const maxCounted = 60

// countedViews are the saved ones, or the one that is being tried.
func (a *API) countedViews(ctx context.Context, id access.Identity, filter string) ([]presets.View, error) {
	if filter != "" {
		f, err := parseFilter(filter)
		return []presets.View{{Filter: f}}, err
	}
	views, err := a.Presets.Views(ctx, id)
	return views[:min(len(views), maxCounted)], err
}

func parseFilter(s string) (f holdfast.ViewFilter, err error) {
	if err := json.Unmarshal([]byte(s), &f); err != nil {
		return f, holdfast.Errorf(holdfast.Invalid, "view.malformed", "the filter is not JSON: %w", err).WithField("filter")
	}
	return f, nil
}

// tryFilter reads a page of what a filter finds that is not saved, as JSON.
func (a *API) tryFilter(ctx context.Context, id access.Identity, filter, cursor string, limit int) (*body[page[inbox.Item]], error) {
	f, err := parseFilter(filter)
	if err != nil {
		return nil, err
	}
	who, err := a.asker(ctx, id)
	if err != nil {
		return nil, err
	}
	return paged(a.Inbox.ListView(ctx, id.Workspace, f, who, cursor, limit))
}
