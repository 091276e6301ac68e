package feedback

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"holdfast"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("rate").Parse(pageHTML))

const formMax = 32 << 10 // bytes of an answer

// ServeHTTP is the page below /rate/: GET shows it and changes nothing, POST
// rates. Programs that ask for JSON get and give the same without the page; the
// link is the authority, so any origin may.
func (f *Feedback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Access-Control-Allow-Origin", "*")
	a, err := f.open(strings.TrimPrefix(r.URL.Path, "/rate/"))
	if err != nil {
		f.fail(w, r, asked{}, err)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		f.show(w, r, a, http.StatusOK)
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, formMax)
		score, err := strconv.Atoi(r.PostFormValue("score"))
		if err != nil {
			score = -1
		}
		via := "page"
		if wantsJSON(r) {
			via = "widget"
		}
		if err := f.rate(r.Context(), a, score, r.PostFormValue("comment"), via); err != nil {
			f.fail(w, r, a, err)
			return
		}
		if wantsJSON(r) {
			f.show(w, r, a, http.StatusOK)
			return
		}
		http.Redirect(w, r, "/rate/"+f.token(a)+"?done=1", http.StatusSeeOther)
	default:
		h.Set("Allow", "GET, POST")
		http.Error(w, "method", http.StatusMethodNotAllowed)
	}
}

func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

// state is the question and its answer for a program.
type state struct {
	Kind    holdfast.RatingKind `json:"kind"`
	Thumbs  bool                `json:"thumbs"`
	Score   int                 `json:"score"` // -1: none yet
	Comment string              `json:"comment"`
}

// look is what the page shows.
type look struct {
	Lang, Dir, Nonce string
	W                struct{ Title, Comment, Send, Thanks, Again, Low, High, Wrong string }
	Ask, Comment     string
	Options          []option
	Score            int
	Ends, Done       bool
	Wrong            bool
}

func (f *Feedback) show(w http.ResponseWriter, r *http.Request, a asked, status int) {
	s := state{Kind: a.kind, Thumbs: a.thumbs, Score: -1}
	list, err := f.Of(r.Context(), a.workspace, a.conversation)
	if err != nil {
		f.fail(w, r, a, err)
		return
	}
	for _, have := range list {
		if have.Kind == a.kind {
			s.Score, s.Comment = have.Score, have.Comment
		}
	}
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(s); err != nil {
			f.Log.Debug("a rating's state was not read", "err", err)
		}
		return
	}
	lang, name, err := f.Language(r.Context(), a.workspace)
	if err == nil {
		if c, err := f.Inbox.Conversation(r.Context(), a.workspace, a.conversation, holdfast.ID{}); err == nil && c.Person != nil && holdfast.KnownLanguage(c.Person.Language) {
			lang = c.Person.Language
		}
	}
	words := wordsIn(lang)
	// Without them it is asked in our words.
	survey, err := f.Settings(r.Context(), a.workspace)
	if err != nil {
		f.Log.Warn("what a survey asks cannot be read", "err", err)
	}
	l := look{Ask: survey.question(words, lang, name, a.kind), Options: words.options(a), Comment: s.Comment, Score: s.Score,
		Ends: a.kind == holdfast.CSAT && !a.thumbs, Done: r.URL.Query().Get("done") != "" && s.Score >= 0}
	if pick, err := strconv.Atoi(r.URL.Query().Get("score")); err == nil && a.kind.CheckScore(pick) == nil {
		l.Score = pick // chosen by a link in a mail, and not sent yet
	}
	f.draw(w, lang, words, l, status)
}

func (f *Feedback) draw(w http.ResponseWriter, lang string, words *words, l look, status int) {
	l.Lang, l.Dir, l.Nonce = lang, "ltr", rand.Text()
	if lang == "fa" {
		l.Dir = "rtl"
	}
	l.W.Title, l.W.Comment, l.W.Send, l.W.Thanks, l.W.Again = words.title, words.comment, words.send, words.thanks, words.again
	l.W.Low, l.W.High, l.W.Wrong = words.low, words.high, words.wrong
	var b bytes.Buffer
	if err := page.Execute(&b, l); err != nil {
		f.Log.Error("the rating page cannot be drawn", "err", err)
		http.Error(w, "internal", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+l.Nonce+"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func (f *Feedback) fail(w http.ResponseWriter, r *http.Request, a asked, err error) {
	status := http.StatusInternalServerError
	switch holdfast.KindOf(err) {
	case holdfast.NotFound:
		status = http.StatusNotFound
	case holdfast.Invalid:
		status = http.StatusBadRequest
	case holdfast.Unavailable:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "2")
	}
	if status >= http.StatusInternalServerError {
		f.Log.Warn("a rating was not taken", "code", holdfast.CodeOf(err), "err", err)
	}
	switch {
	case wantsJSON(r):
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"code": holdfast.CodeOf(err)})
	case status == http.StatusBadRequest && !a.workspace.IsZero():
		f.show(w, r, a, status)
	default:
		lang := strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language")))
		if len(lang) > 2 {
			lang = lang[:2]
		}
		if !holdfast.KnownLanguage(lang) {
			lang = "en"
		}
		f.draw(w, lang, wordsIn(lang), look{Wrong: true}, status)
	}
}
