// Package bus carries wake-ups and signals of the moment between the parts of
// one node: "look again", "she is typing". A wake-up is never lost, since it
// says nothing but to look; a signal may be.
//
// It refuses to carry anything that would be missed: the truth is in the journal.
package bus

import (
	"sync"

	"holdfast"
)

// Bus connects those who say something about a topic with those who watch it,
// within this process.
type Bus struct {
	mu     sync.RWMutex
	topics map[string]map[*Watch]struct{}
}

// New returns a bus that nobody watches.
func New() *Bus { return &Bus{topics: map[string]map[*Watch]struct{}{}} }

// Watch is one watcher of one topic.
type Watch struct {
	bus   *Bus
	topic string
	c     chan holdfast.Signal
}

// signalRoom is how many signals may wait; one more place is kept for a wake-up.
const signalRoom = 2

// Watch starts to watch a topic. Close must be called.
func (b *Bus) Watch(topic string) *Watch {
	w := &Watch{bus: b, topic: topic, c: make(chan holdfast.Signal, signalRoom+1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	set := b.topics[topic]
	if set == nil {
		set = make(map[*Watch]struct{}, 1)
		b.topics[topic] = set
	}
	set[w] = struct{}{}
	return w
}

// C delivers signals; the zero Signal is a wake-up.
func (w *Watch) C() <-chan holdfast.Signal { return w.c }

// Close ends the watching.
func (w *Watch) Close() {
	w.bus.mu.Lock()
	defer w.bus.mu.Unlock()
	set := w.bus.topics[w.topic]
	delete(set, w)
	if len(set) == 0 {
		delete(w.bus.topics, w.topic)
	}
}

// Wake tells the watchers of a topic to look again. It never blocks, and a
// watcher that is busy finds one wake-up when it comes back, however many there were.
func (b *Bus) Wake(topic string) {
	b.each(topic, func(w *Watch) {
		select {
		case w.c <- holdfast.Signal{}:
		default: // full: since signals leave a place, a wake-up waits in it already
		}
	})
}

// Signal passes something of the moment to the watchers of a topic. It never
// blocks; a watcher that has not taken earlier ones does not get it.
func (b *Bus) Signal(topic string, s holdfast.Signal) {
	if s == (holdfast.Signal{}) {
		b.Wake(topic)
		return
	}
	b.each(topic, func(w *Watch) {
		if len(w.c) >= signalRoom {
			return
		}
		select {
		case w.c <- s:
		default:
		}
	})
}

func (b *Bus) each(topic string, f func(*Watch)) {
	// The full lock: between a signal's look at the room and its send, no other
	// signal may take the place that is kept for a wake-up.
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.topics[topic] {
		f(w)
	}
}

// WakeAll wakes every watcher of every topic: before a stop.
func (b *Bus) WakeAll() {
	b.mu.RLock()
	topics := make([]string, 0, len(b.topics))
	for t := range b.topics {
		topics = append(topics, t)
	}
	b.mu.RUnlock()
	for _, t := range topics {
		b.Wake(t)
	}
}

// Watched is how many topics somebody watches.
func (b *Bus) Watched() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.topics)
}
