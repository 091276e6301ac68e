package holdfast

import "time"

// Status is where a conversation stands. The stored status is what somebody
// set last; a later message from the customer reopens it, which is derived and
// never written.
type Status string

// The five statuses.
const (
	Open     Status = "open"     // needs us
	Waiting  Status = "waiting"  // for the customer
	Snoozed  Status = "snoozed"  // until a time or the next message
	Resolved Status = "resolved" // done; a message reopens it
	Closed   Status = "closed"   // done for good; a message starts a new conversation
)

// ParseStatus reads a status; the error is Invalid.
func ParseStatus(s string) (Status, error) {
	switch st := Status(s); st {
	case Open, Waiting, Snoozed, Resolved, Closed:
		return st, nil
	}
	return "", Errorf(Invalid, "conversation.status_unknown", "%q is not a status", clip(s, 32)).
		WithNext("Use open, waiting, snoozed, resolved or closed.").WithField("status")
}

// Effective is the status a person sees: what was set, unless the customer has
// written since (then open) or a snooze has run out (then open). Closed stays closed.
func Effective(set Status, setClock Clock, lastInbound Clock, snoozeUntil, now time.Time) Status {
	switch set {
	case "", Open:
		return Open
	case Closed:
		return Closed
	case Snoozed:
		if !snoozeUntil.IsZero() && !now.Before(snoozeUntil) {
			return Open
		}
	}
	if lastInbound > setClock {
		return Open
	}
	return set
}

// Priority orders an inbox: 0 low, 1 normal, 2 high, 3 urgent.
type Priority int

// The four priorities.
const (
	Low Priority = iota
	Normal
	High
	Urgent
)

// ConversationOpened starts one matter with one customer. Subject of the entry: the conversation.
type ConversationOpened struct {
	Number   int64  `json:"number"` // for people, per workspace
	Customer ID     `json:"customer"`
	Channel  ID     `json:"channel"`
	Subject  string `json:"subject,omitempty"`
	Team     ID     `json:"team,omitzero"`
	Page     string `json:"page,omitempty"` // where a visitor was
}

// ConversationSubject renames the matter.
type ConversationSubject struct {
	Subject string `json:"subject"`
}

// ConversationStatus sets the status. Until matters for Snoozed alone; the zero
// time there means "until the next message".
type ConversationStatus struct {
	Status Status    `json:"status"`
	Until  time.Time `json:"until,omitzero"`
}

// ConversationAssigned hands it to an operator, a team, both or nobody.
type ConversationAssigned struct {
	Operator ID `json:"operator,omitzero"`
	Team     ID `json:"team,omitzero"`
}

// ConversationPrioritised sets the priority.
type ConversationPrioritised struct {
	Priority Priority `json:"priority"`
}

// ConversationTagged adds one tag. Mark is unique to this addition, so that a
// removal takes away exactly the additions its author had seen (observed-remove set).
type ConversationTagged struct {
	Tag  string `json:"tag"`
	Mark ID     `json:"mark"`
}

// ConversationUntagged removes the named additions of one tag.
type ConversationUntagged struct {
	Tag   string `json:"tag"`
	Marks []ID   `json:"marks"`
}

// ConversationRead records how far an operator (the actor) has read. Unread
// takes the mark back instead.
type ConversationRead struct {
	Operator ID    `json:"operator"`
	Upto     Clock `json:"upto"`
	Unread   bool  `json:"unread,omitempty"`
}

// DraftSaved keeps what an operator has typed so far; empty text drops the draft.
type DraftSaved struct {
	Operator ID     `json:"operator"`
	Text     string `json:"text"`
	Note     bool   `json:"note,omitempty"`
}

// CustomerCreated names a person for the first time. Subject of the entry: the customer.
type CustomerCreated struct {
	Name      string    `json:"name,omitempty"`
	Language  string    `json:"language,omitempty"`
	Addresses []Address `json:"addresses,omitempty"`
}

// CustomerChanged sets the fields that are not nil.
type CustomerChanged struct {
	Name     *string `json:"name,omitempty"`
	Language *string `json:"language,omitempty"`
	Company  *string `json:"company,omitempty"`
	About    *string `json:"about,omitempty"`
}

// Address is one way to reach a customer, written as scheme and value:
// {mailto, ana@example.com}, {visitor, 0197…}. The scheme belongs to the channel's kind.
type Address struct {
	Scheme string `json:"scheme"`
	Value  string `json:"value"`
	Name   string `json:"name,omitempty"` // as the other side writes it
	// Verified means that the customer has proved to own it, by a signed
	// identity or by writing from it over a channel that cannot be forged.
	Verified bool `json:"verified,omitempty"`
}

// String is scheme:value.
func (a Address) String() string { return a.Scheme + ":" + a.Value }

// AddressAdded gives a customer one more address. Subject of the entry: the customer.
type AddressAdded struct {
	Address Address `json:"address"`
	// Claimed is what somebody says of himself and has proved by nothing: he can be
	// reached there, and nobody who writes from there is taken for him.
	Claimed bool `json:"claimed,omitempty"`
}

// AddressFailing marks an address that bounces. Subject of the entry: the customer.
type AddressFailing struct {
	Address Address `json:"address"`
	Reason  string  `json:"reason"`
	Message ID      `json:"message,omitzero"`
}

// SetupChanged tells screens that settings of a kind ("channel", "operator",
// "team", "workspace", "webhook") changed; it carries no settings and no secret.
type SetupChanged struct {
	What   string `json:"what"`
	ID     ID     `json:"id,omitzero"`
	Action string `json:"action"` // "added", "changed", "removed"; of a channel also "down" and "up"
}

func (*ConversationOpened) EntryKind() EntryKind      { return "conversation.opened" }
func (*ConversationSubject) EntryKind() EntryKind     { return "conversation.subject" }
func (*ConversationStatus) EntryKind() EntryKind      { return "conversation.status" }
func (*ConversationAssigned) EntryKind() EntryKind    { return "conversation.assigned" }
func (*ConversationPrioritised) EntryKind() EntryKind { return "conversation.prioritised" }
func (*ConversationTagged) EntryKind() EntryKind      { return "conversation.tagged" }
func (*ConversationUntagged) EntryKind() EntryKind    { return "conversation.untagged" }
func (*ConversationRead) EntryKind() EntryKind        { return "conversation.read" }
func (*DraftSaved) EntryKind() EntryKind              { return "draft.saved" }
func (*CustomerCreated) EntryKind() EntryKind         { return "customer.created" }
func (*CustomerChanged) EntryKind() EntryKind         { return "customer.changed" }
func (*AddressAdded) EntryKind() EntryKind            { return "address.added" }
func (*AddressFailing) EntryKind() EntryKind          { return "address.failing" }
func (*SetupChanged) EntryKind() EntryKind            { return "setup.changed" }
