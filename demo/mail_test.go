package demo

import (
	"fmt"
	"log/slog"
	"net"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

func openMail(t *testing.T) *Mail {
	t.Helper()
	m := NewMail("127.0.0.1", slog.New(slog.DiscardHandler))
	if err := m.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// post sends a mail as a mail program would; "" for the password signs nobody in.
func post(m *Mail, user, password, from, to, text string) error {
	var auth smtp.Auth
	if password != "" {
		auth = smtp.PlainAuth("", user, password, "127.0.0.1")
	}
	return smtp.SendMail(m.SMTP.String(), auth, from, []string{to}, []byte(text))
}

const plainLetter = "From: Northline <support@northline.example>\r\nReply-To: support+c1@northline.example\r\nTo: ana.petrova@example.com\r\nSubject: =?utf-8?q?=D0=A1=D0=B2=D0=B5=D1=82?=\r\nMessage-ID: <1@northline.example>\r\nReferences: <0@example.com>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>Ana</b></p><script>alert(1)</script>\r\n"

func TestMailGoesBetweenTheTwoMailboxes(t *testing.T) {
	m := openMail(t)
	if err := post(m, SupportAddress, m.Password, SupportAddress, CustomerAddress, plainLetter); err != nil {
		t.Fatal(err)
	}
	letters, unread, _ := m.snapshot()
	if len(letters) != 1 || unread != 1 {
		t.Fatalf("%d letters, %d unread", len(letters), unread)
	}
	l := letters[0]
	if l.Subject != "Свет" || l.From != "Northline" || l.ReplyTo != "support+c1@northline.example" || strings.Contains(l.Text, "alert") || strings.Contains(l.Text, "<") || !strings.Contains(l.Text, "Ana") {
		t.Errorf("the letter is shown as %+v", l)
	}
	if err := m.Write(l.ReplyTo, "Re: Свет", "Спасибо", l.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	c, err := imapclient.DialInsecure(m.IMAP.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(SupportAddress, "guess").Wait(); err == nil {
		t.Fatal("a wrong password is good")
	}
	if err := c.Login(SupportAddress, m.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	box, err := c.Select("INBOX", nil).Wait()
	if err != nil || box.NumMessages != 1 || time.Since(time.Unix(int64(box.UIDValidity), 0)) > time.Minute {
		t.Fatalf("the desk's mailbox: %+v %v", box, err)
	}
	status, err := c.Status("INBOX", &imap.StatusOptions{UIDValidity: true}).Wait()
	if err != nil || status.UIDValidity != box.UIDValidity {
		t.Errorf("two answers about one mailbox: %+v %v", status, err)
	}
	got, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{Envelope: true}).Collect()
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	e := got[0].Envelope
	if e.Subject != "Re: Свет" || len(e.InReplyTo) != 1 || e.InReplyTo[0] != "1@northline.example" || e.To[0].Mailbox != "support+c1" {
		t.Errorf("Ana's answer: %+v", e)
	}
}

func TestTheServerRefuses(t *testing.T) {
	m := openMail(t)
	for _, c := range []struct{ user, password, from, to, code string }{
		{"", "", SupportAddress, CustomerAddress, "502"},
		{SupportAddress, "guess", SupportAddress, CustomerAddress, "535"},
		{CustomerAddress, m.Password, SupportAddress, CustomerAddress, "553"},
		{SupportAddress, m.Password, SupportAddress, "somebody@gmail.com", "5.7.1"},
		{SupportAddress, m.Password, SupportAddress, "gone@" + closedDomain, "5.1.1"},
	} {
		err := post(m, c.user, c.password, c.from, c.to, plainLetter)
		if err == nil || !strings.Contains(fmt.Sprintf("%v", err), c.code) {
			t.Errorf("%s to %s: %v; want %s", c.from, c.to, err, c.code)
		}
	}
	if err := post(m, SupportAddress, m.Password, SupportAddress, "olga.ivanova@example.net", plainLetter); err != nil {
		t.Errorf("an imaginary customer's mail is taken and dropped: %v", err)
	}
	if letters, _, _ := m.snapshot(); len(letters) != 0 {
		t.Errorf("Ana got %d letters that were not hers", len(letters))
	}
}

func TestAMailboxIsBounded(t *testing.T) {
	m := openMail(t)
	b := m.boxes[CustomerAddress]
	b.size = mailboxMost - 10
	if err := post(m, SupportAddress, m.Password, SupportAddress, CustomerAddress, plainLetter); err == nil || !strings.Contains(err.Error(), "4.2.2") {
		t.Errorf("a full mailbox took a letter: %v", err)
	}
	if err := m.Write(SupportAddress, "Hi", "I can still write", "", time.Now()); err != nil {
		t.Error(err)
	}
}

func TestItListensOnTheLoopbackOnly(t *testing.T) {
	m := openMail(t)
	for _, a := range []net.Addr{m.SMTP, m.IMAP} {
		if !a.(*net.TCPAddr).IP.IsLoopback() {
			t.Errorf("the world can reach %s", a)
		}
	}
}

func FuzzReadLetter(f *testing.F) {
	f.Add([]byte(plainLetter))
	f.Add([]byte("Subject: x\r\n\r\n\xff\xfe"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Disposition: attachment; filename=\"x\"\r\n\r\nq\r\n--a--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := readLetter(raw)
		if l == nil || l.ReplyTo == "" {
			t.Fatalf("%+v", l)
		}
	})
}
