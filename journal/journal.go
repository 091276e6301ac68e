// Package journal is the one door through which the desk changes: entries with
// an origin, a number and a clock, appended by commands, turned into tables by
// projections in the same transaction, and read by followers after the commit.
//
// It refuses to know what any kind of entry means, to change an entry that is
// written, and to let anything but a projection write a projection's tables.
package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"holdfast"
	"holdfast/store"
)

// Projection turns entries into tables. Its reducers commute, associate and are
// idempotent: the same set of entries in any order gives the same rows. It
// touches nothing but its own tables, named in {braces} in its SQL so that they
// can be filled anew beside the ones in use.
type Projection interface {
	Name() string
	// Version changes when the same entries must give other rows; the tables are
	// then filled anew at the next start.
	Version() int
	Tables() []string
	Apply(tx *store.Tx, e *holdfast.Entry) error
}

// Journal is an open journal. Make one with New and Open it.
type Journal struct {
	db          *store.DB
	log         *slog.Logger
	projections []Projection
	stamper     holdfast.Stamper

	mu      sync.Mutex
	origin  holdfast.ID
	waiters map[chan struct{}]struct{}
	began   holdfast.LSN // behind which followers begin that have never run
	head    holdfast.LSN // the newest commit that followers were told of
	end     holdfast.LSN // behind which somebody found nothing
	endAt   time.Time    // when that was

	recent recent
}

// New makes a journal over db. Projections are applied in the given order.
func New(db *store.DB, log *slog.Logger, projections ...Projection) *Journal {
	return &Journal{db: db, log: log, projections: projections, waiters: map[chan struct{}]struct{}{}}
}

// Open reads who this node is, makes it somebody on the first start, and
// fills anew the projections whose version changed.
func (j *Journal) Open(ctx context.Context) error {
	origin, err := j.readOrigin(ctx)
	if errors.Is(err, store.ErrNoRows) {
		origin, err = j.NewIncarnation(ctx)
	}
	if err != nil {
		return err
	}
	var clock holdfast.Clock
	var head holdfast.LSN
	if err := j.db.QueryRow(ctx, "SELECT COALESCE(MAX(lsn), 0) FROM journal").Scan(&head); err != nil {
		return err
	}
	// The newest stamp of our own is what our clock must not fall behind, also when
	// the wall clock was set back while we were down.
	if err := j.db.QueryRow(ctx, "SELECT COALESCE(MAX(clock), 0) FROM (SELECT clock FROM journal ORDER BY lsn DESC LIMIT 1000) AS newest").Scan(&clock); err != nil {
		return err
	}
	j.stamper.Restore(clock)
	j.mu.Lock()
	j.origin, j.began, j.head = origin, head, head
	j.mu.Unlock()
	for _, p := range j.projections {
		stale, err := j.stale(ctx, p, head)
		if err != nil {
			return err
		}
		if stale {
			j.log.Info("filling a projection anew", "projection", p.Name(), "version", p.Version(), "entries", int64(head))
			if err := j.Rebuild(ctx, p.Name(), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *Journal) readOrigin(ctx context.Context) (holdfast.ID, error) {
	var b []byte
	if err := j.db.QueryRow(ctx, "SELECT value FROM fact WHERE name = 'origin'").Scan(&b); err != nil {
		return holdfast.ID{}, err
	}
	return holdfast.ID(b), nil
}

// NewIncarnation gives this node a new origin: on its first start, and after a
// restore, since what the lost node wrote after the backup may live on elsewhere
// under the old origin's next numbers.
func (j *Journal) NewIncarnation(ctx context.Context) (holdfast.ID, error) {
	origin := holdfast.NewID()
	err := j.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO fact (name, value) VALUES ('origin', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", origin)
	})
	if err != nil {
		return holdfast.ID{}, err
	}
	j.mu.Lock()
	j.origin = origin
	j.mu.Unlock()
	return origin, nil
}

// Origin is this node and its incarnation.
func (j *Journal) Origin() holdfast.ID {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.origin
}

// Begin says that what is written from now on is for everybody: followers that have
// never run begin here, however late they do. Without it they begin where the journal
// ended when it was opened.
func (j *Journal) Begin() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.began = j.head
}

// Head is the newest committed entry.
func (j *Journal) Head() holdfast.LSN {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.head
}

// Command is one change that somebody wants.
type Command struct {
	Workspace holdfast.ID
	Actor     holdfast.Actor
	// ID was made by whoever wants the change; the same ID twice changes nothing
	// the second time. Zero: the command is not idempotent by itself.
	ID holdfast.ID
	// Ask is what Run begins with finding out; nil for nothing. Run must look at
	// Written before it believes the answer.
	Ask *store.Question
	// Run checks the change against what is true now and appends entries. It may
	// run twice (see store.DB.Write) and must not keep tx.
	Run func(tx *Tx) error
}

// Tx is what a command sees: the store's transaction, and Append.
type Tx struct {
	*store.Tx
	journal   *Journal
	workspace holdfast.ID
	actor     holdfast.Actor
	last      holdfast.LSN
}

// Result says what Do did.
type Result struct {
	LSN   holdfast.LSN // of the last entry appended; 0 when nothing changed
	Again bool         // the command had been done before
}

// Do runs a command and returns when its entries are on disk.
func (j *Journal) Do(ctx context.Context, c Command) (Result, error) {
	var res Result
	err := j.db.WriteAsking(ctx, c.Ask, func(stx *store.Tx) error {
		res = Result{}
		if !c.ID.IsZero() {
			err := stx.QueryRow("SELECT lsn FROM done WHERE workspace = $1 AND id = $2", c.Workspace, c.ID).Scan(&res.LSN)
			if err == nil {
				res.Again = true
				return nil
			}
			if !errors.Is(err, store.ErrNoRows) {
				return err
			}
		}
		tx := &Tx{Tx: stx, journal: j, workspace: c.Workspace, actor: c.Actor}
		if err := c.Run(tx); err != nil {
			return err
		}
		res.LSN = tx.last
		if !c.ID.IsZero() && tx.last > 0 {
			return stx.Exec("INSERT INTO done (workspace, id, lsn, at) VALUES ($1, $2, $3, $4)", c.Workspace, c.ID, tx.last, stx.Now)
		}
		return nil
	})
	return res, err
}

// In lets code that already is in a write of the store append entries.
func (j *Journal) In(stx *store.Tx, workspace holdfast.ID, actor holdfast.Actor) *Tx {
	return &Tx{Tx: stx, journal: j, workspace: workspace, actor: actor}
}

// Workspace is the workspace that the command is bound to.
func (tx *Tx) Workspace() holdfast.ID { return tx.workspace }

// Actor is who wants the change.
func (tx *Tx) Actor() holdfast.Actor { return tx.actor }

// LSN is the newest entry this command has appended.
func (tx *Tx) LSN() holdfast.LSN { return tx.last }

// Written reports whether an entry for which is holds was appended earlier in
// the same transaction, by this command or another: what was read when the
// transaction began may be no longer so.
func (tx *Tx) Written(is func(*holdfast.Entry) bool) bool {
	t, ok := tx.Kept(tailKey{}).(*tail)
	if !ok {
		return false
	}
	for i := range t.fresh {
		if is(&t.fresh[i].entry) {
			return true
		}
	}
	return false
}

// Since reports whether an entry for which is holds was appended after lsn, in this
// transaction or before it. known is false when nobody can say without reading them:
// they are many, or are no longer in memory, or another process wrote some.
func (tx *Tx) Since(lsn holdfast.LSN, is func(*holdfast.Entry) bool) (came, known bool, err error) {
	t, err := tx.tail()
	if err != nil {
		return false, false, err
	}
	if came, known = tx.journal.recent.since(lsn, t.began, is); came || !known {
		return came, known, nil
	}
	return tx.Written(is), true, nil
}

type tailKey struct{}

// tail is where a transaction's next entry goes. It is read once per
// transaction, under the writer's lock.
type tail struct {
	began holdfast.LSN // the newest entry before the transaction
	lsn   holdfast.LSN
	seq   int64
	fresh []written
}

// Append writes one entry about subject and applies the projections.
func (tx *Tx) Append(subject holdfast.ID, body holdfast.Body) (*holdfast.Entry, error) {
	return tx.AppendAs(tx.actor, subject, body)
}

// AppendAs is Append in another's name: a customer's message taken in by the system.
func (tx *Tx) AppendAs(actor holdfast.Actor, subject holdfast.ID, body holdfast.Body) (*holdfast.Entry, error) {
	return tx.append(actor, subject, body, nil)
}

// append writes an entry; ready is nil or what was prepared of its body.
func (tx *Tx) append(actor holdfast.Actor, subject holdfast.ID, body holdfast.Body, ready *Prepared) (*holdfast.Entry, error) {
	t, err := tx.tail()
	if err != nil {
		return nil, err
	}
	e := &holdfast.Entry{
		LSN:       t.lsn + 1,
		Origin:    tx.journal.Origin(),
		Seq:       t.seq + 1,
		Clock:     tx.journal.stamper.Next(tx.Now),
		At:        tx.Now,
		Workspace: tx.workspace,
		Subject:   subject,
		Kind:      body.EntryKind(),
		Actor:     actor,
		Body:      body,
	}
	if err := tx.insert(t, e, ready); err != nil {
		return nil, err
	}
	t.lsn, t.seq = e.LSN, e.Seq
	tx.last = e.LSN
	return e, nil
}

// tail is shared by the jobs of one transaction. A job that fails after an
// append rolls the whole transaction back, so the numbers never have a hole.
func (tx *Tx) tail() (*tail, error) {
	v, err := tx.Local(tailKey{}, func() (any, error) {
		t := &tail{}
		if err := tx.QueryRow("SELECT COALESCE((SELECT MAX(lsn) FROM journal), 0), COALESCE((SELECT MAX(seq) FROM journal WHERE origin = $1), 0)", tx.journal.Origin()).Scan(&t.lsn, &t.seq); err != nil {
			return nil, err
		}
		t.began = t.lsn
		tx.AfterCommit(func() {
			tx.journal.recent.add(t.fresh)
			tx.journal.committed(t.lsn)
		})
		return t, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*tail), nil
}

func (tx *Tx) insert(t *tail, e *holdfast.Entry, ready *Prepared) error {
	var raw []byte
	if ready != nil {
		raw = ready.raw
	} else {
		var err error
		if raw, err = json.Marshal(e.Body); err != nil {
			return fmt.Errorf("body of %s: %w", e.Kind, err)
		}
	}
	err := tx.Exec(`INSERT INTO journal (lsn, origin, seq, clock, at, workspace, subject, kind, actor_kind, actor, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		e.LSN, e.Origin, e.Seq, e.Clock, e.At, e.Workspace, e.Subject, e.Kind, e.Actor.Kind, e.Actor.ID, raw)
	if err != nil {
		return err
	}
	for i, p := range tx.journal.projections {
		var err error
		if can, ok := p.(Preparer); ok && ready != nil {
			err = can.ApplyPrepared(tx.Tx, e, ready.ready[i])
		} else {
			err = p.Apply(tx.Tx, e)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name(), err)
		}
	}
	t.fresh = append(t.fresh, written{*e, len(raw)})
	return nil
}

// committed wakes the followers: look past what you have seen.
func (j *Journal) committed(lsn holdfast.LSN) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if lsn > j.head {
		j.head = lsn
	}
	for w := range j.waiters {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// Watch returns a channel that receives after commits, coalesced, until cancel.
func (j *Journal) Watch() (wake <-chan struct{}, cancel func()) {
	w := make(chan struct{}, 1)
	j.mu.Lock()
	j.waiters[w] = struct{}{}
	j.mu.Unlock()
	return w, func() {
		j.mu.Lock()
		delete(j.waiters, w)
		j.mu.Unlock()
	}
}

// Receive takes in entries that other origins made, in one transaction. Entries
// that are here already are passed over; the order does not matter to the
// projections. A stamp from the far future is kept and reported, not followed.
func (j *Journal) Receive(ctx context.Context, entries []*holdfast.Entry) (fresh int, err error) {
	err = j.db.Write(ctx, func(stx *store.Tx) error {
		fresh = 0
		for _, e := range entries {
			var one int
			err := stx.QueryRow("SELECT 1 FROM journal WHERE origin = $1 AND seq = $2", e.Origin, e.Seq).Scan(&one)
			if err == nil {
				continue
			}
			if !errors.Is(err, store.ErrNoRows) {
				return err
			}
			tx := &Tx{Tx: stx, journal: j, workspace: e.Workspace, actor: e.Actor}
			t, err := tx.tail()
			if err != nil {
				return err
			}
			c := *e
			c.LSN = t.lsn + 1
			if err := tx.insert(t, &c, nil); err != nil {
				return err
			}
			t.lsn = c.LSN
			if c.Origin == j.Origin() {
				t.seq = max(t.seq, c.Seq)
			}
			if !j.stamper.Observe(c.Clock, stx.Now) {
				j.log.Warn("an entry has a clock far in the future; it is kept, and our clock stays", "origin", c.Origin.String(), "seq", c.Seq, "clock", c.Clock.Time().Format(time.RFC3339))
			}
			fresh++
		}
		return nil
	})
	return fresh, err
}

// ClockAhead is how far the newest stamp is ahead of now: over a minute, the
// machine's clock is wrong or another node's was.
func (j *Journal) ClockAhead(now time.Time) time.Duration {
	return j.stamper.Last().Time().Sub(now)
}

// Forget drops the ids of commands that were done before a time: nobody tries
// them again.
func (j *Journal) Forget(ctx context.Context, before time.Time) error {
	return j.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec("DELETE FROM done WHERE at < $1", before) })
}
