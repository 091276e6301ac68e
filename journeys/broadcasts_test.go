package journeys

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"holdfast"
)

// TestBroadcasts plays two supervisors in Chromium: one writes a broadcast and counts
// whom it would tell, the other agrees; everybody gets it once, and an answer shows
// what it answers. Then a pause and a cancel on a telephone, in Persian.
func TestBroadcasts(t *testing.T) {
	h := open(t, t.TempDir())
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	for i, name := range []string{"Ana", "Bob", "Eve"} {
		if err := m.carry(name+"@customer.example", fmt.Appendf(nil, "From: %s Lima <%s@customer.example>\r\nTo: %s\r\nSubject: Hello\r\nMessage-ID: <b%d@customer.example>\r\n\r\nHello.\r\n", name, name, m.to, i)); err != nil {
			t.Fatal(err)
		}
	}
	customer := httptest.NewServer(m)
	defer customer.Close()
	boss := h.newOperator(h.workspace, holdfast.Supervisor, "boss@desk.example")
	second := h.newOperator(h.workspace, holdfast.Supervisor, "second@desk.example")
	joe := h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example")
	h.must("PUT", "/broadcast-settings", map[string]any{"second_above": 2}, nil)
	play(t, "broadcasts.mjs", "HOLDFAST_URL="+h.base, "BOSS="+h.link(boss), "SECOND="+h.link(second), "JOE="+h.link(joe), "CUSTOMER="+customer.URL)
}
