package continuity_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/continuity"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/links"
	"holdfast/outbox"
	"holdfast/store"
	"holdfast/store/storetest"
)

// world is what a node is connected to in a test: virtual uplinks and channels.
type world struct {
	mu       sync.Mutex
	pulled   map[holdfast.ID]bool // uplinks
	cutOff   bool                 // the country, from the world
	probed   int
	channels []continuity.Channel
	health   map[holdfast.ID]continuity.Health
	breaker  map[holdfast.ID]continuity.Health
	calls    []string
	shift    time.Duration // of the wall clock
	silent   map[string]bool
}

var errPulled = errors.New("pulled")

func (w *world) prober(u links.Uplink) links.Prober {
	return func(ctx context.Context, t links.Target) (time.Duration, error) {
		w.mu.Lock()
		w.probed++
		dead := w.pulled[u.ID] || w.cutOff && t.Place == links.Abroad || w.silent[t.Address]
		w.mu.Unlock()
		if dead {
			<-ctx.Done()
			return 0, errPulled
		}
		return 10 * time.Millisecond, nil
	}
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

type node struct {
	t *testing.T
	*world
	*continuity.Continuity
	db         *store.DB
	journal    *journal.Journal
	workspaces []holdfast.ID
	ctx        context.Context
}

// build makes the room over a database.
func build(t *testing.T, db *store.DB, w *world, workspaces ...holdfast.ID) *node {
	t.Helper()
	j := journal.New(db, slog.New(slog.DiscardHandler), inbox.New(db), outbox.Table{}, continuity.Table{})
	if err := j.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	look := func(m map[holdfast.ID]continuity.Health) func(holdfast.ID) continuity.Health {
		return func(id holdfast.ID) continuity.Health {
			w.mu.Lock()
			defer w.mu.Unlock()
			return m[id]
		}
	}
	c := continuity.New(continuity.Deps{DB: db, Journal: j, Log: slog.New(slog.DiscardHandler), Prober: w.prober,
		Workspaces: func(context.Context) ([]holdfast.ID, error) { return workspaces, nil },
		Channels: func() []continuity.Channel {
			w.mu.Lock()
			defer w.mu.Unlock()
			return append([]continuity.Channel(nil), w.channels...)
		},
		Health: look(w.health), Breaker: look(w.breaker),
		OnChannel: func(id holdfast.ID, state holdfast.ChannelState, code, _ string) {
			w.set(func() { w.calls = append(w.calls, string(state)+" "+code) })
		}})
	return &node{t: t, world: w, Continuity: c, db: db, journal: j, workspaces: workspaces, ctx: context.Background()}
}

func newWorld() *world {
	return &world{pulled: map[holdfast.ID]bool{}, health: map[holdfast.ID]continuity.Health{}, breaker: map[holdfast.ID]continuity.Health{}, silent: map[string]bool{}}
}

// story runs a node on a virtual clock.
func story(t *testing.T, tell func(n *node)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		db, err := store.Open(context.Background(), store.Options{Dir: dir, Now: func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			return time.Now().Add(w.shift)
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		n := build(t, db, w, holdfast.NewID(), holdfast.NewID())
		stop := n.run()
		tell(n)
		stop()
	})
}

func (n *node) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	return func() {
		n.t.Helper()
		cancel()
		if err := <-done; err != nil {
			n.t.Error(err)
		}
	}
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (n *node) link(name string, kind links.Kind, metered bool) holdfast.ID {
	n.t.Helper()
	id := holdfast.NewID()
	n.must(n.SaveLink(n.ctx, n.workspaces[0], holdfast.System, continuity.Link{ID: id, Name: name, Kind: kind, Metered: metered}))
	return id
}

// targets are two in the country and two abroad.
func (n *node) targets() {
	n.t.Helper()
	n.must(n.SetTargets(n.ctx, n.workspaces[0], holdfast.System, continuity.Targets{Country: "RU", Items: links.DefaultsFor("RU").Targets}))
}

func (n *node) channel(workspace int, name string, needs holdfast.Reach) holdfast.ID {
	id := holdfast.NewID()
	n.set(func() {
		n.channels = append(n.channels, continuity.Channel{ID: id, Workspace: n.workspaces[workspace], Name: name, Kind: "test", Needs: needs})
	})
	return id
}

// said lists what the journal of a workspace says of links, reach and channels.
func (n *node) said(workspace int) (list []string) {
	n.t.Helper()
	entries, err := n.journal.After(n.ctx, 0, 10_000)
	n.must(err)
	for _, e := range entries {
		if e.Workspace != n.workspaces[workspace] {
			continue
		}
		switch b := e.Body.(type) {
		case *holdfast.LinkChanged:
			list = append(list, b.Name+" "+string(b.State))
		case *holdfast.ReachChanged:
			list = append(list, "reach "+string(b.Reach))
		case *holdfast.ChannelChanged:
			name := "channel"
			for _, c := range n.channels {
				if c.ID == b.Channel {
					name = c.Name
				}
			}
			list = append(list, strings.TrimSpace(name+" "+string(b.State)+" "+b.Via))
		}
	}
	return list
}

func (n *node) saidIs(workspace int, want ...string) {
	n.t.Helper()
	if got := strings.Join(n.said(workspace), ", "); got != strings.Join(want, ", ") {
		n.t.Errorf("workspace %d was told\n  %s\nwant\n  %s", workspace, got, strings.Join(want, ", "))
	}
}

func (n *node) overview(workspace int) continuity.Overview {
	n.t.Helper()
	v, err := n.Overview(n.ctx, n.workspaces[workspace])
	n.must(err)
	return v
}

// eachDB runs a test on every database there is.
func eachDB(t *testing.T, tell func(n *node)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { tell(build(t, db, newWorld(), holdfast.NewID(), holdfast.NewID())) })
}
