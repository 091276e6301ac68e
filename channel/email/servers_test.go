package email

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"holdfast"
	"holdfast/channel"
)

// mailServer is a real IMAP server in this process; it can go and come back on
// the same port.
type mailServer struct {
	t    *testing.T
	user *imapmemserver.User
	caps imap.CapSet
	wrap func(imapserver.Session) imapserver.Session
	addr string

	mu     sync.Mutex
	server *imapserver.Server
}

func newMailServer(t *testing.T, caps ...imap.Cap) *mailServer {
	s := &mailServer{t: t, user: imapmemserver.NewUser("desk@example.com", "secret-imap"), caps: imap.CapSet{imap.CapIMAP4rev1: {}}, addr: "127.0.0.1:0"}
	for _, c := range caps {
		s.caps[c] = struct{}{}
	}
	if err := s.user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *mailServer) start() {
	mem := imapmemserver.New()
	mem.AddUser(s.user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			session := mem.NewSession()
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.wrap != nil {
				session = s.wrap(session)
			}
			return session, nil, nil
		},
		Caps: s.caps, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	s.mu.Lock()
	s.server = server
	s.mu.Unlock()
	go server.Serve(ln)
}

func (s *mailServer) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.Close()
		s.server = nil
	}
}

func (s *mailServer) deliver(folder, mail string) {
	s.t.Helper()
	s.deliverAt(folder, mail, time.Now())
}

func (s *mailServer) deliverAt(folder, mail string, at time.Time) {
	s.t.Helper()
	if _, err := s.user.Append(folder, literal{strings.NewReader(mail), int64(len(mail))}, &imap.AppendOptions{Time: at}); err != nil {
		s.t.Fatal(err)
	}
}

type literal struct {
	io.Reader
	size int64
}

func (l literal) Size() int64 { return l.size }

func plainMail(subject string) string {
	return fmt.Sprintf("From: Ana <ana@example.org>\r\nTo: desk@example.com\r\nSubject: %s\r\nMessage-ID: <%s@example.org>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\nHello about %s\r\n", subject, strings.ReplaceAll(subject, " ", "."), subject)
}

// reader is an adapter that reads from s into a desk of its own.
func reader(t *testing.T, s *mailServer, m *memory, change func(*Settings)) *adapter {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.addr)
	set := defaults()
	set.Address, set.IMAPHost, set.IMAPSecurity, set.IMAPPassword = "desk@example.com", host, "none", "secret-imap"
	fmt.Sscan(port, &set.IMAPPort)
	set.SMTPHost, set.SMTPSecurity, set.PollSeconds = "127.0.0.1", "none", 5
	if change != nil {
		change(set)
	}
	a, err := newAdapter(channel.Account{ID: holdfast.NewID(), Settings: set}, channel.Env{Blobs: m, State: memoryState{m}, Key: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	a.pause = 5 * time.Millisecond
	return a
}

// listen runs a until the returned function is called, which waits for its end.
func listen(t *testing.T, a *adapter, m *memory) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Listen(ctx, m) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Listen ended with %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// postOffice is a real SMTP server in this process that keeps what it takes and
// can refuse at any point.
type postOffice struct {
	addr     string
	mu       sync.Mutex
	letters  []letterBox
	onMail   error
	onRcpt   func(string) error
	onData   func() error
	auth     func(mech string) (sasl.Server, error)
	hangData bool
}

type letterBox struct {
	from string
	to   []string
	raw  string
}

func newPostOffice(t *testing.T) *postOffice {
	p := &postOffice{}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &postSession{p: p}, nil }))
	s.Domain, s.AllowInsecureAuth, s.EnableSMTPUTF8 = "mx.example.com", true, true
	s.ErrorLog = log.New(io.Discard, "", 0)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = ln.Addr().String()
	go s.Serve(ln)
	t.Cleanup(func() { s.Close() })
	return p
}

func (p *postOffice) taken() []letterBox {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]letterBox(nil), p.letters...)
}

type postSession struct {
	p   *postOffice
	box letterBox
}

func (s *postSession) Reset()        { s.box = letterBox{} }
func (s *postSession) Logout() error { return nil }
func (s *postSession) Mail(from string, _ *smtp.MailOptions) error {
	s.box.from = from
	return s.p.onMail
}
func (s *postSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.p.onRcpt != nil {
		if err := s.p.onRcpt(to); err != nil {
			return err
		}
	}
	s.box.to = append(s.box.to, to)
	return nil
}
func (s *postSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.box.raw = string(b)
	if s.p.onData != nil {
		if err := s.p.onData(); err != nil {
			return err
		}
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.letters = append(s.p.letters, s.box)
	return nil
}
func (s *postSession) AuthMechanisms() []string {
	if s.p.auth == nil {
		return nil
	}
	return []string{"PLAIN", "XOAUTH2"}
}
func (s *postSession) Auth(mech string) (sasl.Server, error) { return s.p.auth(mech) }

// writer is an adapter that sends by p.
func writer(t *testing.T, p *postOffice, m *memory, change func(*Settings)) *adapter {
	t.Helper()
	host, port, _ := net.SplitHostPort(p.addr)
	set := defaults()
	set.Address, set.Name, set.Receive = "support@example.com", "Support", "none"
	set.SMTPHost, set.SMTPSecurity = host, "none"
	fmt.Sscan(port, &set.SMTPPort)
	if change != nil {
		change(set)
	}
	a, err := newAdapter(channel.Account{ID: holdfast.NewID(), Settings: set}, channel.Env{Blobs: m, State: memoryState{m}, Key: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	a.dial, a.command, a.data = 2*time.Second, 2*time.Second, 2*time.Second
	return a
}
