package store

import (
	"errors"
	"testing"
)

func TestParametersByPlace(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 1":                                           "SELECT 1",
		"INSERT INTO t (a, b) VALUES ($1, $2)":               "INSERT INTO t (a, b) VALUES (?, ?)",
		"SELECT $1, $2, $1 WHERE a = $3":                     "SELECT ?, ?, ?1 WHERE a = ?",
		"SELECT $2, $1":                                      "SELECT $2, $1", // out of order: by name
		"SELECT '$2', $1, 'it''s $3'":                        "SELECT '$2', ?, 'it''s $3'",
		`SELECT "a$2" FROM t WHERE b = $1`:                   `SELECT "a$2" FROM t WHERE b = ?`,
		"SELECT $1 -- and $2":                                "SELECT $1 -- and $2",
		"SELECT $1 / $2 - $3":                                "SELECT ? / ? - ?",
		"SELECT $name":                                       "SELECT $name",
		"SELECT $1, ?":                                       "SELECT $1, ?",
		"SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $1": "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?1",
	} {
		if got := positional(query); got != want {
			t.Errorf("%s became %s, want %s", query, got, want)
		}
	}
}

// Whatever a statement's parameters are written as, each gets its own value, also
// where one stands twice and where they are out of order.
func TestParametersOfTheWriter(t *testing.T) {
	db, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Write(t.Context(), func(tx *Tx) error {
		for query, want := range map[string]string{
			"SELECT $1 || $2 || $3":                       "abc",
			"SELECT $1 || $1 || $2 || $3 || $1":           "aabca",
			"SELECT $3 || $2 || $1":                       "cba",
			"SELECT $1 || '$3' || $2 || $3":               "a$3bc",
			"SELECT $1 || (SELECT $2 || $1) || $3":        "abac",
			"SELECT $1 || $3 || $2":                       "acb",
			"SELECT CASE WHEN $2 = 'b' THEN $1 || $3 END": "ac",
		} {
			for range 2 { // prepared and again
				var got string
				if err := tx.QueryRow(query, "a", "b", "c").Scan(&got); err != nil {
					return err
				}
				if got != want {
					t.Errorf("%s is %q, want %q", query, got, want)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A limit cuts as it did when it stood alone.
func TestALimitIsASum(t *testing.T) {
	if got, want := lasting("SELECT a FROM t WHERE b = $1 LIMIT $2"), "SELECT a FROM t WHERE b = $1 LIMIT 0+$2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	db, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, want := range []int{0, 1, 3} {
		rows, err := db.Query(t.Context(), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n LIMIT $1", want)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for ; rows.Next(); got++ {
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || got != want {
			t.Errorf("%d rows, want %d (%v)", got, want, err)
		}
	}
}

// A read that finds nothing, as those who follow the journal make when they look for
// news, each with the limit that suits it.
func BenchmarkLimit(b *testing.B) {
	db, err := Open(b.Context(), Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for i := 0; b.Loop(); i++ {
		rows, err := db.Query(b.Context(), "SELECT lsn, origin, seq, clock, body FROM journal WHERE lsn > $1 ORDER BY lsn LIMIT $2", 0, 100+i%2)
		if err != nil {
			b.Fatal(err)
		}
		rows.Close()
	}
}
