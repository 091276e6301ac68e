package chat

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"holdfast"
	"holdfast/channel"
)

const siteSecret = "a secret of the host site, 32 b."

func sealed(s *Settings) { s.IdentitySecret = siteSecret }

func sum(secret, text string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func siteJWT(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTokens(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	d2 := newWorld()
	otherKey := adapterFor(t, d2, testAccount, bytes.Repeat([]byte{8}, 32))
	otherAccount := adapterFor(t, d2, holdfast.MustID(someID), bytes.Repeat([]byte{7}, 32))
	parts := strings.Split(ana.Token, ".")
	forged, _ := json.Marshal(claims{Visitor: someID, Expires: s.now.Add(time.Hour).Unix()})
	for name, token := range map[string]string{
		"empty":           "Bearer ",
		"noise":           "Bearer v1.e30.e30",
		"no mac":          "Bearer " + parts[0] + "." + parts[1] + ".",
		"short mac":       "Bearer " + parts[0] + "." + parts[1] + "." + parts[2][:20],
		"another payload": "Bearer v1." + base64.RawURLEncoding.EncodeToString(forged) + "." + parts[2],
		"another key":     "Bearer " + otherKey.visitorToken(&claims{Visitor: someID}),
		"another account": "Bearer " + otherAccount.visitorToken(&claims{Visitor: someID}),
		"another purpose": "Bearer " + s.a.tokens.sign("upload", claims{Visitor: someID, Expires: s.now.Add(time.Hour).Unix()}),
		"basic":           "Basic dTpw",
		"huge":            "Bearer v1." + strings.Repeat("A", 10_000) + ".AAAA",
	} {
		if r := s.do("GET", "/messages", "", "Authorization: "+token); r.status != 401 {
			t.Errorf("%s: got %d %s", name, r.status, r.body)
		}
	}
	for _, way := range []string{"Authorization: Bearer " + ana.Token, "Cookie: hf_chat_" + testAccount.String() + "=" + ana.Token} {
		if r := s.do("GET", "/messages", "", way); r.status != 200 {
			t.Errorf("%.20s: got %d", way, r.status)
		}
	}
	if r := s.do("GET", "/messages?token="+ana.Token, ""); r.status != 200 {
		t.Errorf("as a parameter: got %d", r.status)
	}
	s.passes(tokenLife - time.Second)
	if r := ana.do("GET", "/messages", ""); r.status != 200 {
		t.Errorf("just before its end: got %d", r.status)
	}
	s.passes(time.Second)
	if r := ana.do("GET", "/messages", ""); r.status != 401 || r.code(t) != "chat.token_expired" {
		t.Errorf("after its end: got %d %s", r.status, r.body)
	}
}

func TestASessionIsRenewedForTheSameVisitor(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{"name":"Ana","email":"ANA@example.com"}`)
	s.passes(time.Hour)
	again := &guest{s: s}
	r := ana.do("POST", "/session", `{}`)
	r.json(t, again)
	if again.ID != ana.ID || again.Token == ana.Token || !strings.Contains(r.body, `"name":"Ana"`) {
		t.Fatalf("got %s", r.body)
	}
	if other := s.guest(`{}`); other.ID == ana.ID {
		t.Fatal("two visitors share an id")
	}
	stale := s.do("POST", "/session", `{}`, "Authorization: Bearer v1.e30.AAAA")
	if stale.status != 200 {
		t.Fatalf("a token that is no longer good shuts the visitor out: %d %s", stale.status, stale.body)
	}
}

func TestTheCookie(t *testing.T) {
	s := newSite(t)
	r := s.do("POST", "/session", `{}`)
	c := r.header.Get("Set-Cookie")
	if !strings.HasPrefix(c, "hf_chat_"+testAccount.String()+"=v1.") || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") || strings.Contains(c, "Secure") {
		t.Errorf("over http: %s", c)
	}
	s.a.env.PublicURL = "https://desk.example"
	c = s.do("POST", "/session", `{}`).header.Get("Set-Cookie")
	if !strings.Contains(c, "Secure") || !strings.Contains(c, "SameSite=None") {
		t.Errorf("over https: %s", c)
	}
	if c := s.do("POST", "/session", `{}`, "Origin: https://evil.example").header.Get("Set-Cookie"); c != "" {
		t.Errorf("a site that is not named gets a cookie: %s", c)
	}
}

func TestTheHostSitesIdentity(t *testing.T) {
	s := newSite(t, sealed)
	exp := s.now.Add(time.Hour).Unix()
	full := jwt.MapClaims{"sub": "u-7", "name": "Ana", "email": "Ana@Example.com", "exp": exp}
	good := siteJWT(t, jwt.SigningMethodHS256, []byte(siteSecret), full)
	unsigned := siteJWT(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, full)
	for _, tc := range []struct {
		name, identity string
		ok             bool
		mail           string // proved
	}{
		{"hmac of the id", fmt.Sprintf(`{"user_id":"u-7","name":"Ana","email":"ana@example.com","hmac":%q}`, sum(siteSecret, "u-7")), true, ""},
		{"hmac of id and address", fmt.Sprintf(`{"user_id":"u-7","email":"ana@example.com","hmac":%q}`, sum(siteSecret, "u-7\nana@example.com")), true, "ana@example.com"},
		{"hmac of an address as id", fmt.Sprintf(`{"user_id":"ana@example.com","email":"ana@example.com","hmac":%q}`, sum(siteSecret, "ana@example.com")), true, "ana@example.com"},
		{"jwt", fmt.Sprintf(`{"jwt":%q}`, good), true, "ana@example.com"},
		{"jwt beats what stands beside it", fmt.Sprintf(`{"user_id":"root","email":"root@example.com","jwt":%q}`, good), true, "ana@example.com"},
		{"no signature", `{"user_id":"u-7"}`, false, ""},
		{"hmac of another", fmt.Sprintf(`{"user_id":"u-8","hmac":%q}`, sum(siteSecret, "u-7")), false, ""},
		{"hmac with a wrong key", fmt.Sprintf(`{"user_id":"u-7","hmac":%q}`, sum("wrong", "u-7")), false, ""},
		{"hmac cut short", fmt.Sprintf(`{"user_id":"u-7","hmac":%q}`, sum(siteSecret, "u-7")[:32]), false, ""},
		{"hmac not hex", `{"user_id":"u-7","hmac":"zz"}`, false, ""},
		{"an address smuggled into the id", fmt.Sprintf(`{"user_id":"u-7\neve@example.com","hmac":%q}`, sum(siteSecret, "u-7\neve@example.com")), false, ""},
		{"nobody", fmt.Sprintf(`{"user_id":"","hmac":%q}`, sum(siteSecret, "")), false, ""},
		{"alg none", fmt.Sprintf(`{"jwt":%q}`, unsigned), false, ""},
		{"jwt with a wrong key", fmt.Sprintf(`{"jwt":%q}`, siteJWT(t, jwt.SigningMethodHS256, []byte("wrong"), full)), false, ""},
		{"jwt of another algorithm", fmt.Sprintf(`{"jwt":%q}`, siteJWT(t, jwt.SigningMethodHS512, []byte(siteSecret), full)), false, ""},
		{"jwt expired", fmt.Sprintf(`{"jwt":%q}`, siteJWT(t, jwt.SigningMethodHS256, []byte(siteSecret), jwt.MapClaims{"sub": "u-7", "exp": s.now.Add(-2 * time.Minute).Unix()})), false, ""},
		{"jwt without end", fmt.Sprintf(`{"jwt":%q}`, siteJWT(t, jwt.SigningMethodHS256, []byte(siteSecret), jwt.MapClaims{"sub": "u-7"})), false, ""},
		{"jwt without subject", fmt.Sprintf(`{"jwt":%q}`, siteJWT(t, jwt.SigningMethodHS256, []byte(siteSecret), jwt.MapClaims{"exp": exp})), false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := s.do("POST", "/session", `{"identity":`+tc.identity+`}`)
			if !tc.ok {
				if r.status != 401 && r.status != 400 || strings.Contains(r.body, "token\":") {
					t.Fatalf("got %d %s", r.status, r.body)
				}
				return
			}
			if r.status != 200 || !strings.Contains(r.body, `"verified":true`) {
				t.Fatalf("got %d %s", r.status, r.body)
			}
			g := &guest{s: s}
			r.json(t, g)
			if strings.Contains(tc.identity, `"u-7"`) && g.ID != holdfast.DeriveID(testAccount, "user:u-7").String() {
				t.Fatalf("the visitor is %s", g.ID)
			}
			before := len(s.inbound)
			g.writes(holdfast.NewID().String(), "hi")
			in := s.inbound[before]
			if !in.From.Verified {
				t.Fatalf("from %+v", in.From)
			}
			i := slices.IndexFunc(in.Also, func(a holdfast.Address) bool { return a.Scheme == "mailto" })
			switch {
			case tc.mail == "" && i >= 0:
				t.Fatalf("an address that nobody signed counts as proved: %+v", in.Also)
			case tc.mail != "" && (i < 0 || in.Also[i].Value != tc.mail || !in.Also[i].Verified):
				t.Fatalf("also %+v", in.Also)
			}
		})
	}
}

func TestSigningInKeepsWhatWasWrittenBefore(t *testing.T) {
	s := newSite(t, sealed)
	ana := s.guest(`{}`)
	body := fmt.Sprintf(`{"identity":{"user_id":"u-7","hmac":%q}}`, sum(siteSecret, "u-7"))
	in := &guest{s: s}
	ana.do("POST", "/session", body).json(t, in)
	in.writes(someID, "hi")
	want := holdfast.Address{Scheme: "visitor", Value: ana.ID, Verified: true}
	if got := s.inbound[0]; got.From.Value == ana.ID || !slices.Contains(got.Also, want) {
		t.Fatalf("stored %+v, also %+v", got.From, got.Also)
	}
	// Another customer on this browser is not the first one.
	ben := &guest{s: s}
	in.do("POST", "/session", fmt.Sprintf(`{"identity":{"user_id":"u-8","hmac":%q}}`, sum(siteSecret, "u-8"))).json(t, ben)
	ben.writes(someID, "hi")
	if got := s.inbound[1]; len(got.Also) != 0 {
		t.Fatalf("ben is taken for %+v", got.Also)
	}
}

func TestWhatAVisitorClaimsProvesNothing(t *testing.T) {
	s := newSite(t)
	eve := s.guest(`{"name":"Ana","email":"ana@example.com"}`)
	eve.do("POST", "/messages", `{"id":"`+someID+`","text":"hi","email":"boss@example.com"}`)
	in := s.inbound[0]
	if in.From.Verified || len(in.Also) != 0 || in.From.Name != "Ana <boss@example.com>" {
		t.Fatalf("stored %+v, also %+v", in.From, in.Also)
	}
}

func TestAChatForCustomersOnly(t *testing.T) {
	s := newSite(t, sealed)
	old := s.guest(`{}`)
	s.a.set.RequireIdentity = true
	if r := s.do("POST", "/session", `{"name":"Ana"}`); r.status != 401 || r.code(t) != "chat.identity_required" {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	if r := old.writes(someID, "hi"); r.status != 401 || len(s.inbound) != 0 {
		t.Fatalf("got %d %s", r.status, r.body)
	}
}

func TestANewSecretEndsTheSessionsOfTheOld(t *testing.T) {
	s := newSite(t, sealed)
	g := s.guest(fmt.Sprintf(`{"identity":{"user_id":"u-7","hmac":%q}}`, sum(siteSecret, "u-7")))
	next := adapterFor(t, s.world, testAccount, bytes.Repeat([]byte{7}, 32), func(set *Settings) { set.IdentitySecret = "another secret of 32 bytes, more" })
	if _, err := next.claimsOf(g.Token); holdfast.CodeOf(err) != "chat.token_revoked" {
		t.Fatalf("got %v", err)
	}
	if _, err := s.a.claimsOf(g.Token); err != nil {
		t.Fatal(err)
	}
}

func TestOrigins(t *testing.T) {
	some := func(set *Settings) {
		set.AllowedOrigins = []string{" https://Shop.example/ ", "*.shop.example", "other.example:8443", ""}
	}
	for _, tc := range []struct {
		origin  string
		change  []func(*Settings)
		status  int
		allowed string
		cookies bool
	}{
		{"https://anything.example", nil, 200, "*", false},
		{"null", nil, 200, "*", false},
		{"https://shop.example", []func(*Settings){some}, 200, "https://shop.example", true},
		{"http://www.shop.example", []func(*Settings){some}, 200, "http://www.shop.example", true},
		{"https://other.example:8443", []func(*Settings){some}, 200, "https://other.example:8443", true},
		{"http://shop.example", []func(*Settings){some}, 403, "", false},
		{"https://evilshop.example", []func(*Settings){some}, 403, "", false},
		{"https://shop.example.evil.example", []func(*Settings){some}, 403, "", false},
		{"https://other.example", []func(*Settings){some}, 403, "", false},
		{"null", []func(*Settings){some}, 403, "", false},
		{"file://", []func(*Settings){some}, 403, "", false},
	} {
		s := newSite(t, tc.change...)
		for _, method := range []string{"GET", "OPTIONS"} {
			r := s.do(method, "/config", "", "Origin: "+tc.origin, "Access-Control-Request-Method: POST")
			status := tc.status
			if method == "OPTIONS" && status == 200 {
				status = 204
			}
			h := r.header
			if r.status != status || h.Get("Access-Control-Allow-Origin") != tc.allowed || (h.Get("Access-Control-Allow-Credentials") == "true") != tc.cookies || !strings.Contains(h.Get("Vary"), "Origin") {
				t.Errorf("%s from %s: got %d %v", method, tc.origin, r.status, h)
			}
		}
	}
}

func TestAnotherSiteCannotUseTheCookie(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	cookie := "Cookie: hf_chat_" + testAccount.String() + "=" + ana.Token
	body := `{"id":"` + someID + `","text":"I owe you money"}`
	for _, origin := range []string{"Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"} {
		if r := s.do("POST", "/messages", body, cookie, origin); r.status != 401 || len(s.inbound) != 0 {
			t.Errorf("%s: got %d %s", origin, r.status, r.body)
		}
	}
	if r := s.do("POST", "/messages", body, cookie, "Origin: "+s.srv.URL); r.status != 201 {
		t.Errorf("from our own page: got %d %s", r.status, r.body)
	}
}

func TestConfigSpeaksTheVisitorsLanguage(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct{ query, accept, lang, greeting string }{
		{"?lang=fa", "", "fa", "سلام! چه کمکی از ما برمی‌آید؟"},
		{"?lang=fa-IR", "en", "fa", "سلام! چه کمکی از ما برمی‌آید؟"},
		{"", "de, ru-RU;q=0.8", "ru", "Здравствуйте! Чем можем помочь?"},
		{"?lang=xx", "", "ru", "Здравствуйте! Чем можем помочь?"}, // the workspace's own
	} {
		r := s.do("GET", "/config"+tc.query, "", "Accept-Language: "+tc.accept)
		var c configWire
		r.json(t, &c)
		if c.Lang != tc.lang || c.Greeting != tc.greeting || !c.OnDuty || c.Limits.Text != textLimit || c.Limits.AttachmentBytes != 40<<20 {
			t.Errorf("%s %s: got %+v", tc.query, tc.accept, c)
		}
		if again := s.do("GET", "/config"+tc.query, "", "Accept-Language: "+tc.accept, "If-None-Match: "+r.header.Get("ETag")); again.status != http.StatusNotModified {
			t.Errorf("unchanged, and yet %d", again.status)
		}
	}
	if r := s.do("GET", "/config", ""); strings.Contains(strings.ToLower(r.body), "secret") {
		t.Errorf("the configuration says too much: %s", r.body)
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	kind := Kind()
	for field, raw := range map[string]string{
		"settings.color":              `{"color":"red;background:url(x)"}`,
		"settings.position":           `{"position":"middle"}`,
		"settings.languages":          `{"languages":["de"]}`,
		"settings.allowed_origins":    `{"allowed_origins":["https://shop.example/path"]}`,
		"settings.identity_secret":    `{"require_identity":true}`,
		"settings.visitor_per_minute": `{"visitor_per_minute":-1}`,
	} {
		set, err := kind.Decode([]byte(raw))
		if err == nil {
			_, err = kind.New(channel.Account{ID: testAccount, Settings: set}, channel.Env{Key: make([]byte, 32)})
		}
		he, ok := err.(*holdfast.Error)
		if !ok || he.Kind != holdfast.Invalid || he.Field != field {
			t.Errorf("%s: got %v", raw, err)
		}
	}
}

func TestEverySettingHasItsWordsInEveryLanguage(t *testing.T) {
	kind := Kind()
	keys := []string{"title", "about", "visitor.title", "visitor.greeting", "visitor.offline"}
	for _, f := range kind.Form() {
		keys = append(keys, f.Name, f.Name+".help", "section."+f.Section)
		for _, o := range f.Options {
			keys = append(keys, "option."+o)
		}
	}
	for _, lang := range holdfast.Languages {
		for _, k := range keys {
			if kind.Texts[lang][k] == "" {
				t.Errorf("%s has no %q", lang, k)
			}
		}
		if len(kind.Texts[lang]) != len(kind.Texts["en"]) {
			t.Errorf("%s has %d texts, en %d", lang, len(kind.Texts[lang]), len(kind.Texts["en"]))
		}
	}
	if kind.Texts["en"]["heading"] == kind.Texts["en"]["title"] {
		t.Error("a setting's label is the kind's title")
	}
}
