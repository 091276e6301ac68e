// Package importer brings the history of other desks here: it walks their API or
// an exported file and writes down what was said there, with its dates and
// authors, as the journal of another node would have it. Walked twice, it is once;
// cut off, it goes on where it was.
//
// It refuses to send anything to anybody, to take what it cannot date, to change
// the other desk, and to stop for one record that it cannot take: that one is in
// the report, with the reason.
package importer

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/blob"
	"holdfast/journal"
	"holdfast/setup"
	"holdfast/store"
)

// Deps are the rooms that an import works with.
type Deps struct {
	DB      *store.DB
	Seal    *store.Sealer
	Journal *journal.Journal
	Guard   *access.Guard
	Setup   *setup.Setup
	Files   *blob.Files
	Log     *slog.Logger
	// Folder is where files that are read from wait, below the data folder.
	Folder string
	// Desks reaches the other desk, which may stand in the same house; Outside
	// reaches what its records point at, and must refuse private addresses.
	Desks, Outside *http.Client
	// Clean makes HTML safe to show.
	Clean func(html string) (clean string, remote bool)
}

// Importer starts, runs and reports on imports. Make one with New and Run it.
type Importer struct {
	Deps
	me    holdfast.ID // this process, as the one who walks
	kick  chan struct{}
	pause func(ctx context.Context, d time.Duration) error
}

// New makes an importer. It does no I/O.
func New(d Deps) *Importer {
	return &Importer{Deps: d, me: holdfast.NewID(), kick: make(chan struct{}, 1), pause: pause}
}

// The sources there are.
const (
	Chatwoot  = "chatwoot"
	Zendesk   = "zendesk"
	Freshdesk = "freshdesk"
	Zammad    = "zammad"
	FreeScout = "freescout"
	CSV       = "csv"
	JSONL     = "jsonl"
)

// Kind says what a source needs.
type Kind struct {
	Name string `json:"name"`
	// File is true for those that read a file; the others read an API.
	File bool `json:"file"`
	// Fields are the settings it understands, the needed ones first.
	Fields []string `json:"fields"`
	Needs  []string `json:"needs"`
	// Encodings are those that a file may be said to have, Columns what a column of it can be.
	Encodings []string `json:"encodings,omitempty"`
	Columns   []string `json:"columns,omitempty"`
}

// Kinds lists the sources.
func Kinds() []Kind {
	api := func(name string, more ...string) Kind {
		return Kind{Name: name, Needs: []string{"url", "token"}, Fields: append([]string{"url", "token"}, append(more, "channel")...)}
	}
	return []Kind{
		api(Chatwoot, "account"), api(Zendesk, "user"), api(Freshdesk), api(Zammad), api(FreeScout),
		{Name: CSV, File: true, Needs: []string{}, Fields: []string{"encoding", "delimiter", "columns", "origin", "channel"}, Encodings: Encodings, Columns: Fields},
		{Name: JSONL, File: true, Needs: []string{}, Fields: []string{"encoding", "origin", "channel"}, Encodings: Encodings},
	}
}

func kindOf(name string) (Kind, error) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, holdfast.Errorf(holdfast.Invalid, "import.source_unknown", "there is no source of this name").WithField("source").
		WithNext("Use chatwoot, zendesk, freshdesk, zammad, freescout, csv or jsonl.")
}

// Settings say where and how to read. They are sealed at rest; Token is shown to nobody.
type Settings struct {
	URL     string      `json:"url,omitempty"`     // of the other desk: https://desk.example.com
	Token   string      `json:"token,omitempty"`   // of its API
	User    string      `json:"user,omitempty"`    // whose token it is, where that must be said
	Account string      `json:"account,omitempty"` // which account, where there may be several
	Channel holdfast.ID `json:"channel,omitzero"`  // that conversations go on over; zero: by the customer's address
	// Of a file: its name, the encoding and delimiter when they must not be guessed,
	// which column is which field, and whose numbers its ids are.
	File      string            `json:"file,omitempty"`
	Encoding  string            `json:"encoding,omitempty"`
	Delimiter string            `json:"delimiter,omitempty"`
	Columns   map[string]string `json:"columns,omitempty"`
	Origin    string            `json:"origin,omitempty"`
}

var copied = regexp.MustCompile(`( ?\(\d+\)| ?- ?copy| ?copy \d+)$`)

// origin names whose ids a source's ids are: the same desk reached by another
// name of its protocol, or the same file saved twice, is the same origin.
func (s *Settings) origin(k Kind) string {
	if k.File {
		name := strings.ToLower(s.Origin)
		if name == "" {
			name = strings.ToLower(path.Base(strings.ReplaceAll(s.File, `\`, "/")))
			name = copied.ReplaceAllString(strings.TrimSuffix(name, path.Ext(name)), "")
		}
		return name
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return s.URL
	}
	o := strings.ToLower(u.Host) + strings.TrimRight(u.Path, "/")
	if s.Account != "" {
		o += "#" + s.Account
	}
	return o
}

func (s *Settings) label(k Kind) string {
	if k.File {
		return s.File
	}
	if u, err := url.Parse(s.URL); err == nil {
		return u.Host + strings.TrimRight(u.Path, "/")
	}
	return ""
}

var accountName = regexp.MustCompile(`^[0-9A-Za-z_-]{0,64}$`)

// check reports the first setting that cannot work and tidies the others.
func (s *Settings) check(k Kind) error {
	bad := func(field, text, next string) error {
		return holdfast.Errorf(holdfast.Invalid, "import.setting_invalid", "%s", text).WithField(field).WithNext(next)
	}
	s.URL, s.Token, s.User = strings.TrimRight(strings.TrimSpace(s.URL), "/"), strings.TrimSpace(s.Token), strings.TrimSpace(s.User)
	if k.File {
		s.File = blob.CleanName(s.File)
		if s.Encoding != "" && !slices.Contains(Encodings, s.Encoding) {
			return bad("encoding", "this encoding is not known", "Use "+strings.Join(Encodings, ", ")+", or leave it empty.")
		}
		if s.Delimiter != "" && (len(s.Delimiter) != 1 || !strings.Contains(",;\t|", s.Delimiter)) {
			return bad("delimiter", "a delimiter is a comma, a semicolon, a tab or a bar", "Leave it empty to have it guessed.")
		}
		for column, field := range s.Columns {
			if !slices.Contains(Fields, field) && field != "" {
				return bad("columns", "the column "+clip(column, 60)+" cannot be "+clip(field, 60), "Use "+strings.Join(Fields, ", ")+".")
			}
		}
		if len(s.Columns) > maxColumns || len(s.Origin) > 200 {
			return bad("columns", "that is too long", "")
		}
		return nil
	}
	u, err := url.Parse(s.URL)
	switch {
	case s.URL == "":
		return bad("url", "the other desk's address is missing", "Write it as https://desk.example.com.")
	case err != nil || len(s.URL) > 2048 || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Opaque != "":
		return bad("url", "the address begins with https:// or http:// and names a host", "Write it as https://desk.example.com.")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return bad("url", "the address must not hold a name, a password, a ? or a #", "Write it as https://desk.example.com.")
	case s.Token == "":
		return bad("token", "the other desk's API token is missing", "Make one there for an administrator.")
	case len(s.Token) > 4096 || strings.ContainsFunc(s.Token+s.User, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return bad("token", "the token must be one word", "Copy it anew.")
	case !accountName.MatchString(s.Account):
		return bad("account", "an account is a number", "It stands in the address of the other desk's pages.")
	}
	return nil
}

// open makes the source of a run.
func (im *Importer) open(ctx context.Context, r *run) (source, error) {
	s := &r.settings
	if r.kind.File {
		w, err := im.Setup.Workspace(ctx, r.Workspace)
		if err != nil {
			return nil, err
		}
		zone, err := time.LoadLocation(w.TimeZone)
		if err != nil {
			zone = time.UTC
		}
		if r.kind.Name == CSV {
			return &table{path: im.path(r.ID), settings: s, zone: zone}, nil
		}
		return &lines{path: im.path(r.ID), settings: s, zone: zone}, nil
	}
	d, err := im.dial(s)
	if err != nil {
		return nil, err
	}
	r.desk = d
	switch r.kind.Name {
	case Chatwoot:
		return newChatwoot(d, s), nil
	case Zendesk:
		return newZendesk(d, s), nil
	case Freshdesk:
		return newFreshdesk(d, s), nil
	case Zammad:
		return newZammad(d, s), nil
	default:
		return newFreeScout(d, s), nil
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// clip shortens text to n bytes at a character's border.
func clip(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return store.Text(s)
}
