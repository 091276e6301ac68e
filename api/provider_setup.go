package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/oidc"
	"holdfast/setup"
)

// Vouching is the sign-in provider: the one in force, a try of another, and the
// configuration file's, which the console does not change.
type Vouching struct {
	// Now is who vouches for operators, nil for nobody, and who is welcome then.
	Now func(ctx context.Context) (*oidc.Provider, access.Welcome, error)
	// Try asks the provider at an address who it is.
	Try func(ctx context.Context, issuer string) error
	// File is nil when the configuration file names none.
	File func() *setup.SignInProvider
}

// providerView is the sign-in provider as the console may show it.
type providerView struct {
	Source    string        `json:"source" enum:"none,console,file" doc:"file: the configuration file names it, and it is changed there."`
	Name      string        `json:"name"`
	Issuer    string        `json:"issuer"`
	ClientID  string        `json:"client_id"`
	SecretSet bool          `json:"secret_set"`
	Domains   []string      `json:"domains" doc:"Owners of verified addresses of these become operators at their first sign-in; empty: only who was added."`
	Role      holdfast.Role `json:"role" enum:"administrator,supervisor,operator,observer" doc:"That they get, in the first workspace."`
	Callback  string        `json:"callback" doc:"The address that the provider must send browsers back to."`
	MayChange bool          `json:"may_change" doc:"False: it vouches for the operators of workspaces that you do not administer."`
}

func (a *API) readProvider(ctx context.Context, id access.Identity, _ *struct{}) (*body[providerView], error) {
	v := providerView{Source: "none", Callback: a.PublicURL + ProviderCallback}
	p := a.Vouching.File()
	if p != nil {
		v.Source = "file"
	} else {
		stored, err := a.Setup.SignInProvider(ctx)
		if err != nil {
			return nil, err
		}
		if p = &stored; p.Issuer != "" {
			v.Source = "console"
		}
		switch err := a.Setup.MayVouch(ctx, id); holdfast.KindOf(err) {
		case holdfast.Forbidden:
		default:
			if err != nil {
				return nil, err
			}
			v.MayChange = true
		}
	}
	v.Name, v.Issuer, v.ClientID, v.SecretSet, v.Domains, v.Role = p.Name, p.Issuer, p.ClientID, p.ClientSecret != "", p.Domains, p.Role
	if v.Domains == nil {
		v.Domains = []string{}
	}
	return ok(v, nil)
}

func (a *API) fileWins() error {
	if a.Vouching.File() == nil {
		return nil
	}
	return holdfast.Errorf(holdfast.Conflict, "oidc.by_file", "the sign-in provider is set in the configuration file").WithNext("Change it there, or take it out of there first.")
}

type providerSetupIn struct {
	Body struct {
		Name         string   `json:"name,omitempty" maxLength:"60" doc:"What the button says; empty: the issuer's host."`
		Issuer       string   `json:"issuer" maxLength:"500" doc:"As https://login.example.com."`
		ClientID     string   `json:"client_id" maxLength:"300"`
		ClientSecret string   `json:"client_secret,omitempty" maxLength:"1000" doc:"Empty: stays as it is, at the same issuer; a public client has none."`
		Domains      []string `json:"domains,omitempty" maxItems:"50"`
		Role         string   `json:"role,omitempty" enum:"administrator,supervisor,operator,observer"`
	}
}

func (a *API) setProvider(ctx context.Context, id access.Identity, in *providerSetupIn) (*body[providerView], error) {
	if err := a.fileWins(); err != nil {
		return nil, err
	}
	if err := a.Setup.SetSignInProvider(ctx, id, setup.SignInProvider{Name: in.Body.Name, Issuer: in.Body.Issuer, ClientID: in.Body.ClientID, ClientSecret: in.Body.ClientSecret,
		Domains: in.Body.Domains, Role: holdfast.Role(in.Body.Role)}); err != nil {
		return nil, err
	}
	return a.readProvider(ctx, id, nil)
}

func (a *API) removeProvider(ctx context.Context, id access.Identity, _ *struct{}) (*nothing, error) {
	if err := a.fileWins(); err != nil {
		return nil, err
	}
	return end(a.Setup.RemoveSignInProvider(ctx, id))
}

type tryProviderIn struct {
	Body struct {
		Issuer string `json:"issuer" maxLength:"500"`
	}
}

// tried is what came of asking a provider who it is.
type tried struct {
	OK  bool   `json:"ok"`
	Why string `json:"why,omitempty" doc:"In English, as the program said it."`
}

func (a *API) tryProvider(ctx context.Context, id access.Identity, in *tryProviderIn) (*body[tried], error) {
	if err := a.Setup.MayVouch(ctx, id); err != nil {
		return nil, err
	}
	issuer, err := setup.CheckIssuer(in.Body.Issuer)
	if err != nil {
		return nil, err
	}
	if err := a.Vouching.Try(ctx, issuer); err != nil {
		return ok(tried{Why: err.Error()}, nil)
	}
	return ok(tried{OK: true}, nil)
}
