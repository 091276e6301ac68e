package journal

import (
	"context"
	"errors"
	"fmt"

	"holdfast"
	"holdfast/store"
)

// rebuildChunk is how many entries one transaction of a rebuild applies; live
// writes get their turn between chunks.
const rebuildChunk = 500

func (j *Journal) stale(ctx context.Context, p Projection, head holdfast.LSN) (bool, error) {
	var version int
	err := j.db.QueryRow(ctx, "SELECT version FROM projection WHERE name = $1", p.Name()).Scan(&version)
	switch {
	case errors.Is(err, store.ErrNoRows) && head == 0:
		return false, j.db.Write(ctx, func(tx *store.Tx) error { return noteVersion(tx, p, 0) })
	case errors.Is(err, store.ErrNoRows):
		return true, nil
	}
	return version != p.Version(), err
}

func noteVersion(tx *store.Tx, p Projection, lsn holdfast.LSN) error {
	return tx.Exec(`INSERT INTO projection (name, version, lsn) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET version = excluded.version, lsn = excluded.lsn`, p.Name(), p.Version(), lsn)
}

// Rebuild fills a projection's tables anew from the journal while the desk goes
// on serving from the old ones, and puts them in place in one transaction.
// progress may be nil. The error is NotFound for a projection that does not exist.
func (j *Journal) Rebuild(ctx context.Context, name string, progress func(done, total holdfast.LSN)) error {
	for _, p := range j.projections {
		if p.Name() == name {
			return j.rebuild(ctx, p, progress)
		}
	}
	return holdfast.Errorf(holdfast.NotFound, "projection.missing", "there is no projection %q", name)
}

// Projections lists the names that Rebuild takes.
func (j *Journal) Projections() []string {
	var names []string
	for _, p := range j.projections {
		names = append(names, p.Name())
	}
	return names
}

func (j *Journal) rebuild(ctx context.Context, p Projection, progress func(done, total holdfast.LSN)) error {
	suffix := fmt.Sprintf("_r%d", j.db.Now().UnixMicro())
	tables := p.Tables()
	err := j.db.Write(ctx, func(tx *store.Tx) error { return tx.CopyEmpty(tables, suffix) })
	if err != nil {
		return err
	}
	var at holdfast.LSN
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			j.discard(tables, suffix)
			return err
		}
		entries, err := j.After(ctx, at, rebuildChunk)
		if err != nil {
			j.discard(tables, suffix)
			return err
		}
		err = j.db.Write(ctx, func(tx *store.Tx) error {
			side := tx.Suffixed(suffix)
			for i := range entries {
				if err := p.Apply(side, &entries[i]); err != nil {
					return fmt.Errorf("%s at entry %d: %w", p.Name(), entries[i].LSN, err)
				}
			}
			if len(entries) == rebuildChunk {
				return nil
			}
			// Near the end: what was committed since the read is read here, where nobody
			// else writes, and the tables change places in the same transaction.
			if n := len(entries); n > 0 {
				at = entries[n-1].LSN
			}
			rows, err := tx.Query("SELECT "+entryColumns+" FROM journal WHERE lsn > $1 ORDER BY lsn", at)
			rest, err := store.Collect(rows, err, scanEntry)
			if err != nil {
				return err
			}
			last := at
			for i := range rest {
				if err := p.Apply(side, &rest[i]); err != nil {
					return fmt.Errorf("%s at entry %d: %w", p.Name(), rest[i].LSN, err)
				}
				last = rest[i].LSN
			}
			if err := tx.Swap(tables, suffix); err != nil {
				return err
			}
			done = true
			return noteVersion(tx, p, last)
		})
		if err != nil {
			j.discard(tables, suffix)
			return err
		}
		if n := len(entries); n > 0 {
			at = entries[n-1].LSN
		}
		if progress != nil {
			progress(at, j.Head())
		}
	}
	return nil
}

func (j *Journal) discard(tables []string, suffix string) {
	err := j.db.Write(context.Background(), func(tx *store.Tx) error { return tx.Discard(tables, suffix) })
	if err != nil {
		j.log.Warn("a broken-off rebuild left tables behind", "suffix", suffix, "err", err)
	}
}
