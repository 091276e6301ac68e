package store

import (
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

// sqliteReaders is how many may read at once.
const sqliteReaders = 4

type sqliteDialect struct {
	path   string
	dsn    string // of the writer's connection
	schema *sql.DB
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
	d := &sqliteDialect{path: path, dsn: dsn(url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(0)",
		"foreign_keys(ON)", "cache_size(-16000)", "temp_store(MEMORY)"}})}
	if d.schema, err = sql.Open("sqlite", d.dsn); err != nil {
		return nil, nil, err
	}
	d.schema.SetMaxOpenConns(1)
	d.schema.SetMaxIdleConns(0)
	if err := d.schema.Ping(); err != nil {
		d.schema.Close()
		return nil, nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		d.schema.Close()
		return nil, nil, err
	}
	readers, err := sql.Open("sqlite", dsn(url.Values{"_pragma": {
		"busy_timeout(5000)", "query_only(ON)", "cache_size(-8000)", "temp_store(MEMORY)"}}))
	if err != nil {
		d.schema.Close()
		return nil, nil, err
	}
	readers.SetMaxOpenConns(sqliteReaders)
	readers.SetMaxIdleConns(sqliteReaders)
	return d, readers, nil
}

// rest closes the readers that nobody uses: what they remember goes with them.
func (d *sqliteDialect) rest(readers *sql.DB) {
	readers.SetMaxIdleConns(0)
	readers.SetMaxIdleConns(sqliteReaders)
}

func (d *sqliteDialect) name() string { return "sqlite" }
func (d *sqliteDialect) close() error { return d.schema.Close() }

func (d *sqliteDialect) rewrite(ddl string) string {
	return strings.NewReplacer("SERIALKEY", "INTEGER PRIMARY KEY", "BYTES", "BLOB").Replace(ddl)
}

func (d *sqliteDialect) reading(query string) string { return lasting(query) }

func (d *sqliteDialect) migrations() (string, *sql.DB, func()) {
	return "sqlite3", d.schema, func() {}
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
