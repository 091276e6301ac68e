//go:build linux

package sms

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"holdfast/channel"
	"holdfast/channel/channeltest"
)

// A gateway sits the exam that every channel sits.
func TestExamOfAGateway(t *testing.T) {
	says := func(status int, body string) func(*testing.T, *channeltest.Seat) {
		return func(_ *testing.T, s *channeltest.Seat) { s.Fake.(*provider).says(status, body) }
	}
	hook := func(s *channeltest.Seat, body string) int {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/word-secret-12", strings.NewReader(body))
		s.Adapter.(channel.Webhook).ServeWebhook(w, r, s.Sink)
		return w.Code
	}
	channeltest.Exam{
		Kind: Kind(),
		Setup: func(t *testing.T, s *channeltest.Seat) string {
			p := newProvider(t)
			p.says(200, `{"return":{"status":200},"entries":[{"messageid":7}]}`)
			s.Fake = p
			return fmt.Sprintf(`{"via":"http","gateway":"kavenegar","http_url":%q,"http_secret":"tok-secret-1","http_hook_secret":"word-secret-12","region":"RU"}`, p.URL)
		},
		Secrets: []string{"tok-secret-1", "word-secret-12"},
		Deliveries: []channeltest.Delivery{{
			Name: "webhook",
			Give: func(_ *testing.T, s *channeltest.Seat) bool {
				return hook(s, "messageid=35&from=%2B79161234567&message=hello") == 200
			},
		}},
		Sends: []channeltest.Send{
			{Name: "accepted", Message: hello, Check: func(t *testing.T, _ *channeltest.Seat, sent channel.Sent) {
				if sent.ExternalID != "7" || sent.Delivered {
					t.Errorf("%+v", sent)
				}
			}},
			{Name: "temporary", Message: hello, Prepare: says(409, `{"return":{"status":409}}`), Want: channel.Temporary},
			{Name: "throttled", Message: hello, Prepare: says(429, ``), Want: channel.Throttled},
			{Name: "permanent", Message: hello, Prepare: says(411, `{"return":{"status":411}}`), Want: channel.Permanent},
			{Name: "broken", Message: hello, Prepare: says(403, `{"return":{"status":403,"message":"tok-secret-1 is wrong"}}`), Want: channel.Broken},
			{Name: "unknown", Message: hello, Prepare: says(502, ``), Want: channel.Unknown},
			{Name: "silent", Message: hello, Timeout: 200 * time.Millisecond, Want: channel.Unknown, Prepare: func(_ *testing.T, s *channeltest.Seat) {
				p := s.Fake.(*provider)
				p.mu.Lock()
				defer p.mu.Unlock()
				p.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
			}},
		},
		Without:   map[string]string{string(channel.Blocked): "Kavenegar says so only in the state of a text that it has taken"},
		Malformed: [][]byte{[]byte("messageid=35&from=7&message=x"), []byte(`{"message":{"a":[1]},"from":7}`), nil, []byte("%%%"), []byte("status=10")},
		Feed: func(t *testing.T, s *channeltest.Seat, raw []byte) {
			before := len(s.Sink.Offered())
			if code := hook(s, string(raw)); code == 200 && len(s.Sink.Offered()) == before && len(s.Sink.Reports()) == 0 && !strings.Contains(strings.ToLower(string(raw)), "status") {
				t.Errorf("%q is acknowledged and nowhere", raw)
			}
		},
	}.Run(t)
}

// A modem sits it, with a SIM that the exam fills.
func TestExamOfAModem(t *testing.T) {
	answers := func(line string) func(*testing.T, *channeltest.Seat) {
		return func(_ *testing.T, s *channeltest.Seat) {
			m := s.Fake.(*fakeModem)
			m.with(func() { m.onPDU = func(int, string) string { return line } })
		}
	}
	channeltest.Exam{
		Kind: Kind(),
		Setup: func(t *testing.T, s *channeltest.Seat) string {
			m := plugIn(t, func(m *fakeModem) { m.pin, m.simState = "48151623", "SIM PIN" })
			s.Fake = m
			return fmt.Sprintf(`{"via":"modem","modem_port":%q,"modem_pin":"48151623","modem_rate":60,"region":"RU"}`, m.path)
		},
		Secrets: []string{"48151623"},
		Deliveries: []channeltest.Delivery{{
			Name: "on the SIM",
			Give: func(t *testing.T, s *channeltest.Seat) bool {
				m := s.Fake.(*fakeModem)
				before := len(s.Sink.Offered())
				if m.left("SM") == 0 {
					m.store("SM", deliverPDUs(t, "+79161234567", "Где мой заказ?", 0, noon)[0], false)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { defer close(done); s.Adapter.(channel.Listener).Listen(ctx, s.Sink) }()
				until(t, "an offer", func() bool { return len(s.Sink.Offered()) > before })
				for end := time.Now().Add(500 * time.Millisecond); m.left("SM") > 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				}
				cancel()
				<-done
				return m.left("SM") == 0
			},
		}},
		Sends: []channeltest.Send{
			{Name: "accepted", Message: hello, Check: func(t *testing.T, s *channeltest.Seat, _ channel.Sent) {
				if m := s.Fake.(*fakeModem); len(m.pdus()) != 1 || submittedText(t, m.pdus()[0]) != hello.Text {
					t.Errorf("%q", m.pdus())
				}
			}},
			{Name: "no network", Message: hello, Prepare: answers("+CMS ERROR: 331"), Want: channel.Temporary},
			{Name: "congestion", Message: hello, Prepare: answers("+CMS ERROR: 42"), Want: channel.Throttled},
			{Name: "no such number", Message: hello, Prepare: answers("+CMS ERROR: 1"), Want: channel.Permanent},
			{Name: "barred", Message: hello, Prepare: answers("+CMS ERROR: 196"), Want: channel.Blocked},
			{Name: "no centre", Message: hello, Prepare: answers("+CMS ERROR: 330"), Want: channel.Broken},
			{Name: "silence", Message: hello, Prepare: answers(""), Timeout: time.Second, Want: channel.Unknown},
		},
		Malformed: [][]byte{[]byte("+CMTI: \"SM\",1\r\n"), []byte("+CMT: ,30\r\n0791\r\n"), []byte("+CDS: 9\r\nFFFF\r\n"), []byte("\r\n> \r\nOK\r\nERROR\r\n"), nil},
		Feed: func(_ *testing.T, s *channeltest.Seat, raw []byte) {
			way := s.Adapter.(*adapter).way.(*modem)
			a := newAT(struct {
				io.Reader
				io.WriteCloser
			}{strings.NewReader(string(raw)), nopCloser{io.Discard}})
			<-a.gone
			attending := &attendance{m: way, in: s.Adapter.(*adapter).inflow(s.Sink)}
			for _, n := range a.news() {
				attending.handed(context.Background(), n.pdu)
			}
		},
	}.Run(t)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
