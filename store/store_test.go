package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

func put(name, value string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO fact (name, value) VALUES ($1, $2)", name, []byte(value))
	}
}

func count(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(ctx, "SELECT count(*) FROM fact WHERE name LIKE 'k%'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAWriteIsThereWhenItReturns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Write(ctx, put("k1", "v")); err != nil {
			t.Fatal(err)
		}
		var v []byte
		if err := db.QueryRow(ctx, "SELECT value FROM fact WHERE name = $1", "k1").Scan(&v); err != nil || string(v) != "v" {
			t.Fatalf("read %q, %v", v, err)
		}
	})
}

func TestOneFailingWriteDoesNotHurtTheOthersOfItsBatch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		boom := errors.New("boom")
		errs := make([]error, 90)
		for i := range errs {
			wg.Go(func() {
				errs[i] = db.Write(ctx, func(tx *store.Tx) error {
					if err := put(fmt.Sprint("k", i), "v")(tx); err != nil {
						return err
					}
					switch i % 3 {
					case 1:
						return boom
					case 2:
						return tx.Exec("INSERT INTO fact (name, value) VALUES ($1, $2)", fmt.Sprint("k", i), []byte("twice"))
					}
					return nil
				})
			})
		}
		wg.Wait()
		for i, err := range errs {
			switch i % 3 {
			case 0:
				if err != nil {
					t.Errorf("write %d: %v", i, err)
				}
			case 1:
				if !errors.Is(err, boom) {
					t.Errorf("write %d: %v, want boom", i, err)
				}
			case 2:
				if err == nil {
					t.Errorf("write %d broke a constraint and was told nothing", i)
				}
			}
		}
		if n := count(t, db); n != 30 {
			t.Errorf("%d rows, want the 30 of the writes that succeeded", n)
		}
	})
}

func TestAPanicInOneWriteIsItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Write(ctx, func(*store.Tx) error { panic("oops") }); err == nil {
			t.Error("a panicking write succeeded")
		}
		if err := db.Write(ctx, put("k1", "v")); err != nil {
			t.Error(err)
		}
	})
}

func TestHooksRunOnlyAfterTheirCommit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ran := make(chan string, 4)
		db.Write(ctx, func(tx *store.Tx) error {
			tx.AfterCommit(func() { ran <- "failed" })
			put("k1", "v")(tx)
			return errors.New("no")
		})
		if err := db.Write(ctx, func(tx *store.Tx) error {
			tx.AfterCommit(func() { ran <- "done" })
			return put("k2", "v")(tx)
		}); err != nil {
			t.Fatal(err)
		}
		if got := <-ran; got != "done" {
			t.Errorf("the hook of a write that was rolled back ran")
		}
	})
}

func TestATimeZeroAndNullReadBackAsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		id := holdfast.NewID()
		err := db.Write(ctx, func(tx *store.Tx) error {
			return tx.Exec("INSERT INTO conversation (id, workspace, opened_at) VALUES ($1, $2, $3)", id, holdfast.NewID(), time.Time{})
		})
		if err != nil {
			t.Fatal(err)
		}
		var at time.Time
		var operator, got holdfast.ID
		if err := db.QueryRow(ctx, "SELECT id, opened_at, operator FROM conversation WHERE id = $1", id).Scan(&got, &at, &operator); err != nil {
			t.Fatal(err)
		}
		if got != id || !at.IsZero() || !operator.IsZero() {
			t.Errorf("got %v %v %v", got, at, operator)
		}
	})
}

func TestADatabaseAtRestStillServes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i := range 40 {
			if err := db.Write(ctx, put(fmt.Sprint("k", i), "v")); err != nil {
				t.Fatal(err)
			}
		}
		// Somebody is in the middle of reading, and others write, while it gives its memory back.
		rows, err := db.Query(ctx, "SELECT name FROM fact WHERE name LIKE 'k%'")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		seen := 0
		var wg sync.WaitGroup
		for rows.Next() {
			if seen++; seen%10 == 0 {
				at := seen
				db.Rest()
				wg.Go(func() {
					if err := db.Write(ctx, put(fmt.Sprint("later", at), "v")); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if err := rows.Err(); err != nil || seen != 40 || count(t, db) != 40 {
			t.Fatalf("read %d, %v", seen, err)
		}
	})
}

func TestWritesAfterCloseAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Close()
		if err := db.Write(ctx, put("k1", "v")); holdfast.KindOf(err) != holdfast.Unavailable {
			t.Errorf("got %v", err)
		}
	})
}

func TestABackupTakenUnderLoadIsWholeAndRestores(t *testing.T) {
	dir := t.TempDir()
	db := storetest.Open(t, store.Options{Dir: dir})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				// two rows a write: a torn copy would hold an odd number
				db.Write(ctx, func(tx *store.Tx) error {
					put(fmt.Sprint("k", i, "a"), "v")(tx)
					return put(fmt.Sprint("k", i, "b"), "v")(tx)
				})
			}
		}
	})
	time.Sleep(50 * time.Millisecond)
	copyAt := filepath.Join(t.TempDir(), "copy.db")
	err := db.Backup(ctx, copyAt)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Restore(ctx, dir, "", copyAt); holdfast.CodeOf(err) != "restore.exists" {
		t.Errorf("restoring over a database gave %v", err)
	}
	fresh := t.TempDir()
	if err := store.Restore(ctx, fresh, "", copyAt); err != nil {
		t.Fatal(err)
	}
	back := storetest.Open(t, store.Options{Dir: fresh})
	n := count(t, back)
	if n == 0 || n%2 != 0 {
		t.Errorf("the restored copy has %d rows, want an even number above 0", n)
	}
}

func BenchmarkWrite64(b *testing.B) {
	for _, name := range []string{"sqlite", "postgres"} {
		b.Run(name, func(b *testing.B) {
			o := store.Options{Dir: b.TempDir()}
			if name == "postgres" {
				o = store.Options{URL: storetest.PostgresURL(b)}
			}
			db := storetest.Open(b, o)
			body := make([]byte, 600)
			var n sync.Mutex
			seq := 0
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n.Lock()
					seq++
					k := seq
					n.Unlock()
					if err := db.Write(ctx, put(fmt.Sprint("k", k), string(body))); err != nil {
						b.Fatal(err)
					}
				}
			})
			commits, writes := db.Stats()
			b.ReportMetric(float64(writes)/float64(max(commits, 1)), "rows/commit")
		})
	}
}

func TestAFailedJobTakesNothingFromTheNextOnes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		type key struct{}
		ran := make(chan struct{}, 64)
		shared := func(tx *store.Tx) error {
			_, err := tx.Local(key{}, func() (any, error) {
				tx.AfterCommit(func() { ran <- struct{}{} })
				return 1, nil
			})
			return err
		}
		var wg sync.WaitGroup
		for i := range 40 { // whoever comes first in a transaction may be one that fails
			wg.Go(func() {
				db.Write(ctx, func(tx *store.Tx) error {
					if err := shared(tx); err != nil || i%2 == 0 {
						return errors.Join(err, errors.New("no"))
					}
					return put(fmt.Sprint("k", i), "v")(tx)
				})
			})
		}
		wg.Wait()
		commits, _ := db.Stats()
		if int64(len(ran)) < commits {
			t.Errorf("%d transactions were committed and only %d told so", commits, len(ran))
		}
	})
}
