package sms

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/sms/gsm"
)

const gatewayAnswer = 64 << 10 // bytes of an answer that are read

// web sends texts through a provider's HTTP interface and is called by it.
type web struct {
	gateway
	account channel.Account
	env     channel.Env
	set     *Settings
	client  *http.Client
	waiting waiting

	mu       sync.Mutex
	standing string
	reason   string
	since    time.Time
	lastOK   time.Time
}

func newHTTP(account channel.Account, env channel.Env, set *Settings) (backend, error) {
	w := &web{account: account, env: env, set: set, standing: "up", since: env.Now()}
	w.waiting = waiting{state: env.State, now: env.Now}
	var err error
	if set.Gateway == "generic" {
		w.gateway, err = genericGateway(set)
	} else {
		g, ok := gateways[set.Gateway]
		if !ok {
			return nil, bad("gateway", "%q is no gateway", set.Gateway)
		}
		w.gateway = g
		if set.HTTPURL != "" {
			w.base = strings.TrimRight(set.HTTPURL, "/")
		}
		err = webAddress("http_url", w.base)
		switch {
		case err != nil:
		case set.HTTPSecret == "":
			err = bad("http_secret", "this gateway needs its key")
		case g.user && set.HTTPUser == "":
			err = bad("http_user", "this gateway needs the name of your account")
		case g.sender && set.From == "":
			err = bad("from", "this gateway must be told who sends")
		}
	}
	if err != nil {
		return nil, err
	}
	for _, line := range []struct{ name, value string }{{"http_user", set.HTTPUser}, {"http_secret", string(set.HTTPSecret)}} {
		if strings.ContainsAny(line.value, "\r\n\x00") {
			return nil, bad(line.name, "%s must be one line", line.name)
		}
	}
	if word := string(set.HTTPWord); word != "" && (len(word) < 12 || strings.Trim(word, hookWord) != "") {
		return nil, bad("http_hook_secret", "the secret of the address has at least 12 Latin letters, digits, - or _")
	}
	// A text is handed over on a connection of its own: on one that was used before,
	// the transport may repeat a request that it believes harmless.
	c := *env.HTTP
	if t, ok := c.Transport.(*http.Transport); ok {
		t = t.Clone()
		t.DisableKeepAlives = true
		c.Transport = t
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w.client = &c
	return w, nil
}

const hookWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// webAddress refuses what is no HTTP address, and one whose host a text could choose.
func webAddress(field, s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.ContainsAny(u.Host, "{} ") || strings.ContainsAny(s, " \r\n\t") {
		return bad(field, "write an address that begins with https://")
	}
	if u.User != nil {
		return bad(field, "write the name and the key into their own fields, not into the address")
	}
	return nil
}

// Resend is park: these interfaces cannot tell a repetition from a second text.
func (w *web) Resend() channel.Resend { return channel.ResendPark }

// Receipts come from providers that are asked how a text is, and from those that are
// given our address with each. One whose customers write the address into its own pages
// may never have been told of it.
func (w *web) Receipts() bool {
	return w.status != nil || w.env.PublicURL != "" && strings.Contains(w.send.body, "{hook}")
}

// Needs is what the provider's servers need.
func (w *web) Needs() holdfast.Reach { return w.reach }

// Health is how the last requests went.
func (w *web) Health() channel.Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	return channel.Health{State: w.standing, Reason: w.reason, Since: w.since, LastOK: w.lastOK}
}

// went notes how a request went.
func (w *web) went(f *channel.Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	state, reason := "up", ""
	if f != nil {
		switch f.Reason {
		case channel.Broken:
			state, reason = "down", f.Text
		case channel.Temporary, channel.Unknown:
			state, reason = "degraded", f.Text
		}
	}
	if state != w.standing {
		w.since = w.env.Now()
	}
	w.standing, w.reason = state, reason
	if state == "up" {
		w.lastOK = w.env.Now()
	}
}

// values are what every template may name.
func (w *web) values() values {
	user, secret := w.set.HTTPUser, string(w.set.HTTPSecret)
	return values{"user": user, "secret": secret, "from": w.set.From, "basic": base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))}
}

// secrets are the ways in which the settings' secrets may be written in a request.
func (w *web) secrets() (list []string) {
	for _, s := range []string{string(w.set.HTTPSecret), w.values()["basic"], string(w.set.HTTPWord), string(w.set.HTTPSigning)} {
		list = append(list, s, url.QueryEscape(s), url.PathEscape(s), jsonInside(s), xmlInside(s))
	}
	return list
}

// Send hands a text over, once. The error is a *channel.Failure.
func (w *web) Send(ctx context.Context, m sms) (channel.Sent, error) {
	m.trace.Redact(w.secrets()...)
	v := w.values()
	v["to"], v["to_digits"], v["to_iran"] = m.to, strings.TrimPrefix(m.to, "+"), toIran(m.to)
	if m.from != "" {
		v["from"] = m.from
	}
	v["text"], v["id"], v["parts"], v["type"], v["coding"] = m.text, m.id.String(), strconv.Itoa(len(m.parts)), "text", "0"
	if m.alphabet == gsm.UCS2 {
		v["type"], v["coding"] = "unicode", "2"
	}
	if public(w.env.PublicURL) {
		v["hook"] = w.hookURL(string(w.set.HTTPWord)) + "?m=" + m.id.String()
	}
	status, a, err := w.do(ctx, w.send, v, m.trace)
	if err != nil {
		w.went(err)
		return channel.Sent{}, err
	}
	sent, err := w.judge(status, a)
	w.went(err)
	if err != nil {
		return channel.Sent{}, err
	}
	if w.status != nil && w.set.HTTPWord == "" && sent.ExternalID != "" {
		w.waiting.add(waitingText{ID: m.id, External: sent.ExternalID, To: m.to})
	}
	return sent, nil
}

// judge reads the answer to a text.
func (w *web) judge(status int, a answer) (channel.Sent, *channel.Failure) {
	good := status/100 == 2
	if good && w.ok.kind != "" {
		good = w.ok.holds(a)
	}
	if good {
		return channel.Sent{ExternalID: clip(w.id.find(a), 200)}, nil
	}
	code, detail := clip(w.code.find(a), 40), clip(w.detail.find(a), 300)
	if code == "" {
		code, detail = clip(w.outer.find(a), 40), clip(w.fault.find(a), 300)
	}
	f := &channel.Failure{Code: code, Text: detail}
	reason, known := w.codes[code]
	if !known {
		reason, known = w.codes["http "+strconv.Itoa(status)]
	}
	switch {
	case known:
		f.Reason = reason
	case status == 401, status == 402, status == 403, status == 404, status == 405, status/100 == 3:
		f.Reason = channel.Broken
	case status == 429:
		f.Reason = channel.Throttled
	case status == 503:
		f.Reason = channel.Temporary
	case status/100 == 5:
		f.Reason = channel.Unknown
	case status/100 == 4, code != "":
		f.Reason = channel.Permanent
	default:
		f.Reason = channel.Unknown // neither accepted nor refused in words that we know
	}
	if f.Code == "" {
		f.Code = "http " + strconv.Itoa(status)
	}
	if f.Reason == channel.Throttled {
		f.RetryAfter = 30 * time.Second
	}
	if f.Text == "" {
		f.Text = reasonText(f.Reason)
	}
	for _, s := range w.secrets() {
		if len(s) > 3 {
			f.Text = strings.ReplaceAll(f.Text, s, "•••")
		}
	}
	return channel.Sent{}, f
}

func reasonText(r channel.Reason) string {
	switch r {
	case channel.Temporary:
		return "The gateway cannot take messages now."
	case channel.Throttled:
		return "The gateway asks for a pause."
	case channel.Permanent:
		return "The gateway refuses the message."
	case channel.Blocked:
		return "This person cannot get messages or does not want them."
	case channel.Broken:
		return "The gateway does not accept this account."
	}
	return "The gateway does not say what became of the message."
}

// do makes a request. What fails before there was a connection has surely not
// been said; what fails later may have been heard.
func (w *web) do(ctx context.Context, c call, v values, trace *channel.Trace) (int, answer, *channel.Failure) {
	connected := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }})
	address := c.url
	if !strings.Contains(address, "://") {
		address = w.base + v.url(address)
	} else {
		address = v.url(address)
	}
	text, mediaType := v.body(c.kind, c.body)
	var body io.Reader
	if text != "" {
		body = strings.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, address, body)
	if err != nil {
		return 0, answer{}, &channel.Failure{Reason: channel.Broken, Code: "url", Text: "The gateway's address is not usable."}
	}
	req.Close = true
	req.Header.Set("Accept", "application/json, text/plain, */*")
	req.Header.Set("User-Agent", "Holdfast")
	if text != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	for _, h := range c.headers {
		if name, value, ok := strings.Cut(h, ":"); ok {
			req.Header.Set(strings.TrimSpace(name), strings.TrimSpace(v.header(value)))
		}
	}
	trace.Said(c.method + " " + address + " " + text)
	res, err := w.client.Do(req)
	if err != nil {
		// The error as it comes names the address, and the address may hold the key.
		for u := new(url.Error); errors.As(err, &u); {
			err = u.Err
		}
		trace.Heard(err.Error())
		if !connected {
			return 0, answer{}, &channel.Failure{Reason: channel.Temporary, Code: "connect", Text: "The gateway cannot be reached: " + clip(err.Error(), 200) + ".", Err: err}
		}
		return 0, answer{}, &channel.Failure{Reason: channel.Unknown, Code: "timeout", Text: "The gateway was told and did not answer.", Err: err}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, gatewayAnswer))
	trace.Heard(res.Status + " " + string(raw))
	if err != nil {
		return 0, answer{}, &channel.Failure{Reason: channel.Unknown, Code: "timeout", Text: "The gateway's answer broke off.", Err: err}
	}
	return res.StatusCode, readAnswer(raw), nil
}

// toIran is a number as Iranian gateways write it: 09… at home, 00… abroad.
func toIran(to string) string {
	if rest, ok := strings.CutPrefix(to, "+98"); ok {
		return "0" + rest
	}
	if rest, ok := strings.CutPrefix(to, "+"); ok {
		return "00" + rest
	}
	return to
}

// public reports whether the world can call us at this address.
func public(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		return !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsUnspecified()
	}
	return strings.Contains(u.Hostname(), ".")
}

// hookURL is where the provider calls this account.
func (w *web) hookURL(word string) string {
	address := w.env.PublicURL + "/hooks/" + kindName + "/" + w.account.ID.String()
	if w.hook.signed == nil {
		address += "/" + word
	}
	return address
}

// Test asks for the balance, which shows that the key is right, and says where the
// provider is to call. Nothing is sent.
func (w *web) Test(ctx context.Context) []channel.Check {
	var checks []channel.Check
	ask := w.balance
	if ask == nil {
		// Any answer shows that the address is there; a text would cost.
		u, _ := url.Parse(w.send.url)
		ask = &call{method: "HEAD", url: u.Scheme + "://" + u.Host + "/"}
	}
	status, a, f := w.do(ctx, *ask, w.values(), nil)
	switch {
	case f != nil:
		checks = append(checks, channel.Check{Name: "check.gateway", Text: f.Text})
	case w.balance == nil:
		checks = append(checks, channel.Check{Name: "check.gateway", OK: true, Text: "HTTP " + strconv.Itoa(status)})
	default:
		value := w.value.find(a)
		ok := status/100 == 2 && value != ""
		text := "HTTP " + strconv.Itoa(status)
		if why := w.fault.find(a); why != "" && !ok {
			text += ": " + clip(why, 200)
		}
		checks = append(checks, channel.Check{Name: "check.gateway", OK: ok, Text: text})
		if ok {
			checks = append(checks, channel.Check{Name: "check.balance", OK: true, Text: strings.TrimSpace(clip(value, 60) + " " + clip(w.unit.find(a), 10))})
		}
	}
	switch {
	case !w.called():
		text := w.hookURL("…") + ": calls are refused until the settings have a secret for this address"
		if w.hook.signed != nil {
			text = w.hookURL("") + ": calls are refused until the settings have the key that they are signed with"
		}
		if w.status != nil {
			text += "; the gateway is asked instead"
		}
		// Where it is asked, nothing is missing but speed.
		checks = append(checks, channel.Check{Name: "check.webhook", OK: w.status != nil, Text: text})
	default:
		checks = append(checks, channel.Check{Name: "check.webhook", OK: public(w.env.PublicURL), Text: w.hookURL("•••")})
	}
	for i := range checks {
		for _, s := range w.secrets() {
			if len(s) > 3 {
				checks[i].Text = strings.ReplaceAll(checks[i].Text, s, "•••")
			}
		}
	}
	return checks
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// genericGateway is a gateway out of the settings.
func genericGateway(set *Settings) (gateway, error) {
	g := gateway{reach: holdfast.Domestic, codes: map[string]channel.Reason{}, delivered: set.HTTPDelivered, failed: set.HTTPFailed}
	g.send = call{method: set.HTTPMethod, url: strings.TrimSpace(set.HTTPURL), headers: set.HTTPHeaders, body: set.HTTPBody}
	if set.HTTPBodyType != "nothing" && set.HTTPMethod != "GET" {
		g.send.kind = set.HTTPBodyType
	}
	if err := webAddress("http_url", g.send.url); err != nil {
		return g, err
	}
	for _, t := range append([]struct{ field, template string }{{"http_url", set.HTTPURL}, {"http_body", set.HTTPBody}, {"http_status_url", set.HTTPStatusURL}, {"http_balance_url", set.HTTPBalanceURL}}, headerTemplates(set.HTTPHeaders)...) {
		if err := knownSlots(t.template); err != nil {
			return g, bad(t.field, "%v", err)
		}
	}
	if all := g.send.url + g.send.body; !strings.Contains(all, "{text}") || !strings.Contains(all, "{to") {
		return g, bad("http_body", "the address or the body must have {to} and {text}, or nothing would be said to anybody")
	}
	for _, h := range set.HTTPHeaders {
		if name, _, ok := strings.Cut(h, ":"); !ok || strings.TrimSpace(name) == "" || strings.ContainsAny(strings.TrimSpace(name), " \t\"(),/;<=>?@[\\]{}") {
			return g, bad("http_headers", "write each header as Name: value")
		}
	}
	for _, f := range []struct {
		field, text string
		into        *finder
	}{{"http_ok", set.HTTPOK, &g.ok}, {"http_id", set.HTTPID, &g.id}, {"http_error", set.HTTPError, &g.code}, {"http_status", set.HTTPStatus, &g.state}, {"http_balance", set.HTTPBalance, &g.value}} {
		var err error
		if *f.into, err = newFinder(f.text); err != nil {
			return g, bad(f.field, "%v", err)
		}
	}
	for _, line := range set.HTTPCodes {
		code, reason, ok := strings.Cut(line, "=")
		r := channel.Reason(strings.TrimSpace(reason))
		switch r {
		case channel.Temporary, channel.Throttled, channel.Permanent, channel.Blocked, channel.Broken, channel.Unknown:
		default:
			ok = false
		}
		if !ok {
			return g, bad("http_codes", "write each as CODE = temporary, throttled, permanent, blocked, broken or unknown")
		}
		g.codes[strings.TrimSpace(code)] = r
	}
	if s := strings.TrimSpace(set.HTTPStatusURL); s != "" {
		if err := webAddress("http_status_url", s); err != nil {
			return g, err
		}
		g.status = &call{method: "GET", url: s, headers: set.HTTPHeaders}
	}
	if s := strings.TrimSpace(set.HTTPBalanceURL); s != "" {
		if err := webAddress("http_balance_url", s); err != nil {
			return g, err
		}
		g.balance = &call{method: "GET", url: s, headers: set.HTTPHeaders}
		if g.value.kind == "" {
			g.value = finder{kind: "text"}
		}
	}
	one := func(s string) []string { return []string{strings.TrimSpace(s)} }
	g.hook = hook{from: one(set.HTTPInFrom), text: one(set.HTTPInText), key: one(set.HTTPInID), to: []string{"to"}, external: one(set.HTTPReportID), our: one(set.HTTPReportID),
		state: one(set.HTTPReportState), answer: "OK"}
	return g, nil
}

func headerTemplates(headers []string) (list []struct{ field, template string }) {
	for _, h := range headers {
		list = append(list, struct{ field, template string }{"http_headers", h})
	}
	return list
}
