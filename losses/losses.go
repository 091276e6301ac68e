// Package losses works out what an outage cost and what was kept, by one formula for
// outages that were, for a span of time, and for a calculator before there is any data;
// and says of each figure in it whether it was said, measured or taken for granted.
//
// It refuses to take a figure from anybody's average: money that nobody has stated is
// nothing, and the answer says what was left out. It refuses to count an hour of one
// channel twice, however many outages of the ledger it is in.
package losses

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/journal"
	"holdfast/store"
)

// Cut is a time in which one channel carried nothing. A zero To lasts.
type Cut struct {
	Outage, Channel holdfast.ID
	From, To        time.Time
}

// Sale is one paid order.
type Sale struct {
	At     time.Time
	Amount float64
}

// Deps are what the room stands on.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	// House is a workspace's language and zone, and when it is open; hours that are not
	// set are always.
	House func(ctx context.Context, workspace holdfast.ID) (language string, zone *time.Location, open holdfast.Hours, err error)
	// Cuts are those that lasted at some moment from from to to, of any channel.
	Cuts func(ctx context.Context, workspace holdfast.ID, from, to time.Time) ([]Cut, error)
	// Outage is when an outage of the ledger began and ended (zero: it lasts) and which
	// channels it cut off. The error is NotFound.
	Outage func(ctx context.Context, workspace, id holdfast.ID) (from, to time.Time, channels []holdfast.ID, err error)
	// Channels counts the accounts in use; Staff those who answer customers.
	Channels func(ctx context.Context, workspace holdfast.ID) (int, error)
	Staff    func(ctx context.Context, workspace holdfast.ID) (int, error)
	// Orders are what was sold; nil where this desk has no orders.
	Orders func(ctx context.Context, workspace holdfast.ID, from, to time.Time) ([]Sale, error)
	// Audit records a change of the assumptions.
	Audit func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, action string, subject holdfast.ID, detail any) error
}

// Losses is the room. Make one with New.
type Losses struct {
	Deps

	mu    sync.Mutex
	known map[holdfast.ID]*seen
}

// New makes the room of a journal that Table is a projection of. It does no I/O.
func New(d Deps) *Losses { return &Losses{Deps: d, known: map[holdfast.ID]*seen{}} }

// Table is the projection: each workspace's assumptions.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "losses" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"assumption"} }

// Apply keeps the latest word.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	b, ok := e.Body.(*holdfast.AssumptionsSaved)
	if !ok {
		return nil
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO {assumption} (workspace, body, stamp) VALUES ($1, $2, $3)
		ON CONFLICT (workspace) DO UPDATE SET body = excluded.body, stamp = excluded.stamp WHERE excluded.stamp > {assumption}.stamp`, e.Workspace, raw, store.Stamp(e))
}

// Assumptions are what a workspace has said of itself.
func (l *Losses) Assumptions(ctx context.Context, workspace holdfast.ID) (a holdfast.Assumptions, err error) {
	var raw []byte
	err = l.DB.QueryRow(ctx, "SELECT body FROM assumption WHERE workspace = $1", workspace).Scan(&raw)
	if errors.Is(err, store.ErrNoRows) {
		return a, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &a)
	}
	return a, err
}

// Assume says them anew, whole. The error is Invalid and names the field.
func (l *Losses) Assume(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, a holdfast.Assumptions) error {
	a.Currency = strings.ToUpper(a.Currency)
	if err := check(&a); err != nil {
		return err
	}
	_, err := l.Journal.Do(ctx, journal.Command{Workspace: workspace, Actor: by, Run: func(tx *journal.Tx) error {
		if err := l.Audit(tx.Tx, workspace, by, "assumptions.saved", workspace, a); err != nil {
			return err
		}
		_, err := tx.Append(workspace, &holdfast.AssumptionsSaved{Assumptions: a})
		return err
	}})
	return err
}

// most is more than any of them can be: a quadrillion.
const most = 1e15

func check(a *holdfast.Assumptions) error {
	if len(a.Currency) != 0 && (len(a.Currency) != 3 || strings.Trim(a.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return holdfast.Errorf(holdfast.Invalid, "losses.currency", "a currency has three letters").WithField("currency").WithNext("Write EUR, RUB, IRR or another code of ISO 4217.")
	}
	for _, f := range facts {
		v := *f.of(a)
		if v == nil {
			continue
		}
		top := most
		if f.share {
			top = 1
		}
		if !(*v >= 0 && *v <= top) {
			return holdfast.Errorf(holdfast.Invalid, "losses.out_of_range", "this is from 0 to %g", top).WithField(f.key)
		}
	}
	return nil
}

// fact is one assumption: where it is kept, and what holds where nobody has said it and
// nothing is measured. Sums are nothing and shares are neutral: never anybody's average.
type fact struct {
	key    string
	of     func(a *holdfast.Assumptions) **float64
	share  bool
	normal float64
}

var facts = []fact{
	{"weekly", func(a *holdfast.Assumptions) **float64 { return &a.Weekly }, false, 0},
	{"internet", func(a *holdfast.Assumptions) **float64 { return &a.Internet }, true, 1},
	{"recaptured", func(a *holdfast.Assumptions) **float64 { return &a.Recaptured }, true, 0},
	{"staff", func(a *holdfast.Assumptions) **float64 { return &a.Staff }, false, 0},
	{"wage", func(a *holdfast.Assumptions) **float64 { return &a.Wage }, false, 0},
	{"recovery", func(a *holdfast.Assumptions) **float64 { return &a.Recovery }, false, 0},
	{"leaving", func(a *holdfast.Assumptions) **float64 { return &a.Leaving }, true, 0},
	{"worth", func(a *holdfast.Assumptions) **float64 { return &a.Worth }, false, 0},
	{"margin", func(a *holdfast.Assumptions) **float64 { return &a.Margin }, true, 1},
	{"penalty", func(a *holdfast.Assumptions) **float64 { return &a.Penalty }, false, 0},
}

// Where a figure comes from.
const (
	Said     = "said"
	Measured = "measured"
	Default  = "default"
)

// Factor is one figure of the formula, where it comes from, and what our own data say.
type Factor struct {
	Key      string   `json:"key" enum:"weekly,internet,recaptured,staff,wage,recovery,leaving,worth,margin,penalty"`
	Value    float64  `json:"value"`
	Source   string   `json:"source" enum:"said,measured,default" doc:"What was said goes before what was measured, and that before the default, which is nothing, or all."`
	Measured *float64 `json:"measured" doc:"What our own data say, whether it is used or not; null: they do not say."`
	Share    bool     `json:"share" doc:"From 0 to 1."`
}

// factors says which figures hold.
func factors(a holdfast.Assumptions, measured map[string]float64) []Factor {
	list := make([]Factor, 0, len(facts))
	for _, f := range facts {
		x := Factor{Key: f.key, Value: f.normal, Source: Default, Share: f.share}
		if m, ok := measured[f.key]; ok {
			x.Value, x.Source, x.Measured = m, Measured, &m
		}
		if v := *f.of(&a); v != nil {
			x.Value, x.Source = *v, Said
		}
		list = append(list, x)
	}
	return list
}

func value(list []Factor, key string) Factor {
	for _, f := range list {
		if f.Key == key {
			return f
		}
	}
	return Factor{}
}

var houseCurrency = map[string]string{"ru": "RUB", "fa": "IRR"}

// currency is what a workspace counts in; where it has not said, its language's.
func currency(a *holdfast.Assumptions, language string) string {
	if a.Currency != "" {
		return a.Currency
	}
	if c := houseCurrency[language]; c != "" {
		return c
	}
	return "USD"
}
