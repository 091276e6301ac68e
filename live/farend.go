package live

import (
	"holdfast"
)

// Watcher is a far end that waits: a visitor's open chat.
type Watcher struct {
	hub *Hub
	key string
	c   chan holdfast.Signal
}

// typingRoom leaves space for wake-ups: a far end may miss that somebody types,
// never that there is something to read.
const typingRoom = 2

func farEnd(workspace holdfast.ID, scheme, value string) string {
	return string(workspace[:]) + scheme + ":" + value
}

// Watch starts to wake the far end at an address. Close must be called.
func (h *Hub) Watch(workspace holdfast.ID, scheme, value string) *Watcher {
	w := &Watcher{hub: h, key: farEnd(workspace, scheme, value), c: make(chan holdfast.Signal, typingRoom+1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	set := h.feeds[w.key]
	if set == nil {
		set = make(map[*Watcher]struct{}, 1)
		h.feeds[w.key] = set
	}
	set[w] = struct{}{}
	return w
}

// C delivers wake-ups and signals.
func (w *Watcher) C() <-chan holdfast.Signal { return w.c }

// Close ends the watching.
func (w *Watcher) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	set := w.hub.feeds[w.key]
	delete(set, w)
	if len(set) == 0 {
		delete(w.hub.feeds, w.key)
	}
}

func (w *Watcher) offer(s holdfast.Signal) {
	if (s.Typing || s.Seen > 0) && len(w.c) >= typingRoom {
		return
	}
	select {
	case w.c <- s:
	default: // full, so a wake-up is waiting in it already
	}
}

// FarEnds is how many visitors are connected.
func (h *Hub) FarEnds() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.feeds)
}

// SignalTo passes a signal to the far ends at an address.
func (h *Hub) SignalTo(workspace holdfast.ID, scheme, value string, s holdfast.Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.feeds[farEnd(workspace, scheme, value)] {
		w.offer(s)
	}
}

// wakeFarEnds is called with the lock held.
func (h *Hub) wakeFarEnds(e *holdfast.Entry) {
	if len(h.feeds) == 0 {
		return
	}
	switch b := e.Body.(type) {
	case *holdfast.MessageReceived:
		for w := range h.feeds[farEnd(e.Workspace, b.From.Scheme, b.From.Value)] {
			w.offer(holdfast.Signal{})
		}
	case *holdfast.MessageSent:
		for w := range h.feeds[farEnd(e.Workspace, b.To.Scheme, b.To.Value)] {
			w.offer(holdfast.Signal{})
		}
	}
}
