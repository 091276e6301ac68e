package chat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"holdfast"
)

// tokenLife is how long a visitor is remembered without coming back. Each new
// session starts it again.
const tokenLife = 180 * 24 * time.Hour

// claims is who a visitor is, as this desk has signed it.
type claims struct {
	Visitor string `json:"v"`           // a UUID
	Name    string `json:"n,omitempty"` // as he or the site wrote it
	Email   string `json:"e,omitempty"`
	Phone   string `json:"t,omitempty"`
	Lang    string `json:"l,omitempty"`
	// Seal is set when the host site has vouched for the visitor. It depends on the
	// site's secret, so that changing a leaked secret ends the sessions made with it.
	Seal string `json:"s,omitempty"`
	// Proved means that the site's signature covers Email and Phone, too.
	Proved bool `json:"p,omitempty"`
	// Was is the same browser's anonymous id before the site vouched for it.
	Was     string `json:"w,omitempty"`
	Expires int64  `json:"x"` // Unix seconds
}

// address is the visitor as the desk writes to him.
func (c *claims) address() holdfast.Address {
	return holdfast.Address{Scheme: scheme, Value: c.Visitor, Name: c.Name, Verified: c.Seal != ""}
}

// signer makes and checks texts of the form v1.PAYLOAD.MAC. The account and the
// purpose are part of what is signed, so that a token for one thing or one site
// is never good for another.
type signer struct {
	key     []byte
	account holdfast.ID
}

var b64 = base64.RawURLEncoding

func (s signer) mac(purpose, payload string) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write(s.account[:])
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write([]byte(payload))
	return m.Sum(nil)
}

func (s signer) sign(purpose string, v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("chat: " + err.Error()) // plain structs of strings and numbers
	}
	payload := "v1." + b64.EncodeToString(raw)
	return payload + "." + b64.EncodeToString(s.mac(purpose, payload))
}

// open reads what sign made into v and reports whether it is ours and whole.
func (s signer) open(purpose, token string, v any) bool {
	dot := strings.LastIndexByte(token, '.')
	if dot < 4 || len(token) > 4096 || token[:3] != "v1." {
		return false
	}
	var sum [sha256.Size + 4]byte
	if b64.DecodedLen(len(token)-dot-1) > len(sum) {
		return false
	}
	n, err := b64.Strict().Decode(sum[:], []byte(token[dot+1:]))
	if err != nil || !hmac.Equal(sum[:n], s.mac(purpose, token[:dot])) {
		return false
	}
	raw, err := b64.DecodeString(token[3:dot])
	return err == nil && json.Unmarshal(raw, v) == nil
}

// visitorToken signs c for another tokenLife.
func (a *Adapter) visitorToken(c *claims) string {
	c.Expires = a.env.Now().Add(tokenLife).Unix()
	return a.tokens.sign("visitor", c)
}

// claimsOf checks one token. The error is Unauthenticated.
func (a *Adapter) claimsOf(token string) (*claims, error) {
	c := new(claims)
	switch {
	case !a.tokens.open("visitor", token, c), c.Visitor == "":
		return nil, holdfast.Errorf(holdfast.Unauthenticated, "chat.token_invalid", "this token was not made here").
			WithNext("Ask for a new one with POST session.")
	case a.env.Now().Unix() >= c.Expires:
		return nil, holdfast.Errorf(holdfast.Unauthenticated, "chat.token_expired", "this token has expired").
			WithNext("Ask for a new one with POST session.")
	case c.Seal != a.seal && c.Seal != "":
		return nil, holdfast.Errorf(holdfast.Unauthenticated, "chat.token_revoked", "the site's secret has changed since").
			WithNext("Identify the visitor again with POST session.")
	case c.Seal == "" && a.set.RequireIdentity:
		return nil, errIdentityRequired()
	}
	return c, nil
}

func errIdentityRequired() error {
	return holdfast.Errorf(holdfast.Unauthenticated, "chat.identity_required", "this chat is for signed-in customers").
		WithNext("Sign in on the site; the site then passes your identity.")
}

// visitor is who sends r: the bearer token, the token parameter (EventSource and
// WebSocket cannot set headers) or the cookie. A cookie travels by itself, so it
// counts only from our own pages and from origins named in the settings.
func (a *Adapter) visitor(r *http.Request) (*claims, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		if len(h) > 7 && strings.EqualFold(h[:7], "Bearer ") {
			return a.claimsOf(strings.TrimSpace(h[7:]))
		}
		return nil, holdfast.Errorf(holdfast.Unauthenticated, "chat.token_invalid", "the Authorization header is not a bearer token").
			WithNext("Send Authorization: Bearer and the token of POST session.")
	}
	if r.URL.RawQuery != "" {
		if t := r.URL.Query().Get("token"); t != "" {
			return a.claimsOf(t)
		}
	}
	if a.origins.trustsCookie(r) {
		if c, err := r.Cookie(a.cookieName()); err == nil && c.Value != "" {
			return a.claimsOf(c.Value)
		}
	}
	return nil, holdfast.Errorf(holdfast.Unauthenticated, "chat.token_missing", "who is writing?").
		WithNext("Send the token of POST session as Authorization: Bearer.")
}

func (a *Adapter) cookieName() string { return "hf_chat_" + a.account.ID.String() }

func (a *Adapter) setCookie(w http.ResponseWriter, r *http.Request, token string) {
	c := &http.Cookie{
		Name: a.cookieName(), Value: token, HttpOnly: true, MaxAge: int(tokenLife / time.Second),
		Path: "/chat/v1/" + a.account.ID.String(), SameSite: http.SameSiteLaxMode,
	}
	if r.TLS != nil || strings.HasPrefix(a.env.PublicURL, "https://") {
		c.Secure, c.SameSite = true, http.SameSiteNoneMode
	}
	http.SetCookie(w, c)
}
