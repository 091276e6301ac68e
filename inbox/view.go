package inbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast"
	"holdfast/store"
)

// Asker is who looks at a view: what "me" and "mine" mean in it. The zero Asker is
// a program, whose views have neither.
type Asker struct {
	Operator holdfast.ID
	Teams    []holdfast.ID
	Now      time.Time
}

// query builds a WHERE over conversation c for asker $2 in workspace $1 from typed
// conditions: nothing that a person typed becomes SQL.
type query struct {
	args     []any
	asker    Asker
	customer bool // needs the customer p
	mark     bool // needs the read mark r
}

func newQuery(workspace holdfast.ID, asker Asker) *query {
	return &query{args: []any{workspace, somebody(asker.Operator)}, asker: asker}
}

func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return "$" + strconv.Itoa(len(q.args))
}

func (q *query) in(column string, values []any) string {
	if len(values) == 0 {
		return "1 = 0"
	}
	if len(values) == 1 { // an index goes on with the next column only after "="
		return column + " = " + q.arg(values[0])
	}
	from := len(q.args) + 1
	q.args = append(q.args, values...)
	return column + " IN " + store.In(from, len(values))
}

// where is a checked filter's condition.
func (q *query) where(f holdfast.ViewFilter) string {
	var parts []string
	for _, c := range f.Conditions {
		parts = append(parts, q.condition(c))
	}
	switch {
	case len(parts) == 0:
		return "1 = 1"
	case f.Match == holdfast.MatchAny:
		return "(" + strings.Join(parts, " OR ") + ")"
	}
	return strings.Join(parts, " AND ")
}

func (q *query) condition(c holdfast.Condition) string {
	yes := q.holds(c)
	if c.Test == holdfast.IsNot || c.Test == holdfast.HasNot {
		return "NOT COALESCE((" + yes + "), FALSE)"
	}
	return "(" + yes + ")"
}

func (q *query) holds(c holdfast.Condition) string {
	value := c.Values[0]
	switch c.Field {
	case holdfast.ByState:
		return q.in("c.state", anys(c.Values))
	case holdfast.ByAssignee:
		return q.who("c.operator", c.Values, "me", []any{q.asker.Operator}, "nobody")
	case holdfast.ByTeam:
		mine := make([]any, 0, len(q.asker.Teams))
		for _, t := range q.asker.Teams {
			mine = append(mine, t)
		}
		return q.who("c.team", c.Values, "mine", mine, "none")
	case holdfast.ByChannel:
		return q.in("c.channel", ids(c.Values))
	case holdfast.ByCustomer:
		return q.in("c.customer", ids(c.Values))
	case holdfast.ByTag:
		return "c.id IN (SELECT t.conversation FROM tag t WHERE t.workspace = $1 AND NOT t.removed AND " + q.in("t.tag", anys(c.Values)) + ")"
	case holdfast.ByPriority:
		if c.Test == holdfast.AtLeast {
			n, _ := strconv.Atoi(value)
			return "c.priority >= " + q.arg(n)
		}
		numbers := make([]any, 0, len(c.Values))
		for _, v := range c.Values {
			n, _ := strconv.Atoi(v)
			numbers = append(numbers, n)
		}
		return q.in("c.priority", numbers)
	case holdfast.ByLanguage:
		q.customer = true
		return q.in("p.language", anys(c.Values))
	case holdfast.BySubject:
		part := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(fold(value))
		return "c.subject_fold LIKE " + q.arg("%"+part+"%") + ` ESCAPE '\'`
	case holdfast.ByUnread:
		q.mark = true
		if value == "no" {
			return "c.last_in_clock <= COALESCE(r.upto, 0)"
		}
		return "c.last_in_clock > COALESCE(r.upto, 0)"
	case holdfast.ByMention:
		return "c.id IN (" + mentioned(value == "unread") + ")"
	case holdfast.ByOpened, holdfast.ByActivity:
		t, _ := holdfast.Moment(value, q.asker.Now)
		sign := " < "
		if c.Test == holdfast.After {
			sign = " >= "
		}
		if c.Field == holdfast.ByOpened {
			return "c.opened_at" + sign + q.arg(t)
		}
		return "c.last_clock" + sign + q.arg(holdfast.ClockAt(t))
	}
	return "1 = 0" // Check has refused it
}

// who compares an owner's column with ids, the asker's own and nobody's.
func (q *query) who(column string, values []string, own string, owned []any, none string) string {
	var list []any
	var parts []string
	for _, v := range values {
		switch v {
		case own:
			for _, o := range owned {
				if id, ok := o.(holdfast.ID); ok && !id.IsZero() {
					list = append(list, id)
				}
			}
		case none:
			parts = append(parts, column+" IS NULL")
		default:
			list = append(list, ids([]string{v})...)
		}
	}
	if len(list) > 0 || len(parts) == 0 {
		parts = append(parts, q.in(column, list))
	}
	return strings.Join(parts, " OR ")
}

// mentioned selects the conversations with a note that mentions asker $2, or with
// one that the asker has not read.
func mentioned(unread bool) string {
	s := `SELECT COALESCE(k.merged, k.id) FROM mention n JOIN message m ON m.id = n.message JOIN conversation k ON k.id = m.conversation
		WHERE n.workspace = $1 AND n.operator = $2`
	if unread {
		s += ` AND n.clock > COALESCE((SELECT x.upto FROM read_mark x WHERE x.operator = $2 AND x.conversation = COALESCE(k.merged, k.id)), 0)`
	}
	return s
}

func (q *query) joins() string {
	s := ""
	if q.customer {
		s += " LEFT JOIN customer p ON p.id = c.customer"
	}
	if q.mark {
		s += " LEFT JOIN read_mark r ON r.operator = $2 AND r.conversation = c.id"
	}
	return s
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func ids(list []string) []any {
	out := make([]any, 0, len(list))
	for _, s := range list {
		if id, err := holdfast.ParseID(s); err == nil {
			out = append(out, id)
		}
	}
	return out
}

// order is how a view is sorted: its columns, which way, and an item's place in it.
type order struct {
	columns []string
	down    bool
	key     func(Item) []int64
}

func orderOf(o holdfast.Order) order {
	last := func(i Item) []int64 { return []int64{int64(i.LastClock)} }
	switch o {
	case holdfast.OldestFirst:
		return order{[]string{"c.last_clock"}, false, last}
	case holdfast.NewestFirst:
		return order{[]string{"c.opened_at"}, true, func(i Item) []int64 {
			if i.OpenedAt.IsZero() {
				return []int64{0}
			}
			return []int64{i.OpenedAt.UnixMilli()}
		}}
	case holdfast.PriorityFirst:
		return order{[]string{"c.priority", "c.last_clock"}, true, func(i Item) []int64 { return []int64{int64(i.Priority), int64(i.LastClock)} }}
	}
	return order{[]string{"c.last_clock"}, true, last}
}

// by is the ORDER BY. sorted keeps a planner from walking an index in this order,
// looking for few rows in many: it finds them by the conditions and sorts them.
func (o order) by(sorted bool) string {
	way, plus := " ASC", ""
	if o.down {
		way = " DESC"
	}
	if sorted {
		plus = "+"
	}
	return " ORDER BY " + plus + strings.Join(o.columns, way+", "+plus) + way + ", c.id" + way
}

// after is the condition that a row comes after a cursor's.
func (o order) after(q *query, cursor string) (string, error) {
	keys, id, err := openKeys(cursor, len(o.columns))
	if err != nil {
		return "", err
	}
	var values []string
	for _, k := range keys {
		values = append(values, q.arg(k))
	}
	sign := " > "
	if o.down {
		sign = " < "
	}
	return "(" + strings.Join(o.columns, ", ") + ", c.id)" + sign + "(" + strings.Join(values, ", ") + ", " + q.arg(id) + ")", nil
}

// ListView reads a page of a saved view and the next page's cursor ("" at the end).
func (b *Inbox) ListView(ctx context.Context, workspace holdfast.ID, f holdfast.ViewFilter, asker Asker, cursor string, limit int) (items []Item, next string, err error) {
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	if err := f.Check(); err != nil {
		return nil, "", err
	}
	q, o := newQuery(workspace, asker), orderOf(f.Order)
	where := inWorkspace(f) + " AND c.merged IS NULL AND " + q.where(f)
	if cursor != "" {
		after, err := o.after(q, cursor)
		if err != nil {
			return nil, "", err
		}
		where += " AND " + after
	}
	// First which, then what: sorting rows that carry all they show is several times the work.
	which := "SELECT c.id FROM conversation c" + q.joins() + " WHERE " + where + o.by(few(f)) + " LIMIT " + q.arg(limit+1)
	rows, err := b.db.Unprepared(ctx, "SELECT "+itemColumns+" FROM conversation c"+itemJoins+" WHERE c.id IN ("+which+")"+o.by(true), q.args...)
	items, err = store.Collect(rows, err, scanItem)
	if err != nil {
		return nil, "", err
	}
	if len(items) > limit {
		items = items[:limit]
		last := items[limit-1]
		next = makeKeys(o.key(last), last.ID)
	}
	return items, next, b.addTags(ctx, items)
}

// countScan is how many of the latest conversations a count looks at for a filter
// that no index helps with.
const countScan = 20000

// CountViews counts what each of several filters finds, up to CountLimit. partial
// says of each that only the countScan latest conversations were looked at, and
// that there are more.
func (b *Inbox) CountViews(ctx context.Context, workspace holdfast.ID, filters []holdfast.ViewFilter, asker Asker) (counts []int, partial []bool, err error) {
	counts, partial = make([]int, len(filters)), make([]bool, len(filters))
	large := -1
	for i, f := range filters {
		if err := f.Check(); err != nil {
			return nil, nil, err
		}
		q := newQuery(workspace, asker)
		from := "conversation c"
		if !narrow(f) {
			from = fmt.Sprintf("(SELECT * FROM conversation WHERE workspace = $1 ORDER BY last_clock DESC LIMIT %d) AS c", countScan)
			if large < 0 {
				if large, err = b.count(ctx, fmt.Sprintf("SELECT 1 FROM conversation WHERE workspace = $1 LIMIT %d", countScan+1), workspace); err != nil {
					return nil, nil, err
				}
			}
			partial[i] = large > countScan
		}
		where := q.where(f)
		one := "SELECT 1 FROM " + from + q.joins() + " WHERE " + inWorkspace(f) + " AND c.merged IS NULL AND COALESCE($2, c.id) IS NOT NULL AND " + where + fmt.Sprintf(" LIMIT %d", CountLimit)
		if counts[i], err = b.count(ctx, one, q.args...); err != nil {
			return nil, nil, err
		}
	}
	return counts, partial, nil
}

func (b *Inbox) count(ctx context.Context, query string, args ...any) (n int, err error) {
	rows, err := b.db.Unprepared(ctx, "SELECT count(*) FROM ("+query+") AS counted", args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, n *int) error { return r.Scan(n) })
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0], nil
}

// inWorkspace keeps to the workspace. Where conversations are found by a list of ids,
// a planner without figures must not be told that an index knows the workspace, too:
// it would walk all of it.
func inWorkspace(f holdfast.ViewFilter) string {
	if f.Match == holdfast.MatchAll && slices.ContainsFunc(f.Conditions, func(c holdfast.Condition) bool {
		return c.Test == holdfast.Is && (c.Field == holdfast.ByTag || c.Field == holdfast.ByMention)
	}) {
		return "COALESCE(c.workspace, $1) = $1"
	}
	return "c.workspace = $1"
}

// narrow reports whether one of a filter's conditions leaves few enough
// conversations, by an index, to look at them all.
func narrow(f holdfast.ViewFilter) bool {
	return f.Match == holdfast.MatchAll && slices.ContainsFunc(f.Conditions, func(c holdfast.Condition) bool {
		return selective(c) || c.Field == holdfast.ByState && c.Test == holdfast.Is &&
			!slices.Contains(c.Values, string(holdfast.Closed)) && !slices.Contains(c.Values, string(holdfast.Resolved))
	})
}

// few reports whether a filter's conditions rather than its order should find its
// conversations.
func few(f holdfast.ViewFilter) bool {
	return f.Match == holdfast.MatchAll && slices.ContainsFunc(f.Conditions, selective)
}

// selective reports whether a condition is one that an index answers with what
// belongs to somebody or something.
func selective(c holdfast.Condition) bool {
	if c.Test != holdfast.Is {
		return false
	}
	switch c.Field {
	case holdfast.ByCustomer, holdfast.ByMention, holdfast.ByTag:
		return true
	case holdfast.ByAssignee:
		return !slices.Contains(c.Values, "nobody")
	case holdfast.ByTeam:
		return !slices.Contains(c.Values, "none")
	}
	return false
}
