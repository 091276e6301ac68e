package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"holdfast"
)

//go:embed schema/*.sql
var schema embed.FS

const latest = math.MaxInt64

// Schema is a digest of the schema that this binary makes, 16 hex digits: a database
// that was made ready under another one is not of today.
func Schema() string {
	sum := sha256.New()
	entries, _ := schema.ReadDir("schema") // it is in the binary
	for _, e := range entries {
		b, _ := schema.ReadFile("schema/" + e.Name())
		fmt.Fprintf(sum, "%s %d\n%s", e.Name(), len(b), b)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// migrate brings the schema up to a version, or to the newest.
func (db *DB) migrate(ctx context.Context, to int64) error {
	files, err := rewritten(db.dialect.name(), db.dialect.rewrite)
	if err != nil {
		return err
	}
	dialect, conn, done := db.dialect.migrations()
	defer done()
	return migrate(ctx, goose.Dialect(dialect), conn, files, to)
}

func migrate(ctx context.Context, dialect goose.Dialect, conn *sql.DB, files fs.FS, to int64) error {
	p, err := goose.NewProvider(dialect, conn, files, goose.WithVerbose(false))
	if err != nil {
		return err
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if have > newest {
		return holdfast.Errorf(holdfast.Conflict, "store.newer", "the database has schema %d, this binary knows up to %d", have, newest).
			WithNext("Run the newer release that wrote this database, or restore a backup made by this one.")
	}
	if have == newest {
		return nil
	}
	if to == latest {
		to = newest
	}
	if _, err := p.UpTo(ctx, to); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	return nil
}

// rewritten is the schema folder in the database's own words.
func rewritten(dialect string, rewrite func(string) string) (fs.FS, error) {
	out := fstest.MapFS{}
	entries, err := schema.ReadDir("schema")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		b, err := schema.ReadFile("schema/" + e.Name())
		if err != nil {
			return nil, err
		}
		out[e.Name()] = &fstest.MapFile{Data: []byte(rewrite(only(dialect, string(b))))}
	}
	return out, nil
}

// only keeps the lines that are for everybody or for this dialect: a line that
// begins with "--sqlite:" or "--postgres:" counts, without that, for that one alone.
func only(dialect, ddl string) string {
	var out strings.Builder
	for line := range strings.Lines(ddl) {
		if mine, ok := strings.CutPrefix(line, "--"+dialect+":"); ok {
			out.WriteString(mine)
		} else if !strings.HasPrefix(line, "--sqlite:") && !strings.HasPrefix(line, "--postgres:") {
			out.WriteString(line)
		}
	}
	return out.String()
}
