package journeys

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"holdfast"
)

// TestConsoleInThreeLanguages walks what the other journeys leave out, in Chromium and in
// each language: letters with HTML, mentions, assignment, the way around a mail server
// that is down, the settings, a second factor, another workspace, an operator who leaves.
func TestConsoleInThreeLanguages(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	// Mail comes in by this one and nothing gets out: nobody listens where it sends.
	cut := &mailman{t: t, desk: h.smtp, to: "sales@desk.example"}
	h.mailbox(cut.to, "")
	customer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			m.ServeHTTP(w, r)
			return
		}
		to := m
		if r.URL.Query().Get("to") == cut.to {
			to = cut
		}
		raw, err := io.ReadAll(r.Body)
		if err == nil {
			err = to.carry("kim@customer.example", raw)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	defer customer.Close()
	h.must("POST", "/teams", map[string]any{"id": holdfast.NewID(), "name": "Night shift"}, nil)
	admin := h.newOperator(h.workspace, holdfast.Administrator, "admin@desk.example")
	for _, language := range []string{"en", "ru", "fa"} {
		h.newOperator(h.workspace, holdfast.Operator, "factor-"+language+"@desk.example")
	}
	play(t, "console.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(admin), "CUSTOMER="+customer.URL)

	// One letter for each language, and none of those that the dead server refused.
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.letters) != 3 {
		t.Errorf("the desk sent %d letters", len(m.letters))
	}
}
