package email

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"pgregory.net/rapid"

	"holdfast/channel"
)

func TestASecretIsTakenOutOfWhatServersRepeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[!-~а-я]{10,40}`).Draw(t, "secret")
		before := rapid.StringMatching(`[a-z\x00]{0,12}`).Draw(t, "before")
		after := rapid.StringMatching(`[a-z\x01]{0,12}`).Draw(t, "after")
		a := &adapter{set: &Settings{SMTPUser: "u", SMTPPassword: channel.Secret(secret)}}
		full := base64.StdEncoding.EncodeToString([]byte(before + secret + after))
		got := a.hush("501 cannot decode " + full + " or " + secret)
		from, to := (8*len(before)+5)/6, 8*(len(before)+len(secret))/6
		if strings.Contains(got, secret) || strings.Contains(got, full[from:to]) || !strings.HasPrefix(got, "501 cannot decode ") {
			t.Fatalf("shown as %q", got)
		}
	})
	a := &adapter{set: &Settings{SMTPPassword: "ok", IMAPPassword: "secret"}}
	if got := a.hush("250 ok, nothing to hide"); got != "250 ok, nothing to hide" {
		t.Errorf("plain words are made unreadable: %q", got)
	}
}

// parrot refuses everybody and repeats what it was told.
type parrot struct{ imapserver.Session }

func (parrot) Login(user, password string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Text: "no " + user + " with " + password}
}

func (p parrot) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	return p.Session.Idle(w, stop)
}

func TestAMailServerThatRepeatsThePasswordDoesNotSpreadIt(t *testing.T) {
	s, m := newMailServer(t), newMemory()
	s.mu.Lock()
	s.wrap = func(inner imapserver.Session) imapserver.Session { return parrot{inner} }
	s.mu.Unlock()
	var logged bytes.Buffer // read only after Listen has ended
	a := reader(t, s, m, nil)
	a.env.Log = slog.New(slog.NewTextHandler(&logged, nil))
	stop := listen(t, a, m)
	m.until(t, "a failure", func() bool { return a.Health().State == "degraded" })
	stop()
	seen := logged.String() + a.Health().Reason
	for _, c := range a.Test(t.Context()) {
		seen += c.Text
	}
	if strings.Contains(seen, "secret-imap") {
		t.Errorf("the password is told: %s", seen)
	}
	if strings.Count(seen, "no desk@example.com with") < 3 {
		t.Errorf("what the server said does not reach the log, the health and the test: %s", seen)
	}
}
