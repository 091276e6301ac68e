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
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

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
	CSAT string `json:"csat" enum:"off,stars,thumbs"`
	// NPS asks whether they would recommend us: "off", or "resolved", when somebody who
	// was answered is resolved and was not asked for NPSEvery days. It is asked instead
	// of the other question: one matter, one question.
	NPS      string `json:"nps" enum:"off,resolved"`
	NPSEvery int    `json:"nps_every" doc:"Days between two such questions to one customer."`
	// Questions are the words in place of ours, by kind and language; {name} is the workspace's.
	Questions map[holdfast.RatingKind]map[string]string `json:"questions" doc:"By kind and language; {name} is what the workspace calls itself. Empty: our words."`
}

// What a survey may ask and how often.
const (
	minEvery, maxEvery, everyDays = 7, 1000, 90
	maxQuestion                   = 300 // characters
)

// checked is s with what is empty left out. The error is Invalid.
func (s Settings) checked() (Settings, error) {
	switch s.CSAT {
	case "off", "stars", "thumbs":
	default:
		return s, holdfast.Errorf(holdfast.Invalid, "survey.csat_unknown", "customers are asked by stars, by thumbs or not at all").WithField("csat").WithNext("Use off, stars or thumbs.")
	}
	if s.NPS == "" {
		s.NPS = "off"
	}
	if s.NPS != "off" && s.NPS != "resolved" {
		return s, holdfast.Errorf(holdfast.Invalid, "survey.nps_unknown", "%q is no time to ask", s.NPS).WithField("nps").WithNext("Use off or resolved.")
	}
	if s.NPSEvery == 0 {
		s.NPSEvery = everyDays
	}
	if s.NPSEvery < minEvery || s.NPSEvery > maxEvery {
		return s, holdfast.Errorf(holdfast.Invalid, "survey.nps_every", "a customer is asked again after %d to %d days", minEvery, maxEvery).WithField("nps_every").WithNext("Choose more days.")
	}
	kept := map[holdfast.RatingKind]map[string]string{}
	for kind, texts := range s.Questions {
		if _, err := holdfast.ParseRatingKind(string(kind)); err != nil {
			return s, err
		}
		for lang, text := range texts {
			if text = strings.TrimSpace(store.Text(text)); text == "" {
				continue
			}
			if !holdfast.KnownLanguage(lang) || utf8.RuneCountInString(text) > maxQuestion || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
				return s, holdfast.Errorf(holdfast.Invalid, "survey.question_invalid", "a question is one line of at most %d characters in a language of ours", maxQuestion).WithField("questions").WithNext("Shorten it.")
			}
			if kept[kind] == nil {
				kept[kind] = map[string]string{}
			}
			kept[kind][lang] = text
		}
	}
	s.Questions = kept
	return s, nil
}

// question is what a customer is asked, in a language.
func (s Settings) question(w *words, lang, name string, kind holdfast.RatingKind) string {
	ask := s.Questions[kind][lang]
	if ask == "" {
		ask = w.ask(kind)
	}
	return strings.ReplaceAll(ask, "{name}", name)
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
	s := Settings{CSAT: "off", NPS: "off", NPSEvery: everyDays, Questions: map[holdfast.RatingKind]map[string]string{}}
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
	s, err := s.checked()
	if err != nil {
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
