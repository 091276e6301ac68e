package email

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-sasl"

	"holdfast/channel"
)

// dialogue is one conversation with an SMTP server, kept in a trace. It is our
// own because an outbox must know whether the last byte of a mail was written,
// which client libraries do not tell.
type dialogue struct {
	conn    net.Conn
	text    *textproto.Conn
	trace   *channel.Trace
	command time.Duration
	ext     map[string]string // what the server said to EHLO
	hush    func(string) string
}

// reply is an answer of the server that says no.
type reply struct {
	code     int
	enhanced string
	text     string
	at       string // the command it answers: "RCPT"
}

func (r *reply) Error() string { return fmt.Sprintf("%s: %d %s", r.at, r.code, r.text) }

// dialSMTP connects, greets, encrypts as the settings say, and signs in.
func (a *adapter) dialSMTP(ctx context.Context, trace *channel.Trace) (*dialogue, error) {
	dialer := &net.Dialer{Timeout: a.dial}
	addr := a.set.smtpAddr()
	trace.Remark("connecting to " + addr + " (" + a.set.SMTPSecurity + ")")
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	d := &dialogue{conn: conn, trace: trace, command: a.command, hush: a.hush}
	fail := func(err error) (*dialogue, error) {
		d.conn.Close()
		return nil, err
	}
	if a.set.SMTPSecurity == "tls" {
		if err := d.encrypt(ctx, a); err != nil {
			return fail(err)
		}
	}
	d.text = textproto.NewConn(d.conn)
	if _, err := d.read(220, "greeting"); err != nil {
		return fail(err)
	}
	if err := d.hello(); err != nil {
		return fail(err)
	}
	if a.set.SMTPSecurity == "starttls" {
		if _, ok := d.ext["STARTTLS"]; !ok {
			return fail(&tls.CertificateVerificationError{Err: errors.New("the server offers no STARTTLS")})
		}
		if _, err := d.say(220, "STARTTLS"); err != nil {
			return fail(err)
		}
		if err := d.encrypt(ctx, a); err != nil {
			return fail(err)
		}
		d.text = textproto.NewConn(d.conn)
		if err := d.hello(); err != nil {
			return fail(err)
		}
	}
	if err := d.signIn(ctx, a); err != nil {
		return fail(err)
	}
	return d, nil
}

func (d *dialogue) encrypt(ctx context.Context, a *adapter) error {
	config := &tls.Config{}
	if a.tls != nil {
		config = a.tls.Clone()
	}
	config.ServerName = a.set.SMTPHost
	config.MinVersion = tls.VersionTLS12
	c := tls.Client(d.conn, config)
	ctx, cancel := context.WithTimeout(ctx, a.dial)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		d.trace.Remark("TLS: " + err.Error())
		return err
	}
	d.trace.Remark("TLS " + tls.VersionName(c.ConnectionState().Version))
	d.conn = c
	return nil
}

func (d *dialogue) hello() error {
	host := "localhost"
	if tcp, ok := d.conn.LocalAddr().(*net.TCPAddr); ok {
		host = "[" + tcp.IP.String() + "]"
		if tcp.IP.To4() == nil {
			host = "[IPv6:" + tcp.IP.String() + "]"
		}
	}
	msg, err := d.say(250, "EHLO %s", host)
	var no *reply
	if errors.As(err, &no) && no.code >= 500 && no.code != 530 {
		d.ext = map[string]string{}
		_, err = d.say(250, "HELO %s", host)
		return err
	}
	if err != nil {
		return err
	}
	d.ext = map[string]string{}
	for i, line := range strings.Split(msg, "\n") {
		if name, args, _ := strings.Cut(strings.TrimSpace(line), " "); i > 0 {
			name, more, ok := strings.Cut(name, "=") // the old AUTH=LOGIN
			if ok && strings.EqualFold(name, "AUTH") {
				args = more + " " + args
			}
			d.ext[strings.ToUpper(name)] = strings.TrimSpace(strings.ToUpper(args) + " " + d.ext[strings.ToUpper(name)])
		}
	}
	return nil
}

func (d *dialogue) signIn(ctx context.Context, a *adapter) error {
	user, password := a.set.smtpLogin()
	if user == "" {
		return nil
	}
	if _, ok := d.ext["AUTH"]; !ok {
		return &reply{code: 503, text: "the server does not let anybody sign in on this connection", at: "AUTH"}
	}
	offered := func(name string) bool {
		for _, m := range strings.Fields(d.ext["AUTH"]) {
			if m == name {
				return true
			}
		}
		return false
	}
	client, err := a.mechanism(ctx, user, password, a.set.SMTPHost, a.set.SMTPPort, offered)
	if err != nil {
		return err
	}
	err = d.authenticate(client)
	var no *reply
	if errors.As(err, &no) && a.tokens != nil {
		a.tokens.forget()
	}
	return err
}

func (d *dialogue) authenticate(client sasl.Client) error {
	name, first, err := client.Start()
	if err != nil {
		return err
	}
	line := "AUTH " + name
	if first != nil {
		d.trace.Said(line + " •••")
		enc := base64.StdEncoding.EncodeToString(first)
		if enc == "" {
			enc = "="
		}
		line += " " + enc
	} else {
		d.trace.Said(line)
	}
	for range 10 {
		d.conn.SetDeadline(time.Now().Add(d.command))
		if err := d.text.PrintfLine("%s", line); err != nil {
			return err
		}
		code, msg, err := d.hear()
		if err != nil {
			return err
		}
		if code != 334 {
			d.trace.Heard(strconv.Itoa(code) + " " + msg)
			if code == 235 {
				return nil
			}
			return newReply(code, msg, "AUTH")
		}
		d.trace.Heard("334 •••")
		challenge, err := base64.StdEncoding.DecodeString(msg)
		if err != nil {
			challenge = nil
		}
		answer, err := client.Next(challenge)
		if err != nil {
			line = "*"
			continue
		}
		d.trace.Said("•••")
		line = base64.StdEncoding.EncodeToString(answer)
	}
	return newReply(535, "the server goes on asking", "AUTH")
}

// say sends one command and reads the answer, which must have the code want.
func (d *dialogue) say(want int, format string, args ...any) (string, error) {
	line := fmt.Sprintf(format, args...)
	d.trace.Said(line)
	d.conn.SetDeadline(time.Now().Add(d.command))
	if err := d.text.PrintfLine("%s", line); err != nil {
		return "", err
	}
	at, _, _ := strings.Cut(line, " ")
	return d.read(want, at)
}

func (d *dialogue) read(want int, at string) (string, error) {
	d.conn.SetDeadline(time.Now().Add(d.command))
	return d.answer(want, at)
}

func (d *dialogue) answer(want int, at string) (string, error) {
	code, msg, err := d.hear()
	if err != nil {
		d.trace.Remark(at + ": " + err.Error())
		return "", err
	}
	d.trace.Heard(strconv.Itoa(code) + " " + msg)
	if code/10 != want/10 && code != want {
		return msg, newReply(code, msg, at)
	}
	return msg, nil
}

// hear reads one answer, in which the account's secrets are made unreadable.
func (d *dialogue) hear() (int, string, error) {
	code, msg, err := d.text.ReadResponse(0)
	if err != nil {
		if quiet := d.hush(err.Error()); quiet != err.Error() {
			err = errors.New(quiet)
		}
	}
	return code, d.hush(msg), err
}

func newReply(code int, msg, at string) *reply {
	r := &reply{code: code, text: msg, at: at}
	if first, _, _ := strings.Cut(msg, " "); statusCode.FindString(first) == first {
		r.enhanced = first
	}
	return r
}

func (d *dialogue) quit() {
	d.conn.SetDeadline(time.Now().Add(5 * time.Second))
	if d.text.PrintfLine("QUIT") == nil {
		d.trace.Said("QUIT")
	}
	d.conn.Close()
}

// dotWriter writes a mail's body: it doubles dots at line beginnings, gives
// every line the end CRLF, and moves the deadline on with each block.
type dotWriter struct {
	d     *dialogue
	w     *bufio.Writer
	last  byte
	size  int64
	begin bool
}

func newDotWriter(d *dialogue) *dotWriter {
	return &dotWriter{d: d, w: bufio.NewWriterSize(deadlineWriter{d}, 32<<10), begin: true}
}

func (w *dotWriter) Write(p []byte) (int, error) {
	for _, c := range p {
		if w.begin && c == '.' {
			w.w.WriteByte('.')
		}
		if c == '\n' && w.last != '\r' {
			w.w.WriteByte('\r')
		}
		w.begin = c == '\n'
		w.last = c
		w.size++
		if err := w.w.WriteByte(c); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// flush sends all but the line that ends the mail.
func (w *dotWriter) flush() error {
	if !w.begin {
		w.w.WriteString("\r\n")
	}
	return w.w.Flush()
}

type deadlineWriter struct{ d *dialogue }

func (w deadlineWriter) Write(p []byte) (int, error) {
	w.d.conn.SetDeadline(time.Now().Add(w.d.command))
	return w.d.conn.Write(p)
}
