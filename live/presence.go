package live

import (
	"bytes"
	"sort"

	"holdfast"
)

// Presence is an operator who has a console open, and what they look at.
type Presence struct {
	ID      holdfast.ID `json:"id"`
	Viewing holdfast.ID `json:"viewing"`
}

// present is called with the lock held.
func (h *Hub) present(workspace holdfast.ID) []Presence {
	seen := map[holdfast.ID]holdfast.ID{}
	for s := range h.screens {
		if s.workspace == workspace && !s.operator.IsZero() {
			if v, ok := seen[s.operator]; !ok || v.IsZero() {
				seen[s.operator] = s.viewing
			}
		}
	}
	list := make([]Presence, 0, len(seen))
	for id, viewing := range seen {
		list = append(list, Presence{id, viewing})
	}
	sort.Slice(list, func(i, j int) bool { return bytes.Compare(list[i].ID[:], list[j].ID[:]) < 0 })
	return list
}

// Online lists the operators of a workspace who have a console open.
func (h *Hub) Online(workspace holdfast.ID) []Presence {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.present(workspace)
}

// announce tells a workspace's screens who is there.
func (h *Hub) announce(workspace holdfast.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := frame("presence", map[string]any{"operators": h.present(workspace)})
	for s := range h.screens {
		if s.workspace == workspace {
			h.send(s, b)
		}
	}
}

// View says what a screen shows now; the others of its workspace are told.
func (h *Hub) View(s *Screen, conversation holdfast.ID) {
	h.mu.Lock()
	changed := s.viewing != conversation
	s.viewing = conversation
	h.mu.Unlock()
	if changed {
		h.announce(s.workspace)
	}
}

// Typing tells the other screens of a workspace that somebody is writing in a conversation.
func (h *Hub) Typing(workspace, conversation, operator, customer holdfast.ID, text string) {
	fields := map[string]any{"conversation": conversation}
	if !operator.IsZero() {
		fields["operator"] = operator
	}
	if !customer.IsZero() {
		fields["customer"], fields["text"] = customer, text
	}
	b := frame("typing", fields)
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.screens {
		if s.workspace == workspace && (operator.IsZero() || s.operator != operator) {
			h.send(s, b)
		}
	}
}
