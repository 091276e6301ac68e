package journal

import (
	"context"
	"errors"
	"time"

	"holdfast"
	"holdfast/store"
)

// Follower reads committed entries by number and may do I/O. It sees each entry
// at least once: after a crash, again from its cursor.
type Follower struct {
	Name string
	// FromStart says where a follower that has never run begins: at the first entry, or
	// where Begin was called.
	FromStart bool
	// Handle is given entries in order. An error is retried with back-off; after
	// five attempts the entry goes to the follower's dead letters and the next one
	// follows. An Unavailable one is retried for as long as it lasts.
	Handle func(ctx context.Context, e *holdfast.Entry) error
}

const (
	followBatch    = 256
	handleAttempts = 5
	// cursorEvery bounds how much is seen twice after a crash. A cursor saved after
	// every read would be a transaction for each of the desk's own.
	cursorEvery = 500 * time.Millisecond
)

// Follow runs a follower until ctx ends.
func (j *Journal) Follow(ctx context.Context, f Follower) error {
	wake, cancel := j.Watch()
	defer cancel()
	at, err := j.cursor(ctx, f)
	for ; err != nil; at, err = j.cursor(ctx, f) {
		if ctx.Err() != nil {
			return nil
		}
		if holdfast.KindOf(err) != holdfast.Unavailable {
			return err
		}
		j.log.Warn("a follower cannot read where it stands", "follower", f.Name, "err", err)
		if !pause(ctx, time.Second) {
			return nil
		}
	}
	saved, savedAt := at, time.Now()
	save := func(ctx context.Context) {
		if err := j.saveCursor(ctx, f.Name, at); err != nil {
			if ctx.Err() == nil {
				j.log.Warn("a follower's cursor was not saved; it will see entries again", "follower", f.Name, "err", err)
			}
			return
		}
		saved, savedAt = at, time.Now()
	}
	defer func() {
		if saved != at {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			save(last)
		}
	}()
	for {
		entries, err := j.Next(ctx, at, followBatch)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			j.log.Warn("a follower cannot read the journal", "follower", f.Name, "err", err)
			if !pause(ctx, time.Second) {
				return nil
			}
			continue
		}
		for i := range entries {
			if !j.handle(ctx, f, &entries[i]) {
				return nil
			}
			at = entries[i].LSN
		}
		due := time.Until(savedAt.Add(cursorEvery))
		if saved != at && due <= 0 {
			save(ctx)
		}
		if len(entries) > 0 {
			continue
		}
		idle := 5 * time.Second // another node may have written
		if saved != at {
			idle = max(due, 10*time.Millisecond)
		}
		select {
		case <-wake:
		case <-time.After(idle):
		case <-ctx.Done():
			return nil
		}
	}
}

// handle reports false when ctx ended before the entry was dealt with.
func (j *Journal) handle(ctx context.Context, f Follower, e *holdfast.Entry) bool {
	wait := 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := f.Handle(ctx, e)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		// A database that is away says nothing about the entry: that is waited for.
		if attempt >= handleAttempts && holdfast.KindOf(err) != holdfast.Unavailable {
			j.log.Error("a follower gave an entry up", "follower", f.Name, "lsn", int64(e.LSN), "err", err)
			lost := j.db.Write(ctx, func(tx *store.Tx) error {
				return tx.Exec(`INSERT INTO dead_letter (follower, lsn, error, attempts, at) VALUES ($1, $2, $3, $4, $5)
					ON CONFLICT (follower, lsn) DO UPDATE SET error = excluded.error, attempts = dead_letter.attempts + excluded.attempts, at = excluded.at`,
					f.Name, e.LSN, store.Text(err.Error()), attempt, tx.Now)
			})
			if lost == nil {
				return true
			}
		}
		if !pause(ctx, wait) {
			return false
		}
		wait = min(wait*3, 5*time.Second)
	}
}

func (j *Journal) cursor(ctx context.Context, f Follower) (holdfast.LSN, error) {
	var at holdfast.LSN
	err := j.db.QueryRow(ctx, "SELECT lsn FROM follower WHERE name = $1", f.Name).Scan(&at)
	if !errors.Is(err, store.ErrNoRows) {
		return at, err
	}
	if !f.FromStart {
		j.mu.Lock()
		at = j.began
		j.mu.Unlock()
	}
	return at, j.saveCursor(ctx, f.Name, at)
}

func (j *Journal) saveCursor(ctx context.Context, name string, at holdfast.LSN) error {
	return j.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO follower (name, lsn) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET lsn = excluded.lsn", name, at)
	})
}

// DeadLetter is an entry that a follower gave up.
type DeadLetter struct {
	Follower string       `json:"follower"`
	LSN      holdfast.LSN `json:"lsn"`
	Error    string       `json:"error"`
	Attempts int          `json:"attempts"`
	At       time.Time    `json:"at"`
}

// DeadLetters lists what followers gave up, newest first.
func (j *Journal) DeadLetters(ctx context.Context, limit int) ([]DeadLetter, error) {
	rows, err := j.db.Query(ctx, "SELECT follower, lsn, error, attempts, at FROM dead_letter ORDER BY at DESC LIMIT $1", limit)
	return store.Collect(rows, err, func(r *store.Rows, d *DeadLetter) error {
		return r.Scan(&d.Follower, &d.LSN, &d.Error, &d.Attempts, &d.At)
	})
}

// Retry hands a follower's dead letters to it once more and forgets those that it takes.
func (j *Journal) Retry(ctx context.Context, f Follower) (taken int, err error) {
	rows, err := j.db.Query(ctx, "SELECT "+entryColumns+" FROM journal WHERE lsn IN (SELECT lsn FROM dead_letter WHERE follower = $1) ORDER BY lsn", f.Name)
	entries, err := store.Collect(rows, err, scanEntry)
	if err != nil {
		return 0, err
	}
	for i := range entries {
		if err := f.Handle(ctx, &entries[i]); err != nil {
			return taken, err
		}
		err := j.db.Write(ctx, func(tx *store.Tx) error {
			return tx.Exec("DELETE FROM dead_letter WHERE follower = $1 AND lsn = $2", f.Name, entries[i].LSN)
		})
		if err != nil {
			return taken, err
		}
		taken++
	}
	return taken, nil
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
