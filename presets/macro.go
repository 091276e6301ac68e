package presets

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
)

// Macro is a named list of actions.
type Macro struct {
	ID        holdfast.ID       `json:"id"`
	Owner     holdfast.Owner    `json:"owner" doc:"An operator's own, a team's, or, with neither, everybody's."`
	Name      string            `json:"name"`
	Actions   []holdfast.Action `json:"actions"`
	ChangedAt time.Time         `json:"changed_at"`
}

func decodeMacro(r row) (Macro, error) {
	var b holdfast.MacroSaved
	err := decode(r.body, &b)
	return Macro{ID: r.id, Owner: r.owner, Name: b.Name, Actions: b.Actions, ChangedAt: r.changed}, err
}

// Macros lists those that by can use, by name.
func (p *Presets) Macros(ctx context.Context, by access.Identity) ([]Macro, error) {
	l, err := list(ctx, p, by, macro, decodeMacro)
	slices.SortFunc(l, func(a, b Macro) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(string(a.ID[:]), string(b.ID[:])))
	})
	return l, err
}

// Macro reads one that by can use. The error is NotFound.
func (p *Presets) Macro(ctx context.Context, by access.Identity, id holdfast.ID) (Macro, error) {
	return one(ctx, p, by, macro, id, decodeMacro)
}

// SaveMacro writes a macro, whole. Errors: Invalid, Forbidden, NotFound, Conflict.
func (p *Presets) SaveMacro(ctx context.Context, by access.Identity, id holdfast.ID, b holdfast.MacroSaved) (Macro, error) {
	var err error
	if b.Name, err = checkName(b.Name, "name"); err != nil {
		return Macro{}, err
	}
	if err := holdfast.CheckActions(b.Actions); err != nil {
		return Macro{}, err
	}
	for _, a := range b.Actions {
		if err := p.checkAction(ctx, by, b.Owner, a); err != nil {
			return Macro{}, err
		}
	}
	if err := p.save(ctx, by, macro, id, b.Owner, &b, nil); err != nil {
		return Macro{}, err
	}
	return p.Macro(ctx, by, id)
}

// checkAction sees that what an action names is there, and there for whoever will
// run it.
func (p *Presets) checkAction(ctx context.Context, by access.Identity, owner holdfast.Owner, a holdfast.Action) error {
	if err := CheckPlaceholders(a.Text); err != nil {
		return err
	}
	if !a.Canned.IsZero() {
		c, err := p.CannedReply(ctx, by, a.Canned)
		if err != nil {
			return err
		}
		if !c.Owner.Shared() && c.Owner != owner && owner.Operator.IsZero() {
			return holdfast.Errorf(holdfast.Invalid, "macro.private_reply", "others who run this macro could not use the canned reply %q", c.Title).WithField("actions").
				WithNext("Share the canned reply first, or write the text into the macro.")
		}
	}
	if !a.Operator.IsZero() {
		if _, err := p.guard.Operator(ctx, by.Workspace, a.Operator); err != nil {
			return err
		}
	}
	if !a.Team.IsZero() {
		if _, err := p.guard.Team(ctx, by.Workspace, a.Team); err != nil {
			return err
		}
	}
	return nil
}

// RemoveMacro takes one away. Errors: NotFound, Forbidden.
func (p *Presets) RemoveMacro(ctx context.Context, by access.Identity, id holdfast.ID) error {
	return p.save(ctx, by, macro, id, holdfast.Owner{}, nil, &holdfast.MacroRemoved{})
}
