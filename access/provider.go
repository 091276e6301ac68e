package access

import (
	"context"
	"errors"
	"strings"

	"holdfast"
	"holdfast/store"
)

// Vouched is whom a sign-in provider vouches for.
type Vouched struct {
	Issuer   string
	Subject  string // stays the same when the address changes
	Email    string
	Verified bool
	Name     string
}

// Welcome says who is let in beside those who are operators already.
type Welcome struct {
	Domains []string      // of addresses whose owners become operators
	Role    holdfast.Role // that they get, in the first workspace
}

// takes reports whether an address is of one of the domains.
func (w Welcome) takes(email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	for _, d := range w.Domains {
		if strings.EqualFold(domain, strings.TrimPrefix(strings.TrimSpace(d), "@")) && domain != "" {
			return true
		}
	}
	return false
}

// ProviderSignIn begins a session for whom a provider vouches for. It stands for
// the password, not for the second factor. The first time, a verified address finds
// the operator, or a welcome one becomes one. Errors: Unauthenticated
// "oidc.email_unverified" and "oidc.unknown".
func (g *Guard) ProviderSignIn(ctx context.Context, v Vouched, w Welcome, address, agent string) (SignedIn, error) {
	unknown := holdfast.Errorf(holdfast.Unauthenticated, "oidc.unknown", "the provider knows you, but nobody has added you to this desk").
		WithNext("Ask an administrator to add you with this e-mail address.")
	issuer, subject := store.Text(v.Issuer), store.Text(v.Subject)
	if issuer == "" || subject == "" || len(subject) > 255 {
		return SignedIn{}, unknown
	}
	var in SignedIn
	err := g.write(ctx, func(tx *store.Tx) error {
		var a account
		var operator holdfast.ID
		err := tx.QueryRow("SELECT operator FROM provider_identity WHERE issuer = $1 AND subject = $2", issuer, subject).Scan(&operator)
		if errors.Is(err, store.ErrNoRows) {
			operator, err = g.recognise(tx, v, w, unknown, address, agent)
		}
		if err != nil {
			return err
		}
		err = a.scan(tx.QueryRow(accountColumns+"WHERE id = $1", operator))
		if errors.Is(err, store.ErrNoRows) || err == nil && a.disabled {
			return unknown
		}
		if err != nil {
			return err
		}
		in, err = g.admit(tx, person(operator, address, agent), &a, false, "provider")
		return err
	})
	return in, err
}

// recognise finds or makes the operator of a provider's person, and remembers who they are there.
func (g *Guard) recognise(tx *store.Tx, v Vouched, w Welcome, unknown error, address, agent string) (holdfast.ID, error) {
	if !v.Verified {
		return holdfast.ID{}, holdfast.Errorf(holdfast.Unauthenticated, "oidc.email_unverified", "the provider does not vouch for your e-mail address").
			WithNext("Confirm your address there, then try again.")
	}
	email, err := NormalEmail(v.Email)
	if err != nil {
		return holdfast.ID{}, unknown
	}
	var a account
	err = a.scan(tx.QueryRow(accountColumns+"WHERE email = $1", email))
	if errors.Is(err, store.ErrNoRows) {
		if !w.takes(email) {
			return holdfast.ID{}, unknown
		}
		a.id, err = g.welcome(tx, v, w, email, address)
	}
	if err != nil {
		return holdfast.ID{}, err
	}
	if a.disabled {
		return holdfast.ID{}, unknown
	}
	if err := tx.Exec("INSERT INTO provider_identity (issuer, subject, operator, created_at) VALUES ($1, $2, $3, $4)",
		store.Text(v.Issuer), store.Text(v.Subject), a.id, tx.Now); err != nil {
		return holdfast.ID{}, err
	}
	return a.id, recordOwn(tx, person(a.id, address, agent), "operator.provider_linked", map[string]string{"issuer": store.Text(v.Issuer)})
}

// welcome makes an operator of somebody whose address is of a welcome domain.
func (g *Guard) welcome(tx *store.Tx, v Vouched, w Welcome, email, address string) (holdfast.ID, error) {
	var workspace holdfast.ID
	var language string
	err := tx.QueryRow("SELECT id, language FROM workspace ORDER BY created_at, id LIMIT 1").Scan(&workspace, &language)
	if err != nil {
		return holdfast.ID{}, err
	}
	o := NewOperator{Email: email, Name: clip(strings.TrimSpace(v.Name), 100), Language: language, Role: w.Role}
	if _, err := checkName(o.Name); err != nil {
		o.Name, _, _ = strings.Cut(email, "@")
	}
	if err := o.check(); err != nil {
		return holdfast.ID{}, err
	}
	by := System(workspace)
	by.Address = address
	return o.ID, g.addOperator(tx, by, o, "")
}
