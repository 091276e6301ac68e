package mutes

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"holdfast"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("mail-off").Parse(pageHTML))

// words are what whoever holds a link reads.
type words struct {
	answers, answersAbout, answersOff, answersOffAbout string
	digest, digestAbout, digestOff, digestOffAbout     string
	stop, again, wrong, wrongAbout                     string
}

var languages = map[string]words{
	"en": {"No more answers by mail?", "When you leave a chat of {name}, answers that you have not read are sent to:", "No answers will be mailed any more.", "They stay in the chat. {name} sends none of them to:",
		"No more digests?", "{name} sends you a summary of what waits for you.", "You get no more digests.", "You can also choose this in the console, under Settings, Notices.",
		"Stop these mails", "Send them again", "This link is not whole.", "Please open it from the mail again."},
	"ru": {"Не присылать ответы на почту?", "Когда вы уходите из чата «{name}», непрочитанные ответы приходят на адрес:", "Ответы больше не приходят на почту.", "Они остаются в чате. «{name}» не отправляет их на адрес:",
		"Не присылать сводки?", "«{name}» присылает вам сводку о том, что ждёт вашего ответа.", "Сводки больше не приходят.", "Это можно выбрать и в консоли: «Настройки», «Уведомления».",
		"Больше не присылать", "Присылать снова", "Ссылка неполная.", "Откройте её из письма ещё раз."},
	"fa": {"پاسخ‌ها دیگر ایمیل نشوند؟", "وقتی از گفت‌وگوی {name} بیرون می‌روید، پاسخ‌های نخوانده به این نشانی فرستاده می‌شوند:", "پاسخ‌ها دیگر ایمیل نمی‌شوند.", "پاسخ‌ها در گفت‌وگو می‌مانند. {name} آن‌ها را به این نشانی نمی‌فرستد:",
		"خلاصه‌ها دیگر فرستاده نشوند؟", "{name} خلاصه‌ای از آنچه منتظر شماست برایتان می‌فرستد.", "دیگر خلاصه‌ای فرستاده نمی‌شود.", "این را در کنسول هم، در «تنظیمات»، «اعلان‌ها»، می‌توانید انتخاب کنید.",
		"دیگر نفرستید", "دوباره بفرستید", "این پیوند کامل نیست.", "لطفاً دوباره آن را از ایمیل باز کنید."},
}

type look struct {
	Lang, Dir, Nonce          string
	Title, About, Who, Button string
	Wish                      string // "off" or "on"
	Done                      bool
}

// ServeHTTP is the page below /mail-off/: GET shows it and changes nothing, POST
// stops such mail, or lets it come again with mail=on. A mail program's own button
// posts List-Unsubscribe=One-Click (RFC 8058).
func (m *Mutes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	wish, err := m.open(strings.TrimPrefix(r.URL.Path, "/mail-off/"))
	if err != nil {
		m.fail(w, r, err)
		return
	}
	done := false
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
		via, on := "link", r.PostFormValue("mail") == "on"
		if r.PostFormValue("List-Unsubscribe") == "One-Click" {
			via, on = "mail program", false
		}
		if wish.operator.IsZero() {
			err = m.set(r.Context(), wish, on, via)
		} else {
			err = m.SetDigest(r.Context(), wish.workspace, wish.operator, on)
		}
		if err != nil {
			m.fail(w, r, err)
			return
		}
		done = true
	default:
		h.Set("Allow", "GET, POST")
		http.Error(w, "method", http.StatusMethodNotAllowed)
		return
	}
	if err := m.show(w, r, wish, done); err != nil {
		m.fail(w, r, err)
	}
}

func (m *Mutes) show(w http.ResponseWriter, r *http.Request, wish wish, done bool) error {
	lang, name, err := m.Language(r.Context(), wish.workspace)
	if err != nil {
		return err
	}
	var off bool
	if wish.operator.IsZero() {
		off, err = m.Muted(r.Context(), wish.workspace, holdfast.Address{Scheme: "mailto", Value: wish.address}, wish.topic)
		if asked := accepted(r); asked != "" {
			lang = asked
		}
	} else {
		var on bool
		on, lang, err = m.HasDigest(r.Context(), wish.workspace, wish.operator)
		off = !on
	}
	if err != nil {
		return err
	}
	t := wordsIn(lang)
	l := look{Lang: lang, Title: t.answers, About: t.answersAbout, Who: wish.address, Button: t.stop, Wish: "off", Done: done}
	if !wish.operator.IsZero() {
		l.Title, l.About = t.digest, t.digestAbout
	}
	if off {
		l.Button, l.Wish, l.Title, l.About = t.again, "on", t.answersOff, t.answersOffAbout
		if !wish.operator.IsZero() {
			l.Title, l.About = t.digestOff, t.digestOffAbout
		}
	}
	l.About = strings.ReplaceAll(l.About, "{name}", name)
	m.draw(w, l, http.StatusOK)
	return nil
}

func wordsIn(lang string) words {
	if w, ok := languages[lang]; ok {
		return w
	}
	return languages["en"]
}

// accepted is the browser's first language, when it is one of ours.
func accepted(r *http.Request) string {
	lang, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), ",")
	lang, _, _ = strings.Cut(lang, "-")
	if lang, _, _ = strings.Cut(lang, ";"); holdfast.KnownLanguage(lang) {
		return lang
	}
	return ""
}

func (m *Mutes) draw(w http.ResponseWriter, l look, status int) {
	l.Dir, l.Nonce = "ltr", rand.Text()
	if l.Lang == "fa" {
		l.Dir = "rtl"
	}
	var b bytes.Buffer
	if err := page.Execute(&b, l); err != nil {
		m.Log.Error("the page that stops mail cannot be drawn", "err", err)
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

func (m *Mutes) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	switch holdfast.KindOf(err) {
	case holdfast.NotFound:
		status = http.StatusNotFound
	case holdfast.Unavailable:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "2")
	}
	if status >= http.StatusInternalServerError {
		m.Log.Warn("mail was not stopped", "code", holdfast.CodeOf(err), "err", err)
		http.Error(w, "try again", status)
		return
	}
	lang := accepted(r)
	if lang == "" {
		lang = "en"
	}
	t := wordsIn(lang)
	m.draw(w, look{Lang: lang, Title: t.wrong, About: t.wrongAbout}, status)
}
