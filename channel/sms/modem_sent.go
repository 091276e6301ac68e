package sms

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
)

const (
	sentKey    = "modem.sent"
	sentMemory = 4 * 24 * time.Hour // no centre tries longer, whatever it was asked
	sentLimit  = 400
)

// sentPart is a part that the network has taken.
type sentPart struct {
	ID      holdfast.ID `json:"id"`
	To      string      `json:"to"`
	Part    int         `json:"part"` // from 1
	Total   int         `json:"total"`
	Ref     int         `json:"ref"` // TP-MR as the modem counted it
	At      time.Time   `json:"at"`
	Open    bool        `json:"open,omitempty"` // the rest of its text has not gone yet
	Arrived bool        `json:"arrived,omitempty"`
}

// sentParts remembers them on disk: to go on with a text in the middle of which
// something broke, and to know whose report comes back.
type sentParts struct {
	state channel.State
	now   func() time.Time

	mu   sync.Mutex
	read bool
	list []sentPart
}

func (s *sentParts) load(ctx context.Context) error {
	if s.read {
		return nil
	}
	b, err := s.state.Get(ctx, sentKey)
	if err != nil {
		return err
	}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &s.list); err != nil {
			s.list = nil // a report less, and a part perhaps twice: no reason to send nothing
		}
	}
	s.read = true
	return nil
}

func (s *sentParts) save(ctx context.Context) error {
	now := s.now()
	kept := s.list[:0]
	for i, p := range s.list {
		if now.Sub(p.At) < sentMemory && len(s.list)-i <= sentLimit {
			kept = append(kept, p)
		}
	}
	s.list = kept
	b, err := json.Marshal(s.list)
	if err != nil {
		return err
	}
	return s.state.Put(ctx, sentKey, b)
}

// open lists the parts of a text that have gone in an attempt that did not end well.
func (s *sentParts) open(ctx context.Context, id holdfast.ID) (map[int]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	gone := map[int]bool{}
	for _, p := range s.list {
		if p.ID == id && p.Open {
			gone[p.Part] = true
		}
	}
	return gone, nil
}

// add notes a part that has gone; the last one of a text closes it.
func (s *sentParts) add(ctx context.Context, p sentPart) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	last := !p.Open
	kept := s.list[:0]
	for _, x := range s.list {
		// What an earlier attempt was told is no news of this one.
		if x.ID == p.ID && x.Part == p.Part {
			continue
		}
		if last && x.ID == p.ID {
			x.Open = false
		}
		kept = append(kept, x)
	}
	s.list = append(kept, p)
	return s.save(ctx)
}

// arrived notes a report and returns the text that it is about; whole is true when
// each of its parts has arrived.
func (s *sentParts) arrived(ctx context.Context, ref byte, to string, delivered bool) (id holdfast.ID, whole bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return id, false, err
	}
	for i := len(s.list) - 1; i >= 0; i-- {
		p := &s.list[i]
		if p.Ref != int(ref) || !sameNumber(p.To, to) {
			continue
		}
		if !delivered {
			return p.ID, false, nil
		}
		p.Arrived = true
		id, n, total := p.ID, 0, p.Total
		for _, x := range s.list {
			if x.ID == id && x.Arrived {
				n++
			}
		}
		return id, n >= total, s.save(ctx)
	}
	return id, false, nil
}

// sameNumber compares the ends of two numbers: a centre may report a number in the
// national form.
func sameNumber(a, b string) bool {
	a, b = strings.TrimLeft(a, "+0"), strings.TrimLeft(b, "+0")
	if a == "" || b == "" {
		return false
	}
	n := min(len(a), len(b), 9)
	if n < 7 && len(a) != len(b) {
		return false // a short number is the end of many long ones
	}
	return a[len(a)-n:] == b[len(b)-n:]
}
