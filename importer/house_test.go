package importer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/channel"
	"holdfast/channel/loop"
	desks "holdfast/desk"
	"holdfast/importer"
	"holdfast/inbox"
	"holdfast/setup"
	"holdfast/store"
	"holdfast/store/storetest"
)

// desk is a desk without sockets, with an administrator and one who answers.
type desk struct {
	t testing.TB
	*app.App
	loop      *loop.Provider
	workspace holdfast.ID
	olga      holdfast.ID
	by        access.Identity
}

// each tells a story on each database this machine has.
func each(t *testing.T, story func(t *testing.T, d *desk)) {
	t.Run("sqlite", func(t *testing.T) { story(t, newDesk(t, t.TempDir(), "")) })
	t.Run("postgres", func(t *testing.T) { story(t, newDesk(t, t.TempDir(), storetest.PostgresURL(t))) })
}

func newDesk(t testing.TB, dir, url string) *desk {
	t.Helper()
	ctx := context.Background()
	d := &desk{t: t, loop: loop.New()}
	d.open(dir, url)
	w, err := d.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: "Test", Language: "en", TimeZone: "Europe/Moscow"})
	if err != nil {
		t.Fatal(err)
	}
	d.workspace, d.olga, d.by = w.ID, holdfast.NewID(), access.System(w.ID)
	if _, err := d.Guard.CreateOperator(ctx, d.by, access.NewOperator{ID: d.olga, Name: "Olga", Email: "olga@desk.example", Language: "ru", Role: holdfast.Administrator}); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) open(dir, url string) {
	d.t.Helper()
	d.App = app.New(app.Config{Listen: "127.0.0.1:0", Data: dir, DatabaseURL: url, AttachmentLimit: 1 << 20}, slog.New(slog.DiscardHandler))
	d.App.Kinds = []*channel.Kind{d.loop.Kind(channel.ResendPark)}
	d.App.PasswordCost = access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}
	if err := d.OpenRooms(context.Background()); err != nil {
		d.t.Fatal(err)
	}
	db := d.DB
	d.t.Cleanup(func() { db.Close() })
	importer.Hurry(d.Importer)
}

// reopen is the desk started again on its data.
func (d *desk) reopen() {
	d.t.Helper()
	c := d.App.Config
	d.DB.Close()
	d.open(c.Data, c.DatabaseURL)
}

// imports runs an import to its end and returns what came of it.
func (d *desk) imports(n importer.NewImport, file string) importer.View {
	d.t.Helper()
	id := d.starts(n, file)
	if err := d.Importer.RunOne(context.Background(), id); err != nil {
		d.t.Fatal(err)
	}
	return d.view(id)
}

func (d *desk) starts(n importer.NewImport, file string) holdfast.ID {
	d.t.Helper()
	ctx := context.Background()
	n.ID = holdfast.NewID()
	if _, err := d.Importer.Create(ctx, d.by, n); err != nil {
		d.t.Fatal(err)
	}
	if file != "" {
		if _, err := d.Importer.Upload(ctx, d.workspace, n.ID, 0, true, strings.NewReader(file)); err != nil {
			d.t.Fatal(err)
		}
	}
	return n.ID
}

func (d *desk) view(id holdfast.ID) importer.View {
	d.t.Helper()
	v, err := d.Importer.View(context.Background(), d.workspace, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// report is what an import said of its records, as "outcome what ref: code".
func (d *desk) report(id holdfast.ID) []string {
	d.t.Helper()
	list, err := d.Importer.Lines(context.Background(), d.workspace, id, "", 0, 100000)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, l := range list {
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%s %s %s: %s", l.Outcome, l.What, l.Ref, l.Code), ": "))
	}
	return out
}

// tells is the whole inbox as text, the latest conversation first: what people see.
func (d *desk) tells() string {
	d.t.Helper()
	ctx := context.Background()
	var b strings.Builder
	cursor := ""
	for {
		list, next, err := d.Inbox.List(ctx, d.workspace, inbox.Filter{View: inbox.All, Asker: d.olga, Limit: 200, Cursor: cursor})
		if err != nil {
			d.t.Fatal(err)
		}
		for _, c := range list {
			fmt.Fprintf(&b, "%s | %s | %s | %s", c.OpenedAt.UTC().Format("2006-01-02 15:04"), c.Customer.Name, c.Subject, c.State)
			if c.Operator == d.olga {
				b.WriteString(" | olga")
			}
			if c.Priority != holdfast.Normal {
				fmt.Fprintf(&b, " | p%d", c.Priority)
			}
			if c.Unread {
				b.WriteString(" | unread")
			}
			if len(c.Tags) > 0 {
				slices.Sort(c.Tags)
				b.WriteString(" | #" + strings.Join(c.Tags, " #"))
			}
			b.WriteByte('\n')
			for before := holdfast.Clock(0); ; {
				messages, _, err := d.Inbox.Messages(ctx, d.workspace, c.ID, before, 200)
				if err != nil {
					d.t.Fatal(err)
				}
				for _, m := range messages {
					fmt.Fprintf(&b, "  %s %s %s", m.At.UTC().Format("01-02 15:04"), m.Direction, strings.ReplaceAll(m.Text, "\n", "⏎"))
					if m.Author == d.olga {
						b.WriteString(" (olga)")
					} else if !m.Author.IsZero() {
						who, err := d.Guard.Operator(ctx, d.workspace, m.Author)
						if err != nil {
							d.t.Fatal(err)
						}
						fmt.Fprintf(&b, " (%s, former %v)", who.Name, who.Former)
					}
					for _, a := range m.Attachments {
						fmt.Fprintf(&b, " [%s %d]", a.Name, a.Size)
					}
					b.WriteByte('\n')
				}
				break
			}
		}
		if next == "" {
			return b.String()
		}
		cursor = next
	}
}

// entries counts the journal's entries of this workspace by kind.
func (d *desk) entries() map[holdfast.EntryKind]int {
	d.t.Helper()
	out := map[holdfast.EntryKind]int{}
	var at holdfast.LSN
	for {
		list, err := d.Journal.After(context.Background(), at, 1000)
		if err != nil {
			d.t.Fatal(err)
		}
		if len(list) == 0 {
			return out
		}
		for _, e := range list {
			at = e.LSN
			if e.Workspace == d.workspace && e.Kind != "setup.changed" {
				out[e.Kind]++
			}
		}
	}
}

// recorded is another desk, as it answered once.
type recorded struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []string
	strange []string
	// interfere may answer a request instead; n counts requests from 1.
	interfere func(n int, w http.ResponseWriter, r *http.Request) bool
}

// record starts a desk that answers from testdata.
func record(t testing.TB, name string) *recorded {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var tape struct {
		Header, Value string
		Answers       []struct {
			Get  string
			JSON json.RawMessage
			Text string
		}
	}
	if err := json.Unmarshal(raw, &tape); err != nil {
		t.Fatal(err)
	}
	s := &recorded{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.RequestURI())
		n, interfere := len(s.asked), s.interfere
		s.mu.Unlock()
		if r.Method != http.MethodGet {
			t.Errorf("%s %s: the other desk was to be read alone", r.Method, r.URL)
		}
		if interfere != nil && interfere(n, w, r) {
			return
		}
		if got := r.Header.Get(tape.Header); got != tape.Value {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		best, score := -1, -1
		for i, a := range tape.Answers {
			path, query, _ := strings.Cut(a.Get, "?")
			if path != r.URL.Path {
				continue
			}
			fits, hits := true, 0
			for kv := range strings.SplitSeq(query, "&") {
				if k, v, ok := strings.Cut(kv, "="); ok {
					hits++
					fits = fits && r.URL.Query().Get(k) == v
				}
			}
			if fits && hits > score {
				best, score = i, hits
			}
		}
		if best < 0 {
			s.mu.Lock()
			s.strange = append(s.strange, r.URL.RequestURI())
			s.mu.Unlock()
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if a := tape.Answers[best]; a.JSON != nil {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(strings.ReplaceAll(string(a.JSON), "{base}", s.URL)))
		} else {
			w.Write([]byte(a.Text))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func deskBy(d *desk) desks.By {
	return desks.By{Workspace: d.workspace, Operator: d.olga, Actor: holdfast.Actor{Kind: holdfast.ActorOperator, ID: d.olga}}
}

// expire is half a minute without a word from whoever walked an import.
func expire(tx *store.Tx) error { return tx.Exec("UPDATE import_run SET beat_at = 0") }
