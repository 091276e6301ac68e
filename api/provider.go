package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"

	"holdfast"
	"holdfast/access"
	"holdfast/oidc"
)

const (
	providerCookie = "hf_provider"
	providerPath   = "/api/v1/session/provider"
	providerLife   = 600 // seconds to sign in at the provider
)

// ProviderCallback is the path that a sign-in provider sends browsers back to.
const ProviderCallback = providerPath + "/callback"

// provider is a way in by somebody else's word.
type provider struct {
	Name      string `json:"name"`
	Reachable bool   `json:"reachable" doc:"False: it cannot be asked now; passwords, passkeys and links work."`
}

func (a *API) listProviders(ctx context.Context, _ *struct{}) (*body[page[provider]], error) {
	p, _, err := a.Vouching.Now(ctx)
	if err != nil || p == nil {
		return paged[provider](nil, "", err)
	}
	err = p.Reach(ctx)
	if err != nil && holdfast.KindOf(err) != holdfast.Unavailable {
		return nil, err
	}
	if err != nil {
		a.Log.Warn("the sign-in provider cannot be reached", "err", err)
	}
	return paged([]provider{{p.Name(), err == nil}}, "", nil)
}

type atProvider struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		URL string `json:"url" doc:"Where the browser goes now."`
	}
}

func (a *API) toProvider(ctx context.Context, _ *struct{}) (*atProvider, error) {
	p, _, err := a.Vouching.Now(ctx)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, holdfast.Errorf(holdfast.Conflict, "oidc.none", "no sign-in provider is set up").WithNext("Sign in by password, passkey or link.")
	}
	to, pending, err := p.Begin(ctx)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(pending)
	if err != nil {
		return nil, err
	}
	q := ctx.Value(requestKey{}).(*request)
	out := &atProvider{SetCookie: http.Cookie{Name: providerCookie, Value: base64.RawURLEncoding.EncodeToString(b), Path: providerPath, HttpOnly: true, Secure: q.secure,
		SameSite: http.SameSiteLaxMode, MaxAge: providerLife}}
	out.Body.URL = to
	return out, nil
}

// fromProvider is where the provider sends the browser back to. Whatever came of
// it, the console's own page says so.
func (a *API) fromProvider(w http.ResponseWriter, r *http.Request) {
	in, err := a.vouched(r)
	http.SetCookie(w, &http.Cookie{Name: providerCookie, Path: providerPath, HttpOnly: true, MaxAge: -1, SameSite: http.SameSiteLaxMode})
	q := url.Values{}
	switch {
	case err != nil:
		p := problem(err)
		if p.Status >= http.StatusInternalServerError || p.Code == "oidc.refused" {
			a.Log.Warn("a sign-in by the provider failed", "code", p.Code, "err", err)
		}
		q.Set("fault", p.Code)
	case in.Half:
		q.Set("second", "totp")
		if in.Passkey {
			q.Set("second", "passkey")
		}
	}
	if err == nil {
		c := sessionCookieFor(r.Context(), in)
		http.SetCookie(w, &c)
	}
	to := a.PublicURL + "/"
	if len(q) > 0 {
		to += "#/sign-in?" + q.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (a *API) vouched(r *http.Request) (access.SignedIn, error) {
	provider, welcome, err := a.Vouching.Now(r.Context())
	if err != nil {
		return access.SignedIn{}, err
	}
	if provider == nil {
		return access.SignedIn{}, holdfast.Errorf(holdfast.Conflict, "oidc.none", "no sign-in provider is set up")
	}
	var pending oidc.Pending
	if c, err := r.Cookie(providerCookie); err == nil {
		if b, err := base64.RawURLEncoding.DecodeString(c.Value); err == nil {
			if json.Unmarshal(b, &pending) != nil {
				pending = oidc.Pending{}
			}
		}
	}
	q := r.URL.Query()
	person, err := provider.Finish(r.Context(), pending, q.Get("state"), q.Get("code"))
	if err != nil {
		return access.SignedIn{}, err
	}
	who := r.Context().Value(requestKey{}).(*request)
	return a.Guard.ProviderSignIn(r.Context(), access.Vouched{Issuer: person.Issuer, Subject: person.Subject, Email: person.Email, Verified: person.Verified, Name: person.Name},
		welcome, who.address, who.agent)
}
