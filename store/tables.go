package store

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// CopyEmpty makes empty copies of tables, with their indexes, under names that
// carry suffix. A projection fills them beside the ones in use.
func (tx *Tx) CopyEmpty(tables []string, suffix string) error {
	for _, t := range tables {
		if err := tx.dialect.copyTable(tx, t, suffix); err != nil {
			return fmt.Errorf("copying table %s: %w", t, err)
		}
	}
	return nil
}

// Swap puts the tables with suffix in the place of the ones in use.
func (tx *Tx) Swap(tables []string, suffix string) error {
	for _, t := range tables {
		if err := tx.Exec("DROP TABLE " + t); err != nil {
			return err
		}
		if err := tx.Exec("ALTER TABLE " + t + suffix + " RENAME TO " + t); err != nil {
			return err
		}
	}
	return nil
}

// Discard drops tables with suffix that a broken-off rebuild left behind.
func (tx *Tx) Discard(tables []string, suffix string) error {
	for _, t := range tables {
		if err := tx.Exec("DROP TABLE IF EXISTS " + t + suffix); err != nil {
			return err
		}
	}
	return nil
}

var rebuiltIndex = regexp.MustCompile(`_r\d+$`)

func (d *sqliteDialect) copyTable(tx *Tx, table, suffix string) error {
	type object struct{ kind, name, sql string }
	rows, err := tx.Query("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = $1 AND sql IS NOT NULL ORDER BY type DESC", table)
	list, err := Collect(rows, err, func(r *Rows, o *object) error { return r.Scan(&o.kind, &o.name, &o.sql) })
	if err != nil {
		return err
	}
	for _, o := range list {
		switch o.kind {
		case "table":
			ddl := strings.Replace(o.sql, `"`+table+`"`, table, 1) // as a rename leaves it
			ddl = strings.Replace(ddl, "TABLE "+table, "TABLE "+table+suffix, 1)
			if err := tx.Exec(ddl); err != nil {
				return err
			}
		case "index":
			fresh := rebuiltIndex.ReplaceAllString(o.name, "") + suffix
			ddl := strings.Replace(o.sql, `"`+table+`"`, table, 1)
			ddl = strings.Replace(ddl, o.name, fresh, 1)
			ddl = strings.Replace(ddl, " ON "+table+" ", " ON "+table+suffix+" ", 1)
			if err := tx.Exec(ddl); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *postgresDialect) copyTable(tx *Tx, table, suffix string) error {
	return tx.Exec("CREATE TABLE " + table + suffix + " (LIKE " + table + " INCLUDING ALL)")
}

// Describe lists tables, columns and indexes in a comparable form, for tests that
// a migrated schema equals a fresh one.
func (db *DB) Describe(ctx context.Context) ([]string, error) {
	query := `SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1`
	if db.Dialect() == "postgres" {
		query = `SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '')
			FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`
	}
	rows, err := db.Unprepared(ctx, query)
	return Collect(rows, err, func(r *Rows, s *string) error { return r.Scan(s) })
}
