package continuity

import (
	"context"
	"time"

	"holdfast"
	"holdfast/store"
)

// What does not match after an outage.
const (
	StillHeld = "held"    // it waits and has not gone
	Unknown   = "unknown" // nobody can say whether it arrived
	Expired   = "expired" // its time was over before it could go
	Lost      = "lost"    // it failed for good
	Doubled   = "doubled" // it may have arrived twice
)

// Mismatch is a message that somebody must look at.
type Mismatch struct {
	What         string      `json:"what" enum:"held,unknown,expired,lost,doubled"`
	Message      holdfast.ID `json:"message"`
	Conversation holdfast.ID `json:"conversation,omitzero" doc:"Missing: of a notice, which is in none."`
	Number       int64       `json:"number"`
	Customer     string      `json:"customer"`
	Code         string      `json:"code,omitempty"`
}

// Balance is what became of the messages of a time.
type Balance struct {
	Held     int        `json:"held" doc:"Had to wait because their channel was cut."`
	Rerouted int        `json:"rerouted" doc:"Went another way."`
	Gone     int        `json:"gone" doc:"Of the held: have gone by now."`
	Back     int        `json:"back" doc:"Conversations in which a customer wrote meanwhile."`
	Counts   []Count    `json:"counts" doc:"What does not match, by what it is."`
	Items    []Mismatch `json:"items" doc:"The first two hundred of them."`
}

// Count is how many there are.
type Count struct {
	What  string `json:"what"`
	Count int    `json:"count"`
}

// Of is how many mismatches of a sort there are.
func (b *Balance) Of(what string) int {
	for _, c := range b.Counts {
		if c.What == what {
			return c.Count
		}
	}
	return 0
}

const mostMismatches = 200

// Balance compares what was held, went another way and came in from from to to with what
// has become of it by now.
func (c *Continuity) Balance(ctx context.Context, workspace holdfast.ID, from, to time.Time) (*Balance, error) {
	b := &Balance{Counts: []Count{}, Items: []Mismatch{}}
	rows, err := c.DB.Query(ctx, outages+"WHERE o.scope = 'channel' AND o.at <= $2 AND (o.ended = 0 OR o.ended >= $3) ORDER BY o.stamp", workspace, to, from)
	cuts, err := store.Collect(rows, err, scanOutage)
	if err != nil {
		return nil, err
	}
	held := map[holdfast.ID]holdfast.Delivery{}
	for _, o := range cuts {
		end, lsn := o.EndedAt, o.endLSN
		if end.IsZero() {
			end, lsn = c.DB.Now(), 1<<62
		}
		type row struct {
			id    holdfast.ID
			state string
		}
		rows, err := c.DB.Query(ctx, "SELECT message, state "+waited, workspace, o.Subject, lsn, end, o.StartedAt)
		list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.id, &v.state) })
		if err != nil {
			return nil, err
		}
		for _, v := range list {
			held[v.id] = holdfast.Delivery(v.state)
		}
	}
	b.Held = len(held)
	for _, state := range held {
		if state == holdfast.Accepted || state == holdfast.Delivered || state == holdfast.Seen {
			b.Gone++
		}
	}
	if err := c.DB.QueryRow(ctx, "SELECT COUNT(DISTINCT message) FROM outage_detour WHERE workspace = $1 AND at >= $2 AND at <= $3", workspace, from, to).Scan(&b.Rerouted); err != nil {
		return nil, err
	}
	err = c.DB.QueryRow(ctx, `SELECT COUNT(DISTINCT m.conversation) FROM conversation v JOIN message m ON m.conversation = v.id
		WHERE v.workspace = $1 AND v.last_clock >= $2 AND m.clock >= $2 AND m.clock <= $3 AND m.direction = 'in'`, workspace, holdfast.ClockAt(from), holdfast.ClockAt(to)).Scan(&b.Back)
	if err != nil {
		return nil, err
	}
	// What waits counts however long it has; what has ended badly, when it did so since the beginning.
	type bad struct {
		Mismatch
		state   string
		doubled bool
	}
	rows, err = c.DB.Query(ctx, `SELECT o.message, o.conversation, COALESCE(v.number, 0), COALESCE(u.name, ''), o.state, o.code, o.doubled
		FROM outbox o LEFT JOIN conversation v ON v.id = o.conversation AND v.workspace = o.workspace LEFT JOIN customer u ON u.id = o.customer AND u.workspace = o.workspace
		WHERE o.workspace = $1 AND o.lsn > 0 AND (o.state = 'retry_wait' OR (o.state = 'queued' AND o.due_at <= $2) OR (o.changed_at >= $3 AND o.changed_at <= $4 AND (o.state IN ('unknown', 'failed') OR o.doubled)))
		ORDER BY o.lsn`, workspace, c.DB.Now(), from, to)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *bad) error {
		return r.Scan(&v.Message, &v.Conversation, &v.Number, &v.Customer, &v.state, &v.Code, &v.doubled)
	})
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, v := range list {
		switch state := holdfast.Delivery(v.state); {
		case state == holdfast.Queued || state == holdfast.RetryWait:
			v.What = StillHeld
		case state == holdfast.Parked:
			v.What = Unknown
		case state == holdfast.Failed && v.Code == "expired":
			v.What = Expired
		case state == holdfast.Failed:
			v.What = Lost
		default:
			v.What = Doubled
		}
		if counts[v.What]++; len(b.Items) < mostMismatches {
			b.Items = append(b.Items, v.Mismatch)
		}
	}
	for _, what := range []string{StillHeld, Unknown, Expired, Lost, Doubled} {
		if counts[what] > 0 {
			b.Counts = append(b.Counts, Count{what, counts[what]})
		}
	}
	return b, nil
}
