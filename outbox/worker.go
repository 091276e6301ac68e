// Package outbox carries replies out: Table is the projection that keeps how far
// each message has come, Worker leases due rows, hands them to adapters and
// brings the results back as entries.
//
// It refuses to send what is not on disk as being sent, to send again what may
// have been sent where the provider cannot tell the two apart, to know any
// channel by name, and to let anybody change a row but through an entry.
package outbox

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
)

const (
	sendDeadline = 60 * time.Second
	sendGrace    = 10 * time.Second // for an adapter to notice that its time is up
	tidyEvery    = time.Minute
)

// Adapters finds the adapter and the kind of a channel account. A nil adapter
// with a kind: the account is switched off, its messages wait. The error is
// NotFound when the account is gone.
type Adapters func(ctx context.Context, account holdfast.ID) (channel.Adapter, *channel.Kind, error)

// Resender is an adapter whose policy depends on its settings; without it the
// kind's counts.
type Resender interface{ Resend() channel.Resend }

// Worker sends what is due. Make one with New, let it Run, Close it.
type Worker struct {
	journal  *journal.Journal
	db       *store.DB
	inbox    *inbox.Inbox
	adapters Adapters
	names    func(operator holdfast.ID) string
	log      *slog.Logger

	sends sync.WaitGroup // attempts under way
	loops sync.WaitGroup // lanes

	mu      sync.Mutex
	lanes   map[holdfast.ID]*lane
	active  map[holdfast.ID]bool // messages that an attempt of ours is about
	cuts    map[holdfast.ID]gate // accounts that nothing may go out through
	turns   map[chan struct{}]bool
	running bool
	halt    chan struct{} // closed by Close: begin nothing new
	halted  bool
	cancel  context.CancelFunc // of Run: drop everything
	done    chan struct{}      // closed when Run has returned

	base, floor time.Time // see now
}

// New makes a worker. names gives an operator's name for customers; it may give "".
func New(j *journal.Journal, db *store.DB, in *inbox.Inbox, adapters Adapters, names func(operator holdfast.ID) string, log *slog.Logger) *Worker {
	return &Worker{journal: j, db: db, inbox: in, adapters: adapters, names: names, log: log,
		lanes: map[holdfast.ID]*lane{}, active: map[holdfast.ID]bool{}, cuts: map[holdfast.ID]gate{}, turns: map[chan struct{}]bool{}, halt: make(chan struct{}), done: make(chan struct{})}
}

// Run resolves what an earlier run left half-done and then sends what is due
// until Close is called or ctx ends. When ctx ends it is as if the program had
// been killed: attempts under way are dropped and resolved by the next run, so
// call Close to stop in peace.
func (w *Worker) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	if w.running || w.halted {
		w.mu.Unlock()
		return holdfast.Errorf(holdfast.Conflict, "outbox.running", "this worker runs or has run already")
	}
	w.running, w.cancel = true, cancel
	w.mu.Unlock()
	defer close(w.done)

	wake, unwatch := w.journal.Watch()
	defer unwatch()
	var left []leftover // by an earlier run
	if !w.keep(ctx, "reading the outbox's leases", func() (err error) { left, err = w.start(ctx); return err }) {
		return nil
	}
	unresolved := time.NewTimer(0)
	defer unresolved.Stop()
	wait := 100 * time.Millisecond
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	for {
		again := (<-chan time.Time)(nil)
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("the outbox cannot be read", "err", err)
			again = time.After(time.Second)
		}
		select {
		case <-wake:
		case <-again:
		case <-unresolved.C:
			var err error
			if left, err = w.resolveAll(ctx, left); err != nil && ctx.Err() == nil {
				w.log.Warn("attempts that were cut off cannot be resolved", "err", err)
			}
			if len(left) > 0 {
				unresolved.Reset(wait)
				wait = min(wait*2, tidyEvery)
			}
		case <-tidy.C:
			if err := w.tidy(ctx); err != nil && ctx.Err() == nil {
				w.log.Warn("the outbox cannot be tidied", "err", err)
			}
		case <-w.halt:
			w.loops.Wait()
			w.sends.Wait()
			return nil
		case <-ctx.Done():
			w.loops.Wait()
			w.sends.Wait()
			return nil
		}
	}
}

// Close begins nothing new and waits for the attempts under way until ctx ends;
// what is not finished by then keeps its lease and is resolved by the next run.
func (w *Worker) Close(ctx context.Context) error {
	w.mu.Lock()
	if !w.halted {
		w.halted = true
		close(w.halt)
	}
	running, cancel := w.running, w.cancel
	w.mu.Unlock()
	if !running {
		return nil
	}
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		cancel()
		<-w.done
		return ctx.Err()
	}
}

// start sets the clock and lists the attempts that an earlier run left.
func (w *Worker) start(ctx context.Context) ([]leftover, error) {
	var clock holdfast.Clock
	if err := w.db.QueryRow(ctx, "SELECT COALESCE(MAX(clock), 0) FROM (SELECT clock FROM journal WHERE origin = $1 ORDER BY seq DESC LIMIT 1) AS newest", w.journal.Origin()).Scan(&clock); err != nil {
		return nil, err
	}
	w.base = time.Now()
	w.floor = clock.Time()
	if w.base.After(w.floor) {
		w.floor = w.base
	}
	return w.leftovers(ctx, time.Time{})
}

// now does not go back: a wall clock set back a day must not keep for a day what
// was due a moment ago.
func (w *Worker) now() time.Time {
	now := time.Now()
	if f := w.floor.Add(now.Sub(w.base)); f.After(now) {
		return f
	}
	return now
}

// waiting is what the index of due rows covers; the words must be the index's own.
const waiting = "state IN ('queued', 'retry_wait')"

// look finds the channel accounts with messages that wait and wakes their lanes.
// It jumps from account to account in the index, so that a long backlog behind a
// closed door costs nothing.
func (w *Worker) look(ctx context.Context) error {
	const next = "(SELECT channel FROM outbox WHERE " + waiting + " AND channel IS NOT NULL"
	rows, err := w.db.Query(ctx, `WITH RECURSIVE lane (channel) AS (
			SELECT `+next+` ORDER BY channel LIMIT 1)
			UNION ALL
			SELECT `+next+` AND channel > lane.channel ORDER BY channel LIMIT 1) FROM lane WHERE lane.channel IS NOT NULL)
		SELECT channel FROM lane WHERE channel IS NOT NULL`)
	accounts, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range accounts {
		l := w.lanes[id]
		if l == nil {
			l = &lane{worker: w, account: id, kick: make(chan struct{}, 1)}
			w.lanes[id] = l
			w.loops.Go(func() { l.run(ctx) })
		}
		l.poke()
	}
	return nil
}

// Look makes an account's lane look at once: its adapter has come or changed,
// which may be after the entry that says so.
func (w *Worker) Look(account holdfast.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.lanes[account]; l != nil {
		l.forgetPace()
		l.poke()
	}
}

// Breakers says how each channel account's way out is, for those that had
// something to send since the start or are cut.
func (w *Worker) Breakers() map[holdfast.ID]BreakerState {
	w.mu.Lock()
	defer w.mu.Unlock()
	states := make(map[holdfast.ID]BreakerState, len(w.lanes))
	for id, l := range w.lanes {
		states[id] = l.state()
	}
	for id, g := range w.cuts {
		states[id] = BreakerState{State: "cut", Code: g.code, Reason: g.reason, Since: g.since}
	}
	return states
}

// keep tries until it works or ctx ends; it reports which. The first error is logged.
func (w *Worker) keep(ctx context.Context, what string, try func() error) bool {
	for wait := 100 * time.Millisecond; ; wait = min(wait*2, 5*time.Second) {
		err := try()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if wait == 100*time.Millisecond {
			w.log.Error("the outbox keeps trying", "what", what, "err", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}

func (w *Worker) claim(message holdfast.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active[message] {
		return false
	}
	w.active[message] = true
	return true
}

func (w *Worker) release(message holdfast.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.active, message)
}

func (w *Worker) claimed(message holdfast.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active[message]
}

// resend is the policy for an account: its adapter's own or the kind's. Without
// either, nobody can say that sending again is safe.
func resend(a channel.Adapter, k *channel.Kind) channel.Resend {
	if r, ok := a.(Resender); ok {
		return r.Resend()
	}
	if k != nil {
		return k.Resend
	}
	return channel.ResendPark
}

// sameAdapter reports whether an account's adapter is the one it was; one that
// cannot be compared counts as the same.
func sameAdapter(a, b channel.Adapter) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	ta := reflect.TypeOf(a)
	return ta == reflect.TypeOf(b) && (!ta.Comparable() || a == b)
}
