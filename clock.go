package holdfast

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Clock is a hybrid logical clock stamp: 48 bits of Unix milliseconds, then a
// 16-bit counter (Kulkarni et al., 2014). Stamps of one node strictly increase.
// Two equal stamps of different nodes are ordered by their origins' ids.
type Clock int64

// farFuture is how far ahead of this node's wall clock a stamp may be and still
// pull the local clock along. Beyond it the stamp is kept but not followed: one
// node with a wrong year must not drag the others with it.
const farFuture = 10 * time.Minute

// ClockAt is the smallest stamp of the millisecond t.
func ClockAt(t time.Time) Clock { return Clock(t.UnixMilli() << 16) }

// Time is the wall-clock part of c.
func (c Clock) Time() time.Time { return time.UnixMilli(int64(c) >> 16) }

// MarshalJSON writes the stamp as a decimal string: it does not fit the numbers of JavaScript.
func (c Clock) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatInt(int64(c), 10)), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, or a plain number.
func (c *Clock) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil {
		return fmt.Errorf("%s is not a clock stamp", b)
	}
	*c = Clock(n)
	return nil
}

// Stamper hands out clock stamps. The zero value is ready to use.
type Stamper struct {
	mu   sync.Mutex
	last Clock
}

// Next returns a stamp after every stamp handed out or observed, and not
// before now. A wall clock that is set back does not make stamps go back.
func (s *Stamper) Next(now time.Time) Clock {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := ClockAt(now)
	if c <= s.last {
		c = s.last + 1
	}
	s.last = c
	return c
}

// Observe merges a stamp made elsewhere. It reports false, and leaves the local
// clock alone, when the stamp is more than ten minutes in the future.
func (s *Stamper) Observe(c Clock, now time.Time) bool {
	if c.Time().Sub(now) > farFuture {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c > s.last {
		s.last = c
	}
	return true
}

// Restore sets the clock to at least c, for a node that reopens its own journal.
func (s *Stamper) Restore(c Clock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c > s.last {
		s.last = c
	}
}

// Last is the newest stamp handed out or followed.
func (s *Stamper) Last() Clock {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}
