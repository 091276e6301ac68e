package journeys

import (
	"net/http/httptest"
	"testing"

	"holdfast"
)

// TestTheTextField writes with the keyboard alone what a mail and a chat then show:
// Markdown, a table, a picture, Persian in an English console, a note with a list.
func TestTheTextField(t *testing.T) {
	h := openDemo(t)
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	customer := httptest.NewServer(m)
	defer customer.Close()
	operator := h.newOperator(h.workspace, holdfast.Operator, "writer@desk.example")
	play(t, "editor.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(operator), "CUSTOMER="+customer.URL)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.letters) != 2 {
		t.Errorf("the desk sent %d letters", len(m.letters))
	}
}
