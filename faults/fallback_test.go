package faults

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/outbox"
)

// wrecker is a provider that takes messages and often does not say so. What comes
// by /spare it takes and says so.
type wrecker struct {
	*httptest.Server
	mu      sync.Mutex
	accepts map[string]int
	refused map[string]bool // on /first: nobody got it there
}

func newWrecker(t *testing.T) *wrecker {
	w := &wrecker{accepts: map[string]int{}, refused: map[string]bool{}}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

// all reports whether it has accepted every one of these.
func (p *wrecker) all(ids []string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if p.accepts[id] == 0 {
			return false
		}
	}
	return true
}

// ServeHTTP accepts, drops the answer, answers 502 after accepting, or refuses for good.
func (p *wrecker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ ID string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.ID == "" {
		return // the program died in the middle of saying it
	}
	act := 0
	if r.URL.Path == "/first" {
		act = rand.IntN(5)
	}
	p.mu.Lock()
	if act == 4 {
		p.refused[m.ID] = true
	} else {
		p.accepts[m.ID]++
	}
	p.mu.Unlock()
	time.Sleep(rand.N(30 * time.Millisecond))
	switch act {
	case 2:
		panic(http.ErrAbortHandler)
	case 3:
		w.WriteHeader(http.StatusBadGateway)
	case 4:
		w.WriteHeader(http.StatusUnprocessableEntity)
	default:
		fmt.Fprintf(w, `{"id":"theirs-%s"}`, m.ID)
	}
}

// What goes another way is accepted once where that is asked, at least once where it
// is not, whatever the provider answers and whenever the program is killed.
func TestKillWhileMessagesGoAnotherWay(t *testing.T) {
	for _, once := range []bool{true, false} {
		t.Run(fmt.Sprint("once ", once), func(t *testing.T) {
			d := found(t, "", "", 0)
			p := newWrecker(t)
			d.start()
			make := func(name string) string {
				id := holdfast.NewID().String()
				check(t, d.api("POST", "/channels", map[string]any{"id": id, "kind": "loop", "name": name, "settings": map[string]any{"url": p.URL + "/" + name, "resend": "park"}}, nil))
				return id
			}
			first, spare := make("first"), make("spare")
			// What a program writes has no person behind it.
			check(t, d.api("PUT", "/chains/automatic", map[string]any{"first": 1, "once": once, "legs": []any{map[string]any{"channel": spare, "wait": 0}}}, nil))
			var ids []string
			const crashes = 6
			for range crashes {
				for i := range 15 {
					id := holdfast.NewID().String()
					ids = append(ids, id)
					check(t, d.api("POST", "/conversations", map[string]any{"id": holdfast.NewID().String(), "message_id": id, "text": "reply", "channel": first,
						"to": map[string]string{"scheme": "loop", "value": fmt.Sprint("reader-", len(ids), "-", i)}}, nil))
				}
				time.Sleep(rand.N(400 * time.Millisecond))
				d.kill()
				d.start()
			}
			until(t, "everything has come to its end", 60*time.Second, func() bool {
				var n outbox.Totals
				return d.api("GET", "/outbox/totals", nil, &n) == nil && n.Queued+n.Sending+n.RetryWait+n.Failed == 0 && (once || p.all(ids))
			})
			d.stop()
			l := d.read()
			p.mu.Lock()
			defer p.mu.Unlock()
			twice, moved := 0, 0
			for _, id := range ids {
				n, state := p.accepts[id], l.state[id]
				if p.refused[id] {
					moved++
				}
				switch {
				case once && n > 1:
					t.Errorf("%s was accepted %d times and is %s", id, n, state)
				case once && n == 0 && state != holdfast.Parked:
					t.Errorf("%s was never accepted and is %s", id, state)
				case !once && (n < 1 || n > 1+l.unsure[id]):
					t.Errorf("%s was accepted %d times, after %d attempts whose end nobody saw, and is %s", id, n, l.unsure[id], state)
				}
				if n > 1 {
					twice++
					if !l.doubled[id] && state != holdfast.Parked {
						t.Errorf("%s may have arrived twice and is not marked", id)
					}
				}
			}
			t.Logf("%d crashes, %d messages, %d refused and sent another way, %d accepted twice and marked", crashes, len(ids), moved, twice)
			if moved == 0 {
				t.Error("nothing went another way: that was no test")
			}
		})
	}
}
