package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"holdfast"
)

// Backup writes a consistent copy of the database to path while it serves:
// SQLite's online backup, or pg_dump's custom format.
func (db *DB) Backup(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err == nil {
		return holdfast.Errorf(holdfast.Conflict, "backup.exists", "%s exists already", path).WithNext("Choose another name.")
	}
	part := path + ".part"
	os.Remove(part)
	if err := db.dialect.backup(ctx, part); err != nil {
		os.Remove(part)
		return fmt.Errorf("backup: %w", err)
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

// Restore puts a backup where Open will find it: into dir for SQLite, into the
// empty database at url for PostgreSQL. What comes next must start a new
// incarnation (journal.NewIncarnation). An existing database is not overwritten.
func Restore(ctx context.Context, dir, url, backup string) error {
	if _, err := os.Stat(backup); err != nil {
		return holdfast.Errorf(holdfast.NotFound, "backup.missing", "there is no backup at %s", backup)
	}
	if url != "" {
		out, err := exec.CommandContext(ctx, "pg_restore", "--exit-on-error", "--no-owner", "--single-transaction", "--dbname", url, backup).CombinedOutput()
		if err != nil {
			return fmt.Errorf("pg_restore: %w: %s", err, strings.TrimSpace(string(out)))
		}
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "holdfast.db")
	for _, p := range []string{path, path + "-wal"} {
		if _, err := os.Stat(p); err == nil {
			return holdfast.Errorf(holdfast.Conflict, "restore.exists", "%s exists already", p).
				WithNext("Restore into an empty data folder, or move the old one away first.")
		}
	}
	src, err := sql.Open("sqlite", "file:"+backup+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer src.Close()
	var verdict string
	if err := src.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil || verdict != "ok" {
		return holdfast.Errorf(holdfast.Invalid, "backup.damaged", "%s is not a sound backup: %s %w", backup, verdict, errors.Join(err))
	}
	conn, err := src.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	part := path + ".part"
	os.Remove(part)
	if err := copyDatabase(conn, part); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncFile(dir)
}

func (d *sqliteDialect) backup(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", "file:"+d.path+"?_pragma=busy_timeout(5000)&_pragma=query_only(ON)")
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return copyDatabase(conn, path)
}

// copyDatabase copies in one step, which holds one read snapshot and blocks no writer.
func copyDatabase(conn *sql.Conn, path string) error {
	return conn.Raw(func(c any) error {
		b, err := c.(interface {
			NewBackup(string) (*sqlite.Backup, error)
		}).NewBackup(path)
		if err != nil {
			return err
		}
		if _, err := b.Step(-1); err != nil {
			b.Finish()
			return err
		}
		return b.Finish()
	})
}

func (d *postgresDialect) backup(ctx context.Context, path string) error {
	out, err := exec.CommandContext(ctx, "pg_dump", "--format=custom", "--file", path, "--dbname", d.url).CombinedOutput()
	if err != nil {
		return fmt.Errorf("pg_dump: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
