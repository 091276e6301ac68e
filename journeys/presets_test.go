package journeys

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"holdfast"
)

// What is prepared once and used often, and the verbs of the inbox, as a program
// uses them: over HTTP, with mail that really goes.
func TestPreparedAnswersAndTheInboxesVerbs(t *testing.T) {
	each(t, preparedAnswersAndTheInboxesVerbs)
}

func preparedAnswersAndTheInboxesVerbs(t *testing.T, h *house) {
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	write := func(id, subject, text string) {
		t.Helper()
		err := m.carry("ana@customer.example", []byte("From: Ana Lima <ana@customer.example>\r\nTo: "+m.to+"\r\nSubject: "+subject+"\r\nMessage-ID: <"+id+"@customer.example>\r\n\r\n"+text+"\r\n"))
		if err != nil {
			t.Fatal(err)
		}
	}
	write("1", "Router", "It blinks.")
	write("2", "Invoice", "It is wrong.")
	type item struct {
		ID      holdfast.ID
		Subject string
		State   holdfast.Status
		Tags    []string
		Merged  []holdfast.ID
		Parts   []struct {
			ID      holdfast.ID
			Number  int64
			Subject string
		}
	}
	var router, invoice item
	for _, c := range all[item](h, "/conversations?view=all") {
		if c.Subject == "Router" {
			router = c
		} else {
			invoice = c
		}
	}
	joe := caller{session: h.session(h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example"))}
	as := func(who caller, method, path string, body, into any, want int) answer {
		t.Helper()
		a := h.ask(t.Context(), who, method, "/api/v1"+path, body)
		if a.status != want {
			t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, want)
		}
		if into != nil {
			if err := json.Unmarshal(a.body, into); err != nil {
				t.Fatalf("%s %s: %v: %s", method, path, err, a.body)
			}
		}
		return a
	}
	letter := func(subject string) gotten {
		t.Helper()
		var g gotten
		h.until("a letter about "+subject, func() bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			i := slices.IndexFunc(m.letters, func(l gotten) bool { return l.Subject == subject })
			if i >= 0 {
				g = m.letters[i]
			}
			return i >= 0
		})
		return g
	}

	// A canned reply, and a macro that sends it.
	canned, macro := holdfast.NewID(), holdfast.NewID()
	h.must("PUT", "/canned-replies/"+canned.String(), map[string]any{"title": "Restart", "shortcut": "/Restart", "texts": map[string]string{"en": "Dear {{customer.first_name|customer}}, turn it off and on.\n{{operator.name}}"}}, nil)
	as(joe, "PUT", "/canned-replies/"+holdfast.NewID().String(), map[string]any{"title": "Everybody's", "texts": map[string]string{"any": "x"}}, nil, http.StatusForbidden)
	var ready list[struct{ Text, Shortcut string }]
	as(joe, "GET", "/conversations/"+router.ID.String()+"/canned-replies", nil, &ready, http.StatusOK)
	if len(ready.Items) != 1 || ready.Items[0].Shortcut != "restart" || ready.Items[0].Text != "Dear Ana, turn it off and on.\njoe@desk.example" && !strings.HasPrefix(ready.Items[0].Text, "Dear Ana, turn it off and on.\n") {
		t.Errorf("ready to send: %+v", ready.Items)
	}
	as(joe, "PUT", "/macros/"+macro.String(), map[string]any{"owner": map[string]string{"operator": "me"}, "name": "Restart and wait", "actions": []map[string]any{
		{"do": "reply", "canned": canned, "then": "waiting"}, {"do": "tag", "tag": "restart"}, {"do": "assign", "me": true}}}, nil, http.StatusOK)
	// A look at it first, with the texts that would go; it does nothing.
	var steps list[holdfast.Action]
	as(joe, "GET", "/conversations/"+router.ID.String()+"/macros/"+macro.String(), nil, &steps, http.StatusOK)
	if len(steps.Items) != 3 || !strings.HasPrefix(steps.Items[0].Text, "Dear Ana, turn it off and on.") || steps.Items[1].Tag != "restart" {
		t.Errorf("the macro would do %+v", steps.Items)
	}
	h.must("GET", "/conversations/"+router.ID.String(), nil, &router)
	if router.State != holdfast.Open || len(router.Tags) != 0 {
		t.Errorf("looking has made it %+v", router)
	}
	if a := h.ask(t.Context(), caller{token: h.token}, "GET", "/api/v1/conversations/"+router.ID.String()+"/macros/"+macro.String(), nil); a.status != http.StatusNotFound {
		t.Errorf("another looks at Joe's own macro: %d %s", a.status, a.body)
	}
	run := map[string]any{"id": holdfast.NewID()}
	for range 2 {
		var c item
		as(joe, "POST", "/conversations/"+router.ID.String()+"/macros/"+macro.String(), run, &c, http.StatusOK)
		if c.State != holdfast.Waiting || !slices.Equal(c.Tags, []string{"restart"}) {
			t.Errorf("after the macro it is %+v", c)
		}
	}
	if g := letter("Re: Router"); !strings.HasPrefix(g.Text, "Dear Ana, turn it off and on.") {
		t.Errorf("Ana has got %+v", g)
	}

	// Many at once: each says how it went.
	var results list[struct {
		ID    holdfast.ID
		Done  bool
		Error *struct{ Code string }
	}]
	as(joe, "POST", "/conversations/bulk", map[string]any{"id": holdfast.NewID(), "ids": []holdfast.ID{router.ID, invoice.ID, holdfast.NewID()}, "actions": []map[string]any{{"do": "priority", "priority": 2}, {"do": "tag", "tag": "today"}}}, &results, http.StatusOK)
	if r := results.Items; len(r) != 3 || !r[0].Done || !r[1].Done || r[2].Done || r[2].Error == nil || r[2].Error.Code != "conversation.missing" {
		t.Errorf("bulk gave %+v", r)
	}

	// A view of them, and its count.
	view := holdfast.NewID()
	filter := map[string]any{"match": "all", "conditions": []map[string]any{{"field": "tag", "test": "is", "values": []string{"today"}}, {"field": "state", "test": "is", "values": []string{"open"}}}}
	as(joe, "PUT", "/views/"+view.String(), map[string]any{"owner": map[string]string{"operator": "me"}, "name": "Today", "filter": filter}, nil, http.StatusOK)
	var seen list[item]
	as(joe, "GET", "/conversations?view="+view.String(), nil, &seen, http.StatusOK)
	if len(seen.Items) != 1 || seen.Items[0].ID != invoice.ID {
		t.Errorf("the view shows %+v", seen.Items)
	}
	raw, _ := json.Marshal(filter)
	as(joe, "GET", "/conversations?filter="+url.QueryEscape(string(raw)), nil, &seen, http.StatusOK)
	if len(seen.Items) != 1 {
		t.Errorf("the same filter, not saved, shows %+v", seen.Items)
	}
	as(joe, "GET", "/conversations?filter=nonsense", nil, nil, http.StatusBadRequest)
	var counts list[struct {
		ID    holdfast.ID
		Count int
	}]
	as(joe, "GET", "/views/counts", nil, &counts, http.StatusOK)
	if len(counts.Items) != 1 || counts.Items[0].Count != 1 {
		t.Errorf("counts %+v", counts.Items)
	}
	as(joe, "GET", "/views/counts?filter="+url.QueryEscape(string(raw)), nil, &counts, http.StatusOK)
	if len(counts.Items) != 1 || counts.Items[0].Count != 1 || !counts.Items[0].ID.IsZero() {
		t.Errorf("the same filter, not saved, counts %+v", counts.Items)
	}
	as(joe, "GET", "/views/counts?filter=nonsense", nil, nil, http.StatusBadRequest)
	h.must("GET", "/views", nil, &counts)
	if len(counts.Items) != 0 {
		t.Error("another sees Joe's own view")
	}

	// Taken back in time, it never goes; the text is the draft again.
	reply := holdfast.NewID()
	as(joe, "POST", "/conversations/"+invoice.ID.String()+"/replies", map[string]any{"id": reply, "text": "Nonsense!", "undo": 60}, nil, http.StatusCreated)
	as(caller{token: h.token}, "POST", "/messages/"+reply.String()+"/withdraw", nil, nil, http.StatusForbidden)
	var back struct {
		Delivery struct{ State holdfast.Delivery }
	}
	as(joe, "POST", "/messages/"+reply.String()+"/withdraw", nil, &back, http.StatusOK)
	var draft struct{ Draft struct{ Text string } }
	as(joe, "GET", "/conversations/"+invoice.ID.String(), nil, &draft, http.StatusOK)
	if back.Delivery.State != holdfast.Cancelled || draft.Draft.Text != "Nonsense!" {
		t.Errorf("withdrawn %+v, draft %+v", back, draft)
	}

	// Ana writes meanwhile: who has not seen it is told, and may insist.
	lsn := h.Journal.Head()
	write("3", "Re: Invoice", "Sorry, it is right.")
	late := map[string]any{"id": holdfast.NewID(), "text": "We correct it.", "seen_lsn": lsn}
	// a mail of the same subject joins its conversation
	h.until("her second mail is here", func() bool { return len(h.messages(invoice.ID)) >= 3 })
	var problem struct {
		Code  string
		Since []struct{ Text string }
	}
	as(joe, "POST", "/conversations/"+invoice.ID.String()+"/replies", late, &problem, http.StatusConflict)
	if problem.Code != "conversation.changed" || len(problem.Since) != 1 || !strings.Contains(problem.Since[0].Text, "Sorry, it is right.") {
		t.Errorf("the conflict says %+v", problem)
	}
	late["anyway"] = true
	as(joe, "POST", "/conversations/"+invoice.ID.String()+"/replies", late, nil, http.StatusCreated)
	if g := letter("Re: Invoice"); !strings.HasPrefix(g.Text, "We correct it.") {
		t.Errorf("Ana has got %+v", g)
	}

	// Passed on to a workshop; copies are in the envelope.
	first := h.messages(router.ID)[0].ID
	as(joe, "POST", "/messages/"+first.String()+"/forward", map[string]any{"id": holdfast.NewID(), "to": map[string]string{"scheme": "mailto", "value": "shop@repair.example"},
		"cc": []string{"cc@repair.example"}, "bcc": []string{"hidden@desk.example"}, "text": "Please look."}, nil, http.StatusCreated)
	if g := letter("Fwd: Router"); !slices.Equal(g.To, []string{"shop@repair.example", "cc@repair.example", "hidden@desk.example"}) ||
		!strings.Contains(g.Text, "Please look.") || !strings.Contains(g.Text, "From: Ana Lima <ana@customer.example>") || !strings.Contains(g.Text, "It blinks.") || g.References != "" {
		t.Errorf("the workshop has got %+v", g)
	}

	// One matter after all, and then not.
	var one item
	as(joe, "POST", "/conversations/"+router.ID.String()+"/merge", map[string]any{"with": invoice.ID}, &one, http.StatusOK)
	if p := one.Parts; len(p) != 1 || p[0].ID != one.Merged[0] || p[0].Number == 0 || p[0].Subject == one.Subject || p[0].Subject == "" {
		t.Errorf("it is made of %+v", p)
	}
	if len(one.Merged) != 1 || len(all[item](h, "/conversations?view=all")) != 1 {
		t.Errorf("merged %+v", one)
	}
	var events list[struct{ Kind string }]
	as(joe, "GET", "/conversations/"+one.Merged[0].String()+"/timeline", nil, &events, http.StatusOK)
	opened, merged := 0, 0
	for _, e := range events.Items {
		switch e.Kind {
		case "conversation.opened":
			opened++
		case "conversation.merged":
			merged++
		}
	}
	if opened != 2 || merged != 1 {
		t.Errorf("the timeline of both has %+v", events.Items)
	}
	as(joe, "DELETE", "/conversations/"+one.Merged[0].String()+"/merge", nil, nil, http.StatusOK)
	if n := len(all[item](h, "/conversations?view=all")); n != 2 {
		t.Errorf("unmerged there are %d", n)
	}
	taken := holdfast.NewID()
	as(joe, "POST", "/conversations/"+router.ID.String()+"/split", map[string]any{"id": taken, "messages": []holdfast.ID{first}, "subject": "Blinking"}, nil, http.StatusCreated)
	if got := h.messages(taken); len(got) != 1 || got[0].ID != first {
		t.Errorf("split off %+v", got)
	}

	// Custom fields.
	h.must("PUT", "/fields/"+holdfast.NewID().String(), map[string]any{"of": "conversation", "key": "device", "labels": map[string]string{"en": "Device"}, "type": "choice", "choices": []map[string]string{{"value": "router"}}}, nil)
	as(joe, "PATCH", "/conversations/"+router.ID.String()+"/fields", map[string]any{"values": map[string]string{"device": "toaster"}}, nil, http.StatusBadRequest)
	var values struct{ Values map[string]string }
	as(joe, "PATCH", "/conversations/"+router.ID.String()+"/fields", map[string]any{"values": map[string]string{"device": "router"}}, &values, http.StatusOK)
	if values.Values["device"] != "router" {
		t.Errorf("values %+v", values)
	}
	h.must("PUT", "/fields/"+holdfast.NewID().String(), map[string]any{"of": "conversation", "key": "order", "labels": map[string]string{"en": "Order"}, "type": "text", "required": true}, nil)
	as(joe, "PATCH", "/conversations/"+router.ID.String()+"/fields", map[string]any{"values": map[string]string{"order": "17"}}, nil, http.StatusOK)
	as(joe, "PATCH", "/conversations/"+router.ID.String()+"/fields", map[string]any{"values": map[string]string{"order": " "}}, nil, http.StatusBadRequest)
	as(joe, "PATCH", "/conversations/"+router.ID.String()+"/fields", map[string]any{"values": map[string]string{"order": "18"}}, nil, http.StatusOK)

	// A tag gets another name, in Joe's own macro and the view, too; then it becomes one
	// with a tag that there is already, and is taken away.
	type tag struct {
		Tag   string
		Count int
	}
	tags := func() map[string]int {
		m := map[string]int{}
		var l list[tag]
		h.must("GET", "/tags", nil, &l)
		for _, x := range l.Items {
			m[x.Tag] = x.Count
		}
		return m
	}
	as(joe, "PUT", "/tags/restart", map[string]any{"name": "reboot"}, nil, http.StatusForbidden)
	var changed struct{ Conversations, Presets int }
	h.must("PUT", "/tags/restart", map[string]any{"name": "Reboot now"}, &changed)
	if now := tags(); changed.Conversations == 0 || changed.Presets != 1 || now["reboot-now"] != changed.Conversations || now["restart"] != 0 {
		t.Errorf("renamed: %+v, %v", changed, now)
	}
	var m2 struct{ Actions []holdfast.Action }
	as(joe, "GET", "/macros/"+macro.String(), nil, &m2, http.StatusOK)
	if len(m2.Actions) != 3 || m2.Actions[1].Tag != "reboot-now" {
		t.Errorf("the macro is %+v", m2)
	}
	as(joe, "DELETE", "/tags/restart", nil, nil, http.StatusForbidden)
	h.must("PUT", "/tags/reboot-now", map[string]any{"name": "today"}, &changed)
	if now := tags(); now["today"] < 2 || now["reboot-now"] != 0 {
		t.Errorf("merged: %+v, %v", changed, now)
	}
	h.must("DELETE", "/tags/today", nil, nil)
	if now := tags(); len(now) != 0 {
		t.Errorf("removed: %v", now)
	}
}
