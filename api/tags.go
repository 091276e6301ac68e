package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
)

type renameTagIn struct {
	Tag  string `path:"tag" maxLength:"200"`
	Body struct {
		Name string `json:"name" maxLength:"200" doc:"A tag that is in use already becomes one with it."`
	}
}

// retagged is what came of a change of a tag.
type retagged struct {
	Tag           string `json:"tag" doc:"As it is stored; empty: removed."`
	Conversations int    `json:"conversations"`
	Presets       int    `json:"presets" doc:"Macros and views that name it and were changed."`
}

func (a *API) renameTag(ctx context.Context, id access.Identity, in *renameTagIn) (*body[retagged], error) {
	name, err := desk.NormalTag(in.Body.Name)
	if err != nil {
		return nil, err
	}
	return a.retag(ctx, id, in.Tag, name)
}

type dropTagIn struct {
	Tag string `path:"tag" maxLength:"200"`
}

func (a *API) dropTag(ctx context.Context, id access.Identity, in *dropTagIn) (*body[retagged], error) {
	return a.retag(ctx, id, in.Tag, "")
}

// retag changes the presets first: a macro that ran meanwhile would bring the old name back.
func (a *API) retag(ctx context.Context, id access.Identity, from, to string) (*body[retagged], error) {
	from, err := desk.NormalTag(from)
	if err != nil {
		return nil, err
	}
	some, err := a.Inbox.Tagged(ctx, id.Workspace, from, 1)
	if err != nil {
		return nil, err
	}
	if len(some) == 0 {
		return nil, holdfast.Errorf(holdfast.NotFound, "tag.missing", "no conversation has this tag")
	}
	is := func(tag string) bool {
		t, err := desk.NormalTag(tag)
		return err == nil && t == from
	}
	r := retagged{Tag: to}
	if from == to {
		return ok(r, nil)
	}
	if r.Presets, err = a.Presets.Retag(ctx, id, is, from, to); err != nil {
		return nil, err
	}
	r.Conversations, err = a.Desk.Retag(ctx, by(ctx, id), from, to)
	return ok(r, err)
}
