package journeys

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"holdfast"
	"holdfast/access"
)

// A client that did not hear the answer sends the same request again, and there
// is still one of the thing, and the same answer.
func TestEveryCreateIsIdempotent(t *testing.T) { each(t, everyCreateIsIdempotent) }

func everyCreateIsIdempotent(t *testing.T, h *house) {
	address := h.mailbox("help@desk.example", "")
	dial(t, h.smtp).send("help@desk.example", goodMail(1, "Begin"))
	c := all[struct{ ID holdfast.ID }](h, "/conversations?view=all")[0].ID.String()
	m := all[struct{ ID holdfast.ID }](h, "/conversations/"+c+"/messages?order=asc")[0].ID.String()
	var aside struct{ ID holdfast.ID }
	h.must("POST", "/conversations/"+c+"/notes", map[string]any{"id": holdfast.NewID(), "text": "Another matter"}, &aside)
	macro := holdfast.NewID().String()
	said := []any{map[string]string{"do": "note", "text": "Done"}}
	h.must("PUT", "/macros/"+macro, map[string]any{"name": "Done", "actions": said}, nil)
	plan := holdfast.NewID().String()
	h.must("PUT", "/plans/"+plan, map[string]any{"name": "Plan", "trigger": map[string]string{"on": "hand"}, "steps": []map[string]any{{"key": "wait", "name": "Wait", "do": "wait", "seconds": 1}}}, nil)
	later := "2126-01-01T00:00:00Z"
	creates := map[string]map[string]any{
		"/conversations": {"message_id": holdfast.NewID(), "text": "Hello", "subject": "S", "channel": address, "not_before": later,
			"to": map[string]string{"scheme": "mailto", "value": "ana@customer.example"}},
		"/conversations/" + c + "/replies":         {"text": "Answer", "not_before": later},
		"/conversations/" + c + "/notes":           {"text": "Note"},
		"/conversations/" + c + "/split":           {"messages": []any{aside.ID}},
		"/conversations/" + c + "/macros/" + macro: {},
		"/conversations/bulk":                      {"ids": []string{c}, "actions": said},
		"/messages/" + m + "/forward":              {"to": map[string]string{"scheme": "mailto", "value": "expert@elsewhere.example"}, "undo": 60},
		"/customers":                               {"name": "Ana", "addresses": []any{map[string]string{"scheme": "tel", "value": "+15550100"}}},
		"/channels":                                {"kind": "chat", "name": "Site"},
		"/operators":                               {"name": "Joe", "email": "joe@desk.example", "role": "operator"},
		"/teams":                                   {"name": "Support"},
		"/webhooks":                                {"url": "https://customer.example/hook"},
		"/workspaces":                              {"name": "Other", "language": "en", "time_zone": "UTC"},
		"/tokens":                                  {"name": "T", "role": "observer"},
		"/plans/" + plan + "/start":                {},
		"/imports":                                 {"source": "csv", "file": "customers.csv"},
	}
	for _, d := range h.doors() { // a create that is not tried here fails
		if d.method != "POST" || d.RequestBody == nil || d.permission == "" {
			continue
		}
		s := d.RequestBody.Content["application/json"].Schema
		if s.Ref != "" {
			s = d.contract.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
		}
		of := c
		if strings.HasPrefix(d.short(), "/messages/") {
			of = m
		} else if strings.HasPrefix(d.short(), "/plans/") {
			of = plan
		}
		if _, takes := s.Properties["id"]; takes && creates[strings.NewReplacer("{id}", of, "{macro}", macro).Replace(d.short())] == nil {
			t.Errorf("%s takes an id and is not tried", d.name())
		}
	}
	everywhere, err := h.Guard.CreateToken(context.Background(), access.System(holdfast.ID{}), access.NewToken{ID: holdfast.NewID(), Name: "installation", Role: holdfast.Administrator})
	if err != nil {
		t.Fatal(err)
	}
	for path, body := range creates {
		h.token = h.newToken(h.workspace, holdfast.Administrator)
		if path == "/workspaces" { // one of them cannot make another
			h.token = everywhere.Secret
		}
		body["id"] = holdfast.NewID()
		var once, twice struct{ ID holdfast.ID }
		h.must("POST", path, body, &once)
		if strings.Contains(path, "/macros/") || path == "/conversations/bulk" {
			// what they do has no id of its own
		} else if id := body["id"]; path == "/conversations" {
			if m, _ := body["message_id"].(holdfast.ID); once.ID != id && once.ID != m {
				t.Errorf("%s: made %v, asked for %v", path, once.ID, id)
			}
		} else if once.ID != id {
			t.Errorf("%s: made %v, asked for %v", path, once.ID, id)
		}
		rows := h.total()
		a := h.ask(t.Context(), caller{token: h.token}, "POST", "/api/v1"+path, body)
		if path == "/tokens" { // its secret is shown once, so a second one must be asked for
			if a.status != http.StatusConflict || strings.Contains(string(a.body), "hf_") {
				t.Errorf("%s again: %d %s", path, a.status, a.body)
			}
		} else if err := json.Unmarshal(a.body, &twice); err != nil || a.status >= 300 || twice.ID != once.ID {
			t.Errorf("%s again: %d %s", path, a.status, a.body)
		}
		if now := h.total(); now != rows {
			t.Errorf("%s again: %s became %s", path, rows, now)
		}
	}
}

// total counts what creates make.
func (h *house) total() string {
	h.t.Helper()
	var s []string
	for _, table := range []string{"conversation", "message", "outbox", "customer", "address", "channel_account", "operator", "member", "team", "webhook", "workspace", "token", "import_run"} {
		s = append(s, fmt.Sprint(table, " ", h.count("SELECT COUNT(*) FROM "+table)))
	}
	return strings.Join(s, ", ")
}

// A reader who turns pages while messages come in skips nothing that was there when
// they began, and sees nothing twice.
func TestPagesHaveNoGapAndNoDouble(t *testing.T) { each(t, pagesHaveNoGapAndNoDouble) }

func pagesHaveNoGapAndNoDouble(t *testing.T, h *house) {
	site := h.channel("chat", "Site", map[string]any{"visitor_per_minute": 0, "address_per_minute": 0})
	h.mailbox("help@desk.example", "")
	const n = 60
	for i := range n {
		h.visit(site).write(holdfast.NewID(), fmt.Sprint("question ", i))
	}
	one := h.visit(site)
	for i := range n {
		one.write(holdfast.NewID(), fmt.Sprint("line ", i))
	}
	line := dial(t, h.smtp)
	for i := range n {
		line.send("help@desk.example", fmt.Appendf(nil, "From: r%d@customer.example\r\nAuto-Submitted: auto-replied\r\nSubject: away %d\r\n\r\naway %d\r\n", i, i, i))
	}
	for i := range n { // which is audited
		h.must("POST", "/teams", map[string]any{"id": holdfast.NewID(), "name": fmt.Sprint("Team ", i)}, nil)
	}
	var long string
	for _, c := range all[struct{ ID, Preview string }](h, "/conversations?view=all") {
		if strings.HasPrefix(c.Preview, "line ") {
			long = c.ID
		}
	}
	if long == "" {
		t.Fatal("there is no long conversation")
	}
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		v := h.visit(site)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			h.visit(site).write(holdfast.NewID(), "new question")
			v.write(holdfast.NewID(), "more of it")
			one.write(holdfast.NewID(), "later")
		}
	})
	defer busy.Wait()
	defer close(stop)
	for _, path := range []string{"/conversations?view=all", "/conversations?view=open", "/customers?", "/arrivals?", "/conversations/" + long + "/messages?", "/conversations/" + long + "/timeline?", "/audit?"} {
		key := "cursor"
		if strings.Contains(path, "/messages") {
			key = "before"
		}
		was := h.idsOf(path)
		seen := map[string]int{}
		pages := 0
		for cursor := ""; ; pages++ {
			var p list[json.RawMessage]
			h.must("GET", fmt.Sprintf("%s&limit=7&%s=%s", path, key, cursor), nil, &p)
			for _, raw := range p.Items {
				seen[idOf(raw)]++
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		missing := 0
		for _, id := range was {
			if seen[id] == 0 {
				missing++
			}
		}
		for id, times := range seen {
			if times != 1 {
				t.Errorf("%s: %s was on %d pages", path, id, times)
			}
		}
		if missing > 0 || pages < 2 || len(was) < 10 {
			t.Errorf("%s: %d of %d were on none of %d pages", path, missing, len(was), pages)
		}
	}
}

func idOf(raw json.RawMessage) string {
	var v struct {
		ID  any
		LSN any
	}
	json.Unmarshal(raw, &v)
	if v.ID == nil {
		v.ID = v.LSN
	}
	return fmt.Sprint(v.ID)
}

// idsOf is a list's first page, as long as a page can be.
func (h *house) idsOf(path string) (ids []string) {
	h.t.Helper()
	var p list[json.RawMessage]
	h.must("GET", path+"&limit=200", nil, &p)
	for _, raw := range p.Items {
		ids = append(ids, idOf(raw))
	}
	return ids
}

var secretForm = regexp.MustCompile(`hf_[A-Za-z0-9_-]{6}`)

// Whatever is wrong with a request, the answer has a stable code, a sentence, and
// where somebody can do something about it, the next step.
func TestErrorsSayWhatToDo(t *testing.T) { each(t, errorsSayWhatToDo) }

func errorsSayWhatToDo(t *testing.T, h *house) {
	token := caller{token: h.token}
	nobody := holdfast.NewID().String()
	for _, c := range []struct {
		who          caller
		method, path string
		body         any
		status       int
		code, next   string
	}{
		{caller{}, "GET", "/conversations", nil, 401, "signin.needed", "API token"},
		{caller{token: "hf_nonsense_" + marker}, "GET", "/conversations", nil, 401, "", ""},
		{caller{token: h.newToken(h.workspace, holdfast.Observer)}, "POST", "/teams", map[string]any{"id": nobody, "name": "x"}, 403, "permission.missing", "administrator"},
		{token, "GET", "/conversations/" + nobody, nil, 404, "conversation.missing", ""},
		{token, "GET", "/conversations/nonsense", nil, 400, "request.invalid", ""},
		{token, "GET", "/conversations?cursor=nonsense", nil, 400, "cursor.malformed", ""},
		{token, "GET", "/outbox?cursor=nonsense", nil, 400, "cursor.malformed", ""},
		{token, "GET", "/conversations?limit=100000", nil, 400, "request.invalid", ""},
		{token, "GET", "/nothing/here", nil, 404, "route.missing", "/docs"},
		{token, "POST", "/teams", map[string]any{"name": "x"}, 400, "request.invalid", ""},
		{token, "POST", "/channels", map[string]any{"id": nobody, "kind": "pigeon", "name": "x"}, 400, "", ""},
		{token, "GET", "/me/sessions", nil, 403, "account.operators_only", "Sign in"},
		{caller{token: h.token, workspace: nobody}, "GET", "/conversations", nil, 404, "", ""},
		{caller{token: h.token, workspace: "x"}, "GET", "/conversations", nil, 400, "workspace.malformed", ""},
	} {
		a := h.ask(context.Background(), c.who, c.method, "/api/v1"+c.path, c.body)
		var p struct {
			Status              int
			Code, Message, Next string
		}
		if err := json.Unmarshal(a.body, &p); err != nil || a.status != c.status || p.Status != c.status || p.Code == "" || p.Message == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
		if c.code != "" && p.Code != c.code || !strings.Contains(p.Next, c.next) {
			t.Errorf("%s %s: code %q, next %q; want %q, %q", c.method, c.path, p.Code, p.Next, c.code, c.next)
		}
		if secretForm.Match(a.body) {
			t.Errorf("%s %s repeats a secret: %s", c.method, c.path, a.body)
		}
	}
	if !slices.Contains(strings.Split(string(h.ask(context.Background(), caller{}, "GET", "/healthz", nil).body), `"`), "alive") {
		t.Error("/healthz does not say that it is alive")
	}
}
