package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/channel/email"
	"holdfast/inbox"
	"holdfast/intake"
)

// Channels runs the channel accounts: it makes their adapters, keeps their
// listeners alive and hands them what comes over HTTP.
type Channels struct {
	app     *App
	changes chan holdfast.ID
	started chan struct{} // closed when every enabled account has been started

	mu      sync.RWMutex
	running map[holdfast.ID]*account
}

// account is one that runs.
type account struct {
	channel.Account
	kind    *channel.Kind
	adapter channel.Adapter
	env     channel.Env
	sink    *intake.Sink
	stop    context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	health channel.Health
}

const (
	restartFirst = time.Second
	restartMost  = 2 * time.Minute
)

func newChannels(a *App) *Channels {
	return &Channels{app: a, changes: make(chan holdfast.ID, 256), started: make(chan struct{}), running: map[holdfast.ID]*account{}}
}

// Changed says that an account must be started, restarted or stopped.
func (c *Channels) Changed(id holdfast.ID) {
	select {
	case c.changes <- id:
	default:
		go func() { c.changes <- id }()
	}
}

// Run starts the enabled accounts and follows their changes until ctx ends.
func (c *Channels) Run(ctx context.Context) error {
	defer c.stopAll()
	ids, err := c.app.Setup.Enabled(ctx)
	for ; err != nil; ids, err = c.app.Setup.Enabled(ctx) {
		if holdfast.KindOf(err) != holdfast.Unavailable {
			return err
		}
		select { // the database is away
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil
		}
	}
	for _, id := range ids {
		c.restart(ctx, id)
	}
	close(c.started)
	for {
		select {
		case id := <-c.changes:
			c.restart(ctx, id)
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *Channels) stopAll() {
	c.mu.Lock()
	all := c.running
	c.running = map[holdfast.ID]*account{}
	c.mu.Unlock()
	for _, r := range all {
		r.stop()
	}
	for _, r := range all {
		<-r.done
	}
}

// restart puts an account as it is set up now in the place of the one that runs. The
// old one takes what comes in until the new one does: a mail server that found
// neither would give the mail back to the customer.
func (c *Channels) restart(ctx context.Context, id holdfast.ID) {
	var r *account
	enabled, err := c.app.Setup.IsEnabled(ctx, id)
	if err == nil && enabled {
		r, err = c.build(ctx, id)
	}
	if err != nil && ctx.Err() == nil && holdfast.KindOf(err) == holdfast.Unavailable {
		// The database is away; the account runs on, and must not stay as it is for that.
		time.AfterFunc(5*time.Second, func() { c.Changed(id) })
		return
	}
	if err != nil && holdfast.KindOf(err) != holdfast.NotFound {
		c.app.Log.Error("a channel cannot run", "channel", id.String(), "err", err)
	}
	var rctx context.Context
	if err == nil && r != nil {
		rctx, r.stop = context.WithCancel(ctx)
	}
	c.mu.Lock()
	old := c.running[id]
	if rctx != nil {
		c.running[id] = r
	} else {
		delete(c.running, id)
	}
	c.mu.Unlock()
	if old != nil {
		old.stop()
		<-old.done // two must not read one mailbox
	}
	if rctx == nil {
		return
	}
	c.app.Outbox.Look(id)
	go func() {
		defer close(r.done)
		c.listen(rctx, r)
	}()
}

// build makes an account's adapter.
func (c *Channels) build(ctx context.Context, id holdfast.ID) (*account, error) {
	a, kind, err := c.app.Setup.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	v, err := c.app.Setup.Channel(ctx, a.Workspace, id)
	if err != nil {
		return nil, err
	}
	r := &account{Account: a, kind: kind, done: make(chan struct{}), health: channel.Health{State: "up", Since: time.Now().UTC()}}
	r.env = channel.Env{
		Log:       c.app.Log.With("channel", a.Name, "account", id.String()),
		HTTP:      guardedClient(c.app.Config.AllowPrivate),
		Blobs:     c.app.Files,
		State:     c.app.Setup.State(id),
		Feed:      &feed{app: c.app, workspace: a.Workspace, account: id, team: v.Team},
		Now:       time.Now,
		Key:       c.app.Seal.Derive("channel key", id),
		PublicURL: c.app.URL(),
	}
	if kind.Mount != "" {
		r.env.Blobs = notedFiles{c.app.Files, c.app.uploads}
	}
	in := intake.Account{ID: id, Workspace: a.Workspace, Kind: kind, Team: v.Team, Language: a.Language}
	if kind.Limits.Subject {
		in.NormalSubject = email.NormalSubject
	}
	r.sink = c.app.Intake.Sink(in)
	r.adapter, err = kind.New(a, r.env)
	return r, err
}

// listen keeps an account's listener alive, with back-off.
func (c *Channels) listen(ctx context.Context, r *account) {
	l, ok := r.adapter.(channel.Listener)
	if !ok {
		<-ctx.Done()
		return
	}
	wait := restartFirst
	for {
		began := time.Now()
		err := l.Listen(ctx, r.sink)
		if ctx.Err() != nil {
			return
		}
		r.failed(err)
		r.env.Log.Warn("a channel's listener stopped; it is started again", "err", err, "in", wait.String())
		if time.Since(began) > 5*time.Minute {
			wait = restartFirst
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		wait = min(wait*2, restartMost)
	}
}

func (r *account) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.health.State != "down" {
		r.health.Since = time.Now().UTC()
	}
	r.health.State, r.health.Reason = "down", "stopped"
	if err != nil {
		r.health.Reason = err.Error()
	}
}

func (c *Channels) get(id holdfast.ID) *account {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.running[id]
}

// Adapter is what the outbox sends with: nil for an account that is switched
// off, whose messages wait. The error is NotFound for one that is gone, and
// Unavailable for one that should run and does not yet: how it treats a message
// that may have been sent is not known until it does.
func (c *Channels) Adapter(ctx context.Context, id holdfast.ID) (channel.Adapter, *channel.Kind, error) {
	if r := c.get(id); r != nil {
		return r.adapter, r.kind, nil
	}
	_, kind, err := c.app.Setup.Open(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	enabled, err := c.app.Setup.IsEnabled(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if enabled {
		return nil, nil, holdfast.Errorf(holdfast.Unavailable, "channel.not_running", "this channel is not running").
			WithNext("Wait a moment; if it stays so, look at its settings.")
	}
	return nil, kind, nil
}

// Health is how an account is, as it says itself and as its breaker does.
func (c *Channels) Health(id holdfast.ID) channel.Health {
	r := c.get(id)
	if r == nil {
		return channel.Health{State: "down", Reason: "not running"}
	}
	r.mu.Lock()
	h := r.health
	r.mu.Unlock()
	if w, ok := r.adapter.(channel.Watched); ok {
		h = w.Health()
	}
	if b, ok := c.app.Outbox.Breakers()[id]; ok && (b.State == "open" || b.State == "probing") && h.State == "up" {
		h.State, h.Reason, h.Since = "degraded", b.Reason, b.Since
	}
	return h
}

// Estimate is what a text comes to on an account that bills by its length; nil for
// others. An account that is being started is asked all the same: no connection is
// needed for it.
func (c *Channels) Estimate(id holdfast.ID, text string) *channel.Estimate {
	r := c.get(id)
	if r == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		var err error
		if r, err = c.build(ctx, id); err != nil {
			return nil
		}
	}
	e, ok := r.adapter.(channel.Estimator)
	if !ok {
		return nil
	}
	v := e.Estimate(text)
	return &v
}

// Test tries an account's connections with its stored settings.
func (c *Channels) Test(ctx context.Context, workspace, id holdfast.ID) ([]channel.Check, error) {
	r, err := c.build(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Workspace != workspace {
		return nil, holdfast.Errorf(holdfast.NotFound, "channel.not_found", "there is no such channel")
	}
	// What only one can hold is tried by the one that holds it, unless that one has
	// settings which are about to be replaced.
	if s, ok := r.adapter.(channel.Single); ok && s.Single() {
		if run := c.get(id); run != nil && reflect.DeepEqual(run.Settings, r.Settings) {
			r = run
		}
	}
	t, ok := r.adapter.(channel.Tester)
	if !ok {
		return []channel.Check{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 25*time.Second)
	defer cancel()
	return t.Test(ctx), nil
}

// Replay reads a quarantined arrival's raw form anew and takes it in.
func (c *Channels) Replay(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, v *inbox.Arrival) (channel.Accepted, error) {
	r := c.get(v.Channel)
	if r == nil || r.Workspace != workspace {
		return channel.Accepted{}, holdfast.Errorf(holdfast.Conflict, "channel.not_running", "the channel that this came in by is not running").WithNext("Enable it, then try again.")
	}
	p, ok := r.adapter.(channel.Replayer)
	if !ok || v.Raw == "" {
		return channel.Accepted{}, holdfast.Errorf(holdfast.Invalid, "arrival.no_raw", "nothing raw was kept of this")
	}
	f, err := c.app.Files.Open(ctx, v.Raw)
	if err != nil {
		return channel.Accepted{}, err
	}
	defer f.Close()
	m, err := p.Replay(ctx, f)
	if err != nil {
		return channel.Accepted{}, err
	}
	if m.From.Value == "" {
		m.From = holdfast.Address{Scheme: r.kind.Scheme, Value: "unknown-" + v.ID.String()[:8], Name: v.Sender}
	}
	m.Refuse = nil
	return r.sink.Replay(ctx, actor, v.ID, m)
}

// mounts are the URL prefixes of the kinds that are called over HTTP.
func (c *Channels) mounts() map[string]http.Handler {
	m := map[string]http.Handler{}
	for _, k := range c.app.Kinds {
		prefix := k.Mount
		if prefix == "" {
			prefix = "/hooks/" + k.Name
		}
		m[prefix] = http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.webhook(k, w, r) }))
	}
	return m
}

// webhook hands a request to the account whose id its path begins with.
func (c *Channels) webhook(kind *channel.Kind, w http.ResponseWriter, r *http.Request) {
	run, inner := c.addressed(r)
	if run == nil || run.kind.Name != kind.Name {
		http.Error(w, `{"code":"channel.not_found","message":"there is no such channel"}`, http.StatusNotFound)
		return
	}
	hook, ok := run.adapter.(channel.Webhook)
	if !ok {
		http.NotFound(w, r)
		return
	}
	hook.ServeWebhook(w, inner, run.sink)
}

// addressed is the account whose id a path begins with, and the request as that
// account sees it; nil when there is none.
func (c *Channels) addressed(r *http.Request) (*account, *http.Request) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	id, err := holdfast.ParseID(first)
	if err != nil {
		return nil, nil
	}
	u := *r.URL
	u.Path, u.RawPath = "/"+rest, ""
	inner := *r
	inner.URL = &u
	return c.get(id), &inner
}

// forms serves the hosted pages of accounts that have some, below /forms.
func (c *Channels) forms(w http.ResponseWriter, r *http.Request) {
	run, inner := c.addressed(r)
	if run != nil {
		if f, ok := run.adapter.(interface {
			ServeForm(w http.ResponseWriter, r *http.Request, sink channel.Sink)
		}); ok {
			f.ServeForm(w, inner, run.sink)
			return
		}
	}
	http.NotFound(w, r)
}

// route finds the account that mail for a recipient belongs to.
func (c *Channels) route(recipient string) (email.Route, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, r := range c.running {
		if own, ok := r.adapter.(interface{ Owns(recipient string) bool }); ok && own.Owns(recipient) {
			return email.Route{Account: r.Account, Env: r.env, Sink: r.sink}, true
		}
	}
	return email.Route{}, false
}

// names gives operators' names to the outbox.
type names struct{ guard *access.Guard }

func (n names) of(operator holdfast.ID) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	name, err := n.guard.OperatorName(ctx, operator)
	if err != nil && !errors.Is(err, context.Canceled) {
		slog.Debug("an operator's name is not known", "operator", operator.String(), "err", err)
	}
	return name
}

// States is how each running account is.
func (c *Channels) States() map[holdfast.ID]channel.Health {
	c.mu.RLock()
	ids := make([]holdfast.ID, 0, len(c.running))
	for id := range c.running {
		ids = append(ids, id)
	}
	c.mu.RUnlock()
	states := make(map[holdfast.ID]channel.Health, len(ids))
	for _, id := range ids {
		states[id] = c.Health(id)
	}
	return states
}
