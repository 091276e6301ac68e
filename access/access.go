// Package access decides who may come in and as whom: operators and their
// passwords, second factors and sessions, members and roles of workspaces,
// teams, API tokens, limits on guessing, and the audit of every change.
//
// It refuses to speak HTTP, to keep a secret that it could read back (only
// hashes and sealed keys are stored), to say whether an e-mail address is known,
// and to let one workspace see or change what belongs to another.
package access

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"holdfast"
	"holdfast/store"
)

// How long things last.
const (
	sessionLife = 30 * 24 * time.Hour // from when it was last used
	halfLife    = 10 * time.Minute    // between the password and the second factor
	linkLife    = 15 * time.Minute
	linkMaximum = 24 * time.Hour
	freshLink   = 15 * time.Minute // how long a link lets a new password be set without the old one
	cacheLife   = 5 * time.Second  // how long another node's change may go unnoticed
	touchEvery  = time.Minute      // how often "last seen" is written
)

// Options of New. The zero value is what a desk runs with.
type Options struct {
	Log *slog.Logger
	// Changed is told, inside the transaction, of what screens show: what is
	// "operator" or "team", action is "added", "changed" or "removed". Optional.
	Changed func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, what string, id holdfast.ID, action string) error
	// Cost of hashing a password; the zero Cost is the default. Tests lower it.
	Cost Cost
	// AddressFailures is how many failures one network address has before it must
	// wait; 0 means 5. An office behind one address may need more.
	AddressFailures int
	// PublicURL is where browsers open this desk; passkeys are bound to its host.
	PublicURL string
	// Issuer is the name that authenticator apps show; "" means Holdfast.
	Issuer string
}

// Guard is the door. Make one with New.
type Guard struct {
	db      *store.DB
	seal    *store.Sealer
	o       Options
	hashing chan struct{} // one place for each password being hashed
	waiting atomic.Int64

	mu     sync.Mutex
	known  map[cacheKey]*cached
	watch  map[chan struct{}]struct{}
	change uint64 // counts invalidations, so that a slow read does not bring back what is no longer true
}

// New makes a Guard over an open database. It does no I/O.
func New(db *store.DB, seal *store.Sealer, o Options) *Guard {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Cost == (Cost{}) {
		o.Cost = Cost{MemoryKiB: 64 << 10, Passes: 2, Threads: 1}
	}
	if o.AddressFailures == 0 {
		o.AddressFailures = freeFailures
	}
	if o.Issuer == "" {
		o.Issuer = "Holdfast"
	}
	return &Guard{db: db, seal: seal, o: o, hashing: make(chan struct{}, 2), known: map[cacheKey]*cached{}, watch: map[chan struct{}]struct{}{}}
}

// write runs fn in a transaction and forgets, once it is on disk, what was
// remembered about who may do what. fn may run twice and must set its results anew.
func (g *Guard) write(ctx context.Context, fn func(tx *store.Tx) error) error {
	return g.db.Write(ctx, func(tx *store.Tx) error {
		tx.AfterCommit(g.forget)
		return fn(tx)
	})
}

func (g *Guard) changed(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, what string, id holdfast.ID, action string) error {
	if g.o.Changed == nil {
		return nil
	}
	return g.o.Changed(tx, workspace, by, what, id, action)
}

// changedEverywhere records a change of an operator in each of their workspaces and tells the screens there.
func (g *Guard) changedEverywhere(tx *store.Tx, by Identity, operator holdfast.ID, action string, detail any) error {
	return eachWorkspace(tx, operator, func(ws holdfast.ID) error {
		if err := record(tx, by, ws, action, operator, detail); err != nil || ws.IsZero() {
			return err
		}
		return g.changed(tx, ws, by.Actor, "operator", operator, "changed")
	})
}
