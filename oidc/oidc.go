// Package oidc asks a sign-in provider who somebody is: OpenID Connect's code flow
// with PKCE, state and nonce, over what the provider said of itself last.
//
// It refuses to decide whether whoever it was told of may come in, to believe a
// token that is not for this desk, this browser and this minute, and to be needed:
// a provider that is away is said to be away, and the desk's own ways in stay open.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	coreos "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"holdfast"
)

const (
	// skew is how far the provider's clock may be behind ours.
	skew = 2 * time.Minute
	// asked is how long the provider is taken to be where it was.
	asked   = 30 * time.Second
	timeout = 5 * time.Second
	// documentLimit bounds the provider's answers, in bytes.
	documentLimit = 256 << 10
)

// Config names a provider. Issuer is its URL, the same that its tokens say.
type Config struct {
	Name         string // what the button says; "" means the issuer's host
	Issuer       string
	ClientID     string
	ClientSecret string
}

// Pending is what the browser that went to the provider must bring back.
type Pending struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// Person is whom the provider vouches for.
type Person struct {
	Issuer   string
	Subject  string
	Email    string
	Verified bool // the address is theirs, says the provider
	Name     string
}

// Provider is one of them. Make one with New.
type Provider struct {
	c        Config
	redirect string
	folder   string
	http     *http.Client
	now      func() time.Time

	mu   sync.Mutex
	doc  *document
	keys *coreos.RemoteKeySet
	at   time.Time // of the last question
	away error     // what came of it
}

// document is the part of the provider's own description that we use.
type document struct {
	Issuer     string   `json:"issuer"`
	Authorize  string   `json:"authorization_endpoint"`
	Token      string   `json:"token_endpoint"`
	Keys       string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
}

// New makes a Provider that sends browsers back to redirect and keeps what it
// learns in folder. It does no I/O; now may be nil.
func New(c Config, redirect, folder string, client *http.Client, now func() time.Time) *Provider {
	c.Issuer = strings.TrimSuffix(c.Issuer, "/")
	if c.Name == "" {
		if u, err := url.Parse(c.Issuer); err == nil {
			c.Name = u.Hostname()
		}
	}
	if now == nil {
		now = time.Now
	}
	h := *client
	h.Timeout = timeout
	return &Provider{c: c, redirect: redirect, folder: folder, http: &h, now: now}
}

// Name is what the provider's button says.
func (p *Provider) Name() string { return p.c.Name }

func errAway(err error) error {
	e := holdfast.Errorf(holdfast.Unavailable, "oidc.unreachable", "the sign-in provider cannot be reached").
		WithNext("Sign in by password, passkey or link.")
	e.Err = err
	return e
}

func errRefused(why string) error {
	return holdfast.Errorf(holdfast.Unauthenticated, "oidc.refused", "the sign-in provider's answer was not accepted: %s", why).
		WithNext("Try again, or sign in by password, passkey or link.")
}

// Reach asks the provider for its description, at most twice a minute. Unavailable
// "oidc.unreachable" when it does not answer.
func (p *Provider) Reach(ctx context.Context) error {
	_, _, err := p.describe(ctx)
	return err
}

// Try asks the provider for its description now and keeps nothing. The error says
// what is wrong with it.
func (p *Provider) Try(ctx context.Context) error {
	_, _, _, err := p.fetch(ctx)
	return err
}

// describe is what the provider says of itself. One that answers with an error is
// there, and what it said before is taken for true.
func (p *Provider) describe(ctx context.Context) (*document, *coreos.RemoteKeySet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := p.now().Sub(p.at); !p.at.IsZero() && age >= 0 && age < asked {
		return p.doc, p.keys, p.away
	}
	fresh, raw, there, err := p.fetch(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, nil, ctx.Err() // the asker went away; the provider is not to blame
	}
	p.at, p.away = p.now(), nil
	switch {
	case err == nil:
		p.learn(fresh)
		p.keep(raw)
	case there && p.recall():
	default:
		p.away = errAway(err)
	}
	return p.doc, p.keys, p.away
}

func (p *Provider) learn(d *document) {
	if p.doc == nil || p.doc.Keys != d.Keys {
		// The keys are fetched when a token comes, long after this request.
		p.keys = coreos.NewRemoteKeySet(coreos.ClientContext(context.Background(), p.http), d.Keys)
	}
	p.doc = d
}

func (p *Provider) fetch(ctx context.Context) (d *document, raw []byte, there bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.c.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return nil, nil, false, err
	}
	res, err := p.http.Do(req)
	if err != nil {
		return nil, nil, false, err
	}
	defer res.Body.Close()
	raw, err = io.ReadAll(io.LimitReader(res.Body, documentLimit))
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New("the provider answered " + res.Status)
	}
	if err == nil {
		d, err = p.parse(raw)
	}
	return d, raw, true, err
}

// parse reads a description; one that is somebody else's is refused.
func (p *Provider) parse(raw []byte) (*document, error) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, err
	}
	if strings.TrimSuffix(d.Issuer, "/") != p.c.Issuer {
		return nil, errors.New("the provider calls itself " + d.Issuer)
	}
	for _, s := range []string{d.Authorize, d.Token, d.Keys} {
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, errors.New("the provider's description lacks an address")
		}
	}
	return &d, nil
}

func (p *Provider) file() string {
	return filepath.Join(p.folder, base64.RawURLEncoding.EncodeToString([]byte(p.c.Issuer))+".json")
}

// keep writes the description down. That it cannot be kept is no reason to keep anybody out.
func (p *Provider) keep(raw []byte) {
	if old, err := os.ReadFile(p.file()); err == nil && string(old) == string(raw) {
		return
	}
	if os.MkdirAll(p.folder, 0o700) == nil && os.WriteFile(p.file()+".new", raw, 0o600) == nil {
		os.Rename(p.file()+".new", p.file())
	}
}

// recall reads what was kept, when nothing is known yet.
func (p *Provider) recall() bool {
	if p.doc != nil {
		return true
	}
	raw, err := os.ReadFile(p.file())
	if err != nil {
		return false
	}
	d, err := p.parse(raw)
	if err != nil {
		return false
	}
	p.learn(d)
	return true
}

func (p *Provider) client(d *document) *oauth2.Config {
	return &oauth2.Config{ClientID: p.c.ClientID, ClientSecret: p.c.ClientSecret, RedirectURL: p.redirect,
		Endpoint: oauth2.Endpoint{AuthURL: d.Authorize, TokenURL: d.Token}, Scopes: strings.Fields("openid email profile")}
}

// Begin says where to send the browser and what it must bring back. Errors:
// Unavailable "oidc.unreachable".
func (p *Provider) Begin(ctx context.Context) (to string, pending Pending, err error) {
	d, _, err := p.describe(ctx)
	if err != nil {
		return "", Pending{}, err
	}
	pending = Pending{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return p.client(d).AuthCodeURL(pending.State, coreos.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)), pending, nil
}

// Finish exchanges the code that came back and says whom the provider vouches for.
// Errors: Unauthenticated "oidc.refused"; Unavailable "oidc.unreachable".
func (p *Provider) Finish(ctx context.Context, pending Pending, state, code string) (Person, error) {
	if pending.State == "" || subtle.ConstantTimeCompare([]byte(state), []byte(pending.State)) != 1 {
		return Person{}, errRefused("it is not the answer to what this browser asked")
	}
	if code == "" {
		return Person{}, errRefused("it holds no code")
	}
	d, keys, err := p.describe(ctx)
	if err != nil {
		return Person{}, err
	}
	ctx = coreos.ClientContext(ctx, p.http)
	token, err := p.client(d).Exchange(ctx, code, oauth2.VerifierOption(pending.Verifier))
	if err != nil {
		var said *oauth2.RetrieveError
		if errors.As(err, &said) && said.Response.StatusCode < 500 {
			return Person{}, errRefused("the code was not taken")
		}
		return Person{}, errAway(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Person{}, errRefused("it holds no identity")
	}
	verifier := coreos.NewVerifier(d.Issuer, keys, &coreos.Config{ClientID: p.c.ClientID, SupportedSigningAlgs: signed(d.Algorithms),
		Now: func() time.Time { return p.now().Add(-skew) }})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return Person{}, errRefused("the identity is not signed for this desk, or not any more")
	}
	if id.Nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(pending.Nonce)) != 1 {
		return Person{}, errRefused("the identity is the answer to another question")
	}
	var claims struct {
		Email    string `json:"email"`
		Verified truth  `json:"email_verified"`
		Name     string `json:"name"`
		Party    string `json:"azp"`
	}
	if err := id.Claims(&claims); err != nil {
		return Person{}, errRefused("the identity cannot be read")
	}
	if claims.Party != "" && claims.Party != p.c.ClientID || len(id.Audience) > 1 && claims.Party == "" {
		return Person{}, errRefused("the identity is for another program")
	}
	return Person{Issuer: d.Issuer, Subject: id.Subject, Email: claims.Email, Verified: bool(claims.Verified), Name: claims.Name}, nil
}

// truth is a boolean that some providers write as text.
type truth bool

// UnmarshalJSON reads true and "true"; everything else is false.
func (t *truth) UnmarshalJSON(b []byte) error {
	*t = string(b) == "true" || string(b) == `"true"`
	return nil
}

// signed is those of the provider's algorithms that only the provider can sign with.
func signed(all []string) []string {
	var list []string
	for _, a := range all {
		switch a {
		case coreos.RS256, coreos.RS384, coreos.RS512, coreos.ES256, coreos.ES384, coreos.ES512, coreos.PS256, coreos.PS384, coreos.PS512, coreos.EdDSA:
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		return []string{coreos.RS256}
	}
	return list
}
