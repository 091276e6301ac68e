// Package storetest gives a test the databases that this machine has: SQLite
// always, PostgreSQL when HOLDFAST_TEST_POSTGRES names a server on which
// databases may be created.
//
// It refuses to be used outside tests.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that creates the databases

	"holdfast"
	"holdfast/store"
)

// Each runs test once per database, each time with an empty one.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, Open(t, store.Options{Dir: t.TempDir()})) })
	t.Run("postgres", func(t *testing.T) { test(t, Open(t, store.Options{URL: PostgresURL(t)})) })
}

// Open opens a database that is closed when the test ends.
func Open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// PostgresURL creates an empty database for this test and returns its address.
// Without a server it skips, or fails when HOLDFAST_TEST_REQUIRE=all.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("HOLDFAST_TEST_POSTGRES")
	if server == "" {
		Missing(t, "HOLDFAST_TEST_POSTGRES is not set: no PostgreSQL server to test on")
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	name := "hf_" + strings.ReplaceAll(holdfast.NewID().String(), "-", "")
	if _, err := admin.Exec("CREATE DATABASE " + name + " ENCODING 'UTF8' TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin, err := sql.Open("pgx", server)
		if err != nil {
			return
		}
		defer admin.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if _, err := admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Logf("dropping %s: %v", name, err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(fmt.Errorf("HOLDFAST_TEST_POSTGRES: %w", err))
	}
	u.Path = "/" + name
	return u.String()
}

// Missing skips a test whose outside part is absent, or fails it when
// HOLDFAST_TEST_REQUIRE=all says that everything must run.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
		t.Fatal(why)
	}
	t.Skip(why)
}
