package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client speaks HTTP/1.1 over one kept connection, with answers that name their
// length. The whole of net/http would cost the load half of what the desk costs,
// on the same processors.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	out  []byte
	body []byte
	host string
}

func dial(ctx context.Context, address string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, r: bufio.NewReaderSize(conn, 2<<10), host: address}, nil
}

func (c *client) close() { c.conn.Close() }

// callWait bounds one call: a desk that does not answer for so long is down.
const callWait = 30 * time.Second

// call sends one request and reads its answer. headers are whole lines, each
// with its CRLF. The answer's body is good until the next call.
func (c *client) call(method, path string, headers, body []byte) (status int, answer []byte, err error) {
	b := append(append(append(append(c.out[:0], method...), ' '), path...), " HTTP/1.1\r\nHost: "...)
	b = append(append(append(b, c.host...), "\r\n"...), headers...)
	if body != nil {
		b = append(strconv.AppendInt(append(b, "Content-Type: application/json\r\nContent-Length: "...), int64(len(body)), 10), "\r\n"...)
	}
	b = append(append(b, "\r\n"...), body...)
	c.out = b
	if err := c.conn.SetDeadline(time.Now().Add(callWait)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(b); err != nil {
		return 0, nil, err
	}
	status, length, err := c.head()
	if err != nil {
		return 0, nil, err
	}
	if length < 0 {
		return status, nil, fmt.Errorf("%s %s: the answer %d does not say how long it is", method, path, status)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	answer = c.body[:length]
	_, err = io.ReadFull(c.r, answer)
	return status, answer, err
}

// head reads a status line and the headers; length is -1 when there is none.
func (c *client) head() (status, length int, err error) {
	length = -1
	for first := true; ; first = false {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return status, length, nil
		}
		if first {
			if len(line) < 12 {
				return 0, 0, fmt.Errorf("the answer begins with %q", line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, 0, err
			}
			continue
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 || length > 1<<20 {
				return 0, 0, fmt.Errorf("an answer of %q bytes", value)
			}
		}
	}
}

// visitor is who a client writes as.
type visitor struct {
	headers []byte // the authorization line
	token   string
	id      string
}

// newVisitor asks the desk for a name, as the widget does at its first opening.
func (c *client) newVisitor(channel string) (*visitor, error) {
	status, body, err := c.call("POST", "/chat/v1/"+channel+"/session", nil, []byte(`{"lang":"ru"}`))
	if err != nil {
		return nil, err
	}
	var s struct{ Token, Visitor string }
	if err := json.Unmarshal(body, &s); err != nil || status != 200 || s.Token == "" {
		return nil, fmt.Errorf("a session was refused with %d: %s", status, body)
	}
	return &visitor{headers: []byte("Authorization: Bearer " + s.Token + "\r\n"), token: s.Token, id: s.Visitor}, nil
}
