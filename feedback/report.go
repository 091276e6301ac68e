package feedback

import (
	"context"
	"fmt"
	"strings"
	"time"

	"holdfast"
	"holdfast/store"
)

// Filter narrows ratings down; what is zero does not. The operator and the team are
// those that the conversation is with now.
type Filter struct {
	Kind         holdfast.RatingKind
	Since, Until time.Time // answered, or for totals asked, from the one and before the other
	Operator     holdfast.ID
	Team         holdfast.ID
	Channel      holdfast.ID
	Commented    bool
}

// where is the filter as SQL behind the workspace, which is $1; at is the time that counts.
func (q Filter) where(workspace holdfast.ID, at string) (string, []any) {
	var b strings.Builder
	args := []any{workspace}
	and := func(sql string, v any) {
		args = append(args, v)
		fmt.Fprintf(&b, " AND "+sql, len(args))
	}
	if q.Kind != "" {
		and("r.kind = $%d", q.Kind)
	}
	if !q.Since.IsZero() {
		and(at+" >= $%d", q.Since)
	}
	if !q.Until.IsZero() {
		and(at+" < $%d", q.Until)
	}
	for column, id := range map[string]holdfast.ID{"operator": q.Operator, "team": q.Team, "channel": q.Channel} {
		if !id.IsZero() {
			and("c."+column+" = $%d", id)
		}
	}
	if q.Commented {
		b.WriteString(" AND r.comment <> ''")
	}
	return b.String(), args
}

// Answer is a rating with what it is about.
type Answer struct {
	Rating
	Number   int64       `json:"number" doc:"Of the conversation."`
	Subject  string      `json:"subject"`
	Customer holdfast.ID `json:"customer,omitzero"`
	Name     string      `json:"name" doc:"The customer's."`
	Operator holdfast.ID `json:"operator,omitzero" doc:"Who the conversation is with now."`
	Team     holdfast.ID `json:"team,omitzero"`
	Channel  holdfast.ID `json:"channel,omitzero"`
}

// List reads the answers, the latest first; before is the last page's last, or nil.
func (f *Feedback) List(ctx context.Context, workspace holdfast.ID, q Filter, before *Rating, limit int) ([]Answer, error) {
	where, args := q.where(workspace, "r.rated_at")
	if before != nil {
		n := len(args)
		where += fmt.Sprintf(" AND (r.rated_at < $%d OR r.rated_at = $%d AND r.conversation < $%d)", n+1, n+1, n+2)
		args = append(args, before.RatedAt, before.Conversation[:])
	}
	args = append(args, limit)
	rows, err := f.DB.Unprepared(ctx, `SELECT r.conversation, r.kind, r.asked_at, r.score, r.comment, r.via, r.rated_at,
			COALESCE(c.number, 0), COALESCE(c.subject, ''), c.customer, COALESCE(u.name, ''), c.operator, c.team, c.channel
		FROM rating r LEFT JOIN conversation c ON c.id = r.conversation LEFT JOIN customer u ON u.id = c.customer
		WHERE r.workspace = $1 AND r.rated_at > 0`+where+fmt.Sprintf(" ORDER BY r.rated_at DESC, r.conversation DESC, r.kind LIMIT $%d", len(args)), args...)
	return store.Collect(rows, err, func(r *store.Rows, v *Answer) error {
		return r.Scan(&v.Conversation, &v.Kind, &v.AskedAt, &v.Score, &v.Comment, &v.Via, &v.RatedAt, &v.Number, &v.Subject, &v.Customer, &v.Name, &v.Operator, &v.Team, &v.Channel)
	})
}

// Totals is what ratings come to. CSAT is the share of 4 and 5, NPS that of 9 and 10
// less that of 0 to 6, both in percent; nil without answers.
type Totals struct {
	Asked   int            `json:"asked"`
	Rated   int            `json:"rated"`
	Percent *float64       `json:"percent"`
	Mean    *float64       `json:"mean"`
	Scores  map[string]int `json:"scores"` // how often each score was given

	good, sum int
}

func (t *Totals) add(kind holdfast.RatingKind, score, n, asked int) {
	if t.Scores == nil {
		t.Scores = map[string]int{}
	}
	t.Asked += asked
	if score < 0 {
		return
	}
	t.Rated += n
	t.sum += score * n
	t.Scores[fmt.Sprint(score)] += n
	switch {
	case kind == holdfast.CSAT && score >= 4, kind == holdfast.NPS && score >= 9:
		t.good += n
	case kind == holdfast.NPS && score <= 6:
		t.good -= n
	}
	percent, mean := 100*float64(t.good)/float64(t.Rated), float64(t.sum)/float64(t.Rated)
	t.Percent, t.Mean = &percent, &mean
}

// Group is the totals of what is with one operator or team, or came by one channel;
// a zero id is of what is with nobody.
type Group struct {
	ID holdfast.ID `json:"id"`
	Totals
}

// Totals counts the questions that were asked or answered within a filter, which
// names a kind; and, for by "operator", "team" or "channel", those of each.
func (f *Feedback) Totals(ctx context.Context, workspace holdfast.ID, q Filter, by string) (Totals, []Group, error) {
	all := Totals{Scores: map[string]int{}}
	column := "r.workspace"
	switch by {
	case "operator", "team", "channel":
		column = "c." + by
	case "":
	default:
		return all, nil, holdfast.Errorf(holdfast.Invalid, "ratings.by_unknown", "ratings are counted by operator, team or channel").WithField("by")
	}
	type row struct {
		id              holdfast.ID
		score, n, asked int
	}
	where, args := q.where(workspace, "CASE WHEN r.rated_at > 0 THEN r.rated_at ELSE r.asked_at END")
	rows, err := f.DB.Unprepared(ctx, "SELECT "+column+", r.score, COUNT(*), SUM(CASE WHEN r.asked_at > 0 THEN 1 ELSE 0 END) FROM rating r LEFT JOIN conversation c ON c.id = r.conversation WHERE r.workspace = $1"+
		where+" GROUP BY "+column+", r.score", args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.id, &v.score, &v.n, &v.asked) })
	if err != nil {
		return all, nil, err
	}
	var groups []Group
	at := map[holdfast.ID]int{}
	for _, r := range list {
		all.add(q.Kind, r.score, r.n, r.asked)
		if by == "" {
			continue
		}
		i, known := at[r.id]
		if !known {
			i = len(groups)
			at[r.id], groups = i, append(groups, Group{ID: r.id, Totals: Totals{Scores: map[string]int{}}})
		}
		groups[i].add(q.Kind, r.score, r.n, r.asked)
	}
	return all, groups, nil
}
