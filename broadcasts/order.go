package broadcasts

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/store"
)

// The tiers, in which customers are told one after another.
const (
	first   = iota // by tag: safety, today's appointments
	overdue        // has waited for an answer for longer than anybody should
	rank           // by score
)

// overdueAfter is how long a customer has waited who comes before those who wait
// less: a day without a reply is bad service by any measure.
const overdueAfter = 24 * time.Hour

// candidate is one customer of a segment, as little of them as the order needs: a
// hundred thousand are a few megabytes.
type candidate struct {
	id    holdfast.ID
	tier  uint8
	score float64 // before what they are worth is added
	worth float64
}

// score is the designed sum without the part of what a customer is worth.
func score(priority int, waits time.Duration) float64 {
	urgency := max(0, float64(priority)/float64(holdfast.Urgent))
	waiting := min(1, max(0, waits.Hours()/overdueAfter.Hours()))
	return 0.25*urgency + 0.15*waiting
}

// arrange puts candidates in the order in which they are told: by tier, then by
// 0.6 · percentile of worth + 0.25 · urgency + 0.15 · waiting, then by id. The
// order is total, and depends on nothing but the candidates.
func arrange(list []candidate) {
	worths := make([]float64, len(list))
	for i, c := range list {
		worths[i] = c.worth
	}
	slices.Sort(worths)
	for i := range list {
		if len(list) > 1 {
			below, _ := slices.BinarySearch(worths, list[i].worth)
			list[i].score += 0.6 * float64(below) / float64(len(list)-1)
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(b.score, a.score), bytes.Compare(a.id[:], b.id[:]))
	})
}

const candidatePage = 1000

// Order puts customers in the order in which they would be told: whoever has waited too
// long, then by score. Those that are not the workspace's are left out.
func (b *Broadcasts) Order(ctx context.Context, workspace holdfast.ID, customers []holdfast.ID) ([]holdfast.ID, error) {
	var list []candidate
	for some := range slices.Chunk(customers, planBatch) {
		got, err := b.read(ctx, workspace, &holdfast.BroadcastSpec{}, "", b.DB.Now(), some)
		if err != nil {
			return nil, err
		}
		list = append(list, got...)
	}
	arrange(list)
	ids := make([]holdfast.ID, len(list))
	for i := range list {
		ids[i] = list[i].id
	}
	return ids, nil
}

// candidates reads a segment and puts it in order.
func (b *Broadcasts) candidates(ctx context.Context, workspace holdfast.ID, s *holdfast.BroadcastSpec, house string, now time.Time) ([]candidate, error) {
	list, err := b.read(ctx, workspace, s, house, now, nil)
	arrange(list)
	return list, err
}

// read reads a segment, or of it those named alone.
func (b *Broadcasts) read(ctx context.Context, workspace holdfast.ID, s *holdfast.BroadcastSpec, house string, now time.Time, only []holdfast.ID) ([]candidate, error) {
	args := []any{workspace}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	in := func(list []string) string {
		var b strings.Builder
		for i, v := range list {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(arg(v))
		}
		return "(" + b.String() + ")"
	}
	const talk = "SELECT 1 FROM conversation v WHERE v.customer = c.id AND v.workspace = $1 AND v.merged IS NULL"
	tagged := func(tags []string) string {
		return "EXISTS (SELECT 1 FROM conversation v JOIN tag t ON t.conversation = v.id WHERE v.customer = c.id AND v.workspace = $1 AND NOT t.removed AND t.tag IN " + in(tags) + ")"
	}
	early := "FALSE"
	if len(s.First) > 0 {
		early = tagged(s.First)
	}
	seg := &s.Segment
	where := []string{"c.workspace = $1"}
	add := func(format string, a ...any) { where = append(where, fmt.Sprintf(format, a...)) }
	if len(seg.Tags) > 0 {
		add("%s", tagged(seg.Tags))
	}
	if len(seg.NotTags) > 0 {
		add("NOT %s", tagged(seg.NotTags))
	}
	for _, f := range seg.Fields {
		add("EXISTS (SELECT 1 FROM field_value f WHERE f.workspace = $1 AND f.subject = c.id AND f.field = %s AND f.value = %s)", arg(f.Field), arg(f.Value))
	}
	if len(seg.Languages) > 0 {
		known := "c.language IN " + in(seg.Languages)
		if slices.Contains(seg.Languages, house) { // whose language nobody knows is spoken to in the house's
			known = "(" + known + " OR c.language = '')"
		}
		add("%s", known)
	}
	if len(seg.Schemes) > 0 {
		add("EXISTS (SELECT 1 FROM address a WHERE a.customer = c.id AND a.workspace = $1 AND a.scheme IN %s)", in(seg.Schemes))
	}
	if len(seg.Companies) > 0 {
		add("c.company IN %s", in(seg.Companies))
	}
	if seg.Open {
		add("EXISTS (%s AND v.state = 'open')", talk)
	}
	if !seg.SeenAfter.IsZero() {
		add("EXISTS (%s AND v.last_in_clock >= %s)", talk, arg(holdfast.ClockAt(seg.SeenAfter)))
	}
	if !seg.SeenBefore.IsZero() {
		add("NOT EXISTS (%s AND v.last_in_clock >= %s)", talk, arg(holdfast.ClockAt(seg.SeenBefore)))
	}
	if only != nil {
		marks := make([]string, len(only))
		for i, id := range only {
			marks[i] = arg(id)
		}
		add("c.id IN (%s)", strings.Join(marks, ", "))
	}
	args = append(args, holdfast.ID{}, candidatePage)
	after := len(args) - 2
	// A clock's upper 48 bits are milliseconds. Where nobody has answered yet, the
	// first message counts; else the latest that is not answered.
	query := fmt.Sprintf(`SELECT c.id, %s,
			COALESCE((SELECT MAX(v.priority) FROM conversation v WHERE v.customer = c.id AND v.workspace = $1 AND v.merged IS NULL AND v.state = 'open'), -1),
			COALESCE((SELECT MIN(CASE WHEN v.last_out_clock = 0 AND v.first_in_at > 0 THEN v.first_in_at ELSE v.last_in_clock / 65536 END) FROM conversation v
				WHERE v.customer = c.id AND v.workspace = $1 AND v.merged IS NULL AND v.state = 'open' AND v.last_in_clock > v.last_out_clock), 0)
		FROM customer c WHERE %s AND c.id > $%d ORDER BY c.id LIMIT $%d`, early, strings.Join(where, " AND "), after+1, after+2)
	var list []candidate
	for last := (holdfast.ID{}); ; {
		page := slices.Clone(args)
		page[after] = last[:]
		rows, err := b.DB.Unprepared(ctx, query, page...)
		got, err := store.Collect(rows, err, func(r *store.Rows, c *candidate) error {
			var priority int
			var since time.Time
			var soon bool
			if err := r.Scan(&c.id, &soon, &priority, &since); err != nil {
				return err
			}
			var waits time.Duration
			if !since.IsZero() {
				waits = now.Sub(since)
			}
			switch {
			case soon:
				c.tier = first
			case waits >= overdueAfter:
				c.tier = overdue
			default:
				c.tier = rank
			}
			c.score = score(priority, waits)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if b.Worth != nil && len(got) > 0 {
			ids := make([]holdfast.ID, len(got))
			for i := range got {
				ids[i] = got[i].id
			}
			worth, err := b.Worth(ctx, workspace, ids)
			if err != nil {
				return nil, err
			}
			for i := range got {
				got[i].worth = worth[got[i].id]
			}
		}
		list = append(list, got...)
		if len(got) < candidatePage {
			break
		}
		last = got[len(got)-1].id
	}
	return list, nil
}
