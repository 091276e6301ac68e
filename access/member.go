package access

import (
	"context"
	"errors"

	"holdfast"
	"holdfast/store"
)

// Membership is an operator's place in one workspace.
type Membership struct {
	Workspace holdfast.ID   `json:"workspace"`
	Name      string        `json:"name"` // of the workspace
	Role      holdfast.Role `json:"role"`
}

const membershipQuery = `SELECT m.workspace, w.name, m.role FROM member m JOIN workspace w ON w.id = m.workspace
	WHERE m.operator = $1 AND NOT m.former ORDER BY w.created_at, w.id`

func scanMembership(r *store.Rows, m *Membership) error {
	return r.Scan(&m.Workspace, &m.Name, &m.Role)
}

// Memberships lists the workspaces of an operator, the oldest first.
func (g *Guard) Memberships(ctx context.Context, operator holdfast.ID) ([]Membership, error) {
	rows, err := g.db.Query(ctx, membershipQuery, operator)
	return store.Collect(rows, err, scanMembership)
}

func memberships(tx *store.Tx, operator holdfast.ID) ([]Membership, error) {
	rows, err := tx.Query(membershipQuery, operator)
	return store.Collect(rows, err, scanMembership)
}

// eachWorkspace calls fn for each workspace of an operator, once with the zero id when there is none.
func eachWorkspace(tx *store.Tx, operator holdfast.ID, fn func(workspace holdfast.ID) error) error {
	list, err := memberships(tx, operator)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fn(holdfast.ID{})
	}
	for _, m := range list {
		if err := fn(m.Workspace); err != nil {
			return err
		}
	}
	return nil
}

// mayGrant keeps anybody from giving more than they have.
func mayGrant(by Identity, r holdfast.Role) error {
	if by.covers(r) {
		return nil
	}
	return holdfast.Errorf(holdfast.Forbidden, "role.beyond_yours", "the role %s may do more than you may", r).
		WithNext("Ask an administrator of this workspace.").WithField("role")
}

// rank is by's identity in a workspace, as it stands in this transaction.
func rank(tx *store.Tx, by Identity, workspace holdfast.ID) (Identity, error) {
	if by.everywhere || workspace == by.Workspace {
		return by, nil
	}
	there := by
	there.Workspace, there.Role = workspace, ""
	if by.Operator.IsZero() {
		return there, nil // a token is worth something in its own workspace alone
	}
	err := tx.QueryRow("SELECT role FROM member WHERE workspace = $1 AND operator = $2 AND NOT former", workspace, by.Operator).Scan(&there.Role)
	if errors.Is(err, store.ErrNoRows) {
		err = nil
	}
	return there, err
}

// commands is nil when by may change the account of an operator itself: a
// password, an address, whether it is disabled. Since an account is one for all
// workspaces, by must be a manager, with no less than the operator's role, in
// every workspace that the operator belongs to; otherwise an administrator of one
// workspace could enter another by setting a password. NotFound for an operator
// who is not of by's workspace.
func commands(tx *store.Tx, by Identity, operator holdfast.ID) error {
	list, err := memberships(tx, operator)
	if err != nil {
		return err
	}
	here := false
	for _, m := range list {
		here = here || m.Workspace == by.Workspace
	}
	if !here && by.everywhere {
		var id holdfast.ID
		err := tx.QueryRow("SELECT id FROM operator WHERE id = $1", operator).Scan(&id)
		if errors.Is(err, store.ErrNoRows) {
			return errNoOperator()
		}
		return err
	}
	if !here {
		return errNoOperator()
	}
	for _, m := range list {
		there, err := rank(tx, by, m.Workspace)
		if err != nil {
			return err
		}
		if there.May(holdfast.ManageOperators) && there.covers(m.Role) {
			continue
		}
		if m.Workspace == by.Workspace {
			return mayGrant(by, m.Role)
		}
		return holdfast.Errorf(holdfast.Forbidden, "operator.shared", "this operator also works in a workspace that you do not administer").
			WithNext("Remove them from this workspace instead, or ask them to change it themselves.")
	}
	return nil
}

// keepsAdministrator is Conflict when a workspace would be left without an
// administrator who can sign in, were this operator no longer one.
func keepsAdministrator(tx *store.Tx, workspace, operator holdfast.ID) error {
	var is, others int
	err := tx.QueryRow(`SELECT COALESCE(SUM(CASE WHEN m.operator = $2 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN m.operator <> $2 THEN 1 ELSE 0 END), 0)
		FROM member m JOIN operator o ON o.id = m.operator WHERE m.workspace = $1 AND m.role = $3 AND NOT m.former AND NOT o.disabled`,
		workspace, operator, holdfast.Administrator).Scan(&is, &others)
	if err != nil {
		return err
	}
	if is > 0 && others == 0 {
		return holdfast.Errorf(holdfast.Conflict, "operator.last_administrator", "this is the last administrator of the workspace").
			WithNext("Make somebody else an administrator first.")
	}
	return nil
}

// SetRole changes a member's role in by's workspace, takes a former member back,
// or adds an operator of another workspace that by administers too. NotFound for
// anybody else; Conflict "operator.last_administrator".
func (g *Guard) SetRole(ctx context.Context, by Identity, operator holdfast.ID, role holdfast.Role) (Member, error) {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return Member{}, err
	}
	if _, err := holdfast.ParseRole(string(role)); err != nil {
		return Member{}, err
	}
	if err := mayGrant(by, role); err != nil {
		return Member{}, err
	}
	err := g.write(ctx, func(tx *store.Tx) error {
		list, err := memberships(tx, operator)
		if err != nil {
			return err
		}
		var had holdfast.Role
		reachable := by.everywhere && len(list) == 0
		for _, m := range list {
			if m.Workspace == by.Workspace {
				had = m.Role
			}
			there, err := rank(tx, by, m.Workspace)
			if err != nil {
				return err
			}
			reachable = reachable || there.May(holdfast.ManageOperators)
		}
		if had == role {
			return nil
		}
		if had == "" {
			if by.Workspace.IsZero() {
				return errNoWorkspace()
			}
			var id holdfast.ID
			var former int
			err := tx.QueryRow(`SELECT o.id, COUNT(m.operator) FROM operator o LEFT JOIN member m ON m.operator = o.id AND m.workspace = $2
				WHERE o.id = $1 GROUP BY o.id`, operator, by.Workspace).Scan(&id, &former)
			if errors.Is(err, store.ErrNoRows) || err == nil && !reachable && former == 0 {
				return errNoOperator()
			}
			if err != nil {
				return err
			}
			if err := tx.Exec(`INSERT INTO member (workspace, operator, role) VALUES ($1, $2, $3)
				ON CONFLICT (workspace, operator) DO UPDATE SET role = excluded.role, former = excluded.former`, by.Workspace, operator, role); err != nil {
				return err
			}
			if err := Record(tx, by, "operator.joined", operator, map[string]any{"role": role}); err != nil {
				return err
			}
			return g.changed(tx, by.Workspace, by.Actor, "operator", operator, "added")
		}
		if err := mayGrant(by, had); err != nil {
			return err
		}
		if had == holdfast.Administrator {
			if err := keepsAdministrator(tx, by.Workspace, operator); err != nil {
				return err
			}
		}
		if err := tx.Exec("UPDATE member SET role = $3 WHERE workspace = $1 AND operator = $2", by.Workspace, operator, role); err != nil {
			return err
		}
		if err := Record(tx, by, "operator.role", operator, map[string]any{"from": had, "to": role}); err != nil {
			return err
		}
		return g.changed(tx, by.Workspace, by.Actor, "operator", operator, "changed")
	})
	if err != nil {
		return Member{}, err
	}
	return g.Operator(ctx, by.Workspace, operator)
}

// RemoveMember takes an operator out of by's workspace and its teams. The
// account stays, for other workspaces and for the names in old conversations.
func (g *Guard) RemoveMember(ctx context.Context, by Identity, operator holdfast.ID) error {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		var had holdfast.Role
		err := tx.QueryRow("SELECT role FROM member WHERE workspace = $1 AND operator = $2 AND NOT former", by.Workspace, operator).Scan(&had)
		if errors.Is(err, store.ErrNoRows) {
			return errNoOperator()
		}
		if err != nil {
			return err
		}
		if err := mayGrant(by, had); err != nil {
			return err
		}
		if err := keepsAdministrator(tx, by.Workspace, operator); err != nil {
			return err
		}
		if err := tx.Exec("UPDATE member SET former = $3 WHERE workspace = $1 AND operator = $2", by.Workspace, operator, true); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM team_member WHERE operator = $2 AND team IN (SELECT id FROM team WHERE workspace = $1)", by.Workspace, operator); err != nil {
			return err
		}
		if err := Record(tx, by, "operator.removed", operator, map[string]any{"role": had}); err != nil {
			return err
		}
		return g.changed(tx, by.Workspace, by.Actor, "operator", operator, "removed")
	})
}

// Enter makes the operator of by an administrator of a workspace that the same
// transaction has made. Whoever is no operator enters nothing.
func (g *Guard) Enter(tx *store.Tx, by Identity, workspace holdfast.ID) error {
	if by.Operator.IsZero() {
		return nil
	}
	tx.AfterCommit(g.forget)
	return tx.Exec("INSERT INTO member (workspace, operator, role) VALUES ($1, $2, $3)", workspace, by.Operator, holdfast.Administrator)
}
