package store

import (
	"reflect"
	"strings"
	"time"

	"holdfast"
)

// Tx is the writer's transaction as one job sees it.
type Tx struct {
	// Now is the moment the transaction began; it stands still within it.
	Now     time.Time
	conn    conn
	dialect dialect
	suffix  string // of the tables named in {braces}: "" or a rebuild's
	names   map[string]string
	state   *batchState
}

// batchState is what the jobs of one transaction share.
type batchState struct {
	local  map[any]any
	after  []func()
	writes int64
}

// Exec changes rows. On PostgreSQL it may be sent later, in one go with others;
// an error then surfaces at the next read or at the commit and fails the job.
func (tx *Tx) Exec(query string, args ...any) error {
	tx.state.writes++
	return tx.conn.exec(tx.expand(query), normal(args))
}

// ExecN changes rows and returns how many.
func (tx *Tx) ExecN(query string, args ...any) (int64, error) {
	tx.state.writes++
	return tx.conn.execN(tx.expand(query), normal(args))
}

// Query reads within the transaction. Close the rows before the next call.
func (tx *Tx) Query(query string, args ...any) (*Rows, error) {
	return tx.conn.query(tx.expand(query), normal(args))
}

// QueryRow reads one row; its Scan returns ErrNoRows when there is none.
func (tx *Tx) QueryRow(query string, args ...any) *Row {
	rows, err := tx.Query(query, args...)
	return &Row{rows: rows, err: err}
}

// Question is a read of one row that a write begins with. A server elsewhere is
// asked the questions of a whole batch in one journey, before the first of its
// writes runs.
type Question struct {
	// Query and Args are as in QueryRow. Read puts the answer where it is wanted; a
	// row that is not there is ErrNoRows of its Scan.
	Query string
	Args  []any
	Read  func(*Row) error

	answered bool
}

// Answer sees that the question is answered as of the beginning of the
// transaction or later. Forget first, if what others of the transaction wrote
// since may have changed the answer.
func (q *Question) Answer(tx *Tx) error {
	if q.answered {
		return nil
	}
	return q.Read(tx.QueryRow(q.Query, q.Args...))
}

// Forget has the question asked anew.
func (q *Question) Forget() { q.answered = false }

// AfterCommit runs f once the transaction is on disk; never when it is not.
func (tx *Tx) AfterCommit(f func()) { tx.state.after = append(tx.state.after, f) }

// Local keeps a value for the rest of this transaction, whoever's job it is in.
// What is kept must be true of the transaction, not of one job's success.
func (tx *Tx) Local(key any, make func() (any, error)) (any, error) {
	if v, ok := tx.state.local[key]; ok {
		return v, nil
	}
	v, err := make()
	if err != nil {
		return nil, err
	}
	if tx.state.local == nil {
		tx.state.local = map[any]any{}
	}
	tx.state.local[key] = v
	return v, nil
}

// Kept is what Local keeps under key, or nil.
func (tx *Tx) Kept(key any) any { return tx.state.local[key] }

// Suffixed is tx with every table named in {braces} carrying a suffix: how a
// projection fills new tables beside the ones in use.
func (tx *Tx) Suffixed(suffix string) *Tx {
	c := *tx
	c.suffix, c.names = suffix, map[string]string{}
	return &c
}

// Suffix is what Suffixed was given, "" for the tables in use.
func (tx *Tx) Suffix() string { return tx.suffix }

// Dialect names the database.
func (tx *Tx) Dialect() string { return tx.dialect.name() }

func (tx *Tx) expand(query string) string {
	if strings.IndexByte(query, '{') < 0 {
		return query
	}
	if s, ok := tx.names[query]; ok {
		return s
	}
	s := query
	if tx.suffix == "" {
		s = braces.Replace(query)
	} else {
		s = strings.ReplaceAll(strings.ReplaceAll(query, "{", ""), "}", tx.suffix)
	}
	tx.names[query] = s
	return s
}

// Rows is a result being read.
type Rows struct{ rows rowsReader }

type rowsReader interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// Next moves to the next row.
func (r *Rows) Next() bool { return r.rows.Next() }

// Scan reads the row. *time.Time reads Unix milliseconds, 0 and NULL as the zero time.
func (r *Rows) Scan(dest ...any) error {
	for i, d := range dest {
		switch p := d.(type) {
		case *time.Time:
			dest[i] = (*millis)(p)
		case *string:
			dest[i] = (*text)(p)
		}
	}
	return r.rows.Scan(dest...)
}

// Err is what stopped Next, if not the end.
func (r *Rows) Err() error { return r.rows.Err() }

// Close ends the reading.
func (r *Rows) Close() error { return r.rows.Close() }

// Row is the first row of a result.
type Row struct {
	rows *Rows
	err  error
}

// Scan reads the row and ends the reading.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return r.rows.Err()
}

// Collect reads all rows of a query into a slice.
func Collect[T any](rows *Rows, err error, scan func(*Rows, *T) error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// normal turns our types into the ones both drivers take.
func normal(args []any) []any {
	for i, a := range args {
		switch v := a.(type) {
		case nil, string, int64, []byte, bool, float64:
		case int:
			args[i] = int64(v)
		case holdfast.ID:
			if v.IsZero() {
				args[i] = nil
			} else {
				b := make([]byte, 16)
				copy(b, v[:])
				args[i] = b
			}
		case holdfast.LSN:
			args[i] = int64(v)
		case holdfast.Clock:
			args[i] = int64(v)
		case time.Time:
			if v.IsZero() {
				args[i] = int64(0)
			} else {
				args[i] = v.UnixMilli()
			}
		case time.Duration:
			args[i] = v.Milliseconds()
		default:
			switch rv := reflect.ValueOf(a); rv.Kind() {
			case reflect.String:
				args[i] = rv.String()
			case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32:
				args[i] = rv.Int()
			case reflect.Slice:
				if rv.Type().Elem().Kind() == reflect.Uint8 {
					args[i] = rv.Bytes()
				}
			}
		}
	}
	return args
}
