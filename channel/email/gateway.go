package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"holdfast"
	"holdfast/channel"
)

// Route is where the mail of one recipient goes.
type Route struct {
	Account channel.Account
	Env     channel.Env
	Sink    channel.Sink
}

// Gateway is the server that an MX record, or a mail server that relays by SMTP
// or LMTP, can point to. It answers 250 only after the desk has the mail on disk.
type Gateway struct {
	listen string
	lmtp   bool
	lookup func(recipient string) (Route, bool)
	log    *slog.Logger
	server *smtp.Server
	ln     net.Listener

	slots    chan struct{} // one per connection
	maxBytes int64
	silence  time.Duration // the longest a client may say nothing
	life     time.Duration // the longest a connection may last
	ctx      context.Context
	cancel   context.CancelFunc
	working  sync.WaitGroup
}

const (
	gatewayConns = 200
	chatter      = 1 << 20 // bytes of commands in one connection
)

// NewGateway makes a server for "host:port" or "lmtp:host:port"; a path after
// "lmtp:" is a Unix socket. lookup finds the account of a recipient, whose plus
// part has been taken off when it is not known with it. No I/O until Open.
func NewGateway(listen string, lookup func(recipient string) (Route, bool), log *slog.Logger) *Gateway {
	g := &Gateway{
		lookup: lookup, log: log, slots: make(chan struct{}, gatewayConns),
		maxBytes: defaultLimit, silence: time.Minute, life: 30 * time.Minute,
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	g.listen, g.lmtp = strings.CutPrefix(listen, "lmtp:")
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Open begins to listen.
func (g *Gateway) Open() error {
	network := "tcp"
	if strings.Contains(g.listen, "/") {
		network = "unix"
	}
	ln, err := net.Listen(network, g.listen)
	if err != nil {
		return holdfast.Errorf(holdfast.Unavailable, "email.gateway_listen", "cannot take mail on %s: %w", g.listen, err).
			WithNext("Choose a free port, or one above 1024 when not run as root.")
	}
	g.ln = &guardedListener{Listener: ln, g: g}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		guard, _ := c.Conn().(*guardedConn)
		return &visit{g: g, guard: guard, peer: c.Conn().RemoteAddr().String()}, nil
	}))
	s.LMTP = g.lmtp
	s.Domain = "holdfast"
	if host, err := os.Hostname(); err == nil && host != "" {
		s.Domain = host
	}
	s.MaxRecipients = 100
	s.MaxMessageBytes = g.maxBytes
	s.MaxLineLength = 0 // real mails have lines of megabytes; the guard bounds what is read
	s.EnableSMTPUTF8 = true
	s.WriteTimeout = g.silence
	s.ErrorLog = gatewayLog{g.log}
	g.server = s
	return nil
}

// Addr is where it listens, once open.
func (g *Gateway) Addr() net.Addr { return g.ln.Addr() }

// Run serves until ctx ends or Close is called.
func (g *Gateway) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { g.Close() })
	defer stop()
	err := g.server.Serve(g.ln)
	if ctx.Err() != nil || g.ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Close stops listening, cuts what is being said, and waits for mails that are
// being stored: their senders have not been told, and will send them again.
func (g *Gateway) Close() error {
	g.cancel()
	if g.server == nil {
		return nil
	}
	err := g.server.Close()
	g.ln.Close()
	g.working.Wait()
	if errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

type gatewayLog struct{ log *slog.Logger }

func (l gatewayLog) Printf(format string, v ...any) {
	l.log.Debug("inbound mail: " + strings.TrimSpace(fmt.Sprintf(format, v...)))
}
func (l gatewayLog) Println(v ...any) {
	l.log.Debug("inbound mail: " + strings.TrimSpace(fmt.Sprintln(v...)))
}

// guardedListener turns away who comes when all slots are taken.
type guardedListener struct {
	net.Listener
	g *Gateway
}

func (l *guardedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.g.slots <- struct{}{}:
			gc := &guardedConn{Conn: c, g: l.g, until: time.Now().Add(l.g.life)}
			gc.budget.Store(chatter)
			return gc, nil
		default:
			c.SetWriteDeadline(time.Now().Add(time.Second))
			io.WriteString(c, "421 4.3.2 Too many connections, try again later\r\n")
			c.Close()
		}
	}
}

// guardedConn bounds how long a client may be silent, how long it may stay, and
// how much it may send: what never ends is cut off.
type guardedConn struct {
	net.Conn
	g      *Gateway
	until  time.Time
	budget atomic.Int64
	once   sync.Once
}

var errBudget = errors.New("email: the client sends without end")

func (c *guardedConn) Read(p []byte) (int, error) {
	left := c.budget.Load()
	if left <= 0 {
		return 0, errBudget
	}
	if int64(len(p)) > left {
		p = p[:left]
	}
	deadline := time.Now().Add(c.g.silence)
	if deadline.After(c.until) {
		deadline = c.until
	}
	c.Conn.SetReadDeadline(deadline)
	n, err := c.Conn.Read(p)
	c.budget.Add(-int64(n))
	return n, err
}

func (c *guardedConn) SetReadDeadline(time.Time) error { return nil } // ours counts

func (c *guardedConn) Close() error {
	c.once.Do(func() { <-c.g.slots })
	return c.Conn.Close()
}

// visit is one client's session.
type visit struct {
	g     *Gateway
	guard *guardedConn
	peer  string
	from  string
	to    []recipient
}

type recipient struct {
	address string
	route   Route
}

// Reset forgets the mail being prepared.
func (v *visit) Reset() { v.from, v.to = "", nil }

// Logout ends the session.
func (v *visit) Logout() error { return nil }

// Mail takes the envelope's sender.
func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	v.from = from
	return nil
}

// Rcpt takes a recipient that belongs to an account.
func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	route, ok := v.g.lookup(canonical(to))
	if !ok {
		route, ok = v.g.lookup(withoutPlus(canonical(to)))
	}
	if !ok {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox here"}
	}
	v.to = append(v.to, recipient{to, route})
	return nil
}

// Data takes the mail for all recipients. One answer stands for all of them, so
// one that must try again makes the sender try again for all; who has the mail
// already knows it by its key.
func (v *visit) Data(r io.Reader) error {
	var worst error
	v.each(r, func(_ string, err error) {
		if err != nil && (worst == nil || temporary(err)) {
			worst = err
		}
	})
	return worst
}

// LMTPData takes the mail and answers for each recipient.
func (v *visit) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	v.each(r, func(to string, err error) { status.SetStatus(to, err) })
	return nil
}

func temporary(err error) bool {
	var e *smtp.SMTPError
	return errors.As(err, &e) && e.Code < 500
}

// each stores the mail once for every recipient.
func (v *visit) each(r io.Reader, result func(to string, err error)) {
	v.g.working.Add(1)
	defer v.g.working.Done()
	if v.guard != nil {
		// a mail may be as long as announced, and the client may finish what it
		// began to say; then it is cut off
		v.guard.budget.Store(2*v.g.maxBytes + chatter)
		defer v.guard.budget.Store(chatter)
	}
	var first channel.Inbound
	var broken error
	for i, to := range v.to {
		if broken != nil {
			result(to.address, broken)
			continue
		}
		// One byte more than the server lets through: what is too long then fails while
		// it is being kept and leaves nothing behind.
		o := Options{Recipient: to.address, NullSender: v.from == "", Limit: v.g.maxBytes + 1, Key: to.route.Env.Key, Address: withoutPlus(canonical(to.address))}
		if set, ok := to.route.Account.Settings.(*Settings); ok && set.Address != "" {
			o.Address = set.Address
		}
		var in channel.Inbound
		var err error
		if i == 0 {
			first, err = Parse(v.g.ctx, r, to.route.Env.Blobs, o)
			if err != nil {
				broken = v.failed(err)
				result(to.address, broken)
				continue
			}
			in = first
		} else if in, err = v.again(first.Raw, to.route, o); err != nil {
			result(to.address, v.failed(err))
			continue
		}
		result(to.address, v.accept(to, in))
	}
}

// again parses for a further recipient what the first one's parse has kept.
func (v *visit) again(raw string, route Route, o Options) (channel.Inbound, error) {
	rc, err := v.to[0].route.Env.Blobs.Open(v.g.ctx, raw)
	if err != nil {
		return channel.Inbound{}, err
	}
	defer rc.Close()
	return Parse(v.g.ctx, rc, route.Env.Blobs, o)
}

func (v *visit) accept(to recipient, in channel.Inbound) error {
	got, err := to.route.Sink.Accept(v.g.ctx, in)
	switch {
	case err == nil:
		v.g.log.Debug("mail taken in", "to", to.address, "message", got.Message, "duplicate", got.Duplicate, "refused", got.Refused)
		return nil
	case holdfast.KindOf(err) == holdfast.Invalid || holdfast.KindOf(err) == holdfast.TooLarge:
		v.g.log.Error("the desk will never take this mail", "to", to.address, "raw", in.Raw, "err", err)
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "The message cannot be accepted"}
	}
	return v.failed(err)
}

// failed is the answer to a mail that could not be stored now.
func (v *visit) failed(err error) error {
	var e *smtp.SMTPError
	if errors.As(err, &e) {
		return e // too large, from the server itself
	}
	v.g.log.Warn("mail not taken in; its sender will try again", "peer", v.peer, "err", err)
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not stored now, try again later"}
}
