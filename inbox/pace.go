package inbox

import (
	"context"
	"slices"
	"time"

	"holdfast"
	"holdfast/store"
)

const (
	paceDays   = 14
	paceEnough = 8 // answers; the median of fewer says little
	paceRows   = 5000
	dayPart    = 6 // hours: night, morning, afternoon, evening
)

// FirstReply is the median time to a first answer on a channel, over the last 14
// days and the part of the day (a quarter, in now's zone) that now is in; 0 when
// there are too few to say.
func (b *Inbox) FirstReply(ctx context.Context, workspace, channel holdfast.ID, now time.Time) (time.Duration, error) {
	type row struct{ in, reply time.Time }
	rows, err := b.db.Query(ctx, `SELECT first_in_at, first_reply_at FROM conversation
		WHERE workspace = $1 AND channel = $2 AND opened_at > $3 AND first_in_at > 0 AND first_reply_at > first_in_at
		ORDER BY opened_at DESC LIMIT $4`, workspace, channel, now.AddDate(0, 0, -paceDays), paceRows)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.in, &v.reply) })
	if err != nil {
		return 0, err
	}
	var took []time.Duration
	for _, v := range list {
		if v.in.In(now.Location()).Hour()/dayPart == now.Hour()/dayPart {
			took = append(took, v.reply.Sub(v.in))
		}
	}
	if len(took) < paceEnough {
		return 0, nil
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
