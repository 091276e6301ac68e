package presets

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

// Canned is a canned reply.
type Canned struct {
	ID        holdfast.ID       `json:"id"`
	Owner     holdfast.Owner    `json:"owner" doc:"An operator's own, a team's, or, with neither, everybody's."`
	Title     string            `json:"title"`
	Shortcut  string            `json:"shortcut,omitempty"`
	Texts     map[string]string `json:"texts" doc:"By language; \"any\" serves where no other does."`
	Channels  []string          `json:"channels" doc:"Kinds of channels it is for; empty: all."`
	Teams     []holdfast.ID     `json:"teams" doc:"Teams whose conversations it is for; empty: all."`
	Languages []string          `json:"languages" doc:"Languages of customers it is for; empty: all."`
	ChangedAt time.Time         `json:"changed_at"`
}

func decodeCanned(r row) (Canned, error) {
	var b holdfast.CannedSaved
	err := decode(r.body, &b)
	c := Canned{ID: r.id, Owner: r.owner, Title: b.Title, Shortcut: b.Shortcut, Texts: b.Texts, Channels: b.Channels, Teams: b.Teams, Languages: b.Languages, ChangedAt: r.changed}
	if c.Channels == nil {
		c.Channels = []string{}
	}
	if c.Teams == nil {
		c.Teams = []holdfast.ID{}
	}
	if c.Languages == nil {
		c.Languages = []string{}
	}
	return c, err
}

// CannedReplies lists those that by can use, by title.
func (p *Presets) CannedReplies(ctx context.Context, by access.Identity) ([]Canned, error) {
	l, err := list(ctx, p, by, canned, decodeCanned)
	slices.SortFunc(l, func(a, b Canned) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)), strings.Compare(string(a.ID[:]), string(b.ID[:])))
	})
	return l, err
}

// CannedReply reads one that by can use. The error is NotFound.
func (p *Presets) CannedReply(ctx context.Context, by access.Identity, id holdfast.ID) (Canned, error) {
	return one(ctx, p, by, canned, id, decodeCanned)
}

// What a canned reply may hold.
const (
	maxShortcut = 32
	maxText     = 16 << 10
)

// SaveCanned writes a canned reply, whole. Errors: Invalid, Forbidden, NotFound, Conflict.
func (p *Presets) SaveCanned(ctx context.Context, by access.Identity, id holdfast.ID, b holdfast.CannedSaved) (Canned, error) {
	var err error
	if b.Title, err = checkName(b.Title, "title"); err != nil {
		return Canned{}, err
	}
	b.Shortcut = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(b.Shortcut), "/"))
	if len([]rune(b.Shortcut)) > maxShortcut || strings.ContainsFunc(b.Shortcut, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-' && r != '_' && r != '.' && r != '\u200c'
	}) {
		return Canned{}, holdfast.Errorf(holdfast.Invalid, "canned.shortcut_malformed", "a shortcut is one word of at most %d letters, digits, dots and dashes", maxShortcut).WithField("shortcut")
	}
	texts := map[string]string{}
	for lang, text := range b.Texts {
		if strings.TrimSpace(text) == "" {
			continue
		}
		if lang == "" || len(lang) > 8 {
			return Canned{}, holdfast.Errorf(holdfast.Invalid, "language.unknown", "a text needs a language, or \"any\"").WithField("texts")
		}
		if len(text) > maxText {
			return Canned{}, holdfast.Errorf(holdfast.TooLarge, "message.too_long", "a canned reply may have at most %d bytes", maxText).WithField("texts")
		}
		if err := CheckPlaceholders(text); err != nil {
			return Canned{}, err
		}
		texts[lang] = store.Text(text)
	}
	if len(texts) == 0 {
		return Canned{}, holdfast.Errorf(holdfast.Invalid, "message.empty", "a canned reply needs a text").WithField("texts").WithNext("Write something.")
	}
	b.Texts = texts
	for _, t := range b.Teams {
		if _, err := p.guard.Team(ctx, by.Workspace, t); err != nil {
			return Canned{}, err
		}
	}
	if err := p.save(ctx, by, canned, id, b.Owner, &b, nil); err != nil {
		return Canned{}, err
	}
	return p.CannedReply(ctx, by, id)
}

// RemoveCanned takes one away. Errors: NotFound, Forbidden.
func (p *Presets) RemoveCanned(ctx context.Context, by access.Identity, id holdfast.ID) error {
	return p.save(ctx, by, canned, id, holdfast.Owner{}, nil, &holdfast.CannedRemoved{})
}

// Situation is what a condition looks at: the conversation that is being answered.
type Situation struct {
	Channel  string      // the kind
	Team     holdfast.ID // zero: none
	Language string      // the customer's, or the workspace's where that is not known
	Fallback string      // the workspace's
}

// Fits reports whether a canned reply is offered in a situation.
func (c Canned) Fits(s Situation) bool {
	return (len(c.Channels) == 0 || slices.Contains(c.Channels, s.Channel)) &&
		(len(c.Teams) == 0 || slices.Contains(c.Teams, s.Team)) &&
		(len(c.Languages) == 0 || slices.Contains(c.Languages, s.Language))
}

// Text is its text in the language of a situation, else the one for any, else in
// the workspace's language, else the first there is; and which one that was.
func (c Canned) Text(s Situation) (text, language string) {
	for _, lang := range []string{s.Language, holdfast.AnyLanguage, s.Fallback} {
		if text, ok := c.Texts[lang]; ok {
			return text, lang
		}
	}
	for _, lang := range slices.Sorted(maps.Keys(c.Texts)) {
		return c.Texts[lang], lang
	}
	return "", ""
}
