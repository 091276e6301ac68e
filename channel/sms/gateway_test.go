package sms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
)

const gatewayText = "Готово & {to} \"100%\" <b>\nдо 18:00"

var gatewayMessage = holdfast.MustID("0197a3f0-1c2d-7abc-8def-00000000000a")

func TestGateways(t *testing.T) {
	for name, r := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			words := strings.NewReplacer("TEXT", gatewayText, "HOOK", "https://desk.example.org/hooks/sms/0197a3f0-1c2d-7abc-8def-000000000001", "ID", gatewayMessage.String(), "EXT", "EXT")
			for i, c := range r.Answers {
				t.Run(c.Name, func(t *testing.T) {
					p := newProvider(t)
					p.says(c.Status, words.Replace(c.Body))
					b, a := r.seat(t, p)
					m := r.message()
					sent, f := send(t, a, m)
					if i == 0 {
						r.Send.fits(t, p, words)
					}
					if p.times() != 1 {
						t.Errorf("it was asked %d times", p.times())
					}
					switch {
					case c.Reason == "" && (f != nil || sent.ExternalID != words.Replace(c.ID)):
						t.Errorf("%+v, %v", sent, f)
					case c.Reason != "" && (f == nil || string(f.Reason) != c.Reason || f.Code != c.Code || f.Text == ""):
						t.Errorf("%+v, want %s %s", f, c.Reason, c.Code)
					}
					shown := b.Logged() + string(m.Trace.JSON()) + fmt.Sprint(f)
					for _, s := range []string{"tok-secret-1", "signing-secret-1", "word-secret-12", "QUMwMTIzNDU2Nzg5YWJjZGVmOnRvay1zZWNyZXQtMQ"} {
						if strings.Contains(shown, s) {
							t.Errorf("a secret is shown: %s", shown)
						}
					}
					if a.Resend() != channel.ResendPark {
						t.Error("a text may be sent twice")
					}
				})
			}
			t.Run("balance", func(t *testing.T) {
				p := newProvider(t)
				p.says(r.Balance.Status, r.Balance.Body)
				_, a := r.seat(t, p)
				checks := a.Test(t.Context())
				r.Balance.fits(t, p, words)
				if len(checks) != 3 || !checks[0].OK || !checks[1].OK || checks[1].Text != r.Balance.Says || !checks[2].OK || !strings.Contains(checks[2].Text, "https://desk.example.org/hooks/sms/") {
					t.Errorf("%+v", checks)
				}
				p.says(r.Refused.Status, r.Refused.Body)
				if checks := a.Test(t.Context()); len(checks) != 2 || checks[0].OK || !strings.Contains(checks[0].Text, r.Refused.Says) || strings.Contains(fmt.Sprint(checks), "secret-1") {
					t.Errorf("refused: %+v", checks)
				}
			})
			for _, s := range r.Status {
				t.Run("asked: "+s.State, func(t *testing.T) {
					p := newProvider(t)
					p.says(200, s.Body)
					b, a := r.seat(t, p, "http_hook_secret")
					w := a.way.(*web)
					w.waiting.add(waitingText{ID: gatewayMessage, External: "EXT", To: r.To})
					w.waiting.list[0].At = time.Now().Add(-time.Hour)
					w.poll(t.Context(), a.inflow(b.Sink))
					s.fits(t, p, words)
					reported(t, b, s.State, gatewayMessage, "", "")
					if left := len(w.waiting.list); (left == 0) != (s.State != "") {
						t.Errorf("%d texts are still asked for", left)
					}
				})
			}
			for _, c := range r.Calls {
				t.Run("called: "+c.Name, func(t *testing.T) {
					p := newProvider(t)
					b, a := r.seat(t, p)
					call := func(sign string) *httptest.ResponseRecorder {
						req := signedCall(a, c.Method, words.Replace(c.Query), words.Replace(c.Body), c.JSON, sign)
						w := httptest.NewRecorder()
						a.ServeWebhook(w, req, b.Sink)
						return w
					}
					// A stranger, the right one while the desk is away, and the right one.
					if w := call("stranger"); w.Code != http.StatusForbidden || len(b.Sink.Offered())+len(b.Sink.Reports()) != 0 {
						t.Fatalf("a stranger is told %d", w.Code)
					}
					if c.Text != "" || c.State != "" {
						b.Sink.Fail(holdfast.Errorf(holdfast.Unavailable, "store.unavailable", "away"))
						if w := call(c.Sign); w.Code/100 == 2 {
							t.Errorf("acknowledged while the desk has not got it: %d", w.Code)
						}
						b.Sink.Fail(nil)
					}
					for range 2 {
						if w := call(c.Sign); w.Code != 200 || c.Answer != "" && w.Body.String() != c.Answer {
							t.Fatalf("told %d %q", w.Code, w.Body)
						}
						if c.Key == "" {
							break // without an id each call is a text
						}
					}
					if c.Text == "" {
						reported(t, b, c.State, gatewayMessage, c.External, c.Code)
						if len(b.Sink.Taken()) != 0 {
							t.Errorf("%+v", b.Sink.Taken())
						}
						return
					}
					got := b.Sink.Taken()
					if len(got) != 1 || got[0].Text != c.Text || got[0].From.Value != c.From || c.Key != "" && got[0].Key != c.Key {
						t.Fatalf("%+v", got)
					}
					if c.At != "" && got[0].SentAt.Format(time.RFC3339) != c.At {
						t.Errorf("sent at %v", got[0].SentAt)
					}
				})
			}
		})
	}
}

// reported: the desk was told state ("" for nothing), by our id or the provider's.
func reported(t *testing.T, b *channeltest.Bench, state string, id holdfast.ID, external, code string) {
	t.Helper()
	list := b.Sink.Reports()
	if state == "" {
		if len(list) != 0 {
			t.Errorf("reported %+v", list)
		}
		return
	}
	want := channel.Report{Message: id, State: holdfast.Delivered}
	if external != "" {
		want.Message, want.ExternalID = holdfast.ID{}, external
	}
	if len(list) != 1 || list[0].Message != want.Message || list[0].ExternalID != want.ExternalID || string(list[0].State) != state || code != "" && list[0].Code != code {
		t.Errorf("reported %+v", list)
	}
}

// signedCall is a provider's call, or with "stranger" somebody else's.
func signedCall(a *adapter, method, query, form, js, sign string) *http.Request {
	w := a.way.(*web)
	path := "/"
	if w.hook.signed == nil {
		path += string(w.set.HTTPWord)
		if sign == "stranger" {
			path = "/word-secret-13"
		}
	}
	if method == "" {
		method = "POST"
	}
	body := form + js
	values, _ := url.ParseQuery(query)
	if method == "POST" && strings.HasPrefix(sign, "vonage") && js == "" || sign == "stranger" && w.hook.signed != nil {
		posted, _ := url.ParseQuery(form)
		for k, v := range posted {
			values[k] = v
		}
	}
	var names []string
	for k := range values {
		names = append(names, k)
	}
	sort.Strings(names)
	base := ""
	for _, k := range names {
		base += "&" + k + "=" + strings.NewReplacer("&", "_", "=", "_").Replace(values.Get(k))
	}
	sig := ""
	switch sign {
	case "vonage-md5":
		sum := md5.Sum([]byte(base + "signing-secret-1"))
		sig = hex.EncodeToString(sum[:])
	case "vonage-sha256":
		mac := hmac.New(sha256.New, []byte("signing-secret-1"))
		io.WriteString(mac, base)
		sig = strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
	case "stranger":
		mac := hmac.New(sha256.New, []byte("another"))
		io.WriteString(mac, base)
		sig = hex.EncodeToString(mac.Sum(nil))
	}
	if sig != "" && w.hook.signed != nil && w.set.Gateway == "vonage" {
		if query != "" {
			query += "&"
		}
		query += "sig=" + sig
	}
	target := path
	if query != "" {
		target += "?" + query
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if js != "" {
		r.Header.Set("Content-Type", "application/json")
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	switch sign {
	case "twilio":
		address := "https://desk.example.org/hooks/sms/0197a3f0-1c2d-7abc-8def-000000000001"
		if query != "" {
			address += "?" + query
		}
		posted, _ := url.ParseQuery(form)
		var names []string
		for k := range posted {
			names = append(names, k)
		}
		sort.Strings(names)
		mac := hmac.New(sha1.New, []byte("tok-secret-1"))
		io.WriteString(mac, address)
		for _, k := range names {
			io.WriteString(mac, k+posted.Get(k))
		}
		r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	case "vonage-jwt":
		sum := sha256.Sum256([]byte(body))
		token, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"api_key": "abcd1234", "iat": time.Now().Unix(), "payload_hash": hex.EncodeToString(sum[:])}).SignedString([]byte("signing-secret-1"))
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func TestGatewayThatTakesAndDoesNotAnswer(t *testing.T) {
	r := recordings(t)["sms_ru"]
	p := newProvider(t)
	for what, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "999")
			io.WriteString(w, `{"status":"OK"`)
			panic(http.ErrAbortHandler)
		},
	} {
		_, a := r.seat(t, p)
		p.mu.Lock()
		p.answer = answer
		before := len(p.asked)
		p.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		_, err := a.Send(ctx, r.message())
		cancel()
		if f := channel.AsFailure(err); f.Reason != channel.Unknown || p.times() != before+1 {
			t.Errorf("%s: %v after %d requests", what, err, p.times()-before)
		}
		if h := a.Health(); h.State != "degraded" {
			t.Errorf("%s: %+v", what, h)
		}
	}
	p.Close()
	_, a := r.seat(t, p)
	if _, f := send(t, a, r.message()); f == nil || f.Reason != channel.Temporary || strings.Contains(fmt.Sprint(f), "secret") {
		t.Errorf("nobody there: %v", f)
	}
}

func TestGatewayKeyInTheAddressIsNotTold(t *testing.T) {
	r := recordings(t)["kavenegar"]
	p := newProvider(t)
	p.Close()
	b, a := r.seat(t, p)
	m := r.message()
	_, f := send(t, a, m)
	if f == nil || strings.Contains(f.Error()+b.Logged()+string(m.Trace.JSON()), "tok-secret-1") {
		t.Errorf("%v\n%s\n%s", f, b.Logged(), m.Trace.JSON())
	}
}

func TestGatewayInbox(t *testing.T) {
	r := recordings(t)["smsc_ru"]
	p := newProvider(t)
	p.says(200, `[{"id":102,"received":"22.11.2026 15:00:09","phone":"79161234567","message":"второе","to_phone":"79990001122"},{"id":101,"received":"22.11.2026 15:00:05","phone":"79161234567","message":"первое","to_phone":"79990001122"},{"id":"x","phone":"","message":""}]`)
	b, a := r.seat(t, p, "http_hook_secret")
	w := a.way.(*web)
	b.Sink.Fail(holdfast.Errorf(holdfast.Unavailable, "store.unavailable", "away"))
	if err := w.fetch(t.Context(), a.inflow(b.Sink)); err == nil {
		t.Error("nobody heard that the desk is away")
	}
	b.Sink.Fail(nil)
	for range 2 {
		if err := w.fetch(t.Context(), a.inflow(b.Sink)); err != nil {
			t.Fatal(err)
		}
	}
	got := b.Sink.Taken()
	if len(got) != 2 || got[0].Text != "первое" || got[1].Text != "второе" || !got[0].SentAt.Equal(time.Date(2026, 11, 22, 12, 0, 5, 0, time.UTC)) || got[0].To[0] != "+79990001122" {
		t.Errorf("%+v", got)
	}
	form, _ := url.ParseQuery(p.bodies[len(p.bodies)-1])
	if form.Get("after_id") != "102" || len(b.Sink.Offered()) != 3 {
		t.Errorf("asked after %q; %d offers", form.Get("after_id"), len(b.Sink.Offered()))
	}
	p.says(200, `{"error":"no messages","error_code":9}`)
	if err := w.fetch(t.Context(), a.inflow(b.Sink)); err != nil {
		t.Error(err)
	}
}

// What was sent before a stop is asked for after it.
func TestGatewayAsksAfterARestart(t *testing.T) {
	r := recordings(t)["sms_ru"]
	p := newProvider(t)
	p.says(200, r.Answers[0].Body)
	b, a := r.seat(t, p, "http_hook_secret")
	if _, f := send(t, a, r.message()); f != nil {
		t.Fatal(f)
	}
	w := a.way.(*web)
	if err := w.waiting.save(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, again := r.seat(t, p, "http_hook_secret")
	w2 := again.way.(*web)
	w2.env.State, w2.waiting.state = b.Env.State, b.Env.State
	if err := w2.waiting.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(w2.waiting.due(9)); n != 0 {
		t.Errorf("asked for at once, %d", n)
	}
	w2.waiting.now = func() time.Time { return time.Now().Add(16 * time.Second) }
	p.says(200, r.Status[1].Body)
	w2.poll(t.Context(), again.inflow(b.Sink))
	reported(t, b, "delivered", gatewayMessage, "", "")
}

func TestVonageBringsATextInParts(t *testing.T) {
	r := recordings(t)["vonage"]
	b, a := r.seat(t, newProvider(t))
	for _, q := range []string{"messageId=2&concat-part=2&text=world", "messageId=1&concat-part=1&text=Hello+"} {
		w := httptest.NewRecorder()
		a.ServeWebhook(w, signedCall(a, "GET", "msisdn=79161234567&to=447700900000&type=text&concat=true&concat-ref=08b5&concat-total=2&"+q, "", "", "vonage-sha256"), b.Sink)
		if w.Code != 200 {
			t.Fatal(w.Code, w.Body)
		}
	}
	if got := b.Sink.Taken(); len(got) != 1 || got[0].Text != "Hello world" {
		t.Errorf("%+v", got)
	}
}

func TestGatewaySettings(t *testing.T) {
	b := channeltest.TestEnv(t)
	k := Kind()
	for more, field := range map[string]string{
		`"gateway":"twilio","http_user":"AC","from":"+15005550006"`:       "http_secret",
		`"gateway":"twilio","http_secret":"k","from":"+15005550006"`:      "http_user",
		`"gateway":"twilio","http_secret":"k","http_user":"AC"`:           "from",
		`"gateway":"sms_ru","http_secret":"k","http_url":"ftp://x"`:       "http_url",
		`"gateway":"sms_ru","http_secret":"k","http_hook_secret":"short"`: "http_hook_secret",
		`"gateway":"sms_ru","http_secret":"k\nX: y"`:                      "http_secret",
		`"gateway":"generic"`: "http_url",
		`"gateway":"generic","http_url":"https://{to}.example.org/"`:                                               "http_url",
		`"gateway":"generic","http_url":"https://a:b@example.org/"`:                                                "http_url",
		`"gateway":"generic","http_url":"https://example.org/?x={nothing}"`:                                        "http_url",
		`"gateway":"generic","http_url":"https://example.org/","http_body":"x"`:                                    "http_body",
		`"gateway":"generic","http_url":"https://example.org/","http_headers":["nocolon"]`:                         "http_headers",
		`"gateway":"generic","http_url":"https://example.org/","http_headers":["A: {nothing}"]`:                    "http_headers",
		`"gateway":"generic","http_url":"https://example.org/","http_ok":"yes"`:                                    "http_ok",
		`"gateway":"generic","http_url":"https://example.org/","http_id":"re:("`:                                   "http_id",
		`"gateway":"generic","http_url":"https://example.org/","http_codes":["5 = perhaps"]`:                       "http_codes",
		`"gateway":"generic","http_url":"https://example.org/","http_status_url":"x"`:                              "http_status_url",
		`"gateway":"generic","http_url":"https://example.org/","http_balance_url":"https://{secret}.example.org/"`: "http_balance_url",
	} {
		_, err := k.New(b.Account(t, k, `{"via":"http",`+more+`}`), b.Env)
		if holdfast.KindOf(err) != holdfast.Invalid || faultField(err) != "settings."+field {
			t.Errorf("%s: %v (%s)", more, err, faultField(err))
		}
	}
	for gateway, reach := range map[string]holdfast.Reach{"vonage": holdfast.International, "sms_ru": holdfast.Domestic} {
		if got := gateways[gateway].reach; got != reach {
			t.Errorf("%s needs %s", gateway, got)
		}
	}
}

func faultField(err error) string {
	var e *holdfast.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

func TestTemplatesEscapeForWhereTheyStand(t *testing.T) {
	v := values{"text": "a&b=\"c\"\\<d>\r\nX: y/é", "to": "+7 9", "user": "x/../y"}
	if got := v.url("https://h/{user}/s?t={text}&n={to}&e={from}&fix=1"); got != "https://h/x%2F..%2Fy/s?t=a%26b%3D%22c%22%5C%3Cd%3E%0D%0AX%3A+y%2F%C3%A9&n=%2B7+9&fix=1" {
		t.Error(got)
	}
	if got, _ := v.body("json", `{"t":"{text}"}`); got != `{"t":"a&b=\"c\"\\<d>\r\nX: y/é"}` {
		t.Error(got)
	}
	if got, _ := v.body("xml", "<t>{text}</t>"); strings.Contains(got, "<d>") || !strings.Contains(got, "&lt;d&gt;") {
		t.Error(got)
	}
	if got := v.header("{text}"); strings.ContainsAny(got, "\r\n") {
		t.Error(got)
	}
	if err := knownSlots("{to} {secret_key}"); err == nil {
		t.Error("an unknown name is taken")
	}
}

func FuzzGatewayAnswer(f *testing.F) {
	f.Add([]byte(`{"messages":[{"status":"0","message-id":"x"}]}`), "json:messages.0.message-id")
	f.Add([]byte(`OK 17`), "re:OK ([0-9]+)")
	f.Add([]byte(`[[[1]]]`), "json:*.*.*=1|2")
	f.Fuzz(func(t *testing.T, raw []byte, expr string) {
		find, err := newFinder(expr)
		if err != nil {
			return
		}
		a := readAnswer(raw)
		v := find.find(a)
		if find.holds(a) && find.kind == "json" && find.wants != nil && !bytes.Contains([]byte(expr), []byte(v)) {
			t.Errorf("%q holds with %q", expr, v)
		}
		w := &web{set: &Settings{}, gateway: gateways["vonage"]}
		if _, f := w.judge(200, a); f != nil && (f.Text == "" || f.Code == "") {
			t.Errorf("%+v", f)
		}
	})
}

func FuzzGatewayCall(f *testing.F) {
	f.Add("msisdn=7&text=x", []byte("concat-total=2&concat-part=9"))
	f.Add("", []byte(`{"messageid":1,"status":10}`))
	f.Add("data[0]=sms_status%0Ax%0A103", []byte(nil))
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		r := &http.Request{Method: "POST", URL: &url.URL{Path: "/", RawQuery: query}}
		p, ok := readParams(r, body)
		if !ok {
			return
		}
		for _, g := range gateways {
			w := &web{set: &Settings{}, gateway: g}
			read := g.hook.read
			if read == nil {
				read = readCall
			}
			list, _ := read(w, p)
			for _, c := range list {
				if (c.text == nil) == (c.report == nil) {
					t.Errorf("%+v", c)
				}
				if c.text != nil && (c.text.piece.number > c.text.piece.total || c.text.text == "") {
					t.Errorf("%+v", c.text)
				}
			}
		}
	})
}
