package chat

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"html/template"
	"math/bits"
	"net/http"
	"strings"
	"time"

	"holdfast"
	"holdfast/channel"
)

//go:embed request.html
var requestHTML string

//go:embed request.js
var requestJS []byte

//go:embed embed.js
var embedJS []byte

var requestPage = template.Must(template.New("request").Parse(requestHTML))

const (
	proofBits    = 14              // some 16,000 sums: a blink for a person, a cost for a flood
	ticketLife   = 12 * time.Hour  // a page may stand open for a while
	ticketYoung  = 2 * time.Second // nobody writes faster
	requestRate  = 6               // of one address, a minute
	requestBytes = 64 << 10
)

// slip is what a form carries to show that it was ours and is sent once: the
// message's id follows from it.
type slip struct {
	Salt string `json:"s"`
	At   int64  `json:"a"` // Unix milliseconds
}

// ServeForm is the hosted form of this chat, for those who would rather leave a
// request: GET / is the page, POST / takes it, GET /form.js and /embed.js are
// its scripts. What is asked becomes a conversation like any other.
func (a *Adapter) ServeForm(w http.ResponseWriter, r *http.Request, sink channel.Sink) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if !a.set.Requests {
		a.fail(w, r, holdfast.Errorf(holdfast.NotFound, "chat.form_off", "this form is switched off").WithNext("Switch it on in the channel's settings."))
		return
	}
	script := map[string][]byte{"form.js": requestJS, "embed.js": embedJS}[strings.Trim(r.URL.Path, "/")]
	switch {
	case script != nil:
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		w.Write(script)
	case strings.Trim(r.URL.Path, "/") != "":
		a.fail(w, r, holdfast.Errorf(holdfast.NotFound, "chat.route_unknown", "there is nothing here"))
	case r.Method == http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, requestBytes)
		if err := a.takeRequest(r, sink); err != nil {
			a.fail(w, r, err)
			return
		}
		writeJSON(w, http.StatusCreated, map[string]bool{"ok": true})
	case a.method(w, r, http.MethodGet):
		a.showForm(w, r)
	}
}

func (a *Adapter) showForm(w http.ResponseWriter, r *http.Request) {
	lang := a.language(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	calls := r.URL.Query().Get("kind") == "callback"
	t := map[string]string{}
	for _, key := range []string{"name", "mail", "phone", "text", "send", "wait", "done", "wrong", "script", "title", "about"} {
		t[key] = a.text(lang, "form."+key)
	}
	if calls {
		t["title"], t["about"] = a.text(lang, "form.call_title"), a.text(lang, "form.call_about")
	}
	dir := "ltr"
	if lang == "fa" {
		dir = "rtl"
	}
	base := "/forms/" + a.account.ID.String()
	nonce := rand.Text()
	var b bytes.Buffer
	err := requestPage.Execute(&b, map[string]any{
		"Lang": lang, "Dir": dir, "Nonce": nonce, "T": t, "Calls": calls, "Bits": proofBits, "Base": template.URL(base), "Color": template.CSS(a.set.Color),
		"Ticket": a.tokens.sign("request", slip{Salt: rand.Text(), At: a.env.Now().UnixMilli()}),
	})
	if err != nil {
		a.fail(w, r, err)
		return
	}
	frames := "*"
	if !a.origins.any {
		frames = "'self' " + strings.Join(a.set.AllowedOrigins, " ")
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'nonce-"+nonce+"'; form-action 'self'; base-uri 'none'; frame-ancestors "+frames)
	w.Write(b.Bytes())
}

// takeRequest checks that a person may have sent the form, and takes it in. What a
// robot filled in looks taken and is not. Errors: Invalid, TooMany, Unavailable.
func (a *Adapter) takeRequest(r *http.Request, sink channel.Sink) error {
	now := a.env.Now()
	if err := a.limits.requests.take(firstOf(remoteKey(r), "here"), now); err != nil {
		return err
	}
	if r.PostFormValue("website") != "" {
		return nil
	}
	ticket := r.PostFormValue("ticket")
	var s slip
	if !a.tokens.open("request", ticket, &s) || !proved(ticket, r.PostFormValue("proof")) {
		return holdfast.Errorf(holdfast.Invalid, "chat.form_unproved", "this did not come from our form").WithNext("Open the form again and send it from there.")
	}
	if age := now.Sub(time.UnixMilli(s.At)); age < ticketYoung || age > ticketLife {
		return holdfast.Errorf(holdfast.Invalid, "chat.form_stale", "the form was opened too long ago, or only just now").WithNext("Open the form again.")
	}
	return a.request(r.Context(), s, requested{
		name: r.PostFormValue("name"), email: r.PostFormValue("mail"), phone: r.PostFormValue("phone"), text: r.PostFormValue("text"), lang: r.URL.Query().Get("lang"),
	}, sink)
}

// requested is a form as somebody filled it in.
type requested struct{ name, email, phone, text, lang string }

func (a *Adapter) request(ctx context.Context, s slip, q requested, sink channel.Sink) error {
	text, err := messageText(q.text)
	if err != nil {
		return err
	}
	name, email, phone := cleanLine(q.name, 120), cleanEmail(q.email), a.phone(q.phone)
	if email == "" && phone == "" {
		return holdfast.Errorf(holdfast.Invalid, "chat.form_no_address", "an e-mail address or a telephone number is needed").WithField("mail").WithNext("Say how we can answer.")
	}
	own := a.account.Language
	var rest []string
	for _, line := range [][2]string{{"visitor.name", name}, {"visitor.mail", email}, {"visitor.phone", phone}} {
		if line[1] != "" {
			rest = append(rest, a.text(own, line[0])+": "+line[1])
		}
	}
	var marks []string
	var claims []holdfast.Address
	if phone != "" {
		claims = []holdfast.Address{{Scheme: "tel", Value: phone, Name: name}}
		marks = []string{"callback"}
		text = strings.TrimSpace(a.text(own, "form.call_title") + ": " + phone + "\n\n" + text)
	}
	if text == "" {
		return holdfast.Errorf(holdfast.Invalid, "chat.message_empty", "the message is empty").WithField("text").WithNext("Write something.")
	}
	key := "form:" + s.Salt
	m := channel.Inbound{
		Key: key, ID: holdfast.DeriveID(a.account.ID, key), Text: text, Rest: strings.Join(rest, "\n"), Marks: marks, Claims: claims, Language: a.language(q.lang, ""),
		From: holdfast.Address{Scheme: scheme, Value: holdfast.DeriveID(a.account.ID, "visitor:"+key).String(), Name: claimedName(firstOf(name, phone), email)},
	}
	done, err := sink.Accept(ctx, m)
	if err == nil && done.Refused != "" {
		err = holdfast.Errorf(holdfast.Forbidden, "chat.refused", "this message is not accepted: %s", done.Refused).WithNext("Write to us in another way.")
	}
	return err
}

// phone is a number as somebody here writes it: without a country's code it is one
// of the channel's own country.
func (a *Adapter) phone(s string) string {
	code := strings.TrimPrefix(a.set.CountryCode, "+")
	if code == "" {
		code = holdfast.CallingCode(a.account.Language)
	}
	return holdfast.Phone(s, code)
}

// proved reports whether somebody has done the sum for this ticket.
func proved(ticket, proof string) bool {
	if proof == "" || len(proof) > 20 {
		return false
	}
	sum := sha256.Sum256([]byte(ticket + "." + proof))
	zeros := 0
	for _, b := range sum {
		if zeros += bits.LeadingZeros8(b); b != 0 {
			break
		}
	}
	return zeros >= proofBits
}
