package inbox

import (
	"context"
	"regexp"

	"holdfast/store"
)

const filesTogether = 500 // messages

var anyHash = regexp.MustCompile(`[0-9a-f]{64}`)

// UsedFiles are those of the files, by their SHA-256 in hex, that a message of any
// workspace refers to, in its attachments or as its raw form, or something that came
// in and is no message. It reads every message, so it is for a daily sweep.
func (b *Inbox) UsedFiles(ctx context.Context, asked map[string]bool) (map[string]bool, error) {
	used := map[string]bool{}
	for after := int64(0); ; {
		type line struct {
			lsn   int64
			extra []byte
			raw   string
		}
		rows, err := b.db.Query(ctx, "SELECT lsn, extra, raw FROM message WHERE lsn > $1 ORDER BY lsn LIMIT $2", after, filesTogether)
		list, err := store.Collect(rows, err, func(r *store.Rows, l *line) error { return r.Scan(&l.lsn, &l.extra, &l.raw) })
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			after = l.lsn
			for _, hash := range append(anyHash.FindAllString(string(l.extra), -1), l.raw) {
				if asked[hash] {
					used[hash] = true
				}
			}
		}
		if len(list) < filesTogether {
			break
		}
	}
	for hash := range asked {
		var n int
		if err := b.db.QueryRow(ctx, "SELECT COUNT(*) FROM arrival WHERE raw = $1", hash).Scan(&n); err != nil {
			return nil, err
		}
		if n > 0 {
			used[hash] = true
		}
	}
	return used, nil
}
