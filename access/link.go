package access

import (
	"context"
	"errors"
	"time"

	"holdfast"
	"holdfast/store"
)

func errLink() error {
	return holdfast.Errorf(holdfast.Unauthenticated, "link.unknown", "this link was used already or is too old").
		WithNext("Ask for another: an administrator can make one, and so can \"holdfast operator link\" on the machine.")
}

// IssueLink makes a link's secret that signs an operator in once, within life (0:
// 15 minutes; at most 24 hours), and takes back the operator's earlier ones. A
// zero operator, for the system alone, makes one that sets up an empty
// installation. It needs what SetPassword needs.
func (g *Guard) IssueLink(ctx context.Context, by Identity, operator holdfast.ID, life time.Duration) (secret string, expires time.Time, err error) {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return "", time.Time{}, err
	}
	if operator.IsZero() && !by.everywhere {
		return "", time.Time{}, holdfast.Errorf(holdfast.NotFound, "operator.not_found", "there is no such operator")
	}
	if life <= 0 {
		life = linkLife
	}
	secret, hash := mint(linkPrefix)
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		expires = tx.Now.Add(min(life, linkMaximum))
		if operator.IsZero() {
			if err := tx.Exec("DELETE FROM sign_in_link WHERE operator IS NULL OR expires_at < $1", tx.Now); err != nil {
				return err
			}
		} else {
			if err := commands(tx, by, operator); err != nil {
				return err
			}
			if err := tx.Exec("DELETE FROM sign_in_link WHERE operator = $1 OR expires_at < $2", operator, tx.Now); err != nil {
				return err
			}
			if err := eachWorkspace(tx, operator, func(ws holdfast.ID) error {
				return record(tx, by, ws, "operator.link_issued", operator, nil)
			}); err != nil {
				return err
			}
		}
		return tx.Exec("INSERT INTO sign_in_link (hash, operator, expires_at) VALUES ($1, $2, $3)", hash, operator, expires)
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return secret, expires, nil
}

// CheckLink says whose link a secret is, without using it up; zero for one that
// sets up an empty installation. Unauthenticated "link.unknown" when it is no more.
func (g *Guard) CheckLink(ctx context.Context, secret string) (operator holdfast.ID, err error) {
	hash, err := parseLink(secret)
	if err != nil {
		return operator, err
	}
	return scanLink(g.db.QueryRow(ctx, linkQuery, hash), g.db.Now())
}

const linkQuery = "SELECT operator, expires_at FROM sign_in_link WHERE hash = $1"

func parseLink(secret string) ([]byte, error) {
	prefix, hash, err := parse(secret)
	if err != nil || prefix != linkPrefix {
		return nil, errLink()
	}
	return hash, nil
}

func scanLink(row *store.Row, now time.Time) (operator holdfast.ID, err error) {
	var expires time.Time
	err = row.Scan(&operator, &expires)
	if errors.Is(err, store.ErrNoRows) || err == nil && !now.Before(expires) {
		return operator, errLink()
	}
	return operator, err
}

// takeLink uses a link up.
func takeLink(tx *store.Tx, hash []byte) (operator holdfast.ID, err error) {
	operator, err = scanLink(tx.QueryRow(linkQuery, hash), tx.Now)
	if err != nil {
		return operator, err
	}
	return operator, tx.Exec("DELETE FROM sign_in_link WHERE hash = $1", hash)
}

// UseLink signs the operator of a link in, once. It stands for the password, not
// for the second factor: with one, the session is half. A link that sets up the
// installation is Conflict "link.setup" and is kept for that.
func (g *Guard) UseLink(ctx context.Context, secret, address, agent string) (SignedIn, error) {
	hash, err := parseLink(secret)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		operator, err := scanLink(tx.QueryRow(linkQuery, hash), tx.Now)
		if err != nil {
			return err
		}
		if operator.IsZero() {
			return holdfast.Errorf(holdfast.Conflict, "link.setup", "this link sets up an empty installation").
				WithNext("Go through the first set-up.")
		}
		var a account
		err = a.scan(tx.QueryRow(accountColumns+"WHERE id = $1", operator))
		if errors.Is(err, store.ErrNoRows) || err == nil && a.disabled {
			return errLink()
		}
		if err != nil {
			return err
		}
		if _, err := takeLink(tx, hash); err != nil {
			return err
		}
		in, err = g.admit(tx, person(operator, address, agent), &a, true, "link")
		return err
	})
	return in, err
}

// OpenSession begins a session of an operator whose right to it the caller has
// established by other means (the demo's own choice of operators).
func (g *Guard) OpenSession(ctx context.Context, operator holdfast.ID, address, agent string) (SignedIn, error) {
	var in SignedIn
	err := g.db.Write(ctx, func(tx *store.Tx) error {
		var a account
		err := a.scan(tx.QueryRow(accountColumns+"WHERE id = $1", operator))
		if errors.Is(err, store.ErrNoRows) || err == nil && a.disabled {
			return errNoOperator()
		}
		if err != nil {
			return err
		}
		in, err = g.admit(tx, person(operator, address, agent), &a, false, "opened")
		return err
	})
	return in, err
}

// Founder prepares the first operator of an empty installation: it checks what
// it can and hashes the password. The function it returns takes the link, makes
// the operator an administrator of a workspace and begins a session, in the
// transaction that makes the workspace. An empty link is for the system's own use.
func (g *Guard) Founder(ctx context.Context, link string, o NewOperator, address, agent string) (func(tx *store.Tx, workspace holdfast.ID) (SignedIn, error), error) {
	var hash []byte
	if link != "" {
		operator, err := g.CheckLink(ctx, link)
		if err != nil {
			return nil, err
		}
		if !operator.IsZero() {
			return nil, errLink()
		}
		hash, _ = parseLink(link)
	}
	o.Role = holdfast.Administrator
	if err := o.check(); err != nil {
		return nil, err
	}
	stored, err := g.hash(ctx, o.Password)
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx, workspace holdfast.ID) (SignedIn, error) {
		if hash != nil {
			operator, err := scanLink(tx.QueryRow(linkQuery, hash), tx.Now)
			if err != nil {
				return SignedIn{}, err
			}
			if !operator.IsZero() {
				return SignedIn{}, errLink()
			}
			if _, err := takeLink(tx, hash); err != nil {
				return SignedIn{}, err
			}
		}
		tx.AfterCommit(g.forget)
		by := System(workspace)
		by.Address = address
		if err := g.addOperator(tx, by, o, stored); err != nil {
			return SignedIn{}, err
		}
		return g.begin(tx, person(o.ID, address, agent), false, false, "founded")
	}, nil
}
