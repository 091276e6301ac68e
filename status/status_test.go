package status

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

type room struct {
	*Status
	ws, mail, chat holdfast.ID
	by             access.Identity
}

func open(t *testing.T, db *store.DB) *room {
	t.Helper()
	j := journal.New(db, slog.New(slog.DiscardHandler), Table{})
	if err := j.Open(ctx); err != nil {
		t.Fatal(err)
	}
	r := &room{ws: holdfast.NewID(), mail: holdfast.NewID(), chat: holdfast.NewID()}
	r.by = access.System(r.ws)
	zone, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	r.Status = New(Deps{DB: db, Journal: j, Log: slog.New(slog.DiscardHandler), Key: []byte(strings.Repeat("k", 32)), PublicURL: "https://desk.example",
		House: func(_ context.Context, ws holdfast.ID) (string, string, *time.Location, error) {
			return "fa", "Lamp & Son <b>", zone, nil
		},
		Channels: func(_ context.Context, ws holdfast.ID) ([]Channel, error) {
			if ws != r.ws {
				return nil, nil
			}
			return []Channel{{ID: r.mail, Name: "Letters", State: holdfast.ChannelUp}, {ID: r.chat, Name: "Website", State: holdfast.ChannelDown, Since: time.Now().Add(-time.Hour)}}, nil
		}})
	return r
}

func (r *room) get(t *testing.T, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	q := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	if strings.HasPrefix(path, "/board") {
		r.Board(w, q)
	} else {
		r.ServeHTTP(w, q)
	}
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// In whatever order and however often the entries come, the rows are the same.
func TestTheLatestWordCountsInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(t *rapid.T) {
			ws, one := holdfast.NewID(), holdfast.NewID()
			var entries []*holdfast.Entry
			title, raised, said := "", "", map[holdfast.ID]holdfast.IncidentState{}
			for i := range rapid.IntRange(1, 10).Draw(t, "entries") {
				word := string(rune('a' + i))
				var b holdfast.Body
				switch rapid.IntRange(0, 4).Draw(t, "kind") {
				case 0:
					b, title = &holdfast.IncidentSaved{Titles: holdfast.Texts{"en": word}, StartedAt: time.UnixMilli(1_700_000_000_000)}, word
				case 1:
					b, title = &holdfast.IncidentRemoved{}, ""
				case 2:
					u := holdfast.NewID()
					b, said[u] = &holdfast.IncidentUpdated{Update: u, State: holdfast.IncidentWatching, Texts: holdfast.Texts{"en": word}}, holdfast.IncidentWatching
				case 3:
					b, raised = &holdfast.BannerRaised{Audiences: holdfast.Audiences, Severity: holdfast.Warning, Texts: holdfast.Texts{"en": word}}, word
				case 4:
					b, raised = &holdfast.BannerLowered{}, ""
				}
				entries = append(entries, &holdfast.Entry{LSN: holdfast.LSN(i + 1), Origin: holdfast.DeriveID(ws, "origin"), Clock: holdfast.Clock(i+1) << 16,
					At: time.UnixMilli(1_700_000_000_000 + int64(i)), Workspace: ws, Subject: one, Kind: b.EntryKind(), Body: b})
			}
			for _, e := range rapid.Permutation(append(append([]*holdfast.Entry{}, entries...), entries...)).Draw(t, "mixed") {
				if err := db.Write(ctx, func(tx *store.Tx) error { return (Table{}).Apply(tx, e) }); err != nil {
					t.Fatal(err)
				}
			}
			s := New(Deps{DB: db})
			i, err := s.Incident(ctx, ws, one)
			if title == "" && holdfast.KindOf(err) != holdfast.NotFound || title != "" && (err != nil || i.Titles["en"] != title || len(i.Updates) != len(said)) {
				t.Fatalf("%+v %v, the last word is %q and %d updates", i, err, title, len(said))
			}
			list, err := s.Banners(ctx, ws, time.Now())
			if err != nil || (raised == "") != (len(list) == 0) || raised != "" && list[0].Texts["en"] != raised {
				t.Fatalf("%+v %v, the last word is %q", list, err, raised)
			}
			if other, err := s.Incidents(ctx, holdfast.NewID(), time.Time{}); err != nil || len(other) != 0 {
				t.Fatalf("another workspace has %v, %v", other, err)
			}
		})
	})
}

// A plan that was cut off says its step again: nothing is said twice, and what a person
// lowered meanwhile stays down.
func TestAStepThatIsDoneAgainSaysNothingTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := open(t, db)
		key, banner, incident := holdfast.NewID(), holdfast.NewID(), holdfast.NewID()
		raise := func(key holdfast.ID) {
			must(t, r.RaiseBanner(ctx, r.by, key, banner, holdfast.BannerRaised{Audiences: []holdfast.Audience{holdfast.InConsole}, Severity: holdfast.Critical, Texts: holdfast.Texts{"en": "Down"}}))
		}
		raise(key)
		raise(key)
		must(t, r.LowerBanner(ctx, r.by, banner))
		raise(key)
		if list, err := r.Banners(ctx, r.ws, time.Now()); err != nil || len(list) != 0 {
			t.Errorf("the banner is up again: %v %v", list, err)
		}
		raise(holdfast.NewID())
		if list, err := r.In(ctx, r.ws, holdfast.InConsole); err != nil || len(list) != 1 {
			t.Errorf("it cannot be raised anew: %v %v", list, err)
		}
		if list, err := r.In(ctx, r.ws, holdfast.InWidget); err != nil || len(list) != 0 {
			t.Errorf("others read it: %v %v", list, err)
		}
		first := &NewUpdate{holdfast.NewID(), holdfast.IncidentInvestigating, holdfast.Texts{"en": "We look"}}
		key = holdfast.NewID()
		for range 2 {
			_, err := r.SaveIncident(ctx, r.by, key, incident, holdfast.IncidentSaved{Titles: holdfast.Texts{"en": "Cable"}}, first)
			must(t, err)
			_, err = r.UpdateIncident(ctx, r.by, incident, NewUpdate{holdfast.DeriveID(incident, "over"), holdfast.IncidentResolved, holdfast.Texts{"en": "Mended"}})
			must(t, err)
		}
		i, err := r.Incident(ctx, r.ws, incident)
		if err != nil || len(i.Updates) != 2 || i.State != holdfast.IncidentResolved || i.EndedAt.IsZero() || i.Updates[1].Texts["en"] != "We look" {
			t.Errorf("%+v %v", i, err)
		}
		must(t, r.RemoveIncident(ctx, r.by, incident))
		if _, err := r.SaveIncident(ctx, r.by, holdfast.ID{}, incident, holdfast.IncidentSaved{Titles: holdfast.Texts{"en": "Cable"}}, nil); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("what was removed comes back: %v", err)
		}
		stranger := access.System(holdfast.NewID())
		if err := r.RaiseBanner(ctx, stranger, holdfast.ID{}, banner, holdfast.BannerRaised{Audiences: holdfast.Audiences, Severity: holdfast.Critical, Texts: holdfast.Texts{"en": "x"}}); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("a stranger takes its id: %v", err)
		}
	})
}

func TestWhatCannotBeSaid(t *testing.T) {
	r := open(t, storetest.Open(t, store.Options{Dir: storetest.Folder(t)}))
	id := holdfast.NewID()
	ok := holdfast.BannerRaised{Audiences: holdfast.Audiences, Severity: holdfast.Warning, Texts: holdfast.Texts{"en": "x"}}
	with := func(change func(*holdfast.BannerRaised)) holdfast.BannerRaised {
		b := ok
		change(&b)
		return b
	}
	for code, b := range map[string]holdfast.BannerRaised{
		"banner.severity_unknown": with(func(b *holdfast.BannerRaised) { b.Severity = "loud" }),
		"banner.audience_missing": with(func(b *holdfast.BannerRaised) { b.Audiences = nil }),
		"banner.audience_unknown": with(func(b *holdfast.BannerRaised) { b.Audiences = []holdfast.Audience{"moon"} }),
		"status.text_missing":     with(func(b *holdfast.BannerRaised) { b.Texts = holdfast.Texts{"en": "  "} }),
		"status.text_too_long":    with(func(b *holdfast.BannerRaised) { b.Texts = holdfast.Texts{"en": strings.Repeat("x", 301)} }),
		"language.unknown":        with(func(b *holdfast.BannerRaised) { b.Texts = holdfast.Texts{"xx": "x"} }),
		"banner.over":             with(func(b *holdfast.BannerRaised) { b.Until = time.Now().Add(-time.Minute) }),
	} {
		if err := r.RaiseBanner(ctx, r.by, holdfast.ID{}, id, b); holdfast.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	if _, err := r.SaveIncident(ctx, r.by, holdfast.ID{}, id, holdfast.IncidentSaved{Titles: holdfast.Texts{"en": "x"}, StartedAt: time.Now().Add(time.Hour)}, nil); holdfast.CodeOf(err) != "incident.not_yet" {
		t.Errorf("an incident of tomorrow: %v", err)
	}
	for _, slug := range []string{"-a", "a b", "магазин", strings.Repeat("a", 41), holdfast.NewID().String(), "a/b", "feed.xml"} {
		if err := r.SetSettings(ctx, r.by, Page{Slug: slug}); holdfast.CodeOf(err) != "status.slug_invalid" {
			t.Errorf("%q: %v", slug, err)
		}
	}
	by := r.by
	by.Role, by.Scopes = holdfast.Observer, []holdfast.Permission{holdfast.ReadConversations}
	if err := r.LowerBanner(ctx, by, id); holdfast.KindOf(err) != holdfast.Forbidden {
		t.Errorf("an observer: %v", err)
	}
}

func TestThePageIsThereWhenItIsSwitchedOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := open(t, db)
		for _, path := range []string{"/status", "/status/", "/status/" + r.ws.String(), "/status/lamp", "/status/feed.xml"} {
			if w := r.get(t, path); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "Lamp") {
				t.Fatalf("%s before it is switched on: %d %s", path, w.Code, w.Body)
			}
		}
		must(t, r.SetSettings(ctx, r.by, Page{Open: true, Slug: "lamp", Phone: "+98 21 555", About: holdfast.Texts{"en": "We sell lamps"}}))
		other := access.System(holdfast.NewID())
		if err := r.SetSettings(ctx, other, Page{Open: true, Slug: "Lamp"}); holdfast.CodeOf(err) != "status.slug_taken" {
			t.Fatalf("the address is another's, too: %v", err)
		}
		incident := holdfast.NewID()
		_, err := r.SaveIncident(ctx, r.by, holdfast.ID{}, incident, holdfast.IncidentSaved{Titles: holdfast.Texts{"en": "Cable <cut>", "ru": "Обрыв"}, Scope: []holdfast.ID{r.chat}, StartedAt: time.Now().Add(-48 * time.Hour)},
			&NewUpdate{holdfast.NewID(), holdfast.IncidentIdentified, holdfast.Texts{"en": "A digger & a cable"}})
		must(t, err)
		must(t, r.RaiseBanner(ctx, r.by, holdfast.ID{}, holdfast.NewID(), holdfast.BannerRaised{Audiences: []holdfast.Audience{holdfast.OnStatusPage}, Severity: holdfast.Warning, Texts: holdfast.Texts{"en": "Please call"}}))
		for _, path := range []string{"/status", "/status/", "/status/lamp", "/status/" + r.ws.String()} {
			w := r.get(t, path, "Accept-Language", "de, en-GB;q=0.8")
			page := w.Body.String()
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, w.Code)
			}
			for _, want := range []string{`lang="en" dir="ltr"`, "Cable &lt;cut&gt;", "A digger &amp; a cable", "Please call", "Letters", "Works", "Website", "Does not work", "The cause is known", "tel:&#43;9821555", "We sell lamps", "Lamp &amp; Son"} {
				if !strings.Contains(page, want) {
					t.Errorf("%s lacks %q", path, want)
				}
			}
			for _, bad := range []string{"<script", "onload", "style=", "<cut>", "<b>"} {
				if strings.Contains(page, bad) {
					t.Errorf("%s has %q", path, bad)
				}
			}
			if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || strings.Contains(csp, "unsafe") {
				t.Errorf("the policy is %q", csp)
			}
			if c := w.Header().Get("Cache-Control"); !strings.Contains(c, "max-age=15") || !strings.Contains(c, "stale-while-revalidate") {
				t.Errorf("it is kept by %q", c)
			}
			again := r.get(t, path, "Accept-Language", "en", "If-None-Match", `"x", W/`+w.Header().Get("ETag"))
			if again.Code != http.StatusNotModified && clockOf(page) == clockOf(r.get(t, path, "Accept-Language", "en").Body.String()) || again.Code == http.StatusNotModified && again.Body.Len() > 0 {
				t.Errorf("asked again: %d", again.Code)
			}
		}
		fa := r.get(t, "/status/lamp").Body.String()
		if !strings.Contains(fa, `lang="fa" dir="rtl"`) || !strings.Contains(fa, "کار نمی‌کند") || !strings.Contains(fa, `<h3 lang="en" dir="auto">Cable`) {
			t.Error("without a wish it is not the workspace's language, or a text does not say that it is another")
		}
		if ru := r.get(t, "/status/lamp?lang=ru", "Accept-Language", "fa").Body.String(); !strings.Contains(ru, "Обрыв") || !strings.Contains(ru, "Причина известна") {
			t.Error("the language that is asked for is not given")
		}
		var rss struct {
			Items []struct {
				Title string `xml:"title"`
				Link  string `xml:"link"`
				Text  string `xml:"description"`
			} `xml:"channel>item"`
		}
		w := r.get(t, "/status/lamp/feed.xml?lang=en")
		if err := xml.Unmarshal(w.Body.Bytes(), &rss); err != nil || len(rss.Items) != 1 || rss.Items[0].Title != "Cable <cut>: The cause is known" || rss.Items[0].Link != "https://desk.example/status/lamp?lang=en#"+incident.String() || rss.Items[0].Text != "A digger &amp; a cable" {
			t.Errorf("RSS: %+v %v", rss, err)
		}
		var feed struct {
			Version string
			Items   []struct {
				Title string
				Text  string `json:"content_text"`
			}
		}
		if err := json.Unmarshal(r.get(t, "/status/lamp/feed.json?lang=ru").Body.Bytes(), &feed); err != nil || len(feed.Items) != 1 || feed.Items[0].Title != "Обрыв: Причина известна" || feed.Items[0].Text != "A digger & a cable" {
			t.Errorf("JSON feed: %+v %v", feed, err)
		}
		// The end is shown at once, and the incident stands in the past.
		_, err = r.UpdateIncident(ctx, r.by, incident, NewUpdate{holdfast.NewID(), holdfast.IncidentResolved, holdfast.Texts{"en": "Spliced"}})
		must(t, err)
		if page := r.get(t, "/status/lamp?lang=en").Body.String(); !strings.Contains(page, "Spliced") || strings.Contains(page, "Happening now") || !strings.Contains(page, "3 of 90 days") {
			t.Errorf("after the end: %s", page)
		}
		must(t, r.SetSettings(ctx, r.by, Page{Slug: "lamp", Hidden: []holdfast.ID{r.mail}}))
		if w := r.get(t, "/status/lamp"); w.Code != http.StatusNotFound {
			t.Errorf("switched off: %d", w.Code)
		}
		must(t, r.SetSettings(ctx, r.by, Page{Open: true, Hidden: []holdfast.ID{r.mail}}))
		if page := r.get(t, "/status/").Body.String(); strings.Contains(page, "Letters") || !strings.Contains(page, "Website") {
			t.Error("a hidden channel is named")
		}
		q := httptest.NewRequest("POST", "/status/", nil)
		p := httptest.NewRecorder()
		if r.ServeHTTP(p, q); p.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", p.Code)
		}
	})
}

func clockOf(page string) string {
	_, rest, _ := strings.Cut(page, "<time")
	at, _, _ := strings.Cut(rest, "</time>")
	return at
}

func TestTheBoardIsForWhoeverHoldsTheLink(t *testing.T) {
	r := open(t, storetest.Open(t, store.Options{Dir: storetest.Folder(t)}))
	must(t, r.SetSettings(ctx, r.by, Page{Open: true, Slug: "lamp", Board: true, Phone: "+98 21 555", SMS: "3000", Languages: []string{"fa", "ru"}}))
	link := func() string {
		p, err := r.Settings(ctx, r.ws)
		must(t, err)
		return strings.TrimPrefix(r.BoardURL(r.ws, p), "https://desk.example")
	}
	must(t, r.RaiseBanner(ctx, r.by, holdfast.ID{}, holdfast.NewID(), holdfast.BannerRaised{Audiences: []holdfast.Audience{holdfast.OnBoard}, Severity: holdfast.Critical, Texts: holdfast.Texts{"ru": "Звоните"}}))
	first := link()
	page := r.get(t, first).Body.String()
	for _, want := range []string{`<section lang="fa" dir="rtl">`, `<section lang="ru" dir="ltr" hidden>`, "Звоните", "98 21 555", "3000", "desk.example/status/lamp", `<path class="dots" d="M`} {
		if !strings.Contains(page, want) {
			t.Errorf("the board lacks %q", want)
		}
	}
	if strings.Contains(page, `lang="en" dir="ltr"`) {
		t.Error("the board shows a language that it was not given")
	}
	if one := r.get(t, first+"?lang=fa").Body.String(); strings.Count(one, "<section") != 1 {
		t.Error("the board does not stand in one language")
	}
	other := open(t, storetest.Open(t, store.Options{Dir: storetest.Folder(t)}))
	other.Key = []byte(strings.Repeat("x", 32))
	for _, bad := range []string{"/board/", "/board/x", first[:len(first)-1], first + "A", strings.TrimPrefix(other.BoardURL(r.ws, Page{}), "https://desk.example"), strings.TrimPrefix(r.BoardURL(holdfast.NewID(), Page{}), "https://desk.example")} {
		if w := r.get(t, bad); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
	must(t, r.RenewBoard(ctx, r.by))
	if w := r.get(t, first); w.Code != http.StatusNotFound {
		t.Errorf("the former link still shows the board: %d", w.Code)
	}
	if w := r.get(t, link()); w.Code != http.StatusOK {
		t.Errorf("the new link: %d", w.Code)
	}
	must(t, r.SetSettings(ctx, r.by, Page{Open: true}))
	if w := r.get(t, link()); w.Code != http.StatusNotFound {
		t.Errorf("switched off: %d", w.Code)
	}
}

func TestWhoAsksTooOftenIsHeldBack(t *testing.T) {
	r := open(t, storetest.Open(t, store.Options{Dir: storetest.Folder(t)}))
	refused := 0
	for range burst + 50 {
		if w := r.get(t, "/status/"); w.Code == http.StatusTooManyRequests {
			refused++
			if w.Header().Get("Retry-After") == "" {
				t.Fatal("nobody says when to come again")
			}
		}
	}
	if refused < 20 {
		t.Errorf("%d were refused", refused)
	}
	q := httptest.NewRequest("GET", "/status/", nil)
	q.RemoteAddr = "198.51.100.7"
	w := httptest.NewRecorder()
	if r.ServeHTTP(w, q); w.Code == http.StatusTooManyRequests {
		t.Error("another address is held back for it")
	}
}

func TestTheWordsAreThereInEveryLanguage(t *testing.T) {
	for _, lang := range holdfast.Languages {
		w := reflect.ValueOf(languages[lang]).Elem()
		for i := range w.NumField() {
			f, name := w.Field(i), w.Type().Field(i).Name
			if f.Kind() == reflect.String && f.String() == "" || f.Kind() == reflect.Map && f.Len() != 4 {
				t.Errorf("%s lacks %s", lang, name)
			}
			if f.Kind() == reflect.String && strings.Count(f.String(), "{") != strings.Count(reflect.ValueOf(languages["en"]).Elem().Field(i).String(), "{") {
				t.Errorf("%s fills %s otherwise", lang, name)
			}
		}
	}
}
