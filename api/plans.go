package api

import (
	"context"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/plans"
)

func (a *API) listPlans(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[plans.Saved]], error) {
	list, err := a.Plans.List(ctx, id.Workspace)
	return paged(list, "", err)
}

func (a *API) listDeeds(_ context.Context, _ access.Identity, _ *struct{}) (*body[page[plans.Deed]], error) {
	return paged(a.Plans.Offered(), "", nil)
}

type readyPlansIn struct {
	Language string `query:"language" maxLength:"8" doc:"\"en\", \"ru\" or \"fa\"; missing: one's own."`
}

func (a *API) listReadyPlans(_ context.Context, id access.Identity, in *readyPlansIn) (*body[page[plans.Ready]], error) {
	if in.Language == "" {
		in.Language = id.Language
	}
	return paged(a.Plans.Ready(in.Language), "", nil)
}

func (a *API) readPlan(ctx context.Context, id access.Identity, in *IDIn) (*body[plans.Saved], error) {
	return ok(a.Plans.Plan(ctx, id.Workspace, in.id()))
}

// Ids that are missing are left out, not written as "".
type planTriggerIn struct {
	On      holdfast.PlanCause `json:"on" enum:"reach,channel,link,hand"`
	Reach   holdfast.Reach     `json:"reach,omitempty"`
	Channel string             `json:"channel,omitempty" doc:"Missing: any."`
	Link    string             `json:"link,omitempty" doc:"Missing: any."`
	Seconds int                `json:"seconds,omitempty" minimum:"0" maximum:"86400"`
}

type planRoleIn struct {
	Key      string   `json:"key" maxLength:"40"`
	Name     string   `json:"name" maxLength:"200"`
	Operator string   `json:"operator,omitempty"`
	Deputies []string `json:"deputies,omitempty" maxItems:"10"`
}

type planStepIn struct {
	Key       string               `json:"key" maxLength:"40"`
	Name      string               `json:"name" maxLength:"200"`
	Do        holdfast.PlanDeed    `json:"do" maxLength:"20"`
	Mode      holdfast.PlanMode    `json:"mode,omitempty" doc:"\"automatic\", \"confirm\" or \"hand\"."`
	Timeout   int                  `json:"timeout,omitempty" minimum:"0" maximum:"86400" doc:"Seconds."`
	OnFailure holdfast.PlanFailing `json:"on_failure,omitempty" doc:"\"go_on\", \"stop\" or \"ask\"."`
	Roles     []string             `json:"roles,omitempty" maxItems:"20"`
	Text      string               `json:"text,omitempty" maxLength:"40"`
	Webhook   string               `json:"webhook,omitempty"`
	Seconds   int                  `json:"seconds,omitempty" minimum:"0" maximum:"86400"`
	Places    []string             `json:"places,omitempty" maxItems:"10"`
	Channels  []string             `json:"channels,omitempty" maxItems:"20"`
}

type planTextIn struct {
	Key     string            `json:"key" maxLength:"40"`
	Channel string            `json:"channel,omitempty" maxLength:"40" doc:"A kind of channel; missing: all that have no text of their own."`
	Texts   map[string]string `json:"texts" doc:"By language: en, ru, fa."`
}

type planIn struct {
	IDIn
	Body struct {
		Name     string                  `json:"name" maxLength:"200"`
		Enabled  bool                    `json:"enabled,omitempty"`
		Trigger  planTriggerIn           `json:"trigger"`
		Roles    []planRoleIn            `json:"roles,omitempty" maxItems:"20"`
		Steps    []planStepIn            `json:"steps,omitempty" maxItems:"50"`
		Recovery []planStepIn            `json:"recovery,omitempty" maxItems:"50"`
		Texts    []planTextIn            `json:"texts,omitempty" maxItems:"60"`
		Every    int                     `json:"every,omitempty" doc:"Minutes from one notice to the next."`
		Settle   int                     `json:"settle,omitempty" doc:"Seconds that things must be well again."`
		StopLate int                     `json:"stop_late,omitempty" doc:"Minutes after which a run ends by itself; 0 is never."`
		Drills   *holdfast.DrillSchedule `json:"drills,omitempty"`
	}
}

func (in *planIn) plan() (holdfast.Plan, error) {
	b := &in.Body
	p := holdfast.Plan{Name: b.Name, Enabled: b.Enabled, Every: b.Every, Settle: b.Settle, StopLate: b.StopLate,
		Trigger: holdfast.PlanTrigger{On: b.Trigger.On, Reach: b.Trigger.Reach, Seconds: b.Trigger.Seconds},
		Roles:   []holdfast.PlanRole{}, Steps: []holdfast.PlanStep{}, Recovery: []holdfast.PlanStep{}, Texts: []holdfast.PlanText{}}
	if b.Drills != nil {
		p.Drills = *b.Drills
	}
	var err error
	if p.Trigger.Channel, err = parseID(b.Trigger.Channel, "channel"); err != nil {
		return p, err
	}
	if p.Trigger.Link, err = parseID(b.Trigger.Link, "link"); err != nil {
		return p, err
	}
	for _, r := range b.Roles {
		one := holdfast.PlanRole{Key: r.Key, Name: r.Name}
		if one.Operator, err = parseID(r.Operator, "operator"); err != nil {
			return p, err
		}
		if one.Deputies, err = parseIDs(r.Deputies, "deputies"); err != nil {
			return p, err
		}
		p.Roles = append(p.Roles, one)
	}
	steps := func(of []planStepIn, into *[]holdfast.PlanStep) error {
		for _, s := range of {
			one := holdfast.PlanStep{Key: s.Key, Name: s.Name, Do: s.Do, Mode: s.Mode, Timeout: s.Timeout, OnFailure: s.OnFailure, Roles: s.Roles, Text: s.Text, Seconds: s.Seconds, Places: s.Places}
			if one.Webhook, err = parseID(s.Webhook, "webhook"); err != nil {
				return err
			}
			if one.Channels, err = parseIDs(s.Channels, "channels"); err != nil {
				return err
			}
			*into = append(*into, one)
		}
		return nil
	}
	if err := steps(b.Steps, &p.Steps); err != nil {
		return p, err
	}
	if err := steps(b.Recovery, &p.Recovery); err != nil {
		return p, err
	}
	for _, t := range b.Texts {
		p.Texts = append(p.Texts, holdfast.PlanText(t))
	}
	return p, nil
}

func (a *API) savePlan(ctx context.Context, id access.Identity, in *planIn) (*body[plans.Saved], error) {
	if err := a.Plans.Ours(ctx, id.Workspace, in.id()); err != nil {
		return nil, err
	}
	p, err := in.plan()
	if err != nil {
		return nil, err
	}
	return ok(a.Plans.Save(ctx, id, in.id(), p))
}

func (a *API) removePlan(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Plans.Remove(ctx, id, in.id()))
}

type startPlanIn struct {
	IDIn
	Body struct {
		ID    string `json:"id" format:"uuid" doc:"Of the run, made by you; the same one again does nothing."`
		Drill bool   `json:"drill,omitempty" doc:"Rehearse it: nobody but staff is reached."`
	}
}

func (a *API) startPlan(ctx context.Context, id access.Identity, in *startPlanIn) (*body[*plans.Run], error) {
	at, err := parseID(in.Body.ID, "id")
	if err != nil {
		return nil, err
	}
	run, err := a.Plans.Start(ctx, id, in.id(), at, in.Body.Drill)
	return shown(id, run, err)
}

type runsIn struct {
	Plan   string `query:"plan"`
	Kind   string `query:"kind" enum:"run,drill" doc:"Missing: both."`
	Cursor string `query:"cursor" maxLength:"40"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100"`
}

func (a *API) listRuns(ctx context.Context, id access.Identity, in *runsIn) (*body[page[*plans.Run]], error) {
	plan, err := parseID(in.Plan, "plan")
	if err != nil {
		return nil, err
	}
	var before time.Time
	if in.Cursor != "" {
		if before, err = time.Parse(time.RFC3339Nano, in.Cursor); err != nil {
			return nil, holdfast.Errorf(holdfast.Invalid, "cursor.invalid", "the cursor is not one of this list's").WithField("cursor")
		}
	}
	var drills *bool
	if in.Kind != "" {
		d := in.Kind == "drill"
		drills = &d
	}
	if in.Limit == 0 {
		in.Limit = 30
	}
	list, err := a.Plans.Runs(ctx, id.Workspace, plan, drills, before, in.Limit)
	next := ""
	if err == nil && len(list) == in.Limit {
		next = list[len(list)-1].StartedAt.Format(time.RFC3339Nano)
	}
	return paged(list, next, err)
}

func (a *API) listCurrentRuns(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[*plans.Run]], error) {
	list, err := a.Plans.Current(ctx, id.Workspace)
	return paged(list, "", err)
}

func (a *API) readRun(ctx context.Context, id access.Identity, in *IDIn) (*body[*plans.Run], error) {
	run, err := a.Plans.One(ctx, id.Workspace, in.id())
	return shown(id, run, err)
}

// shown is a run as somebody may see it: turnover and wages are not for everybody.
func shown(id access.Identity, run *plans.Run, err error) (*body[*plans.Run], error) {
	if run != nil && run.Report != nil && !id.May(holdfast.ManagePlans) {
		run.Report.Cost = nil
	}
	return ok(run, err)
}

type answerStepIn struct {
	IDIn
	Body struct {
		Step     string `json:"step" maxLength:"40" doc:"Its key."`
		Recovery bool   `json:"recovery,omitempty"`
		Answer   string `json:"answer" enum:"confirm,done,skip,retry,undo"`
	}
}

func (a *API) answerStep(ctx context.Context, id access.Identity, in *answerStepIn) (*body[*plans.Run], error) {
	run, err := a.Plans.Answer(ctx, id, in.id(), in.Body.Step, in.Body.Recovery, in.Body.Answer)
	return shown(id, run, err)
}

func (a *API) recoverRun(ctx context.Context, id access.Identity, in *IDIn) (*body[*plans.Run], error) {
	run, err := a.Plans.Recover(ctx, id, in.id())
	return shown(id, run, err)
}

func (a *API) stopRun(ctx context.Context, id access.Identity, in *IDIn) (*body[*plans.Run], error) {
	run, err := a.Plans.Stop(ctx, id, in.id())
	return shown(id, run, err)
}

func (a *API) heardRun(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Plans.Hear(ctx, id, in.id()))
}

func (a *API) listAlerts(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[plans.Alert]], error) {
	list, err := a.Plans.Alerts(ctx, id)
	return paged(list, "", err)
}

type runActionIn struct {
	IDIn
	Action string `path:"action" format:"uuid"`
	Body   struct {
		Text  string `json:"text" maxLength:"1000"`
		Owner string `json:"owner,omitempty"`
		Due   string `json:"due,omitempty" doc:"A date: 2026-11-22."`
		Done  bool   `json:"done,omitempty"`
	}
}

func (a *API) saveRunAction(ctx context.Context, id access.Identity, in *runActionIn) (*body[*plans.Run], error) {
	if _, err := a.Plans.One(ctx, id.Workspace, in.id()); err != nil {
		return nil, err
	}
	action, err := parseID(in.Action, "action")
	if err != nil {
		return nil, err
	}
	owner, err := parseID(in.Body.Owner, "owner")
	if err != nil {
		return nil, err
	}
	run, err := a.Plans.SaveAction(ctx, id, in.id(), holdfast.PlanAction{ID: action, Text: in.Body.Text, Owner: owner, Due: in.Body.Due, Done: in.Body.Done})
	return shown(id, run, err)
}

type runActionIDIn struct {
	IDIn
	Action string `path:"action" format:"uuid"`
}

func (a *API) removeRunAction(ctx context.Context, id access.Identity, in *runActionIDIn) (*body[*plans.Run], error) {
	action, err := parseID(in.Action, "action")
	if err != nil {
		return nil, err
	}
	run, err := a.Plans.SaveAction(ctx, id, in.id(), holdfast.PlanAction{ID: action, Removed: true})
	return shown(id, run, err)
}
