package app

import (
	"io"
	"net"
	"net/http"
	"time"
)

// How long a client may take. A slow line is served; one that stands still, or is
// kept barely moving on purpose, gives its place to somebody else.
const (
	bodyTime  = 30 * time.Second // for a request's body, and …
	bodyRate  = 2 << 10          // … a second more for so many bytes that did come
	leaveTime = 3 * time.Second  // for the rest of a body that nobody wanted
	pieceTime = time.Minute      // for a client to fetch one piece of an answer
	pieceSize = 64 << 10         // bytes
)

// patient gives request bodies their time.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		b := &patientBody{ReadCloser: r.Body, rc: http.NewResponseController(w), until: time.Now().Add(bodyTime)}
		r.Body = b
		next.ServeHTTP(w, r)
		if !b.ended {
			// The server reads on for a while, so that the answer is not lost; without an
			// end of that the client would keep the connection for ever.
			b.rc.SetReadDeadline(time.Now().Add(leaveTime))
		}
	})
}

// patientBody is a request's body. It is read by one goroutine at a time.
type patientBody struct {
	io.ReadCloser
	rc    *http.ResponseController
	until time.Time
	ended bool
}

// Read is io.Reader; the error of a client that is too slow is a time-out.
func (b *patientBody) Read(p []byte) (int, error) {
	if b.ended {
		return b.ReadCloser.Read(p)
	}
	b.rc.SetReadDeadline(b.until)
	n, err := b.ReadCloser.Read(p)
	b.until = b.until.Add(time.Duration(n) * time.Second / bodyRate)
	if err == io.EOF {
		// From here on the server watches the connection for its end. A deadline that
		// is left over would look like one and end a handler that takes its time.
		b.ended = true
		b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// patientListener's connections give up on clients that do not fetch what they
// asked for.
type patientListener struct{ net.Listener }

// Accept is net.Listener.
func (l patientListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return patientConn{c}, nil
}

type patientConn struct{ net.Conn }

// Write writes piece by piece, each with its own deadline.
func (c patientConn) Write(p []byte) (n int, err error) {
	for err == nil && n < len(p) {
		c.Conn.SetWriteDeadline(time.Now().Add(pieceTime))
		var k int
		k, err = c.Conn.Write(p[n:min(n+pieceSize, len(p))])
		n += k
	}
	return n, err
}
