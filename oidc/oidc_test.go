package oidc_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"holdfast"
	"holdfast/oidc"
	"holdfast/oidc/oidctest"
)

const back = "http://localhost:8080/api/v1/session/provider/callback"

// desk is a provider as a desk sees it, and a browser that goes there.
type desk struct {
	*testing.T
	*oidc.Provider
	at     *oidctest.Provider
	folder string
	now    time.Time
}

func newDesk(t *testing.T) *desk {
	d := &desk{T: t, at: oidctest.New(t), folder: filepath.Join(t.TempDir(), "oidc"), now: time.Now()}
	d.Provider = d.open()
	return d
}

func (d *desk) open() *oidc.Provider {
	return oidc.New(oidc.Config{Issuer: d.at.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret}, back, d.folder, http.DefaultClient, func() time.Time { return d.now })
}

// visit goes to the provider as a browser does and brings back what it said.
func (d *desk) visit(to string) (state, code string) {
	d.Helper()
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Get(to)
	if err != nil {
		d.Fatal(err)
	}
	res.Body.Close()
	u, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound || u.Scheme+"://"+u.Host+u.Path != back {
		d.Fatalf("%d %v %v", res.StatusCode, u, err)
	}
	return u.Query().Get("state"), u.Query().Get("code")
}

func (d *desk) begin() (string, oidc.Pending) {
	d.Helper()
	to, pending, err := d.Begin(context.Background())
	if err != nil {
		d.Fatal(err)
	}
	return to, pending
}

func refused(t *testing.T, what string, err error, code string) {
	t.Helper()
	if holdfast.CodeOf(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func TestTheProviderSaysWhoSomebodyIs(t *testing.T) {
	d := newDesk(t)
	d.at.Says(map[string]any{"sub": "42", "email": "ana@example.com", "email_verified": "true", "name": "Ana"})
	to, pending := d.begin()
	state, code := d.visit(to)
	p, err := d.Finish(context.Background(), pending, state, code)
	if err != nil || p != (oidc.Person{Issuer: d.at.URL, Subject: "42", Email: "ana@example.com", Verified: true, Name: "Ana"}) {
		t.Fatalf("%+v %v", p, err)
	}
	_, err = d.Finish(context.Background(), pending, state, code)
	refused(t, "a code that was used", err, "oidc.refused")
	d.at.Says(map[string]any{"email": "ana@example.com", "email_verified": 1})
	to, pending = d.begin()
	state, code = d.visit(to)
	if p, err = d.Finish(context.Background(), pending, state, code); err != nil || p.Verified {
		t.Errorf("an address that nobody has verified: %+v %v", p, err)
	}
}

func TestWhatIsNotForThisDeskIsRefused(t *testing.T) {
	now := time.Now()
	for what, claims := range map[string]map[string]any{
		"another's nonce":     {"nonce": "another"},
		"no nonce":            {"nonce": nil},
		"another's audience":  {"aud": "another desk"},
		"two audiences":       {"aud": []string{oidctest.ClientID, "another desk"}},
		"another party":       {"azp": "another desk"},
		"another issuer":      {"iss": "https://evil.example"},
		"an hour old":         {"exp": now.Add(-time.Hour).Unix()},
		"more than the skew":  {"exp": now.Add(-3 * time.Minute).Unix()},
		"not valid for hours": {"nbf": now.Add(3 * time.Hour).Unix()},
	} {
		d := newDesk(t)
		d.at.Says(claims)
		to, pending := d.begin()
		state, code := d.visit(to)
		_, err := d.Finish(context.Background(), pending, state, code)
		refused(t, what, err, "oidc.refused")
	}
	d := newDesk(t)
	to, pending := d.begin()
	state, code := d.visit(to)
	_, err := d.Finish(context.Background(), pending, "x"+state, code)
	refused(t, "another state", err, "oidc.refused")
	_, err = d.Finish(context.Background(), oidc.Pending{}, "", code)
	refused(t, "a browser that asked nothing", err, "oidc.refused")
	_, other := d.begin()
	other.State, other.Nonce = pending.State, pending.Nonce
	_, err = d.Finish(context.Background(), other, state, code)
	refused(t, "another verifier", err, "oidc.refused")
	d.at.Forges(t)
	to, pending = d.begin()
	state, code = d.visit(to)
	_, err = d.Finish(context.Background(), pending, state, code)
	refused(t, "another's signature", err, "oidc.refused")
}

func TestClocksMayDifferALittle(t *testing.T) {
	d := newDesk(t)
	d.at.Says(map[string]any{"exp": time.Now().Add(-time.Minute).Unix(), "nbf": time.Now().Add(2 * time.Minute).Unix()})
	to, pending := d.begin()
	state, code := d.visit(to)
	if _, err := d.Finish(context.Background(), pending, state, code); err != nil {
		t.Error(err)
	}
}

func TestAProviderThatIsAwayIsSaidToBe(t *testing.T) {
	d := newDesk(t)
	d.begin()
	d.begin()
	if n := d.at.Asked(); n != 1 {
		t.Errorf("asked %d times in a moment", n)
	}
	// Its description fails, it does not: what it said before holds, after a restart, too.
	d.at.Fails(http.StatusBadGateway)
	d.Provider = d.open()
	d.begin()
	// Somebody else's description is not taken, kept or not.
	files, err := filepath.Glob(filepath.Join(d.folder, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], []byte(`{"issuer":"https://evil.example"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Provider = d.open()
	refused(t, "nothing to go by", d.Reach(context.Background()), "oidc.unreachable")
	d.at.Fails(0)
	d.now = d.now.Add(time.Minute)
	to, pending := d.begin()
	state, code := d.visit(to)

	d.at.Close()
	d.now = d.now.Add(time.Minute)
	refused(t, "no answer", d.Reach(context.Background()), "oidc.unreachable")
	_, _, err = d.Begin(context.Background())
	refused(t, "no answer", err, "oidc.unreachable")
	_, err = d.Finish(context.Background(), pending, state, code)
	refused(t, "no answer", err, "oidc.unreachable")
}

func FuzzDescriptions(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://a.example","authorization_endpoint":"https://a.example/","token_endpoint":"https://a.example/t","jwks_uri":"https://a.example/k"}`))
	f.Add([]byte(`{"issuer":1}`))
	f.Add([]byte(`[`))
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := oidc.New(oidc.Config{Issuer: "https://a.example", ClientID: "x"}, back, folder, &http.Client{Transport: says(raw)}, nil)
		to, _, err := p.Begin(context.Background())
		if err == nil {
			if u, err := url.Parse(to); err != nil || u.Host == "" {
				t.Fatalf("%q sends browsers to %q", raw, to)
			}
		} else if holdfast.CodeOf(err) != "oidc.unreachable" {
			t.Fatal(err)
		}
	})
}

// says answers every request with the same bytes.
type says []byte

func (s says) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(bytes.NewReader(s))}, nil
}
