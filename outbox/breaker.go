package outbox

import (
	"time"

	"holdfast/channel"
)

const (
	breakAfter  = 5                // transport failures in a row
	window      = 20               // or half of so many …
	windowAge   = 60 * time.Second // … within this
	probeFirst  = 30 * time.Second
	probeMax    = 10 * time.Minute
	parallelMax = 4
)

// BreakerState is how the way out through one channel account is.
type BreakerState struct {
	State  string    `json:"state"` // "closed" (messages go out), "open", "probing", "off" (no adapter), "cut" (see Worker.Cut)
	Code   string    `json:"code,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"` // of an open one: the next probe
}

// breaker decides whether a lane may send, and how many at once. It is guarded
// by its lane's mutex.
type breaker struct {
	off       bool // no adapter
	open      bool
	probing   bool // one message is on its way to see whether the open breaker can close
	code      string
	reason    string
	since     time.Time
	until     time.Time
	wait      time.Duration
	row       int // transport failures in a row
	recent    []verdict
	width     int // how many at once: grows again from 1 after an outage
	throttles int // in a row, without a success
	quiet     time.Time
}

type verdict struct {
	at     time.Time
	failed bool
}

// slots is how many messages may be on their way now, and when to ask again
// (0: after the next result).
func (b *breaker) slots(now time.Time) (n int, wait time.Duration) {
	switch {
	case b.open && b.probing:
		return 1, 0
	case b.open && now.Before(b.until):
		return 0, b.until.Sub(now)
	case b.open:
		return 1, 0
	case now.Before(b.quiet):
		return 0, b.quiet.Sub(now)
	}
	return max(b.width, 1), 0
}

// begin notes that a message goes out, and reports whether it is the probe.
func (b *breaker) begin() bool {
	b.probing = b.open
	return b.open
}

// abort notes that a message did not go out after all: that says nothing about the channel.
func (b *breaker) abort(probe bool) {
	if probe {
		b.probing = false
	}
}

// transport reports whether a failure is of the way and not of one recipient: a
// provider that answers 4xx about somebody is there.
func transport(f *channel.Failure) bool {
	switch f.Reason {
	case channel.Temporary, channel.Unknown:
		if len(f.Code) == 3 && f.Code[0] == '4' && f.Code != "408" && f.Code != "421" {
			return false
		}
		return true
	case channel.Broken:
		return true
	}
	return false
}

// result takes in how an attempt ended; a nil failure is a success.
func (b *breaker) result(now time.Time, f *channel.Failure, probe bool) {
	failed := f != nil && transport(f)
	b.abort(probe)
	b.recent = append(b.recent, verdict{now, failed})
	if len(b.recent) > window {
		b.recent = b.recent[1:]
	}
	if f != nil && f.Reason == channel.Throttled {
		b.width = 1
		if b.throttles++; b.throttles > 1 {
			// Two in a row: it is the account that is too fast, not one conversation.
			b.quiet = now.Add(max(f.RetryAfter, time.Second))
		}
	} else if f == nil {
		b.throttles, b.quiet = 0, time.Time{}
	}
	if !failed {
		b.row = 0
		if b.open {
			b.open, b.code, b.reason, b.since, b.until, b.wait = false, "", "", now, time.Time{}, 0
			b.recent = nil
			b.width = 1
			return
		}
		if f == nil {
			b.width = min(max(b.width, 1)*2, parallelMax)
		}
		return
	}
	b.row++
	switch {
	case f.Reason == channel.Broken:
		// The account itself: nothing gets out until somebody repairs it.
		b.trip(now, f, probeMax)
	case probe:
		b.trip(now, f, min(max(b.wait*2, probeFirst), probeMax))
	case b.open: // it was on its way when the breaker opened
	case b.row >= breakAfter || b.halfFailed(now):
		b.trip(now, f, probeFirst)
	}
}

// retryNow is for a way that has been mended: one that is open is probed at once,
// and what waits begins slowly.
func (b *breaker) retryNow() {
	b.width = 1
	b.recent, b.row = nil, 0
	if b.open && !b.probing {
		b.until, b.wait = time.Time{}, 0
	}
}

func (b *breaker) trip(now time.Time, f *channel.Failure, wait time.Duration) {
	if !b.open {
		b.since = now
	}
	b.open, b.wait, b.until = true, wait, now.Add(wait)
	b.code, b.reason = f.Code, f.Text
}

func (b *breaker) halfFailed(now time.Time) bool {
	n, failed := 0, 0
	for _, v := range b.recent {
		if now.Sub(v.at) <= windowAge {
			n++
			if v.failed {
				failed++
			}
		}
	}
	return n >= window && failed*2 >= n
}

func (b *breaker) state() BreakerState {
	s := BreakerState{State: "closed", Code: b.code, Reason: b.reason, Since: b.since}
	switch {
	case b.off:
		s.State = "off"
	case b.open && b.probing:
		s.State = "probing"
	case b.open:
		s.State, s.Until = "open", b.until
	}
	return s
}
