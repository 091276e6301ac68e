package access

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"holdfast"
	"holdfast/store"
)

// passkeyMaximum bounds what one operator may register.
const passkeyMaximum = 20

// Passkey is one public key of an operator: a device or a password manager.
type Passkey struct {
	ID        holdfast.ID `json:"id"`
	Name      string      `json:"name"`
	CreatedAt time.Time   `json:"created_at"`
	UsedAt    time.Time   `json:"used_at,omitzero"`
}

// Ceremony is a question for a browser's authenticator. Secret holds what we must
// remember of it, sealed, and comes back with the answer.
type Ceremony struct {
	Secret  string
	Options json.RawMessage // of navigator.credentials.create or get
}

// relyingParty is who we are to authenticators: the host of our public address.
func relyingParty(publicURL, name string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" {
		return nil, holdfast.Errorf(holdfast.Unavailable, "passkey.no_address", "this desk does not know its public address").
			WithNext("Set public_url.")
	}
	return webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation})
}

// holder is an operator as the protocol sees one.
type holder struct {
	id          holdfast.ID
	email, name string
	credentials []webauthn.Credential
}

func (h *holder) WebAuthnID() []byte                         { return h.id[:] }
func (h *holder) WebAuthnName() string                       { return h.email }
func (h *holder) WebAuthnDisplayName() string                { return h.name }
func (h *holder) WebAuthnCredentials() []webauthn.Credential { return h.credentials }

// reader is what reads: the database or a transaction.
type reader struct {
	row  func(query string, args ...any) *store.Row
	rows func(query string, args ...any) (*store.Rows, error)
}

func (g *Guard) reader(ctx context.Context) reader {
	return reader{func(q string, args ...any) *store.Row { return g.db.QueryRow(ctx, q, args...) },
		func(q string, args ...any) (*store.Rows, error) { return g.db.Query(ctx, q, args...) }}
}

// holder reads an operator and the keys; a disabled one is not there.
func (r reader) holder(operator holdfast.ID) (*holder, error) {
	h := &holder{id: operator}
	var disabled bool
	err := r.row("SELECT email, name, disabled FROM operator WHERE id = $1", operator).Scan(&h.email, &h.name, &disabled)
	if errors.Is(err, store.ErrNoRows) || err == nil && disabled {
		return nil, errPasskeyRefused()
	}
	if err != nil {
		return nil, err
	}
	rows, err := r.rows("SELECT record FROM passkey WHERE operator = $1 ORDER BY created_at, id", operator)
	records, err := store.Collect(rows, err, func(r *store.Rows, b *[]byte) error { return r.Scan(b) })
	for _, b := range records {
		var c webauthn.Credential
		if err := json.Unmarshal(b, &c); err != nil {
			return nil, err
		}
		h.credentials = append(h.credentials, c)
	}
	return h, err
}

func errPasskeyRefused() error {
	return holdfast.Errorf(holdfast.Unauthenticated, "passkey.refused", "this passkey does not open this desk").
		WithNext("Use another passkey, or sign in by password.")
}

// BeginPasskey asks for a new passkey of the operator of id. A session that is no
// longer fresh must say the password again. Errors: Forbidden "password.needed" or
// "password.wrong"; Conflict "passkey.too_many".
func (g *Guard) BeginPasskey(ctx context.Context, id Identity, password string) (Ceremony, error) {
	if err := id.requireOperator(); err != nil {
		return Ceremony{}, err
	}
	if err := g.proveFresh(ctx, id, password); err != nil {
		return Ceremony{}, err
	}
	party, err := g.party()
	if err != nil {
		return Ceremony{}, err
	}
	h, err := g.reader(ctx).holder(id.Operator)
	if err != nil {
		return Ceremony{}, err
	}
	if len(h.credentials) >= passkeyMaximum {
		return Ceremony{}, errPasskeys()
	}
	options, session, err := party.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.credentials).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired}))
	if err != nil {
		return Ceremony{}, err
	}
	return g.ask(purposeRegister, id.Operator, options.Response, session)
}

func errPasskeys() error {
	return holdfast.Errorf(holdfast.Conflict, "passkey.too_many", "there are %d passkeys already", passkeyMaximum).WithNext("Remove one that you do not use.")
}

// AddPasskey stores the passkey that a browser made for BeginPasskey, and ends
// the operator's other sessions when it is the first second factor. Then recovery
// holds codes that cannot be shown again. Errors: Invalid "passkey.invalid";
// Conflict "passkey.known".
func (g *Guard) AddPasskey(ctx context.Context, id Identity, secret, name string, answer []byte) (key Passkey, recovery []string, err error) {
	if err := id.requireOperator(); err != nil {
		return key, nil, err
	}
	if name, err = checkName(name); err != nil {
		return key, nil, err
	}
	party, err := g.party()
	if err != nil {
		return key, nil, err
	}
	asked, err := g.asked(purposeRegister, id.Operator, secret)
	if err != nil {
		return key, nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return key, nil, errPasskeyInvalid(err)
	}
	err = g.write(ctx, func(tx *store.Tx) error {
		recovery = nil
		h, err := reader{tx.QueryRow, tx.Query}.holder(id.Operator)
		if err != nil {
			return err
		}
		c, err := party.CreateCredential(h, asked.Session, parsed)
		if err != nil {
			return errPasskeyInvalid(err)
		}
		if err := spend(tx, asked); err != nil {
			return err
		}
		if len(h.credentials) >= passkeyMaximum {
			return errPasskeys()
		}
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM passkey WHERE credential = $1", c.ID).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return holdfast.Errorf(holdfast.Conflict, "passkey.known", "this passkey is registered already")
		}
		var a account
		if err := a.scan(tx.QueryRow(accountColumns+"WHERE id = $1", id.Operator)); err != nil {
			return err
		}
		record, err := json.Marshal(c)
		if err != nil {
			return err
		}
		key = Passkey{ID: holdfast.NewID(), Name: name, CreatedAt: tx.Now}
		if err := tx.Exec("INSERT INTO passkey (id, operator, credential, name, record, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
			key.ID, id.Operator, c.ID, name, record, tx.Now); err != nil {
			return err
		}
		if !a.second() {
			if recovery, err = g.storeRecovery(tx, id.Operator); err != nil {
				return err
			}
			if _, err := endSessions(tx, id.Operator, id.Session); err != nil {
				return err
			}
		}
		return g.changedEverywhere(tx, id, id.Operator, "operator.passkey_added", map[string]string{"name": name})
	})
	if err != nil {
		return Passkey{}, nil, err
	}
	return key, recovery, nil
}

func errPasskeyInvalid(err error) error {
	e := holdfast.Errorf(holdfast.Invalid, "passkey.invalid", "the browser's answer is not a passkey for this desk").
		WithNext("Open the desk at its public address and try again.")
	e.Err = err
	return e
}

func (g *Guard) passkeys(ctx context.Context, operator holdfast.ID) ([]Passkey, error) {
	rows, err := g.db.Query(ctx, "SELECT id, name, created_at, used_at FROM passkey WHERE operator = $1 ORDER BY created_at, id", operator)
	list, err := store.Collect(rows, err, func(r *store.Rows, p *Passkey) error { return r.Scan(&p.ID, &p.Name, &p.CreatedAt, &p.UsedAt) })
	if list == nil {
		list = []Passkey{}
	}
	return list, err
}

func errNoPasskey() error {
	return holdfast.Errorf(holdfast.NotFound, "passkey.not_found", "there is no such passkey")
}

// RenamePasskey names a passkey of the operator of id. NotFound for another's.
func (g *Guard) RenamePasskey(ctx context.Context, id Identity, key holdfast.ID, name string) error {
	if err := id.requireOperator(); err != nil {
		return err
	}
	name, err := checkName(name)
	if err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecN("UPDATE passkey SET name = $3 WHERE id = $1 AND operator = $2", key, id.Operator, name)
		if err == nil && n == 0 {
			err = errNoPasskey()
		}
		return err
	})
}

// RemovePasskey takes a passkey of the operator of id away. Errors: NotFound for
// another's; Conflict "second_factor.kept".
func (g *Guard) RemovePasskey(ctx context.Context, id Identity, key holdfast.ID) error {
	if err := id.requireOperator(); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		var a account
		if err := a.scan(tx.QueryRow(accountColumns+"WHERE id = $1", id.Operator)); err != nil {
			return err
		}
		var name string
		err := tx.QueryRow("SELECT name FROM passkey WHERE id = $1 AND operator = $2", key, id.Operator).Scan(&name)
		if errors.Is(err, store.ErrNoRows) {
			return errNoPasskey()
		}
		if err != nil {
			return err
		}
		left := a.totpOn || a.passkeys > 1
		if err := mayDrop(tx, id.Operator, left); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM passkey WHERE id = $1", key); err != nil {
			return err
		}
		if !left {
			if err := tx.Exec("UPDATE operator SET recovery = NULL WHERE id = $1", id.Operator); err != nil {
				return err
			}
		}
		return g.changedEverywhere(tx, id, id.Operator, "operator.passkey_removed", map[string]string{"name": name})
	})
}
