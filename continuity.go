package holdfast

// order of reaches, from the device alone to the whole world.
var order = map[Reach]int{Nowhere: 1, Local: 2, Domestic: 3, International: 4}

// Covers reports whether a node that gets as far as r can use what needs need.
func (r Reach) Covers(need Reach) bool { return order[r] >= order[need] && order[need] > 0 }

// LinkState is how an uplink is.
type LinkState string

// The states of an uplink; see the detector in package links.
const (
	LinkUp       LinkState = "up"
	LinkDegraded LinkState = "degraded"
	LinkDown     LinkState = "down"
)

// LinkChanged says that an uplink of this node is better or worse than it was.
// Links are the node's; every workspace has the entry. Subject of the entry: the link.
type LinkChanged struct {
	Link   ID        `json:"link"`
	Name   string    `json:"name"`
	State  LinkState `json:"state"`
	Was    LinkState `json:"was,omitempty"`
	Layer  string    `json:"layer,omitempty"`  // what exactly is broken: "carrier", "gateway", "anchors", "dns", "http", "quality"
	Reason string    `json:"reason,omitempty"` // a stable code: "no_answer", "loss", "rtt", "mos", "hijacked", "portal", "manual"
}

// EntryKind is the entry's name.
func (*LinkChanged) EntryKind() EntryKind { return "link.changed" }

// ReachChanged says how far this node gets now. Every workspace has the entry.
// Subject of the entry: the workspace.
type ReachChanged struct {
	Reach Reach `json:"reach"`
	Was   Reach `json:"was,omitempty"`
}

// EntryKind is the entry's name.
func (*ReachChanged) EntryKind() EntryKind { return "reach.changed" }

// ChannelState is whether a channel account carries messages now.
type ChannelState string

// The states of a channel account.
const (
	ChannelUp       ChannelState = "up"
	ChannelDegraded ChannelState = "degraded"
	ChannelDown     ChannelState = "down"
)

// ChannelChanged says that a channel account carries messages, or does not. Subject
// of the entry: the channel account.
type ChannelChanged struct {
	Channel ID           `json:"channel"`
	State   ChannelState `json:"state"`
	Was     ChannelState `json:"was,omitempty"`
	Via     string       `json:"via,omitempty"`    // what says so: "link" (reach does not cover it), "breaker", "probe" (its own API), "manual"
	Code    string       `json:"code,omitempty"`   // stable, or the provider's
	Reason  string       `json:"reason,omitempty"` // for an operator
}

// EntryKind is the entry's name.
func (*ChannelChanged) EntryKind() EntryKind { return "channel.changed" }
