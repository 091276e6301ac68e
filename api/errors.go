package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"holdfast"
	"holdfast/desk"
	"holdfast/inbox"
)

// Problem is an error as clients see it.
type Problem struct {
	Status  int      `json:"status"`
	Code    string   `json:"code" doc:"Stable: decide by this, not by the message."`
	Message string   `json:"message"`
	Next    string   `json:"next,omitempty" doc:"What to do about it."`
	Field   string   `json:"field,omitempty" doc:"The request field at fault."`
	Details []string `json:"details,omitempty"`
	// Since is what conversation.changed is about.
	Since []inbox.Message `json:"since,omitempty" doc:"conversation.changed: what others have said since, the oldest first."`
}

// Error is the message.
func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// statusOf is the one map from our kinds to HTTP.
func statusOf(k holdfast.Kind) int {
	switch k {
	case holdfast.Invalid:
		return http.StatusBadRequest
	case holdfast.Unauthenticated:
		return http.StatusUnauthorized
	case holdfast.Forbidden:
		return http.StatusForbidden
	case holdfast.NotFound:
		return http.StatusNotFound
	case holdfast.Conflict:
		return http.StatusConflict
	case holdfast.TooMany:
		return http.StatusTooManyRequests
	case holdfast.TooLarge:
		return http.StatusRequestEntityTooLarge
	case holdfast.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// problem is err for a client. What is not ours is said to be internal and no more.
func problem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var e *holdfast.Error
	if errors.As(err, &e) && e.Kind != holdfast.Internal {
		p := &Problem{Status: statusOf(e.Kind), Code: e.Code, Message: e.Message, Next: e.Next, Field: e.Field}
		var c *desk.Changed
		if errors.As(err, &c) {
			p.Since = c.Since
		}
		return p
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Problem{Status: http.StatusServiceUnavailable, Code: "request.timeout", Message: "this took too long", Next: "Try again in a moment."}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &Problem{Status: http.StatusRequestEntityTooLarge, Code: "request.too_large", Message: "the request is too large"}
	}
	return &Problem{Status: http.StatusInternalServerError, Code: "internal", Message: "something went wrong on our side", Next: "Try again; if it stays, tell an administrator when it happened."}
}

// fail logs what is ours and gives the client its answer.
func (a *API) fail(ctx context.Context, err error) error {
	p := problem(err)
	if p.Status >= http.StatusInternalServerError && ctx.Err() == nil {
		a.Log.Error("a request failed", "code", p.Code, "err", err)
	}
	return p
}

// newError gives the framework's own errors (a malformed body, a value out of
// range) the same shape.
func newError(status int, message string, errs ...error) huma.StatusError {
	p := &Problem{Status: status, Code: "request.invalid", Message: message}
	switch status {
	case http.StatusUnprocessableEntity:
		p.Status = http.StatusBadRequest
	case http.StatusNotFound:
		p.Code = "route.missing"
	case http.StatusMethodNotAllowed:
		p.Code = "method.not_allowed"
	case http.StatusRequestEntityTooLarge:
		p.Code = "request.too_large"
	case http.StatusUnsupportedMediaType:
		p.Code, p.Next = "request.media_type", "Send JSON."
	case http.StatusInternalServerError:
		p.Code = "internal"
	}
	for _, err := range errs {
		var d *huma.ErrorDetail
		if errors.As(err, &d) {
			if p.Field == "" {
				p.Field = strings.TrimPrefix(d.Location, "body.")
			}
			p.Details = append(p.Details, d.Message+" ("+d.Location+")")
		} else if err != nil {
			p.Details = append(p.Details, err.Error())
		}
	}
	return p
}

// writeProblem answers a plain HTTP handler's request with an error.
func (a *API) writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := a.fail(r.Context(), err).(*Problem)
	writeJSON(w, p.Status, p)
}
