// Package feedback asks customers what they think once their matter is resolved,
// and keeps their answers: a link that only we can make, a page to rate on, the
// ratings and what they come to.
//
// It refuses to take a rating from anybody who does not hold the link, to rate
// because a link was merely opened (mail scanners open them all), and to ask about
// one conversation twice.
package feedback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
)

// Settings is what a workspace asks by itself.
type Settings struct {
	// CSAT asks how it went when somebody who was answered is resolved: "off",
	// "stars" (1 to 5) or "thumbs" (1 or 5).
	CSAT string `json:"csat"`
}

func (s Settings) check() error {
	switch s.CSAT {
	case "off", "stars", "thumbs":
		return nil
	}
	return holdfast.Errorf(holdfast.Invalid, "survey.csat_unknown", "customers are asked by stars, by thumbs or not at all").WithField("csat").WithNext("Use off, stars or thumbs.")
}

// Deps is what feedback works with.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Inbox   *inbox.Inbox
	Desk    *desk.Desk
	Log     *slog.Logger
	// Key signs the links: 32 bytes.
	Key []byte
	// PublicURL is where the world reaches this desk, without a trailing slash.
	PublicURL string
	// Language is a workspace's, and what it calls itself to customers.
	Language func(ctx context.Context, workspace holdfast.ID) (lang, name string, err error)
}

// Feedback asks and keeps. Make one with New over a journal that Table is a projection of.
type Feedback struct{ Deps }

// New makes it. It does no I/O.
func New(d Deps) *Feedback { return &Feedback{d} }

// Settings is what a workspace asks; a new one asks nothing.
func (f *Feedback) Settings(ctx context.Context, workspace holdfast.ID) (Settings, error) {
	s := Settings{CSAT: "off"}
	var raw []byte
	err := f.DB.QueryRow(ctx, "SELECT body FROM survey WHERE workspace = $1", workspace).Scan(&raw)
	if errors.Is(err, store.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(raw, &s)
}

// SetSettings changes what by's workspace asks. Errors: Forbidden, Invalid.
func (f *Feedback) SetSettings(ctx context.Context, by access.Identity, s Settings) error {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return f.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec("INSERT INTO survey (workspace, body) VALUES ($1, $2) ON CONFLICT (workspace) DO UPDATE SET body = excluded.body", by.Workspace, raw); err != nil {
			return err
		}
		return access.Record(tx, by, "survey.changed", by.Workspace, s)
	})
}

// Rating is a question that was asked, and its answer.
type Rating struct {
	Conversation holdfast.ID         `json:"conversation"`
	Kind         holdfast.RatingKind `json:"kind"`
	AskedAt      time.Time           `json:"asked_at,omitzero"`
	Score        int                 `json:"score"` // -1: not answered
	Comment      string              `json:"comment,omitempty"`
	Via          string              `json:"via,omitempty"`
	RatedAt      time.Time           `json:"rated_at,omitzero"`
}

const columns = "SELECT r.conversation, r.kind, r.asked_at, r.score, r.comment, r.via, r.rated_at FROM rating r "

func scan(r *store.Rows, v *Rating) error {
	return r.Scan(&v.Conversation, &v.Kind, &v.AskedAt, &v.Score, &v.Comment, &v.Via, &v.RatedAt)
}

// Of is what was asked about some conversations, the latest question last.
func (f *Feedback) Of(ctx context.Context, workspace holdfast.ID, conversations ...holdfast.ID) ([]Rating, error) {
	list := []Rating{}
	for _, c := range conversations {
		rows, err := f.DB.Query(ctx, columns+"WHERE r.workspace = $1 AND r.conversation = $2 ORDER BY r.kind", workspace, c)
		some, err := store.Collect(rows, err, scan)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// List reads the answers, the latest first; before is the last page's last, or nil.
func (f *Feedback) List(ctx context.Context, workspace holdfast.ID, before *Rating, limit int) ([]Rating, error) {
	at, id := time.UnixMilli(1<<52), holdfast.ID{}
	if before != nil {
		at, id = before.RatedAt, before.Conversation
	}
	rows, err := f.DB.Query(ctx, columns+`WHERE r.workspace = $1 AND r.rated_at > 0 AND (r.rated_at < $2 OR r.rated_at = $2 AND r.conversation < $3)
		ORDER BY r.rated_at DESC, r.conversation DESC, r.kind LIMIT $4`, workspace, at, id[:], limit)
	return store.Collect(rows, err, scan)
}

// Totals is what the ratings since a time come to. CSAT is the share of 4 and 5,
// NPS that of 9 and 10 less that of 0 to 6, both in percent; nil without answers.
type Totals struct {
	Asked   int            `json:"asked"`
	Rated   int            `json:"rated"`
	Percent *float64       `json:"percent"`
	Mean    *float64       `json:"mean"`
	Scores  map[string]int `json:"scores"` // how often each score was given
}

// Totals counts the questions of a kind that were asked or answered since a time.
func (f *Feedback) Totals(ctx context.Context, workspace holdfast.ID, kind holdfast.RatingKind, since time.Time) (Totals, error) {
	t := Totals{Scores: map[string]int{}}
	type row struct{ score, n, asked int }
	rows, err := f.DB.Query(ctx, `SELECT score, COUNT(*), SUM(CASE WHEN asked_at > 0 THEN 1 ELSE 0 END) FROM rating
		WHERE workspace = $1 AND kind = $2 AND (asked_at >= $3 OR rated_at >= $3) GROUP BY score`, workspace, kind, since)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.score, &v.n, &v.asked) })
	if err != nil {
		return t, err
	}
	good, sum := 0, 0
	for _, r := range list {
		t.Asked += r.asked
		if r.score < 0 {
			continue
		}
		t.Rated += r.n
		sum += r.score * r.n
		t.Scores[fmt.Sprint(r.score)] = r.n
		switch {
		case kind == holdfast.CSAT && r.score >= 4, kind == holdfast.NPS && r.score >= 9:
			good += r.n
		case kind == holdfast.NPS && r.score <= 6:
			good -= r.n
		}
	}
	if t.Rated > 0 {
		percent, mean := 100*float64(good)/float64(t.Rated), float64(sum)/float64(t.Rated)
		t.Percent, t.Mean = &percent, &mean
	}
	return t, nil
}
