package search

import (
	"context"
	"errors"
	"time"

	"holdfast"
)

// sweepEvery is how long words may stand in the index's list of new ones. A search
// reads that list through, and a message that finds it full has to sort it in.
const sweepEvery = 200 * time.Millisecond

// Run sorts new words into PostgreSQL's index beside the writer, so that no
// message waits while those of a thousand others are sorted in. It ends with ctx.
func (x *Index) Run(ctx context.Context) error {
	if x.db.Dialect() != "postgres" {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var seen int64
	refused := false // said once
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		_, written := x.db.Stats()
		if written == seen {
			continue
		}
		seen = written
		switch err := x.Sweep(ctx); {
		case err == nil:
			refused = false
		case holdfast.KindOf(err) == holdfast.Forbidden && !refused:
			refused = true
			if x.Log != nil {
				x.Log.Warn("new words are not sorted into the search index beside the writer; it sorts them in itself, and messages wait for it now and then", "err", err)
			}
		}
		// Otherwise the database is away, which its writer says, or a rebuild is changing tables.
	}
}

// Sweep sorts the new words in once. Forbidden "search.sweep_refused" says that the
// database does not let us; where there is nothing to sort it does nothing.
func (x *Index) Sweep(ctx context.Context) error {
	if x.db.Dialect() != "postgres" {
		return nil
	}
	rows, err := x.db.Query(ctx, `SELECT gin_clean_pending_list(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
		WHERE i.indrelid = 'message_words'::regclass AND m.amname = 'gin'`)
	if err == nil {
		for rows.Next() {
		}
		err = rows.Err()
		rows.Close()
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) && state.SQLState() == "42501" { // insufficient_privilege
		return holdfast.Errorf(holdfast.Forbidden, "search.sweep_refused", "PostgreSQL does not let this user sort new words into the search index: %w", err).
			WithNext("Make the desk's database user the owner of its tables.")
	}
	return err
}
