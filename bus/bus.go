// Package bus carries wake-ups and signals of the moment between the parts of
// one node. A wake-up says "look again"; whoever missed one looks anyway.
//
// It refuses to carry anything that would be missed: the truth is in the journal.
package bus

import "sync"

// Bus connects publishers and subscribers of topics within this process. The
// zero value is not ready; use New.
type Bus struct {
	mu     sync.RWMutex
	topics map[string]map[*Subscription]struct{}
}

// New returns an empty bus.
func New() *Bus { return &Bus{topics: map[string]map[*Subscription]struct{}{}} }

// Subscription receives what is published on one topic. When its reader is
// slow, older values are dropped and the newest is kept.
type Subscription struct {
	C     <-chan any
	c     chan any
	topic string
	bus   *Bus
}

// Subscribe starts to receive a topic. Close must be called.
func (b *Bus) Subscribe(topic string) *Subscription {
	c := make(chan any, 1)
	s := &Subscription{C: c, c: c, topic: topic, bus: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	set := b.topics[topic]
	if set == nil {
		set = map[*Subscription]struct{}{}
		b.topics[topic] = set
	}
	set[s] = struct{}{}
	return s
}

// Publish passes value to everybody who listens on topic now. It never blocks.
func (b *Bus) Publish(topic string, value any) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for s := range b.topics[topic] {
		s.offer(value)
	}
}

// Listeners is how many subscriptions a topic has.
func (b *Bus) Listeners(topic string) int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.topics[topic])
}

func (s *Subscription) offer(value any) {
	for {
		select {
		case s.c <- value:
			return
		default:
		}
		select {
		case <-s.c:
		default:
		}
	}
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	set := s.bus.topics[s.topic]
	delete(set, s)
	if len(set) == 0 {
		delete(s.bus.topics, s.topic)
	}
}
