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

// Identity is who makes a request, in one workspace.
type Identity struct {
	Actor     holdfast.Actor
	Operator  holdfast.ID // zero for tokens and the system
	Workspace holdfast.ID // zero only for the system and an installation's token before there is one
	Role      holdfast.Role
	Name      string // of the operator or the token
	Language  string
	// Scopes narrows the role; nil means all that the role may do.
	Scopes  []holdfast.Permission
	Session string // names the session to its owner; not the secret
	Address string
	Agent   string
	// Lacks is set when the workspace asks for a second factor and the operator has
	// none: such a one may set one up, and nothing else.
	Lacks bool

	everywhere bool // the system, or a token of the whole installation
}

// System is Holdfast itself, or whoever has the machine's console, acting in a workspace.
func System(workspace holdfast.ID) Identity {
	return Identity{Actor: holdfast.System, Workspace: workspace, Role: holdfast.Administrator, Name: "Holdfast", Language: "en", everywhere: true}
}

// Everywhere reports whether this is the system or a token of the whole
// installation, bound to no workspace.
func (id Identity) Everywhere() bool { return id.everywhere }

// May reports whether the identity may do p in its workspace.
func (id Identity) May(p holdfast.Permission) bool {
	if id.Lacks && p != holdfast.OwnSecondFactor {
		return false
	}
	return id.Role.May(p) && (id.Scopes == nil || slices.Contains(id.Scopes, p))
}

// Require is nil when the identity may do p, else Forbidden.
func (id Identity) Require(p holdfast.Permission) error {
	if id.May(p) {
		return nil
	}
	if id.Lacks {
		return errFactorRequired()
	}
	return holdfast.Errorf(holdfast.Forbidden, "permission.missing", "this needs the permission %s", p).
		WithNext("Ask an administrator of this workspace.")
}

// covers reports whether the identity may do everything that a role may.
func (id Identity) covers(r holdfast.Role) bool {
	for _, p := range r.Permissions() {
		if !id.May(p) {
			return false
		}
	}
	return true
}

func (id Identity) requireOperator() error {
	if id.Operator.IsZero() {
		return holdfast.Errorf(holdfast.Forbidden, "account.operators_only", "only a signed-in operator has an account of their own").
			WithNext("Sign in as an operator; a token cannot do this.")
	}
	return nil
}

type cacheKey struct {
	hash      [32]byte
	workspace holdfast.ID
}

type cached struct {
	identity Identity
	token    bool
	expires  time.Time // of the secret; zero: never
	seen     time.Time // as stored
	until    time.Time // when this must be read again
}

// cacheMaximum bounds what is remembered; past it everything is forgotten at once.
const cacheMaximum = 20000

func (g *Guard) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.change++
	clear(g.known)
	for c := range g.watch {
		select {
		case c <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// Watch wakes whoever holds something open for somebody when rights may have
// changed or a session may have ended through this node. Wake-ups may be for
// nothing; cancel must be called.
func (g *Guard) Watch() (wake <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watch[c] = struct{}{}
	return c, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.watch, c)
	}
}

// remember keeps what was read, unless something has changed since the reading
// began: it may be what was true before.
func (g *Guard) remember(key cacheKey, c *cached, change uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.change != change {
		return
	}
	if len(g.known) >= cacheMaximum {
		clear(g.known)
	}
	g.known[key] = c
}

// Authenticate says who holds a session's secret or an API token, in a workspace;
// a zero workspace means the token's own or the operator's first. What it says
// may be 5 seconds old when another node has made a change, never when this one has.
// Errors: Unauthenticated; NotFound for a workspace that is not theirs; Forbidden
// for an operator without any.
func (g *Guard) Authenticate(ctx context.Context, secret string, workspace holdfast.ID, address, agent string) (Identity, error) {
	prefix, hash, err := parse(secret)
	if err != nil {
		return Identity{}, err
	}
	if prefix == linkPrefix {
		return Identity{}, errUnknownSecret()
	}
	key := cacheKey{hash: [32]byte(hash), workspace: workspace}
	now := g.db.Now()
	g.mu.Lock()
	c, ok := g.known[key]
	change := g.change
	g.mu.Unlock()
	if !ok || !now.Before(c.until) || now.Before(c.until.Add(-cacheLife)) { // the last: the clock was set back
		if prefix == tokenPrefix {
			c, err = g.readToken(ctx, hash, workspace)
		} else {
			c, err = g.readSession(ctx, hash, workspace)
		}
		if err != nil {
			return Identity{}, err
		}
		c.until = now.Add(cacheLife)
		g.remember(key, c, change)
	}
	g.mu.Lock()
	expired := !c.expires.IsZero() && !now.Before(c.expires)
	touch := !expired && (now.Sub(c.seen) >= touchEvery || now.Before(c.seen.Add(-touchEvery)))
	if touch {
		c.seen = now
		if !c.token {
			c.expires = now.Add(sessionLife)
		}
	}
	g.mu.Unlock()
	if expired {
		return Identity{}, errUnknownSecret()
	}
	if touch {
		g.touch(ctx, c.token, hash, address, agent)
	}
	id := c.identity
	id.Address, id.Agent = address, clip(agent, 300)
	return id, nil
}

// touch notes when a secret was last used. That it cannot be noted (a full disk)
// must not keep anybody out who only reads.
func (g *Guard) touch(ctx context.Context, token bool, hash []byte, address, agent string) {
	err := g.db.Write(ctx, func(tx *store.Tx) error {
		if token {
			return tx.Exec("UPDATE token SET used_at = $2 WHERE hash = $1", hash, tx.Now)
		}
		return tx.Exec("UPDATE session SET seen_at = $2, expires_at = $3, address = $4, agent = $5 WHERE hash = $1",
			hash, tx.Now, tx.Now.Add(sessionLife), store.Text(address), clip(agent, 300))
	})
	if err != nil && ctx.Err() == nil {
		g.o.Log.Warn("the last use of a session could not be noted", "err", err)
	}
}

func (g *Guard) readSession(ctx context.Context, hash []byte, workspace holdfast.ID) (*cached, error) {
	c := &cached{}
	id := &c.identity
	var half, disabled, second bool
	err := g.db.QueryRow(ctx, `SELECT s.operator, s.half, s.seen_at, s.expires_at, o.name, o.language, o.disabled,
			o.totp_on OR EXISTS (SELECT 1 FROM passkey p WHERE p.operator = o.id)
		FROM session s JOIN operator o ON o.id = s.operator WHERE s.hash = $1`, hash).
		Scan(&id.Operator, &half, &c.seen, &c.expires, &id.Name, &id.Language, &disabled, &second)
	if errors.Is(err, store.ErrNoRows) || err == nil && disabled {
		return nil, errUnknownSecret()
	}
	if err != nil {
		return nil, err
	}
	if half {
		return nil, holdfast.Errorf(holdfast.Unauthenticated, "session.second_factor", "the second factor has not been given").
			WithNext("Send the code of the authenticator app.")
	}
	id.Actor = holdfast.Actor{Kind: holdfast.ActorOperator, ID: id.Operator}
	id.Session = handle(hash)
	list, err := g.Memberships(ctx, id.Operator)
	if err != nil {
		return nil, err
	}
	if workspace.IsZero() {
		if len(list) == 0 {
			return nil, holdfast.Errorf(holdfast.Forbidden, "operator.no_workspace", "you belong to no workspace").
				WithNext("Ask an administrator to add you to one.")
		}
		id.Workspace, id.Role = list[0].Workspace, list[0].Role
		return c, g.lacks(ctx, id, second)
	}
	for _, m := range list {
		if m.Workspace == workspace {
			id.Workspace, id.Role = workspace, m.Role
			return c, g.lacks(ctx, id, second)
		}
	}
	return nil, errNoWorkspace()
}

// lacks marks an operator without a second factor where one is asked for.
func (g *Guard) lacks(ctx context.Context, id *Identity, second bool) error {
	if second {
		return nil
	}
	return g.db.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM second_factor_rule WHERE workspace = $1 AND role = $2)", id.Workspace, id.Role).Scan(&id.Lacks)
}

func (g *Guard) readToken(ctx context.Context, hash []byte, workspace holdfast.ID) (*cached, error) {
	c := &cached{token: true}
	id := &c.identity
	var own, creator holdfast.ID
	var scopes []byte
	err := g.db.QueryRow(ctx, `SELECT id, workspace, name, role, scopes, created_by, used_at, expires_at
		FROM token WHERE hash = $1`, hash).
		Scan(&id.Actor.ID, &own, &id.Name, &id.Role, &scopes, &creator, &c.seen, &c.expires)
	if errors.Is(err, store.ErrNoRows) {
		return nil, errUnknownSecret()
	}
	if err != nil {
		return nil, err
	}
	id.Actor.Kind, id.Language = holdfast.ActorToken, "en"
	if scopes != nil {
		if err := json.Unmarshal(scopes, &id.Scopes); err != nil {
			return nil, err
		}
	}
	if own.IsZero() {
		id.everywhere = true
		id.Workspace, err = g.anyWorkspace(ctx, workspace)
		return c, err
	}
	if !workspace.IsZero() && workspace != own {
		return nil, errNoWorkspace()
	}
	id.Workspace = own
	if creator.IsZero() {
		return c, nil
	}
	// A token is worth no more than whoever made it is worth today.
	var role holdfast.Role
	var disabled bool
	err = g.db.QueryRow(ctx, `SELECT m.role, o.disabled FROM member m JOIN operator o ON o.id = m.operator
		WHERE m.workspace = $1 AND m.operator = $2 AND NOT m.former`, own, creator).Scan(&role, &disabled)
	if errors.Is(err, store.ErrNoRows) || err == nil && disabled {
		return nil, holdfast.Errorf(holdfast.Unauthenticated, "token.orphaned", "whoever made this token has left the workspace").
			WithNext("Make a new token.")
	}
	if err != nil {
		return nil, err
	}
	id.Scopes = narrowed(id.Role, id.Scopes, role)
	return c, nil
}

// narrowed is the scopes that remain when the maker of a token has a role; nil for all.
func narrowed(role holdfast.Role, scopes []holdfast.Permission, maker holdfast.Role) []holdfast.Permission {
	have := Identity{Role: role, Scopes: scopes}
	left := []holdfast.Permission{}
	all := scopes == nil
	for _, p := range role.Permissions() {
		if have.May(p) && maker.May(p) {
			left = append(left, p)
		} else {
			all = false
		}
	}
	if all {
		return nil
	}
	return left
}

// anyWorkspace is the wanted workspace when there is one, or the oldest, or none.
func (g *Guard) anyWorkspace(ctx context.Context, want holdfast.ID) (id holdfast.ID, err error) {
	if want.IsZero() {
		err = g.db.QueryRow(ctx, "SELECT id FROM workspace ORDER BY created_at, id LIMIT 1").Scan(&id)
		if errors.Is(err, store.ErrNoRows) {
			err = nil
		}
		return id, err
	}
	err = g.db.QueryRow(ctx, "SELECT id FROM workspace WHERE id = $1", want).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		err = errNoWorkspace()
	}
	return id, err
}

func errNoWorkspace() error {
	return holdfast.Errorf(holdfast.NotFound, "workspace.not_found", "there is no such workspace")
}

// clip is s for storage, at most n bytes.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return store.Text(s)
}
