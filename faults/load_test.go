package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"holdfast"
)

// book is what was given to the desk and what it acknowledged. Every message has
// a text of its own, by which it is found again wherever it turns up.
type book struct {
	mu       sync.Mutex
	inbound  map[string]bool   // text → acknowledged
	outbound map[string]string // acknowledged: message id → account
	offered  map[string]string // all that were asked for: message id → account
	odd      []string          // answers that nobody should get
}

func newBook() *book {
	return &book{inbound: map[string]bool{}, outbound: map[string]string{}, offered: map[string]string{}}
}

func (b *book) offerIn(text string) { b.mu.Lock(); defer b.mu.Unlock(); b.inbound[text] = false }
func (b *book) ackIn(text string)   { b.mu.Lock(); defer b.mu.Unlock(); b.inbound[text] = true }
func (b *book) offerOut(id, account string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offered[id] = account
}
func (b *book) ackOut(id, account string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.outbound[id] = account
}

func (b *book) strange(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.odd = append(b.odd, fmt.Sprintf(format, args...))
}

// acknowledged counts what the desk has given its word for.
func (b *book) acknowledged() (in, out int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ok := range b.inbound {
		if ok {
			in++
		}
	}
	return in, len(b.outbound)
}

// load is people who write and answer, whatever happens to the desk.
type load struct {
	d     *desk
	book  *book
	pause time.Duration // of each between two messages
	quit  chan struct{}
	wg    sync.WaitGroup
	names atomic.Int64
	// allowed are error codes that may be met besides no connection at all.
	allowed map[string]bool
}

// crowd says how many people there are.
type crowd struct{ visitors, loops, mailers, operators int }

var everybody = crowd{visitors: 6, loops: 2, mailers: 1, operators: 1}

// under puts a desk under load; stop ends it and waits for everybody.
func under(d *desk, b *book, c crowd, pause time.Duration, allowed ...string) *load {
	l := &load{d: d, book: b, pause: pause, quit: make(chan struct{}), allowed: map[string]bool{}}
	for _, code := range allowed {
		l.allowed[code] = true
	}
	for i := range c.visitors {
		l.wg.Go(func() { l.visitor(i%2 == 0) })
	}
	for i := range c.loops {
		l.wg.Go(func() { l.customer(i%2 == 0) })
	}
	for i := range c.mailers {
		l.wg.Go(func() { l.mailer(i) })
	}
	for range c.operators {
		for _, policy := range resends {
			l.wg.Go(func() { l.operator(policy) })
		}
	}
	return l
}

func (l *load) stop() {
	close(l.quit)
	l.wg.Wait()
}

func (l *load) over() bool {
	select {
	case <-l.quit:
		return true
	default:
		return false
	}
}

func (l *load) text(who string) string {
	return fmt.Sprintf("%s %d %s", who, l.names.Add(1), holdfast.NewID().String()[24:])
}

func (l *load) rest() {
	select {
	case <-l.quit:
	case <-time.After(l.pause/2 + rand.N(l.pause+1)):
	}
}

// give says a thing until it is acknowledged or, if whoever says it does not
// insist, once. It reports whether it was acknowledged.
func (l *load) give(insist bool, what string, say func() error) bool {
	for !l.over() {
		err := say()
		if err == nil {
			return true
		}
		// 404: the desk is up and this account is not yet.
		if r := refused(err); r != nil && !l.allowed[r.Code] && r.Status != 404 {
			l.book.strange("%s: %v", what, err)
			return false
		}
		if !insist {
			l.rest()
			return false
		}
		select {
		case <-l.quit:
		case <-time.After(30 * time.Millisecond):
		}
	}
	return false
}

// visitor writes in the site's chat. One who insists sends the same id again
// until it is acknowledged.
func (l *load) visitor(insist bool) {
	var session struct{ Token, Visitor string }
	base := "/chat/v1/" + l.d.chat.String()
	if !l.give(true, "session", func() error {
		return l.d.call("POST", base+"/session", "", map[string]string{"lang": "en"}, &session)
	}) {
		return
	}
	for !l.over() {
		text, id := l.text("visitor"), holdfast.NewID().String()
		l.book.offerIn(text)
		if l.give(insist, "chat", func() error {
			return l.d.call("POST", base+"/messages", session.Token, map[string]string{"id": id, "text": text}, nil)
		}) {
			l.book.ackIn(text)
		}
		l.rest()
	}
}

// customer writes through the loop's webhook, as a provider would bring it.
func (l *load) customer(insist bool) {
	name := "writer-" + holdfast.NewID().String()[24:]
	for n := 0; !l.over(); n++ {
		text := l.text("customer")
		l.book.offerIn(text)
		path := "/hooks/loop/" + l.d.loops[resends[n%len(resends)]].String()
		if l.give(insist, "webhook", func() error {
			err := l.d.call("POST", path, "", map[string]string{"key": text, "from": name, "name": name, "text": text}, nil)
			if r := refused(err); r != nil && r.Status == 503 {
				r.Code = "store.unavailable" // the webhook's answers are plain words
			}
			return err
		}) {
			l.book.ackIn(text)
		}
		l.rest()
	}
}

// mailer brings mail to the gateway over one connection, as a relay does: what
// was not acknowledged it brings again.
func (l *load) mailer(n int) {
	var c *smtp.Client
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for !l.over() {
		text := l.text("mail")
		l.book.offerIn(text)
		mail := letter(fmt.Sprintf("person%d@example.org", n), text)
		if l.give(true, "mail", func() (err error) {
			if c == nil {
				if c, err = smtp.Dial(l.d.smtp); err != nil {
					c = nil
					return err
				}
				c.CommandTimeout, c.SubmissionTimeout = 20*time.Second, 30*time.Second
			}
			if err = c.SendMail("person@example.org", []string{"desk@example.com"}, strings.NewReader(mail)); err != nil {
				c.Close()
				c = nil
			}
			var said *smtp.SMTPError
			if errors.As(err, &said) && said.Code >= 500 && said.Message != "No such mailbox here" {
				l.book.strange("mail: %v", err)
			}
			return err
		}) {
			l.book.ackIn(text)
		}
		l.rest()
	}
}

// letter is a small mail; its text is its subject and its message id, too.
func letter(from, text string) string {
	return fmt.Sprintf("From: A Person <%s>\r\nTo: desk@example.com\r\nSubject: %s\r\nMessage-ID: <%s@example.org>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\n%s\r\n",
		from, text, strings.ReplaceAll(text, " ", "."), text)
}

// operator opens conversations on one loop account and answers in them.
func (l *load) operator(policy string) {
	account := l.d.loops[policy].String()
	var talks []string
	for n := 0; !l.over(); n++ {
		insist := n%2 == 0
		text, id := l.text(policy), holdfast.NewID().String()
		l.book.offerOut(id, policy)
		reply := map[string]any{"id": id, "text": text, "channel": account}
		if len(talks) < 5 {
			talk := holdfast.NewID().String()
			start := map[string]any{"id": talk, "message_id": id, "text": text, "channel": account, "to": map[string]string{"scheme": "loop", "value": "reader-" + talk[24:]}}
			if l.give(true, "start", func() error { return l.d.api("POST", "/conversations", start, nil) }) {
				talks = append(talks, talk)
				l.book.ackOut(id, policy)
			}
		} else if l.give(insist, "reply", func() error {
			return l.d.api("POST", "/conversations/"+talks[n%len(talks)]+"/replies", reply, nil)
		}) {
			l.book.ackOut(id, policy)
		}
		l.rest()
		l.rest() // operators are slower than customers
	}
}

// sane fails the test when somebody got an answer that nobody should get.
func (b *book) sane(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, s := range b.odd {
		if i == 5 {
			t.Errorf("… and %d more", len(b.odd)-i)
			break
		}
		t.Errorf("an answer that nobody should get: %s", s)
	}
}
