package continuity

import (
	"context"
	"sync"
	"time"

	"holdfast"
	"holdfast/links"
)

// How equipment is watched.
const (
	applianceEvery = 10 * time.Second
	applianceFails = 3 // in a row before it is down
	applianceTime  = 2 * time.Second
)

// appliance is something in the office that is watched.
type appliance struct {
	Equipment
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	known  bool
	up     bool
	failed int
	rtt    time.Duration
	since  time.Time
}

func (a *appliance) end() {
	a.stop()
	<-a.done
}

func (a *appliance) state() (up, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.up, a.known
}

// startAppliance begins to watch something. c.mu is held.
func (c *Continuity) startAppliance(ctx context.Context, e Equipment) {
	ctx, stop := context.WithCancel(ctx)
	a := &appliance{Equipment: e, stop: stop, done: make(chan struct{})}
	c.equipment[e.ID] = a
	probe, end := links.Prober(nil), func() {}
	if c.Prober != nil {
		probe = c.Prober(links.Uplink{})
	} else {
		n := links.NewNetwork(links.Uplink{})
		probe, end = n.Probe, n.Close
	}
	go func() {
		defer close(a.done)
		defer end()
		tick := time.NewTicker(applianceEvery)
		defer tick.Stop()
		for {
			a.look(ctx, probe, c.DB.Now)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
}

func (a *appliance) look(ctx context.Context, probe links.Prober, now func() time.Time) {
	ctx, cancel := context.WithTimeout(ctx, applianceTime)
	defer cancel()
	rtt, err := probe(ctx, links.Target{Name: a.Name, Address: a.Address, Port: a.Port, Probe: a.Probe, Place: links.InCountry})
	if context.Cause(ctx) == context.Canceled {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		if !a.known || !a.up {
			a.since = now()
		}
		a.known, a.up, a.failed, a.rtt = true, true, 0, rtt
		return
	}
	if a.failed++; a.failed >= applianceFails || !a.known {
		if !a.known || a.up {
			a.since = now()
		}
		a.known, a.up, a.rtt = true, false, 0
	}
}

// How a channel's own service is tried.
const (
	testEvery    = 10 * time.Minute
	testAgain    = time.Minute // after it failed
	testFailures = 2           // in a row before it counts
)

type testResult struct {
	failed int
	health Health
	next   time.Time
}

// tests tries the services of the channels now and then, one after the other, while
// any uplink is watched: who watches none has not asked for anything to be sent.
func (c *Continuity) tests(ctx context.Context) {
	if c.Test == nil || c.Channels == nil {
		return
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		c.mu.Lock()
		on := len(c.watches) > 0
		c.mu.Unlock()
		if !on {
			continue
		}
		for _, ch := range c.Channels() {
			c.mu.Lock()
			r, known := c.tested[ch.ID]
			s := c.channels[ch.ID]
			c.mu.Unlock()
			now := time.Now()
			if !known {
				r.next = now.Add(30 * time.Second) // it has just started
			} else if now.After(r.next) && (s == nil || s.via != viaLink) {
				h, can := c.Test(ctx, ch.ID)
				if ctx.Err() != nil {
					return
				}
				r.failed, r.health, r.next = 0, Health{}, now.Add(testEvery)
				if can && h.State != "" && h.State != holdfast.ChannelUp {
					r.failed, r.health, r.next = c.testFailed(ch.ID)+1, h, now.Add(testAgain)
				}
			}
			c.mu.Lock()
			c.tested[ch.ID] = r
			c.mu.Unlock()
		}
	}
}

func (c *Continuity) testFailed(id holdfast.ID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tested[id].failed
}
