package chat

import (
	"sync"
	"sync/atomic"
	"time"

	"holdfast"
	"holdfast/channel"
)

const (
	heartbeat = 20 * time.Second
	spokes    = 20 // of the wheel: each tick beats one in twenty streams
	farewell  = 5 * time.Second
)

// crowd is everybody who is connected. One wheel serves all heartbeats; it turns
// only while somebody is here, so an adapter without visitors costs nothing.
type crowd struct {
	env   channel.Env
	every time.Duration // between two heartbeats of a stream
	start time.Time     // of the monotonic clock that seats are compared by

	mu      sync.Mutex
	wheel   [spokes]map[*seat]struct{}
	next    int // the spoke of the next seat
	seats   int
	turning bool
	closed  chan struct{}
	here    map[string]*presence
	leaving map[string]*presence // those of here without a stream
}

// presence is one visitor, over all tabs.
type presence struct {
	addr  holdfast.Address
	conns int
	until time.Duration // when to say that he has gone
}

// seat is one open stream.
type seat struct {
	spoke int
	deaf  bool         // server-sent events: the client cannot answer
	heard atomic.Int64 // when, by the crowd's clock
	beat  chan struct{}
	gone  chan struct{}
	once  sync.Once
}

func (s *seat) end() { s.once.Do(func() { close(s.gone) }) }

func newCrowd(env channel.Env) crowd {
	return crowd{env: env, every: heartbeat, start: time.Now(), closed: make(chan struct{}), here: map[string]*presence{}, leaving: map[string]*presence{}}
}

func (c *crowd) clock() time.Duration { return time.Since(c.start) }

// join seats a stream of addr; leave must be called. The error is Unavailable
// once the adapter is closed.
func (c *crowd) join(addr holdfast.Address, page string, deaf bool) (*seat, error) {
	s := &seat{deaf: deaf, beat: make(chan struct{}, 1), gone: make(chan struct{})}
	c.mu.Lock()
	if c.isClosed() {
		c.mu.Unlock()
		return nil, errClosing()
	}
	s.heard.Store(int64(c.clock()))
	s.spoke = c.next
	c.next = (c.next + 1) % spokes
	if c.wheel[s.spoke] == nil {
		c.wheel[s.spoke] = map[*seat]struct{}{}
	}
	c.wheel[s.spoke][s] = struct{}{}
	c.seats++
	fresh := c.arrive(addr, 1, 0)
	c.turn()
	c.mu.Unlock()
	if fresh || page != "" {
		c.env.Feed.Signal(addr, channel.Signal{Here: true, Page: page})
	}
	return s, nil
}

func (c *crowd) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

func errClosing() error {
	return holdfast.Errorf(holdfast.Unavailable, "chat.closing", "this chat is being restarted").WithNext("Connect again in a moment.")
}

// leave gives a seat up. The visitor has gone only if nothing follows soon: a
// page change must not blink on the operators' screens.
func (c *crowd) leave(addr holdfast.Address, s *seat) {
	s.end()
	c.mu.Lock()
	delete(c.wheel[s.spoke], s)
	c.seats--
	gone := false
	if p := c.here[addr.Value]; p != nil {
		p.conns--
		if p.conns == 0 {
			p.until = c.clock() + farewell
			c.leaving[addr.Value] = p
			if gone = c.isClosed(); gone { // the wheel stands still by now
				delete(c.leaving, addr.Value)
				delete(c.here, addr.Value)
			}
		}
	}
	c.mu.Unlock()
	if gone {
		c.env.Feed.Signal(addr, channel.Signal{Gone: true})
	}
}

// touch notes a visitor who polls: he is here until the next poll is overdue.
func (c *crowd) touch(addr holdfast.Address, wait time.Duration, page string) error {
	c.mu.Lock()
	if c.isClosed() {
		c.mu.Unlock()
		return errClosing()
	}
	fresh := c.arrive(addr, 0, wait+2*farewell)
	c.turn()
	c.mu.Unlock()
	if fresh || page != "" {
		c.env.Feed.Signal(addr, channel.Signal{Here: true, Page: page})
	}
	return nil
}

// arrive is called under the lock; it reports whether the visitor is new here.
func (c *crowd) arrive(addr holdfast.Address, conns int, stay time.Duration) bool {
	p := c.here[addr.Value]
	fresh := p == nil
	if fresh {
		p = &presence{addr: addr}
		c.here[addr.Value] = p
	}
	p.conns += conns
	p.until = max(p.until, c.clock()+stay)
	if p.conns > 0 {
		delete(c.leaving, addr.Value)
	} else {
		c.leaving[addr.Value] = p
	}
	return fresh
}

// turn starts the wheel if it stands. Called under the lock.
func (c *crowd) turn() {
	if c.turning {
		return
	}
	c.turning = true
	go func() {
		tick := time.NewTicker(c.every / spokes)
		defer tick.Stop()
		for spoke := 0; ; spoke = (spoke + 1) % spokes {
			select {
			case <-c.closed:
				return
			case <-tick.C:
			}
			if !c.tick(spoke) {
				return
			}
		}
	}()
}

// tick beats one spoke and says farewell; it reports whether to go on.
func (c *crowd) tick(spoke int) bool {
	now := c.clock()
	var gone []holdfast.Address
	c.mu.Lock()
	for s := range c.wheel[spoke] {
		if !s.deaf && now-time.Duration(s.heard.Load()) > 2*c.every+c.every/2 {
			s.end() // two heartbeats without an answer
			continue
		}
		select {
		case s.beat <- struct{}{}:
		default: // still busy with the last one
		}
	}
	for v, p := range c.leaving {
		if now >= p.until {
			gone = append(gone, p.addr)
			delete(c.leaving, v)
			delete(c.here, v)
		}
	}
	more := c.seats > 0 || len(c.leaving) > 0
	c.turning = more
	c.mu.Unlock()
	for _, addr := range gone {
		c.env.Feed.Signal(addr, channel.Signal{Gone: true})
	}
	return more
}

// close ends every stream and takes no more.
func (c *crowd) close() {
	var gone []holdfast.Address
	c.mu.Lock()
	if c.isClosed() {
		c.mu.Unlock()
		return
	}
	close(c.closed)
	for _, spoke := range c.wheel {
		for s := range spoke {
			s.end()
		}
	}
	for v, p := range c.leaving {
		gone = append(gone, p.addr)
		delete(c.leaving, v)
		delete(c.here, v)
	}
	c.mu.Unlock()
	for _, addr := range gone {
		c.env.Feed.Signal(addr, channel.Signal{Gone: true})
	}
}
