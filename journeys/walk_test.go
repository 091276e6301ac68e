package journeys

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"

	"holdfast"
)

// mailman is a customers' mail server: what the desk sends ends in its mailboxes,
// and what customers write it brings to the desk's door, by SMTP both ways.
type mailman struct {
	t    testing.TB
	addr string // where it takes mail
	desk string // the gateway
	to   string // the desk's address

	mu      sync.Mutex
	letters []gotten
}

// gotten is a letter in a customer's mailbox.
type gotten struct {
	To         []string `json:"to"`
	From       string   `json:"from"`
	Subject    string   `json:"subject"`
	MessageID  string   `json:"message_id"`
	InReplyTo  string   `json:"in_reply_to"`
	References string   `json:"references"`
	Text       string   `json:"text"`
	// Where such mail is refused with one click, and whether by one POST.
	Unsubscribe string   `json:"unsubscribe"`
	OneClick    string   `json:"one_click"`
	HTML        string   `json:"html"`
	Inline      []string `json:"inline"` // Content-IDs
	Files       int      `json:"files"`
}

func newMailman(t testing.TB) *mailman {
	m := &mailman{t: t}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{m: m}, nil }))
	s.Domain, s.EnableSMTPUTF8, s.ErrorLog = "mx.customer.example", true, log.New(io.Discard, "", 0)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.addr = ln.Addr().String()
	go s.Serve(ln)
	t.Cleanup(func() { s.Close() })
	return m
}

type delivery struct {
	m  *mailman
	to []string
}

func (d *delivery) Reset()                                    { d.to = nil }
func (d *delivery) Logout() error                             { return nil }
func (d *delivery) Mail(string, *smtp.MailOptions) error      { return nil }
func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error { d.to = append(d.to, to); return nil }
func (d *delivery) Data(r io.Reader) error {
	e, err := enmime.ReadEnvelope(r)
	if err != nil {
		return err
	}
	g := gotten{To: d.to, From: e.GetHeader("From"), Subject: e.GetHeader("Subject"), MessageID: e.GetHeader("Message-ID"), InReplyTo: e.GetHeader("In-Reply-To"), References: e.GetHeader("References"), Text: e.Text, HTML: e.HTML, Files: len(e.Attachments),
		Unsubscribe: strings.Trim(e.GetHeader("List-Unsubscribe"), "<>"), OneClick: e.GetHeader("List-Unsubscribe-Post")}
	for _, p := range append(e.Inlines, e.OtherParts...) {
		g.Inline = append(g.Inline, p.ContentID)
	}
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	d.m.letters = append(d.m.letters, g)
	return nil
}

// ServeHTTP is the customer's mail program, for a script.
func (m *mailman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		m.mu.Lock()
		defer m.mu.Unlock()
		json.NewEncoder(w).Encode(m.letters)
		return
	}
	var l gotten
	if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Kim <%s>\r\nTo: <%s>\r\nSubject: %s\r\nMessage-ID: %s\r\n", l.From, m.to, mime.QEncoding.Encode("utf-8", l.Subject), l.MessageID)
	if l.InReplyTo != "" {
		fmt.Fprintf(&b, "In-Reply-To: %s\r\nReferences: %s\r\n", l.InReplyTo, strings.ReplaceAll(l.References, " ", "\r\n "))
	}
	fmt.Fprintf(&b, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n", l.Text)
	if err := m.carry(l.From, b.Bytes()); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func (m *mailman) carry(from string, raw []byte) error {
	c, err := textproto.Dial("tcp", m.desk)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, s := range []struct {
		code int
		line string
	}{{220, "EHLO mx.customer.example"}, {250, "MAIL FROM:<" + from + ">"}, {250, "RCPT TO:<" + m.to + ">"}, {250, "DATA"}, {354, ""}} {
		if _, _, err := c.ReadResponse(s.code); err != nil {
			return err
		}
		if s.line != "" {
			if err := c.PrintfLine("%s", s.line); err != nil {
				return err
			}
		}
	}
	w := c.DotWriter()
	w.Write(raw)
	if err := w.Close(); err != nil {
		return err
	}
	_, _, err = c.ReadResponse(250)
	return err
}

// TestBothJourneys walks the chat of the demo's shop and a mail that comes by the
// gateway and is answered by SMTP, in a real browser.
func TestBothJourneys(t *testing.T) {
	t.Parallel()
	h := openDemo(t)
	m := newMailman(t)
	m.desk, m.to = h.smtp, "help@desk.example"
	h.mailbox(m.to, m.addr)
	customer := httptest.NewServer(m)
	defer customer.Close()
	operator := h.newOperator(h.workspace, holdfast.Operator, "walker@desk.example")
	play(t, "walk.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(operator), "CUSTOMER="+customer.URL)
	// Nobody was told anything twice, and nothing went to anybody else.
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.letters) != 4 {
		t.Errorf("the desk sent %d letters", len(m.letters))
	}
	for _, l := range m.letters {
		if len(l.To) != 1 || !strings.Contains(l.From, m.to) {
			t.Errorf("a letter from %q went to %q", l.From, l.To)
		}
	}
}
