package live

import (
	"holdfast"
	"holdfast/bus"
)

// Far ends are customers who read from us and not from a provider: visitors
// with an open chat. They are told to look again; what they see, they read.

func farEnd(workspace holdfast.ID, scheme, value string) string {
	return string(workspace[:]) + scheme + ":" + value
}

// Watch starts to wake the far end at an address. Close must be called.
func (h *Hub) Watch(workspace holdfast.ID, scheme, value string) *bus.Watch {
	return h.bus.Watch(farEnd(workspace, scheme, value))
}

// FarEnds is how many visitors are connected.
func (h *Hub) FarEnds() int { return h.bus.Watched() }

// SignalTo passes a signal to the far ends at an address.
func (h *Hub) SignalTo(workspace holdfast.ID, scheme, value string, s holdfast.Signal) {
	h.bus.Signal(farEnd(workspace, scheme, value), s)
}

// wakeFarEnds tells those whom an entry concerns to look again.
func (h *Hub) wakeFarEnds(e *holdfast.Entry) {
	switch b := e.Body.(type) {
	case *holdfast.MessageReceived:
		h.bus.Wake(farEnd(e.Workspace, b.From.Scheme, b.From.Value))
	case *holdfast.MessageSent:
		h.bus.Wake(farEnd(e.Workspace, b.To.Scheme, b.To.Value))
	}
}
