package chat

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"holdfast"
)

func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		`{"type":"ack","n":1}`, `{"type":"seen","n":-1}`, `{"type":"typing","text":"\u0000"}`, `{"type":"page","page":"javascript:alert(1)"}`,
		`{"type":"message","id":"` + someID + `","text":"hi","attachments":["v1.x.y"]}`, `{"type":"message"}`, `null`, `[]`, `{"type":1}`, "\xff",
	} {
		f.Add(s)
	}
	d := newWorld()
	a := adapterFor(f, d, testAccount, make([]byte, 32), func(s *Settings) { s.VisitorRate, s.AddressRate = 0, 0 })
	token := a.visitorToken(&claims{Visitor: holdfast.NewID().String()})
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/signals", "/messages"} {
			before := len(d.inbound)
			req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+token)
			rec := httptest.NewRecorder()
			a.ServeWebhook(rec, req, d)
			if rec.Code >= 500 {
				t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
			}
			if rec.Code != http.StatusCreated && len(d.inbound) != before {
				t.Fatal("stored, and the client was told otherwise")
			}
			for _, in := range d.inbound[before:] {
				if !utf8.ValidString(in.Text) || strings.ContainsAny(in.Text, "\x00\r") || utf8.RuneCountInString(in.Text) > textLimit || in.Text == "" {
					t.Fatalf("stored %q", in.Text)
				}
			}
		}
	})
}

func FuzzSession(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `{"identity":{}}`, `{"identity":{"user_id":"u","hmac":"00"}}`, `{"identity":{"jwt":"a.b.c"}}`,
		`{"identity":{"jwt":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0."}}`, `{"name":"` + strings.Repeat("я", 500) + `","email":"a@b","lang":"fa"}`,
	} {
		f.Add(s, "v1.e30.AAAA")
	}
	d := newWorld()
	a := adapterFor(f, d, testAccount, make([]byte, 32), sealed)
	f.Fuzz(func(t *testing.T, body, token string) {
		req := httptest.NewRequest(http.MethodPost, "/session", strings.NewReader(body))
		req.RemoteAddr = "127.0.0.1:1"
		req.Header.Set("Authorization", "Bearer "+token)
		rec := httptest.NewRecorder()
		a.ServeWebhook(rec, req, d)
		if rec.Code >= 500 {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		if strings.Contains(rec.Body.String(), `"verified":true`) {
			t.Fatalf("nobody has signed this: %s", body)
		}
	})
}

func FuzzToken(f *testing.F) {
	a := adapterFor(f, newWorld(), testAccount, make([]byte, 32))
	good := a.visitorToken(&claims{Visitor: someID})
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("v1..")
	f.Add("v1.e30." + strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := a.claimsOf(token); err == nil && token != good {
			t.Fatalf("%q is taken for %+v", token, c)
		}
	})
}

func FuzzOrigin(f *testing.F) {
	f.Add("https://shop.example", "https://shop.example")
	f.Add("*.shop.example", "https://evilshop.example")
	f.Add("", "null")
	f.Fuzz(func(t *testing.T, rule, origin string) {
		o, err := parseOrigins([]string{rule}, "https://desk.example")
		if err != nil {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/config", nil)
		r.Header.Set("Origin", origin)
		_, host, _ := strings.Cut(strings.ToLower(rule), "://")
		host = strings.Trim(strings.TrimPrefix(strings.TrimSpace(host), "*."), "/")
		if v := o.judge(r); v == named && !o.any && strings.Contains(rule, "://") && !strings.HasSuffix(strings.ToLower(origin), host) &&
			!strings.HasSuffix(origin, "desk.example") && !strings.HasSuffix(origin, "example.com") {
			t.Fatalf("%q lets %q in", rule, origin)
		}
	})
}
