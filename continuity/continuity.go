// Package continuity knows how far this node gets: it runs the watches of the
// uplinks, derives the reach from which targets answer, says of every channel account
// whether it carries messages now and why not, and keeps the ledger of outages.
//
// It refuses to send anything over an uplink that nobody has configured, to move a
// message (that is the outbox's), and to put telemetry into the journal.
package continuity

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"holdfast"
	"holdfast/journal"
	"holdfast/links"
	"holdfast/store"
)

// Channel is a channel account that runs.
type Channel struct {
	ID, Workspace holdfast.ID
	Name, Kind    string
	Needs         holdfast.Reach // by its kind
}

// Health is how a channel is, as something says of it.
type Health struct {
	State        holdfast.ChannelState // "" counts as up
	Code, Reason string
}

// Deps is what the room works with. A nil func means that nobody says so.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Log     *slog.Logger

	// Workspaces lists those there are.
	Workspaces func(ctx context.Context) ([]holdfast.ID, error)
	// Channels lists the accounts that run, of all workspaces. It is asked every second.
	Channels func() []Channel
	// Health is what an account says of itself; Breaker what its way out does.
	Health  func(account holdfast.ID) Health
	Breaker func(account holdfast.ID) Health
	// Test tries an account's own service, where it can be tried without a customer.
	// known is false when it cannot.
	Test func(ctx context.Context, account holdfast.ID) (h Health, known bool)
	// Rerouted and Told count what went another way, beyond what people re-routed by
	// hand, and who was told, in a time.
	Rerouted, Told func(ctx context.Context, workspace holdfast.ID, from, to time.Time) (int, error)
	// OnChannel is told when an account is cut off or carries again, before the entry is
	// written. It must be quick.
	OnChannel func(account holdfast.ID, state holdfast.ChannelState, code, reason string)
	// Moved is told when an uplink has changed, or how it is set up. It must be quick.
	Moved func()
	// Audit notes what an administrator has changed.
	Audit func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, action string, subject holdfast.ID, detail any) error
	// Prober probes over an uplink; nil: the real network. With one given the kernel is
	// not asked about devices.
	Prober func(u links.Uplink) links.Prober
	// OwnName is the desk's own host name, looked up as a check of DNS; "" for none.
	OwnName string
}

// Continuity is the room. Make one with New over a journal that Table is a projection
// of, and Run it.
type Continuity struct {
	Deps
	kick   chan struct{}
	reload chan struct{}

	mu        sync.Mutex
	settings  settings
	watches   map[holdfast.ID]*watched
	equipment map[holdfast.ID]*appliance
	needs     map[holdfast.ID]holdfast.Reach
	reach     reachState
	channels  map[holdfast.ID]*channelState
	tested    map[holdfast.ID]testResult
	began     time.Time
	follow    func() // starts to follow what the kernel says of devices
}

// New makes the room. It does no I/O.
func New(d Deps) *Continuity {
	return &Continuity{Deps: d, kick: make(chan struct{}, 1), reload: make(chan struct{}, 1),
		watches: map[holdfast.ID]*watched{}, equipment: map[holdfast.ID]*appliance{}, needs: map[holdfast.ID]holdfast.Reach{},
		channels: map[holdfast.ID]*channelState{}, tested: map[holdfast.ID]testResult{}}
}

// watched is an uplink that is watched.
type watched struct {
	link    Link
	watch   *links.Watch
	network *links.Network // nil with a Prober
	figures *recorder
	stop    context.CancelFunc
	done    chan struct{}

	told    holdfast.LinkState // as the entries have it
	toldVia string
	since   time.Time
}

const (
	lookEvery  = time.Second
	flushEvery = time.Minute
	pruneEvery = time.Hour
	settleTime = 3 * time.Second // before the first word about anything
)

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run watches until ctx ends.
func (c *Continuity) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	defer c.stopAll()
	for err := c.load(ctx); err != nil; err = c.load(ctx) {
		if ctx.Err() != nil {
			return nil
		}
		if holdfast.KindOf(err) != holdfast.Unavailable {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil
		}
	}
	c.mu.Lock()
	c.began = time.Now()
	// The kernel is asked about devices once there is one that matters.
	c.follow = sync.OnceFunc(func() { wg.Go(func() { c.carriers(ctx) }) })
	c.mu.Unlock()
	c.reconcile(ctx)
	wg.Go(func() { c.tests(ctx) })
	look, flush, prune := time.NewTicker(lookEvery), time.NewTicker(flushEvery), time.NewTicker(pruneEvery)
	defer look.Stop()
	defer flush.Stop()
	defer prune.Stop()
	said := false
	for {
		var err error
		select {
		case <-ctx.Done():
			last, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer done()
			c.flush(last)
			return nil
		case <-c.reload:
			if err = c.load(ctx); err == nil {
				c.reconcile(ctx)
			} else {
				time.AfterFunc(time.Second, func() { poke(c.reload) })
			}
		case <-look.C:
			err = c.look(ctx)
		case <-c.kick:
			err = c.look(ctx)
		case <-flush.C:
			err = c.flush(ctx)
		case <-prune.C:
			err = c.prune(ctx)
		}
		if err != nil && ctx.Err() == nil && !said {
			c.Log.Warn("the state of the links cannot be kept for now", "err", err)
		}
		said = err != nil
	}
}

// carriers follows what the kernel says of devices.
func (c *Continuity) carriers(ctx context.Context) {
	err := links.Carriers(ctx, func(device string, on bool) {
		c.mu.Lock()
		var list []*links.Watch
		for _, w := range c.watches {
			if w.link.Interface == device {
				list = append(list, w.watch)
			}
		}
		c.mu.Unlock()
		for _, w := range list {
			w.Carrier(ctx, on)
		}
	})
	if err != nil && ctx.Err() == nil {
		c.Log.Info("the system does not tell of devices; a pulled cable is seen by lost probes alone", "err", err)
	}
}

// reconcile starts and stops watches so that they are those of the settings.
func (c *Continuity) reconcile(ctx context.Context) {
	c.mu.Lock()
	var gone []*watched
	var unplugged []*appliance
	for id, w := range c.watches {
		l, is := c.settings.links[id]
		if !is || !l.same(&w.link) || w.figures.targets != c.settings.version {
			gone = append(gone, w)
			delete(c.watches, id)
			if is {
				c.startWatch(ctx, l, w)
			}
			continue
		}
		said := l.Manual != w.link.Manual
		w.link = l
		if said {
			w.watch.Override(ctx, holdfast.LinkState(l.Manual))
		}
	}
	for id, l := range c.settings.links {
		if c.Prober == nil && l.Interface != "" {
			c.follow()
		}
		if c.watches[id] == nil {
			c.startWatch(ctx, l, nil)
		}
	}
	for id, a := range c.equipment {
		if e, is := c.settings.equipment[id]; !is || e != a.Equipment {
			unplugged = append(unplugged, a)
			delete(c.equipment, id)
		}
	}
	for id, e := range c.settings.equipment {
		if c.equipment[id] == nil {
			c.startAppliance(ctx, e)
		}
	}
	c.mu.Unlock()
	for _, w := range gone {
		w.end()
	}
	for _, a := range unplugged {
		a.end()
	}
	poke(c.kick)
	c.moved()
}

func (c *Continuity) moved() {
	if c.Moved != nil {
		c.Moved()
	}
}

func (w *watched) end() {
	w.stop()
	<-w.done
	if w.network != nil {
		w.network.Close()
	}
}

// startWatch begins to watch an uplink; before is the watch of it as it was.
func (c *Continuity) startWatch(ctx context.Context, l Link, before *watched) {
	u := l.uplink()
	w := &watched{link: l, done: make(chan struct{}), told: holdfast.LinkUp, since: c.DB.Now()}
	if before != nil {
		w.figures, w.told, w.toldVia, w.since = before.figures, before.told, before.toldVia, before.since
	} else {
		w.figures = &recorder{}
		if m, known := c.settings.last[l.ID]; known {
			w.told, w.toldVia, w.since = holdfast.LinkState(m.state), m.code, m.at
		}
	}
	w.figures.targets = c.settings.version
	o := links.Options{Uplink: u, Targets: c.settings.Targets.Items, Was: w.told, Manual: holdfast.LinkState(l.Manual),
		Changed: func(links.Verdict) { poke(c.kick); c.moved() },
		Sampled: func(s links.Sample) { w.figures.add(c.DB.Now(), s) }}
	if w.toldVia == links.ByHand {
		o.Was = ""
	}
	if c.Prober != nil {
		o.Probe = c.Prober(u)
	} else {
		w.network = links.NewNetwork(u)
		o.Probe = w.network.Probe
		checks := c.settings.Targets.Checks
		checks.Own = c.OwnName
		o.Look = func(ctx context.Context) []links.Layer { return w.network.Look(ctx, checks) }
	}
	w.watch = links.NewWatch(o)
	wctx, stop := context.WithCancel(ctx)
	w.stop = stop
	c.watches[l.ID] = w
	go func() {
		defer close(w.done)
		w.watch.Run(wctx)
	}()
}

func (c *Continuity) stopAll() {
	c.mu.Lock()
	list, things := c.watches, c.equipment
	c.watches, c.equipment = map[holdfast.ID]*watched{}, map[holdfast.ID]*appliance{}
	c.mu.Unlock()
	for _, w := range list {
		w.end()
	}
	for _, a := range things {
		a.end()
	}
}

func decode[T any](raw []byte) (v T, err error) {
	err = json.Unmarshal(raw, &v)
	return v, err
}
