package sms

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"holdfast/channel"
)

const (
	seenKey    = "seen"
	seenMemory = 10 * time.Minute
	seenLimit  = 128
)

// seen gives keys to texts that came without an id and without a time. A network
// brings such a text again when the connection broke before it had our
// acknowledgement; a customer may also write "yes" twice. The two are told apart
// by the connection: what was acknowledged on this one does not come again on it.
type seen struct {
	state channel.State
	now   func() time.Time

	mu    sync.Mutex
	read  bool
	list  []sighting
	acked map[string]bool // keys that the desk has, as far as this process knows
}

type sighting struct {
	Text  string    `json:"text"` // a digest
	Key   string    `json:"key"`
	At    time.Time `json:"at"`
	Epoch int64     `json:"epoch"`
}

func newSeen(env channel.Env) *seen {
	return &seen{state: env.State, now: env.Now, acked: map[string]bool{}}
}

// key is the key of m, on disk before it is used.
func (s *seen) key(ctx context.Context, m incoming) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.read {
		b, err := s.state.Get(ctx, seenKey)
		if err != nil {
			return "", err
		}
		if len(b) > 0 {
			if err := json.Unmarshal(b, &s.list); err != nil {
				return "", err
			}
		}
		s.read = true
	}
	now, text := s.now(), digest(m.from, m.to, m.text)
	before := slices.Clone(s.list)
	s.list = slices.DeleteFunc(s.list, func(x sighting) bool {
		old := now.Sub(x.At) > seenMemory
		if old {
			delete(s.acked, x.Key)
		}
		return old
	})
	for i := len(s.list) - 1; i >= 0; i-- {
		x := s.list[i]
		if x.Text == text && (x.Epoch != m.epoch || !s.acked[x.Key]) {
			return x.Key, nil
		} else if x.Text == text {
			break // the newest was acknowledged on this connection
		}
	}
	key := digest(text, strconv.FormatInt(now.UnixNano(), 36), strconv.FormatInt(m.epoch, 36))
	s.list = append(s.list, sighting{Text: text, Key: key, At: now, Epoch: m.epoch})
	if len(s.list) > seenLimit {
		delete(s.acked, s.list[0].Key)
		s.list = slices.Delete(s.list, 0, 1)
	}
	b, err := json.Marshal(s.list)
	if err == nil {
		err = s.state.Put(ctx, seenKey, b)
	}
	if err != nil {
		s.list = before
		return "", err
	}
	return key, nil
}

// done notes that the desk has the text of a key, and that the network is told so.
func (s *seen) done(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.list, func(x sighting) bool { return x.Key == key }) {
		s.acked[key] = true
	}
}
