// Package plans carries out what a desk has agreed to do when something breaks: it
// starts plans by what the journal says of links, channels and the reach, does their
// steps in order, asks people where they want to be asked, recovers when it is over,
// rehearses all that with the same code, and keeps what came of it.
//
// It refuses to do a step that is not on disk as begun, to do one twice under two
// keys, to know how another room does its work, and to give a drill any way to reach
// a customer.
package plans

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

// Lane is a channel account, by the name that people know it by.
type Lane struct {
	ID   holdfast.ID
	Name string
}

// Ledger is what became of customers' messages in a time.
type Ledger struct {
	Held     int `json:"held"`     // waited because their channel was cut
	Rerouted int `json:"rerouted"` // went another way
	Lost     int `json:"lost"`
	Doubled  int `json:"doubled"`
}

// Cost is what the outages of a time came to.
type Cost struct {
	Currency string  `json:"currency"`
	Low      float64 `json:"low"`
	Middle   float64 `json:"middle"`
	High     float64 `json:"high"`
	Kept     float64 `json:"kept" doc:"The value kept: what came meanwhile over what still worked."`
	Missing  bool    `json:"missing" doc:"Sums that nobody has stated count as nothing."`
}

// Balance is what reconciling has found.
type Balance struct {
	Held     int         `json:"held"`
	Gone     int         `json:"gone" doc:"Of the held: have gone."`
	Rerouted int         `json:"rerouted"`
	Back     int         `json:"back" doc:"Conversations in which a customer wrote meanwhile."`
	Keyed    int         `json:"keyed" doc:"Rows keyed in from paper meanwhile."`
	Counts   []Unmatched `json:"counts" doc:"What does not match, by what it is."`
	Items    []Mismatch  `json:"items" doc:"The first of them."`
}

// Unmatched is how many messages of a sort do not match.
type Unmatched struct {
	What  string `json:"what" enum:"held,unknown,expired,lost,doubled"`
	Count int    `json:"count"`
}

// Mismatch is a message that somebody must look at.
type Mismatch struct {
	What         string      `json:"what" enum:"held,unknown,expired,lost,doubled"`
	Message      holdfast.ID `json:"message"`
	Conversation holdfast.ID `json:"conversation,omitzero" doc:"Missing: of a notice, which is in none."`
	Number       int64       `json:"number"`
	Customer     string      `json:"customer"`
	Code         string      `json:"code,omitempty"`
}

// Deps are what plans stand on.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Guard   *access.Guard
	Log     *slog.Logger
	// House is a workspace's language, name and time zone; Channels are its accounts.
	House    func(ctx context.Context, workspace holdfast.ID) (language, name string, zone *time.Location, err error)
	Channels func(ctx context.Context, workspace holdfast.ID) ([]Lane, error)
	// OnDuty reports whether an operator works now: if not, a deputy is asked.
	OnDuty func(ctx context.Context, workspace, operator holdfast.ID) (bool, error)
	// Mail mails staff; nil where nobody can be mailed.
	Mail func(ctx context.Context, to Staff, c Call) error
	// Webhook posts a body, signed, to one of the workspace's webhooks; nil where there are none.
	Webhook func(ctx context.Context, workspace, webhook, key holdfast.ID, body []byte) error
	// HasWebhook is nil when the workspace has that webhook.
	HasWebhook func(ctx context.Context, workspace, webhook holdfast.ID) error
	// Ledger counts customers' messages for the report; nil where nobody counts.
	Ledger func(ctx context.Context, workspace holdfast.ID, from, to time.Time) (Ledger, error)
	// Cost is what a time cost; nil where nobody works that out.
	Cost  func(ctx context.Context, workspace holdfast.ID, from, to time.Time) (*Cost, error)
	Deeds Deeds
}

// Plans is the room. Make one with New and Run it.
type Plans struct {
	deps    Deps
	db      *store.DB
	journal *journal.Journal
	guard   *access.Guard
	log     *slog.Logger
	kick    chan struct{}
	holder  holdfast.ID
	// point is told where a step is, between every two writes; a test cuts there.
	point func(where string) error

	mu    sync.Mutex
	busy  map[holdfast.ID]bool
	later map[holdfast.ID]time.Time // runs whose last move failed
}

// New makes the room of a journal that Table is a projection of. It does no I/O.
func New(d Deps) *Plans {
	return &Plans{deps: d, db: d.DB, journal: d.Journal, guard: d.Guard, log: d.Log, kick: make(chan struct{}, 1), holder: holdfast.NewID(),
		point: func(string) error { return nil }, busy: map[holdfast.ID]bool{}, later: map[holdfast.ID]time.Time{}}
}

// The longest that the clock is not looked at, and how long a process may be silent
// before another one carries the plans on.
const (
	idle      = time.Minute
	leaseLife = 15 * time.Second
)

// Run carries plans out until ctx ends. A step that is cut off by that is resumed by
// the next run, under the same key.
func (p *Plans) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { p.drive(ctx) })
	return p.journal.Follow(ctx, journal.Follower{Name: "plans", Handle: func(_ context.Context, e *holdfast.Entry) error {
		switch e.Body.(type) {
		case *holdfast.ReachChanged, *holdfast.ChannelChanged, *holdfast.LinkChanged:
			p.poke()
		default:
			if strings.HasPrefix(string(e.Kind), "plan.") {
				p.poke()
			}
		}
		return nil
	}})
}

func (p *Plans) poke() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// drive makes a pass whenever something may have become due.
func (p *Plans) drive(ctx context.Context) {
	var moves sync.WaitGroup
	defer moves.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			p.release(context.WithoutCancel(ctx))
			return
		case <-p.kick:
		case <-timer.C:
		}
		next, err := p.pass(ctx, &moves)
		if err != nil {
			if ctx.Err() == nil {
				p.log.Warn("plans cannot be carried out for now", "err", err)
			}
			next = 5 * time.Second
		}
		timer.Reset(max(next, 10*time.Millisecond))
	}
}

// pass starts what is due and makes the next move of each run, each on its own. It
// returns how long nothing becomes due by itself.
func (p *Plans) pass(ctx context.Context, moves *sync.WaitGroup) (time.Duration, error) {
	now := p.db.Now()
	next, starts, err := p.due(ctx, now)
	if err != nil {
		return 0, err
	}
	// Whose move ends while the runs are read is shown as it was before: acting on that
	// would do its step again. The move's end kicks the next pass.
	p.mu.Lock()
	moving := maps.Clone(p.busy)
	p.mu.Unlock()
	runs, err := p.running(ctx)
	if err != nil || len(runs) == 0 && len(starts) == 0 {
		return next, err
	}
	if ours, err := p.lead(ctx); err != nil || !ours {
		return min(next, leaseLife/3), err
	}
	next = min(next, leaseLife/3) // the lease is kept up while there is something to do
	for _, s := range starts {
		if err := p.start(ctx, s); err != nil {
			return 0, err
		}
	}
	for _, r := range runs {
		now := p.db.Now()
		p.mu.Lock()
		later := p.later[r.ID]
		p.mu.Unlock()
		if moving[r.ID] {
			continue
		}
		if later.After(now) {
			next = min(next, later.Sub(now))
			continue
		}
		m, wait, err := p.move(ctx, r, now)
		if err != nil {
			return 0, err
		}
		if m == nil {
			next = min(next, wait)
			continue
		}
		p.claim(r.ID, true, time.Time{})
		moves.Go(func() {
			err := m(ctx)
			var later time.Time
			if err != nil {
				later = p.db.Now().Add(5 * time.Second)
				if ctx.Err() == nil {
					p.log.Warn("a step of a plan is tried again", "run", r.ID.String(), "err", err)
				}
			}
			p.claim(r.ID, false, later)
			p.poke()
		})
	}
	return next, nil
}

func (p *Plans) claim(run holdfast.ID, on bool, later time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, run)
	delete(p.later, run)
	if on {
		p.busy[run] = true
	} else if !later.IsZero() {
		p.later[run] = later
	}
}

// lead reports whether this process carries the plans out: of several on one
// database, one does.
func (p *Plans) lead(ctx context.Context) (ours bool, err error) {
	now := p.db.Now()
	var holder holdfast.ID
	var until time.Time
	err = p.db.QueryRow(ctx, "SELECT holder, until FROM plan_lease WHERE id = 1").Scan(&holder, &until)
	if err == nil && holder == p.holder && until.Sub(now) > leaseLife/2 {
		return true, nil
	}
	err = p.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecN(`INSERT INTO plan_lease (id, holder, until) VALUES (1, $1, $2)
			ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE plan_lease.holder = $1 OR plan_lease.until < $3`, p.holder, tx.Now.Add(leaseLife), tx.Now)
		ours = n == 1
		return err
	})
	return ours, err
}

// release lets another process carry on at once.
func (p *Plans) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var one int
	if p.db.QueryRow(ctx, "SELECT 1 FROM plan_lease WHERE holder = $1", p.holder).Scan(&one) != nil {
		return
	}
	if err := p.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec("DELETE FROM plan_lease WHERE holder = $1", p.holder) }); err != nil {
		p.log.Debug("the lease on plans runs out by itself", "err", err)
	}
}
