package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/importer"
)

// importCmd brings the history of another desk into the data folder, beside a
// running desk or without one.
type importCmd struct {
	Chatwoot  importDeskCmd   `cmd:"" help:"From Chatwoot, over its API."`
	Zendesk   importDeskCmd   `cmd:"" help:"From Zendesk Support, over its API."`
	Freshdesk importDeskCmd   `cmd:"" help:"From Freshdesk, over its API."`
	Zammad    importDeskCmd   `cmd:"" help:"From Zammad, over its API."`
	FreeScout importDeskCmd   `cmd:"" name:"freescout" help:"From FreeScout, over its API module."`
	CSV       importFileCmd   `cmd:"" name:"csv" help:"From a table with headers."`
	JSONL     importFileCmd   `cmd:"" name:"jsonl" help:"From a file with a JSON object a line."`
	Resume    importResumeCmd `cmd:"" help:"Go on with an import that failed or was stopped."`
}

// BeforeApply tells each desk's command its source.
func (i *importCmd) BeforeApply() error {
	for name, d := range map[string]*importDeskCmd{importer.Chatwoot: &i.Chatwoot, importer.Zendesk: &i.Zendesk, importer.Freshdesk: &i.Freshdesk, importer.Zammad: &i.Zammad, importer.FreeScout: &i.FreeScout} {
		d.source = name
	}
	i.CSV.source, i.JSONL.source = importer.CSV, importer.JSONL
	return nil
}

// importFlags are what every import takes.
type importFlags struct {
	Workspace string `help:"Name or id; empty: the first."`
	Channel   string `placeholder:"ID" help:"Channel that the conversations go on over; empty: by the customer's address."`
	DryRun    bool   `name:"dry-run" help:"Say what would be made and write nothing."`
	Report    string `placeholder:"FILE" help:"Write all that there is to say to a file, as JSON lines."`
}

type importDeskCmd struct {
	importFlags
	URL     string `required:"" placeholder:"URL" help:"Address of the other desk: https://desk.example.com."`
	Token   string `required:"" env:"HOLDFAST_IMPORT_TOKEN" help:"Token of its API."`
	User    string `help:"Whose token it is (Zendesk: the e-mail address; empty for an OAuth token)."`
	Account string `help:"Which account, when the token sees several (Chatwoot)."`
	source  string
}

// Run is kong's.
func (d *importDeskCmd) Run(ctx context.Context, c *app.Config) error {
	return d.importFlags.run(ctx, c, d.source, importer.Settings{URL: d.URL, Token: d.Token, User: d.User, Account: d.Account}, "")
}

type importFileCmd struct {
	importFlags
	File      string            `arg:"" type:"existingfile" help:"The file."`
	Encoding  string            `help:"utf-8, utf-16le, utf-16be, windows-1251 or windows-1256; empty: guessed."`
	Delimiter string            `help:"Sign between the cells of a table; empty: guessed."`
	Column    map[string]string `placeholder:"HEADER=FIELD" help:"Which column is which field; the others go by their headers."`
	Origin    string            `help:"Whose numbers the ids are; empty: the file's name."`
	source    string
}

// Run is kong's.
func (f *importFileCmd) Run(ctx context.Context, c *app.Config) error {
	return f.importFlags.run(ctx, c, f.source, importer.Settings{File: filepath.Base(f.File), Encoding: f.Encoding, Delimiter: strings.ReplaceAll(f.Delimiter, `\t`, "\t"), Columns: f.Column, Origin: f.Origin}, f.File)
}

type importResumeCmd struct {
	ID        string `arg:"" help:"Its id, as it was printed."`
	Workspace string `help:"Name or id; empty: the first."`
	Report    string `placeholder:"FILE" help:"Write all that there is to say to a file, as JSON lines."`
}

// Run is kong's.
func (r *importResumeCmd) Run(ctx context.Context, c *app.Config) error {
	return withRooms(ctx, c, func(a *app.App) error {
		id, err := holdfast.ParseID(r.ID)
		if err != nil {
			return err
		}
		w, err := inWorkspace(ctx, a, r.Workspace)
		if err != nil {
			return err
		}
		if _, err := a.Importer.Resume(ctx, access.System(w.ID), id); err != nil {
			return err
		}
		return follow(ctx, a, w.ID, id, r.Report)
	})
}

// withRooms is withData with the rooms over the data, but no sockets.
func withRooms(ctx context.Context, c *app.Config, fn func(a *app.App) error) (err error) {
	quiet := *c
	if c.LogLevel == "info" {
		quiet.LogLevel = "error"
	}
	a := app.New(*c, logger(&quiet))
	if err := a.OpenRooms(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.DB.Close()) }()
	return fn(a)
}

func (i *importFlags) run(ctx context.Context, c *app.Config, source string, s importer.Settings, file string) error {
	return withRooms(ctx, c, func(a *app.App) (err error) {
		w, err := inWorkspace(ctx, a, i.Workspace)
		if err != nil {
			return err
		}
		if i.Channel != "" {
			if s.Channel, err = holdfast.ParseID(i.Channel); err != nil {
				return err
			}
		}
		by := access.System(w.ID)
		v, err := a.Importer.Create(ctx, by, importer.NewImport{ID: holdfast.NewID(), Source: source, Settings: s, Dry: i.DryRun})
		if err != nil {
			return err
		}
		if file != "" {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err := a.Importer.Upload(ctx, w.ID, v.ID, 0, true, f); err != nil {
				return err
			}
		}
		return follow(ctx, a, w.ID, v.ID, i.Report)
	})
}

// follow walks an import, or watches a running desk walk it, and tells how it goes.
func follow(ctx context.Context, a *app.App, workspace, id holdfast.ID, report string) error {
	fmt.Fprintf(os.Stderr, "Import %s\n", id)
	walked := make(chan error, 1)
	go func() { walked <- a.Importer.RunOne(ctx, id) }()
	show := newProgress(terminal(os.Stderr))
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	var v importer.View
	for ended := false; !ended; {
		var err error
		select {
		case <-ctx.Done():
			// Nobody goes on with it behind the back of whoever stopped it.
			<-walked
			if _, err := a.Importer.Cancel(context.WithoutCancel(ctx), access.System(workspace), id); err != nil {
				return err
			}
			show.end()
			return holdfast.Errorf(holdfast.Conflict, "import.stopped", "the import was stopped; what it has brought is here").WithNext("Go on with: holdfast import resume " + id.String())
		case err = <-walked:
			walked = nil
		case <-tick.C:
		}
		if err != nil {
			show.end()
			return err
		}
		if v, err = a.Importer.View(ctx, workspace, id); err != nil {
			if ctx.Err() != nil {
				continue
			}
			return err
		}
		show.tell(&v)
		ended = v.State == importer.Done || v.State == importer.Failed || v.State == importer.Cancelled
	}
	show.end()
	if err := summary(ctx, a, workspace, &v); err != nil {
		return err
	}
	if report != "" {
		if err := writeReport(ctx, a, workspace, id, report); err != nil {
			return err
		}
	}
	if v.State != importer.Done {
		return holdfast.Errorf(holdfast.Conflict, v.Code, "%s", v.Reason).WithNext("When that is mended, go on with: holdfast import resume " + id.String())
	}
	return nil
}

// progress is a bar on a terminal and a line now and then elsewhere.
type progress struct {
	bar  *progressbar.ProgressBar
	unit string
	told time.Time
	tty  bool
}

func newProgress(tty bool) *progress { return &progress{tty: tty} }

func (p *progress) tell(v *importer.View) {
	if v.Unit == "" {
		return
	}
	if !p.tty {
		if time.Since(p.told) > 5*time.Second {
			p.told = time.Now()
			fmt.Fprintf(os.Stderr, "%s: %d of %s; %d conversations, %d messages\n", v.Unit, v.Done, unknown(v.Total), v.Counts.ConversationsMade, v.Counts.MessagesMade)
		}
		return
	}
	if p.bar == nil || p.unit != v.Unit {
		p.end()
		total := v.Total
		if total == 0 {
			total = -1
		}
		p.unit = v.Unit
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetDescription(v.Unit), progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowCount(),
			progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionShowBytes(v.Unit == "bytes"))
	}
	if v.Total > 0 {
		p.bar.ChangeMax64(v.Total)
	}
	p.bar.Set64(v.Done)
}

func (p *progress) end() {
	if p.bar != nil {
		p.bar.Exit()
		fmt.Fprintln(os.Stderr)
		p.bar = nil
	}
}

func unknown(n int64) string {
	if n == 0 {
		return "an unknown number"
	}
	return fmt.Sprint(n)
}

// summary says what came of it.
func summary(ctx context.Context, a *app.App, workspace holdfast.ID, v *importer.View) error {
	made := "made"
	if v.Dry {
		made = "would be made"
	}
	c := v.Counts
	fmt.Printf("customers      %8d %s, %d here already\n", c.CustomersMade, made, c.CustomersHere)
	fmt.Printf("conversations  %8d %s, %d here already\n", c.ConversationsMade, made, c.ConversationsHere)
	fmt.Printf("messages       %8d %s, %d here already\n", c.MessagesMade, made, c.MessagesHere)
	fmt.Printf("files          %8d %s, %d lost\n", c.FilesMade, made, c.FilesLost)
	if c.OperatorsMade > 0 {
		fmt.Printf("former staff   %8d %s, for the names in old conversations\n", c.OperatorsMade, made)
	}
	fmt.Printf("cannot be taken %7d\n", c.Refused)
	for _, outcome := range []string{"refused", "lost"} {
		list, err := a.Importer.Lines(ctx, workspace, v.ID, outcome, 0, importer.Firsts)
		if err != nil {
			return err
		}
		for _, l := range list {
			fmt.Printf("  %s: %s (%s)\n", l.Ref, l.Detail, l.Code)
		}
	}
	return nil
}

func writeReport(ctx context.Context, a *app.App, workspace, id holdfast.ID, path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	enc := json.NewEncoder(f)
	for after := int64(0); ; {
		list, err := a.Importer.Lines(ctx, workspace, id, "", after, 1000)
		if err != nil {
			return err
		}
		for _, l := range list {
			if err := enc.Encode(l); err != nil {
				return err
			}
			after = l.N
		}
		if len(list) < 1000 {
			return nil
		}
	}
}
