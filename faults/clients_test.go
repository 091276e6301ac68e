package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// dribbler sends a request's beginning and then a byte now and then, for ever; it
// reports when the desk has had enough.
func dribbler(d *desk, begin, more string, quit chan struct{}) (cut bool) {
	c, err := net.Dial("tcp", d.listen)
	if err != nil {
		return false
	}
	defer c.Close()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		io.Copy(io.Discard, c) // until the other end closes
	}()
	if _, err := io.WriteString(c, begin); err != nil {
		return true
	}
	for {
		select {
		case <-gone:
			return true
		case <-quit:
			return false
		case <-time.After(time.Second):
			if _, err := io.WriteString(c, more); err != nil && more != "" {
				return true
			}
		}
	}
}

// Whoever never finishes what he says keeps nobody else from being heard, costs
// little, and is sent away.
func TestClientsThatNeverFinish(t *testing.T) {
	t.Parallel()
	d := found(t, "", "", time.Millisecond)
	d.start()
	b := newBook()
	l := under(d, b, everybody, 20*time.Millisecond)
	time.Sleep(time.Second)
	before := d.resident()
	post := func(path, auth string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: desk\r\n" + auth + "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"text\":\""
	}
	token := "Authorization: Bearer " + d.token + "\r\n"
	kinds := []struct {
		name, begin, more string
		clients           int
	}{
		{"silent", "", "", 500},
		{"dribbled headers", "GET /api/v1/start HTTP/1.1\r\nHost: desk\r\n", "X-More: a\r\n", 300},
		{"a session without end", post("/chat/v1/"+d.chat.String()+"/session", ""), "x", 100},
		{"a webhook without end", post("/hooks/loop/"+d.loops["same"].String(), ""), "x", 100},
		{"an API body without end", post("/api/v1/customers", token), "x", 100},
		{"a stranger's API body without end", post("/api/v1/customers", ""), "x", 50},
		{"a sign-in without end", post("/api/v1/session", ""), "x", 50},
		{"a body that nobody wants", post("/api/v1/nothing/of/the/sort", ""), "x", 50},
		{"a stranger's upload", post("/api/v1/attachments", ""), "x", 50},
		{"an upload without a byte", "POST /api/v1/attachments?name=a HTTP/1.1\r\nHost: desk\r\n" + token + "Content-Length: 100000\r\n\r\n", "", 50},
	}
	quit, done := make(chan struct{}), make(chan struct{})
	cuts := make([]atomic.Int64, len(kinds))
	total := 0
	for _, k := range kinds {
		total += k.clients
	}
	go func() {
		defer close(done)
		many(total, func(n int) {
			for i, k := range kinds {
				if n -= k.clients; n < 0 {
					if dribbler(d, k.begin, k.more, quit) {
						cuts[i].Add(1)
					}
					return
				}
			}
		})
	}()
	in0, _ := b.acknowledged()
	most, slowest := before, time.Duration(0)
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		most = max(most, d.resident())
		began := time.Now()
		check(t, d.ready())
		slowest = max(slowest, time.Since(began))
	}
	in1, _ := b.acknowledged()
	if in1-in0 < 50 {
		t.Errorf("only %d messages were taken while %d clients never finished", in1-in0, total)
	}
	if grown := most - before; grown > 96<<20 {
		t.Errorf("%d clients that never finish cost %d MB", total, grown>>20)
	}
	t.Logf("%d clients that never finish: %d messages taken meanwhile, /readyz within %v, %.1f MB more", total, in1-in0, slowest.Round(time.Millisecond), float64(most-before)/(1<<20))
	left := func() (list []string) {
		for i, k := range kinds {
			if n := cuts[i].Load(); n < int64(k.clients) {
				list = append(list, fmt.Sprintf("%s: %d of %d were sent away", k.name, n, k.clients))
			}
		}
		return list
	}
	for end := time.Now().Add(75 * time.Second); len(left()) > 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
	}
	for _, still := range left() {
		t.Error(still)
	}
	close(quit)
	<-done
	l.stop()
	parked := d.settle(30 * time.Second)
	d.stop()
	d.audit(b, parked)
}

// A client that asks and never reads the answer must not hold anything up.
func TestClientsThatNeverRead(t *testing.T) {
	t.Parallel()
	d := found(t, "", "", time.Millisecond)
	d.start()
	before := d.resident()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range 200 {
		c, err := net.Dial("tcp", d.listen)
		check(t, err)
		conns = append(conns, c)
		c.SetWriteDeadline(time.Now().Add(2 * time.Second))
		for range 50 { // pipelined: answers that nobody fetches
			if _, err := io.WriteString(c, "GET /openapi.json HTTP/1.1\r\nHost: desk\r\n\r\n"); err != nil {
				break
			}
		}
	}
	res, err := http.Get("http://" + d.listen + "/openapi.json")
	check(t, err)
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, bufio.NewReader(res.Body))
	check(t, err)
	if n < 1000 {
		t.Errorf("a document of %d bytes", n)
	}
	check(t, d.ready())
	if grown := d.resident() - before; grown > 192<<20 {
		t.Errorf("200 clients that never read cost %d MB", grown>>20)
	} else {
		t.Logf("200 clients that never read cost %.1f MB", float64(grown)/(1<<20))
	}
}
