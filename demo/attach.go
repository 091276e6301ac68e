package demo

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime/debug"
	"sync"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/setup"
)

// Demo is a desk's demo: what fills its workspace, its mail server and its pages.
// Make one with Attach, Start it after the desk is open, Close it before the desk.
type Demo struct {
	app *app.App

	filling sync.Mutex // one fill at a time
	plugs   plugs
	// messenger and phones are nil on a desk whose uplinks are real.
	messenger *Messenger
	phones    *Phones
	mu        sync.Mutex
	mail      *Mail // nil while there is no demo workspace
	parts     Result
	owners    []owner
}

// Attach gives a desk its demo: the function behind "fill a demo workspace" and
// the pages under /demo/. It is called before the desk is opened and does no I/O.
func Attach(a *app.App) *Demo {
	d := &Demo{app: a}
	a.Demo = func(ctx context.Context) (workspace, operator holdfast.ID, err error) {
		res, err := d.fill(ctx, false)
		return res.Workspace, res.Administrator, err
	}
	pages := newPages(d)
	a.Routes["/demo"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.server() == nil {
			http.Error(w, "There is no demo workspace here. Start \"holdfast demo\" with an empty data folder.", http.StatusNotFound)
			return
		}
		pages.ServeHTTP(w, r)
	})
	return d
}

// Virtual is Attach for a desk that is run as a demo: its uplinks are virtual, and so
// are a messenger and its customers' telephones.
func Virtual(a *app.App) *Demo {
	d := Attach(a)
	d.messenger, d.phones = newMessenger(a.Log, d.plugs.abroad), newPhones()
	a.Kinds = append(a.Kinds, d.messenger.kind())
	return d
}

// Start brings the demo back where there is one: a fill that was cut off is
// finished, and the accounts follow the servers to their new ports. With fill it makes
// a demo workspace on a desk that has none; the error is Conflict when somebody works
// there already.
func (d *Demo) Start(ctx context.Context, fill bool) error {
	w, err := d.begin(ctx, fill)
	if err != nil || w.IsZero() {
		return err
	}
	if err := d.setPlugs(ctx, w, d.phones != nil); err != nil {
		return err
	}
	return d.prepare(ctx, w)
}

// begin makes the workspace whole; it is zero where there is none and none is wanted.
func (d *Demo) begin(ctx context.Context, fill bool) (holdfast.ID, error) {
	w, err := d.workspace(ctx)
	if err != nil || w.ID.IsZero() && !fill {
		return w.ID, err
	}
	if w.ID.IsZero() {
		res, err := d.fill(ctx, true)
		return res.Workspace, err
	}
	deps := d.deps()
	deps.Workspace = w.ID
	whole, err := deps.whole(ctx)
	if err != nil {
		return w.ID, err
	}
	if !whole {
		_, err = d.fill(ctx, fill)
		return w.ID, err
	}
	mail, err := d.open()
	if err == nil {
		err = d.connect(ctx, Of(w.ID), mail)
	}
	return w.ID, err
}

// Close stops the servers.
func (d *Demo) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.messenger != nil {
		d.messenger.Close()
		d.phones.Close()
		d.messenger, d.phones = nil, nil
	}
	if d.mail == nil {
		return nil
	}
	err := d.mail.Close()
	d.mail = nil
	return err
}

func (d *Demo) server() *Mail {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.parts.Workspace.IsZero() {
		return nil
	}
	return d.mail
}

// open starts the mail server unless it runs.
func (d *Demo) open() (*Mail, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mail != nil {
		return d.mail, nil
	}
	m := NewMail("127.0.0.1", d.app.Log)
	if err := m.Open(); err != nil {
		return nil, holdfast.Errorf(holdfast.Unavailable, "demo.mail", "the demo's mail server cannot listen: %w", err)
	}
	d.mail = m
	return m, nil
}

func (d *Demo) ready(parts Result) {
	d.mu.Lock()
	d.parts = parts
	d.mu.Unlock()
}

// workspace is the demo workspace, zero when there is none.
func (d *Demo) workspace(ctx context.Context) (setup.Workspace, error) {
	list, err := d.app.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	for _, w := range list {
		if w.Demo {
			return w, err
		}
	}
	return setup.Workspace{}, err
}

func (d *Demo) deps() Deps {
	a := d.app
	return Deps{DB: a.DB, Journal: a.Journal, Guard: a.Guard, Setup: a.Setup, Files: a.Files}
}

// fill makes the demo workspace, or finishes one. beside allows workspaces that
// nobody works in, such as the one that a program's token came with.
func (d *Demo) fill(ctx context.Context, beside bool) (Result, error) {
	d.filling.Lock()
	defer d.filling.Unlock()
	deps := d.deps()
	w, err := d.workspace(ctx)
	if err != nil {
		return Result{}, err
	}
	if deps.Workspace = w.ID; w.ID.IsZero() {
		if err := d.free(ctx, beside); err != nil {
			return Result{}, err
		}
	} else if whole, err := deps.whole(ctx); err != nil || whole {
		if err == nil {
			err = holdfast.Errorf(holdfast.Conflict, "setup.done", "this installation is set up already").WithNext("Sign in.")
		}
		return Result{}, err
	}
	if deps.Mail, err = d.open(); err != nil {
		return Result{}, err
	}
	res, err := Fill(ctx, deps)
	if err != nil {
		return Result{}, err
	}
	err = d.connect(ctx, res, deps.Mail)
	// The story is not needed any more, and a desk is small without it. Only now:
	// the last write, just above, made the writer let go of it.
	debug.FreeOSMemory()
	return res, err
}

// free is nil when nobody works on this desk yet.
func (d *Demo) free(ctx context.Context, beside bool) error {
	list, err := d.app.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
	if err != nil {
		return err
	}
	taken := len(list) > 0 && !beside
	for _, w := range list {
		people, err := d.app.Guard.Operators(ctx, w.ID)
		if err != nil {
			return err
		}
		taken = taken || len(people) > 0
	}
	if taken {
		return holdfast.Errorf(holdfast.Conflict, "setup.done", "this desk is in use; imaginary customers do not belong in it").
			WithNext("Start the demo with another data folder: HOLDFAST_DATA=./demo-data holdfast demo")
	}
	return nil
}

// whole reports whether a demo workspace has all its parts.
func (d *Deps) whole(ctx context.Context) (bool, error) {
	res := Of(d.Workspace)
	if done, err := d.written(ctx, d.Workspace); err != nil || !done {
		return false, err
	}
	for _, id := range []holdfast.ID{res.Chat, res.Mail} {
		if _, err := d.Setup.Channel(ctx, d.Workspace, id); holdfast.KindOf(err) == holdfast.NotFound {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// connect tells the e-mail account where the mail server listens this time,
// unless somebody has removed it or connected it to another mailbox.
func (d *Demo) connect(ctx context.Context, parts Result, mail *Mail) error {
	v, err := d.app.Setup.Channel(ctx, parts.Workspace, parts.Mail)
	if err != nil {
		return err
	}
	if !v.Removed && v.Settings["address"] == SupportAddress && (v.Settings["imap_host"] == mail.ip || v.Problem != "") {
		raw, err := json.Marshal(mail.settings())
		if err != nil {
			return err
		}
		if _, err := d.app.Setup.ChangeChannel(ctx, access.System(parts.Workspace), parts.Mail, setup.ChannelChange{Settings: raw}); err != nil {
			return err
		}
	}
	d.ready(parts)
	return nil
}
