package journeys

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/oidc/oidctest"
)

// A sign-in provider is set, tried, changed and taken away while the desk runs, by an
// administrator of every workspace and by nobody else; its secret is never told.
func TestAProviderIsSetWhileTheDeskRuns(t *testing.T) {
	at := oidctest.New(t)
	h := open(t, t.TempDir())
	ana := h.newOperator(h.workspace, holdfast.Operator, "ana@desk.example")
	body := func(more ...string) map[string]any {
		b := map[string]any{"issuer": at.URL + "/", "client_id": oidctest.ClientID, "client_secret": oidctest.ClientSecret, "domains": []string{" @Welcome.example "}, "role": "observer"}
		for i := 0; i < len(more); i += 2 {
			b[more[i]] = more[i+1]
		}
		return b
	}
	const path = "/sign-in-provider"
	boss := caller{session: h.session(h.newOperator(h.workspace, holdfast.Administrator, "boss@desk.example"))}
	refuse := func(who caller, method, path string, in any, status int, code string) {
		t.Helper()
		if got := h.ask(context.Background(), who, method, "/api/v1"+path, in); got.status != status || !strings.Contains(string(got.body), code) {
			t.Errorf("%s %s answers %d %s, want %s", method, path, got.status, got.body, code)
		}
	}
	do := func(method, path string, in, into any) string {
		t.Helper()
		got := h.ask(context.Background(), boss, method, "/api/v1"+path, in)
		if got.status >= 300 {
			t.Fatalf("%s %s answers %d %s", method, path, got.status, got.body)
		}
		if into != nil {
			if err := json.Unmarshal(got.body, into); err != nil {
				t.Fatal(err)
			}
		}
		return string(got.body)
	}
	// A token is worth something in its own workspace alone.
	refuse(caller{token: h.token}, "PUT", path, body(), http.StatusForbidden, "oidc.not_everywhere")
	refuse(caller{token: h.token}, "DELETE", path, nil, http.StatusForbidden, "oidc.not_everywhere")
	refuse(caller{token: h.token}, "POST", path+"/test", map[string]any{"issuer": at.URL}, http.StatusForbidden, "oidc.not_everywhere")

	refuse(boss, "PUT", path, body("issuer", "login"), http.StatusBadRequest, "oidc.issuer_invalid")
	refuse(boss, "PUT", path, body("client_id", " "), http.StatusBadRequest, "oidc.client_missing")
	bad := body()
	bad["domains"] = []string{"nowhere"}
	refuse(boss, "PUT", path, bad, http.StatusBadRequest, "oidc.domain_invalid")
	var tried struct {
		OK  bool
		Why string
	}
	if do("POST", path+"/test", map[string]any{"issuer": at.URL}, &tried); !tried.OK {
		t.Errorf("the provider is said not to work: %+v", tried)
	}
	if do("POST", path+"/test", map[string]any{"issuer": "http://127.0.0.1:9"}, &tried); tried.OK || tried.Why == "" {
		t.Errorf("nobody is said to work: %+v", tried)
	}
	do("PUT", path, body(), nil)
	if got := do("GET", path, nil, nil) + do("GET", "/audit", nil, nil); strings.Contains(got, oidctest.ClientSecret) || !strings.Contains(got, `"secret_set":true`) || !strings.Contains(got, "/api/v1/session/provider/callback") {
		t.Errorf("it is shown as %s", got)
	}

	signsIn := func(sub, email, want string) {
		t.Helper()
		at.Says(map[string]any{"sub": sub, "email": email, "email_verified": true, "name": "Somebody"})
		v := newComer(t, h)
		if said := v.signIn(); len(said) > 0 {
			t.Fatalf("%s: %v", email, said)
		}
		if status, got := v.ask("GET", "/me", nil); status != http.StatusOK || !strings.Contains(got, want) {
			t.Errorf("%s is %s", email, got)
		}
	}
	signsIn("1", "ana@desk.example", ana.String())
	signsIn("2", "new@welcome.example", `"role":"observer"`)
	// What is changed counts at once, and a secret that is left out stays.
	do("PUT", path, body("name", "Example ID", "client_secret", ""), nil)
	var buttons list[struct{ Name string }]
	if newComer(t, h).ask("GET", "/session/providers", &buttons); len(buttons.Items) != 1 || buttons.Items[0].Name != "Example ID" {
		t.Errorf("the buttons are %+v", buttons)
	}
	signsIn("1", "ana@desk.example", ana.String())
	// At another address it does not: it would be told to whoever is there.
	do("PUT", path, body("client_secret", "", "issuer", "https://elsewhere.example"), nil)
	if got := do("GET", path, nil, nil); !strings.Contains(got, `"secret_set":false`) {
		t.Errorf("the secret went along: %s", got)
	}
	// An administrator of one workspace would be let into the other by a provider of theirs.
	other := h.newWorkspace("Other")
	refuse(boss, "PUT", path, body(), http.StatusForbidden, "oidc.not_everywhere")
	refuse(boss, "DELETE", path, nil, http.StatusForbidden, "oidc.not_everywhere")
	if got := do("GET", path, nil, nil); !strings.Contains(got, `"may_change":false`) {
		t.Errorf("it is shown as %s", got)
	}
	if err := h.Setup.RemoveSignInProvider(context.Background(), access.System(other)); err != nil {
		t.Fatal(err)
	}
	buttons.Items = nil
	v := newComer(t, h)
	if v.ask("GET", "/session/providers", &buttons); len(buttons.Items) != 0 {
		t.Errorf("the buttons are %+v", buttons)
	}
	if status, got := v.ask("POST", "/session/provider", nil); status != http.StatusConflict || !strings.Contains(got, "oidc.none") {
		t.Errorf("%d %s", status, got)
	}

	// The configuration file wins.
	h = start(t, app.Config{Data: t.TempDir(), OIDCIssuer: at.URL, OIDCClientID: oidctest.ClientID, OIDCClientSecret: oidctest.ClientSecret, OIDCRole: "operator"}, nil)
	boss = caller{session: h.session(h.newOperator(h.workspace, holdfast.Administrator, "boss@desk.example"))}
	refuse(boss, "PUT", path, body(), http.StatusConflict, "oidc.by_file")
	if got := do("GET", path, nil, nil); !strings.Contains(got, `"source":"file"`) || strings.Contains(got, oidctest.ClientSecret) {
		t.Errorf("it is shown as %s", got)
	}
}
