package chat

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
)

const (
	bodyMax   = 128 << 10 // bytes of a JSON body or a frame: 10,000 characters, all escaped
	slowBody  = 15 * time.Second
	pageItems = 200 // items of one answer
)

// itemWire is one message as the visitor's client gets it.
type itemWire struct {
	N            int64              `json:"n"`
	ID           holdfast.ID        `json:"id"`
	Conversation holdfast.ID        `json:"conversation"`
	Direction    holdfast.Direction `json:"direction"`
	Author       string             `json:"author,omitempty"`
	Text         string             `json:"text"`
	Attachments  []fileWire         `json:"attachments,omitempty"`
	At           time.Time          `json:"at"`
}

// fileWire is an attachment with links that work for a day or two.
type fileWire struct {
	ID    string `json:"id,omitempty"` // of an upload: what POST messages wants
	Name  string `json:"name"`
	Type  string `json:"type"`
	Size  int64  `json:"size"`
	URL   string `json:"url"` // relative to the account's base address
	Thumb string `json:"thumb,omitempty"`
}

func (a *Adapter) wire(it *channel.Item, visitor string) itemWire {
	w := itemWire{
		N: it.N, ID: it.ID, Conversation: it.Conversation, Direction: it.Direction,
		Author: it.Author, Text: it.Text, At: it.At.UTC(),
	}
	for i := range it.Attachments {
		w.Attachments = append(w.Attachments, a.fileWire(&it.Attachments[i], visitor))
	}
	return w
}

// problem is the one form of every error.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Next    string `json:"next,omitempty"`
	Field   string `json:"field,omitempty"`
}

var statusOf = map[holdfast.Kind]int{
	holdfast.Internal: http.StatusInternalServerError, holdfast.Invalid: http.StatusBadRequest,
	holdfast.Unauthenticated: http.StatusUnauthorized, holdfast.Forbidden: http.StatusForbidden,
	holdfast.NotFound: http.StatusNotFound, holdfast.Conflict: http.StatusConflict,
	holdfast.TooMany: http.StatusTooManyRequests, holdfast.TooLarge: http.StatusRequestEntityTooLarge,
	holdfast.Unavailable: http.StatusServiceUnavailable,
}

// problemOf is err as a visitor may see it, with how long to wait where that is known.
func problemOf(err error) (status int, p problem, wait time.Duration) {
	var e *holdfast.Error
	if !errors.As(err, &e) {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			e = holdfast.Errorf(holdfast.Unavailable, "chat.timed_out", "this took too long").WithNext("Send it again with the same id.")
		} else {
			e = holdfast.Errorf(holdfast.Internal, "internal", "something went wrong here").WithNext("Send it again with the same id; nothing is doubled.")
		}
	}
	var t *throttled
	switch {
	case errors.As(err, &t):
		wait = t.after
	case e.Kind == holdfast.Unavailable, e.Kind == holdfast.TooMany:
		wait = 2 * time.Second
	}
	p = problem{Code: e.Code, Message: e.Message, Next: e.Next, Field: e.Field}
	if e.Kind == holdfast.Internal {
		p.Message = "something went wrong here" // the cause is for the log alone
	}
	return statusOf[e.Kind], p, wait
}

// fail answers with err and logs it when it is our own fault.
func (a *Adapter) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, p, wait := problemOf(err)
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(wait)))
	}
	a.report(r.URL.Path, err)
	writeJSON(w, status, p)
}

// report logs what is our own fault; what a visitor did wrong is his to read.
func (a *Adapter) report(what string, err error) {
	switch holdfast.KindOf(err) {
	case holdfast.Internal, holdfast.Unavailable:
		if !errors.Is(err, context.Canceled) {
			a.env.Log.Warn("chat: not done", slog.String("what", what), slog.String("code", holdfast.CodeOf(err)), slog.Any("err", err))
		}
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("chat: " + err.Error()) // our own plain structs
	}
	writeBody(w, status, append(body, '\n'))
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	if h.Get("Cache-Control") == "" {
		h["Cache-Control"] = noStore
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is no error of ours
}

var (
	jsonType = []string{"application/json; charset=utf-8"}
	noStore  = []string{"no-store"}
)

var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 2<<10); return &b }}

// readJSON decodes a small body into v; an empty one leaves v alone. Errors:
// Invalid, TooLarge. A client that dribbles its body is cut off.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(slowBody)) // tests' recorders have none
	defer func() { _ = rc.SetReadDeadline(time.Time{}) }()
	buf := bodies.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= 16<<10 {
			*buf = (*buf)[:0]
			bodies.Put(buf)
		}
	}()
	b := *buf
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		*buf = b
		if len(b) > bodyMax {
			return holdfast.Errorf(holdfast.TooLarge, "chat.body_too_large", "the request is larger than %d KB", bodyMax>>10).
				WithNext("Shorten the text or send the rest in another message.")
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return holdfast.Errorf(holdfast.Invalid, "chat.body_cut", "the request did not arrive whole").WithNext("Send it again with the same id.")
		}
	}
	if len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, v); err != nil {
		return holdfast.Errorf(holdfast.Invalid, "chat.body_invalid", "the request is not the JSON we expect: %v", err).
			WithNext("See the chat channel's README for the fields.")
	}
	return nil
}

// number reads a count such as ?after=. The error is Invalid.
func number(q url.Values, name string, fallback int64) (int64, error) {
	s := q.Get(name)
	if s == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, holdfast.Errorf(holdfast.Invalid, "chat.number_invalid", "%s is not a number", name).WithField(name).WithNext("Send a whole number, 0 or more.")
	}
	return n, nil
}
