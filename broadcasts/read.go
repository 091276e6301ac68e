package broadcasts

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/store"
)

// Read is one broadcast with its totals. The error is NotFound.
func (b *Broadcasts) Read(ctx context.Context, workspace, id holdfast.ID) (*Broadcast, error) {
	var v row
	var of holdfast.ID
	err := v.scan(b.DB.QueryRow(ctx, columns+"WHERE b.id = $1 AND b.workspace = $2", id, workspace), &of)
	if errors.Is(err, store.ErrNoRows) {
		return nil, missing()
	}
	if err != nil {
		return nil, err
	}
	return &v.Broadcast, b.measure(ctx, workspace, &v)
}

// List reads a page of broadcasts, the newest first, before a time (zero: the newest).
func (b *Broadcasts) List(ctx context.Context, workspace holdfast.ID, cursor string, limit int) (list []Broadcast, next string, err error) {
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	before, beforeID, err := openCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	rows, err := b.DB.Query(ctx, columns+"WHERE b.workspace = $1 AND (b.created_at, b.id) < ($2, $3) ORDER BY b.created_at DESC, b.id DESC LIMIT $4", workspace, before, beforeID[:], limit+1)
	found, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { var of holdfast.ID; return v.scan(r, &of) })
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found = found[:limit]
		last := found[limit-1]
		next = makeCursor(last.CreatedAt.UnixMilli(), last.ID)
	}
	for i := range found {
		if err := b.measure(ctx, workspace, &found[i]); err != nil {
			return nil, "", err
		}
		list = append(list, found[i].Broadcast)
	}
	return list, next, nil
}

func makeCursor(at int64, id holdfast.ID) string {
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(at)), id[:]...))
}

func openCursor(s string) (int64, holdfast.ID, error) {
	if s == "" {
		return 1<<63 - 1, holdfast.ID{0xff}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) != 24 {
		return 0, holdfast.ID{}, holdfast.Errorf(holdfast.Invalid, "cursor.malformed", "this cursor was not made here").WithNext("Start again without a cursor.").WithField("cursor")
	}
	return int64(binary.BigEndian.Uint64(raw)), holdfast.ID(raw[8:]), nil
}

// totals counts a broadcast's recipients, and what of the waiting is of which kind
// of address.
func (b *Broadcasts) totals(ctx context.Context, id holdfast.ID) (t Totals, waiting map[string]int, err error) {
	rows, err := b.DB.Query(ctx, `SELECT state, scheme, count(*), COALESCE(SUM(CASE WHEN not_before > $2 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN answer IS NOT NULL THEN 1 ELSE 0 END), 0)
		FROM broadcast_recipient WHERE broadcast = $1 GROUP BY state, scheme`, id, b.DB.Now())
	if err != nil {
		return t, nil, err
	}
	defer rows.Close()
	waiting = map[string]int{}
	for rows.Next() {
		var state, scheme string
		var n, resting, answered int
		if err := rows.Scan(&state, &scheme, &n, &resting, &answered); err != nil {
			return t, nil, err
		}
		t.All += n
		t.Answered += answered
		switch state {
		case waits:
			t.Waiting += n
			t.Resting += resting
			waiting[scheme] += n
		case sending:
			t.Sending += n
		case told:
			t.Told += n
		case delivered:
			t.Told += n
			t.Delivered += n
		case unsure:
			t.Unsure += n
		case failed:
			t.Failed += n
		case refused:
			t.Refused += n
		case dropped:
			t.Dropped += n
		}
	}
	return t, waiting, rows.Err()
}

// measure adds to a broadcast what is counted.
func (b *Broadcasts) measure(ctx context.Context, workspace holdfast.ID, v *row) error {
	if v.prepared.IsZero() {
		return nil
	}
	t, waiting, err := b.totals(ctx, v.ID)
	if err != nil {
		return err
	}
	v.Totals = t
	if t.Waiting > 0 && (v.State == holdfast.BroadcastRunning || v.State == holdfast.BroadcastPaused) {
		ways, err := b.ways(ctx, workspace, &v.BroadcastSpec)
		if err != nil {
			return err
		}
		v.Seconds = lasts(ways, waiting)
	}
	return nil
}

// Recipient is one customer of a broadcast and what became of them.
type Recipient struct {
	Position  int              `json:"position" doc:"In the order in which they are told, from 1."`
	Customer  holdfast.ID      `json:"customer"`
	Name      string           `json:"name"`
	To        holdfast.Address `json:"to"`
	Language  string           `json:"language,omitempty"`
	State     string           `json:"state" enum:"waiting,sending,told,delivered,unsure,failed,refused,dropped"`
	Reason    string           `json:"reason,omitempty" doc:"Of one that is refused or failed: a stable code."`
	Detail    string           `json:"detail,omitempty" doc:"What the provider said."`
	NotBefore time.Time        `json:"not_before,omitzero" doc:"It is night for them until then."`
	Channel   holdfast.ID      `json:"channel,omitzero"`
	ToldAt    time.Time        `json:"told_at,omitzero"`
	Message   holdfast.ID      `json:"message,omitzero" doc:"As the outbox knows it."`
	Answer    holdfast.ID      `json:"answer,omitzero" doc:"The conversation that their answer landed in."`
}

// The states of a recipient.
const (
	waits     = "waiting"
	sending   = "sending"
	told      = "told"
	delivered = "delivered"
	unsure    = "unsure"
	failed    = "failed"
	refused   = "refused"
	dropped   = "dropped"
)

var recipientStates = []string{waits, sending, told, delivered, unsure, failed, refused, dropped, "answered"}

// Recipients reads a page in the order in which they are told, after a position (0:
// from the first), of one state or ("") any. Errors: NotFound, Invalid.
func (b *Broadcasts) Recipients(ctx context.Context, workspace, id holdfast.ID, state string, after, limit int) ([]Recipient, error) {
	var one int
	err := b.DB.QueryRow(ctx, "SELECT 1 FROM broadcast WHERE id = $1 AND workspace = $2", id, workspace).Scan(&one)
	if errors.Is(err, store.ErrNoRows) {
		return nil, missing()
	}
	if err != nil {
		return nil, err
	}
	where := []string{"r.broadcast = $1", "r.workspace = $2", "r.position > $3"}
	args := []any{id, workspace, after}
	switch {
	case state == "":
	case !slices.Contains(recipientStates, state):
		return nil, holdfast.Errorf(holdfast.Invalid, "broadcast.state_unknown", "no recipient is in such a state").WithField("state").WithNext("Use " + strings.Join(recipientStates, ", ") + ".")
	case state == "answered":
		where = append(where, "r.answer IS NOT NULL")
	case state == told:
		where = append(where, "r.state IN ('told', 'delivered')")
	default:
		args = append(args, state)
		where = append(where, fmt.Sprintf("r.state = $%d", len(args)))
	}
	args = append(args, limit)
	rows, err := b.DB.Query(ctx, fmt.Sprintf(`SELECT r.position, r.customer, COALESCE(c.name, ''), r.scheme, r.address, r.language, r.state, r.reason, r.detail, r.not_before, r.channel, r.told_at, r.message, r.answer
		FROM broadcast_recipient r LEFT JOIN customer c ON c.id = r.customer WHERE %s ORDER BY r.position LIMIT $%d`, strings.Join(where, " AND "), len(args)), args...)
	now := b.DB.Now()
	return store.Collect(rows, err, func(r *store.Rows, v *Recipient) error {
		err := r.Scan(&v.Position, &v.Customer, &v.Name, &v.To.Scheme, &v.To.Value, &v.Language, &v.State, &v.Reason, &v.Detail, &v.NotBefore, &v.Channel, &v.ToldAt, &v.Message, &v.Answer)
		if v.State != waits || !v.NotBefore.After(now) {
			v.NotBefore = time.Time{}
		}
		if v.ToldAt.IsZero() {
			v.Message = holdfast.ID{} // the outbox has never had it
		}
		return err
	})
}

// Told counts the customers who were told by broadcasts in a time.
func (b *Broadcasts) Told(ctx context.Context, workspace holdfast.ID, from, to time.Time) (n int, err error) {
	err = b.DB.QueryRow(ctx, "SELECT COUNT(*) FROM broadcast_recipient WHERE workspace = $1 AND told_at >= $2 AND told_at <= $3 AND told_at > 0", workspace, from, to).Scan(&n)
	return n, err
}
