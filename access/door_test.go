package access_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
	"holdfast/store/storetest"
)

const (
	good   = "correct horse battery"
	better = "staple under the stairs"
)

// house is an installation with a door, a clock that stands still and what the screens were told.
type house struct {
	*testing.T
	*access.Guard
	db   *store.DB
	seal *store.Sealer
	now  time.Time
	told []string
}

var cheap = access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}

// each runs a story on every database that this machine has.
func each(t *testing.T, story func(h *house)) {
	t.Run("file", func(t *testing.T) {
		story(newHouse(t, store.Options{Dir: storetest.Folder(t)}, access.Options{Cost: cheap}))
	})
	t.Run("server", func(t *testing.T) {
		story(newHouse(t, store.Options{URL: storetest.PostgresURL(t)}, access.Options{Cost: cheap}))
	})
}

func newHouse(t *testing.T, so store.Options, ao access.Options) *house {
	h := &house{T: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	so.Now = func() time.Time { return h.now }
	h.db = storetest.Open(t, so)
	seal, err := store.OpenSealer(t.TempDir(), strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	h.seal = seal
	ao.Changed = func(tx *store.Tx, ws holdfast.ID, by holdfast.Actor, what string, id holdfast.ID, action string) error {
		h.told = append(h.told, what+" "+action)
		return nil
	}
	ao.PublicURL = desk
	h.Guard = access.New(h.db, seal, ao)
	return h
}

func (h *house) workspace(name string) holdfast.ID {
	h.Helper()
	id := holdfast.NewID()
	h.must(h.db.Write(context.Background(), func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO workspace (id, name, language, time_zone, created_at) VALUES ($1, $2, 'en', 'UTC', $3)", id, name, tx.Now)
	}))
	h.now = h.now.Add(time.Millisecond)
	return id
}

// hire makes an operator with the good password.
func (h *house) hire(ws holdfast.ID, name string, role holdfast.Role) access.Member {
	h.Helper()
	m, err := h.CreateOperator(context.Background(), access.System(ws), access.NewOperator{Email: name + "@example.com", Name: name, Role: role, Password: good})
	h.must(err)
	return m
}

// enters signs an operator in and says who they are in a workspace.
func (h *house) enters(name string, ws holdfast.ID) (access.Identity, string) {
	h.Helper()
	in, err := h.SignIn(context.Background(), name+"@example.com", good, "203.0.113.7", "Firefox")
	h.must(err)
	id, err := h.Authenticate(context.Background(), in.Secret, ws, "203.0.113.7", "Firefox")
	h.must(err)
	return id, in.Secret
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// refuses fails unless err has the code.
func (h *house) refuses(err error, code string) {
	h.Helper()
	if err == nil || holdfast.CodeOf(err) != code {
		h.Fatalf("got %v, want %s", err, code)
	}
}

func (h *house) authentic(secret string, ws holdfast.ID) error {
	_, err := h.Authenticate(context.Background(), secret, ws, "203.0.113.7", "Firefox")
	return err
}

// actions lists a workspace's audit, oldest first.
func (h *house) actions(ws holdfast.ID) []string {
	h.Helper()
	rows, err := h.Audit(context.Background(), ws, 0, 500)
	h.must(err)
	var list []string
	for i := len(rows) - 1; i >= 0; i-- {
		list = append(list, rows[i].Action)
	}
	return list
}

func TestAnOperatorComesInAndGoes(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		ana := h.hire(ws, "ana", holdfast.Administrator)

		in, err := h.SignIn(ctx, "  ANA@Example.com ", good, "203.0.113.7", "Firefox")
		h.must(err)
		if in.Half || in.Operator != ana.ID || !strings.HasPrefix(in.Secret, "hs_") {
			h.Fatalf("signed in as %+v", in)
		}
		id, err := h.Authenticate(ctx, in.Secret, holdfast.ID{}, "203.0.113.7", "Firefox")
		h.must(err)
		if id.Operator != ana.ID || id.Workspace != ws || id.Role != holdfast.Administrator || id.Name != "ana" ||
			id.Actor != (holdfast.Actor{Kind: holdfast.ActorOperator, ID: ana.ID}) || id.Address != "203.0.113.7" {
			h.Fatalf("authenticated as %+v", id)
		}
		if !id.May(holdfast.ManageOperators) || id.Everywhere() {
			h.Fatal("an administrator may manage operators, and only here")
		}

		second, _ := h.enters("ana", ws)
		list, err := h.Sessions(ctx, second)
		h.must(err)
		if len(list) != 2 || list[0].Current == list[1].Current {
			h.Fatalf("two devices, one of them this one: %+v", list)
		}
		n, err := h.EndOtherSessions(ctx, second)
		h.must(err)
		if n != 1 {
			h.Fatalf("ended %d sessions, want the other one", n)
		}
		h.refuses(h.authentic(in.Secret, ws), "session.unknown")

		third, secret := h.enters("ana", ws)
		h.must(h.Forget(ctx, secret))
		h.refuses(h.authentic(secret, ws), "session.unknown")
		h.refuses(h.EndSession(ctx, second, third.Session), "session.not_found")
		h.must(h.EndSession(ctx, second, second.Session))
	})
}

func TestASessionSlidesForThirtyDays(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Operator)
		id, secret := h.enters("ana", ws)

		seen := func() time.Time {
			list, err := h.Sessions(ctx, id)
			h.must(err)
			return list[0].SeenAt
		}
		first := seen()
		for range 50 { // within a minute nothing is written, however many requests come
			h.now = h.now.Add(time.Second)
			h.must(h.authentic(secret, ws))
		}
		if !seen().Equal(first) {
			h.Fatal("the last use was written again within a minute")
		}
		h.now = h.now.Add(15 * time.Second)
		h.must(h.authentic(secret, ws))
		if !seen().Equal(h.now) {
			h.Fatalf("the last use is %v, want %v", seen(), h.now)
		}
		for range 3 {
			h.now = h.now.Add(29 * 24 * time.Hour)
			h.must(h.authentic(secret, ws))
		}
		h.now = h.now.Add(30*24*time.Hour + time.Second)
		h.refuses(h.authentic(secret, ws), "session.unknown")
	})
}

func TestNobodyLearnsWhoIsKnown(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		ben := h.hire(ws, "ben", holdfast.Operator)
		_, err := h.Disable(ctx, access.System(ws), ben.ID, true)
		h.must(err)
		var said []string
		for _, who := range []struct{ email, password string }{
			{"ana@example.com", "wrong"}, {"nobody@example.com", good}, {"ben@example.com", good}, {"not an address", good}, {"", ""},
			{"ana@example.com", strings.Repeat("x", 5000)}, {"\x00\xff@example.com", good},
		} {
			_, err := h.SignIn(ctx, who.email, who.password, "", "")
			h.refuses(err, "signin.refused")
			said = append(said, err.Error())
		}
		for _, s := range said {
			if s != said[0] {
				h.Fatalf("%q differs from %q", s, said[0])
			}
		}
	})
}

func TestGuessingSlowsDown(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Operator)
		h.hire(ws, "ben", holdfast.Operator)
		try := func(name, password, address string) error {
			_, err := h.SignIn(ctx, name+"@example.com", password, address, "")
			return err
		}
		wait := func(err error) time.Duration {
			h.Helper()
			h.refuses(err, "signin.too_many")
			var w access.Wait
			if !errors.As(err, &w) {
				h.Fatal("no wait in", err)
			}
			return w.For
		}
		for _, name := range []string{"ana", "nobody"} { // it does not matter who exists
			for range 5 {
				h.refuses(try(name, "wrong", ""), "signin.refused")
			}
			if w := wait(try(name, good, "")); w != 5*time.Second {
				h.Fatalf("%s waits %v after five failures", name, w)
			}
		}
		// Others are not touched.
		h.must(try("ben", good, "198.51.100.1"))

		last := 5 * time.Second
		for range 12 {
			h.now = h.now.Add(last)
			h.refuses(try("ana", "wrong", ""), "signin.refused")
			w := wait(try("ana", good, ""))
			if w != min(2*last, 15*time.Minute) {
				h.Fatalf("after %v comes %v", last, w)
			}
			last = w
		}
		h.now = h.now.Add(last)
		h.must(try("ana", good, "")) // the right one clears the count
		for range 4 {
			h.refuses(try("ana", "wrong", ""), "signin.refused")
		}
		h.must(try("ana", good, ""))

		// One address that tries many people.
		for i := range 5 {
			h.refuses(try(string(rune('p'+i)), "wrong", "192.0.2.9"), "signin.refused")
		}
		wait(try("ben", good, "192.0.2.9"))
		h.must(try("ben", good, "192.0.2.10"))
		// One IPv6 line has a whole /64 of addresses.
		for i := range 5 {
			h.refuses(try(string(rune('a'+i))+"6", "wrong", "2001:db8:0:1::"+string(rune('1'+i))), "signin.refused")
		}
		wait(try("ben", good, "2001:db8:0:1:ffff::9"))
		h.must(try("ben", good, "2001:db8:0:2::9"))
	})
}

func TestGuessesAtOnceGetNoMoreTriesThanInARow(t *testing.T) {
	each(t, func(h *house) {
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Operator)
		var mu sync.Mutex
		codes := map[string]int{}
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				_, err := h.SignIn(context.Background(), "ana@example.com", "wrong", "", "")
				mu.Lock()
				codes[holdfast.CodeOf(err)]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if codes["signin.refused"] != 5 || codes["signin.too_many"] != 35 {
			h.Fatalf("got %v, want 5 tries", codes)
		}
	})
}

func TestTokensActWithinTheirScopes(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws, other := h.workspace("Sky"), h.workspace("Sea")
		h.hire(ws, "ana", holdfast.Administrator)
		zoe := h.hire(ws, "zoe", holdfast.Administrator)
		ana, _ := h.enters("ana", ws)

		tok, err := h.CreateToken(ctx, ana, access.NewToken{Name: "shop", Role: holdfast.Operator,
			Scopes: []holdfast.Permission{holdfast.ReadCustomers}, ExpiresAt: h.now.Add(time.Hour)})
		h.must(err)
		if !strings.HasPrefix(tok.Secret, "hf_") {
			h.Fatal("a token begins with hf_, got", tok.Secret)
		}
		id, err := h.Authenticate(ctx, tok.Secret, holdfast.ID{}, "192.0.2.1", "curl")
		h.must(err)
		if id.Workspace != ws || !id.Operator.IsZero() || id.Actor.Kind != holdfast.ActorToken || id.Actor.ID != tok.ID {
			h.Fatalf("%+v", id)
		}
		if !id.May(holdfast.ReadCustomers) || id.May(holdfast.WriteCustomers) || id.May(holdfast.ManageTokens) {
			h.Fatal("the scope is not kept")
		}
		h.refuses(h.authentic(tok.Secret, other), "workspace.not_found")
		h.refuses(h.authentic(tok.Secret[:len(tok.Secret)-1], ws), "session.unknown")
		_, err = h.ChangeSelf(ctx, id, access.Profile{})
		h.refuses(err, "account.operators_only")

		list, err := h.Tokens(ctx, ana)
		h.must(err)
		if len(list) != 1 || list[0].Secret != "" || !list[0].UsedAt.Equal(h.now) {
			h.Fatalf("listed as %+v", list)
		}
		_, err = h.CreateToken(ctx, ana, access.NewToken{ID: tok.ID, Name: "shop", Role: holdfast.Operator})
		h.refuses(err, "token.exists")
		_, err = h.CreateToken(ctx, ana, access.NewToken{Name: "x", Role: holdfast.Observer, Scopes: []holdfast.Permission{holdfast.ManageTokens}})
		h.refuses(err, "token.scope")

		// A token that may make tokens makes none that may do more than itself.
		maker, err := h.CreateToken(ctx, ana, access.NewToken{Name: "maker", Role: holdfast.Administrator,
			Scopes: []holdfast.Permission{holdfast.ManageTokens, holdfast.ReadCustomers, holdfast.ManageOperators}})
		h.must(err)
		by, err := h.Authenticate(ctx, maker.Secret, ws, "", "")
		h.must(err)
		_, err = h.CreateToken(ctx, by, access.NewToken{Name: "child", Role: holdfast.Administrator})
		h.refuses(err, "token.beyond_yours")
		_, err = h.CreateOperator(ctx, by, access.NewOperator{Email: "eve@example.com", Name: "eve", Role: holdfast.Administrator, Password: good})
		h.refuses(err, "role.beyond_yours")
		h.refuses(h.SetPassword(ctx, by, zoe.ID, better), "role.beyond_yours")
		child, err := h.CreateToken(ctx, by, access.NewToken{Name: "child", Role: holdfast.Operator, Scopes: []holdfast.Permission{holdfast.ReadCustomers}})
		h.must(err)

		h.now = h.now.Add(2 * time.Hour)
		h.refuses(h.authentic(tok.Secret, ws), "session.unknown")

		// What Ana made is worth what Ana is worth.
		sys := access.System(ws)
		_, err = h.SetRole(ctx, sys, ana.Operator, holdfast.Observer)
		h.must(err)
		id, err = h.Authenticate(ctx, maker.Secret, ws, "", "")
		h.must(err)
		if id.May(holdfast.ManageTokens) || !id.May(holdfast.ReadCustomers) {
			h.Fatalf("a demoted maker's token may still %v", id.Scopes)
		}
		h.must(h.RemoveMember(ctx, sys, ana.Operator))
		h.refuses(h.authentic(maker.Secret, ws), "token.orphaned")
		h.refuses(h.authentic(child.Secret, ws), "token.orphaned")

		h.must(h.RevokeToken(ctx, sys, maker.ID))
		h.refuses(h.authentic(maker.Secret, ws), "session.unknown")
	})
}

func TestATokenOfTheInstallationComesBeforeAnyWorkspace(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		tok, err := h.CreateToken(ctx, access.System(holdfast.ID{}), access.NewToken{Name: "cli", Role: holdfast.Administrator})
		h.must(err)
		id, err := h.Authenticate(ctx, tok.Secret, holdfast.ID{}, "", "")
		h.must(err)
		if !id.Workspace.IsZero() || !id.Everywhere() {
			h.Fatalf("%+v", id)
		}
		first, second := h.workspace("Sky"), h.workspace("Sea")
		h.now = h.now.Add(6 * time.Second)
		for want, ask := range map[holdfast.ID]holdfast.ID{first: {}, second: second} {
			id, err := h.Authenticate(ctx, tok.Secret, ask, "", "")
			h.must(err)
			if id.Workspace != want {
				h.Fatalf("workspace %v, want %v", id.Workspace, want)
			}
		}
		h.refuses(h.authentic(tok.Secret, holdfast.NewID()), "workspace.not_found")
	})
}
