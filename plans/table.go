package plans

import (
	"encoding/json"

	"holdfast"
	"holdfast/store"
)

// Table is the projection: plans, what starts them, runs and how far they are.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "plans" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string {
	return []string{"plan", "plan_condition", "plan_run", "plan_turn", "plan_step", "plan_call", "plan_heard", "plan_action"}
}

// The turns of a run.
const (
	recovering = "recovering"
	ended      = "ended"
)

// Apply keeps the latest word on plans, steps and actions, the earliest on turns, and
// every change of what plans are started by.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	stamp := store.Stamp(e)
	condition := func(cause holdfast.PlanCause, about holdfast.ID, state any) error {
		if e.History() {
			return nil // what is told of afterwards starts nothing
		}
		return tx.Exec(`INSERT INTO {plan_condition} (workspace, cause, about, state, at, stamp) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (workspace, cause, stamp) DO NOTHING`, e.Workspace, cause, about, state, e.At, stamp)
	}
	plan := func(body any) error {
		return tx.Exec(`INSERT INTO {plan} (workspace, id, body, changed_at, stamp) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (workspace, id) DO UPDATE SET body = excluded.body, changed_at = excluded.changed_at, stamp = excluded.stamp
			WHERE excluded.stamp > {plan}.stamp`, e.Workspace, e.Subject, body, e.At, stamp)
	}
	turn := func(name string, body []byte) error {
		return tx.Exec(`INSERT INTO {plan_turn} (workspace, run, turn, at, actor, body, stamp) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (workspace, run, turn) DO UPDATE SET at = excluded.at, actor = excluded.actor, body = excluded.body, stamp = excluded.stamp
			WHERE excluded.stamp < {plan_turn}.stamp`, e.Workspace, e.Subject, name, e.At, e.Actor.ID, body, stamp)
	}
	var raw []byte
	switch e.Body.(type) {
	case *holdfast.PlanSaved, *holdfast.PlanStarted, *holdfast.PlanStepped, *holdfast.PlanCalled, *holdfast.PlanRecovering, *holdfast.PlanEnded, *holdfast.PlanAction:
		b, err := json.Marshal(e.Body)
		if err != nil {
			return err
		}
		raw = b
	}
	switch b := e.Body.(type) {
	case *holdfast.ReachChanged:
		return condition(holdfast.OnReach, e.Workspace, b.Reach)
	case *holdfast.ChannelChanged:
		return condition(holdfast.OnChannel, b.Channel, b.State)
	case *holdfast.LinkChanged:
		return condition(holdfast.OnLink, b.Link, b.State)
	case *holdfast.PlanSaved:
		return plan(raw)
	case *holdfast.PlanRemoved:
		return plan(nil)
	case *holdfast.PlanStarted:
		return tx.Exec(`INSERT INTO {plan_run} (workspace, id, body, plan, drill, started_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (workspace, id) DO NOTHING`, e.Workspace, e.Subject, raw, b.Of, b.Drill, e.At)
	case *holdfast.PlanRecovering:
		return turn(recovering, raw)
	case *holdfast.PlanEnded:
		return turn(ended, raw)
	case *holdfast.PlanStepped:
		return tx.Exec(`INSERT INTO {plan_step} (workspace, run, recovery, step, state, at, actor, body, stamp) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (workspace, run, recovery, step) DO UPDATE SET state = excluded.state, at = excluded.at, actor = excluded.actor, body = excluded.body, stamp = excluded.stamp
			WHERE excluded.stamp > {plan_step}.stamp`, e.Workspace, e.Subject, b.Recovery, store.Text(b.Step), b.State, e.At, e.Actor.ID, raw, stamp)
	case *holdfast.PlanCalled:
		for _, o := range b.Operators {
			if err := tx.Exec(`INSERT INTO {plan_call} (workspace, run, recovery, step, operator, asks, at, texts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
				ON CONFLICT (workspace, run, recovery, step, operator) DO NOTHING`, e.Workspace, e.Subject, b.Recovery, store.Text(b.Step), o, b.Asks, e.At, raw); err != nil {
				return err
			}
		}
	case *holdfast.PlanHeard:
		return tx.Exec(`INSERT INTO {plan_heard} (workspace, run, operator, at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (workspace, run, operator, at) DO NOTHING`, e.Workspace, e.Subject, b.Operator, e.At)
	case *holdfast.PlanAction:
		return tx.Exec(`INSERT INTO {plan_action} (workspace, run, id, body, stamp) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (workspace, run, id) DO UPDATE SET body = excluded.body, stamp = excluded.stamp
			WHERE excluded.stamp > {plan_action}.stamp`, e.Workspace, e.Subject, b.ID, raw, stamp)
	}
	return nil
}
