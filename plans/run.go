package plans

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"holdfast"
	"holdfast/store"
)

// Run is one time that a plan is carried out, or rehearsed.
type Run struct {
	ID           holdfast.ID           `json:"id"`
	Of           holdfast.ID           `json:"plan"`
	Name         string                `json:"name"`
	Drill        bool                  `json:"drill"`
	Cause        holdfast.PlanCause    `json:"cause"`
	About        holdfast.ID           `json:"about,omitzero"`
	Since        time.Time             `json:"since,omitzero" doc:"Since when what started it had been so."`
	StartedAt    time.Time             `json:"started_at"`
	RecoveringAt time.Time             `json:"recovering_at,omitzero"`
	EndedAt      time.Time             `json:"ended_at,omitzero"`
	Outcome      holdfast.PlanOutcome  `json:"outcome,omitempty"`
	State        string                `json:"state" doc:"\"running\", \"holding\": all is done and it is not over yet, \"recovering\" or \"ended\"."`
	Steps        []*Step               `json:"steps" doc:"Those of the recovery last."`
	Calls        []Told                `json:"calls"`
	Actions      []holdfast.PlanAction `json:"actions"`
	Report       *Report               `json:"report,omitempty"`

	workspace holdfast.ID
	plan      holdfast.Plan
}

// Step is a step of a run.
type Step struct {
	Key       string             `json:"key"`
	Recovery  bool               `json:"recovery"`
	Name      string             `json:"name"`
	Kind      holdfast.PlanDeed  `json:"kind"`
	Mode      holdfast.PlanMode  `json:"mode"`
	State     holdfast.StepState `json:"state"`
	At        time.Time          `json:"at,omitzero"`
	By        holdfast.ID        `json:"by,omitzero" doc:"The operator who said so."`
	Due       time.Time          `json:"due,omitzero" doc:"When its time is up."`
	Who       []holdfast.ID      `json:"who" doc:"Who has its roles, deputies last."`
	Code      string             `json:"code,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Rehearsed bool               `json:"rehearsed" doc:"In a drill: nothing left the desk."`
	Undo      bool               `json:"undo" doc:"It can be undone now."`
	Seconds   int                `json:"seconds,omitempty"`

	step   holdfast.PlanStep
	undo   []byte
	byKind map[string]map[string]string // what it says by kinds of channels, once it is to be said
}

// Told is somebody whom a step told something.
type Told struct {
	Operator holdfast.ID `json:"operator"`
	Step     string      `json:"step"`
	Recovery bool        `json:"recovery"`
	Asks     bool        `json:"asks"`
	At       time.Time   `json:"at"`
	HeardAt  time.Time   `json:"heard_at,omitzero"`
}

// began is when the outage did, or else the run.
func (r *Run) began() time.Time {
	if !r.Since.IsZero() && !r.Drill {
		return r.Since
	}
	return r.StartedAt
}

// key is the same for every attempt at a step.
func (r *Run) key(s *Step) holdfast.ID {
	return holdfast.DeriveID(r.ID, stepName(s.Key, s.Recovery))
}

func (r *Run) step(key string, recovery bool) *Step {
	for _, s := range r.Steps {
		if s.Key == key && s.Recovery == recovery {
			return s
		}
	}
	return nil
}

// patience is how long a step may take; zero is for ever.
func (s *Step) patience() time.Duration {
	d := time.Duration(s.step.Timeout) * time.Second
	switch {
	case s.step.Do == holdfast.DeedWait && s.State == holdfast.StepBegan:
		return time.Duration(s.step.Seconds) * time.Second
	case d == 0 && s.State == holdfast.StepBegan:
		return time.Minute
	}
	return d
}

const runColumns = `SELECT r.workspace, r.id, r.body, r.started_at FROM plan_run r `

type runRow struct {
	workspace, id holdfast.ID
	body          []byte
	at            time.Time
}

func scanRun(r *store.Rows, v *runRow) error { return r.Scan(&v.workspace, &v.id, &v.body, &v.at) }

// running are the runs of all workspaces that have not ended, the earliest first.
func (p *Plans) running(ctx context.Context) ([]*Run, error) {
	rows, err := p.db.Query(ctx, runColumns+"WHERE NOT EXISTS (SELECT 1 FROM plan_turn t WHERE t.workspace = r.workspace AND t.run = r.id AND t.turn = 'ended') ORDER BY r.started_at")
	list, err := store.Collect(rows, err, scanRun)
	if err != nil {
		return nil, err
	}
	return p.whole(ctx, list)
}

func (p *Plans) whole(ctx context.Context, rows []runRow) ([]*Run, error) {
	runs := make([]*Run, 0, len(rows))
	for _, row := range rows {
		r, err := p.read(ctx, row)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// read puts a run together.
func (p *Plans) read(ctx context.Context, row runRow) (*Run, error) {
	var b holdfast.PlanStarted
	if err := json.Unmarshal(row.body, &b); err != nil {
		return nil, err
	}
	r := &Run{ID: row.id, Of: b.Of, Name: b.Plan.Name, Drill: b.Drill, Cause: b.Cause, About: b.About, Since: b.Since, StartedAt: row.at, workspace: row.workspace, plan: b.Plan,
		Calls: []Told{}, Actions: []holdfast.PlanAction{}, State: "running"}
	for n, part := range [][]holdfast.PlanStep{b.Plan.Steps, b.Plan.Recovery} {
		for _, s := range part {
			r.Steps = append(r.Steps, &Step{Key: s.Key, Recovery: n == 1, Name: s.Name, Kind: s.Do, Mode: s.Mode, State: holdfast.StepPending, Seconds: s.Seconds, Who: r.whose(s.Roles), step: s})
		}
	}
	if err := p.readTurns(ctx, r); err != nil {
		return nil, err
	}
	if err := p.readSteps(ctx, r); err != nil {
		return nil, err
	}
	if err := p.readCalls(ctx, r); err != nil {
		return nil, err
	}
	rows, err := p.db.Query(ctx, "SELECT body FROM plan_action WHERE workspace = $1 AND run = $2 ORDER BY id", r.workspace, r.ID)
	actions, err := store.Collect(rows, err, func(rows *store.Rows, a *holdfast.PlanAction) error {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		return json.Unmarshal(raw, a)
	})
	for _, a := range actions {
		if !a.Removed {
			r.Actions = append(r.Actions, a)
		}
	}
	return r, err
}

// whose are the operators of some roles, deputies last.
func (r *Run) whose(roles []string) []holdfast.ID {
	first, then := []holdfast.ID{}, []holdfast.ID{}
	for _, role := range r.plan.Roles {
		if slices.Contains(roles, role.Key) {
			if !role.Operator.IsZero() {
				first = append(first, role.Operator)
			}
			then = append(then, role.Deputies...)
		}
	}
	return append(first, then...)
}

func (p *Plans) readTurns(ctx context.Context, r *Run) error {
	type turn struct {
		name string
		at   time.Time
		body []byte
	}
	rows, err := p.db.Query(ctx, "SELECT turn, at, body FROM plan_turn WHERE workspace = $1 AND run = $2", r.workspace, r.ID)
	turns, err := store.Collect(rows, err, func(r *store.Rows, v *turn) error { return r.Scan(&v.name, &v.at, &v.body) })
	if err != nil {
		return err
	}
	for _, t := range turns {
		switch t.name {
		case recovering:
			r.RecoveringAt = t.at
			if r.State != "ended" {
				r.State = "recovering"
			}
		case ended:
			var e holdfast.PlanEnded
			if err := json.Unmarshal(t.body, &e); err != nil {
				return err
			}
			r.EndedAt, r.Outcome, r.State = t.at, e.Outcome, "ended"
		}
	}
	return nil
}

func (p *Plans) readSteps(ctx context.Context, r *Run) error {
	type row struct {
		at    time.Time
		actor holdfast.ID
		body  []byte
	}
	rows, err := p.db.Query(ctx, "SELECT at, actor, body FROM plan_step WHERE workspace = $1 AND run = $2", r.workspace, r.ID)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.at, &v.actor, &v.body) })
	if err != nil {
		return err
	}
	for _, v := range list {
		var b holdfast.PlanStepped
		if err := json.Unmarshal(v.body, &b); err != nil {
			return err
		}
		s := r.step(b.Step, b.Recovery)
		if s == nil {
			continue
		}
		s.State, s.At, s.By, s.Code, s.Reason, s.Rehearsed, s.undo = b.State, v.at, v.actor, b.Code, b.Reason, b.Rehearsed, b.Undo
		if d := s.patience(); d > 0 && (b.State == holdfast.StepAsked || b.State == holdfast.StepBegan) {
			s.Due = v.at.Add(d)
		}
		w, _ := p.deps.Deeds.work(s.Kind)
		s.Undo = b.State == holdfast.StepDone && !r.Drill && w.Undo != nil && r.State != "ended"
	}
	if r.State == "running" && !slices.ContainsFunc(r.Steps, func(s *Step) bool { return !s.Recovery && !s.State.Over() }) {
		r.State = "holding"
	}
	return nil
}

func (p *Plans) readCalls(ctx context.Context, r *Run) error {
	rows, err := p.db.Query(ctx, `SELECT c.operator, c.step, c.recovery, c.asks, c.at, 
		COALESCE((SELECT MIN(h.at) FROM plan_heard h WHERE h.workspace = c.workspace AND h.run = c.run AND h.operator = c.operator AND h.at >= c.at), 0)
		FROM plan_call c WHERE c.workspace = $1 AND c.run = $2 ORDER BY c.at, c.operator`, r.workspace, r.ID)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *Told) error {
		return r.Scan(&v.Operator, &v.Step, &v.Recovery, &v.Asks, &v.At, &v.HeardAt)
	})
	if len(list) > 0 {
		r.Calls = list
	}
	return err
}

// Current lists a workspace's runs that have not ended, the earliest first.
func (p *Plans) Current(ctx context.Context, workspace holdfast.ID) ([]*Run, error) {
	all, err := p.running(ctx)
	return slices.DeleteFunc(all, func(r *Run) bool { return r.workspace != workspace }), err
}

// One reads a run with its report. The error is NotFound.
func (p *Plans) One(ctx context.Context, workspace, id holdfast.ID) (*Run, error) {
	rows, err := p.db.Query(ctx, runColumns+"WHERE r.workspace = $1 AND r.id = $2", workspace, id)
	list, err := store.Collect(rows, err, scanRun)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, holdfast.Errorf(holdfast.NotFound, "plan.run_missing", "there is no such run in this workspace")
	}
	r, err := p.read(ctx, list[0])
	if err != nil {
		return nil, err
	}
	if r.Report, err = p.report(ctx, r); err != nil || r.Drill || p.deps.Cost == nil {
		return r, err
	}
	until := r.EndedAt
	if until.IsZero() {
		until = p.db.Now()
	}
	r.Report.Cost, err = p.deps.Cost(ctx, workspace, r.began(), until)
	return r, err
}

// Runs lists what was carried out or rehearsed before a time (zero: until now), the
// latest first, of one plan or with a zero id of all. The next page begins before the
// last one's start.
func (p *Plans) Runs(ctx context.Context, workspace, plan holdfast.ID, drills *bool, before time.Time, limit int) ([]*Run, error) {
	query, args := runColumns+"WHERE r.workspace = $1", []any{workspace}
	and := func(clause string, value any) {
		args = append(args, value)
		query += " AND " + clause + store.In(len(args), 1)
	}
	if !plan.IsZero() {
		and("r.plan IN ", plan)
	}
	if drills != nil {
		and("r.drill IN ", *drills)
	}
	if !before.IsZero() {
		and("r.started_at < ", before)
	}
	if limit <= 0 || limit > 100 {
		limit = 30
	}
	args = append(args, limit)
	rows, err := p.db.Unprepared(ctx, query+" ORDER BY r.started_at DESC, r.id LIMIT "+store.In(len(args), 1), args...)
	list, err := store.Collect(rows, err, scanRun)
	if err != nil {
		return nil, err
	}
	runs, err := p.whole(ctx, list)
	for _, r := range runs {
		if err == nil {
			r.Report, err = p.report(ctx, r)
		}
	}
	return runs, err
}

// InForce are the channels that a workspace's runs send by now, in their steps' order.
// on reports whether any does; none named are all that work.
func (p *Plans) InForce(ctx context.Context, workspace holdfast.ID) (channels []holdfast.ID, on bool, err error) {
	runs, err := p.Current(ctx, workspace)
	for _, r := range runs {
		for _, s := range r.Steps {
			// A run that recovers has taken it back: nobody needs to undo it.
			if s.Kind != holdfast.DeedLanes || s.State != holdfast.StepDone || s.Recovery || r.Drill || !r.RecoveringAt.IsZero() {
				continue
			}
			on = true
			for _, id := range s.step.Channels {
				if !slices.Contains(channels, id) {
					channels = append(channels, id)
				}
			}
		}
	}
	return channels, on, err
}
