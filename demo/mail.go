package demo

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-smtp"
)

// What the mailboxes hold at most; they live in memory.
const (
	letterMost   = 25 << 20 // bytes
	mailboxMost  = 64 << 20 // bytes
	mailboxCount = 1000     // letters
)

// Mail is the demo's mail server: SMTP and IMAP on a loopback address, with two
// mailboxes. It keeps letters in memory, and what goes to anybody else ends here.
type Mail struct {
	// SMTP and IMAP are where it listens; set by Open.
	SMTP, IMAP net.Addr
	// Password is of both mailboxes; made by NewMail.
	Password string

	ip    string
	log   *slog.Logger
	boxes map[string]*mailbox
	imap  *imapserver.Server
	smtp  *smtp.Server
	ports []net.Listener
	done  sync.WaitGroup
}

// mailbox is one address with its letters: for IMAP in user, for the web in letters.
type mailbox struct {
	user *imapmemserver.User

	mu      sync.Mutex
	size    int
	count   int
	letters []*letter // received and sent, the oldest first; the customer's only
	version int       // grows with every change that a page shows
	shown   bool      // letters are kept for the web
}

// NewMail makes a server for an IP address of this machine. It does no I/O.
func NewMail(ip string, log *slog.Logger) *Mail {
	m := &Mail{ip: ip, log: log, Password: rand.Text(), boxes: map[string]*mailbox{}}
	for _, address := range []string{SupportAddress, CustomerAddress} {
		u := imapmemserver.NewUser(address, m.Password)
		if err := u.Create("INBOX", nil); err != nil {
			panic(err) // the mailbox is new
		}
		m.boxes[address] = &mailbox{user: u, shown: address == CustomerAddress}
	}
	return m
}

// Open listens on ports that are free and serves until Close.
func (m *Mail) Open() error {
	imapListener, err := net.Listen("tcp", net.JoinHostPort(m.ip, "0"))
	if err != nil {
		return err
	}
	smtpListener, err := net.Listen("tcp", net.JoinHostPort(m.ip, "0"))
	if err != nil {
		imapListener.Close()
		return err
	}
	m.IMAP, m.SMTP = imapListener.Addr(), smtpListener.Addr()
	m.ports = []net.Listener{imapListener, smtpListener}

	users := imapmemserver.New()
	for _, b := range m.boxes {
		users.AddUser(b.user)
	}
	// The letters of the run before are gone and their numbers begin anew; whoever
	// remembers numbers must see that they mean nothing any more.
	validity := uint32(time.Now().Unix())
	m.imap = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &imapSession{Session: users.NewSession(), validity: validity}, nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}},
		InsecureAuth: true, // it is this machine's own loopback
		Logger:       log.New(io.Discard, "", 0),
	})
	m.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &smtpSession{mail: m}, nil }))
	m.smtp.Domain = "mail." + Domain
	m.smtp.AllowInsecureAuth = true
	m.smtp.EnableSMTPUTF8 = true
	m.smtp.MaxMessageBytes = letterMost
	m.smtp.MaxRecipients = 50
	m.smtp.ReadTimeout, m.smtp.WriteTimeout = 5*time.Minute, time.Minute
	m.smtp.ErrorLog = log.New(io.Discard, "", 0)
	m.done.Go(func() { m.served(m.imap.Serve(imapListener)) })
	m.done.Go(func() { m.served(m.smtp.Serve(smtpListener)) })
	return nil
}

func (m *Mail) served(err error) {
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, smtp.ErrServerClosed) {
		m.log.Debug("the demo's mail server stopped", "err", err)
	}
}

// Close stops the server; the letters are gone.
func (m *Mail) Close() error {
	if m.imap == nil {
		return nil
	}
	// The ports first, by ourselves: a server that has not begun to serve yet does
	// not know its port and would serve it after its own end.
	var failed error
	for _, p := range m.ports {
		failed = errors.Join(failed, p.Close())
	}
	for _, err := range []error{m.imap.Close(), m.smtp.Close()} {
		if err != nil && !errors.Is(err, net.ErrClosed) {
			failed = errors.Join(failed, err)
		}
	}
	m.done.Wait()
	return failed
}

// settings are those of the desk's e-mail account, by the names of its form.
func (m *Mail) settings() map[string]any {
	port := func(a net.Addr) int {
		if t, ok := a.(*net.TCPAddr); ok {
			return t.Port
		}
		return 1 // nobody listens; the account is switched off
	}
	ip := m.ip
	if ip == "" {
		ip = "127.0.0.1"
	}
	return map[string]any{
		"address": SupportAddress, "name": Company, "receive": "imap",
		"imap_host": ip, "imap_port": port(m.IMAP), "imap_security": "none", "imap_user": SupportAddress, "imap_password": m.Password, "poll_seconds": 5,
		"smtp_host": ip, "smtp_port": port(m.SMTP), "smtp_security": "none", "smtp_user": SupportAddress, "smtp_password": m.Password,
	}
}

// imapSession gives the mailboxes of this run a validity of their own.
type imapSession struct {
	imapserver.Session
	validity uint32
}

// Select opens a mailbox.
func (s *imapSession) Select(name string, o *imap.SelectOptions) (*imap.SelectData, error) {
	d, err := s.Session.Select(name, o)
	if d != nil {
		d.UIDValidity = s.validity
	}
	return d, err
}

// Status tells about a mailbox.
func (s *imapSession) Status(name string, o *imap.StatusOptions) (*imap.StatusData, error) {
	d, err := s.Session.Status(name, o)
	if d != nil && o.UIDValidity {
		d.UIDValidity = s.validity
	}
	return d, err
}

var (
	errMailboxFull   = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "The demo's mailbox is full; it is empty again after a restart"}
	errMailboxClosed = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "This mailbox is closed"}
	errNoRelay       = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "The demo's mail server carries nothing to the world outside"}
	errNotYours      = &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "This sender's address is not yours"}
)

// plain is an address without its plus part, in lower case.
func plain(address string) string {
	local, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}

// takes says whether the server takes a letter for somebody: for its own
// mailboxes, and for the demo's imaginary customers, whose letters it drops.
func (m *Mail) takes(recipient string) error {
	address := plain(recipient)
	_, domain, _ := strings.Cut(address, "@")
	switch {
	case m.boxes[address] != nil:
		return nil
	case domain == closedDomain:
		return errMailboxClosed
	case strings.HasSuffix(domain, ".example") || slices.Contains(domains, domain):
		return nil
	}
	return errNoRelay
}

// deliver puts a letter into the mailboxes of those recipients who have one. It
// does so for all or for none.
func (m *Mail) deliver(recipients []string, raw []byte) error {
	to := map[string]*mailbox{}
	for _, r := range recipients {
		if b := m.boxes[plain(r)]; b != nil {
			to[plain(r)] = b
		}
	}
	for _, b := range to {
		if !b.room(len(raw)) {
			return errMailboxFull
		}
	}
	for _, b := range to {
		if err := b.put(raw); err != nil {
			return err
		}
	}
	return nil
}

func (b *mailbox) room(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count < mailboxCount && b.size+n <= mailboxMost
}

type literal struct{ *bytes.Reader }

// Size is the letter's, in bytes.
func (l literal) Size() int64 { return l.Reader.Size() }

func (b *mailbox) put(raw []byte) error {
	if _, err := b.user.Append("INBOX", literal{bytes.NewReader(raw)}, &imap.AppendOptions{Time: time.Now()}); err != nil {
		return fmt.Errorf("keep a letter: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	b.size += len(raw)
	if b.shown {
		l := readLetter(raw)
		l.Unread = true
		b.keep(l)
	}
	return nil
}

// keep adds a letter to what the web shows; b.mu is held.
func (b *mailbox) keep(l *letter) {
	l.ID = fmt.Sprint(b.version + 1)
	b.version++
	b.letters = append(b.letters, l)
	if n := len(b.letters) - mailboxCount; n > 0 {
		b.letters = b.letters[n:]
	}
}

// Version grows with every letter of the customer's mailbox.
func (m *Mail) Version() int {
	b := m.boxes[CustomerAddress]
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.version
}
