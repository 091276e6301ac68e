package access

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"holdfast"
	"holdfast/store"
)

var cheap = Cost{MemoryKiB: 8, Passes: 1, Threads: 1}

func TestPasswordsThatAreRefused(t *testing.T) {
	for password, code := range map[string]string{
		"":                           "password.short",
		"short":                      "password.short",
		"ninechars":                  "password.short",
		"девять зн":                  "password.short", // nine characters, more bytes
		"1234567890":                 "password.common",
		"Password123":                "password.common",
		"QWERTYUIOP":                 "password.common",
		"abababababababab":           "password.common",
		"йцукенгшщзхъ":               "password.common",
		strings.Repeat("long ", 300): "password.long",
		"correct horse battery":      "",
		"пароль из трёх слов":        "",
		"گذرواژه‌ای که یادم می‌ماند": "",
	} {
		err := CheckPassword(password)
		if code == "" && err != nil || code != "" && holdfast.CodeOf(err) != code {
			t.Errorf("%q: got %v, want %q", password, err, code)
		}
	}
}

func TestEveryCommonPasswordCouldOtherwiseBeChosen(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(commonPasswords) {
		line = strings.TrimSuffix(line, "\n")
		if line != strings.ToLower(line) || len([]rune(line)) < passwordMinimum || seen[line] {
			t.Errorf("%q stands in the list for nothing", line)
		}
		seen[line] = true
	}
}

func TestAPasswordIsTheSameHoweverItIsTyped(t *testing.T) {
	g := New(nil, nil, Options{Cost: cheap})
	composed, taken := "éééééééé pass", "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301 pass"
	stored, err := g.hash(context.Background(), composed)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatal(stored)
	}
	if ok, fresh, err := g.verify(context.Background(), stored, taken); !ok || fresh != "" || err != nil {
		t.Fatal(ok, fresh, err)
	}
	if ok, _, _ := g.verify(context.Background(), stored, composed+" "); ok {
		t.Fatal("another password was taken")
	}
}

func TestDefaultsAreWorthTheirPrice(t *testing.T) {
	g := New(nil, nil, Options{})
	if c := g.o.Cost; c.MemoryKiB != 64<<10 || c.Passes < 1 || c.Threads != 1 || cap(g.hashing) != 2 {
		t.Fatalf("%+v, %d at once", c, cap(g.hashing))
	}
}

func TestAnOldHashIsRenewedAtTheNextSignIn(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	seal, err := store.OpenSealer(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	ws := holdfast.NewID()
	if err := db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO workspace (id, name, language, time_zone, created_at) VALUES ($1, 'Sky', 'en', 'UTC', 1)", ws)
	}); err != nil {
		t.Fatal(err)
	}
	const password = "correct horse battery"
	old := New(db, seal, Options{Cost: cheap})
	if _, err := old.CreateOperator(ctx, System(ws), NewOperator{Email: "ana@example.com", Name: "Ana", Role: holdfast.Administrator, Password: password}); err != nil {
		t.Fatal(err)
	}
	dear := New(db, seal, Options{Cost: Cost{MemoryKiB: 16, Passes: 2, Threads: 1}})
	for range 2 {
		if _, err := dear.SignIn(ctx, "ana@example.com", password, "", ""); err != nil {
			t.Fatal(err)
		}
		var stored string
		if err := db.QueryRow(ctx, "SELECT password FROM operator").Scan(&stored); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(stored, "$m=16,t=2,p=1$") {
			t.Fatal(stored)
		}
	}
}

func TestAWaitingSignInEndsWithItsRequest(t *testing.T) {
	g := New(nil, nil, Options{Cost: cheap})
	for range 2 {
		leave, err := g.place(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := g.place(ctx); err != context.Canceled {
		t.Fatal("a third place was given:", err)
	}
	g.waiting.Store(waitingMaximum)
	if _, err := g.place(context.Background()); holdfast.CodeOf(err) != "signin.busy" {
		t.Fatal(err)
	}
}

func FuzzStoredPassword(f *testing.F) {
	f.Add(cheap.hash("correct horse battery"))
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c2FsdHNhbHRzYWx0$a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$$")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		c, salt, key, err := parsePHC(s)
		if err == nil && (c.MemoryKiB > 1<<20 || c.Passes == 0 || c.Threads == 0 || len(salt) < 8 || len(key) < 16) {
			t.Fatalf("%q was taken for a stored password", s)
		}
	})
}

func FuzzSecret(f *testing.F) {
	for _, p := range []string{tokenPrefix, sessionPrefix, linkPrefix} {
		s, _ := mint(p)
		f.Add(s)
	}
	f.Add("hf_")
	f.Add("hs_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, s string) {
		prefix, hash, err := parse(s)
		if err == nil && (!strings.HasPrefix(s, prefix) || len(s) != 61 || len(hash) != 32) {
			t.Fatalf("%q was taken for a secret", s)
		}
		if err != nil && holdfast.KindOf(err) != holdfast.Unauthenticated {
			t.Fatal(err)
		}
	})
}

func FuzzNormalEmail(f *testing.F) {
	f.Add("Ana@Example.COM ")
	f.Add("\"a b\"@x")
	f.Add("آنا@مثال.ایران")
	f.Add("a@b\n")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := NormalEmail(s)
		if err != nil {
			return
		}
		again, err := NormalEmail(e)
		if err != nil || again != e {
			t.Fatalf("%q became %q and then %q (%v)", s, e, again, err)
		}
		if strings.ContainsAny(e, " \t\r\n\x00") {
			t.Fatalf("%q was taken for an address", e)
		}
	})
}

func TestASecretIsKnownByItsForm(t *testing.T) {
	secret, hash := mint(tokenPrefix)
	p, h, err := parse(secret)
	if err != nil || p != tokenPrefix || string(h) != string(hash) {
		t.Fatal(p, err)
	}
	for i := 3; i < len(secret)-1; i++ { // any one wrong character is noticed
		b := []byte(secret)
		if b[i]++; !strings.ContainsRune("abcdefghijkmnpqrstuvwxyz23456789", rune(b[i])) {
			b[i] = 'a'
		}
		if string(b) == secret {
			continue
		}
		if _, _, err := parse(string(b)); err == nil {
			t.Fatalf("character %d of %q may be anything", i, secret)
		}
	}
}

func TestWhatWasReadBeforeAChangeIsNotRemembered(t *testing.T) {
	g := New(nil, nil, Options{})
	key := cacheKey{workspace: holdfast.NewID()}
	before := g.change
	g.forget() // somebody's role changes while a request is reading the old one
	g.remember(key, &cached{}, before)
	if len(g.known) != 0 {
		t.Fatal("the old role is back")
	}
	g.remember(key, &cached{}, g.change)
	if len(g.known) != 1 {
		t.Fatal("nothing is remembered")
	}
	for range cacheMaximum + 5 {
		g.remember(cacheKey{workspace: holdfast.NewID()}, &cached{}, g.change)
	}
	if len(g.known) > cacheMaximum {
		t.Fatal("it remembers without end")
	}
}
