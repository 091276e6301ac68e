package journeys

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"holdfast"
	"holdfast/app"
	"holdfast/oidc/oidctest"
)

// comer is a browser without a screen.
type comer struct {
	t    *testing.T
	h    *house
	http http.Client
}

func newComer(t *testing.T, h *house) *comer {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &comer{t, h, http.Client{Jar: jar}}
}

func (v *comer) ask(method, path string, into any) (status int, body string) {
	v.t.Helper()
	req, err := http.NewRequest(method, v.h.base+"/api/v1"+path, strings.NewReader("{}"))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Holdfast-Client", "console")
	res, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if into != nil && res.StatusCode < 300 {
		if err := json.Unmarshal(b, into); err != nil {
			v.t.Fatal(err)
		}
	}
	return res.StatusCode, string(b)
}

// signIn goes to the provider and back, and says what the desk's page is told.
func (v *comer) signIn() (said url.Values) {
	v.t.Helper()
	var to struct{ URL string }
	if status, body := v.ask("POST", "/session/provider", &to); status != http.StatusOK {
		v.t.Fatal(status, body)
	}
	res, err := v.http.Get(to.URL)
	if err != nil {
		v.t.Fatal(err)
	}
	res.Body.Close()
	if got := res.Request.URL; !strings.HasPrefix(got.String(), v.h.base+"/") || strings.HasPrefix(got.Path, "/api/") {
		v.t.Fatalf("ended at %s", got)
	}
	_, query, _ := strings.Cut(res.Request.URL.Fragment, "?")
	said, err = url.ParseQuery(query)
	if err != nil {
		v.t.Fatal(err)
	}
	return said
}

// TestAProviderVouchesForOperators signs in by a provider, and does not where nobody
// should, and gets in without it when it is away.
func TestAProviderVouchesForOperators(t *testing.T) {
	t.Parallel()
	at := oidctest.New(t)
	h := start(t, app.Config{Data: t.TempDir(), OIDCIssuer: at.URL, OIDCClientID: oidctest.ClientID, OIDCClientSecret: oidctest.ClientSecret,
		OIDCName: "Example ID", OIDCDomains: []string{"welcome.example"}, OIDCRole: "observer"}, nil)
	ana := h.newOperator(h.workspace, holdfast.Operator, "ana@desk.example")
	secret := h.newOperator(h.workspace, holdfast.Administrator, "boss@desk.example")

	refuses := func(what, code string, claims map[string]any) {
		t.Helper()
		at.Says(claims)
		v := newComer(t, h)
		if said := v.signIn(); said.Get("fault") != code {
			t.Errorf("%s: %v, want %s", what, said, code)
		}
		if status, body := v.ask("GET", "/me", nil); status != http.StatusUnauthorized {
			t.Errorf("%s: /me answers %d %s", what, status, body)
		}
	}
	refuses("an address that is not verified", "oidc.email_unverified", map[string]any{"sub": "9", "email": "ana@desk.example"})
	refuses("nobody's address", "oidc.unknown", map[string]any{"sub": "9", "email": "eve@else.example", "email_verified": true})
	refuses("a domain that only ends alike", "oidc.unknown", map[string]any{"sub": "9", "email": "eve@unwelcome.example", "email_verified": true})
	refuses("no address", "oidc.unknown", map[string]any{"sub": "9", "email_verified": true})
	refuses("another's nonce", "oidc.refused", map[string]any{"sub": "9", "email": "ana@desk.example", "email_verified": true, "nonce": "another"})
	refuses("another's audience", "oidc.refused", map[string]any{"sub": "9", "email": "ana@desk.example", "email_verified": true, "aud": "another"})

	who := func(v *comer) (m struct {
		Role     string
		Operator struct{ ID, Email, Name string }
	}) {
		t.Helper()
		if status, body := v.ask("GET", "/me", &m); status != http.StatusOK {
			t.Fatal(status, body)
		}
		return m
	}
	at.Says(map[string]any{"sub": "1", "email": "Ana@desk.example", "email_verified": true, "name": "Somebody"})
	v := newComer(t, h)
	if said := v.signIn(); len(said) > 0 {
		t.Fatal(said)
	}
	if m := who(v); m.Operator.ID != ana.String() || m.Role != "operator" {
		t.Fatalf("%+v", m)
	}
	// From then on by who she is there, whatever her address is.
	at.Says(map[string]any{"sub": "1", "email": "boss@desk.example", "email_verified": false})
	v = newComer(t, h)
	if said := v.signIn(); len(said) > 0 || who(v).Operator.ID != ana.String() {
		t.Fatal(said)
	}
	at.Says(map[string]any{"sub": "2", "email": "new@welcome.example", "email_verified": true, "name": "New One"})
	v = newComer(t, h)
	if said := v.signIn(); len(said) > 0 {
		t.Fatal(said)
	}
	if m := who(v); m.Operator.Name != "New One" || m.Role != "observer" {
		t.Fatalf("%+v", m)
	}
	// It stands for the password, not for the second factor, and not for one who was shut out.
	h.must("PATCH", "/operators/"+ana.String(), map[string]any{"disabled": true}, nil)
	refuses("one who was shut out", "oidc.unknown", map[string]any{"sub": "1", "email": "ana@desk.example", "email_verified": true})
	h.withTOTP(secret)
	at.Says(map[string]any{"sub": "3", "email": "boss@desk.example", "email_verified": true})
	v = newComer(t, h)
	if said := v.signIn(); said.Get("second") != "totp" {
		t.Errorf("the second factor was not asked for: %v", said)
	}
	if status, body := v.ask("GET", "/me", nil); status != http.StatusUnauthorized || !strings.Contains(body, "session.second_factor") {
		t.Errorf("%d %s", status, body)
	}

	// Away: the page is told, the start is not held up, the password opens.
	at.Close()
	h.stop()
	h = start(t, h.Config, nil)
	var list struct {
		Items []struct {
			Name      string
			Reachable bool
		}
	}
	v = newComer(t, h)
	v.ask("GET", "/session/providers", &list)
	if len(list.Items) != 1 || list.Items[0].Name != "Example ID" || list.Items[0].Reachable {
		t.Errorf("%+v", list)
	}
	if status, body := v.ask("POST", "/session/provider", nil); status != http.StatusServiceUnavailable || !strings.Contains(body, "oidc.unreachable") {
		t.Errorf("%d %s", status, body)
	}
	if _, err := h.Guard.SignIn(t.Context(), "new@welcome.example", "", "127.0.0.1", "x"); holdfast.CodeOf(err) != "signin.refused" {
		t.Errorf("whom the provider brought has no password: %v", err)
	}
	h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example")
	if _, err := h.Guard.SignIn(t.Context(), "joe@desk.example", "correct horse battery", "127.0.0.1", "x"); err != nil {
		t.Error(err)
	}
}

// withTOTP turns an operator's second factor on.
func (h *house) withTOTP(operator holdfast.ID) {
	h.t.Helper()
	s, err := h.Guard.OpenSession(h.t.Context(), operator, "127.0.0.1", "x")
	if err != nil {
		h.t.Fatal(err)
	}
	id, err := h.Guard.Authenticate(h.t.Context(), s.Secret, h.workspace, "127.0.0.1", "x")
	if err != nil {
		h.t.Fatal(err)
	}
	e, err := h.Guard.EnrolTOTP(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	code, err := totp.GenerateCode(e.Key, time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.Guard.ConfirmTOTP(h.t.Context(), id, code); err != nil {
		h.t.Fatal(err)
	}
}
