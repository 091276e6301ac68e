package journal

import (
	"context"
	"fmt"
	"time"

	"holdfast"
	"holdfast/store"
)

const entryColumns = "lsn, origin, seq, clock, at, workspace, subject, kind, actor_kind, actor, body"

func scanEntry(r *store.Rows, e *holdfast.Entry) error {
	var raw []byte
	if err := r.Scan(&e.LSN, &e.Origin, &e.Seq, &e.Clock, &e.At, &e.Workspace, &e.Subject, &e.Kind, &e.Actor.Kind, &e.Actor.ID, &raw); err != nil {
		return err
	}
	body, err := holdfast.DecodeBody(e.Kind, raw)
	if err != nil {
		return fmt.Errorf("entry %d: %w", e.LSN, err)
	}
	e.Body = body
	return nil
}

// After reads entries of all workspaces after lsn, in commit order. Their bodies
// are shared with other readers and must not be changed. It may return fewer
// than there are, but none only when there are none.
func (j *Journal) After(ctx context.Context, lsn holdfast.LSN, limit int) ([]holdfast.Entry, error) {
	if list := j.recent.after(lsn, limit); len(list) > 0 {
		return list, nil
	}
	rows, err := j.db.Query(ctx, "SELECT "+entryColumns+" FROM journal WHERE lsn > $1 ORDER BY lsn LIMIT $2", lsn, limit)
	return store.Collect(rows, err, scanEntry)
}

// restFor is how long the journal's end is believed to be where somebody found it.
const restFor = time.Second

// Next is After for those who ask again and again: where one of them has just found
// nothing, and this process has written nothing since, the others do not look as well.
// What another process writes may be seen a second later for that.
func (j *Journal) Next(ctx context.Context, lsn holdfast.LSN, limit int) ([]holdfast.Entry, error) {
	j.mu.Lock()
	quiet := lsn >= j.end && lsn >= j.head && time.Since(j.endAt) < restFor
	j.mu.Unlock()
	if quiet {
		return nil, nil
	}
	from := time.Now()
	list, err := j.After(ctx, lsn, limit)
	if err == nil && len(list) == 0 {
		j.mu.Lock()
		j.end, j.endAt = lsn, from
		j.mu.Unlock()
	}
	return list, err
}

// About reads a workspace's entries about one subject before an LSN (0: the
// newest), newest first.
func (j *Journal) About(ctx context.Context, workspace, subject holdfast.ID, before holdfast.LSN, limit int) ([]holdfast.Entry, error) {
	if before <= 0 {
		before = 1<<62 - 1
	}
	rows, err := j.db.Query(ctx, "SELECT "+entryColumns+" FROM journal WHERE subject = $1 AND lsn < $2 AND workspace = $3 ORDER BY lsn DESC LIMIT $4", subject, before, workspace, limit)
	return store.Collect(rows, err, scanEntry)
}

// Entry reads one entry of a workspace. The error is NotFound.
func (j *Journal) Entry(ctx context.Context, workspace holdfast.ID, lsn holdfast.LSN) (*holdfast.Entry, error) {
	rows, err := j.db.Query(ctx, "SELECT "+entryColumns+" FROM journal WHERE lsn = $1 AND workspace = $2", lsn, workspace)
	list, err := store.Collect(rows, err, scanEntry)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, holdfast.Errorf(holdfast.NotFound, "entry.missing", "there is no entry %d", lsn)
	}
	return &list[0], nil
}
