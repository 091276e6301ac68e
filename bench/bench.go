// Package bench measures a private desk on this machine: what it takes in, how
// soon an operator sees it, what reading costs with a full base, and what idle
// visitors weigh. What a figure depends on most, the disk, is measured beside it
// in the same run.
//
// It refuses to write to a desk that it did not make, to send load anywhere but
// to its own desk on loopback, and to count a message that it cannot find
// afterwards.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/app"
)

// Parts are what can be measured, in the order in which they run.
var Parts = []string{"throughput", "latency", "reads", "start", "broadcast", "fallback", "probing", "visitors", "idle"}

// Options of Run. The zero value of each field but Config, Self and Out has a default.
type Options struct {
	// Config is the desk's configuration. Its data folder says which disk is
	// measured: the private desks lie beside it.
	Config app.Config
	// Self is the command that runs this program; "serve", "demo" and Loader are put behind it.
	Self []string
	// Loader are the words that make Self run Load.
	Loader []string
	// Only are the parts to run; none: all.
	Only []string
	// Duration of each measurement under load; 10 s.
	Duration time.Duration
	// Clients that write at once; 64.
	Clients int
	// Turns are the messages a visitor writes before the next one comes; 10.
	Turns int
	// Visitors who are connected and idle; 10,000.
	Visitors int
	// Recipients of the broadcast; 5,000.
	Recipients int
	// PostgresURL is a server on which a database may be made and dropped; "": none.
	PostgresURL string
	// Scale fills Config.Data with ScaleMessages and reads from that.
	Scale         bool
	ScaleMessages int // 1,000,000
	// Profile is a file for a CPU profile of the desk while it takes messages in.
	Profile string
	// Out gets the table, or JSON; Progress what happens meanwhile.
	Out      io.Writer
	JSON     bool
	Progress io.Writer
}

func (o *Options) fill() error {
	for _, p := range o.Only {
		if !slices.Contains(Parts, p) {
			return holdfast.Errorf(holdfast.Invalid, "bench.part_unknown", "there is no part %q", p).WithNext("Choose from " + strings.Join(Parts, ", ") + ".")
		}
	}
	for _, n := range []struct {
		to       *int
		fallback int
	}{{&o.Clients, 64}, {&o.Turns, 10}, {&o.Visitors, 10_000}, {&o.Recipients, 5000}, {&o.ScaleMessages, 1_000_000}} {
		if *n.to <= 0 {
			*n.to = n.fallback
		}
	}
	if o.Duration <= 0 {
		o.Duration = 10 * time.Second
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	return nil
}

// run is one run of the bench.
type run struct {
	Options
	log    *slog.Logger
	folder string // of the private desks
	report Report
}

// Run measures and writes the report to Out. Errors: Invalid for options that
// make no sense, Conflict "bench.lost" when a message that was acknowledged is
// not there once, and whatever stops a desk.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	r := &run{Options: o, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	r.report.Machine, r.report.Began = thisMachine(), time.Now().UTC()
	beside, err := filepath.Abs(o.Config.Data)
	if err != nil {
		return nil, err
	}
	if r.folder, err = os.MkdirTemp(filepath.Dir(beside), "holdfast-bench-"); err != nil {
		return nil, holdfast.Errorf(holdfast.Unavailable, "bench.folder", "the private desks have no place: %w", err).WithNext("Give --data a folder beside which one may be made.")
	}
	r.report.Folder = filepath.Dir(r.folder)
	err = r.all(ctx)
	return &r.report, errors.Join(err, r.report.write(o.Out, o.JSON), os.RemoveAll(r.folder))
}

func (r *run) wants(part string) bool { return len(r.Only) == 0 || slices.Contains(r.Only, part) }

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.Progress, format+"\n", args...) }

func (r *run) all(ctx context.Context) error {
	if err := r.onStore(ctx, embedded{r.folder}); err != nil {
		return err
	}
	if r.PostgresURL != "" {
		server, err := r.newServer(ctx)
		if err != nil {
			return err
		}
		err = errors.Join(r.onStore(ctx, server), server.dropAll())
		if err != nil {
			return err
		}
	}
	for _, p := range []struct {
		name    string
		measure func(context.Context) error
	}{{"probing", r.probing}, {"visitors", r.visitors}, {"idle", r.idle}} {
		if r.wants(p.name) {
			if err := p.measure(ctx); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	return nil
}

// onStore runs the parts that depend on the database.
func (r *run) onStore(ctx context.Context, s storage) error {
	if r.wants("throughput") {
		if err := r.throughput(ctx, s); err != nil {
			return fmt.Errorf("throughput on %s: %w", s.name(), err)
		}
	}
	if r.wants("latency") {
		if err := r.latency(ctx, s); err != nil {
			return fmt.Errorf("latency on %s: %w", s.name(), err)
		}
	}
	if r.wants("broadcast") {
		if err := r.broadcast(ctx, s); err != nil {
			return fmt.Errorf("broadcast on %s: %w", s.name(), err)
		}
	}
	if r.wants("fallback") {
		if err := r.fallback(ctx, s); err != nil {
			return fmt.Errorf("fallback on %s: %w", s.name(), err)
		}
	}
	if !r.wants("reads") && !r.wants("start") {
		return nil
	}
	full, err := r.filled(ctx, s)
	if err != nil {
		return fmt.Errorf("filling on %s: %w", s.name(), err)
	}
	if r.wants("reads") {
		if err := r.reads(ctx, s, full); err != nil {
			return fmt.Errorf("reads on %s: %w", s.name(), err)
		}
	}
	if r.wants("start") {
		if err := r.start(ctx, s, full); err != nil {
			return fmt.Errorf("start on %s: %w", s.name(), err)
		}
	}
	return nil
}
