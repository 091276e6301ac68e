package loop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
	"holdfast/channel/loop"
)

const token = "token-of-the-exam"

// provider is a fake provider behind HTTP.
type provider struct {
	mu      sync.Mutex
	answer  func(w http.ResponseWriter)
	headers []http.Header
	bodies  []map[string]string
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	json.NewDecoder(r.Body).Decode(&body)
	p.mu.Lock()
	p.headers, p.bodies = append(p.headers, r.Header), append(p.bodies, body)
	answer := p.answer
	p.mu.Unlock()
	if answer != nil {
		answer(w)
		return
	}
	fmt.Fprint(w, `{"id":"theirs-1","delivered":true}`)
}

func status(code int) func(*testing.T, *channeltest.Seat) {
	return answering(func(w http.ResponseWriter) { w.Header().Set("Retry-After", "7"); w.WriteHeader(code) })
}

func answering(f func(http.ResponseWriter)) func(*testing.T, *channeltest.Seat) {
	return func(_ *testing.T, s *channeltest.Seat) { s.Fake.(*provider).answer = f }
}

func post(t *testing.T, s *channeltest.Seat, auth string, body []byte) int {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Authorization", auth)
	s.Adapter.(channel.Webhook).ServeWebhook(w, r, s.Sink)
	return w.Code
}

var hello = channel.Outbound{To: holdfast.Address{Scheme: "loop", Value: "ana"}, Text: "On its way."}

func TestExam(t *testing.T) {
	gone := ""
	channeltest.Exam{
		Kind: loop.Kind(channel.ResendPark),
		Setup: func(t *testing.T, s *channeltest.Seat) string {
			p := &provider{}
			s.Fake = p
			server := httptest.NewServer(p)
			t.Cleanup(server.Close)
			gone = server.URL
			return fmt.Sprintf(`{"url":%q,"token":%q,"idempotent":true,"resend":"same"}`, server.URL+"/in", token)
		},
		Secrets: []string{token},
		Deliveries: []channeltest.Delivery{{
			Name: "webhook",
			Give: func(t *testing.T, s *channeltest.Seat) bool {
				return post(t, s, "Bearer "+token, []byte(`{"key":"k-1","from":"ana","name":"Ana","text":"Where is my order?"}`)) == http.StatusNoContent
			},
			Check: func(t *testing.T, _ *channeltest.Seat, m channel.Inbound) {
				if m.Text != "Where is my order?" || m.From.Name != "Ana" || m.Key != "k-1" {
					t.Errorf("%+v", m)
				}
			},
		}},
		Sends: []channeltest.Send{
			{Name: "accepted", Message: hello, Check: func(t *testing.T, s *channeltest.Seat, sent channel.Sent) {
				p := s.Fake.(*provider)
				if sent.ExternalID != "theirs-1" || !sent.Delivered {
					t.Errorf("sent %+v", sent)
				}
				if len(p.bodies) != 1 || p.bodies[0]["text"] != "On its way." || p.bodies[0]["to"] != "ana" ||
					p.headers[0].Get("Idempotency-Key") != p.bodies[0]["id"] || p.headers[0].Get("Authorization") != "Bearer "+token {
					t.Errorf("the provider got %v", p.bodies)
				}
			}},
			{Name: "503", Message: hello, Prepare: status(503), Want: channel.Temporary},
			{Name: "500", Message: hello, Prepare: status(500), Want: channel.Temporary},
			{Name: "refused", Message: hello, Want: channel.Temporary, Prepare: func(t *testing.T, s *channeltest.Seat) {
				a, err := loop.Kind(channel.ResendPark).New(s.Bench.Account(t, loop.Kind(channel.ResendPark), `{"url":"http://127.0.0.1:1/"}`), s.Env)
				if err != nil {
					t.Fatal(err)
				}
				s.Adapter = a
			}},
			{Name: "429", Message: hello, Prepare: status(429), Want: channel.Throttled},
			{Name: "400", Message: hello, Prepare: status(400), Want: channel.Permanent},
			{Name: "somebody else's address", Message: channel.Outbound{To: holdfast.Address{Scheme: "tel", Value: "+7"}}, Want: channel.Permanent},
			{Name: "opted out", Message: hello, Prepare: status(410), Want: channel.Blocked},
			{Name: "revoked token", Message: hello, Prepare: status(401), Want: channel.Broken},
			{Name: "502", Message: hello, Prepare: status(502), Want: channel.Unknown},
			{Name: "time-out", Message: hello, Timeout: 200 * time.Millisecond, Want: channel.Unknown,
				Prepare: answering(func(http.ResponseWriter) { time.Sleep(400 * time.Millisecond) })},
			{Name: "reset", Message: hello, Want: channel.Unknown, Prepare: answering(func(http.ResponseWriter) { panic(http.ErrAbortHandler) })},
		},
		Malformed: [][]byte{[]byte(`{"key":"k-1","from":"ana","text":"hi"}`), []byte(`{`), nil, []byte(`[[[[`), []byte(`{"key":7}`), []byte(`{"key":"k"}`)},
		Feed: func(t *testing.T, s *channeltest.Seat, raw []byte) {
			if code := post(t, s, "Bearer "+token, raw); code == http.StatusNoContent && len(s.Sink.Offered()) == 0 {
				t.Errorf("%q was acknowledged and is nowhere", raw)
			}
		},
	}.Run(t)
	if gone == "" {
		t.Fatal("the exam never sat the adapter down")
	}
}

func TestAStrangerCannotBringAnythingIn(t *testing.T) {
	b := channeltest.TestEnv(t)
	k := loop.Kind(channel.ResendPark)
	a, err := k.New(b.Account(t, k, fmt.Sprintf(`{"token":%q}`, token)), b.Env)
	if err != nil {
		t.Fatal(err)
	}
	s := &channeltest.Seat{Bench: b, Adapter: a}
	for _, auth := range []string{"", "Bearer ", "Bearer wrong", token} {
		if code := post(t, s, auth, []byte(`{"key":"k","from":"ana","text":"x"}`)); code != http.StatusUnauthorized {
			t.Errorf("%q gives %d", auth, code)
		}
	}
	if n := len(b.Sink.Offered()); n != 0 {
		t.Errorf("%d messages came in", n)
	}
}

func TestTheProviderMustBeOnThisMachine(t *testing.T) {
	b := channeltest.TestEnv(t)
	k := loop.Kind(channel.ResendPark)
	for url, ok := range map[string]bool{"http://127.0.0.1:9/": true, "http://localhost/": true, "http://[::1]:9/x": true,
		"http://example.com/": false, "file:///etc/passwd": false, "http://127.0.0.1.example.com/": false, "x": false} {
		_, err := k.New(b.Account(t, k, fmt.Sprintf(`{"url":%q}`, url)), b.Env)
		if (err == nil) != ok || err != nil && holdfast.KindOf(err) != holdfast.Invalid {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestTheScriptInsideTheProgram(t *testing.T) {
	b := channeltest.TestEnv(t)
	p := loop.New()
	k := p.Kind(channel.ResendOnce)
	a, err := k.New(b.Account(t, k, ""), b.Env)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.(*loop.Adapter).Resend(); got != channel.ResendOnce {
		t.Errorf("the policy is %s", got)
	}
	send := func() (channel.Sent, error) {
		m := hello
		m.ID, m.Trace = holdfast.ID{7}, &channel.Trace{}
		return a.Send(context.Background(), m)
	}
	p.FailNext(&channel.Failure{Reason: channel.Blocked, Code: "410", Text: "gone"})
	p.Next(loop.Dropped(), loop.BadGateway())
	for i, want := range []channel.Reason{channel.Blocked, channel.Unknown, channel.Unknown} {
		if _, err := send(); channel.AsFailure(err).Reason != want {
			t.Errorf("send %d: %v, want %s", i+1, err, want)
		}
	}
	if p.Count(holdfast.ID{7}) != 2 || p.Asked(holdfast.ID{7}) != 3 || len(p.Received("ana")) != 2 {
		t.Errorf("the customer has it %d times, the provider was asked %d times", p.Count(holdfast.ID{7}), p.Asked(holdfast.ID{7}))
	}
	p.Idempotent(true)
	p.Delivers(true)
	if sent, err := send(); err != nil || !sent.Delivered || p.Count(holdfast.ID{7}) != 2 {
		t.Errorf("%+v, %v; the customer has it %d times", sent, err, p.Count(holdfast.ID{7}))
	}
}

func TestWhatACustomerWritesGoesToTheAccountThatListens(t *testing.T) {
	b := channeltest.TestEnv(t)
	p := loop.New()
	k := p.Kind(channel.ResendPark)
	acc := b.Account(t, k, "")
	a, err := k.New(acc, b.Env)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Report(context.Background(), channel.Report{}); holdfast.KindOf(err) != holdfast.Unavailable {
		t.Errorf("a report to nobody gives %v", err)
	}
	nobody, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Deliver(nobody, holdfast.ID{}, channel.Inbound{Key: "k"}); err == nil {
		t.Error("a delivery to nobody succeeded")
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- a.(channel.Listener).Listen(ctx, b.Sink) }()
	for range 2 {
		if _, err := p.Deliver(ctx, acc.ID, channel.Inbound{Key: "k", Text: "hi"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Report(ctx, channel.Report{Message: holdfast.ID{7}, State: holdfast.Delivered}); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(b.Sink.Taken()) != 1 || len(b.Sink.Reports()) != 1 {
		t.Errorf("%d messages, %d reports", len(b.Sink.Taken()), len(b.Sink.Reports()))
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add([]byte(`{"key":"k-1","from":"ana","name":"Ana","text":"hi"}`))
	f.Add([]byte(`{"key":"k","from":""}`))
	f.Add([]byte("{\"key\":\"\x00\",\"from\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := channeltest.TestEnv(t)
		k := loop.Kind(channel.ResendPark)
		a, err := k.New(b.Account(t, k, ""), b.Env)
		if err != nil {
			t.Fatal(err)
		}
		code := post(t, &channeltest.Seat{Bench: b, Adapter: a}, "", raw)
		if taken := len(b.Sink.Taken()); (code == http.StatusNoContent) != (taken == 1) {
			t.Fatalf("answered %d with %d messages taken in", code, taken)
		}
	})
}
