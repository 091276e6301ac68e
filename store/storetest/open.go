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
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that creates the databases

	"holdfast"
	"holdfast/store"
)

// Each runs test once per database, each time with an empty one.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, Open(t, store.Options{Dir: Folder(t)})) })
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

// Folder is a data folder with an embedded database without a row, of today's schema.
func Folder(t testing.TB) string {
	t.Helper()
	b, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, database), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

const database = "holdfast.db"

// embedded is the file that folders are made of: the schema's files take a hundred
// times as long as a copy does.
var embedded = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "holdfast-model-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	db, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, database))
})

// PostgresURL creates a database without a row, of today's schema, for this test and
// returns its address. Without a server it skips, or fails when HOLDFAST_TEST_REQUIRE=all.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("HOLDFAST_TEST_POSTGRES")
	if server == "" {
		Missing(t, "HOLDFAST_TEST_POSTGRES is not set: no PostgreSQL server to test on")
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(fmt.Errorf("HOLDFAST_TEST_POSTGRES: %w", err))
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	admin.SetMaxOpenConns(1) // a lock is its connection's
	model, err := template(admin, *u)
	if err != nil {
		t.Fatal(err)
	}
	name := "hf_" + strings.ReplaceAll(holdfast.NewID().String(), "-", "")
	if _, err := admin.Exec("CREATE DATABASE " + name + " TEMPLATE " + model); err != nil {
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
	u.Path = "/" + name
	return u.String()
}

// template is a database of today's schema that others are copied from, made by the
// first who needs it: a copy takes a tenth of the time that the schema's files take.
func template(admin *sql.DB, u url.URL) (string, error) {
	name := "hf_template_" + store.Schema()
	const lock = 0x686f6c64
	if _, err := admin.Exec("SELECT pg_advisory_lock($1)", lock); err != nil {
		return "", err
	}
	defer admin.Exec("SELECT pg_advisory_unlock($1)", lock)
	var there bool
	if err := admin.QueryRow("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
		return name, err
	}
	// Who dies in between leaves a half, under a name that nobody copies.
	half := name + "_half"
	for _, ddl := range []string{"DROP DATABASE IF EXISTS " + half + " WITH (FORCE)", "CREATE DATABASE " + half + " ENCODING 'UTF8' TEMPLATE template0"} {
		if _, err := admin.Exec(ddl); err != nil {
			return "", err
		}
	}
	u.Path = "/" + half
	db, err := store.Open(context.Background(), store.Options{URL: u.String()})
	if err != nil {
		return "", err
	}
	if err := db.Close(); err != nil {
		return "", err
	}
	_, err = admin.Exec("ALTER DATABASE " + half + " RENAME TO " + name)
	return name, err
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
