package holdfast

import "time"

// Direction is which way a message went.
type Direction string

// The three directions.
const (
	Inbound  Direction = "in"
	Outbound Direction = "out"
	Note     Direction = "note" // the customer never sees it
)

// Delivery is how far an outbound message has come. The outbox moves it along
// queued → sending → accepted → delivered → seen, or to failed, retry_wait,
// unknown, held or cancelled.
type Delivery string

// The states of an outbound message.
const (
	Queued    Delivery = "queued"
	Sending   Delivery = "sending"    // on disk first; what happened is not known until the provider answers
	RetryWait Delivery = "retry_wait" // surely not sent; will be tried again
	Accepted  Delivery = "accepted"   // by the provider
	Delivered Delivery = "delivered"
	Seen      Delivery = "seen"
	Failed    Delivery = "failed"  // permanently, with a reason
	Parked    Delivery = "unknown" // maybe sent; an operator decides
	Held      Delivery = "held"    // by an operator
	Cancelled Delivery = "cancelled"
)

// Attachment is a file of a message. Its content is in blob storage under Hash.
type Attachment struct {
	ID    ID     `json:"id"`
	Name  string `json:"name"`            // cleaned: no path, no control characters
	Type  string `json:"type"`            // sniffed from the content
	Size  int64  `json:"size"`            // bytes
	Hash  string `json:"hash"`            // SHA-256, hex
	CID   string `json:"cid,omitempty"`   // Content-ID, for images inside HTML
	Thumb string `json:"thumb,omitempty"` // SHA-256 of a thumbnail, when it is an image
	Kind  string `json:"kind,omitempty"`  // "calendar", "signature", "message", "" (plain file)
}

// MessageReceived is a message from a customer. Subject of the entry: the conversation.
type MessageReceived struct {
	Message     ID           `json:"message"`
	Customer    ID           `json:"customer"`
	Channel     ID           `json:"channel"`
	From        Address      `json:"from"`
	To          []string     `json:"to,omitempty"`
	CC          []string     `json:"cc,omitempty"`
	Subject     string       `json:"subject,omitempty"`
	Text        string       `json:"text"`             // the visible part
	Rest        string       `json:"rest,omitempty"`   // quotes and signature, one click away
	HTML        string       `json:"html,omitempty"`   // cleaned on the server
	Remote      bool         `json:"remote,omitempty"` // HTML asks for images from elsewhere
	Language    string       `json:"language,omitempty"`
	SentAt      time.Time    `json:"sent_at,omitzero"` // as the sender's clock claims
	Attachments []Attachment `json:"attachments,omitempty"`
	ExternalID  string       `json:"external_id,omitempty"` // the provider's id, for a mail its Message-ID
	Thread      []string     `json:"thread,omitempty"`      // ids this message answers, nearest last
	Marks       []string     `json:"marks,omitempty"`       // "signed", "encrypted", "calendar", "truncated", …
	Raw         string       `json:"raw,omitempty"`         // SHA-256 of the raw form in blob storage
}

// MessageQueued is a reply on its way to a customer. Subject of the entry: the conversation.
type MessageQueued struct {
	Message     ID           `json:"message"`
	Customer    ID           `json:"customer"`
	Channel     ID           `json:"channel"`
	To          Address      `json:"to"`
	CC          []string     `json:"cc,omitempty"`
	BCC         []string     `json:"bcc,omitempty"`
	Subject     string       `json:"subject,omitempty"`
	Text        string       `json:"text"`
	HTML        string       `json:"html,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Author      ID           `json:"author,omitzero"` // the operator; zero for automatic messages
	Automatic   bool         `json:"automatic,omitempty"`
	NotBefore   time.Time    `json:"not_before,omitzero"`
	ExpiresAt   time.Time    `json:"expires_at,omitzero"`
	Then        Status       `json:"then,omitempty"`        // the status this reply sets
	ExternalID  string       `json:"external_id,omitempty"` // decided before sending, so that a retry is the same thing
	Thread      []string     `json:"thread,omitempty"`      // provider ids this answers, nearest last
	Forwarded   ID           `json:"forwarded,omitzero"`    // the message that this one passes on to somebody else
	Unsubscribe string       `json:"unsubscribe,omitempty"` // where such mail is refused with one click
}

// MessageNoted is a private note. Subject of the entry: the conversation.
type MessageNoted struct {
	Message     ID           `json:"message"`
	Author      ID           `json:"author,omitzero"`
	Text        string       `json:"text"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Mentions    []ID         `json:"mentions,omitempty"`
}

// MessageSent says that the provider has accepted a message. Doubled marks one
// that may have reached the customer twice.
type MessageSent struct {
	Message    ID      `json:"message"`
	Attempt    int     `json:"attempt"`
	To         Address `json:"to,omitzero"` // wakes the far end of channels that have no provider
	ExternalID string  `json:"external_id,omitempty"`
	Doubled    bool    `json:"doubled,omitempty"`
}

// MessageRetrying says that an attempt surely did not send and when the next one is.
type MessageRetrying struct {
	Message ID        `json:"message"`
	Attempt int       `json:"attempt"`
	Code    string    `json:"code"`
	Reason  string    `json:"reason"`
	NextAt  time.Time `json:"next_at"`
	// Maybe takes the "surely" back: the attempt may have sent, and the channel
	// allows one more all the same. The message may reach the customer twice.
	Maybe bool `json:"maybe,omitempty"`
}

// MessageDelivered says that the message is on the customer's device.
type MessageDelivered struct {
	Message ID `json:"message"`
}

// MessageSeen says that the customer has opened it.
type MessageSeen struct {
	Message ID `json:"message"`
}

// MessageFailed says that a message will not be sent, and why.
type MessageFailed struct {
	Message ID     `json:"message"`
	Code    string `json:"code"`
	Reason  string `json:"reason"`
}

// MessageUnknown says that a message may have been sent; an operator decides.
type MessageUnknown struct {
	Message ID     `json:"message"`
	Code    string `json:"code"`
	Reason  string `json:"reason"`
}

// MessageRequeued sends a failed, held or unknown message again, and one that waits at
// another time.
type MessageRequeued struct {
	Message ID `json:"message"`
	// Channel and To re-route it; zero keeps what it had.
	Channel ID      `json:"channel,omitzero"`
	To      Address `json:"to,omitzero"`
	// NotBefore puts one that waits off to another time; zero means at once.
	NotBefore time.Time `json:"not_before,omitzero"`
}

// MessageHeld keeps a queued message back until it is requeued.
type MessageHeld struct {
	Message ID `json:"message"`
}

// MessageCancelled withdraws a message that has not been sent.
type MessageCancelled struct {
	Message ID `json:"message"`
}

// ArrivalRefused records something that came in and did not become a message:
// an automatic reply, a bounce, a loop, or what we could not parse. Its raw form
// stays downloadable. Subject of the entry: the arrival.
type ArrivalRefused struct {
	Channel    ID        `json:"channel"`
	Reason     string    `json:"reason"`           // "auto_reply", "bounce", "loop", "quarantined", "rejected"
	Detail     string    `json:"detail,omitempty"` // for a person
	From       string    `json:"from,omitempty"`
	Subject    string    `json:"subject,omitempty"`
	Message    ID        `json:"message,omitzero"` // what a bounce is about
	Raw        string    `json:"raw,omitempty"`
	RawType    string    `json:"raw_type,omitempty"`
	ExternalID string    `json:"external_id,omitempty"`
	At         time.Time `json:"at,omitzero"`
}

// ArrivalReplayed says that a quarantined arrival was taken in after all.
type ArrivalReplayed struct {
	Message ID `json:"message,omitzero"`
}

func (*MessageReceived) EntryKind() EntryKind  { return "message.received" }
func (*MessageQueued) EntryKind() EntryKind    { return "message.queued" }
func (*MessageNoted) EntryKind() EntryKind     { return "message.noted" }
func (*MessageSent) EntryKind() EntryKind      { return "message.sent" }
func (*MessageRetrying) EntryKind() EntryKind  { return "message.retrying" }
func (*MessageDelivered) EntryKind() EntryKind { return "message.delivered" }
func (*MessageSeen) EntryKind() EntryKind      { return "message.seen" }
func (*MessageFailed) EntryKind() EntryKind    { return "message.failed" }
func (*MessageUnknown) EntryKind() EntryKind   { return "message.unknown" }
func (*MessageRequeued) EntryKind() EntryKind  { return "message.requeued" }
func (*MessageHeld) EntryKind() EntryKind      { return "message.held" }
func (*MessageCancelled) EntryKind() EntryKind { return "message.cancelled" }
func (*ArrivalRefused) EntryKind() EntryKind   { return "arrival.refused" }
func (*ArrivalReplayed) EntryKind() EntryKind  { return "arrival.replayed" }
