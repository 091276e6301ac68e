package journeys

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"holdfast"
)

// TestBringingAnotherDesksHistory walks the screen of imports in Chromium, in each
// language: another desk that answers from a recording and is slow or refuses when the
// walker says so, and a table in an old encoding whose upload breaks off.
func TestBringingAnotherDesksHistory(t *testing.T) {
	t.Parallel()
	raw := read(t, "../importer/testdata/zendesk.json")
	var tape struct {
		Header, Value string
		Answers       []struct {
			Get  string
			JSON json.RawMessage
			Text string
		}
	}
	if err := json.Unmarshal(raw, &tape); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	gate := make(chan struct{}) // closed: nobody waits
	close(gate)
	var other *httptest.Server
	other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch r.URL.Path {
		case "/hold":
			gate = make(chan struct{})
			return
		case "/release":
			close(gate)
			return
		}
		// One recording is a desk of its own for each language.
		parts := strings.SplitN(r.URL.Path, "/", 3)
		if len(parts) < 3 || r.Header.Get(tape.Header) != tape.Value {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		path := "/" + parts[2]
		if strings.Contains(path, "/tickets/cursor") {
			wait := gate
			mu.Unlock()
			select {
			case <-wait:
			case <-r.Context().Done():
			}
			mu.Lock()
		}
		query := r.URL.Query()
		best, most := -1, -1
		for i, a := range tape.Answers {
			at, want, _ := strings.Cut(a.Get, "?")
			k, v, _ := strings.Cut(want, "=")
			if at == path && query.Get(k) == v && len(want) > most {
				best, most = i, len(want)
			}
		}
		if best < 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		a := tape.Answers[best]
		if a.JSON == nil {
			w.Write([]byte(a.Text))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(strings.ReplaceAll(string(a.JSON), "{base}", other.URL+"/"+parts[1])))
	}))
	t.Cleanup(other.Close)

	h := open(t, t.TempDir())
	h.mailbox("help@desk.example", "")
	admin := h.newOperator(h.workspace, holdfast.Administrator, "admin@desk.example")
	play(t, "console_import.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(admin), "OTHER="+other.URL, "FOLDER="+t.TempDir())

	// The token is in no screen's answer and in no record of what was done.
	for _, path := range []string{"/imports", "/audit"} {
		if got := string(h.must("GET", path, nil, nil).body); strings.Contains(got, "zd-secret") {
			t.Errorf("%s tells the token", path)
		}
	}
}
