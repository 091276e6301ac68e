package email

import (
	"sync"
	"time"

	"holdfast/channel"
)

// downAfter is how long receiving may fail before an operator is alarmed.
const downAfter = 10 * time.Minute

// health remembers how the connection to the mail server has been.
type health struct {
	now func() time.Time

	mu      sync.Mutex
	started time.Time
	lastOK  time.Time
	failing time.Time // since when; zero while it works
	reason  string
	missing map[string]int // by folder
}

func newHealth(now func() time.Time) *health {
	return &health{now: now, started: now(), missing: map[string]int{}}
}

// ok notes that the server has answered with what we needed.
func (h *health) ok() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastOK, h.failing, h.reason = h.now(), time.Time{}, ""
}

func (h *health) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing.IsZero() {
		h.failing = h.now()
	}
	h.reason = clipText(err.Error(), 300)
}

// found notes how many mails the last count of a folder found missing.
func (h *health) found(folder string, missing int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.missing[folder] = missing
}

// report is down after ten minutes without success, also when nothing failed: a
// connection that hangs says nothing.
func (h *health) report() channel.Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := h.lastOK
	if last.IsZero() {
		last = h.started
	}
	r := channel.Health{State: "up", Since: last, LastOK: h.lastOK, Reason: h.reason}
	for _, n := range h.missing {
		r.Missing += n
	}
	if !h.failing.IsZero() {
		r.State, r.Since = "degraded", h.failing
	}
	if h.now().Sub(last) >= downAfter {
		r.State, r.Since = "down", last
		if r.Reason == "" {
			r.Reason = "no answer from the mail server"
		}
	}
	return r
}
