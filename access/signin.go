package access

import (
	"context"
	"errors"
	"time"

	"holdfast"
	"holdfast/store"
)

// SignedIn is what a sign-in gives to the browser.
type SignedIn struct {
	// Secret of the session. When Half, it is good for SecondFactor alone.
	Secret   string
	Half     bool
	Operator holdfast.ID
	Expires  time.Time
	// TOTP and Passkey say, when Half, what the operator has; a recovery code does for either.
	TOTP, Passkey bool
}

// account is an operator as sign-in sees one.
type account struct {
	id       holdfast.ID
	email    string
	password string
	totp     []byte
	totpOn   bool
	totpLast int64
	recovery []byte
	disabled bool
	passkeys int
}

// second reports whether more than the password is asked for.
func (a *account) second() bool { return a.totpOn || a.passkeys > 0 }

const accountColumns = "SELECT id, email, password, totp, totp_on, totp_last, recovery, disabled, (SELECT COUNT(*) FROM passkey p WHERE p.operator = operator.id) FROM operator "

func (a *account) scan(row *store.Row) error {
	return row.Scan(&a.id, &a.email, &a.password, &a.totp, &a.totpOn, &a.totpLast, &a.recovery, &a.disabled, &a.passkeys)
}

func errRefused() error {
	return holdfast.Errorf(holdfast.Unauthenticated, "signin.refused", "the e-mail address or the password is wrong").
		WithNext("Check both, or ask an administrator for a sign-in link.")
}

// person is an operator as the author of what they do to their own account.
func person(operator holdfast.ID, address, agent string) Identity {
	return Identity{Actor: holdfast.Actor{Kind: holdfast.ActorOperator, ID: operator}, Operator: operator, Address: address, Agent: agent}
}

// SignIn checks an e-mail address and a password and begins a session, a half
// one when the operator has a second factor. Errors: Unauthenticated
// "signin.refused", the same for a wrong password, an unknown address and a
// disabled operator; TooMany "signin.too_many" with the cause Wait; TooMany "signin.busy".
func (g *Guard) SignIn(ctx context.Context, email, password, address, agent string) (SignedIn, error) {
	known := true
	if normal, err := NormalEmail(email); err == nil {
		email = normal
	} else {
		email, known = clip(email, 254), false
	}
	var a account
	if known {
		err := a.scan(g.db.QueryRow(ctx, accountColumns+"WHERE email = $1", email))
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return SignedIn{}, err
		}
	}
	by := person(a.id, address, agent)
	counters := []counter{personCounter(email)}
	if address != "" {
		counters = append(counters, g.addressCounter(address))
	}
	if err := g.claim(ctx, a.id, by, counters...); err != nil {
		return SignedIn{}, err
	}
	ok, fresh, err := g.verify(ctx, a.password, password)
	if err != nil {
		g.release(counters...)
		return SignedIn{}, err
	}
	if !ok || a.disabled {
		return SignedIn{}, errRefused()
	}
	var in SignedIn
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		var now account
		err := now.scan(tx.QueryRow(accountColumns+"WHERE id = $1", a.id))
		if errors.Is(err, store.ErrNoRows) || err == nil && (now.disabled || now.password != a.password) {
			return errRefused() // it changed while the password was being checked
		}
		if err != nil {
			return err
		}
		if err := settle(tx, counters[0], counters[1:]...); err != nil {
			return err
		}
		if fresh != "" {
			if err := tx.Exec("UPDATE operator SET password = $2 WHERE id = $1", a.id, fresh); err != nil {
				return err
			}
		}
		in, err = g.admit(tx, by, &now, false, "password")
		return err
	})
	return in, err
}

// release takes back a claim for a guess that was never tried.
func (g *Guard) release(counters ...counter) {
	err := g.db.Write(context.Background(), func(tx *store.Tx) error { return takeBack(tx, counters...) })
	if err != nil {
		g.o.Log.Warn("a sign-in that was not tried stays counted", "err", err)
	}
}

// admit begins a session for whoever has shown the first factor: half when there is a second.
func (g *Guard) admit(tx *store.Tx, by Identity, a *account, linked bool, how string) (SignedIn, error) {
	in, err := g.begin(tx, by, a.second(), linked, how)
	in.TOTP, in.Passkey = in.Half && a.totpOn, in.Half && a.passkeys > 0
	return in, err
}

// begin stores a session of by.Operator, whole or half, and returns its secret.
func (g *Guard) begin(tx *store.Tx, by Identity, half, linked bool, how string) (SignedIn, error) {
	if err := tx.Exec("DELETE FROM session WHERE expires_at < $1", tx.Now); err != nil {
		return SignedIn{}, err
	}
	secret, hash := mint(sessionPrefix)
	in := SignedIn{Secret: secret, Half: half, Operator: by.Operator, Expires: tx.Now.Add(sessionLife)}
	if half {
		in.Expires = tx.Now.Add(halfLife)
	}
	err := tx.Exec(`INSERT INTO session (hash, operator, created_at, seen_at, expires_at, address, agent, half, linked)
		VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8)`,
		hash, by.Operator, tx.Now, in.Expires, store.Text(by.Address), clip(by.Agent, 300), half, linked)
	if err != nil || half {
		return in, err
	}
	return in, eachWorkspace(tx, by.Operator, func(ws holdfast.ID) error {
		return record(tx, by, ws, "session.began", by.Operator, map[string]string{"how": how, "agent": clip(by.Agent, 300)})
	})
}

// SecondFactor turns a half session into a whole one under a new secret: code is
// six digits of the authenticator app or a recovery code. Errors:
// Unauthenticated "session.unknown" when the half session is over,
// "totp.wrong" for a wrong or used code; TooMany.
func (g *Guard) SecondFactor(ctx context.Context, half, code string) (SignedIn, error) {
	s, err := g.readHalf(ctx, half)
	if err != nil {
		return SignedIn{}, err
	}
	by, counters, err := g.claimSecond(ctx, s)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		s, err := scanHalf(tx.QueryRow(halfQuery, s.hash), s.hash, tx.Now)
		if err != nil {
			return err
		}
		var a account
		if err := a.scan(tx.QueryRow(accountColumns+"WHERE id = $1", s.operator)); err != nil {
			return err
		}
		if a.disabled {
			return errUnknownSecret()
		}
		how, err := g.checkSecond(tx, &a, code)
		if err != nil {
			return err
		}
		if err := settle(tx, counters[0], counters[1:]...); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM session WHERE hash = $1", s.hash); err != nil {
			return err
		}
		in, err = g.begin(tx, by, false, s.linked, how)
		return err
	})
	return in, err
}

// halfSession is a sign-in that waits for the second factor.
type halfSession struct {
	hash           []byte
	operator       holdfast.ID
	address, agent string
	linked         bool
}

const halfQuery = "SELECT operator, address, agent, linked, half, expires_at FROM session WHERE hash = $1"

func scanHalf(row *store.Row, hash []byte, now time.Time) (halfSession, error) {
	s := halfSession{hash: hash}
	var half bool
	var expires time.Time
	err := row.Scan(&s.operator, &s.address, &s.agent, &s.linked, &half, &expires)
	if errors.Is(err, store.ErrNoRows) || err == nil && (!half || !now.Before(expires)) {
		err = errUnknownSecret()
	}
	return s, err
}

// claimSecond counts an attempt at the second factor before it is looked at. The
// error is TooMany.
func (g *Guard) claimSecond(ctx context.Context, s halfSession) (by Identity, counters []counter, err error) {
	by = person(s.operator, s.address, s.agent)
	counters = []counter{secondCounter(s.operator)}
	if s.address != "" {
		counters = append(counters, g.addressCounter(s.address))
	}
	return by, counters, g.claim(ctx, s.operator, by, counters...)
}

func (g *Guard) readHalf(ctx context.Context, secret string) (halfSession, error) {
	prefix, hash, err := parse(secret)
	if err != nil || prefix != sessionPrefix {
		return halfSession{}, errUnknownSecret()
	}
	return scanHalf(g.db.QueryRow(ctx, halfQuery, hash), hash, g.db.Now())
}
