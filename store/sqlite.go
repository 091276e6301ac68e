package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What may stand in the write-ahead log before it is folded into the database
// file: so many statements, or so many commits. A lone message costs thirty pages
// whatever it says, so by statements alone the log of a quiet desk would take tens
// of megabytes, and on a full disk nothing could fold it any more.
const (
	checkpointAfter   = 4000
	checkpointCommits = 64
)

type sqliteDialect struct {
	path   string
	writer *sql.DB
}

func openSQLite(dir string) (dialect, *sql.DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	path, err := filepath.Abs(filepath.Join(dir, "holdfast.db"))
	if err != nil {
		return nil, nil, err
	}
	dsn := func(q url.Values) string { return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode() }
	// Checkpoints are ours: SQLite's own swallow an fsync error of the database file.
	writer, err := sql.Open("sqlite", dsn(url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(0)",
		"foreign_keys(ON)", "cache_size(-16000)", "temp_store(MEMORY)"}}))
	if err != nil {
		return nil, nil, err
	}
	writer.SetMaxOpenConns(1)
	if err := writer.Ping(); err != nil {
		writer.Close()
		return nil, nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		writer.Close()
		return nil, nil, err
	}
	readers, err := sql.Open("sqlite", dsn(url.Values{"_pragma": {
		"busy_timeout(5000)", "query_only(ON)", "cache_size(-8000)", "temp_store(MEMORY)"}}))
	if err != nil {
		writer.Close()
		return nil, nil, err
	}
	readers.SetMaxOpenConns(4)
	readers.SetMaxIdleConns(4)
	return &sqliteDialect{path: path, writer: writer}, readers, nil
}

func (d *sqliteDialect) name() string { return "sqlite" }
func (d *sqliteDialect) close() error { return d.writer.Close() }

func (d *sqliteDialect) rewrite(ddl string) string {
	return strings.NewReplacer("SERIALKEY", "INTEGER PRIMARY KEY", "BYTES", "BLOB").Replace(ddl)
}

func (d *sqliteDialect) migrations() (string, *sql.DB, func()) {
	return "sqlite3", d.writer, func() {}
}

func (d *sqliteDialect) classify(err error) trouble {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		if errors.Is(err, sql.ErrConnDone) {
			return passing
		}
		return jobFault
	}
	switch e.Code() {
	case sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE:
		return fatal
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR:
		return fatal
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return passing
	}
	return jobFault
}

func (d *sqliteDialect) connect(ctx context.Context) (conn, error) {
	c, err := d.writer.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{conn: c, stmts: map[string]*sql.Stmt{}}, nil
}

// sqliteConn runs statements as they come: in one process there is no round trip to save.
type sqliteConn struct {
	conn    *sql.Conn
	stmts   map[string]*sql.Stmt
	since   int // statements since the last checkpoint
	commits int // and commits
}

// background: a context that can end costs a goroutine per statement in the driver.
var background = context.Background()

func (c *sqliteConn) prepared(query string) (*sql.Stmt, error) {
	if st, ok := c.stmts[query]; ok {
		return st, nil
	}
	st, err := c.conn.PrepareContext(background, query)
	if err != nil {
		return nil, fmt.Errorf("%w in %q", err, query)
	}
	if len(c.stmts) > 512 {
		for q, old := range c.stmts {
			old.Close()
			delete(c.stmts, q)
		}
	}
	c.stmts[query] = st
	return st, nil
}

func (c *sqliteConn) run(query string) error {
	st, err := c.prepared(query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(background)
	return err
}

func (c *sqliteConn) begin() error    { return c.run("BEGIN IMMEDIATE") }
func (c *sqliteConn) commit() error   { c.commits++; return c.run("COMMIT") }
func (c *sqliteConn) rollback() error { return c.run("ROLLBACK") }

func (c *sqliteConn) exec(query string, args []any) error {
	st, err := c.prepared(query)
	if err != nil {
		return err
	}
	c.since++
	_, err = st.ExecContext(background, args...)
	return err
}

func (c *sqliteConn) execN(query string, args []any) (int64, error) {
	st, err := c.prepared(query)
	if err != nil {
		return 0, err
	}
	c.since++
	res, err := st.ExecContext(background, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c *sqliteConn) query(query string, args []any) (*Rows, error) {
	st, err := c.prepared(query)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(background, args...)
	if err != nil {
		return nil, err
	}
	return &Rows{rows: sqlRows{rows}}, nil
}

func (c *sqliteConn) tidy() error {
	if c.since < checkpointAfter && c.commits < checkpointCommits {
		return nil
	}
	return c.relieve()
}

// relieve folds the log into the database file: on a full disk that is where the
// room for the next transaction comes from.
func (c *sqliteConn) relieve() error {
	c.since, c.commits = 0, 0
	st, err := c.prepared("PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil {
		return err
	}
	var busy, frames, moved int
	if err := st.QueryRowContext(background).Scan(&busy, &frames, &moved); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func (c *sqliteConn) close() error {
	for _, st := range c.stmts {
		st.Close()
	}
	return c.conn.Close()
}
