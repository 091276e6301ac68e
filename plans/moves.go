package plans

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

// Why a step was not done.
const (
	codeLate = "late" // its time was up
	codeOver = "over" // what the plan was for is over
)

// start is a run that is to begin.
type start struct {
	workspace, run holdfast.ID
	body           holdfast.PlanStarted
	actor          holdfast.Actor
}

type planRow struct {
	workspace, id holdfast.ID
	body          []byte
	at            time.Time
}

// due lists what starts by itself now, and how long nothing more does.
func (p *Plans) due(ctx context.Context, now time.Time) (time.Duration, []start, error) {
	next := idle
	rows, err := p.db.Query(ctx, "SELECT workspace, id, body, changed_at FROM plan WHERE body IS NOT NULL ORDER BY workspace, id")
	list, err := store.Collect(rows, err, func(r *store.Rows, v *planRow) error { return r.Scan(&v.workspace, &v.id, &v.body, &v.at) })
	if err != nil {
		return 0, nil, err
	}
	known := map[holdfast.ID]conditions{}
	var starts []start
	for _, row := range list {
		var b holdfast.PlanSaved
		if err := json.Unmarshal(row.body, &b); err != nil {
			return 0, nil, err
		}
		if b.Drills.Every != "off" {
			s, wait, err := p.drillDue(ctx, row, &b.Plan, now)
			if err != nil {
				return 0, nil, err
			}
			if next = min(next, wait); s != nil {
				starts = append(starts, *s)
			}
		}
		if !b.Enabled || b.Trigger.On == holdfast.OnHand {
			continue
		}
		c, ok := known[row.workspace]
		if !ok {
			if c, err = p.conditions(ctx, row.workspace); err != nil {
				return 0, nil, err
			}
			known[row.workspace] = c
		}
		outages := c.outages(b.Trigger)
		slices.SortFunc(outages, func(a, b outage) int { return a.since.Compare(b.since) })
		for _, o := range outages {
			if wait := o.since.Add(time.Duration(b.Trigger.Seconds) * time.Second).Sub(now); wait > 0 {
				next = min(next, wait)
				continue
			}
			// The same outage has the same run, however often it is looked at.
			id := holdfast.DeriveID(row.id, "outage "+o.about.String()+o.since.UTC().Format(time.RFC3339Nano))
			starts = append(starts, start{row.workspace, id, holdfast.PlanStarted{Of: row.id, Cause: b.Trigger.On, About: o.about, Since: o.since, Plan: b.Plan}, holdfast.System})
		}
	}
	fresh := starts[:0]
	for _, s := range starts {
		var one int
		// One run of a plan at a time, and one for each outage.
		err := p.db.QueryRow(ctx, `SELECT 1 FROM plan_run r WHERE r.workspace = $1 AND (r.id = $2 OR r.plan = $3 AND r.drill = $4
			AND NOT EXISTS (SELECT 1 FROM plan_turn t WHERE t.workspace = r.workspace AND t.run = r.id AND t.turn = 'ended'))`, s.workspace, s.run, s.body.Of, s.body.Drill).Scan(&one)
		if errors.Is(err, store.ErrNoRows) {
			fresh = append(fresh, s)
		} else if err != nil {
			return 0, nil, err
		}
	}
	return next, fresh, nil
}

// missed is how late a drill may begin that nobody was there to begin.
const missed = time.Hour

func (p *Plans) drillDue(ctx context.Context, row planRow, plan *holdfast.Plan, now time.Time) (*start, time.Duration, error) {
	_, _, zone, err := p.deps.House(ctx, row.workspace)
	if err != nil {
		return nil, 0, err
	}
	wait := idle
	if at := NextDrill(plan.Drills, zone, now); !at.IsZero() {
		wait = max(at.Sub(now), time.Millisecond)
	}
	at := slot(plan.Drills, zone, now)
	if at.IsZero() || now.Sub(at) > missed || row.at.After(at) || p.lacking(plan) != nil {
		return nil, wait, nil
	}
	id := holdfast.DeriveID(row.id, "drill "+at.UTC().Format(time.RFC3339))
	return &start{row.workspace, id, holdfast.PlanStarted{Of: row.id, Drill: true, Cause: holdfast.OnSchedule, Plan: *plan}, holdfast.System}, wait, nil
}

// start begins a run, once. The error is Conflict when another run of the plan goes on.
func (p *Plans) start(ctx context.Context, s start) error {
	_, err := p.journal.Do(ctx, journal.Command{Workspace: s.workspace, Actor: s.actor, Run: func(tx *journal.Tx) error {
		var n int
		if err := tx.QueryRow("SELECT count(*) FROM plan_run WHERE id = $1", s.run).Scan(&n); err != nil || n > 0 {
			return err
		}
		err := tx.QueryRow(`SELECT count(*) FROM plan_run r WHERE r.workspace = $1 AND r.plan = $2 AND r.drill = $3
			AND NOT EXISTS (SELECT 1 FROM plan_turn t WHERE t.workspace = r.workspace AND t.run = r.id AND t.turn = 'ended')`, s.workspace, s.body.Of, s.body.Drill).Scan(&n)
		if err != nil {
			return err
		}
		if n > 0 {
			if s.actor == holdfast.System {
				return nil
			}
			return holdfast.Errorf(holdfast.Conflict, "plan.running", "this plan is being carried out already").WithNext("Open its run, or stop it first.")
		}
		_, err = tx.Append(s.run, &s.body)
		return err
	}})
	if err == nil {
		p.poke()
	}
	return err
}

type move func(ctx context.Context) error

// move is the next thing to do for a run, or nil and how long there is nothing.
func (p *Plans) move(ctx context.Context, r *Run, now time.Time) (move, time.Duration, error) {
	wait := idle
	until := func(at time.Time) bool {
		if at.After(now) {
			wait = min(wait, at.Sub(now))
			return false
		}
		return true
	}
	end := func(o holdfast.PlanOutcome, step string) move {
		return func(ctx context.Context) error {
			return p.turn(ctx, holdfast.System, r, &holdfast.PlanEnded{Outcome: o, Step: step})
		}
	}
	for _, s := range r.Steps {
		if s.State == holdfast.StepUndoing {
			return func(ctx context.Context) error { return p.takeBack(ctx, r, s) }, 0, nil
		}
	}
	if late := r.plan.StopLate; late > 0 && until(r.StartedAt.Add(time.Duration(late)*time.Minute)) {
		return end(holdfast.PlanTooLate, ""), 0, nil
	}
	if r.RecoveringAt.IsZero() && !r.Drill && r.Cause != holdfast.OnHand {
		c, err := p.conditions(ctx, r.workspace)
		if err != nil {
			return nil, 0, err
		}
		if well := c.wellSince(r.plan.Trigger, r.About); !well.IsZero() && until(well.Add(time.Duration(r.plan.Settle)*time.Second)) {
			return func(ctx context.Context) error { return p.turn(ctx, holdfast.System, r, &holdfast.PlanRecovering{}) }, 0, nil
		}
	}
	for _, s := range r.Steps {
		if s.Recovery == r.RecoveringAt.IsZero() || s.State.Over() && (s.State != holdfast.StepFailed || s.step.OnFailure != holdfast.FailStop) {
			continue
		}
		switch s.State {
		case holdfast.StepFailed:
			return end(holdfast.PlanBroken, s.Key), 0, nil
		case holdfast.StepPending:
			if s.step.Mode == holdfast.StepAutomatic {
				return func(ctx context.Context) error { return p.carryOut(ctx, r, s, true) }, 0, nil
			}
			return func(ctx context.Context) error { return p.ask(ctx, r, s) }, 0, nil
		case holdfast.StepAsked:
			if !p.called(r, s) {
				return func(ctx context.Context) error { return p.askAgain(ctx, r, s) }, 0, nil
			}
			if !s.Due.IsZero() && until(s.Due) {
				return func(ctx context.Context) error { return p.fail(ctx, r, s, codeLate, "") }, 0, nil
			}
		case holdfast.StepBegan:
			if s.step.Do == holdfast.DeedWait && !until(s.Due) {
				return nil, wait, nil
			}
			return func(ctx context.Context) error { return p.carryOut(ctx, r, s, false) }, 0, nil
		}
		return nil, wait, nil
	}
	switch {
	case !r.RecoveringAt.IsZero(), r.Cause == holdfast.OnHand && len(r.plan.Recovery) == 0 && !r.Drill:
		return end(holdfast.PlanFinished, ""), 0, nil
	case r.Drill:
		return func(ctx context.Context) error { return p.turn(ctx, holdfast.System, r, &holdfast.PlanRecovering{}) }, 0, nil
	}
	return nil, wait, nil
}

// hands are those of a real run, or a drill's, which cannot do more than tell staff.
func (p *Plans) hands(r *Run) hands {
	c := caller{journal: p.journal, mail: p.deps.Mail, log: p.log}
	if r.Drill {
		return drill{c}
	}
	return real{caller: c, now: p.db.Now, deeds: &p.deps.Deeds, webhook: p.deps.Webhook}
}

// carryOut does a step between two writes: that it begins, and what came of it.
func (p *Plans) carryOut(ctx context.Context, r *Run, s *Step, fresh bool) error {
	began := s.At
	if fresh {
		if err := p.point("before " + s.Key); err != nil {
			return err
		}
		if err := p.step(ctx, holdfast.System, r, s, []holdfast.StepState{holdfast.StepPending}, holdfast.PlanStepped{State: holdfast.StepBegan}); err != nil {
			return err
		}
		if s.step.Do == holdfast.DeedWait {
			return p.point("began " + s.Key)
		}
		began = p.db.Now()
	}
	if err := p.point("began " + s.Key); err != nil {
		return err
	}
	s.State = holdfast.StepBegan
	left := s.patience() - p.db.Now().Sub(began)
	if s.step.Do == holdfast.DeedWait {
		left = time.Minute
	}
	if left <= 0 {
		left = time.Second // the machine was away: it has its last try
	}
	dctx, cancel := context.WithTimeout(ctx, left)
	res, err := p.deed(dctx, r, s)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err() // the desk stops: the next start resumes
	}
	if err := p.point("did " + s.Key); err != nil {
		return err
	}
	if err != nil {
		if final := holdfast.KindOf(err) == holdfast.Invalid || holdfast.KindOf(err) == holdfast.Conflict || holdfast.KindOf(err) == holdfast.NotFound; !final && p.db.Now().Sub(began) < s.patience()-5*time.Second {
			return err // once more, until its time is up
		}
		code := holdfast.CodeOf(err)
		if errors.Is(err, context.DeadlineExceeded) {
			code = codeLate
		}
		return p.fail(ctx, r, s, code, err.Error())
	}
	err = p.step(ctx, holdfast.System, r, s, []holdfast.StepState{holdfast.StepBegan}, holdfast.PlanStepped{State: holdfast.StepDone, Undo: res.undo, Rehearsed: res.rehearsed})
	if err != nil {
		return err
	}
	return p.point("done " + s.Key)
}

func (p *Plans) deed(ctx context.Context, r *Run, s *Step) (result, error) {
	to, err := p.present(ctx, r, s.step.Roles)
	if err != nil {
		return result{}, err
	}
	texts, subjects, err := p.said(ctx, r, s)
	if err != nil {
		return result{}, err
	}
	if s.step.Do == holdfast.DeedReport {
		rep, err := p.report(ctx, r)
		if err != nil {
			return result{}, err
		}
		texts = rep.said(r.Name)
	}
	return p.hands(r).do(ctx, r, s, to, texts, subjects)
}

// said are a step's words and the subjects of its mail, by language.
func (p *Plans) said(ctx context.Context, r *Run, s *Step) (texts, subjects map[string]string, err error) {
	f, err := p.facts(ctx, r, s.Name)
	if err != nil {
		return nil, nil, err
	}
	call := "call"
	if s.step.Do == holdfast.DeedLists {
		call = "calls"
	}
	if texts, err = p.texts(ctx, r, &s.step, "", call); err != nil {
		return nil, nil, err
	}
	s.byKind = map[string]map[string]string{}
	for _, t := range r.plan.Texts {
		if t.Key == s.step.Text && t.Channel != "" {
			if s.byKind[t.Channel], err = p.texts(ctx, r, &s.step, t.Channel, "call"); err != nil {
				return nil, nil, err
			}
		}
	}
	subjects = map[string]string{}
	for _, lang := range Languages {
		name := "subject"
		if r.Drill {
			name = "subject.drill"
			texts[lang] = words[lang]["drill"] + texts[lang]
		}
		subjects[lang] = f.fill(words[lang][name], lang)
	}
	return texts, subjects, nil
}

// present are those who play roles now: for whoever is away, the first deputy who is
// not; where nobody is there, whoever the role is for.
func (p *Plans) present(ctx context.Context, r *Run, roles []string) ([]Staff, error) {
	members, err := p.guard.Operators(ctx, r.workspace)
	if err != nil {
		return nil, err
	}
	find := func(id holdfast.ID) *access.Member {
		for i := range members {
			if m := &members[i]; m.ID == id && !m.Disabled && !m.Former {
				return m
			}
		}
		return nil
	}
	var list []Staff
	for _, role := range r.plan.Roles {
		if !slices.Contains(roles, role.Key) {
			continue
		}
		var chosen *access.Member
		for _, id := range append([]holdfast.ID{role.Operator}, role.Deputies...) {
			m := find(id)
			if m == nil {
				continue
			}
			on, err := p.deps.OnDuty(ctx, r.workspace, id)
			if err != nil {
				return nil, err
			}
			if on {
				chosen = m
				break
			}
			if chosen == nil {
				chosen = m
			}
		}
		if chosen != nil && !slices.ContainsFunc(list, func(s Staff) bool { return s.operator == chosen.ID }) {
			list = append(list, staffOf(chosen))
		}
	}
	return list, nil
}

// ask puts a step to its people: on disk first, then they are told.
func (p *Plans) ask(ctx context.Context, r *Run, s *Step) error {
	if err := p.point("before " + s.Key); err != nil {
		return err
	}
	if err := p.step(ctx, holdfast.System, r, s, []holdfast.StepState{holdfast.StepPending}, holdfast.PlanStepped{State: holdfast.StepAsked}); err != nil {
		return err
	}
	return p.point("asked " + s.Key)
}

func (p *Plans) called(r *Run, s *Step) bool {
	return len(s.Who) == 0 || slices.ContainsFunc(r.Calls, func(c Told) bool { return c.Asks && c.Step == s.Key && c.Recovery == s.Recovery })
}

func (p *Plans) askAgain(ctx context.Context, r *Run, s *Step) error {
	to, err := p.present(ctx, r, s.step.Roles)
	if err != nil {
		return err
	}
	texts, subjects, err := p.said(ctx, r, s)
	if err != nil {
		return err
	}
	c := caller{journal: p.journal, mail: p.deps.Mail, log: p.log}
	if err := c.tell(ctx, r, &s.step, s.Recovery, true, to, texts, subjects); err != nil {
		if holdfast.CodeOf(err) == "plan.nobody" {
			return p.fail(ctx, r, s, "plan.nobody", "")
		}
		return err
	}
	return p.point("told " + s.Key)
}

func (p *Plans) takeBack(ctx context.Context, r *Run, s *Step) error {
	if err := p.point("undoing " + s.Key); err != nil {
		return err
	}
	if err := p.hands(r).undo(ctx, r, s, s.undo); err != nil {
		return err
	}
	if err := p.point("did undo " + s.Key); err != nil {
		return err
	}
	return p.step(ctx, holdfast.System, r, s, []holdfast.StepState{holdfast.StepUndoing}, holdfast.PlanStepped{State: holdfast.StepUndone})
}

// fail says that a step failed; one whose plan asks then waits for somebody.
func (p *Plans) fail(ctx context.Context, r *Run, s *Step, code, reason string) error {
	state := holdfast.StepFailed
	if s.step.OnFailure == holdfast.FailAsk {
		state = holdfast.StepBlocking
	}
	return p.step(ctx, holdfast.System, r, s, []holdfast.StepState{holdfast.StepBegan, holdfast.StepAsked}, holdfast.PlanStepped{State: state, Code: code, Reason: clip(reason)})
}

func clip(s string) string {
	if r := []rune(store.Text(s)); len(r) > 300 {
		return string(r[:300])
	}
	return store.Text(s)
}

// step writes down how far a step is, if it is where it is thought to be. The error
// is Conflict.
func (p *Plans) step(ctx context.Context, by holdfast.Actor, r *Run, s *Step, from []holdfast.StepState, b holdfast.PlanStepped) error {
	b.Step, b.Recovery = s.Key, s.Recovery
	_, err := p.journal.Do(ctx, journal.Command{Workspace: r.workspace, Actor: by, Run: func(tx *journal.Tx) error {
		now := holdfast.StepPending
		err := tx.QueryRow("SELECT state FROM plan_step WHERE workspace = $1 AND run = $2 AND recovery = $3 AND step = $4", r.workspace, r.ID, s.Recovery, s.Key).Scan((*string)(&now))
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return err
		}
		if !slices.Contains(from, now) {
			return holdfast.Errorf(holdfast.Conflict, "plan.step_elsewhere", "the step is %s by now", now).WithNext("Look at the run again.")
		}
		if err := going(tx, r); err != nil {
			return err
		}
		_, err = tx.Append(r.ID, &b)
		return err
	}})
	return err
}

func going(tx *journal.Tx, r *Run) error {
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM plan_turn WHERE workspace = $1 AND run = $2 AND turn = 'ended'", r.workspace, r.ID).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return holdfast.Errorf(holdfast.Conflict, "plan.run_ended", "the run has ended")
	}
	return nil
}

// turn writes down that a run recovers or ends, once. What was not done by then is
// left out, and that is on record.
func (p *Plans) turn(ctx context.Context, by holdfast.Actor, r *Run, b holdfast.Body) error {
	_, err := p.journal.Do(ctx, journal.Command{Workspace: r.workspace, Actor: by, Run: func(tx *journal.Tx) error {
		if err := going(tx, r); err != nil {
			return err
		}
		_, recovers := b.(*holdfast.PlanRecovering)
		if recovers {
			var n int
			if err := tx.QueryRow("SELECT count(*) FROM plan_turn WHERE workspace = $1 AND run = $2 AND turn = 'recovering'", r.workspace, r.ID).Scan(&n); err != nil || n > 0 {
				return err
			}
			for _, s := range r.Steps {
				if !s.Recovery && !s.State.Over() {
					if _, err := tx.Append(r.ID, &holdfast.PlanStepped{Step: s.Key, State: holdfast.StepSkipped, Code: codeOver}); err != nil {
						return err
					}
				}
			}
		}
		_, err := tx.Append(r.ID, b)
		return err
	}})
	return err
}
