package email

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
)

const (
	examIMAP    = "secret-imap" // what mailServer's user signs in with
	examSMTP    = "secret-of-sending"
	examClient  = "secret-of-the-client"
	examRefresh = "secret-of-the-refresh"
)

// examDKIM is a key that anybody may know.
var examDKIM = func() string {
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, ed25519.SeedSize)))
	if err != nil {
		panic(err) // a fixed key does not fail
	}
	return base64.StdEncoding.EncodeToString(der)
}()

// world is everything outside the desk: a mailbox, a server to send by, and the
// gateway that others send to.
type world struct {
	box     *mailServer
	office  *postOffice
	gateway *Gateway
	there   uint32 // mails in the mailbox
	waiting bool   // the last of them was not taken in
}

func examSettings(t *testing.T, s *channeltest.Seat) string {
	w := &world{box: newMailServer(t, imap.CapIdle), office: newPostOffice(t)}
	s.Fake = w
	w.office.auth = func(string) (sasl.Server, error) {
		return sasl.NewPlainServer(func(_, user, password string) error {
			if user != "sender" || password != examSMTP {
				return smtp.ErrAuthFailed
			}
			return nil
		}), nil
	}
	w.gateway = NewGateway("127.0.0.1:0", func(rcpt string) (Route, bool) {
		return Route{Account: s.Account, Env: s.Env, Sink: s.Sink}, rcpt == "desk@example.com"
	}, s.Env.Log)
	if err := w.gateway.Open(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.gateway.Run(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { w.gateway.Close(); wg.Wait() })
	raw, err := json.Marshal(map[string]any{
		"address": "desk@example.com", "name": "Desk",
		"imap_host": "127.0.0.1", "imap_port": port(w.box.addr), "imap_security": "none", "imap_password": examIMAP,
		"smtp_host": "127.0.0.1", "smtp_port": port(w.office.addr), "smtp_security": "none", "smtp_user": "sender", "smtp_password": examSMTP,
		"oauth_client_secret": examClient, "oauth_refresh_token": examRefresh,
		"dkim_selector": "desk", "dkim_key": examDKIM,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func port(addr string) (n int) {
	_, p, _ := net.SplitHostPort(addr)
	fmt.Sscan(p, &n)
	return n
}

// handOver sends a mail to the gateway as another mail server does.
func handOver(s *channeltest.Seat, from, mail string) error {
	c, err := smtp.Dial(s.Fake.(*world).gateway.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	return c.SendMail(from, []string{"desk@example.com"}, strings.NewReader(mail))
}

// byGateway hands a mail over by SMTP; 250 after the dot means that it is done.
func byGateway(from, mail string) func(*testing.T, *channeltest.Seat) bool {
	return func(t *testing.T, s *channeltest.Seat) bool {
		t.Helper()
		err := handOver(s, from, mail)
		var no *smtp.SMTPError
		if err != nil && !errors.As(err, &no) {
			t.Fatalf("the gateway broke off: %v", err)
		}
		if no != nil && (no.Code/100 != 4 || strings.Contains(no.Message, "database") || strings.Contains(no.Message, "foresaw")) {
			t.Errorf("its sender hears %v, and would not send it again or learn what is none of his business", no)
		}
		return err == nil
	}
}

// byIMAP puts a mail into the mailbox, once more if the last one was taken in,
// and lets the account fetch. A mail is acknowledged once the cursor on disk has
// passed it. After a failure a new adapter goes on, as on another node.
func byIMAP(mail string) func(*testing.T, *channeltest.Seat) bool {
	return func(t *testing.T, s *channeltest.Seat) bool {
		t.Helper()
		w := s.Fake.(*world)
		if w.waiting {
			a, err := Kind().New(s.Account, s.Env)
			if err != nil {
				t.Fatal(err)
			}
			s.Adapter = a
		} else {
			w.box.deliver("INBOX", mail)
			w.there++
		}
		before := len(s.Sink.Offered())
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Adapter.(channel.Listener).Listen(ctx, s.Sink) }()
		passed := func() bool {
			c, err := loadCursor(ctx, s.State, "INBOX")
			if err != nil {
				t.Fatal(err)
			}
			_, later := c.Later[w.there]
			return c.Done.has(w.there) || c.UID >= w.there && !later
		}
		limit := time.Now().Add(20 * time.Second)
		for !passed() && s.Adapter.(channel.Watched).Health().State == "up" {
			if time.Now().After(limit) {
				t.Fatalf("neither fetched nor failed\n%s", s.Logged())
			}
			time.Sleep(2 * time.Millisecond)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Listen ended with %v", err)
		}
		if len(s.Sink.Offered()) == before {
			t.Errorf("the desk was not asked\n%s", s.Logged())
		}
		w.waiting = !passed()
		return !w.waiting
	}
}

const plainExam = "From: =?UTF-8?B?2LPYp9ix2Kc=?= <sara@example.org>\r\nTo: desk@example.com\r\nSubject: Where is my order?\r\n" +
	"Message-ID: <plain.1@example.org>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\nNothing has come.\r\n.\r\n..two dots\r\n\r\n> You wrote\r\n"

// koi8Exam is as a Russian mail program of old writes: KOI8-R, eight bits, and no
// Message-ID.
const koi8Exam = "From: =?koi8-r?B?4c7OwQ==?= <anna@example.org>\r\nTo: desk@example.com\r\nSubject: =?koi8-r?B?+sHLwdogzsUg0NLJ26PM?=\r\n" +
	"Date: Mon, 02 Mar 2026 13:00:00 +0300\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
	"\xfa\xc4\xd2\xc1\xd7\xd3\xd4\xd7\xd5\xca\xd4\xc5! \xe7\xc4\xc5 \xcd\xcf\xca \xda\xc1\xcb\xc1\xda N 15?\r\n\xb3\xcc\xcb\xc1 \xd4\xc1\xcb \xc9 \xce\xc5 \xd0\xd2\xc9\xdb\xcc\xc1.\r\n"

const bounceExam = "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.org (Mail Delivery System)\r\nTo: desk@example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n" +
	"Message-ID: <bounce.1@mx.example.org>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry to have to inform you.\r\n\r\n<gone@example.org>: user unknown\r\n" +
	"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; gone@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n" +
	"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: desk@example.com\r\nTo: gone@example.org\r\nSubject: Re: x\r\nMessage-ID: <0197a3f0-1c2d-7abc-8def-0123456789ab@holdfast.example.com>\r\n\r\n--b--\r\n"

func examDeliveries() (list []channeltest.Delivery) {
	kept := func(t *testing.T, s *channeltest.Seat, m channel.Inbound, mail string) {
		t.Helper()
		if string(s.Blobs.Bytes(m.Raw)) != mail {
			t.Errorf("kept as %q", s.Blobs.Bytes(m.Raw))
		}
	}
	for _, d := range []struct {
		name, from, mail string
		check            func(*testing.T, *channeltest.Seat, channel.Inbound)
	}{
		{"a plain mail", "sara@example.org", plainExam, func(t *testing.T, s *channeltest.Seat, m channel.Inbound) {
			if m.Refuse != nil || m.From != (holdfast.Address{Scheme: "mailto", Value: "sara@example.org", Name: "سارا"}) ||
				m.Subject != "Where is my order?" || !strings.HasPrefix(m.Text, "Nothing has come.\n.\n..two dots") || m.ExternalID != "<plain.1@example.org>" {
				t.Errorf("%+v", m)
			}
			if strings.Contains(m.Text, "You wrote") {
				t.Errorf("the quote is shown: %q", m.Text)
			}
		}},
		{"a koi8-r mail", "anna@example.org", koi8Exam, func(t *testing.T, s *channeltest.Seat, m channel.Inbound) {
			if m.Refuse != nil || m.From.Name != "Анна" || m.Subject != "Заказ не пришёл" || m.Text != "Здравствуйте! Где мой заказ N 15?\nЁлка так и не пришла." {
				t.Errorf("%+v", m)
			}
		}},
		{"a bounce", "", bounceExam, func(t *testing.T, s *channeltest.Seat, m channel.Inbound) {
			r := m.Refuse
			if r == nil || r.Reason != "bounce" || !r.Permanent || r.Code != "5.1.1" || r.Address.Value != "gone@example.org" ||
				len(r.Answers) != 1 || r.Answers[0].String() != "0197a3f0-1c2d-7abc-8def-0123456789ab" {
				t.Errorf("%+v", r)
			}
		}},
	} {
		check := func(t *testing.T, s *channeltest.Seat, m channel.Inbound) {
			d.check(t, s, m)
			kept(t, s, m, d.mail)
		}
		list = append(list,
			channeltest.Delivery{Name: d.name + " by SMTP", Give: byGateway(d.from, d.mail), Check: check},
			channeltest.Delivery{Name: d.name + " by IMAP", Give: byIMAP(d.mail), Check: check})
	}
	return list
}

// refusing makes the office answer one command with code.
func refusing(at string, code, a, b, c int, text string) func(*testing.T, *channeltest.Seat) {
	return func(_ *testing.T, s *channeltest.Seat) {
		p, no := s.Fake.(*world).office, &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{a, b, c}, Message: text}
		switch at {
		case "AUTH":
			p.auth = func(string) (sasl.Server, error) {
				return sasl.NewPlainServer(func(string, string, string) error { return no }), nil
			}
		case "MAIL":
			p.onMail = no
		case "RCPT":
			p.onRcpt = func(string) error { return no }
		case "DATA":
			p.onData = func() error { return no }
		}
	}
}

// hangingUp puts the account before a server that says its lines and hangs up.
func hangingUp(lines ...string) func(*testing.T, *channeltest.Seat) {
	return func(t *testing.T, s *channeltest.Seat) {
		s.Account.Settings.(*Settings).SMTPPort = port(scripted(t, lines)) // the adapter's own: same pointer
	}
}

// nothingSent: what has failed for sure is not in anybody's mailbox.
func nothingSent(t *testing.T, s *channeltest.Seat, _ channel.Sent) {
	t.Helper()
	if got := s.Fake.(*world).office.taken(); len(got) != 0 {
		t.Errorf("failed, and was delivered: %q", got[0].raw)
	}
}

func examSends() []channeltest.Send {
	o := channel.Outbound{
		ID: holdfast.MustID("0197a3f0-1c2d-7abc-8def-0123456789ab"), To: holdfast.Address{Scheme: "mailto", Value: "ana@example.org", Name: "Анна"},
		Subject: "Re: Счёт № 5", Text: "Добрый день!\n.\nПосылка в пути.", Thread: []string{"<a@example.org>"},
	}
	const auth = "250-mx.example.com\r\n250 AUTH PLAIN"
	silent := func(t *testing.T, s *channeltest.Seat) {
		end := make(chan struct{})
		t.Cleanup(func() { close(end) })
		s.Fake.(*world).office.onData = func() error { <-end; return errors.New("too late") }
	}
	return []channeltest.Send{
		{Name: "accepted", Message: o, Check: func(t *testing.T, s *channeltest.Seat, sent channel.Sent) {
			got := s.Fake.(*world).office.taken()
			if len(got) != 1 || got[0].from != "desk@example.com" || strings.Join(got[0].to, " ") != "ana@example.org" {
				t.Fatalf("the server took %+v", got)
			}
			in, _ := parse(t, got[0].raw, Options{})
			if in.Subject != o.Subject || in.Text != o.Text || in.ExternalID != sent.ExternalID || sent.Delivered || !strings.Contains(got[0].raw, "DKIM-Signature:") {
				t.Errorf("sent as %+v, read back as %+v", sent, in)
			}
		}},
		{Name: "451 at the recipient", Message: o, Prepare: refusing("RCPT", 451, 4, 3, 0, "local error"), Want: channel.Temporary, Check: nothingSent},
		{Name: "452 at the dot", Message: o, Prepare: refusing("DATA", 452, 4, 3, 1, "no room"), Want: channel.Temporary, Check: nothingSent},
		{Name: "454 at signing in", Message: o, Prepare: refusing("AUTH", 454, 4, 7, 0, "try later"), Want: channel.Temporary, Check: nothingSent},
		{Name: "nobody answers", Message: o, Want: channel.Temporary, Prepare: func(t *testing.T, s *channeltest.Seat) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s.Account.Settings.(*Settings).SMTPPort = port(ln.Addr().String())
			ln.Close()
		}},
		{Name: "cut before the mail", Message: o, Prepare: hangingUp("220 hi", auth, "235 ok", "250 ok", "250 ok"), Want: channel.Temporary},
		{Name: "421", Message: o, Prepare: refusing("MAIL", 421, 4, 7, 0, "too many messages"), Want: channel.Throttled, Check: nothingSent},
		{Name: "450", Message: o, Prepare: refusing("RCPT", 450, 4, 7, 1, "greylisted"), Want: channel.Throttled, Check: nothingSent},
		{Name: "554 at the dot", Message: o, Prepare: refusing("DATA", 554, 5, 7, 1, "looks like spam"), Want: channel.Permanent, Check: nothingSent},
		{Name: "552 at the sender", Message: o, Prepare: refusing("MAIL", 552, 5, 3, 4, "too big"), Want: channel.Permanent, Check: nothingSent},
		{Name: "550 5.1.1", Message: o, Prepare: refusing("RCPT", 550, 5, 1, 1, "no such user"), Want: channel.Blocked, Check: nothingSent},
		{Name: "535", Message: o, Prepare: refusing("AUTH", 535, 5, 7, 8, "authentication failed"), Want: channel.Broken, Check: nothingSent},
		{Name: "535 that says the password", Message: o, Prepare: refusing("AUTH", 535, 5, 7, 8, examSMTP+" is wrong, and so is "+base64.StdEncoding.EncodeToString([]byte(examSMTP))), Want: channel.Broken, Check: nothingSent},
		{Name: "cut after the dot", Message: o, Prepare: hangingUp("220 hi", auth, "235 ok", "250 ok", "250 ok", "354 go"), Want: channel.Unknown},
		{Name: "silence after the dot", Message: o, Prepare: silent, Timeout: 2 * time.Second, Want: channel.Unknown, Check: nothingSent},
	}
}

func TestExam(t *testing.T) {
	multipart := "From: a@example.org\r\nSubject: =?koi8-r?B?+sHLwdo=?= =?utf-8?Q?=D0?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	channeltest.Exam{
		Kind:       Kind(),
		Setup:      examSettings,
		Secrets:    []string{examIMAP, examSMTP, examClient, examRefresh, examDKIM},
		Deliveries: examDeliveries(),
		Sends:      examSends(),
		Malformed: [][]byte{
			[]byte(plainExam), []byte(koi8Exam), []byte(bounceExam),
			nil, []byte("\x00\xff\xfe no mail at all"), []byte("\r\n\r\n"), []byte(": no name\r\n folded: onto nothing\r\n"),
			[]byte(multipart + "--b\r\nContent-Type: text/html; charset=no-such\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+\x00!!!=\r\n--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\neJ8+IgEAAQaQCAAEAAAA/////w==\r\n"),
			[]byte(multipart + strings.Repeat("--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", 200)),
			[]byte(multipart + "--b\r\nContent-Type: message/rfc822\r\n\r\n" + koi8Exam + "\r\n--b\r\nContent-Type: application/rtf\r\n\r\n{\\rtf1\\ansi{\\u9999999?}\\'g\r\n--b\r\nContent-Disposition: attachment; filename*=utf-8''%ff%2e%2e%2fx\r\n\r\nx"),
		},
		// A parser that panics inside the gateway only costs a connection, so the raw
		// bytes go through the adapter itself first. Then the gateway must take them:
		// a sender cannot mend them, and a mail that is sent back has lost a customer.
		Feed: func(t *testing.T, s *channeltest.Seat, raw []byte) {
			m, err := s.Adapter.(channel.Replayer).Replay(context.Background(), bytes.NewReader(raw))
			if err != nil || !bytes.Equal(s.Blobs.Bytes(m.Raw), raw) {
				t.Errorf("%q: %v; kept as %q", raw, err, s.Blobs.Bytes(m.Raw))
			}
			before := len(s.Sink.Offered())
			if err := handOver(s, "ana@example.org", string(raw)); err != nil {
				t.Errorf("%q: the gateway answers %v", raw, err)
			}
			if n := len(s.Sink.Offered()) - before; n != 1 {
				t.Errorf("%q: %d messages reached the desk", raw, n)
			}
		},
	}.Run(t)
}
