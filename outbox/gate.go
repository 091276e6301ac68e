package outbox

import (
	"time"

	"holdfast"
)

// gate is why nothing may go out through a channel account, as somebody outside
// has said: its link is down, its own API does not answer.
type gate struct {
	code, reason string
	since        time.Time
}

// Cut holds everything back that is to go out through a channel account, from now
// on: what has no lease yet waits as it is, and no attempt is made. What is being
// sent goes on to its end. Cutting what is cut changes the reason alone.
func (w *Worker) Cut(account holdfast.ID, code, reason string) {
	w.mu.Lock()
	g, was := w.cuts[account]
	if !was {
		g.since = w.now()
	}
	g.code, g.reason = code, reason
	w.cuts[account] = g
	w.mu.Unlock()
	if !was {
		w.turned()
	}
}

// Restore takes a Cut back. The lane begins with one message at a time and widens
// as they are accepted; a breaker that had opened meanwhile is tried at once.
func (w *Worker) Restore(account holdfast.ID) {
	w.mu.Lock()
	_, was := w.cuts[account]
	delete(w.cuts, account)
	l := w.lanes[account]
	w.mu.Unlock()
	if !was {
		return
	}
	if l != nil {
		l.mu.Lock()
		l.breaker.retryNow()
		l.mu.Unlock()
		l.poke()
	}
	w.turned()
}

// cut is why an account is cut, if it is.
func (w *Worker) cut(account holdfast.ID) (gate, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g, ok := w.cuts[account]
	return g, ok
}

// Turns wakes whoever wants to know that a way out has opened or closed; cancel
// must be called. Several turns may be one wake-up.
func (w *Worker) Turns() (wake <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turns[c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.turns, c)
	}
}

func (w *Worker) turned() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.turns {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
