// Package hooks tells other programs what happened on the desk: a follower notes
// each entry that a webhook wants, and a sender posts it, signed, at least once.
//
// It refuses to send anything that is not committed, to follow redirects, to
// believe an answer other than 2xx, and to hold up the desk for a slow receiver.
package hooks

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/journal"
	"holdfast/store"
)

// Subscription is one webhook of a workspace.
type Subscription struct {
	ID      holdfast.ID
	URL     string
	Secret  string   // signs each request; never logged or shown
	Former  []string // what it replaced a moment ago, and signs too
	Kinds   []string // "message.received", "message.*" or "*"
	Enabled bool
}

// wants reports whether the subscription asked for entries of this kind.
func (s *Subscription) wants(kind holdfast.EntryKind) bool {
	for _, k := range s.Kinds {
		if k == "*" || k == string(kind) {
			return true
		}
		if family, ok := strings.CutSuffix(k, "*"); ok && strings.HasPrefix(string(kind), family) {
			return true
		}
	}
	return false
}

// Subscriptions lists a workspace's webhooks; those that are off may be left out.
type Subscriptions func(ctx context.Context, workspace holdfast.ID) ([]Subscription, error)

// remembered is how long a workspace's subscriptions are taken as known. A change
// of them is an entry, and forgets them at once.
const remembered = time.Minute

// Hooks is the follower and the sender. Make one with New and Run it.
type Hooks struct {
	journal *journal.Journal
	db      *store.DB
	find    Subscriptions
	http    *http.Client
	log     *slog.Logger
	kick    chan struct{}

	mu    sync.Mutex
	known map[holdfast.ID]known
	busy  map[holdfast.ID]bool // webhooks that are being posted to
}

type known struct {
	list []Subscription
	at   time.Time
}

// New makes the follower and the sender. client must refuse private addresses
// where that matters; its policy on redirects is replaced by "none".
func New(j *journal.Journal, db *store.DB, find Subscriptions, client *http.Client, log *slog.Logger) *Hooks {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Hooks{journal: j, db: db, find: find, http: &c, log: log, kick: make(chan struct{}, 1), known: map[holdfast.ID]known{}, busy: map[holdfast.ID]bool{}}
}

// Run follows the journal and posts what is due until ctx ends. A request that
// is cut off by that is made again by the next run.
func (h *Hooks) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { h.send(ctx) })
	return h.journal.Follow(ctx, h.Follower())
}

// Follower is the part that notes what is to be posted; Run runs it, and
// journal.Retry takes it for dead letters.
func (h *Hooks) Follower() journal.Follower {
	return journal.Follower{Name: "hooks", Handle: h.handle}
}

// handle notes a delivery for each webhook that wants the entry. Seen twice, it
// notes nothing new.
func (h *Hooks) handle(ctx context.Context, e *holdfast.Entry) error {
	if e.Workspace.IsZero() || e.History() {
		return nil
	}
	if c, ok := e.Body.(*holdfast.SetupChanged); ok && c.What == "webhook" {
		h.mu.Lock()
		delete(h.known, e.Workspace)
		h.mu.Unlock()
	}
	list, err := h.subscriptions(ctx, e.Workspace)
	if err != nil {
		return err
	}
	var wanted []holdfast.ID
	for i := range list {
		if list[i].Enabled && list[i].wants(e.Kind) {
			wanted = append(wanted, list[i].ID)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	err = h.db.Write(ctx, func(tx *store.Tx) error {
		for _, webhook := range wanted {
			// due_at 0: at once, whatever becomes of the wall clock.
			err := tx.Exec(`INSERT INTO webhook_delivery (id, webhook, workspace, lsn, kind, state, due_at, created_at) VALUES ($1, $2, $3, $4, $5, 'due', 0, $6)
				ON CONFLICT (webhook, lsn) DO NOTHING`, holdfast.NewID(), webhook, e.Workspace, e.LSN, e.Kind, tx.Now)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		h.poke()
	}
	return err
}

func (h *Hooks) subscriptions(ctx context.Context, workspace holdfast.ID) ([]Subscription, error) {
	h.mu.Lock()
	k, ok := h.known[workspace]
	h.mu.Unlock()
	if age := time.Since(k.at); ok && age >= 0 && age < remembered {
		return k.list, nil
	}
	list, err := h.find(ctx, workspace)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.known[workspace] = known{list, time.Now()}
	h.mu.Unlock()
	return list, nil
}

func (h *Hooks) poke() {
	select {
	case h.kick <- struct{}{}:
	default:
	}
}
