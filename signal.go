package holdfast

// Signal is a thing of the moment between a customer and the operators; it is
// never stored. The zero Signal means "look again".
type Signal struct {
	Typing bool   `json:"typing,omitempty"`
	Seen   int64  `json:"seen,omitempty"` // up to this number
	Text   string `json:"text,omitempty"` // a preview of what is being typed
	Name   string `json:"name,omitempty"` // who, for the other side
	Page   string `json:"page,omitempty"` // where a visitor is now
	Here   bool   `json:"here,omitempty"` // connected
	Gone   bool   `json:"gone,omitempty"` // disconnected
}
