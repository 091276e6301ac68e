package holdfast

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an error is; api maps it to an HTTP status.
type Kind uint8

const (
	Internal        Kind = iota // ours; the caller can do nothing
	Invalid                     // the request is wrong; sending it again changes nothing
	Unauthenticated             // who are you?
	Forbidden                   // known, but not allowed
	NotFound                    // no such thing in this workspace
	Conflict                    // true when asked, not true now
	TooMany                     // slow down
	TooLarge                    // over a stated limit
	Unavailable                 // not now; the same request may succeed later
)

var kindNames = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "too_many", "too_large", "unavailable"}

func (k Kind) String() string { return kindNames[k] }

// Error is a failure with a stable code, a sentence for a person and the next
// step. Codes are append only: clients and translations depend on them.
type Error struct {
	Kind    Kind
	Code    string // "conversation.closed"
	Message string // English; screens translate by Code and fall back to this
	Next    string // what to do about it; may be empty
	Field   string // the request field at fault; may be empty
	Err     error  // the cause, for logs only
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error. A %w in format becomes its cause.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// WithNext returns e with the next step set.
func (e *Error) WithNext(next string) *Error { e.Next = next; return e }

// WithField returns e naming the request field at fault.
func (e *Error) WithField(field string) *Error { e.Field = field; return e }

// KindOf is the kind of err: Internal for errors that are not ours.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// CodeOf is the stable code of err, "internal" for errors that are not ours.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "internal"
}
