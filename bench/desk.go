package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/setup"
)

// desk is a private desk that runs in this process, on a free port of loopback.
type desk struct {
	*app.App
	place
	workspace holdfast.ID
	channel   holdfast.ID
	operators []holdfast.ID
	cookie    string // of the first operator's session
	address   string // host:port

	stop func()
	done chan error
}

// founded names the workspace of a private desk.
const founded = "Bench"

// found makes what a desk needs before it can be opened: a workspace, its site
// chat and four operators. On a desk that has them it finds them.
func (r *run) found(ctx context.Context, p place) (d *desk, err error) {
	c := r.Config
	c.Data, c.DatabaseURL, c.Listen, c.PublicURL, c.SMTPListen, c.S3Endpoint = p.dir, p.url, "127.0.0.1:0", "", "", ""
	d = &desk{App: app.New(c, r.log), place: p}
	if err := d.OpenData(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.DB.Close()) }()
	system := access.System(holdfast.ID{})
	list, err := d.Setup.Workspaces(ctx, system)
	if err != nil {
		return nil, err
	}
	for _, w := range list {
		if w.Name == founded {
			d.workspace = w.ID
		}
	}
	if d.workspace.IsZero() {
		w, err := d.Setup.CreateWorkspace(ctx, system, setup.NewWorkspace{Name: founded, Language: "ru", TimeZone: "UTC"})
		if err != nil {
			return nil, err
		}
		d.workspace = w.ID
		by := access.System(w.ID)
		// A handful of connections stand for a town: limits for one visitor would
		// measure the limits.
		_, err = d.Setup.CreateChannel(ctx, by, setup.NewChannel{Kind: "chat", Name: "Site", Settings: json.RawMessage(`{"visitor_per_minute":0,"address_per_minute":0}`)})
		if err != nil {
			return nil, err
		}
		for i := range 4 {
			_, err := d.Guard.CreateOperator(ctx, by, access.NewOperator{ID: holdfast.NewID(), Email: fmt.Sprintf("operator%d@example.com", i), Name: fmt.Sprintf("Operator %d", i), Role: holdfast.Supervisor})
			if err != nil {
				return nil, err
			}
		}
	}
	channels, err := d.Setup.Channels(ctx, d.workspace)
	if err != nil {
		return nil, err
	}
	people, err := d.Guard.Operators(ctx, d.workspace)
	if err != nil {
		return nil, err
	}
	if len(channels) == 0 || len(people) == 0 {
		return nil, holdfast.Errorf(holdfast.Conflict, "bench.half_founded", "%s holds half a bench", p.dir).WithNext("Delete it and start again.")
	}
	d.channel = channels[0].ID
	for _, m := range people {
		d.operators = append(d.operators, m.ID)
	}
	in, err := d.Guard.OpenSession(ctx, d.operators[0], "127.0.0.1", "bench")
	d.cookie = "hf_session=" + in.Secret
	return d, err
}

// openDesk starts a private desk in a new place.
func (r *run) openDesk(ctx context.Context, s storage) (*desk, error) {
	p, err := s.fresh(ctx)
	if err != nil {
		return nil, err
	}
	return r.openAt(ctx, p)
}

// openAt starts the desk of a place and returns when its chat answers.
func (r *run) openAt(ctx context.Context, p place) (*desk, error) {
	d, err := r.found(ctx, p)
	if err != nil {
		return nil, err
	}
	d.App = app.New(d.Config, r.log)
	if err := d.Open(ctx); err != nil {
		return nil, err
	}
	d.address = d.Addr()
	running, stop := context.WithCancel(ctx)
	d.stop, d.done = stop, make(chan error, 1)
	go func() { d.done <- d.Run(running) }()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		res, err := http.Get("http://" + d.address + "/chat/v1/" + d.channel.String() + "/config")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				http.DefaultClient.CloseIdleConnections()
				return d, nil
			}
			err = fmt.Errorf("the chat answers %s", res.Status)
		}
		if time.Now().After(until) {
			return nil, errors.Join(err, d.close())
		}
	}
}

// close stops the desk; what it holds stays.
func (d *desk) close() error {
	d.stop()
	return errors.Join(<-d.done, d.Close())
}
