package store

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"holdfast"
)

// openAt opens a database and brings it to a version of the schema alone.
func openAt(t *testing.T, o Options, version int64) *DB {
	t.Helper()
	db := &DB{now: nil}
	var err error
	if o.URL != "" {
		db.dialect, db.readers, err = openPostgres(context.Background(), o.URL)
	} else {
		db.dialect, db.readers, err = openSQLite(o.Dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	if version > 0 {
		if err := db.migrate(context.Background(), version); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func (db *DB) shut() {
	db.readers.Close()
	db.dialect.close()
}

func versions(t *testing.T) []int64 {
	t.Helper()
	entries, err := schema.ReadDir("schema")
	if err != nil {
		t.Fatal(err)
	}
	var list []int64
	for _, e := range entries {
		v, err := goose.NumericComponent(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// anywhere runs a test on each database; PostgreSQL needs its own empty one for
// every step, which the caller makes with fresh.
func anywhere(t *testing.T, test func(t *testing.T, fresh func() Options)) {
	t.Run("sqlite", func(t *testing.T) { test(t, func() Options { return Options{Dir: t.TempDir()} }) })
	t.Run("postgres", func(t *testing.T) {
		server := os.Getenv("HOLDFAST_TEST_POSTGRES")
		if server == "" {
			if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
				t.Fatal("HOLDFAST_TEST_POSTGRES is not set")
			}
			t.Skip("HOLDFAST_TEST_POSTGRES is not set: no PostgreSQL server to test on")
		}
		test(t, func() Options { return Options{URL: freshPostgres(t, server)} })
	})
}

func freshPostgres(t *testing.T, server string) string {
	t.Helper()
	d, admin, err := openPostgres(context.Background(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	defer admin.Close()
	name := "hfm_" + strings.ReplaceAll(holdfast.NewID().String(), "-", "")
	if _, err := admin.Exec("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, admin, err := openPostgres(context.Background(), server)
		if err != nil {
			return
		}
		defer admin.Close()
		admin.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
	})
	i := strings.LastIndexByte(server, '/')
	rest := server[i+1:]
	if q := strings.IndexByte(rest, '?'); q >= 0 {
		return server[:i+1] + name + rest[q:]
	}
	return server[:i+1] + name
}

func TestUpgradingFromAnyVersionGivesAFreshSchema(t *testing.T) {
	anywhere(t, func(t *testing.T, fresh func() Options) {
		db := openAt(t, fresh(), latest)
		want, err := db.Describe(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		db.shut()
		all := versions(t)
		for i, from := range all {
			o := fresh()
			db := openAt(t, o, from)
			for _, step := range all[i:] { // and by every way there
				if err := db.migrate(context.Background(), step); err != nil {
					t.Fatalf("from %d to %d: %v", from, step, err)
				}
			}
			got, err := db.Describe(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			db.shut()
			if !slices.Equal(got, want) {
				t.Errorf("upgraded from %d the schema differs from a fresh one:\n%s\n--- fresh:\n%s", from, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

func TestADatabaseOfANewerReleaseIsRefused(t *testing.T) {
	anywhere(t, func(t *testing.T, fresh func() Options) {
		o := fresh()
		db := openAt(t, o, latest)
		_, conn, done := db.dialect.migrations()
		if _, err := conn.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999999, TRUE)"); err != nil {
			t.Fatal(err)
		}
		done()
		db.shut()
		_, err := Open(context.Background(), o)
		if holdfast.CodeOf(err) != "store.newer" {
			t.Fatalf("opening it gave %v", err)
		}
		if e := err.(*holdfast.Error); !strings.Contains(e.Message, "999999") || e.Next == "" {
			t.Errorf("it says %q, next %q", e.Message, e.Next)
		}
	})
}
