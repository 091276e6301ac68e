package sms

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"holdfast"
	"holdfast/channel"
)

const hookLimit = 256 << 10

// hook is how a provider calls us, as data: the names of what it sends.
type hook struct {
	// signed checks a call's signature. Without it the call must know the secret word
	// in the address.
	signed func(w *web, r *http.Request, body []byte, p params) bool
	// read takes a call apart that is not a set of parameters.
	read func(w *web, p params) ([]called, bool)

	key, from, to, text       []string // of a text that came
	at                        []string
	layout                    string
	ref, total, number        string // of a part
	our, external, state, why []string
	mediaType, answer         string
}

// called is one thing that a provider told us.
type called struct {
	text   *incoming
	report *channel.Report
}

// params are what a call brought, in its address or its body.
type params map[string]string

func (p params) first(names []string) string {
	for _, n := range names {
		for name, v := range p {
			if v != "" && strings.EqualFold(name, n) {
				return v
			}
		}
	}
	return ""
}

// called reports whether calls can be told from a stranger's.
func (w *web) called() bool {
	switch {
	case w.hook.signed == nil:
		return w.set.HTTPWord != ""
	case w.set.Gateway == "vonage":
		return w.set.HTTPSigning != ""
	}
	return w.set.HTTPSecret != ""
}

// ServeWebhook takes in what the provider tells. It answers with success only
// after the desk has it.
func (w *web) ServeWebhook(out http.ResponseWriter, r *http.Request, in *inflow) {
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		http.Error(out, "use POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, hookLimit))
	if err != nil {
		http.Error(out, "too much", http.StatusRequestEntityTooLarge)
		return
	}
	if !w.called() || w.hook.signed == nil && !sameWord(strings.Trim(r.URL.Path, "/"), string(w.set.HTTPWord)) {
		http.Error(out, "who are you?", http.StatusForbidden)
		return
	}
	p, ok := readParams(r, body)
	if !ok {
		http.Error(out, "this cannot be read", http.StatusBadRequest)
		return
	}
	if w.hook.signed != nil && !w.hook.signed(w, r, body, p) {
		http.Error(out, "the signature is wrong", http.StatusForbidden)
		return
	}
	read := w.hook.read
	if read == nil {
		read = readCall
	}
	list, ok := read(w, p)
	if !ok {
		http.Error(out, "this is neither a text nor a report", http.StatusBadRequest)
		return
	}
	for _, c := range list {
		var err error
		if c.text != nil {
			err = in.arrived(r.Context(), *c.text)
		} else {
			err = in.reported(r.Context(), *c.report)
		}
		if holdfast.KindOf(err) == holdfast.Invalid && err != nil {
			http.Error(out, "the desk does not want this", http.StatusUnprocessableEntity)
			return
		}
		if err != nil {
			w.env.Log.Warn("what the gateway told was not taken in", "err", err)
			http.Error(out, "try again", http.StatusServiceUnavailable)
			return
		}
	}
	if w.hook.mediaType != "" {
		out.Header().Set("Content-Type", w.hook.mediaType)
	}
	io.WriteString(out, w.hook.answer)
}

func sameWord(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return b != "" && subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// readParams takes the parameters of the address and of a form or a flat JSON body.
func readParams(r *http.Request, body []byte) (params, bool) {
	p := params{}
	add := func(v url.Values) {
		for name, list := range v {
			if len(list) > 0 {
				p[name] = strings.ToValidUTF8(list[0], "\ufffd")
			}
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, false
	}
	add(query)
	if len(bytes.TrimSpace(body)) == 0 {
		return p, true
	}
	if b := bytes.TrimSpace(body); b[0] == '{' {
		var flat map[string]any
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if d.Decode(&flat) != nil {
			return nil, false
		}
		for name, v := range flat {
			if s := scalar(v); s != "" {
				p[name] = strings.ToValidUTF8(s, "\ufffd")
			}
		}
		return p, true
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, false
	}
	add(form)
	return p, true
}

// readCall takes a call apart by the names of its parameters: what has a text is a
// text, what has a state is a report.
func readCall(w *web, p params) ([]called, bool) {
	h := w.hook
	from := p.first(h.from)
	if text := p.first(h.text); text != "" && from != "" {
		m := incoming{from: withPlus(from), to: withPlus(p.first(h.to)), text: text}
		if key := p.first(h.key); key != "" {
			m.key = "hook-" + clip(key, 200)
		}
		if at, err := time.Parse(h.layout, p.first(h.at)); err == nil && h.layout != "" {
			m.at = at.UTC()
		}
		if h.total != "" {
			total, _ := strconv.Atoi(p[h.total])
			number, _ := strconv.Atoi(p[h.number])
			if total > 1 && total <= 255 && number >= 1 && number <= total {
				ref, err := strconv.Atoi(p[h.ref])
				if err != nil {
					sum := sha256.Sum256([]byte(p[h.ref]))
					ref = int(sum[0])<<8 | int(sum[1])
				}
				m.piece = piece{ref: ref, total: total, number: number}
			}
		}
		return []called{{text: &m}}, true
	}
	state := p.first(h.state)
	if state == "" {
		return nil, false
	}
	r := channel.Report{ExternalID: clip(p.first(h.external), 200)}
	if id, err := holdfast.ParseID(p.first(h.our)); err == nil {
		r.Message, r.ExternalID = id, ""
	}
	if r.Message.IsZero() && r.ExternalID == "" {
		return nil, false
	}
	if !w.settled(&r, state, p.first(h.why)) {
		return nil, true // on its way: nothing to tell
	}
	return []called{{report: &r}}, true
}

// settled fills a report from the provider's word; false while nothing is decided.
func (w *web) settled(r *channel.Report, state, why string) bool {
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), state) })
	}
	switch {
	case has(w.delivered):
		r.State = holdfast.Delivered
	case has(w.failed):
		r.State, r.Code = holdfast.Failed, clip(state, 40)
		if why != "" && why != "0" {
			r.Code = clip(state+" "+why, 60)
		}
		r.Reason = "The gateway could not deliver it."
	default:
		return false
	}
	return true
}

// withPlus is a number of at least ten digits in its international form.
func withPlus(s string) string {
	if len(s) >= 10 && strings.Trim(s, "0123456789") == "" && s[0] != '0' {
		return "+" + s
	}
	return s
}

// twilioSigned checks X-Twilio-Signature: HMAC-SHA1 over the address as Twilio knows
// it and the posted parameters in order.
func twilioSigned(w *web, r *http.Request, body []byte, _ params) bool {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return false
	}
	address := w.hookURL("")
	if r.URL.Path != "/" && r.URL.Path != "" {
		address += r.URL.Path
	}
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	var names []string
	for name := range form {
		names = append(names, name)
	}
	sort.Strings(names)
	mac := hmac.New(sha1.New, []byte(w.set.HTTPSecret))
	io.WriteString(mac, address)
	for _, name := range names {
		for _, v := range form[name] {
			io.WriteString(mac, name+v)
		}
	}
	got, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Signature"))
	return err == nil && hmac.Equal(got, mac.Sum(nil))
}

// vonageSigned checks a JWT in the header, with the body's digest in it, or the
// parameter sig, whose length says how it was made.
func vonageSigned(w *web, r *http.Request, body []byte, p params) bool {
	secret := []byte(w.set.HTTPSigning)
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		claims := jwt.MapClaims{}
		if _, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return secret, nil }, jwt.WithValidMethods([]string{"HS256"})); err != nil {
			return false
		}
		sum := sha256.Sum256(body)
		want, _ := claims["payload_hash"].(string)
		return strings.EqualFold(want, hex.EncodeToString(sum[:]))
	}
	got, err := hex.DecodeString(p["sig"])
	if err != nil || len(got) == 0 {
		return false
	}
	var names []string
	for name := range p {
		if name != "sig" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	var b strings.Builder
	clean := strings.NewReplacer("&", "_", "=", "_")
	for _, name := range names {
		b.WriteString("&" + name + "=" + clean.Replace(p[name]))
	}
	if plain := md5.Sum([]byte(b.String() + string(secret))); hmac.Equal(got, plain[:]) {
		return true
	}
	for _, algorithm := range []func() hash.Hash{md5.New, sha1.New, sha256.New, sha512.New} {
		mac := hmac.New(algorithm, secret)
		io.WriteString(mac, b.String())
		if hmac.Equal(got, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// smsruRead takes up to a hundred records of SMS.ru: lines with the kind, the id and
// the state.
func smsruRead(w *web, p params) (list []called, ok bool) {
	for i := range 100 {
		record, there := p["data["+strconv.Itoa(i)+"]"]
		if !there {
			break
		}
		lines := strings.Split(strings.ReplaceAll(record, "\r\n", "\n"), "\n")
		if len(lines) < 3 || lines[0] != "sms_status" || strings.TrimSpace(lines[1]) == "" {
			continue // other events of the account
		}
		r := channel.Report{ExternalID: clip(strings.TrimSpace(lines[1]), 200)}
		if w.settled(&r, strings.TrimSpace(lines[2]), "") {
			list = append(list, called{report: &r})
		}
		ok = true
	}
	if _, any := p["data[0]"]; any {
		ok = true
	}
	return list, ok
}
