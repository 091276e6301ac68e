// Package oidctest is a small sign-in provider for tests: it asks nobody anything
// and says what it was told to say. It refuses to be of use anywhere else.
package oidctest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ClientID and ClientSecret are what the provider knows a desk by.
const (
	ClientID     = "desk"
	ClientSecret = "the desk's secret"
)

// Provider is one that runs. Claims are what its next identity says beside what
// the protocol asks for; they win over that, and nil takes one out.
type Provider struct {
	*httptest.Server

	mu      sync.Mutex
	claims  map[string]any
	failing int
	asked   int
	key     *rsa.PrivateKey
	signing *rsa.PrivateKey
	codes   map[string]code
}

type code struct{ nonce, challenge, redirect string }

// New starts a provider; it stops with the test.
func New(t testing.TB) *Provider {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{key: key, signing: key, codes: map[string]code{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

// Says sets what the next identity claims.
func (p *Provider) Says(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

// Fails makes the description answer with a status; 0 for the description.
func (p *Provider) Fails(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing = status
}

// Forges signs with a key that the provider does not publish.
func (p *Provider) Forges(t testing.TB) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signing = key
}

// Asked is how often the description was asked for.
func (p *Provider) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	say := func(v any) { json.NewEncoder(w).Encode(v) }
	b64 := base64.RawURLEncoding.EncodeToString
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		p.asked++
		if p.failing != 0 {
			w.WriteHeader(p.failing)
			return
		}
		say(map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256"}})
	case "/keys":
		say(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k",
			"n": b64(p.key.N.Bytes()), "e": b64(big.NewInt(int64(p.key.E)).Bytes())}}})
	case "/authorize":
		q := r.URL.Query()
		if q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || q.Get("nonce") == "" {
			http.Error(w, "a question that is not whole", http.StatusBadRequest)
			return
		}
		c := rand.Text()
		p.codes[c] = code{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {c}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	case "/token":
		c, ok := p.codes[r.FormValue("code")]
		delete(p.codes, r.FormValue("code"))
		id, secret, basic := r.BasicAuth()
		if !basic {
			id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
		} else {
			secret, _ = url.QueryUnescape(secret)
		}
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || id != ClientID || secret != ClientSecret || b64(sum[:]) != c.challenge || r.FormValue("redirect_uri") != c.redirect {
			w.WriteHeader(http.StatusBadRequest)
			say(map[string]string{"error": "invalid_grant"})
			return
		}
		now := time.Now()
		claims := jwt.MapClaims{"iss": p.URL, "sub": "1", "aud": ClientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": c.nonce}
		for k, v := range p.claims {
			if claims[k] = v; v == nil {
				delete(claims, k)
			}
		}
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		token.Header["kid"] = "k"
		signed, err := token.SignedString(p.signing)
		if err != nil {
			panic(err) // a key that was made above
		}
		say(map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": signed})
	default:
		http.NotFound(w, r)
	}
}
