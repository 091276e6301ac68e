package status

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"holdfast"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed missing.html
var missingHTML string

var (
	page    = template.Must(template.New("status").Parse(pageHTML))
	missing = template.Must(template.New("missing").Parse(missingHTML))
)

// hash lets exactly this style sheet in: a nonce would make every answer another one.
func hash(css string) string {
	sum := sha256.Sum256([]byte(css))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var pagePolicy = "default-src 'none'; style-src " + hash(pageCSS) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP is what lies below /status/: the page of a workspace, by its word, its id,
// or alone where there is one, and its feeds behind it.
func (s *Status) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	lang := wish(r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method", http.StatusMethodNotAllowed)
		return
	}
	if !s.limits.allow(r) {
		h.Set("Retry-After", "60")
		http.Error(w, wordsIn(lang).TooMany, http.StatusTooManyRequests)
		return
	}
	address, what, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/status"), "/"), "/")
	if address == "feed.xml" || address == "feed.json" {
		address, what = "", address
	}
	workspace, err := s.find(r.Context(), address)
	var v snapshot
	if err == nil {
		v, err = s.look(r.Context(), workspace)
	}
	if err == nil && lang == "" {
		lang = v.lang
	}
	if err == nil {
		switch what {
		case "":
			var b []byte
			if b, err = s.draw(&v, lang); err == nil {
				h.Set("Content-Security-Policy", pagePolicy)
				answer(w, r, "text/html; charset=utf-8", b)
			}
		case "feed.xml":
			var b []byte
			if b, err = s.rss(&v, lang); err == nil {
				answer(w, r, "application/rss+xml; charset=utf-8", b)
			}
		case "feed.json":
			var b []byte
			if b, err = s.jsonFeed(&v, lang); err == nil {
				h.Set("Access-Control-Allow-Origin", "*")
				answer(w, r, "application/feed+json; charset=utf-8", b)
			}
		default:
			err = holdfast.Errorf(holdfast.NotFound, "status.page_unknown", "there is no such page")
		}
	}
	if err != nil {
		s.fail(w, lang, err)
	}
}

// answer sends what may be kept for a quarter of a minute, and shown while it is asked
// for anew; who has it already is told so.
func answer(w http.ResponseWriter, r *http.Request, kind string, b []byte) {
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=15, stale-while-revalidate=600, stale-if-error=86400")
	h.Set("Vary", "Accept-Language")
	h.Set("ETag", tag)
	for have := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if have = strings.TrimPrefix(strings.TrimSpace(have), "W/"); have == tag || have == "*" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if r.Method == http.MethodHead {
		return
	}
	w.Write(b)
}

func (s *Status) fail(w http.ResponseWriter, lang string, err error) {
	status := http.StatusInternalServerError
	switch holdfast.KindOf(err) {
	case holdfast.NotFound:
		status = http.StatusNotFound
	case holdfast.Unavailable:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "2")
	}
	w.Header().Set("Cache-Control", "no-store")
	if status >= http.StatusInternalServerError {
		s.Log.Warn("the status page was not shown", "code", holdfast.CodeOf(err), "err", err)
		http.Error(w, "try again", status)
		return
	}
	if lang == "" {
		lang = "en"
	}
	var b bytes.Buffer
	if err := missing.Execute(&b, map[string]any{"Lang": lang, "Dir": direction(lang), "CSS": template.CSS(pageCSS), "W": wordsIn(lang)}); err != nil {
		http.Error(w, "internal", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// wish is the language that a request asks for, the first of ours; "" where it asks for none.
func wish(r *http.Request) string {
	tags := []string{r.URL.Query().Get("lang")}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(part, ";")
		tags = append(tags, tag)
	}
	for _, tag := range tags {
		base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if holdfast.KnownLanguage(base) {
			return base
		}
	}
	return ""
}

func direction(lang string) string {
	if lang == "fa" {
		return "rtl"
	}
	return "ltr"
}

// The page's parts, ready to be written.
type (
	lookPage struct {
		Lang, Dir                         string
		CSS                               template.CSS
		W                                 *words
		Title, Name, About, Overall, Said string
		AsOf                              string
		At                                string // RFC 3339
		Tongues                           []lookTongue
		Feed, FeedJSON                    string
		Banners                           []lookBanner
		Channels                          []lookState
		Links                             []lookState
		Open, Past                        []lookIncident
		Days                              []lookDay
		DaysSaid                          string
		Phone, SMS                        string
		PhoneLink, SMSLink                template.URL
		QR                                template.HTML
		Shown                             bool
		Stale                             string
		Short                             string // the page's address without its scheme
	}
	lookTongue struct {
		Lang, Name, URL string
		Now             bool
	}
	lookBanner struct{ Severity, Text, Lang string }
	lookState  struct{ Name, State, Said, Since, Figures string }
	lookDay    struct {
		X, N int
		Said string
	}
	lookUpdate   struct{ State, Said, Text, At, When, Lang string }
	lookIncident struct {
		ID, Title, Lang, State, Said, Began, Ended, Scope, When string
		Updates                                                 []lookUpdate
	}
)

var saidOf = map[holdfast.ChannelState]func(*words) string{
	holdfast.ChannelUp: func(w *words) string { return w.Works }, holdfast.ChannelDegraded: func(w *words) string { return w.Partly }, holdfast.ChannelDown: func(w *words) string { return w.Broken },
}

// prepare puts a snapshot into a language's words.
func (s *Status) prepare(v *snapshot, lang string, a holdfast.Audience) lookPage {
	w := wordsIn(lang)
	base := s.URL(v.workspace, v.page)
	l := lookPage{Lang: lang, Dir: direction(lang), W: w, Name: v.name, Title: put(w.Title, "name", v.name), About: v.page.About.In(lang, v.lang),
		Overall: v.overall(), At: v.at.UTC().Truncate(time.Minute).Format(time.RFC3339), AsOf: put(w.AsOf, "at", clock(v.at, lang)), Stale: put(w.Stale, "at", clock(v.at, lang)),
		Feed: base + "/feed.xml?lang=" + lang, FeedJSON: base + "/feed.json?lang=" + lang, Phone: v.page.Phone, SMS: v.page.SMS, Short: strings.TrimPrefix(strings.TrimPrefix(base, "https://"), "http://")}
	l.PhoneLink, l.SMSLink = template.URL("tel:"+dialled(v.page.Phone)), template.URL("sms:"+dialled(v.page.SMS))
	l.Said = map[string]string{"well": w.AllWell, "some": w.SomeIll, "bad": w.NoneWell}[l.Overall]
	for _, t := range holdfast.Languages {
		l.Tongues = append(l.Tongues, lookTongue{t, wordsIn(t).Name, "?lang=" + url.QueryEscape(t), t == lang})
	}
	for _, b := range v.banners {
		if b.in(a, v.at) {
			text, in := spoken(b.Texts, lang, v.lang)
			l.Banners = append(l.Banners, lookBanner{string(b.Severity), text, in})
		}
	}
	since := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return put(w.Since, "at", moment(t.In(v.at.Location()), v.at, lang))
	}
	for _, c := range v.channels {
		x := lookState{Name: c.Name, State: string(c.State), Said: saidOf[c.State](w)}
		if c.State != holdfast.ChannelUp {
			x.Since = since(c.Since)
		}
		l.Channels = append(l.Channels, x)
	}
	for _, k := range v.links {
		x := lookState{Name: k.Name, State: string(k.State), Said: saidOf[holdfast.ChannelState(k.State)](w)}
		if k.RTT > 0 {
			x.Figures = put(w.LatencyLoss, "rtt", number(int(k.RTT.Milliseconds()), lang), "loss", holdfast.Digits(fmt.Sprintf("%.0f", k.LossPC), lang))
		}
		l.Links = append(l.Links, x)
	}
	for _, i := range v.open {
		l.Open = append(l.Open, v.incident(&i, lang))
	}
	for _, i := range v.past {
		l.Past = append(l.Past, v.incident(&i, lang))
	}
	bad := 0
	for d, n := range v.days() {
		day := holdfast.LongDate(v.at.AddDate(0, 0, d-89), lang)
		said := put(w.DayWell, "day", day)
		if n > 0 {
			bad++
			said = put(w.DayIll, "day", day, "n", number(n, lang))
		}
		l.Days = append(l.Days, lookDay{d * 4, min(n, 2), said})
	}
	l.DaysSaid = put(w.Days, "n", number(bad, lang))
	return l
}

func dialled(number string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' || r == '*' {
			return r
		}
		return -1
	}, number)
}

// spoken is a text and, where it is in another language than the reader's, which.
func spoken(t holdfast.Texts, lang, fallback string) (text, in string) {
	text = t.In(lang, fallback)
	for _, l := range append([]string{lang, fallback}, holdfast.Languages...) {
		if t[l] != "" {
			return text, l
		}
	}
	return text, lang
}

func (v *snapshot) incident(i *Incident, lang string) lookIncident {
	w := wordsIn(lang)
	zone := v.at.Location()
	l := lookIncident{ID: i.ID.String(), State: string(i.State), Said: w.States[i.State], Began: put(w.Began, "at", moment(i.StartedAt.In(zone), v.at, lang)), When: i.StartedAt.UTC().Format(time.RFC3339)}
	l.Title, l.Lang = spoken(i.Titles, lang, v.lang)
	if !i.EndedAt.IsZero() {
		l.Ended = put(w.Ended, "at", moment(i.EndedAt.In(zone), v.at, lang))
	}
	if l.Scope = strings.Join(v.names(i.Scope), map[bool]string{true: "، ", false: ", "}[lang == "fa"]); len(i.Scope) == 0 {
		l.Scope = w.Everything
	}
	for _, u := range i.Updates {
		text, in := spoken(u.Texts, lang, v.lang)
		l.Updates = append(l.Updates, lookUpdate{string(u.State), w.States[u.State], text, moment(u.At.In(zone), v.at, lang), u.At.UTC().Format(time.RFC3339), in})
	}
	return l
}

func (s *Status) draw(v *snapshot, lang string) ([]byte, error) {
	l := s.prepare(v, lang, holdfast.OnStatusPage)
	l.CSS = template.CSS(pageCSS)
	var b bytes.Buffer
	err := page.Execute(&b, l)
	return b.Bytes(), err
}
