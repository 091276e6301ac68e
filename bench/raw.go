package bench

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"holdfast"
	"holdfast/search"
	"holdfast/store"
)

// raw is the database with nothing of the desk above it: the limit that the
// desk's own figure is compared with.
type raw struct {
	db   *store.DB
	text string // rows are cut from it
	next atomic.Int64
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

// rows writes single rows of so many bytes, see rate.
func (w *raw) rows(ctx context.Context, writers, bytes int, d time.Duration) (float64, error) {
	row := w.text[:min(bytes, rowMost)]
	return w.rate(ctx, writers, d, func(tx *store.Tx, n int64) error {
		return tx.Exec("INSERT INTO raw_row (id, data) VALUES ($1, $2)", n, row)
	})
}

// messages writes the rows that a message is, in the desk's own tables with their
// indexes: its entry, itself, its conversation's and, with words, those that it is
// found by. Nothing is asked, and nothing is worked out.
func (w *raw) messages(ctx context.Context, writers, turns int, m heft, words bool, d time.Duration) (float64, error) {
	body, text := []byte(w.text[:m.body]), w.text[:m.text]
	origin, workspace, channel, customer := holdfast.NewID(), holdfast.NewID(), holdfast.NewID(), holdfast.NewID()
	talks := make([]holdfast.ID, writers) // as many go on at once as there are clients
	for i := range talks {
		talks[i] = holdfast.NewID()
	}
	return w.rate(ctx, writers, d, func(tx *store.Tx, n int64) error {
		talk := &talks[int(n)%writers]
		if int(n)/writers%turns == 0 {
			*talk = holdfast.NewID()
		}
		clock := holdfast.ClockAt(tx.Now)
		if err := tx.Exec(`INSERT INTO journal (lsn, origin, seq, clock, at, workspace, subject, kind, actor_kind, actor, body)
			VALUES ($1, $2, $1, $3, $4, $5, $6, 'message.received', 'customer', $7, $8)`, n, origin, clock, tx.Now, workspace, *talk, customer, body); err != nil {
			return err
		}
		if err := tx.Exec(`INSERT INTO message (lsn, id, workspace, conversation, clock, at, direction, customer, channel, text)
			VALUES ($1, $2, $3, $4, $5, $6, 'in', $7, $8, $9)`, n, holdfast.NewID(), workspace, *talk, clock, tx.Now, customer, channel, text); err != nil {
			return err
		}
		if err := tx.Exec(`INSERT INTO conversation (id, workspace, customer, channel, last_clock, preview) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO UPDATE SET last_clock = excluded.last_clock, preview = excluded.preview`, *talk, workspace, customer, channel, clock, text[:min(len(text), 140)]); err != nil || !words {
			return err
		}
		return search.Put(tx, holdfast.LSN(n), m.words[int(n)%len(m.words)])
	})
}

// rate writes for a while, with as many writers as there are clients, each write
// acknowledged after its commit, and returns writes a second.
func (w *raw) rate(ctx context.Context, writers int, d time.Duration, write func(tx *store.Tx, n int64) error) (float64, error) {
	var written atomic.Int64
	var first atomic.Pointer[error]
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				n := w.next.Add(1)
				if err := w.db.Write(ctx, func(tx *store.Tx) error { return write(tx, n) }); err != nil {
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

// heft is how many bytes a message is, on the average.
type heft struct {
	all        int        // that its path writes
	body, text int        // of its entry, and of its own text
	words      [][]string // that messages are found by, marked as in the index
}

// weighMessage is how many bytes the path of one message writes, from those that
// the desk holds: its entries, its own row, its conversation's row and the words
// that it is found by. Numbers and ids count as they are, eight and sixteen bytes;
// indexes, which a raw row has none of but its key, do not count.
func weighMessage(ctx context.Context, d *desk) (w heft, err error) {
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
			return w, err
		}
	}
	rows, err := d.DB.Query(ctx, "SELECT text FROM message ORDER BY lsn DESC LIMIT 500")
	sample, err := store.Collect(rows, err, func(r *store.Rows, s *string) error { return r.Scan(s) })
	if err != nil || messages == 0 {
		return w, err
	}
	found := 0
	var words [][]string
	for _, text := range sample {
		var marked []string
		for _, w := range search.Words(text) {
			found += len(w) + 5 // the workspace's mark and a space
			marked = append(marked, "0000"+w)
		}
		words = append(words, marked)
	}
	long := 0
	for _, text := range sample {
		long += len(text)
	}
	return heft{all: (bodies+texts)/messages + heads/conversations + found/len(sample), body: bodies/messages - 96, text: long / len(sample), words: words}, nil
}
