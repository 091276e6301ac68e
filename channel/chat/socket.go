package chat

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"holdfast"
	"holdfast/channel"
)

const (
	writeWait   = 10 * time.Second
	smallBuffer = 512  // bytes: most frames are shorter, and ten thousand readers wait at once
	framesMax   = 1200 // between two heartbeats; a person needs a few dozen
	strikesMax  = 20   // malformed frames before the line is cut
)

// clientFrame is what a visitor's client says.
type clientFrame struct {
	Type string `json:"type"`
	N    int64  `json:"n"`
	post
}

// socket is one visitor's WebSocket: one goroutine reads, one writes, and both
// are small because neither descends from the HTTP server's.
type socket struct {
	stream
	conn   *websocket.Conn
	sink   channel.Sink
	remote string // what its messages are counted by
}

// serveSocket upgrades and returns: the HTTP server's buffers and stack, which
// outweigh ours, are free again while the visitor only waits.
func (a *Adapter) serveSocket(w http.ResponseWriter, r *http.Request, sink channel.Sink) error {
	who, after, err := a.reader(r)
	if err != nil {
		return err
	}
	addr := who.address()
	st, err := a.crowd.join(addr, cleanPage(r.URL.Query().Get("page")), false)
	if err != nil {
		return err
	}
	conn, err := websocket.Accept(&frugal{ResponseWriter: w}, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // origins have been judged by our own rules before this
		CompressionMode:    websocket.CompressionDisabled,
		OnPongReceived:     func(context.Context, []byte) { st.heard.Store(int64(a.crowd.clock())) },
	})
	if err != nil {
		a.crowd.leave(addr, st)
		return nil // Accept has answered
	}
	conn.SetReadLimit(bodyMax)
	s := &socket{conn: conn, sink: sink, remote: remoteKey(r)}
	s.stream = stream{a: a, who: who, after: after, seat: st, send: s.write, ping: s.beat}
	go s.talk()
	go s.listen()
	return nil
}

// talk owns the connection's end: whatever happens, it closes.
func (s *socket) talk() {
	defer s.a.crowd.leave(s.who.address(), s.seat)
	defer s.conn.CloseNow()
	ctx := context.Background()
	s.a.held(ctx, s.sink, s.who, s.after)
	err := s.run(ctx)
	switch {
	case err == nil:
		_ = s.conn.Close(websocket.StatusGoingAway, "connect again")
	case holdfast.KindOf(err) == holdfast.Unavailable:
		s.a.report("ws", err)
		_ = s.conn.Close(websocket.StatusTryAgainLater, "connect again in a moment")
	}
}

func (s *socket) write(body []byte, _ int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeWait)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, body)
}

// beat sends our own ping, which a page's script can see, and the protocol's,
// which any client answers by itself.
func (s *socket) beat() error {
	if err := s.write(pingFrame, 0); err != nil {
		return err
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), writeWait)
		defer cancel()
		_ = s.conn.Ping(ctx) // the wheel counts what is heard
	}()
	return nil
}

// listen reads frames until the line breaks.
func (s *socket) listen() {
	defer s.seat.end()
	ctx := context.Background()
	frames, strikes := 0, 0
	window := s.a.crowd.clock()
	for {
		typ, body, err := s.conn.Read(ctx)
		if err != nil {
			return
		}
		now := s.a.crowd.clock()
		s.seat.heard.Store(int64(now))
		if now-window > s.a.crowd.every {
			frames, window = 0, now
		}
		frames++
		var f clientFrame
		if typ != websocket.MessageText || json.Unmarshal(body, &f) != nil {
			strikes++
			err = s.refuse("", holdfast.Errorf(holdfast.Invalid, "chat.frame_invalid", "this frame is not the JSON we expect").
				WithNext("See the chat channel's README for the frames."))
		} else {
			err = s.take(ctx, &f)
		}
		if err == nil && (frames > framesMax || strikes > strikesMax) {
			err = s.conn.Close(websocket.StatusPolicyViolation, "too many frames")
			if err == nil {
				err = io.EOF
			}
		}
		if err != nil {
			return
		}
	}
}

// take does one frame; an error means that the line is broken.
func (s *socket) take(ctx context.Context, f *clientFrame) error {
	if s.a.signal(ctx, s.sink, s.who, f) {
		return nil
	}
	if f.Type != "message" {
		return s.refuse(f.ID, errFrame(f.Type))
	}
	rec, err := s.a.accept(ctx, s.who, s.remote, &f.post, s.sink)
	if err != nil {
		s.a.report("ws message", err)
		return s.refuse(f.ID, err)
	}
	return s.write(rec.appendJSON(make([]byte, 0, 320), "ok"), 0)
}

type errorFrame struct {
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`
	problem
	RetryAfter int `json:"retry_after,omitempty"` // seconds
}

func (s *socket) refuse(id string, err error) error {
	_, p, wait := problemOf(err)
	f := errorFrame{Type: "error", ID: id, problem: p}
	if wait > 0 {
		f.RetryAfter = seconds(wait)
	}
	if len(f.ID) > 64 {
		f.ID = ""
	}
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return s.write(body, 0)
}

// frugal trades the HTTP server's buffers of 4 KB for small ones at the upgrade.
type frugal struct{ http.ResponseWriter }

func (f *frugal) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(f.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	ahead := rw.Reader.Buffered() // frames that came with the handshake
	if ahead > bodyMax {
		return nil, nil, errors.Join(errors.New("chat: too much sent ahead of the handshake"), conn.Close())
	}
	br := bufio.NewReaderSize(io.MultiReader(io.LimitReader(rw.Reader, int64(ahead)), conn), max(smallBuffer, ahead))
	if ahead > 0 {
		if _, err := br.Peek(ahead); err != nil {
			return nil, nil, errors.Join(err, conn.Close())
		}
	}
	// Deadlines of the HTTP server must not end a connection that lives for hours.
	_ = conn.SetDeadline(time.Time{})
	return conn, bufio.NewReadWriter(br, bufio.NewWriterSize(conn, smallBuffer)), nil
}
