package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"

	"modernc.org/sqlite"
)

func (d *sqliteDialect) connect(context.Context) (conn, error) {
	c, err := (&sqlite.Driver{}).Open(d.dsn)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{conn: c, stmts: map[string]*sqliteStmt{}}, nil
}

// sqliteConn runs statements as they come: in one process there is no round trip
// to save. It speaks to the driver itself, since one connection of one goroutine
// needs nothing of a pool and every message pays for it a dozen times.
type sqliteConn struct {
	conn    driver.Conn
	stmts   map[string]*sqliteStmt
	since   int // statements since the last checkpoint
	commits int // and commits
}

type sqliteStmt struct {
	driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	args  []driver.NamedValue
	row   []driver.Value
}

// background: a context that can end costs a goroutine per statement in the driver.
var background = context.Background()

func (c *sqliteConn) prepared(query string) (*sqliteStmt, error) {
	if st, ok := c.stmts[query]; ok {
		return st, nil
	}
	p, err := c.conn.Prepare(positional(lasting(query)))
	if err != nil {
		return nil, fmt.Errorf("%w in %q", err, query)
	}
	if len(c.stmts) > 512 {
		for q, old := range c.stmts {
			old.Close()
			delete(c.stmts, q)
		}
	}
	st := &sqliteStmt{Stmt: p, exec: p.(driver.StmtExecContext), query: p.(driver.StmtQueryContext)}
	c.stmts[query] = st
	return st, nil
}

// with binds arguments; they are used before the statement's next run.
func (st *sqliteStmt) with(args []any) []driver.NamedValue {
	st.args = st.args[:0]
	for i, v := range args {
		st.args = append(st.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return st.args
}

func (c *sqliteConn) run(query string) error {
	st, err := c.prepared(query)
	if err != nil {
		return err
	}
	_, err = st.exec.ExecContext(background, nil)
	return err
}

func (c *sqliteConn) begin() error    { return c.run("BEGIN IMMEDIATE") }
func (c *sqliteConn) commit() error   { c.commits++; return c.run("COMMIT") }
func (c *sqliteConn) rollback() error { return c.run("ROLLBACK") }

func (c *sqliteConn) exec(query string, args []any) error {
	_, err := c.execN(query, args)
	return err
}

func (c *sqliteConn) execN(query string, args []any) (int64, error) {
	st, err := c.prepared(query)
	if err != nil {
		return 0, err
	}
	c.since++
	res, err := st.exec.ExecContext(background, st.with(args))
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
	rows, err := st.query.QueryContext(background, st.with(args))
	if err != nil {
		return nil, err
	}
	if n := len(rows.Columns()); len(st.row) != n {
		st.row = make([]driver.Value, n)
	}
	return &Rows{rows: &sqliteRows{rows: rows, row: st.row}}, nil
}

func (c *sqliteConn) ask([]*Question) error { return nil }

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
	if err := c.run("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func (c *sqliteConn) rest() error { return c.run("PRAGMA shrink_memory") }

func (c *sqliteConn) close() error {
	for _, st := range c.stmts {
		st.Close()
	}
	return c.conn.Close()
}

// sqliteRows are rows of the writer's connection.
type sqliteRows struct {
	rows driver.Rows
	row  []driver.Value
	err  error
}

func (r *sqliteRows) Next() bool {
	if r.err != nil {
		return false
	}
	if r.err = r.rows.Next(r.row); r.err != nil {
		return false
	}
	return true
}

func (r *sqliteRows) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

func (r *sqliteRows) Close() error { return r.rows.Close() }

func (r *sqliteRows) Scan(dest ...any) error {
	if len(dest) != len(r.row) {
		return fmt.Errorf("store: %d columns into %d places", len(r.row), len(dest))
	}
	for i, d := range dest {
		if err := assign(d, r.row[i]); err != nil {
			return fmt.Errorf("store: column %d: %w", i+1, err)
		}
	}
	return nil
}

// assign puts a value of the driver's where a caller wants it.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case sql.Scanner:
		return d.Scan(v)
	case *[]byte:
		switch v := v.(type) {
		case nil:
			*d = nil
		case []byte:
			*d = v
		case string:
			*d = []byte(v)
		default:
			return fmt.Errorf("cannot read bytes from %T", v)
		}
		return nil
	case *any:
		*d = v
		return nil
	}
	to := reflect.ValueOf(dest).Elem()
	switch v := v.(type) {
	case int64:
		switch {
		case to.CanInt() && !to.OverflowInt(v):
			to.SetInt(v)
			return nil
		case to.CanUint() && v >= 0 && !to.OverflowUint(uint64(v)):
			to.SetUint(uint64(v))
			return nil
		case to.Kind() == reflect.Bool:
			to.SetBool(v != 0)
			return nil
		case to.CanFloat():
			to.SetFloat(float64(v))
			return nil
		}
	case float64:
		if to.CanFloat() {
			to.SetFloat(v)
			return nil
		}
	case string:
		switch {
		case to.Kind() == reflect.String:
			to.SetString(v)
			return nil
		case to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8:
			to.SetBytes([]byte(v))
			return nil
		}
	case []byte:
		switch {
		case to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8:
			to.SetBytes(v)
			return nil
		case to.Kind() == reflect.String:
			to.SetString(string(v))
			return nil
		}
	case nil:
		if k := to.Kind(); k == reflect.Pointer || k == reflect.Slice {
			to.SetZero()
			return nil
		}
	}
	return fmt.Errorf("cannot read %T into %T", v, dest)
}
