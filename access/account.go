package access

import (
	"context"
	"time"

	"holdfast"
	"holdfast/store"
)

// ChangePassword sets one's own password and ends one's other sessions. The old
// one is asked for, unless there is none or the session began with a link in the
// last 15 minutes. Errors: Forbidden "password.wrong"; Invalid as CheckPassword
// says; TooMany.
func (g *Guard) ChangePassword(ctx context.Context, id Identity, old, fresh string) error {
	if err := id.requireOperator(); err != nil {
		return err
	}
	if err := CheckPassword(fresh); err != nil {
		return err
	}
	if err := g.prove(ctx, id, old); err != nil {
		return err
	}
	stored, err := g.hash(ctx, fresh)
	if err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		return g.storePassword(tx, id, id.Operator, stored, id.Session)
	})
}

// SetPassword sets another operator's password and ends their sessions. An
// account is one for all workspaces, so by must manage operators, with no less
// than the operator's role, in each workspace of theirs. Errors: NotFound,
// Forbidden "operator.shared" or "role.beyond_yours".
func (g *Guard) SetPassword(ctx context.Context, by Identity, operator holdfast.ID, fresh string) error {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return err
	}
	stored, err := g.hash(ctx, fresh)
	if err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		if err := commands(tx, by, operator); err != nil {
			return err
		}
		return g.storePassword(tx, by, operator, stored, by.Session)
	})
}

func (g *Guard) storePassword(tx *store.Tx, by Identity, operator holdfast.ID, stored, but string) error {
	if err := tx.Exec("UPDATE operator SET password = $2 WHERE id = $1", operator, stored); err != nil {
		return err
	}
	if err := tx.Exec("DELETE FROM sign_in_link WHERE operator = $1", operator); err != nil {
		return err
	}
	if _, err := endSessions(tx, operator, but); err != nil {
		return err
	}
	return g.changedEverywhere(tx, by, operator, "operator.password", nil)
}

// Disable shuts an operator out of every workspace, or lets them in again. It
// needs what SetPassword needs. Conflict "operator.last_administrator".
func (g *Guard) Disable(ctx context.Context, by Identity, operator holdfast.ID, disabled bool) (Member, error) {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return Member{}, err
	}
	err := g.write(ctx, func(tx *store.Tx) error {
		if err := commands(tx, by, operator); err != nil {
			return err
		}
		var is bool
		if err := tx.QueryRow("SELECT disabled FROM operator WHERE id = $1", operator).Scan(&is); err != nil || is == disabled {
			return err
		}
		action := "operator.enabled"
		if disabled {
			action = "operator.disabled"
			list, err := memberships(tx, operator)
			if err != nil {
				return err
			}
			for _, m := range list {
				if err := keepsAdministrator(tx, m.Workspace, operator); err != nil {
					return err
				}
			}
		}
		if err := tx.Exec("UPDATE operator SET disabled = $2 WHERE id = $1", operator, disabled); err != nil {
			return err
		}
		if disabled {
			if err := tx.Exec("DELETE FROM sign_in_link WHERE operator = $1", operator); err != nil {
				return err
			}
			if _, err := endSessions(tx, operator, ""); err != nil {
				return err
			}
		}
		return g.changedEverywhere(tx, by, operator, action, nil)
	})
	if err != nil {
		return Member{}, err
	}
	return g.Operator(ctx, by.Workspace, operator)
}

// prove asks the operator of id for the password again. A session that a link
// began a short while ago is proof enough, and so is any session of somebody who
// has never set a password.
func (g *Guard) prove(ctx context.Context, id Identity, password string) error {
	var a account
	if err := a.scan(g.db.QueryRow(ctx, accountColumns+"WHERE id = $1", id.Operator)); err != nil {
		return err
	}
	if a.password == "" {
		return nil
	}
	if hash, err := parseHandle(id.Session); err == nil {
		var linked bool
		var created time.Time
		err := g.db.QueryRow(ctx, "SELECT linked, created_at FROM session WHERE hash = $1 AND operator = $2", hash, id.Operator).Scan(&linked, &created)
		if err == nil && linked && g.db.Now().Sub(created) < freshLink {
			return nil
		}
	}
	counters := []counter{personCounter(a.email)}
	if id.Address != "" {
		counters = append(counters, g.addressCounter(id.Address))
	}
	if err := g.claim(ctx, id.Operator, id, counters...); err != nil {
		return err
	}
	ok, _, err := g.verify(ctx, a.password, password)
	if err != nil {
		g.release(counters...)
		return err
	}
	if !ok {
		return holdfast.Errorf(holdfast.Forbidden, "password.wrong", "the present password is wrong").WithField("old_password")
	}
	return g.db.Write(ctx, func(tx *store.Tx) error { return settle(tx, counters[0], counters[1:]...) })
}
