package access

import (
	"context"
	"time"

	"holdfast"
	"holdfast/store"
)

// Session is one device on which an operator is signed in.
type Session struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"` // to the minute
	ExpiresAt time.Time `json:"expires_at"`
	Address   string    `json:"address"`
	Agent     string    `json:"agent"`
	Current   bool      `json:"current"`
}

// Sessions lists where the operator of id is signed in, the latest first.
func (g *Guard) Sessions(ctx context.Context, id Identity) ([]Session, error) {
	if err := id.requireOperator(); err != nil {
		return nil, err
	}
	rows, err := g.db.Query(ctx, `SELECT hash, created_at, seen_at, expires_at, address, agent FROM session
		WHERE operator = $1 AND NOT half AND expires_at > $2 ORDER BY seen_at DESC, hash`, id.Operator, g.db.Now())
	return store.Collect(rows, err, func(r *store.Rows, s *Session) error {
		var hash []byte
		err := r.Scan(&hash, &s.CreatedAt, &s.SeenAt, &s.ExpiresAt, &s.Address, &s.Agent)
		s.ID = handle(hash)
		s.Current = s.ID == id.Session
		return err
	})
}

// EndSession ends one session of the operator of id, their own included.
// NotFound when they have none of that name.
func (g *Guard) EndSession(ctx context.Context, id Identity, session string) error {
	if err := id.requireOperator(); err != nil {
		return err
	}
	hash, err := parseHandle(session)
	if err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecN("DELETE FROM session WHERE hash = $1 AND operator = $2", hash, id.Operator)
		if err != nil {
			return err
		}
		if n == 0 {
			return holdfast.Errorf(holdfast.NotFound, "session.not_found", "there is no such session")
		}
		return recordOwn(tx, id, "session.ended", nil)
	})
}

// EndOtherSessions ends every session of the operator of id but the one they speak through.
func (g *Guard) EndOtherSessions(ctx context.Context, id Identity) (ended int, err error) {
	if err := id.requireOperator(); err != nil {
		return 0, err
	}
	err = g.write(ctx, func(tx *store.Tx) error {
		n, err := endSessions(tx, id.Operator, id.Session)
		ended = int(n)
		if err != nil || n == 0 {
			return err
		}
		return recordOwn(tx, id, "session.others_ended", map[string]int64{"ended": n})
	})
	return ended, err
}

// endSessions ends an operator's sessions, all but the one with that handle.
func endSessions(tx *store.Tx, operator holdfast.ID, but string) (int64, error) {
	keep, err := parseHandle(but)
	if err != nil {
		keep = []byte{}
	}
	return tx.ExecN("DELETE FROM session WHERE operator = $1 AND hash <> $2", operator, keep)
}

// Forget ends the session of a secret, if it is one: for signing out, and for the
// old secret of a browser that has just signed in again.
func (g *Guard) Forget(ctx context.Context, secret string) error {
	prefix, hash, err := parse(secret)
	if err != nil || prefix != sessionPrefix {
		return nil
	}
	return g.write(ctx, func(tx *store.Tx) error {
		return tx.Exec("DELETE FROM session WHERE hash = $1", hash)
	})
}

// recordOwn records what operators do to their own account in each of their workspaces.
func recordOwn(tx *store.Tx, id Identity, action string, detail any) error {
	return eachWorkspace(tx, id.Operator, func(ws holdfast.ID) error {
		return record(tx, id, ws, action, id.Operator, detail)
	})
}
