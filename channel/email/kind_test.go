package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-smtp"

	"holdfast"
	"holdfast/channel"
)

func TestEveryTextExistsInEveryLanguage(t *testing.T) {
	k := Kind()
	want := []string{"title", "about", "check.imap", "check.smtp", "check.dkim"}
	for _, f := range k.Form() {
		want = append(want, f.Name, "section."+f.Section)
		for _, o := range f.Options {
			want = append(want, "option."+o)
		}
		if f.Section == "" {
			t.Errorf("%s stands in no section", f.Name)
		}
	}
	for _, lang := range holdfast.Languages {
		for _, key := range want {
			if strings.TrimSpace(k.Texts[lang][key]) == "" {
				t.Errorf("%s has no %q", lang, key)
			}
		}
		for key := range k.Texts["en"] {
			if k.Texts[lang][key] == "" {
				t.Errorf("%s lacks %q", lang, key)
			}
		}
		if len(k.Texts[lang]) != len(k.Texts["en"]) {
			t.Errorf("%s has %d texts, en has %d", lang, len(k.Texts[lang]), len(k.Texts["en"]))
		}
	}
	if !strings.HasPrefix(k.Icon, "<svg") {
		t.Error("no icon")
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	good := map[string]any{"address": "desk@example.com", "imap_host": "imap.example.com", "smtp_host": "smtp.example.com"}
	try := func(change map[string]any) error {
		all := map[string]any{}
		for k, v := range good {
			all[k] = v
		}
		for k, v := range change {
			all[k] = v
		}
		raw, _ := json.Marshal(all)
		set, err := Kind().Decode(raw)
		if err != nil {
			return err
		}
		_, err = Kind().New(channel.Account{Settings: set}, channel.Env{})
		return err
	}
	if err := try(nil); err != nil {
		t.Fatal(err)
	}
	for field, value := range map[string]any{
		"address": "nobody", "imap_host": "a b", "imap_port": 70000, "imap_security": "maybe", "poll_seconds": 1, "first_days": -1,
		"smtp_host": "", "smtp_port": -1, "dkim_key": "no key", "max_megabytes": 0, "name": "a\r\nBcc: x",
	} {
		err := try(map[string]any{field: value})
		var e *holdfast.Error
		if holdfast.KindOf(err) != holdfast.Invalid || !strings.Contains(fmt.Sprint(err), field) && !(asError(err, &e) && strings.Contains(e.Field, field)) {
			t.Errorf("%s=%v: %v", field, value, err)
		}
	}
	if err := try(map[string]any{"receive": "gateway", "imap_host": ""}); err != nil {
		t.Errorf("a gateway needs no IMAP server: %v", err)
	}
	if err := try(map[string]any{"auth": "oauth2", "oauth_client_id": "c", "oauth_refresh_token": "r", "oauth_token_url": "http://example.com/token"}); holdfast.KindOf(err) != holdfast.Invalid {
		t.Errorf("tokens over plain HTTP: %v", err)
	}
}

func asError(err error, to **holdfast.Error) bool {
	e, ok := err.(*holdfast.Error)
	*to = e
	return ok
}

func TestEncryptedConnections(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1
	defer web.Close()
	config := web.TLS.Clone()
	config.NextProtos = nil
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	user := imapmemserver.NewUser("desk@example.com", "secret-imap")
	user.Create("INBOX", nil)
	mem := imapmemserver.New()
	mem.AddUser(user)
	box := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIdle: {}}, TLSConfig: config, Logger: log.New(io.Discard, "", 0),
	})
	p := &postOffice{}
	post := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &postSession{p: p}, nil }))
	post.TLSConfig, post.ErrorLog = config, log.New(io.Discard, "", 0)
	t.Cleanup(func() { box.Close(); post.Close() })
	serve := func(wrap bool, serve func(net.Listener) error) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if wrap {
			go serve(tls.NewListener(ln, config))
		} else {
			go serve(ln)
		}
		return ln.Addr().String()
	}
	for _, security := range []string{"tls", "starttls"} {
		m := newMemory()
		s := &mailServer{addr: serve(security == "tls", box.Serve)}
		office := &postOffice{addr: serve(security == "tls", post.Serve)}
		a := reader(t, s, m, func(set *Settings) {
			set.IMAPSecurity, set.SMTPSecurity = security, security
			_, port, _ := net.SplitHostPort(office.addr)
			fmt.Sscan(port, &set.SMTPPort)
			set.SMTPUser = "somebody" // so that the mailbox's password is not used for sending
		})
		for _, c := range a.Test(context.Background()) {
			if c.OK {
				t.Errorf("%s %s: a certificate of nobody is trusted: %s", security, c.Name, c.Text)
			}
		}
		a.tls = &tls.Config{RootCAs: roots}
		for _, c := range a.Test(context.Background()) {
			if !c.OK {
				t.Errorf("%s %s: %s", security, c.Name, c.Text)
			}
		}
		raw := plainMail("over " + security)
		user.Append("INBOX", literal{strings.NewReader(raw), int64(len(raw))}, &imap.AppendOptions{})
		stop := listen(t, a, m)
		m.until(t, "the mail over "+security, func() bool { return m.has("over " + security) })
		stop()
		if _, err := a.Send(context.Background(), outbound("x")); err != nil {
			t.Errorf("%s: %v", security, err)
		}
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	var out bytes.Buffer
	s := newMailServer(t)
	m := newMemory()
	a := reader(t, s, m, func(set *Settings) { set.IMAPPassword = "wrong-secret" })
	a.env.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	stop := listen(t, a, m)
	m.until(t, "a failure", func() bool { return a.Health().State == "degraded" })
	stop()
	if out.Len() == 0 || strings.Contains(out.String(), "wrong-secret") || strings.Contains(fmt.Sprintf("%+v %v", *a.set, a.Health()), "wrong-secret") {
		t.Errorf("log: %s", out.String())
	}
}

// corpusMails are all mails of the corpora.
func corpusMails(t *testing.T) map[string][]byte {
	root := corpus(t, "email")
	mails := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		base, ext := filepath.Base(path), filepath.Ext(path)
		zb := strings.Contains(path, "zbateson") && strings.Contains(path, "/emails/") && !strings.Contains(path, "/files/") && ext == ".txt"
		if ext == ".msg" || ext == ".eml" || zb || strings.HasPrefix(base, "mbox.rlug-") {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			mails[strings.TrimPrefix(path, root)] = b
		}
		return nil
	})
	if err != nil || len(mails) < 150 {
		t.Fatalf("%d mails, %v", len(mails), err)
	}
	return mails
}

func TestEveryCorpusMailOverSMTPAndIMAP(t *testing.T) {
	mails := corpusMails(t)
	overSMTP, overIMAP := newMemory(), newMemory()
	g := gateway(t, "127.0.0.1:0", map[string]*memory{"desk@example.com": overSMTP}, nil)
	s := newMailServer(t, imap.CapIdle)
	client, err := smtp.Dial(g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for name, raw := range mails {
		if err := client.SendMail("ana@example.org", []string{"desk@example.com"}, bytes.NewReader(raw)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.deliver("INBOX", string(raw))
	}
	listen(t, reader(t, s, overIMAP, nil), overIMAP)
	total := func(m *memory) int {
		m.mu.Lock()
		defer m.mu.Unlock()
		n := 0
		for _, times := range m.keys {
			n += times
		}
		return n
	}
	overIMAP.until(t, "all mails by IMAP", func() bool { return total(overIMAP) == len(mails) })
	if n := total(overSMTP); n != len(mails) {
		t.Errorf("%d of %d by SMTP", n, len(mails))
	}
	messages := 0
	for _, m := range []*memory{overSMTP, overIMAP} {
		for _, in := range m.accepted {
			if m.blob(in.Raw) == nil {
				t.Errorf("%q has no raw form", in.Subject)
			}
			if in.Refuse == nil {
				messages++
				if in.From.Value == "" {
					t.Errorf("%q is of nobody", in.Subject)
				}
			} else if in.Refuse.Reason == "" || in.Refuse.Detail == "" && in.Refuse.Reason != "bounce" {
				t.Errorf("%q is refused without a reason: %+v", in.Subject, in.Refuse)
			}
		}
	}
	if messages < len(mails) {
		t.Errorf("only %d messages of two times %d mails", messages, len(mails))
	}
}

func TestThousandsOfMailsAtOnceFitIntoMemory(t *testing.T) {
	const mails = 3000
	s := newMailServer(t, imap.CapIdle)
	body := strings.Repeat("x", 10_000)
	for i := range mails {
		s.deliver("INBOX", plainMail(fmt.Sprint("mail ", i))+body)
	}
	m := newMemory()
	counting := &countingSink{}
	a := reader(t, s, m, nil)
	a.env.Blobs = &oneBlob{memory: m}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ctx, cancel := context.WithCancel(context.Background())
	counting.done = func() { cancel() }
	counting.want = mails
	a.Listen(ctx, counting)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if counting.n != mails {
		t.Fatalf("%d of %d mails", counting.n, mails)
	}
	if after.HeapSys > before.HeapSys+48<<20 {
		t.Errorf("the heap grew by %d MiB for %d MiB of mail", (after.HeapSys-before.HeapSys)>>20, mails*len(body)>>20)
	}
}

type countingSink struct {
	n, want int
	done    func()
}

func (s *countingSink) Accept(context.Context, channel.Inbound) (channel.Accepted, error) {
	if s.n++; s.n == s.want {
		s.done()
	}
	return channel.Accepted{}, nil
}

func (s *countingSink) Report(context.Context, channel.Report) error { return nil }

// oneBlob keeps only the last blob.
type oneBlob struct {
	*memory
	last []byte
}

func (o *oneBlob) Put(_ context.Context, r io.Reader, _ int64) (string, int64, error) {
	b, err := io.ReadAll(r)
	o.last = b
	return "last", int64(len(b)), err
}

func (o *oneBlob) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(o.last)), nil
}
