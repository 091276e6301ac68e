package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"holdfast"
	"holdfast/store"
)

// FeedRow is one message as the customer at an address may see it.
type FeedRow struct {
	N            holdfast.LSN // of its arrival, or of its sending
	Message      holdfast.ID
	Conversation holdfast.ID
	Direction    holdfast.Direction
	Author       holdfast.ID
	Text         string
	Attachments  []holdfast.Attachment
	At           time.Time
}

// Feed reads what the customer at addr wrote and was sent over a channel, after
// number n, the oldest first. Notes and what has not left the outbox are not in it;
// what was here before it was sent another way, too, is.
func (b *Inbox) Feed(ctx context.Context, workspace, channel holdfast.ID, addr holdfast.Address, n holdfast.LSN, limit int) ([]FeedRow, error) {
	if limit <= 0 || limit > 500 {
		limit = 200
	}
	rows, err := b.db.Query(ctx, `SELECT f.n, m.id, m.conversation, m.direction, m.author, m.text, m.extra, m.at FROM (
			SELECT i.lsn AS n, i.lsn AS lsn FROM message i
				WHERE i.conversation IN (SELECT c.id FROM conversation c WHERE c.workspace = $1 AND c.customer IN
					(SELECT a.customer FROM address a WHERE a.workspace = $1 AND a.scheme = $3 AND a.value = $4 AND NOT a.claimed))
				AND i.direction = 'in' AND i.address = $4 AND i.channel = $2 AND i.lsn > $5
			UNION ALL
			SELECT o.sent_lsn AS n, s.lsn AS lsn FROM outbox o JOIN message s ON s.id = o.message
				WHERE o.conversation IN (SELECT c.id FROM conversation c WHERE c.workspace = $1 AND c.customer IN
					(SELECT a.customer FROM address a WHERE a.workspace = $1 AND a.scheme = $3 AND a.value = $4 AND NOT a.claimed))
				AND o.channel = $2 AND o.address = $4 AND o.sent_lsn > $5
			UNION
			SELECT o.sent_lsn AS n, s.lsn AS lsn FROM leg g JOIN outbox o ON o.message = g.message JOIN message s ON s.id = g.message
				WHERE g.workspace = $1 AND g.from_channel = $2 AND g.from_address = $4 AND g.from_scheme = $3 AND g.accepted AND o.sent_lsn > $5
		) AS f JOIN message m ON m.lsn = f.lsn ORDER BY f.n LIMIT $6`, workspace, channel, addr.Scheme, addr.Value, n, limit)
	return store.Collect(rows, err, func(r *store.Rows, f *FeedRow) error {
		var raw []byte
		if err := r.Scan(&f.N, &f.Message, &f.Conversation, &f.Direction, &f.Author, &f.Text, &raw, &f.At); err != nil {
			return err
		}
		if len(raw) == 0 {
			return nil
		}
		var x extra
		if err := json.Unmarshal(raw, &x); err != nil {
			return err
		}
		f.Attachments = x.Attachments
		return nil
	})
}

// TalkOf is who is at an address and their running conversation on a channel; zero where there is none.
func (b *Inbox) TalkOf(ctx context.Context, workspace, channel holdfast.ID, addr holdfast.Address) (customer, conversation holdfast.ID, err error) {
	err = b.db.QueryRow(ctx, `SELECT a.customer, `+running+`
		FROM address a WHERE a.workspace = $1 AND a.scheme = $3 AND a.value = $4 AND NOT a.claimed ORDER BY a.stamp LIMIT 1`, workspace, channel, addr.Scheme, addr.Value).Scan(&customer, &conversation)
	if errors.Is(err, store.ErrNoRows) {
		return customer, conversation, nil
	}
	return customer, conversation, err
}
