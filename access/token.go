package access

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"holdfast"
	"holdfast/store"
)

// Token is an API token as its workspace sees one; the secret is shown once, when it is made.
type Token struct {
	ID        holdfast.ID           `json:"id"`
	Name      string                `json:"name"`
	Role      holdfast.Role         `json:"role"`
	Scopes    []holdfast.Permission `json:"scopes"` // null: all that the role may do
	CreatedBy holdfast.ID           `json:"created_by,omitzero"`
	CreatedAt time.Time             `json:"created_at"`
	UsedAt    time.Time             `json:"used_at,omitzero"`    // to the minute
	ExpiresAt time.Time             `json:"expires_at,omitzero"` // zero: never
	Secret    string                `json:"secret,omitempty"`
}

// NewToken is what CreateToken needs. ID is made by the client; zero lets us make one.
type NewToken struct {
	ID        holdfast.ID
	Name      string
	Role      holdfast.Role
	Scopes    []holdfast.Permission // nil: all that the role may do
	ExpiresAt time.Time             // zero: never
}

// CreateToken makes a token of by's workspace; by without a workspace (the
// system alone) makes one of the whole installation. A token never may do more
// than its maker, today or later: it ends with their membership. The same id
// again is Conflict "token.exists", since the secret cannot be shown twice.
func (g *Guard) CreateToken(ctx context.Context, by Identity, n NewToken) (Token, error) {
	if err := by.Require(holdfast.ManageTokens); err != nil {
		return Token{}, err
	}
	if by.Workspace.IsZero() && !by.everywhere {
		return Token{}, errNoWorkspace()
	}
	name, err := checkName(n.Name)
	if err != nil {
		return Token{}, err
	}
	if _, err := holdfast.ParseRole(string(n.Role)); err != nil {
		return Token{}, err
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(g.db.Now()) {
		return Token{}, holdfast.Errorf(holdfast.Invalid, "token.expired", "this moment is in the past").WithField("expires_at")
	}
	for _, p := range n.Scopes {
		if !n.Role.May(p) {
			return Token{}, holdfast.Errorf(holdfast.Invalid, "token.scope", "the role %s may not do %s", n.Role, clip(string(p), 64)).WithField("scopes")
		}
	}
	for _, p := range n.Role.Permissions() {
		if (n.Scopes == nil || slices.Contains(n.Scopes, p)) && !by.May(p) {
			return Token{}, holdfast.Errorf(holdfast.Forbidden, "token.beyond_yours", "the token could do more than you may: %s", p).
				WithNext("Choose a lesser role or fewer scopes.")
		}
	}
	if n.ID.IsZero() {
		n.ID = holdfast.NewID()
	}
	secret, hash := mint(tokenPrefix)
	var scopes any
	if n.Scopes != nil {
		b, err := json.Marshal(n.Scopes)
		if err != nil {
			return Token{}, err
		}
		scopes = b
	}
	t := Token{ID: n.ID, Name: name, Role: n.Role, Scopes: n.Scopes, ExpiresAt: n.ExpiresAt, Secret: secret}
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		t.CreatedAt, t.CreatedBy = tx.Now, by.Operator
		var id holdfast.ID
		err := tx.QueryRow("SELECT id FROM token WHERE id = $1", n.ID).Scan(&id)
		if err == nil {
			return holdfast.Errorf(holdfast.Conflict, "token.exists", "there is a token with this id, and its secret cannot be shown again").
				WithNext("Revoke it and make another.").WithField("id")
		}
		if !errors.Is(err, store.ErrNoRows) {
			return err
		}
		if by.Actor.Kind == holdfast.ActorToken {
			// What a token makes belongs to whoever made that token.
			err := tx.QueryRow("SELECT created_by FROM token WHERE id = $1", by.Actor.ID).Scan(&t.CreatedBy)
			if errors.Is(err, store.ErrNoRows) {
				return errUnknownSecret() // revoked a moment ago
			}
			if err != nil {
				return err
			}
		}
		err = tx.Exec(`INSERT INTO token (id, hash, workspace, name, role, scopes, created_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			t.ID, hash, by.Workspace, t.Name, t.Role, scopes, t.CreatedBy, t.CreatedAt, t.ExpiresAt)
		if err != nil {
			return err
		}
		return Record(tx, by, "token.created", t.ID, map[string]any{"name": t.Name, "role": t.Role, "scopes": t.Scopes})
	})
	if err != nil {
		return Token{}, err
	}
	return t, nil
}

// Tokens lists the tokens of by's workspace, the newest first. Those of the
// whole installation are listed to the system and to each other.
func (g *Guard) Tokens(ctx context.Context, by Identity) ([]Token, error) {
	query := `SELECT id, name, role, scopes, created_by, created_at, used_at, expires_at FROM token
		WHERE workspace = $1 ORDER BY created_at DESC, id DESC`
	if by.everywhere {
		query = `SELECT id, name, role, scopes, created_by, created_at, used_at, expires_at FROM token
			WHERE workspace = $1 OR workspace IS NULL ORDER BY created_at DESC, id DESC`
	}
	rows, err := g.db.Query(ctx, query, by.Workspace)
	return store.Collect(rows, err, func(r *store.Rows, t *Token) error {
		var scopes []byte
		if err := r.Scan(&t.ID, &t.Name, &t.Role, &scopes, &t.CreatedBy, &t.CreatedAt, &t.UsedAt, &t.ExpiresAt); err != nil || scopes == nil {
			return err
		}
		return json.Unmarshal(scopes, &t.Scopes)
	})
}

// RevokeToken ends a token at once.
func (g *Guard) RevokeToken(ctx context.Context, by Identity, token holdfast.ID) error {
	if err := by.Require(holdfast.ManageTokens); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		var workspace holdfast.ID
		var name string
		err := tx.QueryRow("SELECT workspace, name FROM token WHERE id = $1", token).Scan(&workspace, &name)
		if errors.Is(err, store.ErrNoRows) || err == nil && workspace != by.Workspace && !(workspace.IsZero() && by.everywhere) {
			return holdfast.Errorf(holdfast.NotFound, "token.not_found", "there is no such token")
		}
		if err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM token WHERE id = $1", token); err != nil {
			return err
		}
		return record(tx, by, workspace, "token.revoked", token, map[string]any{"name": name})
	})
}
