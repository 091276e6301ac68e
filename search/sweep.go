package search

import (
	"context"
	"time"
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
		rows, err := x.db.Query(ctx, `SELECT gin_clean_pending_list(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
			WHERE i.indrelid = 'message_words'::regclass AND m.amname = 'gin'`)
		if err != nil {
			continue // the database is away, which its writer says, or a rebuild is changing tables
		}
		for rows.Next() {
		}
		rows.Close()
	}
}
