package api

import (
	"context"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/feedback"
)

func (a *API) conversationRatings(ctx context.Context, id access.Identity, in *IDIn) (*body[page[feedback.Rating]], error) {
	c, err := a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator)
	if err != nil {
		return nil, err
	}
	list, err := a.Feedback.Of(ctx, id.Workspace, append([]holdfast.ID{c.ID}, c.Merged...)...)
	return paged(list, "", err)
}

type askIn struct {
	IDIn
	Body struct {
		Question string `json:"question" enum:"csat,nps"`
	}
}

func (a *API) askToRate(ctx context.Context, id access.Identity, in *askIn) (*nothing, error) {
	kind, err := holdfast.ParseRatingKind(in.Body.Question)
	if err != nil {
		return nil, err
	}
	return end(a.Feedback.Ask(ctx, id.Workspace, in.id(), kind, id.Actor))
}

func (a *API) listRatings(ctx context.Context, id access.Identity, in *PageIn) (*body[page[feedback.Rating]], error) {
	var before *feedback.Rating
	if in.Cursor != "" {
		at, conversation, _ := strings.Cut(in.Cursor, ".")
		when, err := time.Parse(time.RFC3339Nano, strings.ReplaceAll(at, "_", "."))
		cid, bad := holdfast.ParseID(conversation)
		if err != nil || bad != nil {
			return nil, holdfast.Errorf(holdfast.Invalid, "cursor.malformed", "this is not a cursor of ours").WithField("cursor")
		}
		before = &feedback.Rating{Conversation: cid, RatedAt: when}
	}
	list, err := a.Feedback.List(ctx, id.Workspace, before, in.Limit)
	next := ""
	if err == nil && len(list) == in.Limit {
		last := list[len(list)-1]
		next = strings.ReplaceAll(last.RatedAt.Format(time.RFC3339Nano), ".", "_") + "." + last.Conversation.String()
	}
	return paged(list, next, err)
}

type totalsIn struct {
	Kind  string    `query:"kind" enum:"csat,nps" default:"csat"`
	Since time.Time `query:"since" doc:"Asked or answered since then; empty: 30 days ago."`
}

func (a *API) countRatings(ctx context.Context, id access.Identity, in *totalsIn) (*body[feedback.Totals], error) {
	kind, err := holdfast.ParseRatingKind(in.Kind)
	if err != nil {
		return nil, err
	}
	if in.Since.IsZero() {
		in.Since = time.Now().AddDate(0, 0, -30)
	}
	return ok(a.Feedback.Totals(ctx, id.Workspace, kind, in.Since))
}

func (a *API) readSurvey(ctx context.Context, id access.Identity, _ *struct{}) (*body[feedback.Settings], error) {
	return ok(a.Feedback.Settings(ctx, id.Workspace))
}

type surveyIn struct {
	Body struct {
		CSAT string `json:"csat" enum:"off,stars,thumbs" doc:"Asked when a conversation that was answered is resolved."`
	}
}

func (a *API) setSurvey(ctx context.Context, id access.Identity, in *surveyIn) (*body[feedback.Settings], error) {
	if err := a.Feedback.SetSettings(ctx, id, feedback.Settings{CSAT: in.Body.CSAT}); err != nil {
		return nil, err
	}
	return a.readSurvey(ctx, id, nil)
}
