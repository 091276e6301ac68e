// Package fallback moves messages on: to the next way of a chain when the way that
// they are on fails, is cut or takes too long. It keeps the chains, what customers
// prefer and what they have agreed to, and says which way reaches whom now.
//
// It refuses to send anything itself (the outbox does), to use an address whose
// owner has said no, and to send a second time what asks to be accepted once.
package fallback

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
)

// Account is a channel account as a way to customers.
type Account struct {
	ID       holdfast.ID
	Name     string
	Kind     string
	Titles   map[string]string // of its kind, by language
	Scheme   string
	Needs    holdfast.Reach
	Enabled  bool
	Receipts bool // its provider says when a message has reached the customer
	Carry    Carry
}

// Carry is what a way can carry.
type Carry struct {
	Text            int // characters; 0 for no limit
	Attachments     int
	AttachmentBytes int64
	Subject         bool
}

// Gate is how the way out through an account is.
type Gate struct {
	State        string // "closed" and "" let messages out; "open", "probing", "off", "cut"
	Code, Reason string
	Since        time.Time
}

// Move is another way for a message, as the outbox takes it.
type Move struct {
	Message, From, Channel holdfast.ID
	To                     holdfast.Address
	Why, Code, Reason      string
	Line, Files, Subject   string
	Once                   bool
}

// Deps is what it works with.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Inbox   *inbox.Inbox
	Log     *slog.Logger
	// Accounts are a workspace's channel accounts, the oldest first.
	Accounts func(ctx context.Context, workspace holdfast.ID) ([]Account, error)
	// Gates is how the ways out are; one that is not there lets messages out.
	Gates func() map[holdfast.ID]Gate
	// Turns wakes when a gate has opened or closed.
	Turns func() (wake <-chan struct{}, cancel func())
	// Reroute and Stay are the outbox's.
	Reroute func(ctx context.Context, workspace holdfast.ID, m Move) (moved bool, err error)
	Stay    func(ctx context.Context, workspace, message holdfast.ID, why string) (stayed bool, err error)
	// Limit bounds what an account sends, and does also in the same transaction.
	Limit func(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, account holdfast.ID, l holdfast.LaneLimited, also func(tx *store.Tx) error) error
	// Language is a workspace's, for customers whose own is not known.
	Language func(ctx context.Context, workspace holdfast.ID) (lang, name string, err error)
	// Reach is how far this node gets; nil when nobody watches.
	Reach func() holdfast.Reach
	// Price is what one message costs on an account; nil, or not known, when nobody can say.
	Price func(ctx context.Context, workspace, account holdfast.ID, text string) (price float64, currency string, known bool)
	// InForce are the channels that a plan sends by now, the first one first, before those
	// of any chain; none when no plan says so. nil where there are no plans.
	InForce func(ctx context.Context, workspace holdfast.ID) ([]holdfast.ID, error)
	// Key signs links to files, 32 bytes; PublicURL is where they lead, "" for nowhere.
	Key       []byte
	PublicURL string
	// Open streams a file's content.
	Open func(ctx context.Context, hash string) (io.ReadCloser, error)
}

// Fallback moves messages on. Make one with New over a journal that Table is a
// projection of.
type Fallback struct {
	Deps

	mu    sync.Mutex    // one look at a time
	fresh chan struct{} // something has a due time that it had not

	memory   sync.Mutex // of what is below
	forced   map[holdfast.ID][]holdfast.ID
	chains   map[holdfast.ID]map[holdfast.MessageSort]holdfast.ChainSaved
	accounts map[holdfast.ID]known
}

// known is what accounts a workspace had a moment ago.
type known struct {
	list []Account
	at   time.Time
}

const (
	knownFor = 2 * time.Second
	// offPatience is how long an account without an adapter is waited for: it may be
	// starting.
	offPatience = time.Minute
	// How often it looks by itself, with messages in hand and without.
	lookEvery = time.Minute
	idle      = 10 * time.Minute
)

// New makes it. It does no I/O.
func New(d Deps) *Fallback {
	return &Fallback{Deps: d, forced: map[holdfast.ID][]holdfast.ID{}, fresh: make(chan struct{}, 1), chains: map[holdfast.ID]map[holdfast.MessageSort]holdfast.ChainSaved{}, accounts: map[holdfast.ID]known{}}
}

// Run moves messages on until ctx ends.
func (f *Fallback) Run(ctx context.Context) error {
	turns, cancel := f.Turns()
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { f.watch(ctx, turns) })
	return f.Journal.Follow(ctx, journal.Follower{Name: "fallback", Handle: f.follow})
}

// watch looks when a way opens or closes, and when a deadline is over.
func (f *Fallback) watch(ctx context.Context, turns <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	troubled := false
	for {
		wait, err := f.pass(ctx)
		if err != nil && ctx.Err() == nil && !troubled {
			f.Log.Warn("messages cannot be sent another way", "err", err)
		}
		if troubled = err != nil; troubled {
			wait = time.Second
		}
		timer.Reset(max(wait, 10*time.Millisecond))
		select {
		case <-turns:
		case <-f.fresh:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// ways are a workspace's accounts with their gates.
func (f *Fallback) ways(ctx context.Context, workspace holdfast.ID) ([]way, error) {
	f.memory.Lock()
	defer f.memory.Unlock()
	k, ok := f.accounts[workspace]
	if !ok || f.DB.Now().Sub(k.at) > knownFor {
		list, err := f.Accounts(ctx, workspace)
		if err != nil {
			return nil, err
		}
		k = known{list, f.DB.Now()}
		f.accounts[workspace] = k
	}
	gates := f.Gates()
	ways := make([]way, 0, len(k.list))
	for _, a := range k.list {
		ways = append(ways, f.gated(a, gates[a.ID]))
	}
	return ways, nil
}

// way is an account and whether it carries messages now.
type way struct {
	Account
	state        string // "up", "cut", "open", "off"
	code, reason string
	since        time.Time
}

func (f *Fallback) gated(a Account, g Gate) way {
	w := way{Account: a, state: "up", code: g.Code, reason: g.Reason, since: g.Since}
	switch {
	case !a.Enabled:
		w.state = "off"
	case g.State == "cut":
		w.state = "cut"
	case g.State == "open" || g.State == "probing":
		w.state = "open"
	case g.State == "off" && f.DB.Now().Sub(g.Since) >= offPatience:
		w.state = "off"
	case f.Reach != nil && f.Reach() != "" && !f.Reach().Covers(a.Needs):
		w.state, w.code, w.reason = "cut", "reach", ""
	default:
		w.code, w.reason, w.since = "", "", time.Time{}
	}
	return w
}

// passable reports whether a message that waits there will be sent now.
func (w *way) passable() bool { return w.state == "up" }
