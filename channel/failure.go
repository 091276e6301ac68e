package channel

import (
	"errors"
	"fmt"
	"time"
)

// Reason is why a Send failed, in the words the outbox decides by.
type Reason string

// The vocabulary of the border; there is no other.
const (
	Temporary Reason = "temporary" // surely not sent; try again with back-off
	Throttled Reason = "throttled" // surely not sent; try again after RetryAfter
	Permanent Reason = "permanent" // this message will never go
	Blocked   Reason = "blocked"   // this recipient does not want it or cannot be reached
	Broken    Reason = "broken"    // the account: a revoked token, a wrong password
	Unknown   Reason = "unknown"   // maybe sent
)

// Failure is the only error an adapter's Send returns.
type Failure struct {
	Reason     Reason
	Code       string // the provider's: "421", "invalid_grant"
	Text       string // for an operator; no secrets
	RetryAfter time.Duration
	Err        error
}

func (f *Failure) Error() string {
	if f.Err != nil {
		return fmt.Sprintf("%s %s: %s: %v", f.Reason, f.Code, f.Text, f.Err)
	}
	return fmt.Sprintf("%s %s: %s", f.Reason, f.Code, f.Text)
}

func (f *Failure) Unwrap() error { return f.Err }

// AsFailure is err as a Failure; an error that is none counts as Unknown, since
// nobody has said that the message was not sent.
func AsFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Reason: Unknown, Code: "error", Text: err.Error(), Err: err}
}
