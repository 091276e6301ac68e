package journeys

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
)

// letter is one mail of the corpus.
type letter struct {
	name string // path below the corpus
	raw  []byte
}

// letters are all mails of the corpus: what has a header of a mail and is no
// expectation about another file.
func letters(t testing.TB) []letter {
	t.Helper()
	root := corpus(t, "email")
	var list []letter
	had := map[[32]byte]bool{} // some are in the corpus twice, under two names
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		base, dir := filepath.Base(name), filepath.Base(filepath.Dir(name))
		switch {
		case strings.HasSuffix(base, ".msg"), strings.HasSuffix(base, ".eml"):
		case dir == "emails" && strings.HasSuffix(base, ".txt"):
		case dir == "headers":
		case strings.HasPrefix(base, "mbox."):
		default:
			return nil
		}
		b, err := os.ReadFile(path)
		if sum := sha256.Sum256(b); err == nil && len(b) > 0 && !had[sum] {
			had[sum] = true
			list = append(list, letter{name, b})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 150 {
		t.Fatalf("the corpus has only %d mails", len(list))
	}
	sort.Slice(list, func(i, k int) bool { return list[i].name < list[k].name })
	return list
}

// post speaks SMTP without any help that would change a mail: what DATA carries are
// the bytes as they are (bare CR and LF, NUL and lines of any length included),
// with RFC 5321's dots, and with a line end before the last dot where the mail has
// none. It returns that: the mail as a server must have it.
type post struct {
	t    testing.TB
	conn *textproto.Conn
}

func dial(t testing.TB, addr string) *post {
	t.Helper()
	conn, err := textproto.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &post{t, conn}
	p.read(220)
	p.say(250, "EHLO customer.example")
	return p
}

func (p *post) read(want int) string {
	p.t.Helper()
	_, text, err := p.conn.ReadResponse(want)
	if err != nil {
		p.t.Fatalf("the mail server said %v", err)
	}
	return text
}

func (p *post) say(want int, format string, args ...any) {
	p.t.Helper()
	if err := p.conn.PrintfLine(format, args...); err != nil {
		p.t.Fatal(err)
	}
	p.read(want)
}

// send puts one mail into the desk and expects it to be taken.
func (p *post) send(to string, raw []byte) []byte {
	p.t.Helper()
	p.say(250, "MAIL FROM:<sender@customer.example>")
	p.say(250, "RCPT TO:<%s>", to)
	p.say(354, "DATA")
	raw = transported(raw)
	wire := bytes.ReplaceAll(raw, []byte("\r\n."), []byte("\r\n.."))
	if bytes.HasPrefix(wire, []byte(".")) {
		wire = append([]byte("."), wire...)
	}
	p.conn.W.Write(wire)
	p.conn.W.WriteString(".\r\n")
	if err := p.conn.W.Flush(); err != nil {
		p.t.Fatal(err)
	}
	p.read(250)
	return raw
}

// transported is a mail with the line end that DATA cannot do without.
func transported(raw []byte) []byte {
	switch {
	case bytes.HasSuffix(raw, []byte("\r\n")):
		return raw
	case bytes.HasSuffix(raw, []byte("\r")):
		return append(bytes.Clone(raw), '\n')
	}
	return append(bytes.Clone(raw), "\r\n"...)
}

// seen is what the API shows of something that came in.
type seen struct {
	arrival bool
	path    string // of its raw form

	ID           holdfast.ID           `json:"id"`
	Conversation holdfast.ID           `json:"conversation"`
	Direction    string                `json:"direction"`
	From         *holdfast.Address     `json:"from"`
	To           []string              `json:"to"`
	Subject      string                `json:"subject"`
	Text         string                `json:"text"`
	Rest         string                `json:"rest"`
	HTML         string                `json:"html"`
	HasHTML      bool                  `json:"has_html"`
	HasRaw       bool                  `json:"has_raw"`
	ExternalID   string                `json:"external_id"`
	Attachments  []holdfast.Attachment `json:"attachments"`
	Marks        []string              `json:"marks"`
	// of an arrival
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	Sender string `json:"sender"`
}

// inTray downloads everything that came in, by the hash of its raw form. It fails
// for what has no raw form, no conversation and no reason.
func (h *house) inTray() map[[32]byte][]seen {
	h.t.Helper()
	tray := map[[32]byte][]seen{}
	add := func(s seen) {
		a := h.must("GET", s.path, nil, nil)
		if kind := a.header.Get("Content-Type"); kind != "message/rfc822" {
			h.t.Errorf("%s is a %s", s.path, kind)
		}
		sum := sha256.Sum256(a.body)
		tray[sum] = append(tray[sum], s)
	}
	for _, c := range all[struct{ ID holdfast.ID }](h, "/conversations?view=all") {
		for before := ""; ; {
			var p list[seen]
			h.must("GET", fmt.Sprintf("/conversations/%s/messages?limit=200&before=%s", c.ID, before), nil, &p)
			if len(p.Items) == 0 {
				h.t.Errorf("the conversation %s has no message", c.ID)
			}
			for _, m := range p.Items {
				if m.Direction == "in" && m.HasRaw {
					m.path = "/messages/" + m.ID.String() + "/raw"
					add(m)
				}
			}
			if before = p.Next; before == "" {
				break
			}
		}
	}
	for _, v := range all[seen](h, "/arrivals?") {
		if v.Reason == "" || v.Detail == "" {
			h.t.Errorf("%q of %q did not become a message, and nothing says why: %+v", v.Subject, v.Sender, v)
		}
		v.arrival, v.path = true, "/arrivals/"+v.ID.String()+"/raw"
		add(v)
	}
	return tray
}

// mailKey names a mail as a provider that repeats it would: by its Message-ID and
// what it says, whatever servers on the way did to its header. A desk that is given
// two such mails at one address rightly keeps one, so the second one of such a pair
// is sent to another address.
func mailKey(raw []byte) string {
	raw = bytes.ReplaceAll(raw, []byte("\r"), nil)
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	id := messageIDLine.FindSubmatch(head)
	if id == nil {
		return string(raw)
	}
	return string(id[1]) + " " + string(bytes.TrimRight(body, "\n"))
}

var messageIDLine = regexp.MustCompile(`(?mi)^message-id:\s*(<[^>]+>)`)

// addressed spreads the mails over as many addresses as it takes for no address to
// get two mails with one key.
func addressed(mails []letter) (to map[string]string, addresses []string) {
	to = map[string]string{}
	had := map[string]int{}
	for _, m := range mails {
		key := mailKey(m.raw)
		n := had[key]
		had[key]++
		if n == len(addresses) {
			addresses = append(addresses, fmt.Sprintf("help%d@desk.example", n))
		}
		to[m.name] = addresses[n]
	}
	return to, addresses
}

func TestEveryMailOfTheCorpusComesInBySMTP(t *testing.T) { each(t, everyMailOfTheCorpusComesInBySMTP) }

func everyMailOfTheCorpusComesInBySMTP(t *testing.T, h *house) {
	mails := letters(t)
	to, addresses := addressed(mails)
	for _, a := range addresses {
		h.mailbox(a, "")
	}
	line := dial(t, h.smtp)
	sent := map[string][]byte{}
	good := map[string][]byte{}
	for i, m := range mails {
		sent[m.name] = line.send(to[m.name], m.raw)
		// the mail after a bad one comes over the same connection
		subject := fmt.Sprintf("Good mail %d", i)
		good[subject] = line.send(to[m.name], goodMail(i, subject))
	}
	h.holds(mails, sent, good)

	// A provider that did not hear our answer sends everything again.
	head := h.Journal.Head()
	for _, m := range mails {
		line.send(to[m.name], m.raw)
	}
	if now := h.Journal.Head(); now != head {
		t.Errorf("the same mails once more wrote %d entries", now-head)
	}
}

func goodMail(i int, subject string) []byte {
	return fmt.Appendf(nil, "From: Ana %d <ana%d@customer.example>\r\nTo: help@desk.example\r\nSubject: %s\r\nMessage-ID: <good-%d@customer.example>\r\n\r\nThis one is well: %s.\r\n", i, i, subject, i, subject)
}

// holds checks that the desk has each mail once, byte for byte as the transport
// handed it over (sent, by name), shown as the corpus says; that each good mail is
// a message; and nothing else.
func (h *house) holds(mails []letter, sent map[string][]byte, good map[string][]byte) {
	h.t.Helper()
	tray := h.inTray()
	for subject, raw := range good {
		got := tray[sha256.Sum256(raw)]
		if len(got) != 1 || got[0].arrival || got[0].Subject != subject || !strings.HasPrefix(got[0].Text, "This one is well") {
			h.t.Errorf("%s: %+v", subject, got)
		}
	}
	x := expectations(h.t)
	messages, reasons, total := 0, map[string]int{}, len(good)
	for _, m := range mails {
		got := tray[sha256.Sum256(sent[m.name])]
		if len(got) != 1 {
			h.t.Errorf("%s is there %d times", m.name, len(got))
			continue
		}
		total++
		if got[0].arrival {
			reasons[got[0].Reason]++
		} else {
			messages++
		}
		x.check(h.t, h, m, got[0])
	}
	if len(tray) != total {
		h.t.Errorf("%d mails were sent and %d are there", total, len(tray))
	}
	h.t.Logf("%d mails became messages; others: %v", messages, reasons)
	if messages < 120 {
		h.t.Errorf("only %d mails became messages", messages)
	}
}

// A mail server that hears 550 gives a customer's mail back to them. While an
// administrator changes the mailbox's settings, and while the program starts, it must
// hear yes, or be asked to wait.
func TestNoMailIsGivenBackWhileAMailboxRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	id := h.mailbox("help@desk.example", "")
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				h.must("PATCH", "/channels/"+id.String(), map[string]any{"name": fmt.Sprint("Help ", i)}, nil)
			}
		}
	})
	line := dial(t, h.smtp)
	for range 300 {
		line.say(250, "MAIL FROM:<ana@customer.example>")
		line.say(250, "RCPT TO:<help@desk.example>")
		line.say(250, "RSET")
	}
	close(stop)
	busy.Wait()
	h.stop()

	// the program starts again; a mail server has been waiting at its door
	n := &house{t: t, smtp: h.smtp}
	n.App = h.again()
	if err := n.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	said := make(chan string, 1)
	go func() {
		conn, err := textproto.Dial("tcp", n.smtp)
		if err != nil {
			said <- err.Error()
			return
		}
		defer conn.Close()
		conn.W.WriteString("EHLO customer.example\r\nMAIL FROM:<ana@customer.example>\r\nRCPT TO:<help@desk.example>\r\n")
		conn.W.Flush()
		for _, code := range []int{220, 250, 250} {
			if _, _, err := conn.ReadResponse(code); err != nil {
				said <- err.Error()
				return
			}
		}
		_, text, err := conn.ReadResponse(250)
		if err != nil {
			text = err.Error()
		}
		said <- text
	}()
	time.Sleep(20 * time.Millisecond) // the server's question is in the queue
	go func() { done <- n.Run(ctx) }()
	if text := <-said; strings.HasPrefix(text, "5") {
		t.Errorf("while the program starts a mail server is told %q", text)
	}
	cancel()
	<-done
	n.Close()
}
