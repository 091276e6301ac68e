package desktest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"holdfast"
	"holdfast/desktest"
	"holdfast/journal"
	"holdfast/plans"
)

// says lets the links, the channels and the reach be as somebody says.
func says(t *testing.T, d *desktest.Desk, subject holdfast.ID, b holdfast.Body) {
	t.Helper()
	_, err := d.Journal.Do(ctx, journal.Command{Workspace: d.Workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		_, err := tx.Append(subject, b)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	d.Wait(0)
}

func reach(t *testing.T, d *desktest.Desk, r holdfast.Reach) {
	says(t, d, d.Workspace, &holdfast.ReachChanged{Reach: r})
}

// outagePlan tells Joe, asks Ann, and has a recovery.
func outagePlan(joe, ann holdfast.ID) holdfast.Plan {
	return holdfast.Plan{Name: "No internet", Enabled: true, Trigger: holdfast.PlanTrigger{On: holdfast.OnReach, Reach: holdfast.Domestic, Seconds: 60}, Settle: 30,
		Roles: []holdfast.PlanRole{{Key: "lead", Name: "Lead", Operator: joe, Deputies: []holdfast.ID{ann}}, {Key: "desk", Name: "Desk", Operator: ann}},
		Steps: []holdfast.PlanStep{
			{Key: "tell", Name: "Tell", Do: holdfast.DeedTell, Roles: []string{"lead", "desk"}, Text: "start"},
			{Key: "wait", Name: "Wait", Do: holdfast.DeedWait, Seconds: 120},
			{Key: "call", Name: "Call the provider", Do: holdfast.DeedTask, Roles: []string{"lead"}, Timeout: 600, OnFailure: holdfast.FailGoOn},
		},
		Recovery: []holdfast.PlanStep{{Key: "over", Name: "Over", Do: holdfast.DeedTell, Roles: []string{"lead"}}, {Key: "report", Name: "Report", Do: holdfast.DeedReport, Roles: []string{"lead"}}},
		Texts:    []holdfast.PlanText{{Key: "start", Texts: map[string]string{"en": "{{affected}} is gone, {{works}} works, next {{next}}", "ru": "Нет {{affected}}", "fa": "قطع {{affected}}"}}}}
}

func current(t *testing.T, d *desktest.Desk) []*plans.Run {
	t.Helper()
	list, err := d.Plans.Current(ctx, d.Workspace)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func stepsOf(r *plans.Run) (list []string) {
	for _, s := range r.Steps {
		list = append(list, s.Key+" "+string(s.State))
	}
	return list
}

func TestAPlanStartsByTheReachAndRecoversByItself(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		boss, joe, ann := who(t, d, "Boss", holdfast.Supervisor), who(t, d, "Joe", holdfast.Operator), who(t, d, "Ann", holdfast.Operator)
		id := holdfast.NewID()
		if _, err := d.Plans.Save(ctx, joe, id, outagePlan(joe.Operator, ann.Operator)); holdfast.KindOf(err) != holdfast.Forbidden {
			t.Errorf("an operator saves a plan: %v", err)
		}
		if _, err := d.Plans.Save(ctx, boss, id, outagePlan(joe.Operator, ann.Operator)); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Hour)
		if l := current(t, d); len(l) != 0 {
			t.Fatalf("a run began without an outage: %v", stepsOf(l[0]))
		}
		reach(t, d, holdfast.International)
		reach(t, d, holdfast.Domestic)
		d.Wait(30 * time.Second)
		reach(t, d, holdfast.International) // a blink
		d.Wait(time.Hour)
		if l := current(t, d); len(l) != 0 {
			t.Fatal("a blink started a plan")
		}
		reach(t, d, holdfast.Domestic)
		d.Wait(40 * time.Second)
		reach(t, d, holdfast.Local) // worse, and the same outage
		d.Wait(19 * time.Second)
		if l := current(t, d); len(l) != 0 {
			t.Fatal("it began before its time")
		}
		d.Wait(2 * time.Second)
		l := current(t, d)
		if len(l) != 1 || !slices.Equal(stepsOf(l[0]), []string{"tell done", "wait began", "call pending", "over pending", "report pending"}) {
			t.Fatalf("after a minute: %v", l)
		}
		run := l[0].ID
		alerts, err := d.Plans.Alerts(ctx, ann)
		if err != nil || len(alerts) != 1 || alerts[0].Text != "the internet is gone, Loop works, next "+time.Now().Add(time.Hour).UTC().Format("15:04") {
			t.Errorf("Ann is told %+v %v", alerts, err)
		}
		d.Wait(9 * time.Second)
		if err := d.Plans.Hear(ctx, ann, run); err != nil {
			t.Fatal(err)
		}
		if alerts, _ := d.Plans.Alerts(ctx, ann); len(alerts) != 0 {
			t.Errorf("Ann has seen it and is told again: %v", alerts)
		}
		if err := d.Plans.Hear(ctx, boss, run); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("who was told nothing has seen it: %v", err)
		}
		d.Wait(2 * time.Minute)
		if got := stepsOf(current(t, d)[0]); got[2] != "call asked" {
			t.Fatalf("after the wait: %v", got)
		}
		if alerts, _ := d.Plans.Alerts(ctx, joe); len(alerts) != 1 || !alerts[0].Asks {
			t.Errorf("Joe is asked %+v", alerts)
		}
		kim := who(t, d, "Kim", holdfast.Operator)
		if _, err := d.Plans.Answer(ctx, kim, run, "call", false, plans.Done); holdfast.KindOf(err) != holdfast.Forbidden {
			t.Errorf("a task is done by somebody who has no part in it: %v", err)
		}
		if _, err := d.Plans.Answer(ctx, joe, run, "call", false, plans.Done); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Plans.Answer(ctx, joe, run, "call", false, plans.Done); holdfast.KindOf(err) != holdfast.Conflict {
			t.Errorf("a task is done twice: %v", err)
		}
		d.Wait(time.Hour)
		if r := current(t, d)[0]; r.State != "holding" {
			t.Fatalf("it is %s", r.State)
		}
		reach(t, d, holdfast.International)
		d.Wait(29 * time.Second)
		if r := current(t, d)[0]; r.State != "holding" {
			t.Fatalf("it recovers at once: %s", r.State)
		}
		d.Wait(5 * time.Second)
		if l := current(t, d); len(l) != 0 {
			t.Fatalf("it goes on: %s %v", l[0].State, stepsOf(l[0]))
		}
		r, err := d.Plans.One(ctx, d.Workspace, run)
		if err != nil || r.Outcome != holdfast.PlanFinished || !slices.Equal(stepsOf(r), []string{"tell done", "wait done", "call done", "over done", "report done"}) {
			t.Fatalf("it ended %v %v %v", r.Outcome, stepsOf(r), err)
		}
		rep := r.Report
		if rep.Detect == nil || *rep.Detect != 60 || rep.FirstNotice == nil || *rep.FirstNotice != 60 || !rep.InTime || rep.Told != 2 || rep.Heard != 1 || *rep.HeardAfter != 10 || rep.Skipped != 0 {
			t.Errorf("report %+v", rep)
		}
		d.Wait(time.Hour)
		if list, _ := d.Plans.Runs(ctx, d.Workspace, id, nil, time.Time{}, 0); len(list) != 1 {
			t.Errorf("%d runs of one outage", len(list))
		}
		if list, _ := d.Plans.Runs(ctx, holdfast.NewID(), id, nil, time.Time{}, 0); len(list) != 0 {
			t.Error("another workspace reads the runs")
		}
		d.Saw("plan.saved", "plan.started", "plan.step", "plan.called", "plan.step", "plan.heard", "plan.recovering", "plan.ended")
	})
}

func TestWhoIsAwayHasADeputyAndWhoIsLateIsPassedOver(t *testing.T) {
	desktest.Run(t, desktest.Options{}, func(t *testing.T, d *desktest.Desk) {
		boss, joe, ann := who(t, d, "Boss", holdfast.Supervisor), who(t, d, "Joe", holdfast.Operator), who(t, d, "Ann", holdfast.Operator)
		if err := d.Setup.SetAway(ctx, joe, joe.Operator, true, time.Time{}); err != nil {
			t.Fatal(err)
		}
		plan := outagePlan(joe.Operator, ann.Operator)
		plan.Trigger = holdfast.PlanTrigger{On: holdfast.OnHand}
		plan.Steps = plan.Steps[2:]
		plan.Recovery = nil
		id, run := holdfast.NewID(), holdfast.NewID()
		if _, err := d.Plans.Save(ctx, boss, id, plan); err != nil {
			t.Fatal(err)
		}
		for range 2 { // twice is once
			if _, err := d.Plans.Start(ctx, boss, id, run, false); err != nil {
				t.Fatal(err)
			}
		}
		_, err := d.Plans.Start(ctx, boss, id, holdfast.NewID(), false)
		wants(t, err, holdfast.Conflict, "plan.running")
		d.Wait(time.Second)
		if a, _ := d.Plans.Alerts(ctx, ann); len(a) != 1 {
			t.Errorf("the deputy is told %v", a)
		}
		if a, _ := d.Plans.Alerts(ctx, joe); len(a) != 0 {
			t.Errorf("who is away is told %v", a)
		}
		d.Wait(11 * time.Minute)
		r, err := d.Plans.One(ctx, d.Workspace, run)
		if err != nil || r.State != "ended" || r.Steps[0].State != holdfast.StepFailed || r.Steps[0].Code != "late" || r.Report.Late != 1 {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestADrillIsHeldOnItsDayAndScored(t *testing.T) {
	desktest.Run(t, desktest.Options{}, func(t *testing.T, d *desktest.Desk) {
		boss, joe, ann := who(t, d, "Boss", holdfast.Supervisor), who(t, d, "Joe", holdfast.Operator), who(t, d, "Ann", holdfast.Operator)
		plan := outagePlan(joe.Operator, ann.Operator)
		plan.Enabled = false
		plan.Drills = holdfast.DrillSchedule{Every: "weekly", Day: int(time.Sunday), At: "10:00"}
		id := holdfast.NewID()
		if _, err := d.Plans.Save(ctx, boss, id, plan); err != nil {
			t.Fatal(err)
		}
		ana := d.Contact("ana")
		ana.Writes("1", "Hello")
		for range 2 { // from a Saturday's midnight
			d.Wait(24 * time.Hour)
		}
		drills := true
		list, err := d.Plans.Runs(ctx, d.Workspace, id, &drills, time.Time{}, 0)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d drills in two days %v", len(list), err)
		}
		for _, r := range list {
			if at := r.StartedAt.UTC(); at.Weekday() != time.Sunday || at.Format("15:04") != "10:00" || r.Outcome != holdfast.PlanFinished || r.Cause != holdfast.OnSchedule {
				t.Errorf("a drill at %v ended %q", at, r.Outcome)
			}
			if r.Report.Detect != nil || r.Report.Told != 2 || r.Report.Late != 1 || *r.Report.Messages != (plans.Ledger{}) {
				t.Errorf("score %+v", r.Report)
			}
		}
		ana.HasReceived() // nothing
		action := holdfast.PlanAction{ID: holdfast.NewID(), Text: "Buy a second modem", Owner: joe.Operator, Due: "2026-12-01"}
		if _, err := d.Plans.SaveAction(ctx, ann, list[0].ID, action); holdfast.KindOf(err) != holdfast.Forbidden {
			t.Errorf("an operator adds to it: %v", err)
		}
		if _, err := d.Plans.SaveAction(ctx, boss, list[0].ID, action); err != nil {
			t.Fatal(err)
		}
		action.Done = true
		r, err := d.Plans.SaveAction(ctx, joe, list[0].ID, action)
		if err != nil || len(r.Actions) != 1 || !r.Actions[0].Done {
			t.Errorf("its owner has done it: %+v %v", r, err)
		}
	})
}

func TestTwoWorkspacesKnowNothingOfEachOthersPlans(t *testing.T) {
	desktest.Run(t, desktest.Options{}, func(t *testing.T, d *desktest.Desk) {
		boss, joe, ann := who(t, d, "Boss", holdfast.Supervisor), who(t, d, "Joe", holdfast.Operator), who(t, d, "Ann", holdfast.Operator)
		id := holdfast.NewID()
		if _, err := d.Plans.Save(ctx, boss, id, outagePlan(joe.Operator, ann.Operator)); err != nil {
			t.Fatal(err)
		}
		other := boss
		other.Workspace = holdfast.NewID()
		if err := d.Plans.Remove(ctx, other, id); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another workspace removes it: %v", err)
		}
		_, err := d.Journal.Do(context.Background(), journal.Command{Workspace: other.Workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			_, err := tx.Append(other.Workspace, &holdfast.ReachChanged{Reach: holdfast.Nowhere})
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Hour)
		if l := current(t, d); len(l) != 0 {
			t.Error("another workspace's outage started it")
		}
		if err := d.Plans.Remove(ctx, boss, id); err != nil {
			t.Fatal(err)
		}
		reach(t, d, holdfast.Nowhere)
		d.Wait(time.Hour)
		if l := current(t, d); len(l) != 0 {
			t.Error("a plan that was removed began")
		}
	})
}
