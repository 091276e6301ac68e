package journeys

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"holdfast"
)

// TestAnAdministratorKeepsTheDeskInOrder walks the screens of administration in Chromium,
// in each language: what is prepared for answers, fields, hours, surveys and their
// ratings, tags, a lost second factor, the sign-in provider; and what an operator has of it.
func TestAnAdministratorKeepsTheDeskInOrder(t *testing.T) {
	h := open(t, t.TempDir())
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	customer := httptest.NewServer(m)
	defer customer.Close()
	admin := h.newOperator(h.workspace, holdfast.Administrator, "admin@desk.example")
	sites, links := map[string][]holdfast.ID{}, map[string]string{}
	for _, language := range []string{"en", "ru", "fa"} {
		// What visitors are told is looked up at times: each site is asked once.
		sites[language] = []holdfast.ID{h.channel("chat", "Before "+language, map[string]any{}), h.channel("chat", "After "+language, map[string]any{})}
		h.withTOTP(h.newOperator(h.workspace, holdfast.Operator, "lost-"+language+"@desk.example"))
		links[language] = h.link(h.newOperator(h.workspace, holdfast.Operator, "joe-"+language+"@desk.example"))
	}
	env := func(name string, v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return name + "=" + string(b)
	}
	play(t, "admin.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(admin), "CUSTOMER="+customer.URL, env("SITES", sites), env("LINKS", links))

	var ratings list[struct{ Score int }]
	if h.must("GET", "/ratings?kind=csat&commented=true", nil, &ratings); len(ratings.Items) != 3 {
		t.Errorf("there are %d ratings with words, not one for each language", len(ratings.Items))
	}
	for _, path := range []string{"/ratings/export", "/ratings?kind=nps"} {
		if got := h.must("GET", path, nil, nil); path == "/ratings/export" && strings.Count(strings.TrimSpace(string(got.body)), "\n") != 3 {
			t.Errorf("the table is %s", got.body)
		}
	}
}

// TestWhetherTheyWouldRecommendUsIsAskedNotTooOften resolves two matters of one customer:
// the first brings the question of recommending, in the workspace's words and in place of
// the other one, the second so soon after does not.
func TestWhetherTheyWouldRecommendUsIsAskedNotTooOften(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := newMailman(t)
		m.desk, m.to = h.smtp, "help@desk.example"
		h.mailbox(m.to, m.addr)
		customer := httptest.NewServer(m)
		defer customer.Close()
		defer func() {
			if t.Failed() {
				m.mu.Lock()
				defer m.mu.Unlock()
				for _, g := range m.letters {
					t.Logf("they got %q: %q", g.Subject, g.Text)
				}
				dead, _ := h.Journal.DeadLetters(context.Background(), 10)
				t.Log(h.ask(context.Background(), caller{token: h.token}, "GET", "/api/v1/outbox", nil).body, dead)
			}
		}()
		joe := caller{session: h.session(h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example"))}
		h.must("PUT", "/survey", map[string]any{"csat": "stars", "nps": "resolved", "nps_every": 30, "questions": map[string]any{"nps": map[string]string{"en": "Would you tell a friend of {name}?"}}}, nil)
		for _, c := range []struct{ subject, asks, not string }{{"First matter", "Would you tell a friend of Ours?", "How did"}, {"Second matter", "How did Ours help you?", "tell a friend"}} {
			raw, _ := json.Marshal(gotten{From: "new@customer.example", Subject: c.subject, MessageID: "<" + strings.ReplaceAll(c.subject, " ", ".") + "@customer.example>", Text: "Hello"})
			res, err := http.Post(customer.URL, "application/json", strings.NewReader(string(raw)))
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
				t.Fatal(res.Status, string(b))
			}
			res.Body.Close()
			var id holdfast.ID
			h.until("the letter is there", func() bool {
				for _, x := range all[struct {
					ID      holdfast.ID
					Subject string
				}](h, "/conversations?view=all") {
					if x.Subject == c.subject {
						id = x.ID
					}
				}
				return !id.IsZero()
			})
			// What a program answers is nobody's help that one could rate.
			if a := h.ask(t.Context(), joe, "POST", "/api/v1/conversations/"+id.String()+"/replies", map[string]any{"id": holdfast.NewID(), "text": "Done", "then": "resolved"}); a.status >= 300 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			h.until("the customer is asked about "+c.subject, func() bool {
				m.mu.Lock()
				defer m.mu.Unlock()
				return slices.ContainsFunc(m.letters, func(g gotten) bool {
					return strings.HasSuffix(g.Subject, c.subject) && strings.Contains(g.Text, c.asks) && strings.Contains(g.Text, "/rate/")
				})
			})
			m.mu.Lock()
			for _, g := range m.letters {
				if strings.HasSuffix(g.Subject, c.subject) && strings.Contains(g.Text, c.not) {
					t.Errorf("%s: they are asked %q", c.subject, g.Text)
				}
			}
			m.mu.Unlock()
		}
	})
}
