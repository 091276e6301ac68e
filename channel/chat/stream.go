package chat

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"holdfast"
	"holdfast/channel"
)

// frame is one thing said over WebSocket or server-sent events, and the body of
// POST signals. To the visitor: item, typing, seen, ping, ok, error. From him:
// ack, seen, typing, page, message, pong.
type frame struct {
	Type string    `json:"type"`
	N    int64     `json:"n,omitempty"`
	Name string    `json:"name,omitempty"`
	Item *itemWire `json:"item,omitempty"`
}

var pingFrame = []byte(`{"type":"ping"}`)

// stream is one reader who is told what is new, in order and without gaps.
type stream struct {
	a     *Adapter
	who   *claims
	after int64 // the last number that was handed over
	seat  *seat
	// send hands one frame over; n is its item's number, or 0.
	send func(body []byte, n int64) error
	// ping sends a heartbeat.
	ping func() error
}

// run goes on until the reader or the adapter has gone. The watch begins before
// the first look, so that nothing falls between them.
func (s *stream) run(ctx context.Context) error {
	addr := s.who.address()
	events, cancel := s.a.env.Feed.Watch(addr)
	defer cancel()
	if err := s.drain(ctx, addr); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.seat.gone:
			return nil
		case <-s.seat.beat:
			if err := s.ping(); err != nil {
				return err
			}
		case sig, ok := <-events:
			if !ok {
				return nil
			}
			if err := s.pass(sig); err != nil {
				return err
			}
			if err := s.drain(ctx, addr); err != nil {
				return err
			}
		}
	}
}

func (s *stream) drain(ctx context.Context, addr holdfast.Address) error {
	for {
		items, err := s.a.env.Feed.Since(ctx, addr, s.after, pageItems)
		if err != nil {
			return err
		}
		for i := range items {
			wire := s.a.wire(&items[i], s.who.Visitor)
			if err := s.say(frame{Type: "item", Item: &wire}, wire.N); err != nil {
				return err
			}
			s.after = wire.N
		}
		if len(items) < pageItems {
			return nil
		}
	}
}

// pass hands a signal of the operators on.
func (s *stream) pass(sig channel.Signal) error {
	if sig.Typing {
		if err := s.say(frame{Type: "typing", Name: sig.Name}, 0); err != nil {
			return err
		}
	}
	if sig.Seen > 0 {
		return s.say(frame{Type: "seen", N: sig.Seen}, 0)
	}
	return nil
}

func (s *stream) say(f frame, n int64) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return s.send(body, n)
}

// held notes that a client who asks for what comes after n has everything up to n.
func (a *Adapter) held(ctx context.Context, sink channel.Sink, who *claims, n int64) {
	if n > 0 {
		a.noted(a.receipts.upto(ctx, sink, who.address(), n, holdfast.Delivered, a.env.Now()))
	}
}

// noted logs a receipt that could not be told: the client will say it again, in
// effect, with its next number.
func (a *Adapter) noted(err error) {
	if err != nil {
		a.report("receipt", err)
	}
}

// serveEvents is the fall-back for networks that block WebSocket.
func (a *Adapter) serveEvents(w http.ResponseWriter, r *http.Request, sink channel.Sink) error {
	who, after, err := a.reader(r)
	if err != nil {
		return err
	}
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil && n > after {
			after = n
		}
	}
	st, err := a.crowd.join(who.address(), cleanPage(r.URL.Query().Get("page")), true)
	if err != nil {
		return err
	}
	defer a.crowd.leave(who.address(), st)
	a.held(r.Context(), sink, who, after)

	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // the request is read; a deadline left over would end the stream
	defer func() { _ = rc.SetWriteDeadline(time.Time{}) }()
	write := func(text string) error {
		_ = rc.SetWriteDeadline(time.Now().Add(a.crowd.every)) // a half-open line is noticed by its own silence
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		return rc.Flush()
	}
	w.WriteHeader(http.StatusOK)
	s := &stream{a: a, who: who, after: after, seat: st,
		send: func(body []byte, n int64) error {
			if n > 0 {
				return write("id: " + strconv.FormatInt(n, 10) + "\ndata: " + string(body) + "\n\n")
			}
			return write("data: " + string(body) + "\n\n")
		},
		ping: func() error { return write("data: " + string(pingFrame) + "\n\n") },
	}
	if write("retry: 2000\n\n") == nil {
		if err := s.run(r.Context()); err != nil {
			a.report("events", err)
		}
	}
	return nil // the status is sent
}

// poll is the last fall-back: it answers at once when there is something after
// the number, else when something comes or the wait is over.
func (a *Adapter) poll(w http.ResponseWriter, r *http.Request, sink channel.Sink) error {
	who, after, err := a.reader(r)
	if err != nil {
		return err
	}
	wait, err := number(r.URL.Query(), "wait", 25)
	if err != nil {
		return err
	}
	until := time.Duration(min(wait, 55)) * time.Second
	if err := a.crowd.touch(who.address(), until, cleanPage(r.URL.Query().Get("page"))); err != nil {
		return err
	}
	a.held(r.Context(), sink, who, after)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Now().Add(until + slowPiece))
	defer func() { _ = rc.SetWriteDeadline(time.Time{}) }()
	ctx, cancel := context.WithTimeout(r.Context(), until)
	defer cancel()
	events, stop := a.env.Feed.Watch(who.address())
	defer stop()
	var typing string
	var seen int64
	for {
		page, err := a.page(r.Context(), who, after)
		if err != nil {
			return err
		}
		page.Typing, page.Seen = typing, seen
		if len(page.Items) > 0 || typing != "" || seen > 0 || ctx.Err() != nil {
			writeJSON(w, http.StatusOK, page)
			return nil
		}
		select {
		case <-ctx.Done():
		case sig, ok := <-events:
			if !ok {
				cancel()
			}
			seen = sig.Seen
			if sig.Typing {
				typing = firstOf(sig.Name, "…")
			}
		}
	}
}

// postSignal is what a client says that has no socket to say it through.
func (a *Adapter) postSignal(w http.ResponseWriter, r *http.Request, sink channel.Sink) error {
	who, _, err := a.reader(r)
	if err != nil {
		return err
	}
	var f clientFrame
	if err := readJSON(w, r, &f); err != nil {
		return err
	}
	if !a.signal(r.Context(), sink, who, &f) {
		return errFrame(f.Type)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func errFrame(typ string) error {
	return holdfast.Errorf(holdfast.Invalid, "chat.frame_unknown", "%q is not something a visitor can say", cleanLine(typ, 40)).
		WithField("type").WithNext("Send ack, seen, typing, page, message or pong.")
}

// signal does what is of this moment only; it reports whether f is such a thing.
func (a *Adapter) signal(ctx context.Context, sink channel.Sink, who *claims, f *clientFrame) bool {
	addr := who.address()
	switch f.Type {
	case "pong":
	case "ack":
		a.held(ctx, sink, who, f.N)
	case "seen":
		if f.N > 0 {
			a.env.Feed.Signal(addr, channel.Signal{Seen: f.N})
			a.noted(a.receipts.upto(ctx, sink, addr, f.N, holdfast.Seen, a.env.Now()))
		}
	case "typing":
		text, err := messageText(f.Text)
		if err != nil {
			text = "" // a preview that is too long is not worth an error
		}
		a.env.Feed.Signal(addr, channel.Signal{Typing: true, Text: text, Name: who.Name})
	case "page":
		if page := cleanPage(f.Page); page != "" {
			a.env.Feed.Signal(addr, channel.Signal{Here: true, Page: page})
		}
	default:
		return false
	}
	return true
}
