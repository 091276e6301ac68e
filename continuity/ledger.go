package continuity

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"holdfast"
	"holdfast/store"
)

// Table is the projection: the changes that the ledger of outages is read from. It
// only grows, so that the order in which entries come does not matter.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "outages" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"outage_mark", "outage_detour"} }

// The scopes of outages.
const (
	ScopeLink    = "link"
	ScopeReach   = "reach"
	ScopeChannel = "channel"
)

// Apply keeps one change.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	var scope, name, state, via, code, reason string
	var down bool
	switch b := e.Body.(type) {
	case *holdfast.LinkChanged:
		scope, name, state, via, code = ScopeLink, b.Name, string(b.State), b.Layer, b.Reason
		down = b.State == holdfast.LinkDown
	case *holdfast.ReachChanged:
		scope, state = ScopeReach, string(b.Reach)
		down = b.Reach != holdfast.International
	case *holdfast.ChannelChanged:
		scope, state, via, code, reason = ScopeChannel, string(b.State), b.Via, b.Code, b.Reason
		down = b.State == holdfast.ChannelDown
	case *holdfast.MessageRequeued:
		if b.Channel.IsZero() {
			return nil
		}
		return detour(tx, e, b.Message)
	case *holdfast.MessageRerouted:
		return detour(tx, e, b.Message)
	default:
		return nil
	}
	return tx.Exec(`INSERT INTO {outage_mark} (origin, seq, id, workspace, scope, subject, name, state, down, via, code, reason, stamp, lsn, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (origin, seq) DO NOTHING`,
		e.Origin, e.Seq, holdfast.DeriveID(e.Origin, fmt.Sprint("outage ", e.Seq)), e.Workspace, scope, e.Subject, store.Text(name), state, down,
		store.Text(via), store.Text(code), store.Text(reason), store.Stamp(e), e.LSN, e.At)
}

// detour notes that a message went another way, by itself or by somebody's hand.
func detour(tx *store.Tx, e *holdfast.Entry, message holdfast.ID) error {
	return tx.Exec("INSERT INTO {outage_detour} (origin, seq, workspace, message, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (origin, seq) DO NOTHING",
		e.Origin, e.Seq, e.Workspace, message, e.At)
}

// Outage is an interval in which a link or a channel was down, or the reach short.
type Outage struct {
	ID        holdfast.ID    `json:"id"`
	Scope     string         `json:"scope" enum:"link,reach,channel"`
	What      string         `json:"what" doc:"The name of the link or the channel; of the reach, nothing."`
	Subject   holdfast.ID    `json:"subject"`
	Layer     string         `json:"layer" doc:"Of a link: what was broken. Of a channel: what said so."`
	Code      string         `json:"code"`
	Reach     holdfast.Reach `json:"reach" doc:"The least there was meanwhile."`
	StartedAt time.Time      `json:"started_at"`
	EndedAt   time.Time      `json:"ended_at,omitzero" doc:"Missing: it lasts."`
	Channels  []holdfast.ID  `json:"channels" doc:"Those that it cut off."`
	Held      int            `json:"held" doc:"Messages that had to wait for its end."`
	Rerouted  int            `json:"rerouted" doc:"Messages that went another way."`
	Told      int            `json:"told" doc:"Customers who were told."`

	stamp, endStamp []byte
	lsn, endLSN     holdfast.LSN
}

// lastMarks are the newest words on each link and channel, and with the zero ID on
// the reach.
func lastMarks(ctx context.Context, db *store.DB) (map[holdfast.ID]lastMark, error) {
	type row struct {
		scope string
		id    holdfast.ID
		lastMark
	}
	rows, err := db.Query(ctx, `SELECT m.scope, m.subject, m.state, m.code, m.at FROM outage_mark m WHERE NOT EXISTS
		(SELECT 1 FROM outage_mark l WHERE l.workspace = m.workspace AND l.scope = m.scope AND l.subject = m.subject AND l.stamp > m.stamp) ORDER BY m.stamp`)
	list, err := store.Collect(rows, err, func(r *store.Rows, x *row) error { return r.Scan(&x.scope, &x.id, &x.state, &x.code, &x.at) })
	out := map[holdfast.ID]lastMark{}
	for _, x := range list {
		if x.scope == ScopeReach {
			x.id = holdfast.ID{}
		}
		out[x.id] = x.lastMark
	}
	return out, err
}

// An outage begins with a mark that is down after one that is not, and ends with the
// next one of the same thing that is not.
const outages = `SELECT * FROM (SELECT m.id, m.scope, m.subject, CASE WHEN m.scope = 'channel' THEN COALESCE((SELECT c.name FROM channel_account c WHERE c.id = m.subject), '') ELSE m.name END AS name,
		m.via, m.code, m.at, m.stamp, m.lsn,
		COALESCE((SELECT e.at FROM outage_mark e WHERE e.workspace = m.workspace AND e.scope = m.scope AND e.subject = m.subject AND e.stamp > m.stamp AND NOT e.down ORDER BY e.stamp LIMIT 1), 0) AS ended,
		(SELECT e.stamp FROM outage_mark e WHERE e.workspace = m.workspace AND e.scope = m.scope AND e.subject = m.subject AND e.stamp > m.stamp AND NOT e.down ORDER BY e.stamp LIMIT 1) AS end_stamp,
		COALESCE((SELECT e.lsn FROM outage_mark e WHERE e.workspace = m.workspace AND e.scope = m.scope AND e.subject = m.subject AND e.stamp > m.stamp AND NOT e.down ORDER BY e.stamp LIMIT 1), 0) AS end_lsn
	FROM outage_mark m WHERE m.workspace = $1 AND m.down AND NOT COALESCE((SELECT p.down FROM outage_mark p
		WHERE p.workspace = m.workspace AND p.scope = m.scope AND p.subject = m.subject AND p.stamp < m.stamp ORDER BY p.stamp DESC LIMIT 1), FALSE)) o `

func scanOutage(r *store.Rows, o *Outage) error {
	return r.Scan(&o.ID, &o.Scope, &o.Subject, &o.What, &o.Layer, &o.Code, &o.StartedAt, &o.stamp, &o.lsn, &o.EndedAt, &o.endStamp, &o.endLSN)
}

const mostOutages = 100

// Outages reads a page of a workspace's ledger, the newest first: those that lasted
// at some moment from from to to (zero: unbounded). cursor is "" or a page's next.
func (c *Continuity) Outages(ctx context.Context, workspace holdfast.ID, from, to time.Time, cursor string, limit int) (list []Outage, next string, err error) {
	if limit <= 0 || limit > mostOutages {
		limit = 50
	}
	before := make([]byte, 25)
	for i := range before {
		before[i] = 0xff
	}
	if cursor != "" {
		if before, err = hex.DecodeString(cursor); err != nil || len(before) != 24 {
			return nil, "", holdfast.Errorf(holdfast.Invalid, "cursor.malformed", "the cursor is not one of ours").WithField("cursor").WithNext("Begin again without a cursor.")
		}
	}
	if to.IsZero() {
		to = time.UnixMilli(1 << 52)
	}
	rows, err := c.DB.Query(ctx, outages+"WHERE o.stamp < $2 AND o.at <= $3 AND (o.ended = 0 OR o.ended >= $4) ORDER BY o.stamp DESC LIMIT $5", workspace, before, to, from, limit+1)
	list, err = store.Collect(rows, err, scanOutage)
	if err != nil {
		return nil, "", err
	}
	if len(list) > limit {
		list = list[:limit]
		next = hex.EncodeToString(list[limit-1].stamp)
	}
	for i := range list {
		if err := c.account(ctx, workspace, &list[i]); err != nil {
			return nil, "", err
		}
	}
	return list, next, nil
}

// Outage is one of a workspace's ledger. Errors: NotFound.
func (c *Continuity) Outage(ctx context.Context, workspace, id holdfast.ID) (Outage, error) {
	rows, err := c.DB.Query(ctx, outages+"WHERE o.id = $2", workspace, id)
	list, err := store.Collect(rows, err, scanOutage)
	if err != nil {
		return Outage{}, err
	}
	if len(list) == 0 {
		return Outage{}, holdfast.Errorf(holdfast.NotFound, "continuity.no_outage", "there is no such outage")
	}
	return list[0], c.account(ctx, workspace, &list[0])
}

// current is the outage that matters most of those that last; nil for none.
func (c *Continuity) current(ctx context.Context, workspace holdfast.ID) (*Outage, error) {
	rows, err := c.DB.Query(ctx, outages+"WHERE o.ended = 0 ORDER BY CASE o.scope WHEN 'reach' THEN 0 WHEN 'link' THEN 1 ELSE 2 END, o.stamp LIMIT 20", workspace)
	list, err := store.Collect(rows, err, scanOutage)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], c.account(ctx, workspace, &list[0])
}

// waited is what was written for a channel before its outage's end, and neither sent nor
// settled before it.
const waited = `FROM outbox WHERE workspace = $1 AND channel = $2 AND lsn > 0 AND lsn < $3 AND (sent_lsn > $3 OR (sent_lsn = 0
	AND (state = 'retry_wait' OR (state = 'queued' AND due_at <= $4) OR (state NOT IN ('queued', 'retry_wait') AND changed_at > $5))))`

// account fills in what an outage came to.
func (c *Continuity) account(ctx context.Context, workspace holdfast.ID, o *Outage) error {
	end, last, endLSN := o.EndedAt, o.endStamp, o.endLSN
	if end.IsZero() {
		end, endLSN = c.DB.Now(), 1<<62
		last = make([]byte, 25)
		for i := range last {
			last[i] = 0xff
		}
	}
	o.Channels = []holdfast.ID{}
	if o.Scope == ScopeChannel {
		o.Channels = append(o.Channels, o.Subject)
	} else {
		rows, err := c.DB.Query(ctx, "SELECT DISTINCT subject FROM outage_mark WHERE workspace = $1 AND scope = 'channel' AND down AND via = 'link' AND stamp > $2 AND stamp <= $3", workspace, o.stamp, last)
		list, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
		if err != nil {
			return err
		}
		o.Channels = append(o.Channels, list...)
	}
	if err := c.leastReach(ctx, workspace, o, last); err != nil {
		return err
	}
	for _, ch := range o.Channels {
		var n int
		err := c.DB.QueryRow(ctx, "SELECT COUNT(*) "+waited, workspace, ch, endLSN, end, o.StartedAt).Scan(&n)
		if err != nil {
			return err
		}
		o.Held += n
	}
	if err := c.DB.QueryRow(ctx, "SELECT COUNT(DISTINCT message) FROM outage_detour WHERE workspace = $1 AND at >= $2 AND at <= $3", workspace, o.StartedAt, end).Scan(&o.Rerouted); err != nil {
		return err
	}
	for _, x := range []struct {
		count func(context.Context, holdfast.ID, time.Time, time.Time) (int, error)
		into  *int
	}{{c.Rerouted, &o.Rerouted}, {c.Told, &o.Told}} {
		if x.count == nil {
			continue
		}
		n, err := x.count(ctx, workspace, o.StartedAt, end)
		if err != nil {
			return err
		}
		*x.into += n
	}
	return nil
}

// leastReach finds the least reach there was during an outage.
func (c *Continuity) leastReach(ctx context.Context, workspace holdfast.ID, o *Outage, last []byte) error {
	o.Reach = holdfast.International
	var before string
	err := c.DB.QueryRow(ctx, "SELECT state FROM outage_mark WHERE workspace = $1 AND scope = 'reach' AND stamp <= $2 ORDER BY stamp DESC LIMIT 1", workspace, o.stamp).Scan(&before)
	if err == nil {
		o.Reach = holdfast.Reach(before)
	} else if !errors.Is(err, store.ErrNoRows) {
		return err
	}
	rows, err := c.DB.Query(ctx, "SELECT DISTINCT state FROM outage_mark WHERE workspace = $1 AND scope = 'reach' AND stamp > $2 AND stamp < $3", workspace, o.stamp, last)
	list, err := store.Collect(rows, err, func(r *store.Rows, s *string) error { return r.Scan(s) })
	for _, s := range list {
		if r := holdfast.Reach(s); !r.Covers(o.Reach) {
			o.Reach = r
		}
	}
	return err
}

// held counts what waits to go out now, by channel account.
func (c *Continuity) held(ctx context.Context, workspace holdfast.ID) (map[holdfast.ID]int, error) {
	type row struct {
		id holdfast.ID
		n  int
	}
	rows, err := c.DB.Query(ctx, "SELECT channel, COUNT(*) FROM outbox WHERE workspace = $1 AND lsn > 0 AND (state = 'retry_wait' OR (state = 'queued' AND due_at <= $2)) GROUP BY channel", workspace, c.DB.Now())
	list, err := store.Collect(rows, err, func(r *store.Rows, x *row) error { return r.Scan(&x.id, &x.n) })
	out := map[holdfast.ID]int{}
	for _, x := range list {
		out[x.id] = x.n
	}
	return out, err
}

// Cut is a time in which a channel was down. A zero EndedAt lasts.
type Cut struct {
	Outage, Channel    holdfast.ID
	StartedAt, EndedAt time.Time
}

// Cuts are a workspace's that lasted at some moment from from to to, the earliest first.
func (c *Continuity) Cuts(ctx context.Context, workspace holdfast.ID, from, to time.Time) ([]Cut, error) {
	rows, err := c.DB.Query(ctx, outages+"WHERE o.scope = 'channel' AND o.at <= $2 AND (o.ended = 0 OR o.ended >= $3) ORDER BY o.stamp", workspace, to, from)
	list, err := store.Collect(rows, err, scanOutage)
	cuts := make([]Cut, len(list))
	for i, o := range list {
		cuts[i] = Cut{o.ID, o.Subject, o.StartedAt, o.EndedAt}
	}
	return cuts, err
}
