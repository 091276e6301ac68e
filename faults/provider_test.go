package faults

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// provider is the far end of the loop accounts. It outlives the program and
// counts what it accepted, by account and message.
type provider struct {
	*httptest.Server
	slow time.Duration // the longest it thinks before it accepts, and again before it answers

	mu      sync.Mutex
	held    chan struct{}     // not nil: requests wait for its end
	accepts map[string]int    // by message id
	account map[string]string // by message id: the account it came by
	keyless int               // requests to the idempotent account without the message's own key
	order   []string
}

func newProvider(t *testing.T, slow time.Duration) *provider {
	p := &provider{slow: slow, accepts: map[string]int{}, account: map[string]string{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP accepts a message: on "/same" once per key, elsewhere each time.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ ID string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.ID == "" {
		return // the program died in the middle of saying it
	}
	account := strings.TrimPrefix(r.URL.Path, "/")
	p.think()
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return
		}
	}
	p.mu.Lock()
	if account == "same" && r.Header.Get("Idempotency-Key") != m.ID {
		p.keyless++
	}
	if account != "same" || p.accepts[m.ID] == 0 {
		p.accepts[m.ID]++
		p.account[m.ID] = account
		p.order = append(p.order, m.ID)
	}
	p.mu.Unlock()
	p.think()
	fmt.Fprintf(w, `{"id":"theirs-%s"}`, m.ID)
}

// hold keeps everybody waiting until release.
func (p *provider) hold() { p.mu.Lock(); defer p.mu.Unlock(); p.held = make(chan struct{}) }

func (p *provider) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.held)
	p.held = nil
}

func (p *provider) think() {
	if p.slow > 0 {
		time.Sleep(rand.N(p.slow))
	}
}

// count is how often a message was accepted.
func (p *provider) count(id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepts[id]
}

// total is how many acceptances there were.
func (p *provider) total() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.order)
}
