// Package broadcasts tells many customers at once: a segment of them in the
// designed order, by the first way that reaches each, in the hours of their own
// day, and never faster than leaves a lane room for single conversations.
//
// It refuses to tell a customer twice of one incident, to tell anybody who does
// not want it, to start above the limit on one person's word, to send by itself
// (the outbox does), and to know any channel by name.
package broadcasts

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/outbox"
	"holdfast/store"
)

// Lane is a channel account that can carry a broadcast.
type Lane struct {
	ID     holdfast.ID `json:"id"`
	Name   string      `json:"name"`
	Scheme string      `json:"scheme" doc:"Of the addresses that it carries to."`
	// PerMinute is what the account's own settings allow; 0: they say nothing.
	PerMinute int  `json:"per_minute,omitempty"`
	Subject   bool `json:"subject" doc:"Its messages have a subject line."`
	Limit     int  `json:"limit,omitempty" doc:"Characters that one message may have; missing: any number."`
}

// Estimate is what sending a text costs.
type Estimate struct {
	Parts    int
	Alphabet string // "gsm7", "ucs2", …; "" where there are no parts
	Price    float64
	Currency string // "" where the price is not known
}

// Deps are what the room needs of others. A nil func is something that this desk
// does not have: it is left out, and nothing is asked of it.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Inbox   *inbox.Inbox
	Outbox  *outbox.Worker
	Log     *slog.Logger
	// House is a workspace's language, what it calls itself and its time zone.
	House func(ctx context.Context, workspace holdfast.ID) (language, name string, zone *time.Location, err error)
	// Lanes are the running accounts that carry letters, in the order in which a
	// broadcast would best use them.
	Lanes func(ctx context.Context, workspace holdfast.ID) ([]Lane, error)
	// Fill puts names in the place of a text's placeholders; Check refuses unknown ones.
	Fill  func(text, customer, workspace string) string
	Check func(text string) error
	// Refused says which addresses do not want what is for a purpose, with a stable
	// code of why. It is asked before the start and again before each batch.
	Refused func(ctx context.Context, workspace holdfast.ID, purpose string, list []holdfast.Address) (map[holdfast.Address]string, error)
	// Worth is what customers have brought in their whole life.
	Worth func(ctx context.Context, workspace holdfast.ID, customers []holdfast.ID) (map[holdfast.ID]float64, error)
	// Estimate is what a text costs on a channel account.
	Estimate func(ctx context.Context, workspace, account holdfast.ID, text string) (Estimate, error)
	// ZoneField is the custom field that holds a customer's time zone; zero for none.
	ZoneField func(ctx context.Context, workspace holdfast.ID) (holdfast.ID, error)
}

// Broadcasts keeps and carries them. Make one with New, let it Run.
type Broadcasts struct {
	Deps
	kick chan struct{}

	mu       sync.Mutex
	previews map[string]*counting

	// Run's own, which one goroutine has.
	buckets map[holdfast.ID]*bucket  // by channel account
	lanes   map[holdfast.ID]*lanesOf // by workspace
}

// New makes the room. It does no I/O.
func New(d Deps) *Broadcasts {
	return &Broadcasts{Deps: d, kick: make(chan struct{}, 1), previews: map[string]*counting{}, buckets: map[holdfast.ID]*bucket{}, lanes: map[holdfast.ID]*lanesOf{}}
}

// Share of a lane's rate that a broadcast may take, in percent: the rest is for
// single conversations.
const Share = 70

// secondAbove is the number of recipients above which a second person must agree,
// where the workspace has not said.
const secondAbove = 100

// Who is who did something with a broadcast.
type Who struct {
	Kind holdfast.ActorKind `json:"kind"`
	ID   holdfast.ID        `json:"id,omitzero"`
	At   time.Time          `json:"at"`
}

// Totals are a broadcast's recipients by what became of them.
type Totals struct {
	All       int `json:"all"`
	Waiting   int `json:"waiting"`
	Sending   int `json:"sending" doc:"In the outbox: a few seconds' worth."`
	Told      int `json:"told" doc:"The provider has taken it; those that it has delivered among them."`
	Delivered int `json:"delivered"`
	Unsure    int `json:"unsure" doc:"Nobody can say whether they have it."`
	Failed    int `json:"failed"`
	Refused   int `json:"refused" doc:"Not to be told, and why stands with each."`
	Dropped   int `json:"dropped" doc:"Not told, since it was cancelled."`
	Answered  int `json:"answered"`
	// Resting are those of the waiting for whom it is night.
	Resting int `json:"resting" doc:"Of the waiting: those for whom it is night."`
}

// Broadcast is one, with how far it is.
type Broadcast struct {
	ID holdfast.ID `json:"id"`
	holdfast.BroadcastSpec
	State      holdfast.BroadcastState `json:"state" enum:"draft,asked,running,paused,cancelled,finished"`
	StateAt    time.Time               `json:"state_at"`
	Preparing  bool                    `json:"preparing,omitempty" doc:"It has started, and its recipients are being put in order."`
	Saved      Who                     `json:"saved"`
	Asked      *Who                    `json:"asked,omitempty" doc:"Who wanted it to start, where a second person must agree."`
	AskedCount int                     `json:"asked_count,omitempty"`
	Started    *Who                    `json:"started,omitempty"`
	CreatedAt  time.Time               `json:"created_at"`
	Totals     Totals                  `json:"totals"`
	Seconds    int64                   `json:"seconds_left,omitempty" doc:"How long the rest takes at the lanes' rates, the night not counted."`
}

func missing() error {
	return holdfast.Errorf(holdfast.NotFound, "broadcast.missing", "there is no such broadcast in this workspace")
}

// SecondAbove is the number of recipients above which a second person must agree.
func (b *Broadcasts) SecondAbove(ctx context.Context, workspace holdfast.ID) (n int, err error) {
	err = b.DB.QueryRow(ctx, "SELECT second_above FROM broadcast_setting WHERE workspace = $1", workspace).Scan(&n)
	if errors.Is(err, store.ErrNoRows) {
		return secondAbove, nil
	}
	return n, err
}

// SetSecondAbove sets that limit; 0: always. The error is Invalid.
func (b *Broadcasts) SetSecondAbove(ctx context.Context, workspace holdfast.ID, n int) error {
	if n < 0 || n > 10_000_000 {
		return holdfast.Errorf(holdfast.Invalid, "broadcast.limit_invalid", "the limit is a number of customers, from 0").WithField("second_above")
	}
	return b.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO broadcast_setting (workspace, second_above) VALUES ($1, $2) ON CONFLICT (workspace) DO UPDATE SET second_above = excluded.second_above", workspace, n)
	})
}

func (b *Broadcasts) poke() {
	select {
	case b.kick <- struct{}{}:
	default:
	}
}
