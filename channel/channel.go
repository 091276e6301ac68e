// Package channel is the contract between the desk and the outside world. An
// adapter brings what customers write to Sink.Accept, and carries what operators
// answer with Adapter.Send.
//
// It refuses to know any channel by name, to touch the database, and to decide
// whose message something is or which conversation it belongs to.
package channel

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"holdfast"
)

// Kind describes one kind of channel to the rest of the desk: everything the
// console shows and the outbox must know comes from here.
type Kind struct {
	Name  string         // stable, lower case; also the folder's name
	Icon  string         // an SVG of 24 × 24
	Texts Texts          // title, about and the settings' labels, per language
	Needs holdfast.Reach // the least reach it works within
	// Scheme is the address scheme of the people on it (holdfast.Address.Scheme).
	Scheme string
	// Settings returns a pointer to a settings struct with its defaults (see Form).
	Settings func() any
	Limits   Limits
	Resend   Resend
	// Joins is of kinds whose messages name nothing that they answer: one of somebody
	// whose address is proved joins their running conversation on another channel.
	Joins bool
	// Receipts means that the provider says when a message has reached the customer:
	// only then does "accepted, and not delivered for a while" mean something.
	Receipts bool
	// Mount is the URL prefix of adapters that implement Webhook: the account's id
	// follows it. Empty means "/hooks/" + Name.
	Mount string
	// New makes an adapter and does no I/O. Settings are of the type that Settings
	// returns; an error is holdfast.Invalid and names the field.
	New func(Account, Env) (Adapter, error)
}

// Limits of one message on this kind of channel.
type Limits struct {
	Text            int   // characters; 0 means no limit
	Attachments     int   // number; 0 means none
	AttachmentBytes int64 // each
	HTML            bool  // carries formatted text
	Subject         bool  // has a subject line
	CC              bool  // has copies
}

// Resend is what the outbox may do with a message that may have been sent
// already (a time-out after writing, a crash while sending).
type Resend string

// The three policies; see docs/channels.md for which provider allows which.
const (
	ResendSame Resend = "same" // the provider recognises our id: send again
	ResendOnce Resend = "once" // send once more and mark it as possibly doubled
	ResendPark Resend = "park" // never by itself: an operator decides
)

// Account is one connected account of a kind, with its secrets opened.
type Account struct {
	ID        holdfast.ID
	Workspace holdfast.ID
	Name      string // as operators call it
	Language  string // of the workspace
	Settings  any    // pointer to the kind's settings struct
}

// Env is what an adapter gets from the desk.
type Env struct {
	Log       *slog.Logger
	HTTP      *http.Client // time-outs, size limits and no private addresses
	Blobs     Blobs
	State     State
	Feed      Feed
	Now       func() time.Time
	Key       []byte // 32 bytes that only this account has, for signing its tokens
	PublicURL string // where the world reaches this desk, without a trailing slash
}

// Adapter carries messages to a provider.
type Adapter interface {
	// Send hands one message to the provider. It is called only by the outbox, only
	// for a row that is on disk as sending. A nil error means that the provider has
	// accepted it. Every error is a *Failure; any other error counts as Unknown.
	Send(ctx context.Context, m Outbound) (Sent, error)
}

// Listener is an adapter that fetches or waits for messages by itself.
type Listener interface {
	// Listen runs until ctx ends or it cannot go on; it is started again with
	// back-off. A provider is told that a message was received only after
	// Sink.Accept has returned nil for it.
	Listen(ctx context.Context, sink Sink) error
}

// Webhook is an adapter that is called over HTTP, below Kind.Mount + "/" + the
// account's id. The path it sees starts after that.
type Webhook interface {
	ServeWebhook(w http.ResponseWriter, r *http.Request, sink Sink)
}

// Tester is an adapter that can be tried without sending anything to a customer.
type Tester interface {
	// Test tries each part of the connection and says how it went.
	Test(ctx context.Context) []Check
}

// Check is one line of a test's result.
type Check struct {
	Name string `json:"name"` // a key of the kind's Texts: "check.imap"
	OK   bool   `json:"ok"`
	Text string `json:"text"` // what was seen, for an administrator; no secrets
}

// Replayer is an adapter that can read a raw form again, after it has learnt
// to or an administrator has decided that it is a message.
type Replayer interface {
	Replay(ctx context.Context, raw io.Reader) (Inbound, error)
}

// Watched is an adapter that knows how it is.
type Watched interface{ Health() Health }

// Health is how a channel account is doing.
type Health struct {
	State   string    `json:"state"` // "up", "degraded", "down"
	Reason  string    `json:"reason,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	LastOK  time.Time `json:"last_ok,omitzero"`
	Missing int       `json:"missing,omitempty"` // found by the last count and fetched late
}

// Sink takes in what customers send.
type Sink interface {
	// Accept stores m. A nil error means that it is on disk, and only then may the
	// provider be told so. The same Key twice gives the same result, marked Duplicate.
	// Errors: Invalid (never acceptable), TooMany, Unavailable (try again).
	Accept(ctx context.Context, m Inbound) (Accepted, error)
	// Report stores what a provider says about a message that we sent.
	Report(ctx context.Context, r Report) error
}

// Inbound is something that came in.
type Inbound struct {
	// Key is the provider's id of this thing. With the account it makes the
	// message's id, unless ID was made by the client.
	Key string
	ID  holdfast.ID

	From     holdfast.Address
	Also     []holdfast.Address // proved to be the same person
	Claims   []holdfast.Address // said of oneself: one can be reached there, and nobody is found by it
	Language string
	To, CC   []string

	Subject     string
	Text        string // the visible part
	Rest        string // quotes and signature
	HTML        string // cleaned by Clean
	Remote      bool   // HTML asks for images from elsewhere
	Attachments []holdfast.Attachment
	SentAt      time.Time
	ExternalID  string
	Thread      []string      // provider ids it answers, nearest last
	Answers     []holdfast.ID // messages of ours that it answers, nearest last
	// Conversation is set when the customer proved it by a signed token.
	Conversation holdfast.ID
	// BySubject lets a matching subject of the same sender in 14 days thread it.
	BySubject bool
	Page      string
	Marks     []string
	Raw       string // SHA-256 of the raw form, already in Blobs
	RawType   string // its media type
	// Refuse says why this must not open or continue a conversation.
	Refuse *Refusal
	Trace  *Trace
}

// Refusal is a stated reason why something that came in is no message.
type Refusal struct {
	Reason string // "auto_reply", "bounce", "loop", "quarantined", "rejected"
	Detail string
	// For a bounce: which of our messages, and which address.
	Answers   []holdfast.ID
	Thread    []string
	Address   holdfast.Address
	Permanent bool
	Code      string // "5.1.1"
}

// Accepted is where an Inbound went.
type Accepted struct {
	Message      holdfast.ID
	Conversation holdfast.ID
	LSN          holdfast.LSN
	Duplicate    bool
	Refused      string // the reason, when it did not become a message
}

// Report is a provider's word about a message that we sent.
type Report struct {
	Message    holdfast.ID // or
	ExternalID string
	State      holdfast.Delivery // Delivered, Seen or Failed
	Code       string
	Reason     string
}

// Outbound is one message to carry.
type Outbound struct {
	ID           holdfast.ID
	Conversation holdfast.ID
	Number       int64 // of the conversation, for people
	To           holdfast.Address
	CC, BCC      []string
	Author       string // the operator's name for customers; empty for automatic ones
	Automatic    bool
	Subject      string
	Text         string
	HTML         string
	Attachments  []holdfast.Attachment
	ExternalID   string
	Thread       []string
	Unsubscribe  string    // an https address that a POST to ends such mail (RFC 8058)
	At           time.Time // when it was written
	Attempt      int       // from 1
	Rerouted     bool      // it was written for another channel
	Trace        *Trace    // never nil
}

// Sent is what the provider said when it accepted a message.
type Sent struct {
	ExternalID string
	Delivered  bool // acceptance already means delivery
}
