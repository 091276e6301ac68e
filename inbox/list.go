package inbox

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"holdfast"
	"holdfast/store"
)

// View names a list of conversations.
type View string

// The views every operator has.
const (
	Mine       View = "mine"       // open and assigned to the asker
	Unassigned View = "unassigned" // open and nobody's
	OpenView   View = "open"
	Waiting    View = "waiting"
	Snoozed    View = "snoozed"
	Resolved   View = "resolved"
	Closed     View = "closed"
	All        View = "all"
	Unread     View = "unread"   // open, with something the asker has not read
	Mentions   View = "mentions" // with a note that mentions the asker
)

// Filter narrows a list. Zero fields do not.
type Filter struct {
	View     View
	Asker    holdfast.ID // the operator who asks
	Team     holdfast.ID
	Operator holdfast.ID
	Channel  holdfast.ID
	Customer holdfast.ID
	Tag      string
	Cursor   string
	Limit    int
}

// Item is one conversation as a list shows it.
type Item struct {
	ID           holdfast.ID       `json:"id"`
	Number       int64             `json:"number"`
	Subject      string            `json:"subject"`
	State        holdfast.Status   `json:"state" doc:"What a person sees: the status, reopened by a later message."`
	Status       holdfast.Status   `json:"status" doc:"What somebody set last."`
	SnoozeUntil  time.Time         `json:"snooze_until,omitzero"`
	Operator     holdfast.ID       `json:"operator"`
	Team         holdfast.ID       `json:"team"`
	Priority     holdfast.Priority `json:"priority"`
	Channel      holdfast.ID       `json:"channel"`
	Customer     Named             `json:"customer"`
	Preview      string            `json:"preview"`
	PreviewDir   string            `json:"preview_direction"`
	LastAt       time.Time         `json:"last_at"`
	LastClock    holdfast.Clock    `json:"last_clock"`
	Unread       bool              `json:"unread"`
	Tags         []string          `json:"tags"`
	OpenedAt     time.Time         `json:"opened_at,omitzero"`
	FirstReplyAt time.Time         `json:"first_reply_at,omitzero"`
	Drafting     bool              `json:"drafting,omitempty" doc:"The asker has written something there and not sent it."`
}

// Named is a thing's id and name.
type Named struct {
	ID   holdfast.ID `json:"id"`
	Name string      `json:"name"`
}

const itemColumns = `c.id, c.number, c.subject, c.state, c.status, c.snooze_until, c.operator, c.team, c.priority, c.channel,
	c.customer, COALESCE(p.name, ''), c.preview, c.preview_dir, c.last_clock, c.last_in_clock > COALESCE(r.upto, 0), c.opened_at, c.first_reply_at,
	EXISTS (SELECT 1 FROM draft d WHERE d.operator = $2 AND d.conversation = c.id AND d.text <> '')`

const itemJoins = ` LEFT JOIN customer p ON p.id = c.customer LEFT JOIN read_mark r ON r.operator = $2 AND r.conversation = c.id`

func scanItem(r *store.Rows, i *Item) error {
	err := r.Scan(&i.ID, &i.Number, &i.Subject, &i.State, &i.Status, &i.SnoozeUntil, &i.Operator, &i.Team, &i.Priority, &i.Channel,
		&i.Customer.ID, &i.Customer.Name, &i.Preview, &i.PreviewDir, &i.LastClock, &i.Unread, &i.OpenedAt, &i.FirstReplyAt, &i.Drafting)
	i.LastAt = i.LastClock.Time().UTC()
	i.Tags = []string{}
	return err
}

// List reads a page of conversations, the latest first, and the next page's cursor ("" at the end).
func (b *Inbox) List(ctx context.Context, workspace holdfast.ID, f Filter) (items []Item, next string, err error) {
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 50
	}
	where := []string{"c.workspace = $1", "c.merged IS NULL"}
	args := []any{workspace, somebody(f.Asker)}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	switch f.View {
	case Mine:
		where = append(where, "c.state = 'open'", "c.operator = $2")
	case Unassigned:
		where = append(where, "c.state = 'open'", "c.operator IS NULL")
	case Unread:
		where = append(where, "c.state = 'open'", "c.last_in_clock > COALESCE(r.upto, 0)")
	case Mentions:
		where = append(where, "c.id IN ("+mentioned(false)+")")
	case OpenView, Waiting, Snoozed, Resolved, Closed:
		where = append(where, "c.state = "+arg(string(f.View)))
	case All, "":
	default:
		return nil, "", holdfast.Errorf(holdfast.Invalid, "view.unknown", "there is no view %q", clip(string(f.View), 32)).WithField("view").
			WithNext("Use mine, unassigned, unread, mentions, open, waiting, snoozed, resolved, closed or all.")
	}
	for _, w := range []struct {
		column string
		id     holdfast.ID
	}{{"c.team", f.Team}, {"c.operator", f.Operator}, {"c.channel", f.Channel}, {"c.customer", f.Customer}} {
		if !w.id.IsZero() {
			where = append(where, w.column+" = "+arg(w.id))
		}
	}
	if f.Tag != "" {
		where = append(where, "c.id IN (SELECT conversation FROM tag WHERE workspace = $1 AND tag = "+arg(f.Tag)+" AND NOT removed)")
	}
	if f.Cursor != "" {
		clock, id, err := openCursor(f.Cursor)
		if err != nil {
			return nil, "", err
		}
		where = append(where, "(c.last_clock, c.id) < ("+arg(clock)+", "+arg(id)+")")
	}
	query := "SELECT " + itemColumns + " FROM conversation c" + itemJoins + " WHERE " + strings.Join(where, " AND ") +
		" ORDER BY c.last_clock DESC, c.id DESC LIMIT " + arg(f.Limit+1)
	rows, err := b.db.Query(ctx, query, args...)
	items, err = store.Collect(rows, err, scanItem)
	if err != nil {
		return nil, "", err
	}
	if len(items) > f.Limit {
		items = items[:f.Limit]
		last := items[len(items)-1]
		next = makeCursor(last.LastClock, last.ID)
	}
	return items, next, b.addTags(ctx, items)
}

func (b *Inbox) addTags(ctx context.Context, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	at := make(map[holdfast.ID]int, len(items))
	args := make([]any, len(items))
	for i := range items {
		at[items[i].ID] = i
		args[i] = items[i].ID
	}
	rows, err := b.db.Unprepared(ctx, "SELECT DISTINCT conversation, tag FROM tag WHERE conversation IN "+store.In(1, len(args))+" AND NOT removed ORDER BY tag", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id holdfast.ID
		var tag string
		if err := rows.Scan(&id, &tag); err != nil {
			return err
		}
		items[at[id]].Tags = append(items[at[id]].Tags, tag)
	}
	return rows.Err()
}

func makeCursor(clock holdfast.Clock, id holdfast.ID) string {
	return makeKeys([]int64{int64(clock)}, id)
}

func openCursor(s string) (holdfast.Clock, holdfast.ID, error) {
	keys, id, err := openKeys(s, 1)
	if err != nil {
		return 0, id, err
	}
	return holdfast.Clock(keys[0]), id, nil
}

// makeKeys is a cursor: the place of a list's last row in its order.
func makeKeys(keys []int64, id holdfast.ID) string {
	var b []byte
	for _, k := range keys {
		b = binary.BigEndian.AppendUint64(b, uint64(k))
	}
	return base64.RawURLEncoding.EncodeToString(append(b, id[:]...))
}

// openKeys reads a cursor of n keys. The error is Invalid.
func openKeys(s string, n int) (keys []int64, id holdfast.ID, err error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 8*n+16 {
		return nil, id, holdfast.Errorf(holdfast.Invalid, "cursor.malformed", "this cursor was not made here").WithNext("Start again without a cursor.").WithField("cursor")
	}
	for i := range n {
		keys = append(keys, int64(binary.BigEndian.Uint64(b[8*i:])))
	}
	return keys, holdfast.ID(b[8*n:]), nil
}

// Counts are the sizes of the views, for one asker. A view larger than CountLimit is given as CountLimit.
type Counts struct {
	Mine       int `json:"mine"`
	Unassigned int `json:"unassigned"`
	Unread     int `json:"unread"`
	Open       int `json:"open"`
	Waiting    int `json:"waiting"`
	Snoozed    int `json:"snoozed"`
	Resolved   int `json:"resolved"`
	Closed     int `json:"closed"`
	Mentions   int `json:"mentions" doc:"Conversations with a note that mentions the asker and is not read."`
}

// CountLimit is where counting stops: nobody acts on the difference, and a
// count must not cost more than the list.
const CountLimit = 1000

// Counts counts the views of a workspace for asker.
func (b *Inbox) Counts(ctx context.Context, workspace, asker holdfast.ID) (Counts, error) {
	some := func(where string) string {
		return fmt.Sprintf("(SELECT count(*) FROM (SELECT 1 FROM conversation c WHERE c.workspace = $1 AND c.merged IS NULL AND %s LIMIT %d) AS counted)", where, CountLimit)
	}
	var n Counts
	err := b.db.QueryRow(ctx, "SELECT "+strings.Join([]string{
		some("c.state = 'open' AND c.operator = $2"),
		some("c.state = 'open' AND c.operator IS NULL"),
		some("c.state = 'open' AND c.last_in_clock > COALESCE((SELECT upto FROM read_mark r WHERE r.operator = $2 AND r.conversation = c.id), 0)"),
		some("c.state = 'open'"), some("c.state = 'waiting'"), some("c.state = 'snoozed'"), some("c.state = 'resolved'"), some("c.state = 'closed'"),
		some("c.id IN (" + mentioned(true) + ")"),
	}, ", "), workspace, somebody(asker)).Scan(&n.Mine, &n.Unassigned, &n.Unread, &n.Open, &n.Waiting, &n.Snoozed, &n.Resolved, &n.Closed, &n.Mentions)
	return n, err
}

// Tag is a tag in use and on how many conversations.
type Tag struct {
	Tag   string `json:"tag"`
	Count int    `json:"count"`
}

// Tags lists a workspace's tags, the most used first.
func (b *Inbox) Tags(ctx context.Context, workspace holdfast.ID) ([]Tag, error) {
	rows, err := b.db.Query(ctx, `SELECT tag, count(DISTINCT conversation) FROM tag WHERE workspace = $1 AND NOT removed AND tag <> ''
		GROUP BY tag ORDER BY 2 DESC, tag LIMIT 500`, workspace)
	return store.Collect(rows, err, func(r *store.Rows, t *Tag) error { return r.Scan(&t.Tag, &t.Count) })
}

// Tagged are some of the conversations that have a tag.
func (b *Inbox) Tagged(ctx context.Context, workspace holdfast.ID, tag string, limit int) ([]holdfast.ID, error) {
	rows, err := b.db.Query(ctx, "SELECT DISTINCT conversation FROM tag WHERE workspace = $1 AND tag = $2 AND NOT removed LIMIT $3", workspace, tag, limit)
	return store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
}

// Marks are the additions of one tag that a removal must take away.
func (b *Inbox) Marks(tx *store.Tx, workspace, conversation holdfast.ID, tag string) ([]holdfast.ID, error) {
	rows, err := tx.Query("SELECT mark FROM tag WHERE workspace = $1 AND conversation = $2 AND tag = $3 AND NOT removed", workspace, conversation, tag)
	return store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
}

// DueSnoozes lists conversations whose snooze has run out, of every workspace.
func (b *Inbox) DueSnoozes(ctx context.Context, now time.Time) ([][2]holdfast.ID, error) {
	rows, err := b.db.Query(ctx, `SELECT workspace, id FROM conversation WHERE state = 'snoozed' AND merged IS NULL AND snooze_until > 0 AND snooze_until <= $1 ORDER BY snooze_until LIMIT 200`, now)
	return store.Collect(rows, err, func(r *store.Rows, p *[2]holdfast.ID) error { return r.Scan(&p[0], &p[1]) })
}
