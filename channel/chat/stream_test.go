package chat

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"holdfast"
	"holdfast/channel"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines are left over:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// line is a visitor's WebSocket.
type line struct {
	t    testing.TB
	conn *websocket.Conn
}

type heard struct {
	Type, Code, ID, Message, Name string
	N                             int64
	Duplicate                     bool
	RetryAfter                    int `json:"retry_after"`
	Item                          *itemWire
}

func (g *guest) connects(after int64) *line {
	g.s.t.Helper()
	return dial(g.s.t, g.s.srv.URL, g.Token, after)
}

func dial(t testing.TB, url, token string, after int64) *line {
	t.Helper()
	conn, res, err := websocket.Dial(context.Background(), fmt.Sprintf("%s/ws?after=%d&token=%s", url, after, token), nil)
	if err != nil {
		t.Fatalf("%v %v", err, res)
	}
	l := &line{t: t, conn: conn}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return l
}

func (l *line) says(text string) {
	l.t.Helper()
	if err := l.conn.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
		l.t.Fatal(err)
	}
}

// hears is the next frame that is not a ping.
func (l *line) hears() heard {
	l.t.Helper()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_, b, err := l.conn.Read(ctx)
		cancel()
		if err != nil {
			l.t.Fatal(err)
		}
		var h heard
		if err := json.Unmarshal(b, &h); err != nil {
			l.t.Fatalf("%q: %v", b, err)
		}
		if h.Type != "ping" {
			return h
		}
	}
}

func (l *line) hearsItem(text string) int64 {
	l.t.Helper()
	h := l.hears()
	if h.Type != "item" || h.Item.Text != text {
		l.t.Fatalf("heard %+v, want %q", h, text)
	}
	return h.Item.N
}

func TestAConversationOverASocket(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{"name":"Ana"}`)
	l := ana.connects(0)
	l.says(`{"type":"message","id":"` + someID + `","text":"Hello?"}`)
	// The receipt and the item come in either order.
	a, b := l.hears(), l.hears()
	if a.Type == "item" {
		a, b = b, a
	}
	if a.Type != "ok" || a.ID != someID || a.N != 1 || b.Type != "item" || b.Item.Text != "Hello?" || b.Item.ID.String() != a.Message {
		t.Fatalf("heard %+v and %+v", a, b)
	}
	l.says(`{"type":"message","id":"` + someID + `","text":"Hello?"}`)
	if h := l.hears(); h.Type != "ok" || !h.Duplicate || h.N != 1 {
		t.Fatalf("heard %+v", h)
	}
	l.says(`{"type":"message","id":"` + someID + `","text":" "}`)
	if h := l.hears(); h.Type != "error" || h.ID != someID || h.Code != "chat.message_empty" {
		t.Fatalf("heard %+v", h)
	}
	for _, bad := range []string{`{`, `[]`, `{"type":"dance"}`, `{"type":"ack","n":"x"}`, `{"type":"ack","n":1e99}`} {
		l.says(bad)
		if h := l.hears(); h.Type != "error" {
			t.Fatalf("%s: heard %+v", bad, h)
		}
	}
	s.hints(ana.ID, channel.Signal{Typing: true, Name: "Joe"})
	if h := l.hears(); h.Type != "typing" || h.Name != "Joe" {
		t.Fatalf("heard %+v", h)
	}
	s.hints(ana.ID, channel.Signal{Seen: 1})
	if h := l.hears(); h.Type != "seen" || h.N != 1 {
		t.Fatalf("heard %+v", h)
	}
	answer := s.answers(ana.ID, "On its way.")
	n := l.hearsItem("On its way.")
	if len(s.reports) != 0 {
		t.Fatalf("reported before the visitor's client said so: %+v", s.reports)
	}
	ack, seen := fmt.Sprintf(`{"type":"ack","n":%d}`, n), fmt.Sprintf(`{"type":"seen","n":%d}`, n)
	for _, f := range []string{ack, ack, seen, seen, ack} {
		l.says(f)
	}
	l.says(`{"type":"typing","text":"Thanks"}`)
	eventually(t, "typing reaches the operators", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Contains(s.signals, channel.Signal{Typing: true, Text: "Thanks", Name: "Ana"})
	})
	want := []channel.Report{{Message: answer.ID, State: holdfast.Delivered}, {Message: answer.ID, State: holdfast.Seen}}
	if !slices.Equal(s.reports, want) {
		t.Fatalf("reported %+v", s.reports)
	}
	if len(s.inbound) != 1 {
		t.Fatalf("%d messages are stored", len(s.inbound))
	}
	if !slices.Contains(s.signals, channel.Signal{Here: true}) {
		t.Fatal("nobody knows that she is here")
	}
}

func TestAFullDiskIsSaidOverASocketToo(t *testing.T) {
	s := newSite(t)
	l := s.guest(`{}`).connects(0)
	s.mu.Lock()
	s.broken = holdfast.Errorf(holdfast.Unavailable, "store.full", "the disk is full")
	s.mu.Unlock()
	l.says(`{"type":"message","id":"` + someID + `","text":"Hello?"}`)
	if h := l.hears(); h.Type != "error" || h.ID != someID || h.Code != "store.full" || h.RetryAfter == 0 {
		t.Fatalf("heard %+v", h)
	}
}

func TestANumberThatNobodyHasGivenOutAcknowledgesNothing(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	if r := ana.do("POST", "/signals", `{"type":"ack","n":9000000000000000000}`); r.status != 204 {
		t.Fatal(r.status)
	}
	answer := s.answers(ana.ID, "Hi")
	if len(s.reports) != 0 {
		t.Fatalf("reported %+v", s.reports)
	}
	ana.do("POST", "/signals", fmt.Sprintf(`{"type":"seen","n":%d}`, answer.N))
	if len(s.reports) != 1 || s.reports[0].State != holdfast.Seen {
		t.Fatalf("reported %+v", s.reports)
	}
}

func TestAskingForWhatComesAfterIsAnAcknowledgement(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	answer := s.answers(ana.ID, "Hi")
	ana.do("GET", "/poll?wait=0&after=0", "")
	if len(s.reports) != 0 {
		t.Fatalf("reported %+v", s.reports)
	}
	ana.do("GET", fmt.Sprintf("/poll?wait=0&after=%d", answer.N), "")
	if len(s.reports) != 1 || s.reports[0].Message != answer.ID {
		t.Fatalf("reported %+v", s.reports)
	}
	ana.do("GET", fmt.Sprintf("/poll?wait=0&after=%d", answer.N), "")
	if len(s.reports) != 1 {
		t.Fatalf("reported again: %+v", s.reports)
	}
}

func TestPollWaitsForAnAnswer(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	go func() {
		for s.watching(ana.ID) == 0 {
			time.Sleep(time.Millisecond)
		}
		s.answers(ana.ID, "Hi")
	}()
	var page listWire
	ana.do("GET", "/poll?after=0&wait=20", "").json(t, &page)
	if len(page.Items) != 1 || page.Last != 1 {
		t.Fatalf("got %+v", page)
	}
	go func() {
		for s.watching(ana.ID) == 0 {
			time.Sleep(time.Millisecond)
		}
		s.hints(ana.ID, channel.Signal{Typing: true, Name: "Joe"})
	}()
	page = listWire{}
	ana.do("GET", "/poll?after=1&wait=20", "").json(t, &page)
	if page.Typing != "Joe" || page.Last != 1 || len(page.Items) != 0 {
		t.Fatalf("got %+v", page)
	}
}

func TestEventsResumeFromTheLastId(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	for i := range 3 {
		s.answers(ana.ID, fmt.Sprint("answer ", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", s.srv.URL+"/events?after=0&token="+ana.Token, nil)
	req.Header.Set("Last-Event-ID", "2")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/event-stream") {
		t.Fatal(ct)
	}
	lines := bufio.NewScanner(res.Body)
	next := func() string {
		for lines.Scan() {
			if lines.Text() != "" && !strings.HasPrefix(lines.Text(), "retry:") {
				return lines.Text()
			}
		}
		t.Fatal(lines.Err())
		return ""
	}
	if id, data := next(), next(); id != "id: 3" || !strings.Contains(data, `"answer 2"`) {
		t.Fatalf("%s %s", id, data)
	}
	s.answers(ana.ID, "more")
	if id, data := next(), next(); id != "id: 4" || !strings.Contains(data, `"more"`) {
		t.Fatalf("%s %s", id, data)
	}
	s.stop()
	if lines.Scan() && lines.Text() != "" {
		t.Fatalf("after the end: %q", lines.Text())
	}
}

func TestHeartbeats(t *testing.T) {
	s := newSite(t)
	s.a.crowd.every = 60 * time.Millisecond
	ana, ben := s.guest(`{}`), s.guest(`{}`)
	// Ana's client answers as any WebSocket client does; she stays.
	alive := ana.connects(0)
	pings := make(chan string, 100)
	go func() {
		for {
			_, b, err := alive.conn.Read(context.Background())
			if err != nil {
				close(pings)
				return
			}
			pings <- string(b)
		}
	}()
	// Ben's line is half-open: nobody reads it.
	raw := handshake(t, s, ben.Token)
	eventually(t, "ben is noticed", func() bool { return s.watching(ben.ID) == 1 })
	for range 8 {
		if p, ok := <-pings; !ok || p != `{"type":"ping"}` {
			t.Fatalf("ana heard %q, %v", p, ok)
		}
	}
	eventually(t, "ben's dead line is dropped", func() bool { return s.watching(ben.ID) == 0 })
	_ = raw.Close()
	if s.watching(ana.ID) != 1 {
		t.Fatal("ana's living line is dropped")
	}
}

func handshake(t testing.TB, s *site, token string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "GET /ws?after=0&token="+token+" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	b := make([]byte, 12)
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "HTTP/1.1 101" {
		t.Fatalf("%q %v", b, err)
	}
	return conn
}

func TestStoppingTheAccountEndsItsStreams(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	l := ana.connects(0)
	eventually(t, "she is connected", func() bool { return s.watching(ana.ID) == 1 })
	s.stop()
	_, _, err := l.conn.Read(t.Context())
	var ce websocket.CloseError
	if !errors.As(err, &ce) || ce.Code != websocket.StatusGoingAway {
		t.Fatalf("got %v", err)
	}
	if r := ana.do("GET", "/poll?wait=0", ""); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Fatalf("got %d", r.status)
	}
	if r := ana.writes(someID, "hi"); r.status != 201 {
		t.Fatalf("a message that comes at the last moment: %d %s", r.status, r.body)
	}
}

func TestTwoTabsAreOneVisitor(t *testing.T) {
	s := newSite(t)
	ana := s.guest(`{}`)
	one, two := ana.connects(0), ana.connects(0)
	eventually(t, "both are connected", func() bool { return s.watching(ana.ID) == 2 })
	here := 0
	for _, sig := range s.signals {
		if sig.Here {
			here++
		}
	}
	if here != 1 {
		t.Fatalf("she arrived %d times", here)
	}
	s.answers(ana.ID, "Hi")
	one.hearsItem("Hi")
	two.hearsItem("Hi")
}

func TestAFloodOfFramesEndsTheLine(t *testing.T) {
	s := newSite(t)
	l := s.guest(`{}`).connects(0)
	for range strikesMax + 1 {
		l.says(`{`)
	}
	for range strikesMax + 2 {
		if _, _, err := l.conn.Read(t.Context()); err != nil {
			if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Fatalf("got %v", err)
			}
			return
		}
	}
	t.Fatal("the line is still there")
}

// However the line breaks, whichever way the client comes back and however often
// it sends a message again, everybody has every item once and in order.
func TestResumeLosesAndDoublesNothing(t *testing.T) {
	s := newSite(t, func(set *Settings) { set.VisitorRate = 0 })
	rapid.Check(t, func(rt *rapid.T) {
		ana := s.guest(`{}`)
		var want, got []string // texts in the order of their numbers, as written and as read
		var after int64
		var l *line
		take := func(it itemWire) {
			if it.N <= after {
				rt.Fatalf("number %d came after %d", it.N, after)
			}
			after = it.N
			got = append(got, it.Text)
		}
		catchUp := func() {
			for l != nil && len(got) < len(want) {
				if h := l.hears(); h.Type == "item" {
					take(*h.Item)
				}
			}
		}
		written := 0
		steps := rapid.IntRange(1, 25).Draw(rt, "steps")
		for range steps {
			switch rapid.SampledFrom([]string{"visitor", "again", "operator", "connect", "cut", "poll", "ack", "read"}).Draw(rt, "step") {
			case "visitor":
				written++
				text := fmt.Sprint("v", written)
				ana.writes(fmt.Sprintf("0197a3f0-0000-7000-8000-%012d", written), text)
				want = append(want, text)
			case "again":
				if written > 0 {
					i := rapid.IntRange(1, written).Draw(rt, "which")
					if r := ana.writes(fmt.Sprintf("0197a3f0-0000-7000-8000-%012d", i), fmt.Sprint("v", i)); !strings.Contains(r.body, `"duplicate":true`) {
						rt.Fatal(r.body)
					}
				}
			case "operator":
				text := fmt.Sprint("o", len(want))
				s.answers(ana.ID, text)
				want = append(want, text)
			case "connect":
				if l != nil {
					_ = l.conn.CloseNow()
				}
				l = ana.connects(after)
			case "cut":
				if l != nil {
					_ = l.conn.CloseNow()
					l = nil
				}
			case "poll":
				if l != nil {
					_ = l.conn.CloseNow()
					l = nil
				}
				var page listWire
				ana.do("GET", fmt.Sprintf("/poll?wait=0&after=%d", after), "").json(t, &page)
				for _, it := range page.Items {
					take(it)
				}
			case "ack":
				if l != nil {
					l.says(fmt.Sprintf(`{"type":"ack","n":%d}`, after))
				}
			case "read":
				catchUp()
			}
		}
		if l == nil {
			l = ana.connects(after)
		}
		catchUp()
		_ = l.conn.CloseNow()
		if !slices.Equal(got, want) {
			rt.Fatalf("read %v, written %v", got, want)
		}
	})
}

func TestAnIdleVisitorIsSmall(t *testing.T) {
	const visitors = 400
	s := newSite(t)
	tokens := make([]string, visitors)
	for i := range tokens {
		tokens[i] = s.guest(`{}`).Token
	}
	http.DefaultClient.CloseIdleConnections()
	measure := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := measure()
	conns := make([]net.Conn, visitors)
	for i := range conns {
		conns[i] = handshake(t, s, tokens[i])
	}
	eventually(t, "all are connected", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		n := 0
		for _, w := range s.watchers {
			n += len(w)
		}
		return n == visitors
	})
	each := int64(measure()-before) / visitors
	t.Logf("%d bytes for each visitor, the test's own end included", each)
	if each > 25<<10 {
		t.Errorf("an idle visitor takes %d bytes", each)
	}
	for _, c := range conns {
		_ = c.Close()
	}
}
