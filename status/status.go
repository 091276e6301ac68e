// Package status keeps what people are told of how the desk is: incidents with their
// updates, banners on screens, a page for the world and a board for a shop's screen.
//
// It refuses to find out by itself how anything is (it asks whoever watches), to show
// a workspace that has not switched its page on, and to need a script where a page
// without one will do.
package status

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

// Channel is a channel account as the world may know it.
type Channel struct {
	ID    holdfast.ID
	Name  string
	State holdfast.ChannelState
	Since time.Time // zero where it is not known
}

// Link is an uplink as the world may know it.
type Link struct {
	Name   string
	State  holdfast.LinkState
	RTT    time.Duration // 0 is not known
	LossPC float64       // of the last while, in percent
}

// Deps is what it works with.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Log     *slog.Logger
	// Key signs the boards' links: 32 bytes.
	Key []byte
	// PublicURL is where the world reaches this desk, without a trailing slash.
	PublicURL string
	// House is a workspace's language, what it calls itself to customers, and its zone.
	House func(ctx context.Context, workspace holdfast.ID) (lang, name string, zone *time.Location, err error)
	// Channels are a workspace's channel accounts that are switched on, and how they are.
	Channels func(ctx context.Context, workspace holdfast.ID) ([]Channel, error)
	// Links are the node's uplinks as they are now; nil: nobody watches them, and the
	// page offers no figures of them.
	Links func(ctx context.Context) ([]Link, error)
}

// Status keeps it. Make one with New over a journal that Table is a projection of.
type Status struct {
	Deps
	kept   kept
	limits limits
}

// New makes it. It does no I/O.
func New(d Deps) *Status { return &Status{Deps: d} }

// Page is how a workspace shows itself to the world.
type Page struct {
	Open bool `json:"open" doc:"The page is there for everybody."`
	// Slug is its address below /status/; "" is the workspace's id.
	Slug  string         `json:"slug"`
	About holdfast.Texts `json:"about" doc:"A sentence below the name, by language."`
	Phone string         `json:"phone" doc:"A number to call that works when the internet does not."`
	SMS   string         `json:"sms"`
	Links bool           `json:"links" doc:"Show how the uplinks are."`
	// Hidden are channel accounts that are not named.
	Hidden []holdfast.ID `json:"hidden"`
	Board  bool          `json:"board" doc:"Whoever holds the secret link sees the board."`
	// Languages the board shows one after the other; empty is all of ours.
	Languages []string `json:"languages"`
	// Edition makes a former link of the board worthless.
	Edition int `json:"edition"`
}

var slugs = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$`)

const aboutMax = 300 // characters

func (p Page) checked() (Page, error) {
	p.Slug = strings.ToLower(strings.TrimSpace(p.Slug))
	if p.Slug != "" && !slugs.MatchString(p.Slug) {
		return p, holdfast.Errorf(holdfast.Invalid, "status.slug_invalid", "an address has 1 to 40 small Latin letters, digits and dashes").WithField("slug").WithNext("Leave it empty, or write a word such as shop.")
	}
	if _, err := holdfast.ParseID(p.Slug); err == nil && p.Slug != "" {
		return p, holdfast.Errorf(holdfast.Invalid, "status.slug_invalid", "an address is no id").WithField("slug").WithNext("Leave it empty, or write a word such as shop.")
	}
	for field, n := range map[string]*string{"phone": &p.Phone, "sms": &p.SMS} {
		*n = strings.TrimSpace(store.Text(*n))
		if utf8.RuneCountInString(*n) > 40 || strings.ContainsFunc(*n, func(r rune) bool { return !strings.ContainsRune("+0123456789 ()-*#", r) }) {
			return p, holdfast.Errorf(holdfast.Invalid, "status.number_invalid", "a number has digits, spaces, brackets and dashes").WithField(field)
		}
	}
	var err error
	if p.About, err = checkTexts(p.About, "about", aboutMax, false); err != nil {
		return p, err
	}
	var spoken []string
	for _, l := range holdfast.Languages { // in our order, each once
		if slices.Contains(p.Languages, l) {
			spoken = append(spoken, l)
		}
	}
	for _, l := range p.Languages {
		if !holdfast.KnownLanguage(l) {
			return p, holdfast.Errorf(holdfast.Invalid, "language.unknown", "there are no texts in this language").WithField("languages")
		}
	}
	p.Languages = append([]string{}, spoken...)
	p.Hidden = append([]holdfast.ID{}, p.Hidden...)
	return p, nil
}

// checkTexts is texts with what is empty left out. The error is Invalid.
func checkTexts(t holdfast.Texts, field string, limit int, needed bool) (holdfast.Texts, error) {
	out := holdfast.Texts{}
	for lang, text := range t {
		if text = strings.TrimSpace(store.Text(text)); text == "" {
			continue
		}
		if !holdfast.KnownLanguage(lang) {
			return nil, holdfast.Errorf(holdfast.Invalid, "language.unknown", "there are no texts in this language").WithField(field)
		}
		if utf8.RuneCountInString(text) > limit {
			return nil, holdfast.Errorf(holdfast.Invalid, "status.text_too_long", "a text here has at most %d characters", limit).WithField(field).WithNext("Shorten it.")
		}
		out[lang] = text
	}
	if needed && len(out) == 0 {
		return nil, holdfast.Errorf(holdfast.Invalid, "status.text_missing", "a text is needed in at least one language").WithField(field).WithNext("Write something.")
	}
	return out, nil
}

// Settings is how a workspace shows itself; a new one does not.
func (s *Status) Settings(ctx context.Context, workspace holdfast.ID) (Page, error) {
	p := Page{About: holdfast.Texts{}, Hidden: []holdfast.ID{}, Languages: []string{}}
	var raw []byte
	err := s.DB.QueryRow(ctx, "SELECT body FROM status_page WHERE workspace = $1", workspace).Scan(&raw)
	if errors.Is(err, store.ErrNoRows) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(raw, &p)
}

// SetSettings changes how by's workspace shows itself. Errors: Forbidden, Invalid,
// Conflict "status.slug_taken".
func (s *Status) SetSettings(ctx context.Context, by access.Identity, p Page) error {
	p, err := p.checked()
	if err != nil {
		return err
	}
	return s.change(ctx, by, func(had Page) Page {
		p.Edition = had.Edition
		return p
	})
}

// RenewBoard gives the board another secret link; the former one shows nothing more.
func (s *Status) RenewBoard(ctx context.Context, by access.Identity) error {
	return s.change(ctx, by, func(p Page) Page {
		p.Edition++
		return p
	})
}

func (s *Status) change(ctx context.Context, by access.Identity, to func(Page) Page) error {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return err
	}
	had, err := s.Settings(ctx, by.Workspace)
	if err != nil {
		return err
	}
	p := to(had)
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	defer s.kept.forget(by.Workspace)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		var slug any
		if p.Slug != "" {
			slug = p.Slug
			var n int
			if err := tx.QueryRow("SELECT COUNT(*) FROM status_page WHERE slug = $1 AND workspace <> $2", p.Slug, by.Workspace).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				return holdfast.Errorf(holdfast.Conflict, "status.slug_taken", "another page has this address").WithField("slug").WithNext("Choose another one.")
			}
		}
		if err := tx.Exec(`INSERT INTO status_page (workspace, slug, open, body) VALUES ($1, $2, $3, $4)
			ON CONFLICT (workspace) DO UPDATE SET slug = excluded.slug, open = excluded.open, body = excluded.body`, by.Workspace, slug, p.Open, raw); err != nil {
			return err
		}
		return access.Record(tx, by, "status_page.changed", by.Workspace, p)
	})
}

// URL is where a workspace's page is.
func (s *Status) URL(workspace holdfast.ID, p Page) string {
	if p.Slug != "" {
		return s.PublicURL + "/status/" + p.Slug
	}
	return s.PublicURL + "/status/" + workspace.String()
}

// find is the workspace whose page an address means: by its word, by its id, or with
// "" the only one there is. The error is NotFound where none is open.
func (s *Status) find(ctx context.Context, address string) (holdfast.ID, error) {
	query, args := "SELECT workspace FROM status_page WHERE open", []any{}
	if id, err := holdfast.ParseID(address); err == nil {
		query, args = query+" AND workspace = $1", append(args, id)
	} else if address != "" {
		query, args = query+" AND slug = $1", append(args, strings.ToLower(address))
	}
	rows, err := s.DB.Query(ctx, query+" LIMIT 2", args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	if err != nil {
		return holdfast.ID{}, err
	}
	if len(list) != 1 {
		return holdfast.ID{}, holdfast.Errorf(holdfast.NotFound, "status.page_unknown", "there is no such status page")
	}
	return list[0], nil
}
