package demo

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"

	"holdfast"
	"holdfast/web"
)

//go:embed pages
var pageFiles embed.FS

// policy lets a page of the demo load what this server has and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// chatPolicy is for the page with the chat on it, which shows pictures of its own making.
const chatPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; media-src 'self' blob:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pages are what a browser sees below /demo/.
type pages struct {
	demo  *Demo
	texts map[string]map[string]string
	html  *template.Template
	mux   *http.ServeMux
	cross *http.CrossOriginProtection
}

func newPages(d *Demo) *pages {
	p := &pages{demo: d, mux: http.NewServeMux(), cross: http.NewCrossOriginProtection()}
	raw, err := pageFiles.ReadFile("pages/texts.json")
	if err == nil {
		err = json.Unmarshal(raw, &p.texts)
	}
	if err != nil {
		panic("demo: " + err.Error()) // the files are part of the binary, and tested
	}
	p.html = template.Must(template.New("").Funcs(template.FuncMap{"dict": dict}).ParseFS(pageFiles, "pages/*.html"))
	p.mux.HandleFunc("GET /demo/{$}", p.index)
	p.mux.HandleFunc("GET /demo/shop", p.shop)
	p.mux.HandleFunc("GET /demo/shop.js", p.built("text/javascript; charset=utf-8"))
	p.mux.HandleFunc("GET /demo/shop.css", p.built("text/css; charset=utf-8"))
	p.mux.HandleFunc("GET /demo/demo.css", p.own("text/css; charset=utf-8"))
	p.mux.HandleFunc("GET /demo/mail.js", p.own("text/javascript; charset=utf-8"))
	p.mux.HandleFunc("GET /demo/plug", p.outage("plug.html"))
	p.mux.HandleFunc("GET /demo/phones", p.outage("phones.html"))
	p.mux.HandleFunc("GET /demo/messenger", p.outage("messenger.html"))
	p.mux.HandleFunc("POST /demo/phones", p.say(func(o owner, text string) error { return d.phones.Write(o.Number, text) }))
	p.mux.HandleFunc("POST /demo/messenger", p.say(func(o owner, text string) error {
		d.messenger.Write(o.Number, o.Name, text)
		return nil
	}))
	p.mux.HandleFunc("GET /demo/plug.css", p.own("text/css; charset=utf-8"))
	p.mux.HandleFunc("GET /demo/plug/state", p.plugState)
	p.mux.HandleFunc("GET /demo/plug.js", p.own("text/javascript; charset=utf-8"))
	p.mux.HandleFunc("POST /demo/plug", p.pull)
	p.mux.HandleFunc("GET /demo/mail", p.list)
	p.mux.HandleFunc("GET /demo/mail/version", p.version)
	p.mux.HandleFunc("GET /demo/mail/write", p.write)
	p.mux.HandleFunc("GET /demo/mail/{letter}", p.read)
	p.mux.HandleFunc("POST /demo/mail", p.send)
	return p
}

// dict is what a part of a page gets that needs more than one thing.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1] // the templates are part of the binary
	}
	return m
}

// ServeHTTP serves the demo's pages; the paths are whole.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	if err := p.cross.Check(r); err != nil {
		http.Error(w, "This form belongs to another site.", http.StatusForbidden)
		return
	}
	p.mux.ServeHTTP(w, r)
}

// page is what every template gets.
type page struct {
	Lang, Dir string
	T         map[string]string
	Langs     []langLink
	Mail      *mailPage
	Plug      *plugPage
	Plugged   bool // this desk has virtual uplinks
	Failed    bool // what was just written could not be sent
	Shop      string
	Operators []Operator
}

type langLink struct {
	Lang, Name, URL string
	Here            bool
}

// Operator is one who can sign in, as the index names them.
type Operator struct {
	Name, Email string
	Role        holdfast.Role
}

var langNames = map[string]string{"en": "English", "ru": "Русский", "fa": "فارسی"}

// language is the page's: what the address asks for, else what the browser likes.
func language(r *http.Request) string {
	if lang := r.FormValue("lang"); holdfast.KnownLanguage(lang) {
		return lang
	}
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		lang, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		lang, _, _ = strings.Cut(lang, "-")
		if holdfast.KnownLanguage(strings.ToLower(lang)) {
			return strings.ToLower(lang)
		}
	}
	return "en"
}

func (p *pages) page(r *http.Request) *page {
	lang := language(r)
	v := &page{Lang: lang, Dir: "ltr", T: p.texts[lang], Plugged: p.demo.plugged(), Shop: "/demo/shop?lang=" + lang}
	if lang == "fa" {
		v.Dir = "rtl"
	}
	for _, l := range holdfast.Languages {
		q := r.URL.Query()
		q.Set("lang", l)
		v.Langs = append(v.Langs, langLink{Lang: l, Name: langNames[l], URL: r.URL.Path + "?" + q.Encode(), Here: l == lang})
	}
	return v
}

func (p *pages) show(w http.ResponseWriter, name string, status int, v *page) {
	var b bytes.Buffer
	if err := p.html.ExecuteTemplate(&b, name, v); err != nil {
		p.demo.app.Log.Error("a page of the demo cannot be written", "page", name, "err", err)
		http.Error(w, "This page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func (p *pages) index(w http.ResponseWriter, r *http.Request) {
	v := p.page(r)
	for _, o := range staff(holdfast.ID{}) {
		v.Operators = append(v.Operators, Operator{Name: o.name, Email: o.email, Role: o.role})
	}
	p.show(w, "index.html", http.StatusOK, v)
}

// shop is the imaginary provider's page, with the chat of the demo workspace.
func (p *pages) shop(w http.ResponseWriter, r *http.Request) {
	html, err := fs.ReadFile(web.Files(), "widget/shop.html")
	if err != nil {
		http.Error(w, "The widget is not built into this binary. Run \"make\" with Node installed.", http.StatusNotImplemented)
		return
	}
	p.demo.mu.Lock()
	account := p.demo.parts.Chat
	p.demo.mu.Unlock()
	w.Header().Set("Content-Security-Policy", chatPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(bytes.ReplaceAll(html, []byte("{{channel}}"), []byte(account.String())))
}

// built serves a file that the web build leaves beside the widget.
func (p *pages) built(kind string) http.HandlerFunc {
	return file(web.Files(), "widget/", kind)
}

// own serves a file of this package.
func (p *pages) own(kind string) http.HandlerFunc {
	return file(pageFiles, "pages/", kind)
}

func file(files fs.FS, folder, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, err := fs.ReadFile(files, folder+strings.TrimPrefix(r.URL.Path, "/demo/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(b)
	}
}

// version tells a page whether the mailbox has changed since it was written.
func (p *pages) version(w http.ResponseWriter, r *http.Request) {
	m := p.demo.server()
	if m == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, m.Version())
}
