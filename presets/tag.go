package presets

import (
	"context"
	"slices"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

// Retag keeps macros and views up to date with a tag's new name, everybody's own
// among them, and records it; an empty new name is the tag's removal, and leaves them
// as they are. What is the tag, however somebody wrote it, is says. It returns how
// many were changed. Errors: Forbidden.
func (p *Presets) Retag(ctx context.Context, by access.Identity, is func(tag string) bool, from, to string) (int, error) {
	if err := by.Require(holdfast.ManagePresets); err != nil {
		return 0, err
	}
	n := 0
	_, err := p.journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		n = 0
		if to == "" {
			return access.Record(tx.Tx, by, "tag.removed", by.Workspace, map[string]string{"tag": from})
		}
		for _, kind := range []string{macro, view} {
			rows, err := tx.Query(columns+" AND body IS NOT NULL", by.Workspace, kind)
			list, err := store.Collect(rows, err, scanRow)
			if err != nil {
				return err
			}
			for _, r := range list {
				body, changed, err := retagged(kind, r, is, to)
				if err != nil {
					return err
				}
				if !changed {
					continue
				}
				if _, err := tx.Append(r.id, body); err != nil {
					return err
				}
				n++
			}
		}
		return access.Record(tx.Tx, by, "tag.renamed", by.Workspace, map[string]string{"from": from, "to": to})
	}})
	return n, err
}

// retagged is a macro or a view with a tag's new name, and whether it named the old one.
func retagged(kind string, r row, is func(tag string) bool, to string) (body holdfast.Body, changed bool, err error) {
	if kind == macro {
		b := &holdfast.MacroSaved{}
		if err := decode(r.body, b); err != nil {
			return nil, false, err
		}
		for i := range b.Actions {
			if is(b.Actions[i].Tag) {
				b.Actions[i].Tag, changed = to, true
			}
		}
		return b, changed, nil
	}
	b := &holdfast.ViewSaved{}
	if err := decode(r.body, b); err != nil {
		return nil, false, err
	}
	for i, c := range b.Filter.Conditions {
		if c.Field != holdfast.ByTag || !slices.ContainsFunc(c.Values, is) {
			continue
		}
		var values []string
		for _, v := range c.Values {
			if is(v) {
				v = to
			}
			if !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		b.Filter.Conditions[i].Values, changed = values, true
	}
	return b, changed, nil
}
