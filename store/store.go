// Package store keeps the desk's tables in SQLite or PostgreSQL: one writer that
// commits whatever is queued as one transaction and acknowledges after the
// commit, readers apart, migrations, sealed secrets and backups.
//
// It refuses to know what the tables mean, to acknowledge anything that is not
// on disk, and to go on after an fsync has failed.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"holdfast"
)

// ErrNoRows is what Scan of a single row returns when there is none.
var ErrNoRows = sql.ErrNoRows

// Options of Open.
type Options struct {
	// Dir is the data folder; SQLite's file lies in it.
	Dir string
	// URL is a PostgreSQL connection string; empty means SQLite.
	URL string
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// DB is an open database. Make one with Open.
type DB struct {
	log     *slog.Logger
	now     func() time.Time
	dialect dialect
	readers *sql.DB
	stmts   sync.Map // query text → *sql.Stmt on readers

	jobs    chan *job
	rests   chan struct{}
	quit    chan struct{}
	stopped chan struct{}
	failed  chan struct{}
	failure atomic.Pointer[failure]
	trouble atomic.Pointer[failure] // passing: full disk, server away
	mu      sync.RWMutex            // guards closed against sends on jobs
	closed  bool

	commits atomic.Int64
	written atomic.Int64
}

type failure struct{ err error }

// dialect is what differs between the two databases.
type dialect interface {
	// connect gives the writer its connection, anew after it broke.
	connect(ctx context.Context) (conn, error)
	// rewrite turns the schema's own words (BYTES, SERIALKEY) into the database's.
	rewrite(ddl string) string
	// reading is a reader's query as the database likes it best.
	reading(query string) string
	// classify says what an error means for the writer.
	classify(err error) trouble
	migrations() (driver string, db *sql.DB, done func())
	backup(ctx context.Context, path string) error
	copyTable(tx *Tx, table, suffix string) error
	rest(readers *sql.DB) // gives back what the readers remember
	name() string
	close() error
}

// conn is the writer's connection.
type conn interface {
	begin() error
	exec(query string, args []any) error // may be deferred until the next read or the commit
	execN(query string, args []any) (int64, error)
	query(query string, args []any) (*Rows, error)
	ask(questions []*Question) error // answers them, or none where asking one by one costs no more
	commit() error
	rollback() error
	tidy() error    // between transactions: checkpoints
	relieve() error // after a passing failure: give room back, if that is possible
	rest() error    // between transactions: give memory back
	close() error
}

type trouble int

const (
	jobFault trouble = iota // the statement's own: a constraint, bad SQL
	passing                 // the database is full, locked or away: try again later
	fatal                   // what is on disk is in doubt: stop
)

// Open opens or creates the database and brings its schema up to this binary.
// A database newer than the binary is refused (Conflict, "store.newer").
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	db := &DB{log: o.Log, now: o.Now, jobs: make(chan *job, 4096), rests: make(chan struct{}, 1), quit: make(chan struct{}), stopped: make(chan struct{}), failed: make(chan struct{})}
	var err error
	if o.URL != "" {
		db.dialect, db.readers, err = openPostgres(ctx, o.URL)
	} else {
		db.dialect, db.readers, err = openSQLite(o.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx, latest); err != nil {
		db.dialect.close()
		return nil, err
	}
	w := &writer{db: db}
	if err := w.reconnect(ctx); err != nil {
		db.dialect.close()
		return nil, err
	}
	go w.run()
	return db, nil
}

// Dialect names the database: for doctor, metrics and tests.
func (db *DB) Dialect() string { return db.dialect.name() }

// Now is the database's clock.
func (db *DB) Now() time.Time { return db.now() }

// Close lets the writer finish what is queued, then closes everything.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	db.mu.Unlock()
	close(db.quit)
	<-db.stopped
	db.stmts.Range(func(_, st any) bool { st.(*sql.Stmt).Close(); return true })
	return errors.Join(db.readers.Close(), db.dialect.close())
}

// Failed is closed when the database cannot go on (an fsync failed); Err says why.
func (db *DB) Failed() <-chan struct{} { return db.failed }

// Err is why the database is not accepting writes now, or nil. A fatal reason
// stays; a passing one (disk full, server away) goes when a write succeeds.
func (db *DB) Err() error {
	if f := db.failure.Load(); f != nil {
		return f.err
	}
	if f := db.trouble.Load(); f != nil {
		return f.err
	}
	return nil
}

// Stats are counters since Open.
func (db *DB) Stats() (commits, writes int64) { return db.commits.Load(), db.written.Load() }

// Rest gives back the memory that a busy time took: pages that were read are
// forgotten, and read again when they are asked for.
func (db *DB) Rest() {
	db.dialect.rest(db.readers)
	select {
	case db.rests <- struct{}{}:
	default: // it is told already
	}
}

// Queue is how many writes wait for the writer.
func (db *DB) Queue() int { return len(db.jobs) }

// Write runs fn in the writer's next transaction and returns after it is on
// disk. fn may run twice: when another write of the same batch fails, the batch
// is rolled back and each runs alone. fn must not keep tx or start goroutines with it.
// Errors: what fn returned; Unavailable when the database is full, away or shut.
func (db *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	return db.WriteAsking(ctx, nil, fn)
}

// WriteAsking is Write with a question that fn will have answered first. It is
// asked together with those of the other writes, where that saves a journey.
func (db *DB) WriteAsking(ctx context.Context, q *Question, fn func(tx *Tx) error) error {
	if f := db.failure.Load(); f != nil {
		return unavailable(f.err)
	}
	j := &job{ctx: ctx, ask: q, fn: fn, done: make(chan error, 1)}
	db.mu.RLock()
	if db.closed {
		db.mu.RUnlock()
		return unavailable(errors.New("the database is closed"))
	}
	select {
	case db.jobs <- j:
		db.mu.RUnlock()
	case <-ctx.Done():
		db.mu.RUnlock()
		return ctx.Err()
	case <-db.failed:
		db.mu.RUnlock()
		return unavailable(db.Err())
	}
	// Once queued, the outcome is waited for even when ctx ends: a caller that is
	// told "cancelled" about a write that happened would be told a lie. The writer
	// drops jobs whose ctx ended before they began.
	return <-j.done
}

func unavailable(err error) error {
	return holdfast.Errorf(holdfast.Unavailable, "store.unavailable", "the database cannot take this now: %w", err).
		WithNext("Try again in a moment; nothing of this request was stored.")
}

// Query reads with the readers' connections. $1 placeholders, as everywhere.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	st, err := db.prepared(ctx, query)
	if err != nil {
		return nil, readFailed(err)
	}
	rows, err := st.QueryContext(ctx, normal(args)...)
	if err != nil {
		return nil, readFailed(err)
	}
	return &Rows{rows: readRows{rows}}, nil
}

// QueryRow reads one row; its Scan returns ErrNoRows when there is none.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *Row {
	rows, err := db.Query(ctx, query, args...)
	return &Row{rows: rows, err: err}
}

func (db *DB) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := db.stmts.Load(query); ok {
		return st.(*sql.Stmt), nil
	}
	st, err := db.readers.PrepareContext(ctx, db.dialect.reading(plain(query)))
	if err != nil {
		return nil, err
	}
	if had, loaded := db.stmts.LoadOrStore(query, st); loaded {
		st.Close()
		return had.(*sql.Stmt), nil
	}
	return st, nil
}

// Unprepared reads with a query that is made for this call and not worth keeping.
func (db *DB) Unprepared(ctx context.Context, query string, args ...any) (*Rows, error) {
	rows, err := db.readers.QueryContext(ctx, db.dialect.reading(plain(query)), normal(args)...)
	if err != nil {
		return nil, readFailed(err)
	}
	return &Rows{rows: readRows{rows}}, nil
}

// readRows are rows of a reader: its connection may break while they are read.
type readRows struct{ *sql.Rows }

// Err is what stopped the reading, if not the end.
func (r readRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return readFailed(err)
	}
	return nil
}

func readFailed(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return holdfast.Errorf(holdfast.Unavailable, "store.unavailable", "the database does not answer: %w", err).
		WithNext("Try again in a moment.")
}

var braces = strings.NewReplacer("{", "", "}", "")

// plain is a query with its {table} marks taken off.
func plain(query string) string {
	if strings.IndexByte(query, '{') < 0 {
		return query
	}
	return braces.Replace(query)
}
