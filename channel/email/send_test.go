package email

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"holdfast"
	"holdfast/channel"
)

func outbound(text string) channel.Outbound {
	return channel.Outbound{
		ID: holdfast.MustID("0197a3f0-1c2d-7abc-8def-0123456789ab"), Conversation: holdfast.MustID("0197a3f0-1c2d-7abc-8def-0123456789ac"),
		To: holdfast.Address{Scheme: "mailto", Value: "ana@example.org", Name: "Анна"}, Subject: "Re: Счёт № 5", Text: text,
		Thread: []string{"<a@example.org>", "<b@example.org>"}, At: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), Attempt: 1, Trace: &channel.Trace{},
	}
}

func TestSendsAMailThatReadsBackTheSame(t *testing.T) {
	p, m := newPostOffice(t), newMemory()
	a := writer(t, p, m, func(s *Settings) { s.Signature = "С уважением,\n{author}" })
	ctx := context.Background()
	file := bytes.Repeat([]byte("a file \x00\xff.\r\n.\r\n"), 20_000)
	hash, size, _ := m.Put(ctx, bytes.NewReader(file), 0)
	img, _, _ := m.Put(ctx, strings.NewReader("\x89PNG image"), 0)
	o := outbound(".a dot\n..two\nДобрый день! سلام https://example.com/?a=1&b=2\n\nВторой абзац")
	o.Author = "Ольга"
	o.CC, o.BCC = []string{"Боб <bob@example.net>"}, []string{"boss@example.net"}
	o.HTML = `<p>Добрый день! <img src="cid:logo"></p>`
	o.Attachments = []holdfast.Attachment{
		{Name: "Счёт за март «полный» очень длинное имя файла для проверки.pdf", Type: "application/pdf", Size: size, Hash: hash},
		{Name: "logo.png", Type: "image/png", Hash: img, CID: "logo"},
	}
	sent, err := a.Send(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := "<0197a3f0-1c2d-7abc-8def-0123456789ab@holdfast.example.com>"; sent.ExternalID != want || sent.Delivered {
		t.Errorf("sent %+v, want %s", sent, want)
	}
	got := p.taken()[0]
	if got.from != "support@example.com" || strings.Join(got.to, " ") != "ana@example.org bob@example.net boss@example.net" {
		t.Errorf("envelope %s → %v", got.from, got.to)
	}
	if strings.Contains(got.raw, "boss@") {
		t.Error("a hidden copy shows in the mail")
	}
	for i, line := range strings.Split(got.raw, "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line %d is not fit for mail: %d bytes", i, len(line))
		}
	}
	in, back := parse(t, got.raw, Options{Key: a.env.Key})
	if in.Subject != o.Subject || in.From.Name != "Support" || in.ExternalID != sent.ExternalID || !in.SentAt.Equal(o.At) {
		t.Errorf("read back as %+v", in)
	}
	if strings.Join(in.Thread, " ") != "<a@example.org> <b@example.org>" {
		t.Errorf("thread %v", in.Thread)
	}
	if !strings.HasPrefix(in.Text, o.Text) || !strings.Contains(in.Text+in.Rest, "-- \nС уважением,\nОльга") {
		t.Errorf("text %q rest %q", in.Text, in.Rest)
	}
	if !strings.Contains(in.HTML, `src="cid:logo"`) {
		t.Errorf("html %q", in.HTML)
	}
	if len(in.Attachments) != 2 {
		t.Fatalf("attachments %+v", in.Attachments)
	}
	for _, f := range in.Attachments {
		if f.CID == "logo" {
			if string(back.blob(f.Hash)) != "\x89PNG image" {
				t.Error("the image has changed")
			}
		} else if f.Name != o.Attachments[0].Name || !bytes.Equal(back.blob(f.Hash), file) {
			t.Errorf("the file has changed: %q, %d bytes", f.Name, f.Size)
		}
	}
	// the customer's answer finds its conversation by the address alone
	replyTo := parseAddresses(newWalker(strings.NewReader(got.raw), nil).readHeader().get("reply-to"))
	if len(replyTo) != 1 {
		t.Fatalf("reply-to %v", replyTo)
	}
	answer, _ := parse(t, "From: ana@example.org\r\nTo: "+replyTo[0].email+"\r\nSubject: another\r\n\r\nhi", Options{Address: "support@example.com", Key: a.env.Key})
	if answer.Conversation != o.Conversation {
		t.Errorf("conversation %v, want %v", answer.Conversation, o.Conversation)
	}
	forged, _ := parse(t, "From: ana@example.org\r\nTo: "+replyTo[0].email+"\r\n\r\nhi", Options{Key: []byte("another account's key")})
	if !forged.Conversation.IsZero() {
		t.Error("a token of another key was believed")
	}
	// and by what it answers
	again, _ := parse(t, "From: ana@example.org\r\nTo: support@example.com\r\nIn-Reply-To: "+sent.ExternalID+"\r\n\r\nhi", Options{})
	if len(again.Answers) != 1 || again.Answers[0] != o.ID {
		t.Errorf("answers %v", again.Answers)
	}
	trace := string(o.Trace.JSON())
	for _, want := range []string{"MAIL FROM", "RCPT TO", "DATA", "bytes) .", "250"} {
		if !strings.Contains(trace, want) {
			t.Errorf("the trace lacks %q: %s", want, trace)
		}
	}
}

func TestTheSameMessageIsTheSameMail(t *testing.T) {
	p, m := newPostOffice(t), newMemory()
	a := writer(t, p, m, nil)
	for range 2 {
		if _, err := a.Send(context.Background(), outbound("hello")); err != nil {
			t.Fatal(err)
		}
	}
	got := p.taken()
	if got[0].raw != got[1].raw {
		t.Error("sent twice, it differs")
	}
}

func TestAutomaticMailSaysSo(t *testing.T) {
	p, m := newPostOffice(t), newMemory()
	o := outbound("We got your mail.")
	o.Automatic = true
	if _, err := writer(t, p, m, nil).Send(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	raw := p.taken()[0].raw
	if !strings.Contains(raw, "\r\nAuto-Submitted: auto-replied\r\n") {
		t.Errorf("no Auto-Submitted in %s", raw)
	}
	if in, _ := parse(t, raw, Options{Address: "other@example.net"}); in.Refuse == nil || in.Refuse.Reason != "auto_reply" {
		t.Errorf("another desk would answer it: %+v", in.Refuse)
	}
	if in, _ := parse(t, raw, Options{Address: "support@example.com"}); in.Refuse == nil || in.Refuse.Reason != "loop" {
		t.Errorf("we would take our own mail in: %+v", in.Refuse)
	}
	person := outbound("An answer by hand")
	if _, err := writer(t, p, m, nil).Send(context.Background(), person); err != nil {
		t.Fatal(err)
	}
	if in, _ := parse(t, p.taken()[1].raw, Options{Address: "other@example.net"}); in.Refuse != nil {
		t.Errorf("another desk would refuse a person's mail: %+v", in.Refuse)
	}
}

func TestNothingInAMessageCanAddAHeader(t *testing.T) {
	p, m := newPostOffice(t), newMemory()
	evil := "x\r\nBcc: victim@example.net\r\n\r\nevil"
	o := outbound("body")
	o.Subject, o.To.Name, o.Author = evil, evil, evil
	o.Thread = []string{"<a@b>\r\nX-Evil: 1", evil, "<c\r\nX-Evil: 2@d>"}
	o.ExternalID = "<x@y>\r\nX-Evil: 3"
	hash, _, _ := m.Put(context.Background(), strings.NewReader("x"), 0)
	o.Attachments = []holdfast.Attachment{{Name: "a\"\r\nX-Evil: 4\r\n\r\nb", Type: "text/html\r\nX-Evil: 5", Hash: hash, CID: "c>\r\nX-Evil: 6"}}
	a := writer(t, p, m, func(s *Settings) { s.Name = "{author}" })
	if _, err := a.Send(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	raw := p.taken()[0].raw
	for line := range strings.SplitSeq(raw, "\r\n") {
		if strings.HasPrefix(line, "X-Evil") || strings.HasPrefix(line, "Bcc") {
			t.Errorf("a header was added: %q", line)
		}
	}
	for _, bad := range []string{"a@b>\r\nRCPT TO:<victim@example.net", "no address", "a b@c.d", "<a@b>, <c@d>", ""} {
		o := outbound("x")
		o.To.Value = bad
		if _, err := a.Send(context.Background(), o); err == nil || channel.AsFailure(err).Reason != channel.Blocked {
			t.Errorf("%q: %v", bad, err)
		}
		if bad == "" {
			continue
		}
		o = outbound("x")
		o.CC = []string{bad}
		if _, err := a.Send(context.Background(), o); err == nil && bad != "a b@c.d" {
			t.Errorf("copy to %q was sent", bad)
		}
	}
}

func TestFailuresHaveTheRightReason(t *testing.T) {
	refuse := func(code, a, b, c int, text string) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{a, b, c}, Message: text}
	}
	cases := []struct {
		name string
		set  func(*postOffice)
		want channel.Reason
	}{
		{"unknown user", func(p *postOffice) { p.onRcpt = func(string) error { return refuse(550, 5, 1, 1, "no such user") } }, channel.Blocked},
		{"mailbox full", func(p *postOffice) { p.onRcpt = func(string) error { return refuse(452, 4, 2, 2, "mailbox full") } }, channel.Temporary},
		{"mailbox busy", func(p *postOffice) { p.onRcpt = func(string) error { return refuse(450, 4, 2, 0, "mailbox busy") } }, channel.Temporary},
		{"greylisted", func(p *postOffice) {
			p.onRcpt = func(string) error { return refuse(450, 4, 7, 1, "greylisted, try again later") }
		}, channel.Throttled},
		{"too many", func(p *postOffice) { p.onMail = refuse(421, 4, 7, 0, "too many messages") }, channel.Throttled},
		{"try later", func(p *postOffice) { p.onMail = refuse(451, 4, 3, 0, "local error") }, channel.Temporary},
		{"no sign-in", func(p *postOffice) { p.onMail = refuse(530, 5, 7, 0, "authentication required") }, channel.Broken},
		{"spam", func(p *postOffice) { p.onData = func() error { return refuse(554, 5, 7, 1, "looks like spam") } }, channel.Permanent},
		{"later at the end", func(p *postOffice) { p.onData = func() error { return refuse(451, 4, 3, 0, "no room") } }, channel.Temporary},
		{"silence at the end", func(p *postOffice) {
			p.onData = func() error { time.Sleep(3 * time.Second); return nil }
		}, channel.Unknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, m := newPostOffice(t), newMemory()
			c.set(p)
			a := writer(t, p, m, nil)
			a.data = 200 * time.Millisecond
			_, err := a.Send(context.Background(), outbound("x"))
			var f *channel.Failure
			if !errors.As(err, &f) || f.Reason != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestFailuresOfTheConnection(t *testing.T) {
	m := newMemory()
	// nobody listens
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	addr := ln.Addr().String()
	ln.Close()
	check := func(name, addr string, want channel.Reason, change func(*Settings)) {
		t.Helper()
		a := writer(t, &postOffice{addr: addr}, m, change)
		a.dial, a.command, a.data = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
		_, err := a.Send(context.Background(), outbound("x"))
		if f := channel.AsFailure(err); err == nil || f.Reason != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	check("refused", addr, channel.Temporary, nil)
	check("no such host", "127.0.0.1:1", channel.Temporary, func(s *Settings) { s.SMTPHost = "no-such-host.invalid" })
	check("not TLS", newPostOffice(t).addr, channel.Temporary, func(s *Settings) { s.SMTPSecurity = "tls" })
	check("no STARTTLS", newPostOffice(t).addr, channel.Temporary, func(s *Settings) { s.SMTPSecurity = "starttls" })
	for _, step := range []struct {
		name   string
		script []string // what the server says after each line of ours; then it closes
		want   channel.Reason
	}{
		{"says nothing", nil, channel.Temporary},
		{"closes after EHLO", []string{"220 hi"}, channel.Temporary},
		{"closes at RCPT", []string{"220 hi", "250 ok", "250 ok"}, channel.Temporary},
		{"closes at DATA", []string{"220 hi", "250 ok", "250 ok", "250 ok"}, channel.Temporary},
		{"closes after the dot", []string{"220 hi", "250 ok", "250 ok", "250 ok", "354 go"}, channel.Unknown},
	} {
		check(step.name, scripted(t, step.script), step.want, nil)
	}
}

// scripted is a server that says its lines, one for each command, and hangs up.
func scripted(t *testing.T, script []string) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if script == nil {
			io.Copy(io.Discard, c)
			return
		}
		r := newBuffered(c)
		for i, line := range script {
			if i > 0 {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
			}
			fmt.Fprintf(c, "%s\r\n", line)
		}
		if strings.HasPrefix(script[len(script)-1], "354") {
			for {
				if line, err := r.ReadString('\n'); err != nil || line == ".\r\n" {
					return
				}
			}
		}
		r.ReadString('\n')
	}()
	return ln.Addr().String()
}

func TestACopyThatIsRefusedDoesNotKeepTheMailBack(t *testing.T) {
	p, m := newPostOffice(t), newMemory()
	p.onRcpt = func(to string) error {
		if strings.HasPrefix(to, "gone@") {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		}
		return nil
	}
	o := outbound("x")
	o.CC = []string{"gone@example.net", "bob@example.net"}
	if _, err := writer(t, p, m, nil).Send(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.taken()[0].to, " "); got != "ana@example.org bob@example.net" {
		t.Errorf("sent to %s", got)
	}
}

func TestAMissingAttachmentFailsBeforeAnythingIsSent(t *testing.T) {
	p, m := newPostOffice(t), newMemory()
	o := outbound("x")
	o.Attachments = []holdfast.Attachment{{Name: "a.txt", Type: "text/plain", Hash: "gone"}}
	_, err := writer(t, p, m, nil).Send(context.Background(), o)
	if f := channel.AsFailure(err); err == nil || f.Reason != channel.Permanent {
		t.Errorf("%v", err)
	}
	if len(p.taken()) != 0 {
		t.Error("half a mail was delivered")
	}
}

func TestDKIMVerifies(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(rand.Reader)
	der, _ := x509.MarshalPKCS8PrivateKey(key)
	p, m := newPostOffice(t), newMemory()
	a := writer(t, p, m, func(s *Settings) {
		s.DKIMSelector = "desk"
		s.DKIMKey = channel.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	})
	hash, _, _ := m.Put(context.Background(), strings.NewReader(strings.Repeat("payload\n", 1000)), 0)
	o := outbound(".dots\n\n\nДобрый день  \n")
	o.Attachments = []holdfast.Attachment{{Name: "a.bin", Type: "application/zip", Hash: hash}}
	if _, err := a.Send(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	record := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)
	lookup := func(name string) ([]string, error) {
		if name != "desk._domainkey.example.com" {
			return nil, fmt.Errorf("asked for %s", name)
		}
		return []string{record}, nil
	}
	vs, err := dkim.VerifyWithOptions(strings.NewReader(p.taken()[0].raw), &dkim.VerifyOptions{LookupTXT: lookup})
	if err != nil || len(vs) != 1 || vs[0].Err != nil {
		t.Fatalf("%v %+v", err, vs)
	}
	if _, err := a.testDKIM(context.Background(), func(_ context.Context, n string) ([]string, error) { return lookup(n) }); err != nil {
		t.Errorf("the check: %v", err)
	}
	record = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	if _, err := a.testDKIM(context.Background(), func(_ context.Context, n string) ([]string, error) { return lookup(n) }); err == nil {
		t.Error("the check passes a key that is another one's")
	}
}

// bearer accepts XOAUTH2 with one token.
type bearer struct{ want string }

func (b bearer) Next(response []byte) ([]byte, bool, error) {
	if response == nil {
		return []byte{}, false, nil
	}
	if strings.Contains(string(response), "auth=Bearer "+b.want+"\x01") {
		return nil, true, nil
	}
	return nil, false, errors.New("invalid credentials")
}

func TestOAuth(t *testing.T) {
	var refused bool
	var seen []string
	tokenServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		seen = append(seen, r.Form.Get("refresh_token"))
		w.Header().Set("Content-Type", "application/json")
		if refused {
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]any{"error": "invalid_grant", "error_description": "revoked"})
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rotated-secret"})
	}))
	defer tokenServer.Close()
	p, m := newPostOffice(t), newMemory()
	p.auth = func(mech string) (sasl.Server, error) {
		if mech != "XOAUTH2" {
			return nil, errors.New("not this one")
		}
		return bearer{"access-1"}, nil
	}
	oauth := func(s *Settings) {
		s.Auth, s.OAuthTokenURL, s.OAuthClientID, s.OAuthClientSecret, s.OAuthRefreshToken = "oauth2", tokenServer.URL, "client", "client-secret", "first-secret"
	}
	a := writer(t, p, m, oauth)
	for range 2 {
		o := outbound("x")
		if _, err := a.Send(context.Background(), o); err != nil {
			t.Fatalf("%v\n%s", err, o.Trace.JSON())
		}
		for _, secret := range []string{"access-1", "first-secret", "client-secret", base64.StdEncoding.EncodeToString([]byte("user="))[:6]} {
			if strings.Contains(string(o.Trace.JSON()), secret) {
				t.Errorf("a secret is in the trace: %s", o.Trace.JSON())
			}
		}
	}
	if len(seen) != 1 {
		t.Errorf("the token server was asked %d times, want once", len(seen))
	}
	// the next start uses the newer refresh token, which is not lying about in clear
	if bytes.Contains(m.state[refreshKey], []byte("rotated-secret")) {
		t.Error("the refresh token is stored in clear")
	}
	refused = true
	_, err := writer(t, p, m, oauth).Send(context.Background(), outbound("x"))
	if f := channel.AsFailure(err); err == nil || f.Reason != channel.Broken || f.Code != "invalid_grant" {
		t.Errorf("revoked: %v", err)
	}
	if seen[len(seen)-1] != "rotated-secret" {
		t.Errorf("used %q", seen[len(seen)-1])
	}
}

func TestWrongPasswordIsBrokenAndSecret(t *testing.T) {
	p, m := newPostOffice(t), newMemory()
	p.auth = func(string) (sasl.Server, error) {
		return sasl.NewPlainServer(func(_, _, password string) error {
			if password != "right" {
				return smtp.ErrAuthFailed
			}
			return nil
		}), nil
	}
	wrong := writer(t, p, m, func(s *Settings) { s.SMTPUser, s.SMTPPassword = "u", "wrong-secret" })
	o := outbound("x")
	_, err := wrong.Send(context.Background(), o)
	if f := channel.AsFailure(err); err == nil || f.Reason != channel.Broken {
		t.Errorf("%v", err)
	}
	if strings.Contains(string(o.Trace.JSON())+fmt.Sprint(err), "wrong-secret") {
		t.Error("the password is told")
	}
	right := writer(t, p, m, func(s *Settings) { s.SMTPUser, s.SMTPPassword = "u", "right" })
	if _, err := right.Send(context.Background(), outbound("x")); err != nil {
		t.Error(err)
	}
	for _, c := range right.Test(context.Background()) {
		if !c.OK {
			t.Errorf("the check says %+v", c)
		}
	}
	if cs := wrong.Test(context.Background()); cs[0].OK || cs[0].Name != "check.smtp" || strings.Contains(cs[0].Text, "wrong-secret") {
		t.Errorf("the check says %+v", cs)
	}
}
