package sms

import (
	"context"
	"net/http"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/sms/gsm"
)

// backend is one way into the telephone network. Made by newSMPP, newHTTP or
// newModem, of which each has the form
//
//	func(account channel.Account, env channel.Env, set *Settings) (backend, error)
//
// does no I/O, and whose error is holdfast.Invalid and names the field.
type backend interface {
	// Send hands all parts of m over. The error is a *channel.Failure; nil means that
	// the provider has every part.
	Send(ctx context.Context, m sms) (channel.Sent, error)
	// Listen takes in what comes until ctx ends. A back-end that is only called
	// waits for ctx. What came is acknowledged after in.arrived has returned nil.
	Listen(ctx context.Context, in *inflow) error
	// Health is how it is; Health{State: "up"} where nothing is known.
	Health() channel.Health
	// Test tries the connection and sends nothing to a customer.
	Test(ctx context.Context) []channel.Check
	// Resend is what may be done with a message that may have been sent already.
	Resend() channel.Resend
	// Receipts reports whether this way in is told when a text has arrived. Where that
	// is not sure it is false: silence would be taken for a text that is late.
	Receipts() bool
}

// hooked is a back-end that is called over HTTP; see channel.Webhook.
type hooked interface {
	ServeWebhook(w http.ResponseWriter, r *http.Request, in *inflow)
}

// sms is one text on its way out.
type sms struct {
	id       holdfast.ID
	to       string // E.164 with the plus, or a short number
	from     string // the number or the name that it comes from; may be empty
	text     string
	alphabet gsm.Alphabet
	parts    []part // one or more
	attempt  int    // from 1
	trace    *channel.Trace
}

// part is what one short message carries.
type part struct {
	text   string
	header []byte // the user data header with its length in front; nil when there is one part
	// data is UCS-2, big-endian, or GSM-7 with one septet in each byte (an escape
	// and its letter are two).
	data []byte
}

// incoming is a short message, or a part of one, as it came.
type incoming struct {
	// key is the provider's id of this delivery. "" makes one of sender, time and
	// text; without a time either, see seen.
	key   string
	from  string // as the network wrote it
	to    string
	text  string
	at    time.Time // by the network's clock; zero for now
	piece piece
	epoch int64 // of the connection it came over; matters only without key and time
	marks []string
	trace *channel.Trace
}

// piece is where a part belongs. The zero piece is a whole message.
type piece struct {
	ref    int // 8 or 16 bits
	total  int
	number int // from 1
}
