package email

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"holdfast"
	"holdfast/channel"
)

// gateway runs a gateway for the recipients in desks.
func gateway(t *testing.T, listen string, desks map[string]*memory, change func(*Gateway)) *Gateway {
	t.Helper()
	g := NewGateway(listen, func(rcpt string) (Route, bool) {
		m, ok := desks[rcpt]
		return Route{Account: channel.Account{Settings: &Settings{Address: rcpt}}, Env: channel.Env{Blobs: m, State: memoryState{m}, Key: bytes.Repeat([]byte{7}, 32)}, Sink: m}, ok
	}, nil)
	if change != nil {
		change(g)
	}
	if err := g.Open(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := g.Run(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { g.Close(); wg.Wait() })
	return g
}

// talk says lines to the server and returns the last answer's code.
func talk(t *testing.T, c *textproto.Conn, lines ...string) (code int, msg string) {
	t.Helper()
	for _, line := range lines {
		if err := c.PrintfLine("%s", line); err != nil {
			t.Fatal(err)
		}
		var err error
		code, msg, err = c.ReadResponse(0)
		if err != nil && code == 0 {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return code, msg
}

func connect(t *testing.T, g *Gateway) *textproto.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	c := textproto.NewConn(conn)
	t.Cleanup(func() { c.Close() })
	if _, _, err := c.ReadResponse(220); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestGatewayTakesMailOnlyOnceItIsOnDisk(t *testing.T) {
	m := newMemory()
	g := gateway(t, "127.0.0.1:0", map[string]*memory{"desk@example.com": m}, nil)
	c := connect(t, g)
	talk(t, c, "EHLO client", "MAIL FROM:<ana@example.org>")
	if code, msg := talk(t, c, "RCPT TO:<nobody@example.com>"); code != 550 || !strings.HasPrefix(msg, "5.1.1") {
		t.Errorf("an unknown recipient: %d %s", code, msg)
	}
	send := func() (int, string) {
		talk(t, c, "MAIL FROM:<ana@example.org>", "RCPT TO:<Desk+c.x@Example.com>", "DATA")
		return talk(t, c, strings.TrimSuffix(strings.ReplaceAll(plainMail("hello"), "\r\n", "\n"), "\n")+"\r\n.")
	}
	m.fail = func(channel.Inbound) error {
		return holdfast.Errorf(holdfast.Unavailable, "store.down", "disk full")
	}
	talk(t, c, "RSET")
	if code, msg := send(); code != 451 || strings.Contains(msg, "disk") {
		t.Errorf("the desk is down: %d %s", code, msg)
	}
	m.mu.Lock()
	m.fail = nil
	m.mu.Unlock()
	if code, _ := send(); code != 250 {
		t.Errorf("the desk is up: %d", code)
	}
	if len(m.accepted) != 1 || m.accepted[0].Subject != "hello" || m.blob(m.accepted[0].Raw) == nil {
		t.Errorf("stored %+v", m.accepted)
	}
	if code, _ := send(); code != 250 || len(m.subjects()) != 1 {
		t.Errorf("delivered again: %d, %d messages", code, len(m.subjects()))
	}
	m.fail = func(channel.Inbound) error { return holdfast.Errorf(holdfast.Invalid, "message.invalid", "never") }
	if code, _ := send(); code/100 != 5 {
		t.Errorf("what is never acceptable: %d", code)
	}
}

func TestLMTPAnswersForEachRecipient(t *testing.T) {
	good, down := newMemory(), newMemory()
	down.fail = func(channel.Inbound) error { return errors.New("disk full") }
	g := gateway(t, "lmtp:127.0.0.1:0", map[string]*memory{"a@example.com": good, "b@example.com": down, "c@example.com": good}, nil)
	conn, err := net.Dial("tcp", g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := smtp.NewClientLMTP(conn)
	defer client.Close()
	if err := client.Mail("ana@example.org", nil); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"a@example.com", "b@example.com", "c@example.com"} {
		if err := client.Rcpt(to, nil); err != nil {
			t.Fatal(err)
		}
	}
	w, err := client.Data()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, plainMail("for three"))
	got := map[string]int{}
	_, err = w.CloseWithLMTPResponse()
	var each smtp.LMTPDataError
	if !errors.As(err, &each) {
		t.Fatalf("%v", err)
	}
	for to, e := range each {
		var no *smtp.SMTPError
		errors.As(e, &no)
		got[to] = no.Code
	}
	if len(got) != 1 || got["b@example.com"] != 451 {
		t.Errorf("refused for %v", got)
	}
	if good.keys[good.accepted[0].Key] != 2 {
		t.Errorf("keys %v", good.keys)
	}
}

func TestGatewayBoundsWhatAClientMayDo(t *testing.T) {
	m := newMemory()
	desks := map[string]*memory{"desk@example.com": m}
	t.Run("a mail that is too large", func(t *testing.T) {
		g := gateway(t, "127.0.0.1:0", desks, func(g *Gateway) { g.maxBytes = 10_000 })
		c := connect(t, g)
		talk(t, c, "EHLO client")
		if code, _ := talk(t, c, "MAIL FROM:<a@b.c> SIZE=10001"); code != 552 {
			t.Errorf("announced: %d", code)
		}
		talk(t, c, "MAIL FROM:<a@b.c>", "RCPT TO:<desk@example.com>", "DATA")
		if code, _ := talk(t, c, strings.Repeat("0123456789012345678901234567890\r\n", 1000)+"."); code != 552 {
			t.Errorf("sent: %d", code)
		}
	})
	t.Run("a mail that never ends", func(t *testing.T) {
		g := gateway(t, "127.0.0.1:0", desks, func(g *Gateway) { g.maxBytes = 10_000 })
		c := connect(t, g)
		talk(t, c, "EHLO client", "MAIL FROM:<a@b.c>", "RCPT TO:<desk@example.com>", "DATA")
		line := []byte(strings.Repeat("x", 70) + "\r\n")
		cut := false
		for range 1_000_000 {
			if _, err := c.W.Write(line); err != nil {
				cut = true
				break
			}
		}
		if !cut && c.W.Flush() == nil {
			t.Error("72 MB were taken")
		}
	})
	t.Run("a command that never ends", func(t *testing.T) {
		g := gateway(t, "127.0.0.1:0", desks, nil)
		c := connect(t, g)
		cut := false
		for range 100_000 {
			if _, err := c.W.Write([]byte(strings.Repeat("x", 100))); err != nil {
				cut = true
				break
			}
		}
		if !cut && c.W.Flush() == nil {
			t.Error("a line of 10 MB was taken")
		}
	})
	t.Run("a client that falls silent", func(t *testing.T) {
		g := gateway(t, "127.0.0.1:0", desks, func(g *Gateway) { g.silence = 50 * time.Millisecond })
		c := connect(t, g)
		talk(t, c, "EHLO client", "MAIL FROM:<a@b.c>", "RCPT TO:<desk@example.com>", "DATA")
		c.PrintfLine("Subject: half a")
		if _, err := io.ReadAll(c.R); err != nil { // ends only when the server hangs up
			t.Error(err)
		}
	})
	t.Run("more clients than slots", func(t *testing.T) {
		g := gateway(t, "127.0.0.1:0", desks, func(g *Gateway) { g.slots = make(chan struct{}, 2) })
		a, _ := connect(t, g), connect(t, g)
		conn, err := net.Dial("tcp", g.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		line, _ := newBuffered(conn).ReadString('\n')
		if !strings.HasPrefix(line, "421") {
			t.Errorf("the third hears %q", line)
		}
		talk(t, a, "QUIT")
		a.Close()
		// the slot is free again, as soon as the server has noticed
		for range 1000 {
			if conn, err := net.Dial("tcp", g.Addr().String()); err == nil {
				conn.SetDeadline(time.Now().Add(10 * time.Second))
				line, _ := newBuffered(conn).ReadString('\n')
				conn.Close()
				if strings.HasPrefix(line, "220") {
					return
				}
			}
		}
		t.Error("the slot was never given back")
	})
	if n := len(m.subjects()); n != 0 {
		t.Errorf("%d messages came of it", n)
	}
}

func TestGatewayTakesManyAtOnce(t *testing.T) {
	m := newMemory()
	g := gateway(t, "127.0.0.1:0", map[string]*memory{"desk@example.com": m}, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			client, err := smtp.Dial(g.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer client.Close()
			for j := range 25 {
				if err := client.SendMail("ana@example.org", []string{"desk@example.com"}, strings.NewReader(plainMail(fmt.Sprintf("mail %d %d", i, j)))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(m.subjects()); n != 200 {
		t.Errorf("%d of 200 mails", n)
	}
}
