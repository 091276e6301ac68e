package journeys

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"holdfast"
)

// TestViewsAndManyAtOnce plays a lead, a colleague of the same team and one of another in
// Chromium: views that are one's own or shared, what is done to many and undone, macros,
// conversations that become one and are taken apart, mentions.
func TestViewsAndManyAtOnce(t *testing.T) {
	h := open(t, t.TempDir())
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	n := 0
	write := func(name, subject string) error {
		n++
		return m.carry(name+"@customer.example", fmt.Appendf(nil, "From: %s Lima <%s@customer.example>\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%d@customer.example>\r\n\r\nIt is about %s.\r\n", name, name, m.to, subject, n, subject))
	}
	customer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subject, err := io.ReadAll(r.Body)
		if err == nil {
			err = write(r.URL.Query().Get("name"), string(subject))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	defer customer.Close()
	for i := range 12 {
		if err := write(fmt.Sprintf("Kim%d", i+1), fmt.Sprintf("Invoice %d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range []string{"Router", "Router again"} {
		if err := write("Ana", subject); err != nil {
			t.Fatal(err)
		}
	}
	lead := h.newOperator(h.workspace, holdfast.Supervisor, "lead@desk.example")
	ann := h.newOperator(h.workspace, holdfast.Operator, "ann@desk.example")
	bob := h.newOperator(h.workspace, holdfast.Operator, "bob@desk.example")
	gone := h.newOperator(h.workspace, holdfast.Operator, "gone@desk.example")
	team := holdfast.NewID()
	h.must("POST", "/teams", map[string]any{"id": team, "name": "Billing"}, nil)
	h.must("PUT", "/teams/"+team.String()+"/members", map[string]any{"operators": []holdfast.ID{lead, ann}}, nil)
	h.must("PUT", "/macros/"+holdfast.NewID().String(), map[string]any{"name": "Thank and wait", "actions": []map[string]any{
		{"do": "reply", "text": "Dear {{customer.first_name|friend}}, thank you.", "then": "waiting"}, {"do": "tag", "tag": "thanked"}}}, nil)
	h.must("PUT", "/macros/"+holdfast.NewID().String(), map[string]any{"name": "Hand over", "actions": []map[string]any{{"do": "tag", "tag": "halfway"}, {"do": "assign", "operator": gone}}}, nil)
	h.must("PATCH", "/operators/"+gone.String(), map[string]any{"disabled": true}, nil)
	h.must("PUT", "/fields/"+holdfast.NewID().String(), map[string]any{"of": "conversation", "key": "plan", "labels": map[string]string{"en": "Plan"}, "type": "choice",
		"choices": []map[string]any{{"value": "gold", "labels": map[string]string{"en": "Gold"}}, {"value": "tin"}}}, nil)
	play(t, "views.mjs", "HOLDFAST_URL="+h.base, "LEAD="+h.link(lead), "ANN="+h.link(ann), "BOB="+h.link(bob), "CUSTOMER="+customer.URL)

	// What was thanked for was thanked for once; the reply could be taken back until now.
	h.until("the macro's reply", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.letters) > 0
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.letters[min(1, len(m.letters)):] {
		if l.Subject == m.letters[0].Subject && l.Text == m.letters[0].Text {
			t.Errorf("%q went twice", l.Text)
		}
	}
}
