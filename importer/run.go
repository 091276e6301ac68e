package importer

import (
	"context"
	"errors"
	"os"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

const (
	lookEvery = 5 * time.Second
	beatEvery = 5 * time.Second
	// abandoned is when a walker who says nothing is taken for gone.
	abandoned = 30 * time.Second
	keepFiles = 7 * 24 * time.Hour // of imports that did not become real
)

// errTaken stops a walk that is somebody else's now, or nobody's: it was cancelled.
var errTaken = errors.New("the import was cancelled or taken over")

// Run walks imports, one at a time and the oldest first, until ctx ends. What
// another process left behind goes on here.
func (im *Importer) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	swept := time.Time{}
	for {
		id, err := im.next(ctx)
		if err != nil && ctx.Err() == nil {
			im.Log.Warn("imports cannot be read", "err", err)
		}
		if err == nil && !id.IsZero() {
			if err := im.RunOne(ctx, id); err != nil && ctx.Err() == nil {
				im.Log.Warn("an import stopped", "import", id.String(), "err", err)
			}
			if ctx.Err() == nil {
				continue
			}
		}
		if time.Since(swept) > 24*time.Hour && ctx.Err() == nil {
			im.sweep(ctx)
			swept = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-im.kick:
		case <-tick.C:
		}
	}
}

// next is the oldest import that nobody walks; zero when there is none.
func (im *Importer) next(ctx context.Context) (id holdfast.ID, err error) {
	err = im.DB.QueryRow(ctx, "SELECT id FROM import_run WHERE state IN ('queued', 'running') AND beat_at < $1 ORDER BY created_at LIMIT 1", time.Now().Add(-abandoned)).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		err = nil
	}
	return id, err
}

// claim makes an import this process's. It reports false when somebody walks it or it has ended.
func (im *Importer) claim(ctx context.Context, id holdfast.ID) (mine bool, err error) {
	err = im.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecN(`UPDATE import_run SET state = 'running', runner = $2, beat_at = $3, started_at = CASE WHEN started_at = 0 THEN $3 ELSE started_at END,
			since_lsn = CASE WHEN since_lsn = 0 THEN $5 ELSE since_lsn END WHERE id = $1 AND state IN ('queued', 'running') AND beat_at < $4`,
			id, im.me, tx.Now, tx.Now.Add(-abandoned), im.Journal.Head())
		mine = n == 1
		return err
	})
	return mine, err
}

// RunOne walks one import to its end, to a failure, or until ctx ends: then it
// can be taken up again at once. Of one that somebody else walks, or that has
// ended, it does nothing. A failure of the import itself is in its View and is no error.
func (im *Importer) RunOne(ctx context.Context, id holdfast.ID) error {
	mine, err := im.claim(ctx, id)
	if err != nil || !mine {
		return err
	}
	var r run
	sealed, err := r.scan(im.DB.QueryRow(ctx, runColumns+"WHERE id = $1", id))
	if err == nil {
		err = im.unseal(&r, sealed)
	}
	if err == nil {
		err = im.DB.QueryRow(ctx, "SELECT COALESCE(MAX(n), 0) FROM import_line WHERE import = $1", id).Scan(&r.lines)
	}
	if err == nil {
		stop := im.beat(ctx, id)
		err = im.walk(ctx, &r)
		stop()
	}
	return im.end(ctx, &r, id, err)
}

// beat says that an import is being walked, also while the other desk lets us wait.
func (im *Importer) beat(ctx context.Context, id holdfast.ID) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for im.pauseFor(ctx, beatEvery) {
			err := im.DB.Write(ctx, func(tx *store.Tx) error {
				return tx.Exec("UPDATE import_run SET beat_at = $3 WHERE id = $1 AND runner = $2 AND state = 'running'", id, im.me, tx.Now)
			})
			if err != nil && ctx.Err() == nil {
				im.Log.Warn("an import could not say that it is alive", "import", id.String(), "err", err)
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (im *Importer) pauseFor(ctx context.Context, d time.Duration) bool { return pause(ctx, d) == nil }

// walk reads the source and writes what it brings.
func (im *Importer) walk(ctx context.Context, r *run) error {
	src, err := im.open(ctx, r)
	if err != nil {
		return err
	}
	w, err := im.writer(ctx, r)
	if err != nil {
		return err
	}
	if err := src.read(ctx, r.place, func(rec record) error { return w.take(ctx, rec) }); err != nil {
		// What was read before the failure need not be read again.
		if !errors.Is(err, errTaken) && ctx.Err() == nil {
			if ferr := w.flush(ctx); ferr != nil {
				return ferr
			}
		}
		return err
	}
	return w.flush(ctx)
}

// end notes how a walk ended.
func (im *Importer) end(ctx context.Context, r *run, id holdfast.ID, err error) error {
	if errors.Is(err, errTaken) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err != nil && (errors.Is(err, context.Canceled) || holdfast.CodeOf(err) == "store.unavailable") {
		// Nothing of the import's own: whoever comes next goes on.
		werr := im.DB.Write(ctx, func(tx *store.Tx) error {
			return tx.Exec("UPDATE import_run SET runner = NULL, beat_at = 0 WHERE id = $1 AND runner = $2", id, im.me)
		})
		return errors.Join(err, werr)
	}
	state, code, reason := Done, "", ""
	if err != nil {
		state, code, reason = Failed, "internal", "something went wrong on our side"
		var e *holdfast.Error
		if errors.As(err, &e) {
			code, reason = e.Code, e.Message
		}
		im.Log.Warn("an import failed", "import", id.String(), "source", r.Source, "err", err)
	}
	taken := false
	werr := im.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecN("UPDATE import_run SET state = $3, code = $4, reason = $5, runner = NULL, beat_at = 0, finished_at = $6 WHERE id = $1 AND runner = $2 AND state = 'running'",
			id, im.me, state, code, clip(reason, 1000), tx.Now)
		taken = n == 0
		if err != nil || taken {
			return err
		}
		by := access.System(r.Workspace)
		by.Actor = r.Actor
		if err := access.Record(tx, by, "import."+string(state), id, r.Counts); err != nil {
			return err
		}
		// Screens look again; and the journal ends with an entry of the present.
		_, err = im.Journal.In(tx, r.Workspace, r.Actor).Append(id, &holdfast.SetupChanged{What: "import", ID: id, Action: "changed"})
		return err
	})
	if werr == nil && !taken && state == Done && !r.Dry && r.kind.File {
		os.Remove(im.path(id))
	}
	return werr
}

// sweep removes files that nobody came back for.
func (im *Importer) sweep(ctx context.Context) {
	entries, err := os.ReadDir(im.Folder)
	if err != nil {
		return // there was never a file
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < keepFiles {
			continue
		}
		name := e.Name()
		if len(name) > 36 {
			name = name[:36]
		}
		id, err := holdfast.ParseID(name)
		if err != nil {
			continue
		}
		var active int
		err = im.DB.QueryRow(ctx, "SELECT COUNT(*) FROM import_run WHERE id = $1 AND state IN ('queued', 'running')", id).Scan(&active)
		if err == nil && active == 0 {
			if err := os.Remove(im.path(id) + e.Name()[len(name):]); err != nil {
				im.Log.Warn("an old file of an import was not removed", "import", id.String(), "err", err)
			}
		}
	}
}
