package chat

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

var ticketIn = regexp.MustCompile(`data-ticket="([^"]+)"`)

// fills does what the page's script does, and sends the form.
func (s *site) fills(t *testing.T, ticket string, fields map[string]string) int {
	t.Helper()
	v := url.Values{"ticket": {ticket}}
	for n := 0; ; n++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s.%d", ticket, n))
		if sum[0] == 0 && sum[1]>>(16-proofBits) == 0 {
			v.Set("proof", fmt.Sprint(n))
			break
		}
	}
	for k, x := range fields {
		v.Set(k, x)
	}
	return s.posts(v)
}

func (s *site) posts(v url.Values) int {
	r := httptest.NewRequest("POST", "/?lang=ru", strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "203.0.113.7:1234"
	w := httptest.NewRecorder()
	s.a.ServeForm(w, r, s.world)
	return w.Code
}

func (s *site) ticket(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.a.ServeForm(w, httptest.NewRequest("GET", "/?lang=ru", nil), s.world)
	m := ticketIn.FindStringSubmatch(w.Body.String())
	if w.Code != http.StatusOK || m == nil {
		t.Fatalf("the page is %d %s", w.Code, w.Body)
	}
	return m[1]
}

func TestARequestIsTakenOnceAndARobotsNever(t *testing.T) {
	s := newSite(t, func(set *Settings) { set.Requests = true })
	ana := map[string]string{"name": "Ana", "mail": "ana@example.com", "phone": "+7 912 000 00 00", "text": "Please call\x00"}
	ticket := s.ticket(t)
	if code := s.fills(t, ticket, ana); code != 400 {
		t.Errorf("a form that is sent at once: %d", code)
	}
	s.passes(5 * time.Second)
	for range 2 {
		if code := s.fills(t, ticket, ana); code != 201 {
			t.Fatalf("got %d", code)
		}
	}
	if len(s.inbound) != 1 {
		t.Fatalf("%d messages are stored", len(s.inbound))
	}
	in := s.inbound[0]
	if !strings.Contains(in.Text, "+79120000000") || !strings.HasSuffix(in.Text, "Please call") || in.From.Name != "Ana <ana@example.com>" || in.From.Verified || len(in.Also) != 0 || len(in.Claims) != 1 || in.Claims[0].Verified || in.Claims[0].Scheme+in.Claims[0].Value != "tel+79120000000" || len(in.Marks) != 1 || in.Language != "ru" {
		t.Errorf("stored %+v", in)
	}
	s.passes(time.Minute)
	stale := s.ticket(t)
	fresh := s.ticket(t)
	s.passes(ticketLife - time.Minute)
	young := s.ticket(t)
	s.passes(2 * time.Minute)
	for what, code := range map[string]int{
		"too old":      s.fills(t, stale, ana),
		"no proof":     s.posts(url.Values{"ticket": {young}, "mail": {"a@b.c"}, "text": {"x"}}),
		"no ticket":    s.fills(t, "v1.e30.AAAA", ana),
		"no address":   s.fills(t, young, map[string]string{"text": "x"}),
		"other ticket": s.posts(url.Values{"ticket": {fresh + "x"}, "proof": {"1"}}),
	} {
		if code != 400 {
			t.Errorf("%s: %d", what, code)
		}
	}
	s.passes(time.Hour)
	robot := map[string]string{"name": "Bot", "mail": "b@o.t", "text": "Buy", "website": "x"}
	if code := s.fills(t, s.ticket(t), robot); code != 201 {
		t.Errorf("a robot is told: %d", code)
	}
	if len(s.inbound) != 1 {
		t.Errorf("%d messages are stored", len(s.inbound))
	}
	var last int
	for range 60 {
		last = s.posts(url.Values{})
	}
	if last != 429 {
		t.Errorf("one address may go on for ever: %d", last)
	}
}
