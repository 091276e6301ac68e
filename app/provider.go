package app

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/api"
	"holdfast/oidc"
	"holdfast/setup"
)

// vouching is the sign-in provider in force: the configuration file's, else the one
// that the console has set, on whichever node.
type vouching struct {
	app *App

	mu sync.Mutex
	at time.Time // of the stored one that p is made of
	p  *oidc.Provider
}

// file is the configuration file's; nil for none.
func (v *vouching) file() *setup.SignInProvider {
	c := &v.app.Config
	if c.OIDCIssuer == "" {
		return nil
	}
	return &setup.SignInProvider{Name: c.OIDCName, Issuer: c.OIDCIssuer, ClientID: c.OIDCClientID, ClientSecret: c.OIDCClientSecret, Domains: c.OIDCDomains, Role: holdfast.Role(c.OIDCRole)}
}

// now is who vouches for operators, nil for nobody, and who is welcome then.
func (v *vouching) now(ctx context.Context) (*oidc.Provider, access.Welcome, error) {
	s := v.file()
	// Whoever configures the machine chose the address, so that it may be one of the
	// office's own; one that was typed into the console may only where channels may.
	private := s != nil || v.app.Config.AllowPrivate
	if s == nil {
		stored, err := v.app.Setup.SignInProvider(ctx)
		if err != nil {
			return nil, access.Welcome{}, err
		}
		if stored.Issuer == "" {
			return nil, access.Welcome{}, nil
		}
		s = &stored
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.p == nil || !v.at.Equal(s.ChangedAt) {
		v.p, v.at = v.make(s, private), s.ChangedAt
	}
	return v.p, access.Welcome{Domains: s.Domains, Role: s.Role}, nil
}

func (v *vouching) make(s *setup.SignInProvider, private bool) *oidc.Provider {
	return oidc.New(oidc.Config{Name: s.Name, Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: s.ClientSecret},
		v.app.URL()+api.ProviderCallback, filepath.Join(v.app.Config.Data, "oidc"), guardedClient(private), nil)
}

// try asks the provider at an address who it is, and keeps nothing of the answer.
func (v *vouching) try(ctx context.Context, issuer string) error {
	return v.make(&setup.SignInProvider{Issuer: issuer}, v.app.Config.AllowPrivate).Try(ctx)
}
