package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
)

// booth is what the exam's visitor keeps from one request to the next, and the
// server that his WebSocket goes to.
type booth struct {
	srv     *httptest.Server
	token   string
	visitor string
	upload  string
}

func examSettings(t *testing.T, s *channeltest.Seat) string {
	b := &booth{}
	s.Fake = b
	b.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Adapter.(channel.Webhook).ServeWebhook(w, r, s.Sink)
	}))
	t.Cleanup(func() {
		// the account's end, as the desk brings it about: streams are sent away
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Adapter.(channel.Listener).Listen(ctx, s.Sink); err != nil {
			t.Error(err)
		}
		b.srv.Close()
	})
	// without limits, so that a refusal in the exam is never only a visitor who is too quick
	return fmt.Sprintf(`{"identity_secret":%q,"visitor_per_minute":0,"address_per_minute":0}`, siteSecret)
}

// asks sends one request of the exam's visitor, who has a session from then on.
func asks(s *channeltest.Seat, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if token := s.Fake.(*booth).token; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.Adapter.(channel.Webhook).ServeWebhook(w, r, s.Sink)
	return w
}

// arrives starts the visitor's session, once in a seat.
func arrives(t *testing.T, s *channeltest.Seat, session string) *booth {
	t.Helper()
	b := s.Fake.(*booth)
	if b.token != "" {
		return b
	}
	var got struct{ Token, Visitor string }
	w := asks(s, http.MethodPost, "/session", session)
	if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != http.StatusOK || err != nil || got.Token == "" {
		t.Fatalf("session: %d %s", w.Code, w.Body)
	}
	b.token, b.visitor = got.Token, got.Visitor
	return b
}

// posts hands in one message by HTTP; 201 is the only word that means "stored".
func posts(t *testing.T, s *channeltest.Seat, body string) bool {
	t.Helper()
	w := asks(s, http.MethodPost, "/messages", body)
	if w.Code/100 == 2 && w.Code != http.StatusCreated {
		t.Fatalf("%d is no answer of this address: %s", w.Code, w.Body)
	}
	if w.Code >= 500 && strings.Contains(w.Body.String(), "nobody foresaw") {
		t.Errorf("an inner error reaches the visitor: %s", w.Body)
	}
	return w.Code == http.StatusCreated
}

func TestExam(t *testing.T) {
	visitor := holdfast.Address{Scheme: "visitor", Value: someID}
	answer := channel.Outbound{ID: holdfast.MustID("0197a3f0-0000-7000-8000-0000000000aa"), To: visitor, Author: "Joe", Text: "On its way."}
	channeltest.Exam{
		Kind:    Kind(),
		Setup:   examSettings,
		Secrets: []string{siteSecret},
		Deliveries: []channeltest.Delivery{
			{
				Name: "a message",
				Give: func(t *testing.T, s *channeltest.Seat) bool {
					arrives(t, s, `{"name":"Ana","lang":"fa"}`)
					return posts(t, s, `{"id":"`+someID+`","text":" سفارش من کجاست؟ ","page":"https://shop.example/cart#top"}`)
				},
				Check: func(t *testing.T, s *channeltest.Seat, m channel.Inbound) {
					b := s.Fake.(*booth)
					if m.From != (holdfast.Address{Scheme: "visitor", Value: b.visitor, Name: "Ana"}) || m.Text != "سفارش من کجاست؟" || m.Language != "fa" || m.Page != "https://shop.example/cart" {
						t.Errorf("%+v", m)
					}
					if m.Key != b.visitor+":"+someID || m.ID != StoredID(s.Account.ID, b.visitor, holdfast.MustID(someID)) || len(m.Also) != 0 {
						t.Errorf("known as %q, %s; proved %v", m.Key, m.ID, m.Also)
					}
				},
			},
			{
				Name: "a file without a word",
				Give: func(t *testing.T, s *channeltest.Seat) bool {
					b := arrives(t, s, `{}`)
					if b.upload == "" {
						var got struct{ ID string }
						w := asks(s, http.MethodPost, "/uploads?name=%D1%87%D0%B5%D0%BA.txt", "three pears")
						if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != http.StatusCreated || err != nil {
							t.Fatalf("upload: %d %s", w.Code, w.Body)
						}
						if len(s.Sink.Offered()) != 0 {
							t.Error("an upload alone is already a message")
						}
						b.upload = got.ID
					}
					return posts(t, s, `{"id":"`+someID+`","attachments":["`+b.upload+`"]}`)
				},
				Check: func(t *testing.T, s *channeltest.Seat, m channel.Inbound) {
					if len(m.Attachments) != 1 || m.Attachments[0].Name != "чек.txt" || string(s.Blobs.Bytes(m.Attachments[0].Hash)) != "three pears" {
						t.Errorf("%+v", m.Attachments)
					}
				},
			},
			{
				Name: "a customer whom the site vouches for",
				Give: func(t *testing.T, s *channeltest.Seat) bool {
					arrives(t, s, `{"identity":{"user_id":"u-7","email":"ana@example.com","hmac":"`+sum(siteSecret, "u-7\nana@example.com")+`"}}`)
					return posts(t, s, `{"id":"`+someID+`","text":"Hello"}`)
				},
				Check: func(t *testing.T, _ *channeltest.Seat, m channel.Inbound) {
					if len(m.Also) != 1 || m.Also[0].Scheme != "mailto" || m.Also[0].Value != "ana@example.com" || !m.Also[0].Verified {
						t.Errorf("proved %+v", m.Also)
					}
				},
			},
			{
				Name: "a message over a socket",
				Give: func(t *testing.T, s *channeltest.Seat) bool {
					b := arrives(t, s, `{}`)
					l := dial(t, b.srv.URL, b.token, 0)
					defer func() { _ = l.conn.CloseNow() }()
					l.says(`{"type":"message","id":"` + someID + `","text":"Hello?"}`)
					h := l.hears()
					if h.ID != someID || h.Type != "ok" && h.Type != "error" {
						t.Fatalf("heard %+v", h)
					}
					return h.Type == "ok"
				},
			},
		},
		Sends: []channeltest.Send{
			{Name: "accepted", Message: answer, Check: reads},
			{Name: "somebody else's address", Message: channel.Outbound{To: holdfast.Address{Scheme: "mailto", Value: "ana@example.com"}, Text: "x"}, Want: channel.Permanent},
			{Name: "no visitor's id", Message: channel.Outbound{To: holdfast.Address{Scheme: "visitor", Value: "ana"}, Text: "x"}, Want: channel.Permanent},
		},
		Without: map[string]string{
			string(channel.Temporary): "Send only looks at the address: the visitor reads the stored message through the feed, and nothing in between can be away for a while",
			string(channel.Throttled): "no provider counts what the desk says to its own visitors",
			string(channel.Blocked):   "a visitor cannot refuse messages: he just does not come back, and the message waits for him",
			string(channel.Broken):    "there is no account with anybody that could be revoked",
			string(channel.Unknown):   "nothing is carried over a network, so there is no moment at which it may or may not have gone",
		},
		Malformed: [][]byte{
			[]byte(`{"id":"` + someID + `","text":"Hello?","attachments":["v1.e30.AAAA"],"page":"https://shop.example/","lang":"ru","name":"Ana","email":"ana@example.com"}`),
			[]byte(`{"id":"` + someID + `","text":"Hello?"}`),
			[]byte(`{"id":"` + someID + `","text":7}`),
			[]byte(`{"identity":{"user_id":"u","jwt":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0."}}`),
			[]byte(`{"type":"seen","n":9223372036854775807}`),
			[]byte(`{`), []byte(`[[[[`), []byte(`null`), []byte("\xff\x00"), nil,
			[]byte(`{"id":"` + someID + `","text":"` + strings.Repeat(`\u0000`, 500) + `x"}`),
		},
		Feed: func(t *testing.T, s *channeltest.Seat, raw []byte) {
			b := s.Fake.(*booth)
			if b.token == "" {
				arrives(t, s, `{}`)
			}
			for _, path := range []string{"/messages", "/signals", "/session", "/uploads"} {
				before := len(s.Sink.Offered())
				w := asks(s, http.MethodPost, path, string(raw))
				if w.Code >= 500 {
					t.Errorf("%s %q: %d %s", path, raw, w.Code, w.Body)
				}
				stored := len(s.Sink.Offered()) - before
				if said := path == "/messages" && w.Code == http.StatusCreated; said != (stored == 1) || stored > 1 {
					t.Errorf("%s %q: answered %d, and %d messages reached the desk", path, raw, w.Code, stored)
				}
				if strings.Contains(w.Body.String(), `"verified":true`) {
					t.Errorf("nobody has signed %q", raw)
				}
			}
		},
	}.Run(t)
}

// reads checks the far end of a message that was accepted: it is not delivered
// until the visitor's own client says so, and then exactly once.
func reads(t *testing.T, s *channeltest.Seat, sent channel.Sent) {
	t.Helper()
	if sent.Delivered {
		t.Error("delivered, and nobody has read it")
	}
	id := holdfast.MustID("0197a3f0-0000-7000-8000-0000000000aa")
	b := s.Fake.(*booth)
	b.token = s.Adapter.(*Adapter).visitorToken(&claims{Visitor: someID})
	it := s.Feed.Add(holdfast.Address{Scheme: "visitor", Value: someID}, channel.Item{ID: id, Direction: holdfast.Outbound, Author: "Joe", Text: "On its way."})
	if w := asks(s, http.MethodGet, "/messages?after=0", ""); w.Code != http.StatusOK || strings.Count(w.Body.String(), "On its way.") != 1 {
		t.Errorf("the visitor reads %d %s", w.Code, w.Body)
	}
	if n := len(s.Sink.Reports()); n != 0 {
		t.Errorf("%d reports before the visitor's client has said anything", n)
	}
	for range 2 {
		if w := asks(s, http.MethodPost, "/signals", fmt.Sprintf(`{"type":"ack","n":%d}`, it.N)); w.Code != http.StatusNoContent {
			t.Errorf("ack: %d %s", w.Code, w.Body)
		}
	}
	if got := s.Sink.Reports(); len(got) != 1 || got[0].Message != id || got[0].State != holdfast.Delivered {
		t.Errorf("reported %+v", got)
	}
}
