package access

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"holdfast"
	"holdfast/store"
)

// proofLife is how long a sign-in is fresh enough to change how one signs in
// without the password being asked for again.
const proofLife = 10 * time.Minute

// Factors is what an operator has beside the password.
type Factors struct {
	Required bool      `json:"required"` // this workspace asks it of this role
	TOTP     bool      `json:"totp_on"`
	Passkeys []Passkey `json:"passkeys"`
	Recovery int       `json:"recovery_left"` // codes that have not been used
}

func errFactorRequired() error {
	return holdfast.Errorf(holdfast.Forbidden, "second_factor.required", "this workspace asks for a second factor").
		WithNext("Set one up: an authenticator app or a passkey.")
}

func errFactorKept() error {
	return holdfast.Errorf(holdfast.Conflict, "second_factor.kept", "your workspace asks for a second factor, and this is your last one").
		WithNext("Set up another one first.")
}

// SecondFactorRoles lists the roles of a workspace that must have a second factor.
func (g *Guard) SecondFactorRoles(ctx context.Context, workspace holdfast.ID) ([]holdfast.Role, error) {
	rows, err := g.db.Query(ctx, "SELECT role FROM second_factor_rule WHERE workspace = $1 ORDER BY role", workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, role *holdfast.Role) error { return r.Scan(role) })
	if list == nil {
		list = []holdfast.Role{}
	}
	return list, err
}

// RequireSecondFactor says which roles of by's workspace must have a second
// factor; none for nobody. Who lacks one can do nothing but set one up, from now
// on. Conflict "second_factor.yours_first" when by would be the first to stand outside.
func (g *Guard) RequireSecondFactor(ctx context.Context, by Identity, roles []holdfast.Role) error {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return err
	}
	if by.Workspace.IsZero() {
		return errNoWorkspace()
	}
	roles = slices.Compact(slices.Sorted(slices.Values(roles)))
	for _, r := range roles {
		if _, err := holdfast.ParseRole(string(r)); err != nil {
			return err
		}
	}
	return g.write(ctx, func(tx *store.Tx) error {
		if !by.Operator.IsZero() && slices.Contains(roles, by.Role) {
			var a account
			if err := a.scan(tx.QueryRow(accountColumns+"WHERE id = $1", by.Operator)); err != nil {
				return err
			}
			if !a.second() {
				return holdfast.Errorf(holdfast.Conflict, "second_factor.yours_first", "you have no second factor yourself").
					WithNext("Set up yours first, under Account.")
			}
		}
		if err := tx.Exec("DELETE FROM second_factor_rule WHERE workspace = $1", by.Workspace); err != nil {
			return err
		}
		for _, r := range roles {
			if err := tx.Exec("INSERT INTO second_factor_rule (workspace, role) VALUES ($1, $2)", by.Workspace, r); err != nil {
				return err
			}
		}
		if err := Record(tx, by, "workspace.second_factor", by.Workspace, map[string]any{"roles": roles}); err != nil {
			return err
		}
		return g.changed(tx, by.Workspace, by.Actor, "workspace", by.Workspace, "changed")
	})
}

// Factors says what the operator of id has beside the password.
func (g *Guard) Factors(ctx context.Context, id Identity) (Factors, error) {
	if err := id.requireOperator(); err != nil {
		return Factors{}, err
	}
	var f Factors
	var recovery []byte
	err := g.db.QueryRow(ctx, `SELECT o.totp_on, o.recovery, EXISTS (SELECT 1 FROM second_factor_rule r WHERE r.workspace = $2 AND r.role = $3)
		FROM operator o WHERE o.id = $1`, id.Operator, id.Workspace, id.Role).Scan(&f.TOTP, &recovery, &f.Required)
	if err != nil {
		return Factors{}, err
	}
	if recovery != nil {
		var hashes []string
		if err := json.Unmarshal(recovery, &hashes); err != nil {
			return Factors{}, err
		}
		f.Recovery = len(hashes)
	}
	f.Passkeys, err = g.passkeys(ctx, id.Operator)
	return f, err
}

// mayDrop is nil when an operator may lose a second factor: one is left, or none
// of their workspaces asks for any.
func mayDrop(tx *store.Tx, operator holdfast.ID, left bool) error {
	if left {
		return nil
	}
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM member m JOIN second_factor_rule r ON r.workspace = m.workspace AND r.role = m.role
		WHERE m.operator = $1 AND NOT m.former`, operator).Scan(&n)
	if err == nil && n > 0 {
		err = errFactorKept()
	}
	return err
}

// RenewRecovery replaces the recovery codes of the operator of id and returns the
// new ones, which cannot be shown again. Conflict "second_factor.none".
func (g *Guard) RenewRecovery(ctx context.Context, id Identity, password string) (codes []string, err error) {
	if err := id.requireOperator(); err != nil {
		return nil, err
	}
	if err := g.proveFresh(ctx, id, password); err != nil {
		return nil, err
	}
	err = g.write(ctx, func(tx *store.Tx) error {
		var a account
		if err := a.scan(tx.QueryRow(accountColumns+"WHERE id = $1", id.Operator)); err != nil {
			return err
		}
		if !a.second() {
			return holdfast.Errorf(holdfast.Conflict, "second_factor.none", "there is no second factor that they could stand in for")
		}
		if codes, err = g.storeRecovery(tx, id.Operator); err != nil {
			return err
		}
		return recordOwn(tx, id, "operator.recovery_codes", nil)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

func (g *Guard) storeRecovery(tx *store.Tx, operator holdfast.ID) ([]string, error) {
	codes, hashes := g.newRecovery(operator)
	stored, err := json.Marshal(hashes)
	if err != nil {
		return nil, err
	}
	return codes, tx.Exec("UPDATE operator SET recovery = $2 WHERE id = $1", operator, stored)
}

// proveFresh is prove, content with a session that is a few minutes old.
func (g *Guard) proveFresh(ctx context.Context, id Identity, password string) error {
	if hash, err := parseHandle(id.Session); err == nil && password == "" {
		var created time.Time
		err := g.db.QueryRow(ctx, "SELECT created_at FROM session WHERE hash = $1 AND operator = $2", hash, id.Operator).Scan(&created)
		if age := g.db.Now().Sub(created); err == nil && age >= 0 && age < proofLife {
			return nil
		}
	}
	if password == "" {
		var has bool
		if err := g.db.QueryRow(ctx, "SELECT password <> '' FROM operator WHERE id = $1", id.Operator).Scan(&has); err != nil {
			return err
		}
		if has { // not a guess: nothing was tried
			return holdfast.Errorf(holdfast.Forbidden, "password.needed", "say your password once more: you signed in a while ago").WithField("password")
		}
	}
	return g.prove(ctx, id, password)
}
