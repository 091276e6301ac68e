package access_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

// columns of every table of this room. The workspace of a row is in the last one,
// or its operator or team leads there.
var columns = map[string]string{
	"operator":           "id, email, name, language, password, totp, totp_on, totp_last, recovery, disabled, preferences, created_at",
	"member":             "workspace, operator, role, former",
	"team":               "id, workspace, name",
	"team_member":        "team, operator",
	"session":            "hash, operator, created_at, seen_at, expires_at, address, agent, half, linked",
	"sign_in_link":       "hash, operator, expires_at",
	"token":              "id, hash, workspace, name, role, scopes, created_by, created_at, used_at, expires_at",
	"attempt":            "name, failures, last_at, blocked_to",
	"passkey":            "id, operator, credential, name, record, created_at, used_at",
	"second_factor_rule": "workspace, role",
	"audit":              "id, workspace, at, actor_kind, actor, address, action, subject, detail",
}

// dump is a table's rows as text, sorted; where may be empty.
func (h *house) dump(table, where string, args ...any) []string {
	h.Helper()
	query := "SELECT " + columns[table] + " FROM " + table + " " + where
	n := strings.Count(columns[table], ",") + 1
	rows, err := h.db.Unprepared(context.Background(), query, args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, s *string) error {
		values, into := make([]any, n), make([]any, n)
		for i := range values {
			into[i] = &values[i]
		}
		err := r.Scan(into...)
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				*s += fmt.Sprintf("%s %x|", b, b)
			} else {
				*s += fmt.Sprintf("%v|", v)
			}
		}
		return err
	})
	h.must(err)
	slices.Sort(list)
	return list
}

// belongings is all that a workspace and its people have.
func (h *house) belongings(ws holdfast.ID) map[string][]string {
	const people = "(SELECT operator FROM member WHERE workspace = $1)"
	return map[string][]string{
		"operator":           h.dump("operator", "WHERE id IN "+people, ws),
		"member":             h.dump("member", "WHERE workspace = $1", ws),
		"team":               h.dump("team", "WHERE workspace = $1", ws),
		"team_member":        h.dump("team_member", "WHERE team IN (SELECT id FROM team WHERE workspace = $1)", ws),
		"session":            h.dump("session", "WHERE operator IN "+people, ws),
		"sign_in_link":       h.dump("sign_in_link", "WHERE operator IN "+people, ws),
		"passkey":            h.dump("passkey", "WHERE operator IN "+people, ws),
		"second_factor_rule": h.dump("second_factor_rule", "WHERE workspace = $1", ws),
		"token":              h.dump("token", "WHERE workspace = $1", ws),
		"audit":              h.dump("audit", "WHERE workspace = $1", ws),
	}
}

// victim is what a stranger may try to lay hands on.
type victim struct {
	operators []holdfast.ID
	teams     []holdfast.ID
	tokens    []holdfast.ID
	sessions  []string
	passkeys  []holdfast.ID
}

// reach is one thing that an identity may try against things of others. An error
// that says "not found" or "forbidden" is right; success is right when nothing of
// the other workspace changed or was told.
type reach func(h *house, ctx context.Context, by access.Identity, v victim, n int) (told any, err error)

func pick[T any](n int, list []T) T { return list[n%len(list)] }

// reaches holds every method that takes an Identity; the test below fails for one that is missing.
var reaches = map[string]reach{
	"CreateOperator": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.CreateOperator(ctx, by, access.NewOperator{ID: pick(n, v.operators), Email: "bea@example.com", Name: "x", Role: holdfast.Observer})
	},
	"ChangeOperator": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		name := "Mallory"
		return h.ChangeOperator(ctx, by, pick(n, v.operators), access.Profile{Name: &name, Email: &name})
	},
	"ChangeSelf": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		name := fmt.Sprint("ana ", n)
		return h.ChangeSelf(ctx, by, access.Profile{Name: &name})
	},
	"SetPassword": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.SetPassword(ctx, by, pick(n, v.operators), better)
	},
	"ChangePassword": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.ChangePassword(ctx, by, "not the password", better)
	},
	"Disable": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.Disable(ctx, by, pick(n, v.operators), n > 1)
	},
	"SetRole": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.SetRole(ctx, by, pick(n, v.operators), holdfast.Observer)
	},
	"RemoveMember": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.RemoveMember(ctx, by, pick(n, v.operators))
	},
	"RequireSecondFactor": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.RequireSecondFactor(ctx, by, []holdfast.Role{holdfast.Operator, holdfast.Observer}[:n%3])
	},
	"Factors": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.Factors(ctx, by)
	},
	"RenewRecovery": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.RenewRecovery(ctx, by, good)
	},
	"BeginPasskey": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		_, err := h.BeginPasskey(ctx, by, good)
		return nil, err
	},
	"AddPasskey": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		c, err := h.BeginPasskey(ctx, access.Identity{Operator: pick(n, v.operators)}, good)
		if err != nil {
			return nil, err
		}
		key, _, err := h.AddPasskey(ctx, by, c.Secret, "mine", newAuthenticator(h.T).register(h.T, c))
		return key, err
	},
	"RenamePasskey": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.RenamePasskey(ctx, by, pick(n, v.passkeys), "mine now")
	},
	"RemovePasskey": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.RemovePasskey(ctx, by, pick(n, v.passkeys))
	},
	"DropTOTP": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.DropTOTP(ctx, by, pick(n, v.operators))
	},
	"EnrolTOTP": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.EnrolTOTP(ctx, by)
	},
	"ConfirmTOTP": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.ConfirmTOTP(ctx, by, "123456")
	},
	"DisableTOTP": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.DisableTOTP(ctx, by, "not the password")
	},
	"IssueLink": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		s, _, err := h.IssueLink(ctx, by, pick(n, v.operators), time.Minute)
		return s, err
	},
	"Sessions": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.Sessions(ctx, by)
	},
	"EndSession": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.EndSession(ctx, by, pick(n, v.sessions))
	},
	"EndOtherSessions": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.EndOtherSessions(ctx, by)
	},
	"CreateTeam": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.CreateTeam(ctx, by, pick(n, v.teams), "Mine now")
	},
	"RenameTeam": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.RenameTeam(ctx, by, pick(n, v.teams), "Mine now")
	},
	"DeleteTeam": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.DeleteTeam(ctx, by, pick(n, v.teams))
	},
	"AddToTeam": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.AddToTeam(ctx, by, pick(n, v.teams), by.Operator)
	},
	"RemoveFromTeam": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.RemoveFromTeam(ctx, by, pick(n, v.teams), pick(n, v.operators))
	},
	"SetTeam": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		own, err := h.Teams(ctx, by.Workspace)
		h.must(err)
		return h.SetTeam(ctx, by, pick(n, []holdfast.ID{own[0].ID, v.teams[0]}), v.operators)
	},
	"CreateToken": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.CreateToken(ctx, by, access.NewToken{ID: pick(n, v.tokens), Name: "x", Role: holdfast.Observer})
	},
	"Tokens": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.Tokens(ctx, by)
	},
	"RevokeToken": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, h.RevokeToken(ctx, by, pick(n, v.tokens))
	},
	"Enter": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return nil, nil // works inside the transaction that makes the workspace; no request reaches it with another's
	},
	"Operators": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.Operators(ctx, by.Workspace)
	},
	"Teams": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.Teams(ctx, by.Workspace)
	},
	"Audit": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.Audit(ctx, by.Workspace, 0, 0)
	},
	"AuditWithInstallation": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.AuditWithInstallation(ctx, by, 0, 0)
	},
	"Operator": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.Operator(ctx, by.Workspace, pick(n, v.operators))
	},
	"Team": func(h *house, ctx context.Context, by access.Identity, v victim, n int) (any, error) {
		return h.Team(ctx, by.Workspace, pick(n, v.teams))
	},
}

func TestEveryMethodThatTakesAnIdentityIsTried(t *testing.T) {
	typ := reflect.TypeFor[*access.Guard]()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		for j := range m.Type.NumIn() {
			if m.Type.In(j) == reflect.TypeFor[access.Identity]() && reaches[m.Name] == nil {
				t.Errorf("%s is not among the things a stranger tries", m.Name)
			}
		}
	}
}

func TestNoWorkspaceReachesIntoAnother(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		mine, theirs := h.workspace("Sky"), h.workspace("Sea")
		h.hire(mine, "ana", holdfast.Administrator)
		h.hire(mine, "abe", holdfast.Operator)
		sys := access.System(mine)
		_, err := h.CreateTeam(ctx, sys, holdfast.ID{}, "Mine")
		h.must(err)

		// In the other workspace: an administrator, an operator with a second factor, a team, a token, a link.
		bea, bob := h.hire(theirs, "bea", holdfast.Administrator), h.hire(theirs, "bob", holdfast.Operator)
		b, _ := h.enters("bea", theirs)
		team, err := h.CreateTeam(ctx, b, holdfast.ID{}, "Theirs")
		h.must(err)
		_, err = h.AddToTeam(ctx, b, team.ID, bob.ID)
		h.must(err)
		tok, err := h.CreateToken(ctx, b, access.NewToken{Name: "theirs", Role: holdfast.Operator})
		h.must(err)
		bobs, _ := h.enters("bob", theirs)
		enrol(h, bobs)
		_, _, err = h.IssueLink(ctx, b, bob.ID, 0)
		h.must(err)
		v := victim{operators: []holdfast.ID{bea.ID, bob.ID}, teams: []holdfast.ID{team.ID}, tokens: []holdfast.ID{tok.ID}, sessions: []string{b.Session, bobs.Session}}
		v.passkeys = []holdfast.ID{register(h, b, newAuthenticator(h.T)).ID}

		admin, _ := h.enters("ana", mine)
		made, err := h.CreateToken(ctx, admin, access.NewToken{Name: "mine", Role: holdfast.Administrator})
		h.must(err)
		token, err := h.Authenticate(ctx, made.Secret, mine, "", "")
		h.must(err)
		plain, _ := h.enters("abe", mine)

		before := h.belongings(theirs)
		// Nothing of theirs may be among what is told.
		names := []string{bea.ID.String(), bob.ID.String(), team.ID.String(), tok.ID.String(), b.Session, "bea@", "bob@", "Theirs"}
		try := func(t failer, by access.Identity, name string, n int) {
			h.now = h.now.Add(20 * time.Minute) // no guess has to wait
			told, err := reaches[name](h, ctx, by, v, n)
			if kind := holdfast.KindOf(err); err != nil && (kind == holdfast.Internal || kind == holdfast.Unavailable) {
				t.Fatalf("%s: %v", name, err)
			}
			said := fmt.Sprintf("%+v", told)
			if err != nil {
				said = err.Error()
			}
			for _, n := range names {
				if strings.Contains(said, n) {
					t.Fatalf("%s told %s of the other workspace: %s", name, n, said)
				}
			}
			after := h.belongings(theirs)
			for table, rows := range before {
				if !slices.Equal(rows, after[table]) {
					t.Fatalf("%s changed %s of the other workspace:\n%v\n%v", name, table, rows, after[table])
				}
			}
		}
		methods, who := slices.Sorted(maps.Keys(reaches)), []access.Identity{admin, token, plain}
		for _, by := range who { // each once, and then in any order
			for _, name := range methods {
				for n := range 4 {
					try(h.T, by, name, n)
				}
			}
		}
		rapid.Check(h.T, func(t *rapid.T) {
			try(t, rapid.SampledFrom(who).Draw(t, "by"), rapid.SampledFrom(methods).Draw(t, "method"), rapid.IntRange(0, 3).Draw(t, "n"))
		})
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}
