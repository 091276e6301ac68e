package search_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"holdfast"
	"holdfast/search"
	"holdfast/store"
	"holdfast/store/storetest"
)

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A database that does not let us keep its index in order says so once, and the
// desk goes on.
func TestARefusedCleanUpIsSaidOnce(t *testing.T) {
	address := storetest.PostgresURL(t)
	ctx := context.Background()
	owner := storetest.Open(t, store.Options{URL: address})
	if err := search.New(owner).Sweep(ctx); err != nil {
		t.Fatalf("the owner may not: %v", err)
	}
	admin, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	role := "hf_" + strings.ReplaceAll(holdfast.NewID().String(), "-", "")
	for _, s := range []string{"CREATE ROLE " + role, "GRANT ALL ON SCHEMA public TO " + role, "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + role, "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO " + role} {
		if _, err := admin.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if admin, err := sql.Open("pgx", address); err == nil {
			defer admin.Close()
			admin.Exec("DROP OWNED BY " + role)
			admin.Exec("DROP ROLE " + role)
		}
	})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("options", "-c role="+role)
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	db := storetest.Open(t, store.Options{URL: u.String()})
	index, said := search.New(db), &lockedBuffer{}
	index.Log = slog.New(slog.NewTextHandler(said, nil))
	if err := index.Sweep(ctx); holdfast.CodeOf(err) != "search.sweep_refused" {
		t.Fatalf("somebody else may: %v", err)
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- index.Run(run) }()
	for end := time.Now().Add(30 * time.Second); strings.Count(said.String(), "\n") == 0 && time.Now().Before(end); {
		if err := db.Write(ctx, func(tx *store.Tx) error { return tx.Exec("DELETE FROM known_word WHERE 1 = 0") }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	for range 10 {
		if err := db.Write(ctx, func(tx *store.Tx) error { return tx.Exec("DELETE FROM known_word WHERE 1 = 0") }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(said.String(), "\n"); n != 1 {
		t.Errorf("it is said %d times: %s", n, said)
	}
}
