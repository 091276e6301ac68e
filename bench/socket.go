package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// socket is the client's end of a WebSocket: as little of it as ten thousand of
// them may cost.
type socket struct {
	*client
	buf []byte
}

// The opcodes of RFC 6455 that are met here.
const (
	textFrame  = 1
	closeFrame = 8
	pingFrame  = 9
	pongFrame  = 10
)

// openSocket dials and upgrades. headers are whole lines, each with its CRLF.
func openSocket(ctx context.Context, address, path, headers string) (*socket, error) {
	c, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	// The key only proves that the far end speaks the protocol; this one does.
	_, err = io.WriteString(c.conn, "GET "+path+" HTTP/1.1\r\nHost: "+address+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aG9sZGZhc3QgYmVuY2ghIQ==\r\n"+headers+"\r\n")
	if err == nil {
		var status int
		if status, _, err = c.head(); err == nil && status != 101 {
			err = fmt.Errorf("the upgrade of %s was refused with %d", path, status)
		}
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return &socket{client: c}, nil
}

// next reads the next frame with text, and answers pings. The text is good until
// the call after.
func (s *socket) next() ([]byte, error) {
	for {
		var head [10]byte
		if _, err := io.ReadFull(s.r, head[:2]); err != nil {
			return nil, err
		}
		length := int(head[1] & 0x7f)
		switch length {
		case 126:
			if _, err := io.ReadFull(s.r, head[2:4]); err != nil {
				return nil, err
			}
			length = int(binary.BigEndian.Uint16(head[2:4]))
		case 127:
			if _, err := io.ReadFull(s.r, head[2:10]); err != nil {
				return nil, err
			}
			length = int(binary.BigEndian.Uint64(head[2:10]))
		}
		if length < 0 || length > 4<<20 {
			return nil, fmt.Errorf("a frame of %d bytes", length)
		}
		if cap(s.buf) < length {
			s.buf = make([]byte, length)
		}
		body := s.buf[:length]
		if _, err := io.ReadFull(s.r, body); err != nil {
			return nil, err
		}
		switch head[0] & 0x0f {
		case textFrame:
			return body, nil
		case pingFrame:
			if err := s.send(pongFrame, body); err != nil {
				return nil, err
			}
		case closeFrame:
			return nil, io.EOF
		}
	}
}

// send writes one small frame.
func (s *socket) send(op byte, body []byte) error {
	if len(body) > 125 {
		return fmt.Errorf("a frame of %d bytes is too long for this end", len(body))
	}
	// A mask of zeros is a mask: loopback has no proxies to protect.
	frame := append([]byte{0x80 | op, 0x80 | byte(len(body)), 0, 0, 0, 0}, body...)
	if err := s.conn.SetWriteDeadline(time.Now().Add(callWait)); err != nil {
		return err
	}
	_, err := s.conn.Write(frame)
	return err
}
