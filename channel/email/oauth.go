package email

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"golang.org/x/oauth2"

	"holdfast/channel"
)

// tokens fetches access tokens with a refresh token. A provider may hand out a
// new refresh token with each: the newest is kept, sealed, in the account's state.
type tokens struct {
	set *Settings
	env channel.Env

	mu  sync.Mutex
	now *oauth2.Token
}

const refreshKey = "oauth.refresh"

func newTokens(set *Settings, env channel.Env) *tokens { return &tokens{set: set, env: env} }

// access is a token that is good for another minute. Errors are a *channel.Failure:
// Broken when the provider has revoked the grant.
func (t *tokens) access(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now != nil && t.now.Expiry.After(t.env.Now().Add(time.Minute)) {
		return t.now.AccessToken, nil
	}
	config := oauth2.Config{
		ClientID: t.set.OAuthClientID, ClientSecret: string(t.set.OAuthClientSecret),
		Endpoint: oauth2.Endpoint{TokenURL: t.set.tokenURL()}, Scopes: strings.Fields(t.set.scope()),
	}
	refresh := t.stored(ctx)
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, t.env.HTTP), time.Minute)
	defer cancel()
	token, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return "", tokenFailure(err, refresh, string(t.set.OAuthRefreshToken), string(t.set.OAuthClientSecret))
	}
	if token.Expiry.IsZero() {
		token.Expiry = t.env.Now().Add(5 * time.Minute)
	}
	t.now = token
	if token.RefreshToken != "" && token.RefreshToken != refresh {
		t.store(ctx, token.RefreshToken)
	}
	return token.AccessToken, nil
}

// held is the access token in use, empty when there is none.
func (t *tokens) held() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == nil {
		return ""
	}
	return t.now.AccessToken
}

// forget drops a token that a server has refused before its time.
func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = nil
}

// tokenFailure is what an error of the token server means. Its words are a
// stranger's, and may repeat what it was sent: secrets are what that was.
func tokenFailure(err error, secrets ...string) *channel.Failure {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		return &channel.Failure{Reason: channel.Temporary, Code: "oauth", Text: "the token server cannot be reached", Err: err}
	}
	code := answer.ErrorCode
	if !errorCode.MatchString(code) || without(code, secrets...) != code {
		code = ""
	}
	status := 0
	if answer.Response != nil {
		status = answer.Response.StatusCode
	}
	f := &channel.Failure{Reason: channel.Broken, Code: code, Text: plainWords(answer.ErrorDescription, secrets...)}
	switch {
	case code == "temporarily_unavailable" || code == "server_error" || status >= 500:
		f.Reason = channel.Temporary
	case status == http.StatusTooManyRequests || code == "slow_down":
		f.Reason, f.RetryAfter = channel.Throttled, time.Minute
	}
	if f.Code == "" {
		f.Code = fmt.Sprint(status)
	}
	if f.Text == "" {
		f.Text = "the token server does not renew the sign-in"
	}
	return f
}

// sealed is a refresh token that a provider handed out, and for which of the
// administrator's: a new sign-in makes the stored one void.
type sealed struct {
	For   []byte `json:"for"`
	Nonce []byte `json:"nonce"`
	Token []byte `json:"token"`
}

func (t *tokens) origin() []byte {
	sum := sha256.Sum256([]byte(string(t.set.OAuthRefreshToken) + "\x00" + t.set.OAuthClientID))
	return sum[:8]
}

func (t *tokens) seal() (cipher.AEAD, error) {
	key := sha256.Sum256(append([]byte("email/oauth/"), t.env.Key...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (t *tokens) stored(ctx context.Context) string {
	given := string(t.set.OAuthRefreshToken)
	raw, err := t.env.State.Get(ctx, refreshKey)
	var s sealed
	if err != nil || json.Unmarshal(raw, &s) != nil || string(s.For) != string(t.origin()) {
		return given
	}
	aead, err := t.seal()
	if err != nil || len(s.Nonce) != aead.NonceSize() {
		return given
	}
	token, err := aead.Open(nil, s.Nonce, s.Token, s.For)
	if err != nil {
		return given
	}
	return string(token)
}

func (t *tokens) store(ctx context.Context, token string) {
	aead, err := t.seal()
	if err != nil {
		return
	}
	s := sealed{For: t.origin(), Nonce: make([]byte, aead.NonceSize())}
	if _, err := rand.Read(s.Nonce); err != nil {
		return
	}
	s.Token = aead.Seal(nil, s.Nonce, []byte(token), s.For)
	raw, _ := json.Marshal(s)
	if err := t.env.State.Put(ctx, refreshKey, raw); err != nil {
		// the old token goes on working for a while; the next rotation tries again
		t.env.Log.Warn("new refresh token not kept", "account", t.set.Address, "err", err)
	}
}

// mechanism is the SASL client for the account, by password or by token.
func (a *adapter) mechanism(ctx context.Context, user, password, host string, port int, offered func(string) bool) (sasl.Client, error) {
	if a.tokens == nil {
		if !offered("PLAIN") && offered("LOGIN") {
			return sasl.NewLoginClient(user, password), nil
		}
		return sasl.NewPlainClient("", user, password), nil
	}
	token, err := a.tokens.access(ctx)
	if err != nil {
		return nil, err
	}
	bearer := a.set.OAuthMechanism == "oauthbearer"
	if offered("OAUTHBEARER") != offered("XOAUTH2") {
		bearer = offered("OAUTHBEARER") // what the server has goes before what was asked for
	}
	if bearer {
		return sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: user, Token: token, Host: host, Port: port}), nil
	}
	return &xoauth2{user, token}, nil
}

// xoauth2 is Google's and Microsoft's mechanism from before RFC 7628.
type xoauth2 struct{ user, token string }

func (x *xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next answers the error that the server sends as a challenge with nothing, as
// the mechanism wants it; the refusal follows.
func (x *xoauth2) Next([]byte) ([]byte, error) { return []byte{}, nil }
