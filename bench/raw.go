package bench

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/search"
	"holdfast/store"
)

// raw is the database with nothing of the desk above it: the limit that the
// desk's own figure is compared with.
type raw struct {
	db   *store.DB
	text string // rows are cut from it
}

// rowMost bounds a raw row.
const rowMost = 256 << 10

// openRaw opens an empty database of the same kind.
func (r *run) openRaw(ctx context.Context, s storage) (*raw, error) {
	p, err := s.fresh(ctx)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{Dir: p.dir, URL: p.url, Log: r.log})
	if err != nil {
		return nil, err
	}
	// The bytes must not be such as a database could store in less room.
	var b strings.Builder
	for talk := newSpeech(1); b.Len() < rowMost; b.WriteByte(' ') {
		b.WriteString(talk.message(&tongues[2]))
	}
	w := &raw{db: db, text: b.String()}
	return w, db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("CREATE TABLE raw_row (id BIGINT PRIMARY KEY, data TEXT NOT NULL)")
	})
}

// rate writes rows of so many bytes for a while, with as many writers as there
// are clients, each row acknowledged after its commit, and returns rows a second.
func (w *raw) rate(ctx context.Context, writers, bytes int, d time.Duration) (float64, error) {
	row := w.text[:min(bytes, rowMost)]
	var next, written atomic.Int64
	if err := w.db.QueryRow(ctx, "SELECT COALESCE(MAX(id), 0) FROM raw_row").Scan(newest(&next)); err != nil {
		return 0, err
	}
	var first atomic.Pointer[error]
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				id := next.Add(1)
				err := w.db.Write(ctx, func(tx *store.Tx) error {
					return tx.Exec("INSERT INTO raw_row (id, data) VALUES ($1, $2)", id, row)
				})
				if err != nil {
					first.CompareAndSwap(nil, &err)
					return
				}
				written.Add(1)
			}
		})
	}
	wg.Wait()
	if err := first.Load(); err != nil {
		return 0, *err
	}
	return float64(written.Load()) / d.Seconds(), ctx.Err()
}

// sent is how many bytes have gone to the disk so far, indexes and logs and all:
// of this process, where the database is in it, else of the whole server. 0
// where the system does not say.
func (w *raw) sent(ctx context.Context) (int64, error) {
	if w.db.Dialect() != "postgres" {
		return diskBytes(), nil
	}
	var n int64
	err := w.db.QueryRow(ctx, "SELECT CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS BIGINT)").Scan(&n)
	return n, err
}

func diskBytes() int64 {
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "write_bytes:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return n
		}
	}
	return 0
}

// newest scans a number into an atomic one.
func newest(to *atomic.Int64) *scanned { return &scanned{to} }

type scanned struct{ to *atomic.Int64 }

// Scan is sql.Scanner's.
func (s *scanned) Scan(src any) error {
	if n, ok := src.(int64); ok {
		s.to.Store(n)
	}
	return nil
}

// weighMessage is how many bytes the path of one message writes, from those that
// the desk holds: its entries, its own row, its conversation's row and the words
// that it is found by. Numbers and ids count as they are, eight and sixteen bytes;
// indexes, which a raw row has none of but its key, do not count.
func weighMessage(ctx context.Context, d *desk) (int, error) {
	var messages, entries, bodies, texts, conversations, heads int
	for _, q := range []struct {
		text string
		to   []any
	}{
		{"SELECT COUNT(*), COALESCE(SUM(96 + octet_length(kind) + octet_length(actor_kind) + octet_length(body)), 0) FROM journal", []any{&entries, &bodies}},
		{`SELECT COUNT(*), COALESCE(SUM(112 + octet_length(direction) + octet_length(address) + octet_length(address_name) + octet_length(subject) + octet_length(text)
			+ octet_length(rest) + octet_length(html) + COALESCE(octet_length(extra), 0) + octet_length(raw)), 0) FROM message`, []any{&messages, &texts}},
		{`SELECT COUNT(*), COALESCE(SUM(192 + octet_length(subject) + octet_length(page) + octet_length(preview) + octet_length(state) + octet_length(status)), 0)
			FROM conversation`, []any{&conversations, &heads}},
	} {
		if err := d.DB.QueryRow(ctx, q.text).Scan(q.to...); err != nil {
			return 0, err
		}
	}
	rows, err := d.DB.Query(ctx, "SELECT text FROM message ORDER BY lsn DESC LIMIT 500")
	sample, err := store.Collect(rows, err, func(r *store.Rows, s *string) error { return r.Scan(s) })
	if err != nil || messages == 0 {
		return 0, err
	}
	found := 0
	for _, text := range sample {
		for _, w := range search.Words(text) {
			found += len(w) + 5 // the workspace's mark and a space
		}
	}
	return (bodies+texts)/messages + heads/conversations + found/len(sample), nil
}
