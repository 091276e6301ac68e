package plans

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

// maximum bounds how many plans a workspace has.
const maximum = 200

// Saved is a plan of a workspace.
type Saved struct {
	ID holdfast.ID `json:"id"`
	holdfast.Plan
	ChangedAt time.Time `json:"changed_at"`
	Lacks     []Gap     `json:"lacks" doc:"What it needs before it can start."`
	NextDrill time.Time `json:"next_drill,omitzero"`
}

func missing() error {
	return holdfast.Errorf(holdfast.NotFound, "plan.missing", "there is no such plan in this workspace")
}

// List are a workspace's plans, by name.
func (p *Plans) List(ctx context.Context, workspace holdfast.ID) ([]Saved, error) {
	return p.saved(ctx, workspace, "SELECT workspace, id, body, changed_at FROM plan WHERE workspace = $1 AND body IS NOT NULL", workspace)
}

// Plan reads one. The error is NotFound.
func (p *Plans) Plan(ctx context.Context, workspace, id holdfast.ID) (Saved, error) {
	list, err := p.saved(ctx, workspace, "SELECT workspace, id, body, changed_at FROM plan WHERE workspace = $1 AND id = $2 AND body IS NOT NULL", workspace, id)
	if err == nil && len(list) == 0 {
		err = missing()
	}
	if err != nil {
		return Saved{}, err
	}
	return list[0], nil
}

func (p *Plans) saved(ctx context.Context, workspace holdfast.ID, query string, args ...any) ([]Saved, error) {
	_, _, zone, err := p.deps.House(ctx, workspace)
	if err != nil {
		return nil, err
	}
	rows, err := p.db.Query(ctx, query, args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *Saved) error {
		var raw []byte
		var of holdfast.ID
		if err := r.Scan(&of, &v.ID, &raw, &v.ChangedAt); err != nil {
			return err
		}
		return json.Unmarshal(raw, &v.Plan)
	})
	for i := range list {
		list[i].Lacks, list[i].NextDrill = p.gaps(&list[i].Plan), NextDrill(list[i].Drills, zone, p.db.Now())
	}
	slices.SortFunc(list, func(a, b Saved) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(string(a.ID[:]), string(b.ID[:])))
	})
	return list, err
}

// Ours is nil for an id that no other workspace's plan has. The error is NotFound:
// whoever has such an id is told nothing more, whatever they want to save under it.
func (p *Plans) Ours(ctx context.Context, workspace, id holdfast.ID) error {
	var n int
	err := p.db.QueryRow(ctx, "SELECT count(*) FROM plan WHERE id = $1 AND workspace <> $2", id, workspace).Scan(&n)
	if err == nil && n > 0 {
		return missing()
	}
	return err
}

// Save writes a plan, whole. One that lacks something can be saved, and does not
// start by itself. Errors: Forbidden, Invalid, NotFound, Conflict.
func (p *Plans) Save(ctx context.Context, by access.Identity, id holdfast.ID, plan holdfast.Plan) (Saved, error) {
	if err := by.Require(holdfast.ManagePlans); err != nil {
		return Saved{}, err
	}
	if id.IsZero() {
		return Saved{}, invalid("id.missing", "id", "it needs an id")
	}
	if err := check(&plan); err != nil {
		return Saved{}, err
	}
	if plan.Enabled {
		if err := p.lacking(&plan); err != nil {
			return Saved{}, err
		}
	}
	if err := p.known(ctx, by.Workspace, &plan); err != nil {
		return Saved{}, err
	}
	if err := p.write(ctx, by, id, &holdfast.PlanSaved{Plan: plan}); err != nil {
		return Saved{}, err
	}
	return p.Plan(ctx, by.Workspace, id)
}

// known sees that whom and what a plan names is there.
func (p *Plans) known(ctx context.Context, workspace holdfast.ID, plan *holdfast.Plan) error {
	for _, r := range plan.Roles {
		for _, id := range append([]holdfast.ID{r.Operator}, r.Deputies...) {
			if id.IsZero() {
				continue
			}
			if _, err := p.guard.Operator(ctx, workspace, id); err != nil {
				return err
			}
		}
	}
	lanes, err := p.deps.Channels(ctx, workspace)
	if err != nil {
		return err
	}
	channels := []holdfast.ID{plan.Trigger.Channel}
	for _, s := range slices.Concat(plan.Steps, plan.Recovery) {
		channels = append(channels, s.Channels...)
		if !s.Webhook.IsZero() && p.deps.HasWebhook != nil {
			if err := p.deps.HasWebhook(ctx, workspace, s.Webhook); err != nil {
				return err
			}
		}
	}
	for _, id := range channels {
		if !id.IsZero() && !slices.ContainsFunc(lanes, func(l Lane) bool { return l.ID == id }) {
			return holdfast.Errorf(holdfast.NotFound, "channel.missing", "there is no such channel in this workspace").WithField("channels")
		}
	}
	return nil
}

// Remove takes a plan away; its runs stay. Errors: Forbidden, NotFound.
func (p *Plans) Remove(ctx context.Context, by access.Identity, id holdfast.ID) error {
	if err := by.Require(holdfast.ManagePlans); err != nil {
		return err
	}
	return p.write(ctx, by, id, &holdfast.PlanRemoved{})
}

func (p *Plans) write(ctx context.Context, by access.Identity, id holdfast.ID, body holdfast.Body) error {
	_, err := p.journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		var had []byte
		err := tx.QueryRow("SELECT body FROM plan WHERE workspace = $1 AND id = $2", by.Workspace, id).Scan(&had)
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return err
		}
		saved, ok := body.(*holdfast.PlanSaved)
		if !ok && len(had) == 0 {
			return missing()
		}
		if ok && len(had) == 0 {
			var others, all int
			// An id that is another workspace's is a mistake at best.
			if err := tx.QueryRow("SELECT count(*) FROM plan WHERE id = $1 AND workspace <> $2", id, by.Workspace).Scan(&others); err != nil {
				return err
			}
			if err := tx.QueryRow("SELECT count(*) FROM plan WHERE workspace = $1 AND body IS NOT NULL", by.Workspace).Scan(&all); err != nil {
				return err
			}
			if others > 0 {
				return missing()
			}
			if all >= maximum {
				return holdfast.Errorf(holdfast.Conflict, "plan.too_many", "a workspace has at most %d plans", maximum).WithNext("Remove some that nobody needs.")
			}
		}
		if ok {
			raw, err := json.Marshal(saved)
			if err != nil || bytes.Equal(raw, had) {
				return err
			}
		}
		if _, err := tx.Append(id, body); err != nil {
			return err
		}
		return access.Record(tx.Tx, by, string(body.EntryKind()), id, nil)
	}})
	return err
}
