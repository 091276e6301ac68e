package journeys

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"holdfast"
)

// screen is a client of the live stream.
type screen struct {
	h      *house
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	got  []string
	seen []frame
}

type frame struct {
	Type  string
	LSN   holdfast.LSN
	Entry struct {
		LSN  holdfast.LSN
		Kind string
		Body struct {
			Message holdfast.ID
			Text    string
		}
	}
}

// follow opens the stream behind an entry's number, over "ws" or "events".
func (h *house) follow(token string, after holdfast.LSN, way string) *screen {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &screen{h: h, cancel: cancel, done: make(chan struct{})}
	h.t.Cleanup(cancel)
	header := http.Header{"Authorization": {"Bearer " + token}}
	if way == "ws" {
		c, res, err := websocket.Dial(ctx, fmt.Sprintf("%s/api/v1/live?after=%d", h.base, after), &websocket.DialOptions{HTTPHeader: header})
		if err != nil {
			h.t.Fatalf("the live stream: %v %v", err, res)
		}
		c.SetReadLimit(8 << 20)
		go func() {
			defer close(s.done)
			defer c.CloseNow()
			for {
				_, b, err := c.Read(ctx)
				if err != nil {
					return
				}
				s.add(string(b))
			}
		}()
		return s
	}
	q, _ := http.NewRequestWithContext(ctx, "GET", h.base+"/api/v1/live/events", nil)
	q.Header = header
	q.Header.Set("Last-Event-ID", fmt.Sprint(after)) // as a browser resumes
	res, err := http.DefaultClient.Do(q)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		h.t.Fatalf("the live stream: %v %+v", err, res)
	}
	go func() {
		defer close(s.done)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 8<<20)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				s.add(data)
			}
		}
	}()
	return s
}

func (s *screen) add(b string) {
	var f frame
	json.Unmarshal([]byte(b), &f)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got, s.seen = append(s.got, b), append(s.seen, f)
}

func (s *screen) frames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *screen) entries() (list []frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.seen {
		if f.Type == "entry" {
			list = append(list, f)
		}
	}
	return list
}

func (s *screen) has(kind string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.seen, func(f frame) bool { return f.Type == kind })
}

func (s *screen) wait(kind string) {
	s.h.t.Helper()
	until(s.h.t, "a frame of the kind "+kind, func() bool { return s.has(kind) })
}

// first is the first frame of a kind, empty when there was none.
func (s *screen) first(kind string) frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.seen {
		if f.Type == kind {
			return f
		}
	}
	return frame{}
}

// leave cuts the connection and returns once nothing more can come.
func (s *screen) leave() {
	s.cancel()
	<-s.done
}

// TestTheStreamHasNoGapAndNoDouble cuts a client's connection again and again while
// eight writers write; what it saw must be the journal, each entry once, in order.
func TestTheStreamHasNoGapAndNoDouble(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	site := h.channel("chat", "Site", map[string]any{"visitor_per_minute": 0, "address_per_minute": 0})
	for _, way := range []string{"ws", "events"} {
		t.Run(way, func(t *testing.T) {
			from := h.Journal.Head()
			var writers sync.WaitGroup
			const crowd, each = 8, 40
			var mu sync.Mutex
			written := map[string]bool{}
			for w := range crowd {
				writers.Go(func() {
					v := h.visit(site)
					for i := range each {
						text := fmt.Sprintf("%s %d %d", way, w, i)
						v.write(holdfast.NewID(), text)
						mu.Lock()
						written[text] = true
						mu.Unlock()
					}
				})
			}
			finished := make(chan struct{})
			go func() { writers.Wait(); close(finished) }()
			var saw []frame
			at, cuts := from, 0
			for over := false; !over; cuts++ {
				s := h.follow(h.token, at, way)
				n := 3 + cuts%7
				until(t, "the screen sees something new", func() bool {
					select {
					case <-finished:
						over = true
					default:
					}
					return over || s.has("reset") || len(s.entries()) >= n
				})
				if over { // the last connection stays until it has everything
					last := h.Journal.Head()
					until(t, "the screen has seen the last entry", func() bool {
						e := s.entries()
						return len(e) > 0 && e[len(e)-1].Entry.LSN >= last || at >= last
					})
				}
				s.leave()
				if s.has("reset") {
					t.Fatalf("a screen that is %d entries behind was reset", h.Journal.Head()-at)
				}
				if e := s.entries(); len(e) > 0 {
					saw = append(saw, e...)
					at = e[len(e)-1].Entry.LSN
				}
			}
			journal, err := h.Journal.After(context.Background(), from, 10000)
			if err != nil {
				t.Fatal(err)
			}
			var want, got []holdfast.LSN
			for _, e := range journal {
				want = append(want, e.LSN)
			}
			shown := map[string]bool{}
			for _, f := range saw {
				got = append(got, f.Entry.LSN)
				if f.Entry.Kind == "message.received" {
					shown[f.Entry.Body.Text] = true
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("the screen saw %d entries and the journal has %d:\n%v\n%v", len(got), len(want), got, want)
			}
			if len(written) != crowd*each {
				t.Errorf("%d messages were acknowledged", len(written))
			}
			for text := range written {
				if !shown[text] {
					t.Errorf("%q was acknowledged and not shown", text)
				}
			}
			if cuts < 5 {
				t.Errorf("the connection was cut only %d times", cuts)
			}
			t.Logf("%d entries over %d connections", len(got), cuts)
		})
	}
}

// TestAScreenThatWasAwayForLongIsToldToFetchAnew: a client too far behind gets a
// reset with the number to go on from, and from there on everything.
func TestAScreenThatWasAwayForLongIsToldToFetchAnew(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	site := h.channel("chat", "Site", map[string]any{"visitor_per_minute": 0, "address_per_minute": 0})
	from := h.Journal.Head()
	v := h.visit(site)
	for i := range 400 {
		v.write(holdfast.NewID(), fmt.Sprint("while you were away ", i))
	}
	for _, way := range []string{"ws", "events"} {
		s := h.follow(h.token, from, way)
		s.wait("caught_up")
		v.write(holdfast.NewID(), "now "+way)
		until(t, "what comes after the reset", func() bool {
			e := s.entries()
			return len(e) > 0 && e[len(e)-1].Entry.Body.Text == "now "+way
		})
		// The desk may have had the last of the 400 on its way to the screens yet; what
		// counts is that nothing is sent twice or left out behind the reset's number.
		next := s.first("reset").LSN + 1
		if next < 300 {
			t.Errorf("%s: a screen that is 400 messages behind is reset to %d", way, next-1)
		}
		for _, e := range s.entries() {
			if e.Entry.LSN != next {
				t.Errorf("%s: the entry %d came where %d should", way, e.Entry.LSN, next)
			}
			next++
		}
		s.leave()
	}
	// one who is only a little behind is not
	head := h.Journal.Head()
	v.write(holdfast.NewID(), "a little behind")
	s := h.follow(h.token, head, "ws")
	s.wait("entry")
	if s.has("reset") || s.entries()[0].Entry.Body.Text != "a little behind" {
		t.Errorf("a screen that is one message behind was sent %v", s.frames())
	}
}
