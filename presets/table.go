package presets

import (
	"encoding/json"

	"holdfast"
	"holdfast/store"
)

// Table is the projection: one row per preset and one per value of a custom field,
// the latest word on each.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "presets" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"preset", "field_value"} }

// The kinds of presets, as the table names them.
const (
	canned = "canned"
	macro  = "macro"
	view   = "view"
	field  = "field"
)

// Apply keeps what was said last of each preset. A workspace is part of the key:
// an id that somebody made up in another one is another preset.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	switch b := e.Body.(type) {
	case *holdfast.CannedSaved:
		return put(tx, e, canned, b.Owner, b)
	case *holdfast.CannedRemoved:
		return put(tx, e, canned, holdfast.Owner{}, nil)
	case *holdfast.MacroSaved:
		return put(tx, e, macro, b.Owner, b)
	case *holdfast.MacroRemoved:
		return put(tx, e, macro, holdfast.Owner{}, nil)
	case *holdfast.ViewSaved:
		return put(tx, e, view, b.Owner, b)
	case *holdfast.ViewRemoved:
		return put(tx, e, view, holdfast.Owner{}, nil)
	case *holdfast.FieldSaved:
		return put(tx, e, field, holdfast.Owner{}, b)
	case *holdfast.FieldRemoved:
		return put(tx, e, field, holdfast.Owner{}, nil)
	case *holdfast.FieldsSet:
		for id, value := range b.Values {
			if err := tx.Exec(`INSERT INTO {field_value} (workspace, subject, field, value, stamp) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (workspace, subject, field) DO UPDATE SET value = excluded.value, stamp = excluded.stamp
				WHERE excluded.stamp > {field_value}.stamp`, e.Workspace, e.Subject, id, store.Text(value), store.Stamp(e)); err != nil {
				return err
			}
		}
	}
	return nil
}

func put(tx *store.Tx, e *holdfast.Entry, kind string, owner holdfast.Owner, body holdfast.Body) error {
	var raw []byte
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		raw = b
	}
	return tx.Exec(`INSERT INTO {preset} (workspace, kind, id, team, operator, body, changed_at, stamp) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (workspace, kind, id) DO UPDATE SET team = excluded.team, operator = excluded.operator, body = excluded.body,
			changed_at = excluded.changed_at, stamp = excluded.stamp
		WHERE excluded.stamp > {preset}.stamp`, e.Workspace, kind, e.Subject, owner.Team, owner.Operator, raw, e.At, store.Stamp(e))
}
