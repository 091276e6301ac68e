package email

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-sasl"
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

func TestATokenServersWordsAreShownWithoutTokens(t *testing.T) {
	for said, want := range map[string]string{
		"Token has been expired or revoked.": "Token has been expired or revoked.",
		"AADSTS700082: The refresh token has expired.\r\nTrace ID: 3f2a9c1e-0d5b-4c77-9a61-52e1b0c7d801\r\n": "AADSTS700082: The refresh token has expired. Trace ID: 3f2a9c1e-0d5b-4c77-9a61-52e1b0c7d801",
		"bad refresh_token first-secret, client client-secret":                                               "bad refresh_token •••, client •••",
		"bad Zmlyc3Qtc2VjcmV0": "bad •••",
		"token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1rwW is": "token •••.•••.••• is",
		"ya29.a0AfB_byC1x2y3z4w5v6u7t8 refused":                                                     "ya29.••• refused",
		"one\x1b[31mtwo\x00three\u202efour\tfive":                                                   "one [31mtwo threefour five",
		"не обновлён, \xff\xfeنشد":                                                                  "не обновлён, نشد",
		strings.Repeat("abcdefghij", 6):                                                             hushed,
		strings.Repeat("no ", 400):                                                                  strings.TrimSpace(strings.Repeat("no ", 100)),
	} {
		if got := plainWords(said, "first-secret", "client-secret"); strings.TrimSpace(got) != want {
			t.Errorf("%q is shown as %q, want %q", said, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		token := rapid.StringMatching(`[A-Za-z][0-9][A-Za-z0-9_-]{14,60}`).Draw(t, "token")
		around := rapid.String().Draw(t, "around")
		got := plainWords(around+" "+token+" "+around, "")
		if strings.Contains(got, token) && !traceID.MatchString(token) || len(got) > 300 || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("shown as %q", got)
		}
	})
}

// The token server repeats what it was sent; neither the failure of a message nor the
// state of the mailbox, nor a test of it, tells anybody.
func TestATokenServerThatRepeatsTheTokenDoesNotSpreadIt(t *testing.T) {
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant",
			"error_description": "revoked: " + r.PostForm.Encode() + "\n\x1b[2J" + strings.Repeat("x ", 2000)})
	}))
	defer tokens.Close()
	p, s, m := newPostOffice(t), newMailServer(t), newMemory()
	p.auth = func(string) (sasl.Server, error) { return bearer{"never"}, nil }
	oauth := func(set *Settings) {
		set.Auth, set.OAuthTokenURL, set.OAuthClientID = "oauth2", tokens.URL, "client"
		set.OAuthClientSecret, set.OAuthRefreshToken = "client-secret-7", "first-refresh-secret"
	}
	_, err := writer(t, p, m, oauth).Send(t.Context(), outbound("x"))
	f := channel.AsFailure(err)
	var logged bytes.Buffer
	a := reader(t, s, m, oauth)
	a.env.Log = slog.New(slog.NewTextHandler(&logged, nil))
	stop := listen(t, a, m)
	m.until(t, "a failure", func() bool { return a.Health().State == "degraded" })
	stop()
	seen := f.Error() + a.Health().Reason + logged.String()
	for _, c := range a.Test(t.Context()) {
		seen += c.Text
	}
	for _, secret := range []string{"client-secret-7", "first-refresh-secret", "\x1b", "\\x1b"} {
		if strings.Contains(seen, secret) {
			t.Errorf("%q is told: %s", secret, seen)
		}
	}
	if f.Reason != channel.Broken || f.Code != "invalid_grant" || !strings.HasPrefix(f.Text, "revoked: ") || len(f.Text) > 300 {
		t.Errorf("the failure is %+v", f)
	}
}
