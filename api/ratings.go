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

// RatingsIn narrows ratings down.
type RatingsIn struct {
	Kind      string    `query:"kind" enum:"csat,nps" doc:"Empty: both."`
	Since     time.Time `query:"since"`
	Until     time.Time `query:"until" doc:"Before then."`
	Operator  string    `query:"operator" doc:"Whose conversations, as they are now."`
	Team      string    `query:"team"`
	Channel   string    `query:"channel"`
	Commented bool      `query:"commented" doc:"Only those with words."`
}

func (in *RatingsIn) filter() (f feedback.Filter, err error) {
	if in.Kind != "" {
		if f.Kind, err = holdfast.ParseRatingKind(in.Kind); err != nil {
			return f, err
		}
	}
	f.Since, f.Until, f.Commented = in.Since, in.Until, in.Commented
	for _, p := range []struct {
		to   *holdfast.ID
		from string
		name string
	}{{&f.Operator, in.Operator, "operator"}, {&f.Team, in.Team, "team"}, {&f.Channel, in.Channel, "channel"}} {
		if *p.to, err = parseID(p.from, p.name); err != nil {
			return f, err
		}
	}
	return f, nil
}

type listRatingsIn struct {
	PageIn
	RatingsIn
}

func (a *API) listRatings(ctx context.Context, id access.Identity, in *listRatingsIn) (*body[page[feedback.Answer]], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
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
	list, err := a.Feedback.List(ctx, id.Workspace, f, before, in.Limit)
	next := ""
	if err == nil && len(list) == in.Limit {
		last := list[len(list)-1]
		next = strings.ReplaceAll(last.RatedAt.Format(time.RFC3339Nano), ".", "_") + "." + last.Conversation.String()
	}
	return paged(list, next, err)
}

type totalsIn struct {
	RatingsIn
	By string `query:"by" enum:"operator,team,channel" doc:"Also counts those of each."`
}

// ratingTotals is what ratings come to, and those of each operator, team or channel.
type ratingTotals struct {
	feedback.Totals
	Groups []feedback.Group `json:"groups"`
}

func (a *API) countRatings(ctx context.Context, id access.Identity, in *totalsIn) (*body[ratingTotals], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	if f.Kind == "" {
		f.Kind = holdfast.CSAT
	}
	if f.Since.IsZero() {
		f.Since = time.Now().AddDate(0, 0, -30)
	}
	t, groups, err := a.Feedback.Totals(ctx, id.Workspace, f, in.By)
	if groups == nil {
		groups = []feedback.Group{}
	}
	return ok(ratingTotals{t, groups}, err)
}

// surveyView is what customers are asked, and the words in which they are where the
// workspace has none of its own.
type surveyView struct {
	feedback.Settings
	Ours map[holdfast.RatingKind]map[string]string `json:"ours"`
}

func (a *API) readSurvey(ctx context.Context, id access.Identity, _ *struct{}) (*body[surveyView], error) {
	s, err := a.Feedback.Settings(ctx, id.Workspace)
	return ok(surveyView{s, feedback.Questions()}, err)
}

type surveyIn struct {
	Body struct {
		CSAT      string                       `json:"csat" enum:"off,stars,thumbs" doc:"Asked when a conversation that was answered is resolved."`
		NPS       string                       `json:"nps,omitempty" enum:"off,resolved" doc:"Asked then instead, of a customer who was not for nps_every days. Absent: off."`
		NPSEvery  int                          `json:"nps_every,omitempty" minimum:"0" maximum:"1000" doc:"Days; 0: 90."`
		Questions map[string]map[string]string `json:"questions,omitempty" doc:"Words in place of ours, by kind and language; {name} is what the workspace calls itself."`
	}
}

func (a *API) setSurvey(ctx context.Context, id access.Identity, in *surveyIn) (*body[surveyView], error) {
	s := feedback.Settings{CSAT: in.Body.CSAT, NPS: in.Body.NPS, NPSEvery: in.Body.NPSEvery, Questions: map[holdfast.RatingKind]map[string]string{}}
	for kind, texts := range in.Body.Questions {
		s.Questions[holdfast.RatingKind(kind)] = texts
	}
	if err := a.Feedback.SetSettings(ctx, id, s); err != nil {
		return nil, err
	}
	return a.readSurvey(ctx, id, nil)
}
