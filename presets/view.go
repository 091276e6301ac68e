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

// View is a saved view.
type View struct {
	ID        holdfast.ID         `json:"id"`
	Owner     holdfast.Owner      `json:"owner" doc:"An operator's own, a team's, or, with neither, everybody's."`
	Name      string              `json:"name"`
	Filter    holdfast.ViewFilter `json:"filter"`
	Position  int                 `json:"position"`
	ChangedAt time.Time           `json:"changed_at"`
}

func decodeView(r row) (View, error) {
	var b holdfast.ViewSaved
	err := decode(r.body, &b)
	return View{ID: r.id, Owner: r.owner, Name: b.Name, Filter: b.Filter, Position: b.Position, ChangedAt: r.changed}, err
}

// Views lists those that by can use: their own, then their teams', then everybody's.
func (p *Presets) Views(ctx context.Context, by access.Identity) ([]View, error) {
	l, err := list(ctx, p, by, view, decodeView)
	rank := func(v View) int {
		switch {
		case !v.Owner.Operator.IsZero():
			return 0
		case !v.Owner.Team.IsZero():
			return 1
		}
		return 2
	}
	slices.SortFunc(l, func(a, b View) int {
		return cmp.Or(rank(a)-rank(b), a.Position-b.Position, strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(string(a.ID[:]), string(b.ID[:])))
	})
	return l, err
}

// View reads one that by can use. The error is NotFound.
func (p *Presets) View(ctx context.Context, by access.Identity, id holdfast.ID) (View, error) {
	return one(ctx, p, by, view, id, decodeView)
}

// SaveView writes a view, whole. What it names need not be there any longer: such
// a condition finds nothing. Errors: Invalid, Forbidden, NotFound, Conflict.
func (p *Presets) SaveView(ctx context.Context, by access.Identity, id holdfast.ID, b holdfast.ViewSaved) (View, error) {
	var err error
	if b.Name, err = checkName(b.Name, "name"); err != nil {
		return View{}, err
	}
	if err := b.Filter.Check(); err != nil {
		return View{}, err
	}
	if b.Position < 0 || b.Position > 10000 {
		return View{}, holdfast.Errorf(holdfast.Invalid, "view.malformed", "the position is 0 to 10000").WithField("position")
	}
	if err := p.save(ctx, by, view, id, b.Owner, &b, nil); err != nil {
		return View{}, err
	}
	return p.View(ctx, by, id)
}

// RemoveView takes one away. Errors: NotFound, Forbidden.
func (p *Presets) RemoveView(ctx context.Context, by access.Identity, id holdfast.ID) error {
	return p.save(ctx, by, view, id, holdfast.Owner{}, nil, &holdfast.ViewRemoved{})
}
