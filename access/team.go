package access

import (
	"context"
	"errors"

	"holdfast"
	"holdfast/store"
)

// Team is a group of operators that conversations are assigned to.
type Team struct {
	ID      holdfast.ID   `json:"id"`
	Name    string        `json:"name"`
	Members []holdfast.ID `json:"members"`
}

func errNoTeam() error {
	return holdfast.Errorf(holdfast.NotFound, "team.not_found", "there is no such team")
}

// Teams lists a workspace's teams, by name.
func (g *Guard) Teams(ctx context.Context, workspace holdfast.ID) ([]Team, error) {
	rows, err := g.db.Query(ctx, "SELECT id, name FROM team WHERE workspace = $1 ORDER BY name, id", workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, t *Team) error {
		t.Members = []holdfast.ID{}
		return r.Scan(&t.ID, &t.Name)
	})
	if err != nil {
		return nil, err
	}
	at := make(map[holdfast.ID]*Team, len(list))
	for i := range list {
		at[list[i].ID] = &list[i]
	}
	type pair struct{ team, operator holdfast.ID }
	rows, err = g.db.Query(ctx, `SELECT tm.team, tm.operator FROM team_member tm JOIN team t ON t.id = tm.team
		JOIN operator o ON o.id = tm.operator WHERE t.workspace = $1 ORDER BY o.name, o.id`, workspace)
	pairs, err := store.Collect(rows, err, func(r *store.Rows, p *pair) error { return r.Scan(&p.team, &p.operator) })
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		if t := at[p.team]; t != nil {
			t.Members = append(t.Members, p.operator)
		}
	}
	return list, nil
}

// Team is one team of a workspace, NotFound for any other.
func (g *Guard) Team(ctx context.Context, workspace, team holdfast.ID) (Team, error) {
	list, err := g.Teams(ctx, workspace)
	for _, t := range list {
		if t.ID == team {
			return t, nil
		}
	}
	if err == nil {
		err = errNoTeam()
	}
	return Team{}, err
}

// CreateTeam makes a team; the same id again gives what there is.
func (g *Guard) CreateTeam(ctx context.Context, by Identity, id holdfast.ID, name string) (Team, error) {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return Team{}, err
	}
	if by.Workspace.IsZero() {
		return Team{}, errNoWorkspace()
	}
	name, err := checkName(name)
	if err != nil {
		return Team{}, err
	}
	if id.IsZero() {
		id = holdfast.NewID()
	}
	err = g.write(ctx, func(tx *store.Tx) error {
		var workspace holdfast.ID
		err := tx.QueryRow("SELECT workspace FROM team WHERE id = $1", id).Scan(&workspace)
		if err == nil && workspace == by.Workspace {
			return nil
		}
		if err == nil {
			return holdfast.Errorf(holdfast.Conflict, "team.id_taken", "this id belongs to something else").WithNext("Make a new id.").WithField("id")
		}
		if !errors.Is(err, store.ErrNoRows) {
			return err
		}
		if err := freeTeamName(tx, by.Workspace, id, name); err != nil {
			return err
		}
		if err := tx.Exec("INSERT INTO team (id, workspace, name) VALUES ($1, $2, $3)", id, by.Workspace, name); err != nil {
			return err
		}
		return g.teamChanged(tx, by, id, "team.created", "added", map[string]any{"name": name})
	})
	if err != nil {
		return Team{}, err
	}
	return g.Team(ctx, by.Workspace, id)
}

// RenameTeam changes a team's name.
func (g *Guard) RenameTeam(ctx context.Context, by Identity, team holdfast.ID, name string) (Team, error) {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return Team{}, err
	}
	name, err := checkName(name)
	if err != nil {
		return Team{}, err
	}
	err = g.write(ctx, func(tx *store.Tx) error {
		old, err := teamName(tx, by.Workspace, team)
		if err != nil || old == name {
			return err
		}
		if err := freeTeamName(tx, by.Workspace, team, name); err != nil {
			return err
		}
		if err := tx.Exec("UPDATE team SET name = $3 WHERE id = $1 AND workspace = $2", team, by.Workspace, name); err != nil {
			return err
		}
		return g.teamChanged(tx, by, team, "team.renamed", "changed", map[string]any{"from": old, "to": name})
	})
	if err != nil {
		return Team{}, err
	}
	return g.Team(ctx, by.Workspace, team)
}

// DeleteTeam removes a team. Conversations keep its id and show no team.
func (g *Guard) DeleteTeam(ctx context.Context, by Identity, team holdfast.ID) error {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		name, err := teamName(tx, by.Workspace, team)
		if err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM team_member WHERE team = $1", team); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM team WHERE id = $1 AND workspace = $2", team, by.Workspace); err != nil {
			return err
		}
		return g.teamChanged(tx, by, team, "team.deleted", "removed", map[string]any{"name": name})
	})
}

// AddToTeam puts a member of the workspace into one of its teams.
func (g *Guard) AddToTeam(ctx context.Context, by Identity, team, operator holdfast.ID) (Team, error) {
	return g.seat(ctx, by, team, operator, true)
}

// RemoveFromTeam takes a member out of a team.
func (g *Guard) RemoveFromTeam(ctx context.Context, by Identity, team, operator holdfast.ID) (Team, error) {
	return g.seat(ctx, by, team, operator, false)
}

func (g *Guard) seat(ctx context.Context, by Identity, team, operator holdfast.ID, in bool) (Team, error) {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return Team{}, err
	}
	err := g.write(ctx, func(tx *store.Tx) error {
		if _, err := teamName(tx, by.Workspace, team); err != nil {
			return err
		}
		var id holdfast.ID
		err := tx.QueryRow("SELECT operator FROM member WHERE workspace = $1 AND operator = $2 AND NOT former", by.Workspace, operator).Scan(&id)
		if errors.Is(err, store.ErrNoRows) {
			return errNoOperator()
		}
		if err != nil {
			return err
		}
		action, query := "team.member_added", "INSERT INTO team_member (team, operator) VALUES ($1, $2) ON CONFLICT DO NOTHING"
		if !in {
			action, query = "team.member_removed", "DELETE FROM team_member WHERE team = $1 AND operator = $2"
		}
		n, err := tx.ExecN(query, team, operator)
		if err != nil || n == 0 {
			return err
		}
		return g.teamChanged(tx, by, team, action, "changed", map[string]any{"operator": operator})
	})
	if err != nil {
		return Team{}, err
	}
	return g.Team(ctx, by.Workspace, team)
}

// SetTeam makes a team's members exactly these; each must be a member of the workspace.
func (g *Guard) SetTeam(ctx context.Context, by Identity, team holdfast.ID, operators []holdfast.ID) (Team, error) {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return Team{}, err
	}
	err := g.write(ctx, func(tx *store.Tx) error {
		if _, err := teamName(tx, by.Workspace, team); err != nil {
			return err
		}
		ids := func(query string, id holdfast.ID) (map[holdfast.ID]bool, error) {
			rows, err := tx.Query(query, id)
			list, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
			set := map[holdfast.ID]bool{}
			for _, id := range list {
				set[id] = true
			}
			return set, err
		}
		members, err := ids("SELECT operator FROM member WHERE workspace = $1 AND NOT former", by.Workspace)
		if err != nil {
			return err
		}
		had, err := ids("SELECT operator FROM team_member WHERE team = $1", team)
		if err != nil {
			return err
		}
		wanted := map[holdfast.ID]bool{}
		var added []holdfast.ID
		for _, o := range operators {
			if !members[o] {
				return errNoOperator()
			}
			if !had[o] && !wanted[o] {
				added = append(added, o)
			}
			wanted[o] = true
		}
		removed := []holdfast.ID{}
		for o := range had {
			if !wanted[o] {
				removed = append(removed, o)
			}
		}
		if len(added) == 0 && len(removed) == 0 {
			return nil
		}
		for _, o := range added {
			if err := tx.Exec("INSERT INTO team_member (team, operator) VALUES ($1, $2)", team, o); err != nil {
				return err
			}
		}
		for _, o := range removed {
			if err := tx.Exec("DELETE FROM team_member WHERE team = $1 AND operator = $2", team, o); err != nil {
				return err
			}
		}
		return g.teamChanged(tx, by, team, "team.members", "changed", map[string]any{"added": added, "removed": removed})
	})
	if err != nil {
		return Team{}, err
	}
	return g.Team(ctx, by.Workspace, team)
}

func (g *Guard) teamChanged(tx *store.Tx, by Identity, team holdfast.ID, action, told string, detail any) error {
	if err := Record(tx, by, action, team, detail); err != nil {
		return err
	}
	return g.changed(tx, by.Workspace, by.Actor, "team", team, told)
}

func teamName(tx *store.Tx, workspace, team holdfast.ID) (name string, err error) {
	err = tx.QueryRow("SELECT name FROM team WHERE id = $1 AND workspace = $2", team, workspace).Scan(&name)
	if errors.Is(err, store.ErrNoRows) {
		err = errNoTeam()
	}
	return name, err
}

func freeTeamName(tx *store.Tx, workspace, team holdfast.ID, name string) error {
	var other holdfast.ID
	err := tx.QueryRow("SELECT id FROM team WHERE workspace = $1 AND name = $2", workspace, name).Scan(&other)
	if errors.Is(err, store.ErrNoRows) || err == nil && other == team {
		return nil
	}
	if err == nil {
		err = holdfast.Errorf(holdfast.Conflict, "team.name_taken", "another team has this name").WithField("name")
	}
	return err
}
