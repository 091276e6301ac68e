package bench

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that makes the databases

	"holdfast"
)

// storage makes places for private desks.
type storage interface {
	name() string
	// fresh makes an empty place: a folder, and the address of a database if it is not in there.
	fresh(ctx context.Context) (place, error)
}

// place is where one desk keeps what it has.
type place struct{ dir, url string }

// embedded makes folders whose desks keep their database in them.
type embedded struct{ folder string }

func (embedded) name() string { return "SQLite" }

func (e embedded) fresh(context.Context) (place, error) {
	dir, err := os.MkdirTemp(e.folder, "desk-")
	return place{dir: dir}, err
}

// server makes databases of its own on a PostgreSQL server, and drops them.
type server struct {
	embedded // the desks' folders
	url      *url.URL
	admin    *sql.DB
	made     *[]string
}

func (r *run) newServer(ctx context.Context) (*server, error) {
	u, err := url.Parse(r.PostgresURL)
	if err != nil || u.Scheme == "" {
		return nil, holdfast.Errorf(holdfast.Invalid, "bench.postgres_url", "the PostgreSQL server's address is no URL").WithNext("Write it as postgres://user:password@host/postgres.")
	}
	admin, err := sql.Open("pgx", u.String())
	if err != nil {
		return nil, err
	}
	if err := admin.PingContext(ctx); err != nil {
		admin.Close()
		return nil, holdfast.Errorf(holdfast.Unavailable, "bench.postgres_away", "the PostgreSQL server at %s does not answer: %w", u.Host, err)
	}
	return &server{embedded{r.folder}, u, admin, new([]string)}, nil
}

func (*server) name() string { return "PostgreSQL" }

func (s *server) fresh(ctx context.Context) (place, error) {
	p, err := s.embedded.fresh(ctx)
	if err != nil {
		return p, err
	}
	name := "holdfast_bench_" + strings.ReplaceAll(holdfast.NewID().String(), "-", "")
	if _, err := s.admin.ExecContext(ctx, "CREATE DATABASE "+name+" ENCODING 'UTF8' TEMPLATE template0"); err != nil {
		return p, holdfast.Errorf(holdfast.Forbidden, "bench.postgres_create", "no database can be made: %w", err).WithNext("Use an account that may create databases.")
	}
	*s.made = append(*s.made, name)
	u := *s.url
	u.Path = "/" + name
	p.url = u.String()
	return p, nil
}

// dropAll drops what fresh made.
func (s *server) dropAll() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var errs []error
	for _, name := range *s.made {
		_, err := s.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		errs = append(errs, err)
	}
	return errors.Join(append(errs, s.admin.Close())...)
}
