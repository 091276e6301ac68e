package faults

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/textproto"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"holdfast"
)

// mails is how many come at once.
func mails() int {
	switch {
	case required():
		return 10_000
	case testing.Short():
		return 300
	}
	return 2_000
}

func TestManyMailsAtOnce(t *testing.T) {
	d := found(t, "", "", 0)
	d.start()
	n, b := mails(), newBook()
	var next, refusals atomic.Int64
	began := time.Now()
	many(20, func(int) {
		c, err := smtp.Dial(d.smtp)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		for {
			i := next.Add(1)
			if i > int64(n) {
				return
			}
			text := fmt.Sprintf("mail %d of the flood", i)
			b.offerIn(text)
			mail := letter(fmt.Sprintf("person%d@example.org", i%400), text)
			for try := 0; ; try++ {
				err := c.SendMail("bounces@example.org", []string{"desk@example.com"}, strings.NewReader(mail))
				if err == nil {
					b.ackIn(text)
					break
				}
				var said *smtp.SMTPError
				if !errors.As(err, &said) || said.Code >= 500 || try == 20 {
					t.Errorf("mail %d: %v", i, err)
					return
				}
				refusals.Add(1)
				time.Sleep(50 * time.Millisecond)
			}
		}
	})
	took := time.Since(began)
	d.stop()
	d.audit(b, nil)
	in, _ := b.acknowledged()
	if in != n {
		t.Errorf("%d of %d mails were acknowledged", in, n)
	}
	t.Logf("%d mails over 20 connections in %v: %.0f a second, %d put off", in, took.Round(time.Millisecond), float64(in)/took.Seconds(), refusals.Load())
}

func TestAMailThatNeverEnds(t *testing.T) {
	t.Parallel()
	d := found(t, "", "", 0)
	d.start()
	before := d.resident()
	c, err := textproto.Dial("tcp", d.smtp)
	check(t, err)
	defer c.Close()
	for _, line := range []struct {
		say  string
		code int
	}{{"", 220}, {"EHLO endless.example.org", 250}, {"MAIL FROM:<a@example.org>", 250}, {"RCPT TO:<desk@example.com>", 250}, {"DATA", 354}} {
		if line.say != "" {
			check(t, c.PrintfLine("%s", line.say))
		}
		_, _, err := c.ReadResponse(line.code)
		check(t, err)
	}
	chunk := strings.Repeat("without end and without mercy, line after line\r\n", 20_000)
	var sent int64
	most := before
	_, err = c.W.WriteString("From: A <a@example.org>\r\nSubject: endless\r\nMessage-ID: <endless@example.org>\r\n\r\n")
	for err == nil && sent < 2<<30 {
		var n int
		n, err = c.W.WriteString(chunk)
		sent += int64(n)
		most = max(most, d.resident())
	}
	if err == nil {
		t.Fatalf("%d MB of one mail were read, and nobody stopped it", sent>>20)
	}
	if grown := most - before; grown > 160<<20 {
		t.Errorf("a mail without end cost %d MB of memory", grown>>20)
	}
	t.Logf("cut off after %d MB, %.1f MB of memory more", sent>>20, float64(most-before)/(1<<20))
	// Others are served, nothing of it became a message and nothing of it is left.
	b := newBook()
	good := "a mail that ends"
	b.offerIn(good)
	other, err := smtp.Dial(d.smtp)
	check(t, err)
	defer other.Close()
	check(t, other.SendMail("b@example.org", []string{"desk@example.com"}, strings.NewReader(letter("b@example.org", good))))
	b.ackIn(good)
	var kept int64
	check(t, filepath.WalkDir(filepath.Join(d.dir, "files"), func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			info, err := e.Info()
			if err != nil {
				return err
			}
			kept += info.Size()
		}
		return err
	}))
	if kept > 1<<20 {
		t.Errorf("%d MB of the mail that never ended are kept", kept>>20)
	}
	d.stop()
	d.audit(b, nil)
}

func TestMailServersGoneAndBack(t *testing.T) {
	t.Parallel()
	d := found(t, "", "", 0)
	box, office := newMailbox(t), newOffice(t)
	d.start()
	account := holdfast.NewID().String()
	check(t, d.api("POST", "/channels", map[string]any{"id": account, "kind": "email", "name": "Box", "settings": map[string]any{
		"address": "box@example.com", "receive": "imap", "imap_host": "127.0.0.1", "imap_port": port(t, box.addr), "imap_security": "none",
		"imap_user": "box@example.com", "imap_password": "secret", "poll_seconds": 5,
		"smtp_host": "127.0.0.1", "smtp_port": port(t, office.addr), "smtp_security": "none", "smtp_user": "relay"}}, nil))
	b := newBook()
	come := func(n int) {
		for i := range n {
			text := fmt.Sprintf("mail %d %s", i, holdfast.NewID().String())
			b.offerIn(text)
			box.deliver(strings.ReplaceAll(letter("ana@example.org", text), "desk@example.com", "box@example.com"))
			b.ackIn(text) // the server has it, so the desk must have it in the end
		}
	}
	replies := map[string]bool{}
	answer := func(n int) {
		for i := range n {
			id := holdfast.NewID().String()
			check(t, d.api("POST", "/conversations", map[string]any{"id": holdfast.NewID().String(), "message_id": id, "text": "On its way.", "subject": fmt.Sprint("order ", id),
				"channel": account, "to": map[string]string{"scheme": "mailto", "value": fmt.Sprintf("reader%d@example.org", i)}}, nil))
			replies[id] = true
		}
	}
	all := func() bool {
		return d.taken(b) && office.count() >= len(replies)
	}
	come(3)
	answer(2)
	until(t, "mail goes both ways", 40*time.Second, all)
	box.stop()
	office.stop()
	come(3) // into the mailbox, while its server is away
	answer(2)
	time.Sleep(3 * time.Second)
	if got := office.count(); got != 2 {
		t.Errorf("%d mails reached a server that is away", got-2)
	}
	check(t, d.ready()) // the desk itself is well
	box.start()
	office.start()
	until(t, "what waited came and went", 90*time.Second, all)
	d.kill() // and a crash in between fetches nothing twice and sends nothing twice
	come(3)
	d.start()
	answer(2)
	until(t, "mail goes both ways after a crash", 60*time.Second, all)
	until(t, "the outbox is empty", 30*time.Second, func() bool {
		var totals struct{ Queued, Sending, Unknown int }
		return d.api("GET", "/outbox/totals", nil, &totals) == nil && totals.Queued+totals.Sending+totals.Unknown == 0
	})
	d.stop()
	office.once(t, len(replies))
	d.audit(b, nil)
}

// taken reports whether every inbound message of the book can be found over the API.
func (d *desk) taken(b *book) bool {
	var page struct {
		Items []struct{ ID string }
		Next  string
	}
	found := 0
	for cursor := ""; ; {
		if d.api("GET", "/conversations?limit=200&cursor="+cursor, nil, &page) != nil {
			return false
		}
		for _, c := range page.Items {
			var messages struct {
				Items []struct{ Direction, Text string }
			}
			if d.api("GET", "/conversations/"+c.ID+"/messages?limit=200", nil, &messages) != nil {
				return false
			}
			for _, m := range messages.Items {
				if _, ours := b.inbound[strings.TrimSpace(m.Text)]; ours {
					found++
				}
			}
		}
		if cursor = page.Next; cursor == "" {
			return found >= len(b.inbound)
		}
	}
}

func port(t *testing.T, addr string) int {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	check(t, err)
	n, err := strconv.Atoi(p)
	check(t, err)
	return n
}

// literal is a mail as the memory server takes it.
type literal struct {
	io.Reader
	size int64
}

// Size is its length in bytes.
func (l literal) Size() int64 { return l.size }
