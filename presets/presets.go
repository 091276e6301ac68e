// Package presets keeps what is prepared once and used often: canned replies,
// macros and saved views, each an operator's own, a team's or everybody's, and the
// workspace's custom fields with their values; and says who may see and change which.
//
// It refuses to act on a conversation (the desk does), to list one (the inbox
// does), and to show anybody another operator's own.
package presets

import (
	"bytes"
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

// Presets answers for them. Make one with New.
type Presets struct {
	db      *store.DB
	journal *journal.Journal
	guard   *access.Guard
}

// New returns the presets of a journal that Table is a projection of. It does no I/O.
func New(db *store.DB, j *journal.Journal, guard *access.Guard) *Presets {
	return &Presets{db: db, journal: j, guard: guard}
}

// maximum bounds how many presets of a kind a workspace has.
const maximum = 2000

// row is a stored preset.
type row struct {
	id      holdfast.ID
	owner   holdfast.Owner
	body    []byte
	changed time.Time
}

func scanRow(r *store.Rows, v *row) error {
	return r.Scan(&v.id, &v.owner.Team, &v.owner.Operator, &v.body, &v.changed)
}

const columns = "SELECT id, team, operator, body, changed_at FROM preset WHERE workspace = $1 AND kind = $2"

// viewer is who asks and the teams that person is in.
type viewer struct {
	access.Identity
	teams []holdfast.ID
}

func (p *Presets) viewer(ctx context.Context, by access.Identity) (viewer, error) {
	v := viewer{Identity: by}
	if by.Operator.IsZero() {
		return v, nil
	}
	m, err := p.guard.Operator(ctx, by.Workspace, by.Operator)
	v.teams = m.Teams
	return v, err
}

// sees reports whether a preset is the viewer's to use: whoever keeps the team's
// ones in order sees them all.
func (v viewer) sees(o holdfast.Owner) bool {
	if !o.Operator.IsZero() {
		return o.Operator == v.Operator
	}
	return o.Team.IsZero() || slices.Contains(v.teams, o.Team) || v.May(holdfast.ManagePresets)
}

// mayChange is nil when the viewer may save and remove presets of an owner. A
// member keeps the team's ones, too; everybody's need the permission.
func (v viewer) mayChange(o holdfast.Owner) error {
	if err := v.Require(holdfast.WriteConversations); err != nil {
		return err
	}
	switch {
	case !o.Operator.IsZero() && o.Operator == v.Operator:
		return nil
	case !o.Operator.IsZero():
		return holdfast.Errorf(holdfast.Forbidden, "preset.not_yours", "this would be another operator's own").WithField("owner").
			WithNext("Give it to yourself, a team or everybody.")
	case !o.Team.IsZero() && slices.Contains(v.teams, o.Team):
		return nil
	}
	return v.Require(holdfast.ManagePresets)
}

func missing(what string) error {
	return holdfast.Errorf(holdfast.NotFound, what+".missing", "there is no such %s that you can use", noun[what])
}

var noun = map[string]string{canned: "canned reply", macro: "macro", view: "view", field: "field"}

// list reads the presets of a kind that by can use.
func list[T any](ctx context.Context, p *Presets, by access.Identity, kind string, decode func(row) (T, error)) ([]T, error) {
	v, err := p.viewer(ctx, by)
	if err != nil {
		return nil, err
	}
	rows, err := p.db.Query(ctx, columns+" AND body IS NOT NULL", by.Workspace, kind)
	stored, err := store.Collect(rows, err, scanRow)
	if err != nil {
		return nil, err
	}
	out := []T{}
	for _, r := range stored {
		if !v.sees(r.owner) {
			continue
		}
		t, err := decode(r)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// one reads a preset that by can use. The error is NotFound.
func one[T any](ctx context.Context, p *Presets, by access.Identity, kind string, id holdfast.ID, decode func(row) (T, error)) (T, error) {
	var none T
	v, err := p.viewer(ctx, by)
	if err != nil {
		return none, err
	}
	rows, err := p.db.Query(ctx, columns+" AND id = $3 AND body IS NOT NULL", by.Workspace, kind, id)
	stored, err := store.Collect(rows, err, scanRow)
	if err != nil {
		return none, err
	}
	if len(stored) == 0 || !v.sees(stored[0].owner) {
		return none, missing(kind)
	}
	return decode(stored[0])
}

// save writes a preset, whole, or with a nil body removes it. What is so already
// changes nothing. Errors: Forbidden; NotFound for another's own and for the
// removal of what is not there; Conflict when there are too many.
func (p *Presets) save(ctx context.Context, by access.Identity, kind string, id holdfast.ID, owner holdfast.Owner, body holdfast.Body, remove holdfast.Body) error {
	if id.IsZero() {
		return holdfast.Errorf(holdfast.Invalid, "id.missing", "it needs an id").WithField("id")
	}
	v, err := p.viewer(ctx, by)
	if err != nil {
		return err
	}
	if body != nil {
		if err := v.mayChange(owner); err != nil {
			return err
		}
		if !owner.Team.IsZero() {
			if _, err := p.guard.Team(ctx, by.Workspace, owner.Team); err != nil {
				return err
			}
		}
	}
	_, err = p.journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		var had row
		err := tx.QueryRow(columns+" AND id = $3", by.Workspace, kind, id).Scan(&had.id, &had.owner.Team, &had.owner.Operator, &had.body, &had.changed)
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return err
		}
		there := len(had.body) > 0
		switch {
		case there && !v.sees(had.owner), !there && body == nil:
			return missing(kind)
		case there:
			if err := v.mayChange(had.owner); err != nil {
				return err
			}
		default:
			var n int
			// Ids are made by whoever makes the thing: one that is another workspace's is a
			// mistake at best.
			if err := tx.QueryRow("SELECT count(*) FROM preset WHERE kind = $1 AND id = $2 AND workspace <> $3", kind, id, by.Workspace).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				return missing(kind)
			}
			if err := tx.QueryRow("SELECT count(*) FROM preset WHERE workspace = $1 AND kind = $2 AND body IS NOT NULL", by.Workspace, kind).Scan(&n); err != nil {
				return err
			}
			if n >= maximum {
				return holdfast.Errorf(holdfast.Conflict, "preset.too_many", "a workspace has at most %d of these", maximum).WithNext("Remove some that nobody uses.")
			}
		}
		action, entry := kind+".saved", body
		if body == nil {
			action, entry, owner = kind+".removed", remove, had.owner
		} else {
			raw, err := json.Marshal(body)
			if err != nil {
				return err
			}
			if bytes.Equal(raw, had.body) {
				return nil
			}
		}
		if _, err := tx.Append(id, entry); err != nil {
			return err
		}
		if !owner.Operator.IsZero() {
			return nil // one's own is nobody else's business
		}
		return access.Record(tx.Tx, by, action, id, nil)
	}})
	return err
}

// checkName is a name or title as stored: trimmed, 1 to 100 characters on one line.
func checkName(name, field string) (string, error) {
	name = strings.TrimSpace(store.Text(name))
	if name == "" || utf8.RuneCountInString(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", holdfast.Errorf(holdfast.Invalid, "name.invalid", "a name has 1 to 100 characters on one line").WithField(field)
	}
	return name, nil
}

func decode(raw []byte, into any) error { return json.Unmarshal(raw, into) }
