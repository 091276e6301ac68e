package setup

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
)

// SignInProvider is who else vouches for operators, by OpenID Connect, for the whole
// installation. The zero value is nobody.
type SignInProvider struct {
	Name         string        `json:"name,omitempty"` // what the button says; "" means the issuer's host
	Issuer       string        `json:"issuer"`
	ClientID     string        `json:"client_id"`
	ClientSecret string        `json:"client_secret,omitempty"`
	Domains      []string      `json:"domains"` // of addresses whose owners become operators by themselves
	Role         holdfast.Role `json:"role"`    // that those get
	ChangedAt    time.Time     `json:"-"`
}

const (
	providerPurpose = "sign-in provider"
	maxDomains      = 50
)

// SignInProvider reads it; one without an issuer is none.
func (s *Setup) SignInProvider(ctx context.Context) (SignInProvider, error) {
	var sealed []byte
	var at time.Time
	err := s.db.QueryRow(ctx, "SELECT sealed, changed_at FROM sign_in_provider WHERE id = 1").Scan(&sealed, &at)
	if errors.Is(err, store.ErrNoRows) {
		return SignInProvider{Domains: []string{}, Role: holdfast.Operator}, nil
	}
	if err != nil {
		return SignInProvider{}, err
	}
	return s.unsealProvider(sealed, at)
}

func (s *Setup) unsealProvider(sealed []byte, at time.Time) (SignInProvider, error) {
	raw, err := s.seal.Open(providerPurpose, holdfast.ID{}, sealed)
	if err != nil {
		return SignInProvider{}, err
	}
	p := SignInProvider{ChangedAt: at}
	err = json.Unmarshal(raw, &p)
	return p, err
}

// MayVouch is nil when by may say who vouches for operators: whoever is vouched for is
// let in everywhere they belong, so that only an administrator of every workspace may
// (the demo's does not count). Forbidden "oidc.not_everywhere" for others.
func (s *Setup) MayVouch(ctx context.Context, by access.Identity) error {
	return s.everywhere(ctx, by, holdfast.Errorf(holdfast.Forbidden, "oidc.not_everywhere", "a sign-in provider vouches for the operators of every workspace").
		WithNext("Ask an administrator of all of them."))
}

// MayManageNode is nil when by may change what is the node's and so every workspace's:
// its uplinks. Forbidden "node.not_everywhere" for others.
func (s *Setup) MayManageNode(ctx context.Context, by access.Identity) error {
	return s.everywhere(ctx, by, holdfast.Errorf(holdfast.Forbidden, "node.not_everywhere", "the links of this node are those of every workspace").
		WithNext("Ask an administrator of all of them."))
}

// everywhere is nil for an administrator of every workspace but the demo's, and beyond
// for others.
func (s *Setup) everywhere(ctx context.Context, by access.Identity, beyond error) error {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return err
	}
	if by.Everywhere() {
		return nil
	}
	if by.Operator.IsZero() {
		return beyond // a token is worth something in its own workspace alone
	}
	all, err := s.Workspaces(ctx, access.System(holdfast.ID{}))
	if err != nil {
		return err
	}
	mine, err := s.guard.Memberships(ctx, by.Operator)
	if err != nil {
		return err
	}
	role := map[holdfast.ID]holdfast.Role{}
	for _, m := range mine {
		role[m.Workspace] = m.Role
	}
	for _, w := range all {
		if !w.Demo && !role[w.ID].May(holdfast.ManageWorkspace) {
			return beyond
		}
	}
	return nil
}

// SetSignInProvider changes who vouches for operators. An empty secret keeps the one
// there is, at the same issuer. Errors: Forbidden, Invalid.
func (s *Setup) SetSignInProvider(ctx context.Context, by access.Identity, p SignInProvider) error {
	if err := s.MayVouch(ctx, by); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		var sealed []byte
		var at time.Time
		err := tx.QueryRow("SELECT sealed, changed_at FROM sign_in_provider WHERE id = 1").Scan(&sealed, &at)
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return err
		}
		if err == nil && p.ClientSecret == "" {
			// What cannot be read any more is written anew.
			if had, err := s.unsealProvider(sealed, at); err == nil && had.Issuer == p.Issuer && had.ClientID == p.ClientID {
				p.ClientSecret = had.ClientSecret
			}
		}
		raw, err := json.Marshal(p)
		if err != nil {
			return err
		}
		now := tx.Now
		if !now.After(at) {
			now = at.Add(time.Millisecond) // whoever keeps what it read sees that it is another
		}
		if err := tx.Exec("INSERT INTO sign_in_provider (id, sealed, changed_at) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at",
			s.seal.Seal(providerPurpose, holdfast.ID{}, raw), now); err != nil {
			return err
		}
		return s.note(tx, by, "workspace", by.Workspace, "provider.changed", "changed", map[string]any{"issuer": p.Issuer, "client_id": p.ClientID, "domains": p.Domains, "role": p.Role})
	})
}

// RemoveSignInProvider takes it away; who they were to it is remembered. Errors: Forbidden.
func (s *Setup) RemoveSignInProvider(ctx context.Context, by access.Identity) error {
	if err := s.MayVouch(ctx, by); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecN("DELETE FROM sign_in_provider WHERE id = 1")
		if err != nil || n == 0 {
			return err
		}
		return s.note(tx, by, "workspace", by.Workspace, "provider.removed", "changed", nil)
	})
}

// check refuses what cannot be a provider and puts the rest in order. The error is Invalid.
func (p *SignInProvider) check() error {
	p.Name = strings.TrimSpace(store.Text(p.Name))
	if len([]rune(p.Name)) > 60 || strings.ContainsFunc(p.Name, unicode.IsControl) {
		return holdfast.Errorf(holdfast.Invalid, "name.invalid", "a name has at most 60 characters on one line").WithField("name")
	}
	var err error
	if p.Issuer, err = CheckIssuer(p.Issuer); err != nil {
		return err
	}
	if p.ClientID = strings.TrimSpace(store.Text(p.ClientID)); p.ClientID == "" || len(p.ClientID) > 300 {
		return holdfast.Errorf(holdfast.Invalid, "oidc.client_missing", "the provider's name for this desk is missing").WithField("client_id").WithNext("Register this desk at the provider and copy its client id.")
	}
	domains := []string{}
	for _, d := range p.Domains {
		d = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(d), "@"))
		if d == "" {
			continue
		}
		if !strings.Contains(d, ".") || len(d) > 253 || strings.ContainsAny(d, "@ */,") || strings.ContainsFunc(d, unicode.IsControl) || len(domains) == maxDomains {
			return holdfast.Errorf(holdfast.Invalid, "oidc.domain_invalid", "a domain is what stands after the @ of an address").WithField("domains").WithNext("Write it as example.com, each on a line.")
		}
		domains = append(domains, d)
	}
	p.Domains = domains
	if p.Role == "" {
		p.Role = holdfast.Operator
	}
	_, err = holdfast.ParseRole(string(p.Role))
	return err
}

// CheckIssuer is the address of a provider as its tokens say it: without a slash at
// the end. The error is Invalid.
func CheckIssuer(issuer string) (string, error) {
	issuer = strings.TrimSuffix(strings.TrimSpace(issuer), "/")
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" || len(issuer) > 500 {
		return "", holdfast.Errorf(holdfast.Invalid, "oidc.issuer_invalid", "the issuer is the provider's address").WithField("issuer").WithNext("Write it as https://login.example.com.")
	}
	return issuer, nil
}
