package importer

import (
	"encoding/json"

	"holdfast"
)

// spot is a place in an API that is read page by page: customers first, then
// conversations.
type spot struct {
	Phase string `json:"phase"`
	Page  int    `json:"page,omitempty"`
	After string `json:"after,omitempty"` // where pages have cursors
	Seen  int64  `json:"seen,omitempty"`  // of this phase, for the progress
	Since string `json:"since,omitempty"`
}

const (
	phaseCustomers     = "customers"
	phaseConversations = "conversations"
)

// at reads a place; "" is the beginning.
func at(place string) (spot, error) {
	s := spot{Phase: phaseCustomers, Page: 1}
	if place == "" {
		return s, nil
	}
	if err := json.Unmarshal([]byte(place), &s); err != nil {
		return s, holdfast.Errorf(holdfast.Internal, "import.place", "the place where the import stopped cannot be read: %w", err)
	}
	return s, nil
}

func (s spot) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers and strings
	}
	return string(b)
}

// turned says that a page is done and where the next one is.
func turned(next spot, total int64) record {
	return record{place: next.String(), done: next.Seen, total: total, unit: next.Phase}
}

// conversations is where they begin.
func (s spot) conversations() spot { return spot{Phase: phaseConversations, Page: 1} }
