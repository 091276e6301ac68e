package journeys

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"holdfast"
)

// TestReplies plays two operators and a customer with a mail program, in Chromium:
// what is taken back never goes, what is put off goes once, a second answer is asked
// about, and what is forwarded reaches the other mailbox and nobody else's.
func TestReplies(t *testing.T) {
	h := open(t, t.TempDir())
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	customer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			m.ServeHTTP(w, r)
			return
		}
		raw, err := io.ReadAll(r.Body)
		if err == nil {
			err = m.carry("kim@customer.example", raw)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	defer customer.Close()
	h.must("PUT", "/canned-replies/"+holdfast.NewID().String(), map[string]any{"title": "Restart the router", "shortcut": "restart",
		"texts": map[string]string{"en": "Dear {{customer.first_name|customer}}, turn number {{conversation.number}} off and on.", "fa": "سلام"}}, nil)
	joe := h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example")
	ann := h.newOperator(h.workspace, holdfast.Operator, "ann@desk.example")
	play(t, "reply.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_TOKEN="+h.token, "JOE="+h.link(joe), "ANN="+h.link(ann), "CUSTOMER="+customer.URL)

	m.mu.Lock()
	defer m.mu.Unlock()
	times := map[string]int{}
	for _, l := range m.letters {
		first, _, _ := strings.Cut(strings.TrimSpace(l.Text), "\n")
		times[strings.TrimSpace(first)]++
		if slices.Contains(l.To, m.to) {
			t.Errorf("the desk wrote to itself: %+v", l)
		}
		if to := strings.Join(l.To, " "); strings.Contains(to, "expert@") != (strings.TrimSpace(first) == "Can you look?") {
			t.Errorf("%q went to %s", l.Text, to)
		}
	}
	for _, text := range []string{"Your money is gone", "I know nothing", "Never said"} {
		if times[text] != 0 {
			t.Errorf("%q reached the customer", text)
		}
	}
	for _, text := range []string{"Your money is on its way.", "See you tomorrow.", "We send another one.", "All of you know now.", "Can you look?"} {
		if times[text] != 1 {
			t.Errorf("%q arrived %d times", text, times[text])
		}
	}
}
