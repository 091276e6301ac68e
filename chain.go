package holdfast

import "time"

// MessageSort is what kind of message a chain of ways is for.
type MessageSort string

// The sorts of messages that have a chain.
const (
	SortReply     MessageSort = "reply"     // a person's answer
	SortAutomatic MessageSort = "automatic" // written by nobody: a survey, an answer by mail to who has left
	SortNotice    MessageSort = "notice"    // a letter to a customer: an outage, "we are back"
)

// MessageSorts lists them.
var MessageSorts = []MessageSort{SortReply, SortAutomatic, SortNotice}

// Leg is one way of a chain: one channel account, or any of a kind.
type Leg struct {
	Channel ID     `json:"channel,omitzero"`
	Kind    string `json:"kind,omitempty"`
	// Wait is how long this way may take until the next one is tried, in seconds; 0
	// means that only a failure or a way that is cut goes on to the next one.
	Wait int `json:"wait"`
	// MaxPrice is the most that one message may cost on this way, in the unit of the
	// channel's own prices; 0 for no limit.
	MaxPrice float64 `json:"max_price,omitempty"`
}

// ChainSaved says which ways messages of one sort take after the one that they
// were written for. Without legs there is none. Subject of the entry: ChainID.
type ChainSaved struct {
	Sort MessageSort `json:"sort"`
	// First is how long the way that a message was written for may take, in seconds;
	// as Leg.Wait.
	First int   `json:"first"`
	Legs  []Leg `json:"legs"`
	// Once asks that a message is accepted by one way at most: what one has accepted,
	// or may have, is not sent another way.
	Once bool `json:"once,omitempty"`
}

// ChainID is what the entries about a workspace's chain are about.
func ChainID(workspace ID, sort MessageSort) ID { return DeriveID(workspace, "chain "+string(sort)) }

// MessageRerouted sends a waiting message another way. Subject of the entry: the conversation.
type MessageRerouted struct {
	Message     ID        `json:"message"`
	From        ID        `json:"from"`                  // the channel account that it is taken from
	FromAddress Address   `json:"from_address"`          //
	Accepted    bool      `json:"accepted,omitempty"`    // the way left behind has it: it may still arrive there
	ExternalID  string    `json:"external_id,omitempty"` // what that way's provider calls it
	To          ID        `json:"to"`                    // the channel account that it goes to
	Address     Address   `json:"address"`               //
	Why         string    `json:"why"`                   // "cut", "open", "failed", "late"
	Code        string    `json:"code,omitempty"`        // of what is wrong with the way left behind
	Reason      string    `json:"reason,omitempty"`      // for an operator
	Line        string    `json:"line,omitempty"`        // what tells the customer, in the customer's language
	Files       string    `json:"files,omitempty"`       // what stands for files that this way does not carry
	Subject     string    `json:"subject,omitempty"`     // on ways that have subjects
	Thread      []string  `json:"thread,omitempty"`      // what it answers there, nearest last
	At          time.Time `json:"at,omitzero"`
}

// MessageStayed says that a message needs no other way after all: the one that has
// it is enough, and the leg that had not started is dropped.
type MessageStayed struct {
	Message ID      `json:"message"`
	Channel ID      `json:"channel"` // that has it
	To      Address `json:"to"`
	Why     string  `json:"why"` // "answered": the customer has written since
}

// LaneLimited bounds how many messages a channel account sends. Subject of the
// entry: the channel account. Count 0 means no bound.
type LaneLimited struct {
	Count int    `json:"count"`
	Per   string `json:"per"` // "second" or "minute"
}

// Window is the time that Count is of.
func (l LaneLimited) Window() time.Duration {
	if l.Per == "minute" {
		return time.Minute
	}
	return time.Second
}

// WayPreferred says which ways a customer prefers, the first one first, by the
// schemes of their addresses. Subject of the entry: the customer.
type WayPreferred struct {
	Schemes []string `json:"schemes"`
}

func (*ChainSaved) EntryKind() EntryKind      { return "chain.saved" }
func (*MessageRerouted) EntryKind() EntryKind { return "message.rerouted" }
func (*MessageStayed) EntryKind() EntryKind   { return "message.stayed" }
func (*LaneLimited) EntryKind() EntryKind     { return "lane.limited" }
func (*WayPreferred) EntryKind() EntryKind    { return "way.preferred" }
