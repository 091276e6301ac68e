package journeys

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
)

// TestAVisitorWhoHasLeftIsAnsweredByMail leaves an address in a chat and goes: the
// answer comes by mail, once, and what is answered to it lands where it belongs.
func TestAVisitorWhoHasLeftIsAnsweredByMail(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	site := h.channel("chat", "Site", map[string]any{"form": []string{"name", "mail"}})
	joe := h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example")

	leaves := func(address string) holdfast.ID {
		v := h.visit(site)
		v.ask("POST", "/messages", map[string]any{"id": holdfast.NewID(), "text": "Is it in stock?", "answers": map[string]string{"name": "Ana", "mail": address}}, nil)
		var newest holdfast.ID
		for _, c := range all[struct{ ID holdfast.ID }](h, "/conversations?view=all") {
			newest = c.ID
			break
		}
		return newest
	}
	talk, silent := leaves("ana@customer.example"), leaves("")
	for _, c := range []holdfast.ID{talk, silent} {
		if _, err := h.Desk.Reply(context.Background(), desk.By{Workspace: h.workspace, Actor: access.System(h.workspace).Actor, Operator: joe}, c, desk.Reply{ID: holdfast.NewID(), Text: "Yes, three of them."}); err != nil {
			t.Fatal(err)
		}
	}
	h.until("the answers are in the chat", func() bool {
		return h.count("SELECT COUNT(*) FROM outbox WHERE scheme = 'visitor' AND state IN ('accepted', 'delivered')") == 2
	})
	look := func(after time.Duration) {
		t.Helper()
		if err := h.Unread.Look(context.Background(), time.Now().Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	look(time.Minute)
	if n := h.count("SELECT COUNT(*) FROM outbox WHERE scheme = 'mailto'"); n != 0 {
		t.Fatalf("%d mails went before the visitor had time to read", n)
	}
	look(3 * time.Minute)
	look(4 * time.Minute)
	box := httptest.NewServer(m)
	defer box.Close()
	var letters []gotten
	h.until("the mail is there", func() bool {
		res, err := http.Get(box.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&letters); err != nil {
			t.Fatal(err)
		}
		return len(letters) > 0
	})
	l := letters[0]
	if len(letters) != 1 || l.To[0] != "ana@customer.example" || !strings.Contains(l.Text, "Yes, three of them.") || !strings.Contains(l.Text, "simply reply") {
		t.Fatalf("the mails are %+v", letters)
	}

	answer, err := json.Marshal(gotten{From: "ana@customer.example", Subject: "Re: " + l.Subject, MessageID: "<a@customer.example>", InReplyTo: l.MessageID, References: l.MessageID, Text: "Then I take two."})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(box.URL, "application/json", bytes.NewReader(answer))
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("the answer was not carried: %v %v", err, res)
	}
	h.until("the answer is in the same conversation", func() bool {
		for _, s := range h.messages(talk) {
			if s.Direction == "in" && strings.HasPrefix(s.Text, "Then I take two.") {
				return true
			}
		}
		return false
	})
	if n := len(all[struct{ ID holdfast.ID }](h, "/conversations?view=all")); n != 2 {
		t.Errorf("there are %d conversations, not two", n)
	}
}
