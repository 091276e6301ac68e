package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

// Hours is when a workspace answers, or one of its teams.
type Hours struct {
	// Team is zero for the workspace as a whole. A team without hours of its own has the workspace's.
	Team     holdfast.ID `json:"team,omitzero"`
	TimeZone string      `json:"time_zone"`
	holdfast.Hours
}

// Hours lists the hours that are set, the workspace's own first. Where none are,
// the list has the workspace's, empty.
func (s *Setup) Hours(ctx context.Context, workspace holdfast.ID) ([]Hours, error) {
	w, err := s.Workspace(ctx, workspace)
	if err != nil {
		return nil, err
	}
	type row struct {
		owner holdfast.ID
		body  []byte
	}
	rows, err := s.db.Query(ctx, "SELECT owner, body FROM hours WHERE workspace = $1 ORDER BY owner", workspace)
	stored, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.owner, &v.body) })
	if err != nil {
		return nil, err
	}
	list := []Hours{{TimeZone: w.TimeZone}}
	for _, r := range stored {
		h := Hours{Team: r.owner, TimeZone: w.TimeZone}
		if err := json.Unmarshal(r.body, &h.Hours); err != nil {
			return nil, err
		}
		if r.owner == workspace {
			h.Team = holdfast.ID{}
			list[0] = h
			continue
		}
		list = append(list, h)
	}
	return list, nil
}

// HoursOf is what holds for a team, or with a zero team for the workspace, and the
// zone that it is meant in.
func (s *Setup) HoursOf(ctx context.Context, workspace, team holdfast.ID) (holdfast.Hours, *time.Location, error) {
	list, err := s.Hours(ctx, workspace)
	if err != nil {
		return holdfast.Hours{}, nil, err
	}
	zone, err := time.LoadLocation(list[0].TimeZone)
	if err != nil {
		return holdfast.Hours{}, nil, err
	}
	for _, h := range list[1:] {
		if !team.IsZero() && h.Team == team {
			return h.Hours, zone, nil
		}
	}
	return list[0].Hours, zone, nil
}

// SetHours sets the hours of a team, or with a zero team the workspace's; empty
// hours take them away. Errors: Forbidden, Invalid, NotFound for no such team.
func (s *Setup) SetHours(ctx context.Context, by access.Identity, team holdfast.ID, h holdfast.Hours) error {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return err
	}
	if err := h.Check(); err != nil {
		return err
	}
	owner := by.Workspace
	if !team.IsZero() {
		if _, err := s.guard.Team(ctx, by.Workspace, team); err != nil {
			return err
		}
		owner = team
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if changed, err := keepHours(tx, "hours", "owner", by.Workspace, owner, h); err != nil || !changed {
			return err
		}
		return s.note(tx, by, "workspace", by.Workspace, "hours.changed", "changed", map[string]any{"team": team, "days": len(h.Days)})
	})
}

// keepHours puts hours in a table, or takes them out of it where they are empty, and
// reports whether that changed something. of is the column that says whose they are.
func keepHours(tx *store.Tx, table, of string, workspace, whose holdfast.ID, h holdfast.Hours) (bool, error) {
	body, err := json.Marshal(h)
	if err != nil {
		return false, err
	}
	var had []byte
	err = tx.QueryRow("SELECT body FROM "+table+" WHERE workspace = $1 AND "+of+" = $2", workspace, whose).Scan(&had)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return false, err
	}
	if bytes.Equal(had, body) || had == nil && !h.Set() {
		return false, nil
	}
	if h.Set() {
		return true, tx.Exec("INSERT INTO "+table+" (workspace, "+of+", body) VALUES ($1, $2, $3) ON CONFLICT (workspace, "+of+") DO UPDATE SET body = excluded.body", workspace, whose, body)
	}
	return true, tx.Exec("DELETE FROM "+table+" WHERE workspace = $1 AND "+of+" = $2", workspace, whose)
}
