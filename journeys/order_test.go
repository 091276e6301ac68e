package journeys

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"holdfast"
)

// Who asks comes before what they ask: a stranger learns nothing about a route but
// that it is shut, and neither does somebody who may not use it.
func TestNobodyIsToldHowToAskBeforeTheyMay(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	observer := caller{token: h.newToken(h.workspace, holdfast.Observer)}
	nonsense := strings.NewReplacer("{id}", "nonsense", "{tag}", "%00", "{attachment}", "nonsense")
	refused := 0
	for _, d := range h.doors() {
		if d.permission == "" {
			continue
		}
		path := nonsense.Replace(d.path) + "?limit=nonsense&cursor=nonsense&after=nonsense"
		for _, body := range []string{`{"nonsense":`, `[]`, `{"nonsense":1}`} {
			for name, who := range map[string]caller{"a stranger": {}, "a forger": {token: "hf_" + strings.Repeat("a", 43)}, "a stranger in no workspace": {workspace: "nonsense"}} {
				if status, code := h.scribble(who, d.method, path, body); status != http.StatusUnauthorized {
					t.Errorf("%s told %s %d %s", d.name(), name, status, code)
				}
			}
			if holdfast.Observer.May(d.permission) {
				continue
			}
			refused++
			if status, code := h.scribble(observer, d.method, path, body); status != http.StatusForbidden || code != "permission.missing" {
				t.Errorf("%s told an observer %d %s", d.name(), status, code)
			}
		}
	}
	if refused < 100 {
		t.Errorf("only %d requests were an observer's to be refused", refused)
	}
	// and whoever may, is told
	if status, code := h.scribble(caller{token: h.token}, "POST", "/api/v1/teams", `{"nonsense":`); status != http.StatusBadRequest {
		t.Errorf("a malformed request of an administrator: %d %s", status, code)
	}
}

// scribble sends a body as it is.
func (h *house) scribble(who caller, method, path, body string) (status int, code string) {
	h.t.Helper()
	q, err := http.NewRequest(method, h.base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		h.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	if who.token != "" {
		q.Header.Set("Authorization", "Bearer "+who.token)
	}
	if who.workspace != "" {
		q.Header.Set("Holdfast-Workspace", who.workspace)
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	var p struct{ Code string }
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		h.t.Errorf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, p.Code
}
