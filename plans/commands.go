package plans

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

// Start carries a plan out by hand, or rehearses it. The same run id again does
// nothing. Errors: Forbidden, NotFound, Invalid when it lacks something, Conflict.
func (p *Plans) Start(ctx context.Context, by access.Identity, plan, run holdfast.ID, drill bool) (*Run, error) {
	if err := by.Require(holdfast.ManagePlans); err != nil {
		return nil, err
	}
	if run.IsZero() {
		return nil, invalid("id.missing", "id", "a run needs an id")
	}
	saved, err := p.Plan(ctx, by.Workspace, plan)
	if err != nil {
		return nil, err
	}
	if err := p.lacking(&saved.Plan); err != nil {
		return nil, err
	}
	err = p.start(ctx, start{by.Workspace, run, holdfast.PlanStarted{Of: plan, Drill: drill, Cause: holdfast.OnHand, Plan: saved.Plan}, by.Actor})
	if err != nil {
		return nil, err
	}
	return p.One(ctx, by.Workspace, run)
}

// Answers of a person to a step.
const (
	Confirm = "confirm" // do it now
	Done    = "done"    // it is done, by hand
	Skip    = "skip"
	Retry   = "retry"
	Undo    = "undo"
)

// Answer is what somebody says of a step. Whoever it is given to may, and whoever
// keeps the plans. Errors: Forbidden, NotFound, Invalid, Conflict.
func (p *Plans) Answer(ctx context.Context, by access.Identity, run holdfast.ID, step string, recovery bool, answer string) (*Run, error) {
	r, err := p.One(ctx, by.Workspace, run)
	if err != nil {
		return nil, err
	}
	s := r.step(step, recovery)
	if s == nil {
		return nil, holdfast.Errorf(holdfast.NotFound, "plan.step_missing", "the run has no such step")
	}
	if by.Operator.IsZero() || !slices.Contains(s.Who, by.Operator) {
		if err := by.Require(holdfast.ManagePlans); err != nil {
			return nil, err
		}
	}
	b, from := holdfast.PlanStepped{}, []holdfast.StepState{holdfast.StepAsked}
	switch answer {
	case Confirm:
		if b.State = holdfast.StepBegan; s.Mode != holdfast.StepConfirm {
			return nil, invalid("plan.answer", "answer", "this step is not asked to be confirmed")
		}
	case Done:
		if b.State = holdfast.StepDone; s.Mode != holdfast.StepHand {
			return nil, invalid("plan.answer", "answer", "this step is not done by hand")
		}
	case Skip:
		b.State, from = holdfast.StepSkipped, append(from, holdfast.StepBlocking)
		if s.Kind == holdfast.DeedWait {
			from = append(from, holdfast.StepBegan)
		}
	case Retry:
		b.State, from = holdfast.StepBegan, []holdfast.StepState{holdfast.StepBlocking}
		if s.Mode == holdfast.StepHand {
			b.State = holdfast.StepAsked
		}
	case Undo:
		if b.State, from = holdfast.StepUndoing, []holdfast.StepState{holdfast.StepDone}; !s.Undo {
			return nil, holdfast.Errorf(holdfast.Conflict, "plan.no_undo", "that step cannot be undone")
		}
		b.Undo = s.undo
	default:
		return nil, invalid("plan.answer", "answer", "say confirm, done, skip, retry or undo")
	}
	if err := p.step(ctx, by.Actor, r, s, from, b); err != nil {
		return nil, err
	}
	p.poke()
	return p.One(ctx, by.Workspace, run)
}

// Stop ends a run where it is; Recover says that what it was for is over. Errors:
// Forbidden, NotFound, Conflict.
func (p *Plans) Stop(ctx context.Context, by access.Identity, run holdfast.ID) (*Run, error) {
	return p.steer(ctx, by, run, &holdfast.PlanEnded{Outcome: holdfast.PlanStopped})
}

// Recover begins the recovery of a run.
func (p *Plans) Recover(ctx context.Context, by access.Identity, run holdfast.ID) (*Run, error) {
	return p.steer(ctx, by, run, &holdfast.PlanRecovering{})
}

func (p *Plans) steer(ctx context.Context, by access.Identity, run holdfast.ID, b holdfast.Body) (*Run, error) {
	if err := by.Require(holdfast.ManagePlans); err != nil {
		return nil, err
	}
	r, err := p.One(ctx, by.Workspace, run)
	if err != nil {
		return nil, err
	}
	if err := p.turn(ctx, by.Actor, r, b); err != nil {
		return nil, err
	}
	p.poke()
	return p.One(ctx, by.Workspace, run)
}

// Alert is what an operator was told and has not said that they have seen.
type Alert struct {
	Run   holdfast.ID `json:"run"`
	Name  string      `json:"name"`
	Drill bool        `json:"drill"`
	Asks  bool        `json:"asks" doc:"They are to do or decide something."`
	Text  string      `json:"text"`
	At    time.Time   `json:"at"`
}

// Alerts are an operator's, one for each run, the latest first.
func (p *Plans) Alerts(ctx context.Context, by access.Identity) ([]Alert, error) {
	type row struct {
		run  holdfast.ID
		at   time.Time
		body []byte
	}
	rows, err := p.db.Query(ctx, `SELECT c.run, c.at, c.texts FROM plan_call c WHERE c.workspace = $1 AND c.operator = $2
		AND NOT EXISTS (SELECT 1 FROM plan_heard h WHERE h.workspace = c.workspace AND h.run = c.run AND h.operator = c.operator AND h.at >= c.at)
		AND c.at > $3 ORDER BY c.at DESC LIMIT 50`, by.Workspace, by.Operator, p.db.Now().Add(-48*time.Hour))
	list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.run, &v.at, &v.body) })
	if err != nil {
		return nil, err
	}
	alerts := []Alert{}
	for _, v := range list {
		if slices.ContainsFunc(alerts, func(a Alert) bool { return a.Run == v.run }) {
			continue
		}
		var b holdfast.PlanCalled
		if err := json.Unmarshal(v.body, &b); err != nil {
			return nil, err
		}
		text := b.Texts[by.Language]
		if text == "" {
			text = b.Texts["en"]
		}
		alerts = append(alerts, Alert{Run: v.run, Name: b.Name, Drill: b.Drill, Asks: b.Asks, Text: text, At: v.at})
	}
	return alerts, nil
}

// Hear says that an operator has seen what a run told them. The error is NotFound for
// one whom it told nothing.
func (p *Plans) Hear(ctx context.Context, by access.Identity, run holdfast.ID) error {
	_, err := p.journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		var told, heard time.Time
		err := tx.QueryRow("SELECT COALESCE(MAX(at), 0) FROM plan_call WHERE workspace = $1 AND run = $2 AND operator = $3", by.Workspace, run, by.Operator).Scan(&told)
		if err != nil {
			return err
		}
		if by.Operator.IsZero() || told.IsZero() {
			return holdfast.Errorf(holdfast.NotFound, "plan.run_missing", "that run has told you nothing")
		}
		err = tx.QueryRow("SELECT COALESCE(MAX(at), 0) FROM plan_heard WHERE workspace = $1 AND run = $2 AND operator = $3", by.Workspace, run, by.Operator).Scan(&heard)
		if err != nil || !heard.Before(told) {
			return err
		}
		_, err = tx.Append(run, &holdfast.PlanHeard{Operator: by.Operator})
		return err
	}})
	return err
}

// maxActions bounds what is to be done after one run.
const maxActions = 100

// SaveAction writes down something to do after a run; with Removed, that it is not to
// be done. Errors: Forbidden, Invalid, NotFound, Conflict.
func (p *Plans) SaveAction(ctx context.Context, by access.Identity, run holdfast.ID, a holdfast.PlanAction) (*Run, error) {
	r, err := p.One(ctx, by.Workspace, run)
	if err != nil {
		return nil, err
	}
	had := slices.IndexFunc(r.Actions, func(x holdfast.PlanAction) bool { return x.ID == a.ID })
	// Whoever owns one may say that it is done.
	own := had >= 0 && !by.Operator.IsZero() && r.Actions[had].Owner == by.Operator && a.Owner == by.Operator && !a.Removed
	if !own {
		if err := by.Require(holdfast.ManagePlans); err != nil {
			return nil, err
		}
	}
	switch {
	case a.ID.IsZero():
		return nil, invalid("id.missing", "id", "it needs an id")
	case a.Removed && had < 0:
		return nil, holdfast.Errorf(holdfast.NotFound, "plan.action_missing", "there is nothing such to do")
	case a.Removed:
		a = holdfast.PlanAction{ID: a.ID, Removed: true}
	default:
		if a.Text = strings.TrimSpace(store.Text(a.Text)); a.Text == "" || utf8.RuneCountInString(a.Text) > 1000 {
			return nil, invalid("plan.action_text", "text", "say in at most 1000 characters what is to be done")
		}
		if _, err := time.Parse(time.DateOnly, a.Due); a.Due != "" && err != nil {
			return nil, invalid("plan.action_due", "due", "write a date as 2026-11-22")
		}
		if !a.Owner.IsZero() {
			if _, err := p.guard.Operator(ctx, by.Workspace, a.Owner); err != nil {
				return nil, err
			}
		}
		if had < 0 && len(r.Actions) >= maxActions {
			return nil, holdfast.Errorf(holdfast.Conflict, "plan.too_many_actions", "a run has at most %d things to do after it", maxActions)
		}
	}
	_, err = p.journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		var raw []byte
		err := tx.QueryRow("SELECT body FROM plan_action WHERE workspace = $1 AND run = $2 AND id = $3", by.Workspace, run, a.ID).Scan(&raw)
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return err
		}
		if now, err := json.Marshal(&a); err != nil || string(now) == string(raw) {
			return err
		}
		_, err = tx.Append(run, &a)
		return err
	}})
	if err != nil {
		return nil, err
	}
	return p.One(ctx, by.Workspace, run)
}
