package journeys

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
	"holdfast/store"
)

// got waits until a customer's mailbox holds n letters, and returns them.
func (m *mailman) got(h *house, n int) []gotten {
	h.t.Helper()
	var list []gotten
	h.until("the mail is there", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		list = append(list[:0], m.letters...)
		return len(list) >= n
	})
	if len(list) != n {
		h.t.Fatalf("there are %d letters, not %d: %+v", len(list), n, list)
	}
	return list
}

// tries is ask for what may be refused; the code is "" when it was not.
func (v *visitor) tries(path, body string) (status int, text string) {
	q, err := http.NewRequest("POST", v.root+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+v.token)
	q.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// TestAVisitorAsksForTheConversationByMail walks a transcript from the chat: an
// address is asked for when none is known, nothing goes to anybody before somebody
// has answered, the same is not sent twice, and an answer to it comes home.
func TestAVisitorAsksForTheConversationByMail(t *testing.T) {
	each(t, aVisitorAsksForTheConversationByMail)
}

func aVisitorAsksForTheConversationByMail(t *testing.T, h *house) {
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	site := h.channel("chat", "Site", map[string]any{})
	joe := h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example")
	v := h.visit(site)
	v.write(holdfast.NewID(), "Is it in stock?")
	talk := all[struct{ ID holdfast.ID }](h, "/conversations?view=all")[0].ID
	if status, text := v.tries("/transcripts", `{"address": "victim@elsewhere.example"}`); status != 409 || !strings.Contains(text, "transcript.empty") {
		t.Fatalf("words that nobody has answered went out: %d %s", status, text)
	}
	by := desk.By{Workspace: h.workspace, Actor: access.System(h.workspace).Actor, Operator: joe}
	says := func(text string) {
		t.Helper()
		m, err := h.Desk.Reply(context.Background(), by, talk, desk.Reply{ID: holdfast.NewID(), Text: text})
		if err != nil {
			t.Fatal(err)
		}
		h.until("it is in the chat", func() bool {
			return h.count("SELECT COUNT(*) FROM outbox WHERE message = $1 AND state IN ('accepted', 'delivered', 'seen')", m.ID) == 1
		})
	}
	says("Yes, three of them.")
	if _, err := h.Desk.Note(context.Background(), by, talk, desk.NoteIn{ID: holdfast.NewID(), Text: "He is a spy"}); err != nil {
		t.Fatal(err)
	}
	if status, text := v.tries("/transcripts", `{}`); status != 400 || !strings.Contains(text, "transcript.address_needed") {
		t.Fatalf("without an address: %d %s", status, text)
	}
	if status, text := v.tries("/transcripts", `{"address": "ana <a@b.c>"}`); status != 400 || !strings.Contains(text, "transcript.address_invalid") {
		t.Fatalf("to no address: %d %s", status, text)
	}
	for range 2 {
		if status, text := v.tries("/transcripts", `{"address": "Ana@customer.example", "lang": "en"}`); status != 202 || !strings.Contains(text, "an•••@customer.example") {
			t.Fatalf("%d %s", status, text)
		}
	}
	l := m.got(h, 1)[0]
	if l.To[0] != "ana@customer.example" || !strings.Contains(l.Text, "Is it in stock?") || !strings.Contains(l.Text, "Yes, three of them.") || strings.Contains(l.Text, "spy") {
		t.Fatalf("%+v", l)
	}
	says("And a red one.")
	for i, want := range []int{202, 202, 429} {
		if i > 0 {
			says("More.")
		}
		if status, text := v.tries("/transcripts", `{"address": "ana@customer.example"}`); status != want {
			t.Fatalf("transcript %d: %d %s", i+2, status, text)
		}
	}
	m.got(h, 3)
	// The outbox shows them, by their purpose and their conversation.
	seen := 0
	for _, i := range all[struct {
		Letter       string
		Conversation holdfast.ID
	}](h, "/outbox?") {
		if i.Letter == "transcript" && i.Conversation == talk {
			seen++
		}
	}
	if seen != 3 {
		t.Errorf("the outbox shows %d transcripts", seen)
	}
	// Somebody else's conversation is not theirs to ask for.
	stranger := h.visit(site)
	if status, text := stranger.tries("/transcripts", `{"address": "eve@customer.example"}`); status != 409 {
		t.Errorf("a stranger: %d %s", status, text)
	}
	// What is answered to it lands where it belongs.
	if err := m.carry("ana@customer.example", []byte("From: ana@customer.example\r\nTo: "+m.to+"\r\nSubject: Re: "+l.Subject+"\r\nMessage-ID: <t@customer.example>\r\nIn-Reply-To: "+l.MessageID+"\r\n\r\nI take two.\r\n")); err != nil {
		t.Fatal(err)
	}
	h.until("the answer is in the same conversation", func() bool {
		for _, s := range h.messages(talk) {
			if strings.HasPrefix(s.Text, "I take two.") {
				return true
			}
		}
		return false
	})
	// An operator sends it only to the customer's own addresses.
	path := "/api/v1/conversations/" + talk.String() + "/transcript"
	if a := h.ask(context.Background(), caller{token: h.token}, "POST", path, map[string]string{"address": "friend@elsewhere.example"}); a.status != 422 && a.status != 400 {
		t.Errorf("an operator to anybody: %d %s", a.status, a.body)
	}
}

// TestAnAddressThatWantsNoAnswersGetsNone refuses the mail that follows a visitor
// with the button of a mail program, and takes it back on the page.
func TestAnAddressThatWantsNoAnswersGetsNone(t *testing.T) {
	each(t, anAddressThatWantsNoAnswersGetsNone)
}

func anAddressThatWantsNoAnswersGetsNone(t *testing.T, h *house) {
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	site := h.channel("chat", "Site", map[string]any{"form": []string{"name", "mail"}})
	joe := h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example")
	v := h.visit(site)
	v.ask("POST", "/messages", map[string]any{"id": holdfast.NewID(), "text": "Hello?", "answers": map[string]string{"name": "Ana", "mail": "ana@customer.example"}}, nil)
	talk := all[struct{ ID holdfast.ID }](h, "/conversations?view=all")[0].ID
	answers := func(text string) {
		t.Helper()
		m, err := h.Desk.Reply(context.Background(), desk.By{Workspace: h.workspace, Actor: access.System(h.workspace).Actor, Operator: joe}, talk, desk.Reply{ID: holdfast.NewID(), Text: text})
		if err != nil {
			t.Fatal(err)
		}
		h.until("it is in the chat", func() bool {
			return h.count("SELECT COUNT(*) FROM outbox WHERE message = $1 AND state IN ('accepted', 'delivered')", m.ID) == 1
		})
		if err := h.Unread.Look(context.Background(), time.Now().Add(3*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	answers("One.")
	l := m.got(h, 1)[0]
	if !strings.HasPrefix(l.Unsubscribe, h.base+"/mail-off/") || l.OneClick != "List-Unsubscribe=One-Click" || !strings.Contains(l.Text, l.Unsubscribe) {
		t.Fatalf("the mail says of how to refuse it %+v", l)
	}
	page := func(method string, form url.Values, lang string) string {
		t.Helper()
		q, err := http.NewRequest(method, l.Unsubscribe, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Accept-Language", lang)
		res, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != 200 {
			t.Fatalf("%s: %d %s", method, res.StatusCode, b)
		}
		return string(b)
	}
	muted := func() int64 { return h.count("SELECT COUNT(*) FROM mute WHERE muted") }
	// A scanner opens every link, and that refuses nothing.
	if p := page("GET", nil, "fa"); !strings.Contains(p, "ana@customer.example") || !strings.Contains(p, `dir="rtl"`) || muted() != 0 {
		t.Fatalf("opened: %s", p)
	}
	for range 2 {
		page("POST", url.Values{"List-Unsubscribe": {"One-Click"}}, "en")
	}
	if muted() != 1 || h.count("SELECT COUNT(*) FROM audit WHERE action = 'address.muted'") != 1 {
		t.Error("it is not remembered once")
	}
	answers("Two.")
	m.got(h, 1)
	page("POST", url.Values{"mail": {"on"}}, "en")
	answers("Three.")
	m.got(h, 3) // what was unread is still news
	broken := strings.Replace(l.Unsubscribe, "/mail-off/", "/mail-off/A", 1)
	if res, err := http.PostForm(broken, url.Values{"List-Unsubscribe": {"One-Click"}}); err != nil || res.StatusCode != 404 || muted() != 0 {
		t.Errorf("a link that is not ours: %v %v", res, err)
	}
}

// TestOperatorsGetADigestAndWhatReachedThemInNoOtherWay mails what waits once, and
// nothing where nothing does.
func TestOperatorsGetADigestAndWhatReachedThemInNoOtherWay(t *testing.T) {
	each(t, operatorsGetADigestAndWhatReachedThemInNoOtherWay)
}

func operatorsGetADigestAndWhatReachedThemInNoOtherWay(t *testing.T, h *house) {
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	site := h.channel("chat", "Site", map[string]any{})
	joe := h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example")
	who := caller{session: h.session(joe)}
	settings := func() map[string]any {
		var v struct{ Settings map[string]any }
		if err := json.Unmarshal(h.ask(context.Background(), who, "GET", "/api/v1/me/notices", nil).body, &v); err != nil {
			t.Fatal(err)
		}
		return v.Settings
	}
	s := settings()
	s["mail"], s["digest"] = true, map[string]any{"every": "daily", "at": "08:00", "day": 1}
	if a := h.ask(context.Background(), who, "PUT", "/api/v1/me/notices", s); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	due := func() {
		t.Helper()
		if err := h.DB.Write(context.Background(), func(tx *store.Tx) error {
			return errors.Join(tx.Exec("UPDATE notice_mail SET digest_at = 1 WHERE digest_at > 0"), tx.Exec("UPDATE notice_unseen SET at = at - 660000"))
		}); err != nil {
			t.Fatal(err)
		}
		if err := h.Notices.Mail(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	due() // nothing to say, no mail
	if n := h.count("SELECT COUNT(*) FROM letter"); n != 0 {
		t.Fatalf("%d letters say nothing", n)
	}
	if h.count("SELECT COUNT(*) FROM notice_mail WHERE digest_at > 1") != 1 {
		t.Error("the next digest is not planned")
	}
	v := h.visit(site)
	v.write(holdfast.NewID(), "a secret")
	talk := all[struct{ ID holdfast.ID }](h, "/conversations?view=all")[0].ID
	h.must("PUT", "/conversations/"+talk.String()+"/assignment", map[string]any{"operator": joe, "team": ""}, nil)
	h.until("it is known that it concerns Joe", func() bool { return h.count("SELECT COUNT(*) FROM notice_unseen WHERE kind = 'assigned'") == 1 })
	due()
	list := m.got(h, 2)
	for _, l := range list {
		if l.To[0] != "joe@desk.example" || strings.Contains(l.Text, "secret") || !strings.Contains(l.Text, talk.String()) {
			t.Errorf("%+v", l)
		}
	}
	digest := list[0]
	if digest.Unsubscribe == "" {
		digest = list[1]
	}
	if digest.Unsubscribe == "" || !strings.Contains(digest.Text, "New messages in your conversations: 1") {
		t.Fatalf("no digest among %+v", list)
	}
	due()
	if n := h.count("SELECT COUNT(*) FROM letter WHERE purpose = 'alarm'"); n != 1 {
		t.Errorf("he was told of it %d times", n)
	}
	before := h.count("SELECT COUNT(*) FROM letter WHERE purpose = 'digest'")
	if res, err := http.PostForm(digest.Unsubscribe, url.Values{"List-Unsubscribe": {"One-Click"}}); err != nil || res.StatusCode != 200 {
		t.Fatalf("%v %v", res, err)
	}
	if d := settings()["digest"].(map[string]any); d["every"] != "off" {
		t.Errorf("the digest is still %v", d)
	}
	due()
	if n := h.count("SELECT COUNT(*) FROM letter WHERE purpose = 'digest'"); n != before {
		t.Error("a digest that was refused came")
	}
}
