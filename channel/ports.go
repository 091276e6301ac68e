package channel

import (
	"context"
	"io"
	"time"

	"holdfast"
)

// Blobs is where raw forms and attachments go, by content.
type Blobs interface {
	// Put streams r to storage and returns its SHA-256 in hex and its size in
	// bytes. Past max bytes (0: the desk's limit) the error is TooLarge and
	// nothing is kept.
	Put(ctx context.Context, r io.Reader, max int64) (hash string, size int64, err error)
	// Open streams a blob. The error is NotFound when there is none.
	Open(ctx context.Context, hash string) (io.ReadCloser, error)
	// Attach stores one file of a message: sniffs its type, cleans its name, makes a
	// thumbnail of an image. Past the desk's limit the error is TooLarge.
	Attach(ctx context.Context, name, claimedType string, r io.Reader) (holdfast.Attachment, error)
}

// State is a few small values that an account keeps between runs: cursors,
// counters. It is durable when Put returns.
type State interface {
	Get(ctx context.Context, key string) ([]byte, error) // nil when there is none
	Put(ctx context.Context, key string, value []byte) error
}

// Feed is the far end of a channel that has no provider: what one person may
// see, numbered, and what is only of this moment.
type Feed interface {
	// Since returns what the person at addr may see after number n, oldest first.
	Since(ctx context.Context, addr holdfast.Address, after int64, limit int) ([]Item, error)
	// Head is the largest number there is for anybody; a new reader may start there.
	Head(ctx context.Context) (int64, error)
	// Watch wakes the reader when there may be more, or passes a signal on. Wake-ups
	// are coalesced and may be for nothing; cancel must be called.
	Watch(addr holdfast.Address) (events <-chan Signal, cancel func())
	// Signal tells the operators about this person's moment. Nothing is stored.
	Signal(addr holdfast.Address, s Signal)
	// OnDuty reports whether somebody is there to answer.
	OnDuty(ctx context.Context) bool
	// Service is when an answer can be hoped for; what is not known is not said.
	Service(ctx context.Context) holdfast.Service
	// Transcript mails the running conversation of the person at addr to an address
	// that he gives or (to "") is known by, and returns the address with most of it
	// hidden. Errors: Invalid "transcript.address_needed" and
	// "transcript.address_invalid"; Conflict when there is nothing to send or no way; TooMany.
	Transcript(ctx context.Context, addr holdfast.Address, to, lang string) (sentTo string, err error)
}

// Signal is a thing of the moment; the zero Signal means "look again".
type Signal = holdfast.Signal

// Item is one message as the customer may see it.
type Item struct {
	N            int64                 `json:"n"`
	ID           holdfast.ID           `json:"id"`
	Conversation holdfast.ID           `json:"conversation"`
	Direction    holdfast.Direction    `json:"direction"`
	Author       string                `json:"author,omitempty"`
	Text         string                `json:"text"`
	Attachments  []holdfast.Attachment `json:"attachments,omitempty"`
	At           time.Time             `json:"at"`
}
