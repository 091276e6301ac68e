package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"
	"github.com/lmittmann/tint"
	"github.com/schollz/progressbar/v3"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/demo"
	"holdfast/setup"
	"holdfast/store"
)

// commands is the command line.
type commands struct {
	app.Config `embed:""`
	File       string           `name:"config" env:"HOLDFAST_CONFIG" placeholder:"FILE" help:"TOML file with the same settings."`
	Version    kong.VersionFlag `help:"Print the version."`

	Serve    serveCmd    `cmd:"" default:"1" help:"Run the desk."`
	Demo     demoCmd     `cmd:"" help:"Run the desk with a demo workspace."`
	Bench    benchCmd    `cmd:"" help:"Measure this machine with a private desk."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the database up to this release."`
	Rebuild  rebuildCmd  `cmd:"" help:"Fill the lists anew from the journal."`
	Doctor   doctorCmd   `cmd:"" help:"Check the data folder, the database and the channels."`
	Backup   backupCmd   `cmd:"" help:"Write a consistent copy, also while the desk runs."`
	Restore  restoreCmd  `cmd:"" help:"Start from a backup, in an empty data folder."`
	Settings configCmd   `cmd:"" name:"config" help:"Print the effective configuration, without secrets."`
	Operator operatorCmd `cmd:"" help:"Look after operators."`
	Token    tokenCmd    `cmd:"" help:"Look after API tokens."`
	Import   importCmd   `cmd:"" help:"Bring the history of another desk or of a file."`
	OpenAPI  openapiCmd  `cmd:"" name:"openapi" hidden:"" help:"Print the description of the API."`
}

func logger(c *app.Config) *slog.Logger {
	var level slog.Level
	level.UnmarshalText([]byte(c.LogLevel))
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(tint.NewHandler(os.Stderr, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: os.Getenv("NO_COLOR") != "" || !terminal(os.Stderr)}))
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

type serveCmd struct{}

func (*serveCmd) Run(ctx context.Context, c *app.Config) error { return serve(ctx, c, false) }

type demoCmd struct{}

func (*demoCmd) Run(ctx context.Context, c *app.Config) error { return serve(ctx, c, true) }

// serve runs the desk and prints one line when it is ready.
func serve(ctx context.Context, c *app.Config, fill bool) (err error) {
	a := app.New(*c, logger(c))
	attach := demo.Attach
	if fill {
		attach = demo.Virtual
	}
	d := attach(a)
	if err := a.Open(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop while it waited for the database
		}
		return err
	}
	defer func() { err = errors.Join(err, d.Close(), a.Close()) }()
	if err := d.Start(ctx, fill); err != nil {
		return err
	}
	link, err := a.WelcomeLink(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("Holdfast %s is ready at %s — %s\n", holdfast.Version, a.URL(), link)
	// What starting took, and what the followers had to read then, is not needed any
	// more: a desk at rest is small without it.
	rest := time.AfterFunc(settled, func() {
		a.DB.Rest()
		debug.FreeOSMemory()
	})
	defer rest.Stop()
	return a.Run(ctx)
}

// settled is when a desk that has started has done what starting brings with it.
const settled = 5 * time.Second

// withData runs fn on the data folder, beside a running desk or without one.
func withData(ctx context.Context, c *app.Config, fn func(a *app.App) error) (err error) {
	quiet := *c
	if c.LogLevel == "info" {
		quiet.LogLevel = "warn"
	}
	a := app.New(*c, logger(&quiet))
	if err := a.OpenData(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.DB.Close()) }()
	return fn(a)
}

type migrateCmd struct{}

func (*migrateCmd) Run(ctx context.Context, c *app.Config) error {
	return withData(ctx, c, func(a *app.App) error {
		fmt.Printf("The %s database is at this release's schema.\n", a.DB.Dialect())
		return nil
	})
}

type rebuildCmd struct {
	Projection []string `arg:"" optional:"" help:"Which ones; none: all."`
}

func (r *rebuildCmd) Run(ctx context.Context, c *app.Config) error {
	return withData(ctx, c, func(a *app.App) error {
		names := r.Projection
		if len(names) == 0 {
			names = a.Journal.Projections()
		}
		for _, name := range names {
			bar := progressbar.NewOptions64(int64(a.Journal.Head()), progressbar.OptionSetDescription(name), progressbar.OptionSetWriter(os.Stderr),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("entries"), progressbar.OptionThrottle(200*time.Millisecond))
			err := a.Journal.Rebuild(ctx, name, func(done, _ holdfast.LSN) { bar.Set64(int64(done)) })
			bar.Finish()
			fmt.Fprintln(os.Stderr)
			if err != nil {
				return err
			}
		}
		fmt.Printf("Filled anew from %d entries: %v\n", a.Journal.Head(), names)
		return nil
	})
}

type doctorCmd struct{}

func (*doctorCmd) Run(ctx context.Context, c *app.Config) error {
	sick := 0
	for _, f := range app.Doctor(ctx, c, logger(&app.Config{LogLevel: "error", LogFormat: "text"})) {
		mark := "ok  "
		if !f.OK {
			mark = "BAD "
			sick++
		}
		fmt.Printf("%s %-22s %s\n", mark, f.Name, f.Text)
		if f.Next != "" {
			fmt.Printf("     %-22s → %s\n", "", f.Next)
		}
	}
	if sick > 0 {
		return holdfast.Errorf(holdfast.Conflict, "doctor.sick", "%d of the checks failed", sick)
	}
	return nil
}

type backupCmd struct {
	To string `arg:"" placeholder:"FILE" help:"File to write; it must not exist."`
}

func (b *backupCmd) Run(ctx context.Context, c *app.Config) error {
	return withData(ctx, c, func(a *app.App) error {
		began := time.Now()
		if err := a.DB.Backup(ctx, b.To); err != nil {
			return err
		}
		info, err := os.Stat(b.To)
		if err != nil {
			return err
		}
		fmt.Printf("Wrote %s, %.1f MB, in %s. Keep the file \"key\" and the folder \"files\" of %s with it.\n", b.To, float64(info.Size())/1e6, time.Since(began).Round(time.Millisecond), c.Data)
		return nil
	})
}

type restoreCmd struct {
	From string `arg:"" placeholder:"FILE" help:"Backup to start from."`
}

func (r *restoreCmd) Run(ctx context.Context, c *app.Config) error {
	if err := store.Restore(ctx, c.Data, c.DatabaseURL, r.From); err != nil {
		return err
	}
	return withData(ctx, c, func(a *app.App) error {
		origin, err := a.Journal.NewIncarnation(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("Restored %d entries; this node is now the incarnation %s.\n", a.Journal.Head(), origin)
		return nil
	})
}

type configCmd struct{}

func (*configCmd) Run(c *app.Config) error {
	fmt.Print(c.Redacted())
	return nil
}

type operatorCmd struct {
	List   operatorListCmd   `cmd:"" help:"List operators."`
	Create operatorCreateCmd `cmd:"" help:"Add an operator and print a sign-in link."`
	Link   operatorLinkCmd   `cmd:"" help:"Print a sign-in link: for an operator, or to set up an empty installation."`
}

// inWorkspace finds the workspace that a command is about.
func inWorkspace(ctx context.Context, a *app.App, name string) (setup.Workspace, error) {
	list, err := a.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	if err != nil {
		return setup.Workspace{}, err
	}
	for _, w := range list {
		if name == "" || w.Name == name || w.ID.String() == name {
			return w, nil
		}
	}
	return setup.Workspace{}, holdfast.Errorf(holdfast.NotFound, "workspace.not_found", "there is no workspace %q", name).WithNext("Start the desk and set it up first.")
}

type operatorListCmd struct {
	Workspace string `help:"Name or id; empty: the first."`
}

func (o *operatorListCmd) Run(ctx context.Context, c *app.Config) error {
	return withData(ctx, c, func(a *app.App) error {
		w, err := inWorkspace(ctx, a, o.Workspace)
		if err != nil {
			return err
		}
		list, err := a.Guard.Operators(ctx, w.ID)
		for _, m := range list {
			fmt.Printf("%s  %-14s %-32s %s\n", m.ID, m.Role, m.Email, m.Name)
		}
		return err
	})
}

type operatorCreateCmd struct {
	Email     string `required:"" help:"E-mail address, for signing in."`
	Name      string `required:"" help:"Name, as customers see it."`
	Role      string `default:"operator" enum:"administrator,supervisor,operator,observer" help:"administrator, supervisor, operator or observer."`
	Language  string `default:"" help:"en, ru or fa; empty: the workspace's."`
	Workspace string `help:"Name or id; empty: the first."`
}

func (o *operatorCreateCmd) Run(ctx context.Context, c *app.Config) error {
	return withData(ctx, c, func(a *app.App) error {
		w, err := inWorkspace(ctx, a, o.Workspace)
		if err != nil {
			return err
		}
		if o.Language == "" {
			o.Language = w.Language
		}
		by := access.System(w.ID)
		m, err := a.Guard.CreateOperator(ctx, by, access.NewOperator{ID: holdfast.NewID(), Email: o.Email, Name: o.Name, Role: holdfast.Role(o.Role), Language: o.Language})
		if err != nil {
			return err
		}
		secret, expires, err := a.Guard.IssueLink(ctx, by, m.ID, 24*time.Hour)
		if err != nil {
			return err
		}
		fmt.Printf("%s may sign in until %s: %s/#/link?code=%s\n", m.Name, expires.Local().Format(time.DateTime), a.URL(), secret)
		return nil
	})
}

type operatorLinkCmd struct {
	Email     string `arg:"" optional:"" help:"Whose; none on an empty installation."`
	Workspace string `help:"Name or id; empty: the first."`
}

func (o *operatorLinkCmd) Run(ctx context.Context, c *app.Config) error {
	return withData(ctx, c, func(a *app.App) error {
		if o.Email == "" {
			link, err := a.WelcomeLink(ctx)
			fmt.Println(link)
			return err
		}
		w, err := inWorkspace(ctx, a, o.Workspace)
		if err != nil {
			return err
		}
		list, err := a.Guard.Operators(ctx, w.ID)
		if err != nil {
			return err
		}
		for _, m := range list {
			if m.Email != o.Email {
				continue
			}
			secret, _, err := a.Guard.IssueLink(ctx, access.System(w.ID), m.ID, time.Hour)
			if err == nil {
				fmt.Printf("%s/#/link?code=%s\n", a.URL(), secret)
			}
			return err
		}
		return holdfast.Errorf(holdfast.NotFound, "operator.not_found", "nobody here has the address %s", o.Email)
	})
}

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make an API token and print it."`
	List   tokenListCmd   `cmd:"" help:"List API tokens."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke an API token."`
}

type tokenCreateCmd struct {
	Role      string        `default:"operator" enum:"administrator,supervisor,operator,observer" help:"administrator, supervisor, operator or observer."`
	Name      string        `default:"command line" help:"What it is for."`
	Workspace string        `help:"Name or id; empty: good for every workspace of this installation."`
	Life      time.Duration `help:"How long it is good; 0: for ever."`
	JSON      bool          `help:"Print JSON."`
}

func (t *tokenCreateCmd) Run(ctx context.Context, c *app.Config) error {
	return withData(ctx, c, func(a *app.App) error {
		if err := a.EnsureWorkspace(ctx); err != nil {
			return err
		}
		by := access.System(holdfast.ID{})
		if t.Workspace != "" {
			w, err := inWorkspace(ctx, a, t.Workspace)
			if err != nil {
				return err
			}
			by = access.System(w.ID)
		}
		n := access.NewToken{ID: holdfast.NewID(), Name: t.Name, Role: holdfast.Role(t.Role)}
		if t.Life > 0 {
			n.ExpiresAt = time.Now().Add(t.Life)
		}
		token, err := a.Guard.CreateToken(ctx, by, n)
		if err != nil {
			return err
		}
		if t.JSON {
			return json.NewEncoder(os.Stdout).Encode(token)
		}
		fmt.Println(token.Secret)
		return nil
	})
}

type tokenListCmd struct {
	Workspace string `help:"Name or id; empty: those of the whole installation."`
}

func (t *tokenListCmd) Run(ctx context.Context, c *app.Config) error {
	return withData(ctx, c, func(a *app.App) error {
		by := access.System(holdfast.ID{})
		if t.Workspace != "" {
			w, err := inWorkspace(ctx, a, t.Workspace)
			if err != nil {
				return err
			}
			by = access.System(w.ID)
		}
		list, err := a.Guard.Tokens(ctx, by)
		for _, k := range list {
			fmt.Printf("%s  %-14s %s  %s\n", k.ID, k.Role, k.CreatedAt.Local().Format(time.DateTime), k.Name)
		}
		return err
	})
}

type tokenRevokeCmd struct {
	ID        string `arg:"" help:"Its id, from the list."`
	Workspace string `help:"Name or id; empty: of the whole installation."`
}

func (t *tokenRevokeCmd) Run(ctx context.Context, c *app.Config) error {
	return withData(ctx, c, func(a *app.App) error {
		id, err := holdfast.ParseID(t.ID)
		if err != nil {
			return err
		}
		by := access.System(holdfast.ID{})
		if t.Workspace != "" {
			w, err := inWorkspace(ctx, a, t.Workspace)
			if err != nil {
				return err
			}
			by = access.System(w.ID)
		}
		return a.Guard.RevokeToken(ctx, by, id)
	})
}
