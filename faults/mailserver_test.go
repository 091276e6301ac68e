package faults

import (
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-smtp"
)

// mailbox is an IMAP server that can go and come back at the same address.
type mailbox struct {
	t      *testing.T
	user   *imapmemserver.User
	addr   string
	server *imapserver.Server
}

func newMailbox(t *testing.T) *mailbox {
	m := &mailbox{t: t, user: imapmemserver.NewUser("box@example.com", "secret"), addr: "127.0.0.1:0"}
	check(t, m.user.Create("INBOX", nil))
	m.start()
	t.Cleanup(func() {
		if m.server != nil {
			m.stop()
		}
	})
	return m
}

func (m *mailbox) start() {
	m.t.Helper()
	mem := imapmemserver.New()
	mem.AddUser(m.user)
	m.server = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIdle: {}}, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	ln, err := net.Listen("tcp", m.addr)
	check(m.t, err)
	m.addr = ln.Addr().String()
	go m.server.Serve(ln)
}

func (m *mailbox) stop() { m.server.Close(); m.server = nil }

func (m *mailbox) deliver(mail string) {
	m.t.Helper()
	_, err := m.user.Append("INBOX", literal{strings.NewReader(mail), int64(len(mail))}, &imap.AppendOptions{Time: time.Now()})
	check(m.t, err)
}

// office is an SMTP server that can go and come back and keeps what it took.
type office struct {
	t      *testing.T
	addr   string
	server *smtp.Server

	mu    sync.Mutex
	taken map[string]int // by Message-ID
}

func newOffice(t *testing.T) *office {
	o := &office{t: t, addr: "127.0.0.1:0", taken: map[string]int{}}
	o.start()
	t.Cleanup(func() { o.server.Close() })
	return o
}

func (o *office) start() {
	o.t.Helper()
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &counter{o: o}, nil }))
	s.Domain, s.ErrorLog = "mx.example.org", log.New(io.Discard, "", 0)
	ln, err := net.Listen("tcp", o.addr)
	check(o.t, err)
	o.addr, o.server = ln.Addr().String(), s
	go s.Serve(ln)
}

func (o *office) stop() { o.server.Close() }

// count is how many mails it took.
func (o *office) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, k := range o.taken {
		n += k
	}
	return n
}

// once checks that it has n different mails, each once.
func (o *office) once(t *testing.T, n int) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.taken) != n {
		t.Errorf("%d different mails arrived, of %d", len(o.taken), n)
	}
	for id, k := range o.taken {
		if k != 1 || id == "" {
			t.Errorf("the mail %q arrived %d times", id, k)
		}
	}
}

// counter is one session with the office.
type counter struct{ o *office }

// Reset is part of smtp.Session.
func (*counter) Reset() {}

// Logout is part of smtp.Session.
func (*counter) Logout() error { return nil }

// Mail is part of smtp.Session.
func (*counter) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt is part of smtp.Session.
func (*counter) Rcpt(string, *smtp.RcptOptions) error { return nil }

// Data counts a mail by its Message-ID.
func (c *counter) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	id := ""
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(strings.ToLower(line), "message-id:"); ok {
			id = strings.TrimSpace(rest)
			break
		}
	}
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.o.taken[id]++
	return nil
}
