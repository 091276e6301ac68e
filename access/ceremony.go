package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"holdfast"
	"holdfast/store"
)

// What a ceremony is for: an answer to one is none to another.
const (
	purposeRegister = "register"
	purposeEnter    = "enter"
	purposeSecond   = "second"
	ceremonyLife    = 5 * time.Minute
)

// question is what we remember of a ceremony. It is sealed and given away, so
// that asking, which anybody may, stores nothing.
type question struct {
	Purpose  string
	Operator holdfast.ID // zero: whoever answers
	Expires  time.Time
	Session  webauthn.SessionData
}

// party is who we are to authenticators.
func (g *Guard) party() (*webauthn.WebAuthn, error) { return relyingParty(g.o.PublicURL, g.o.Issuer) }

func (g *Guard) ask(purpose string, operator holdfast.ID, options any, session *webauthn.SessionData) (Ceremony, error) {
	q := question{Purpose: purpose, Operator: operator, Expires: g.db.Now().Add(ceremonyLife), Session: *session}
	plain, err := json.Marshal(q)
	if err != nil {
		return Ceremony{}, err
	}
	raw, err := json.Marshal(options)
	if err != nil {
		return Ceremony{}, err
	}
	return Ceremony{Secret: base64.RawURLEncoding.EncodeToString(g.seal.Seal("ceremony", operator, plain)), Options: raw}, nil
}

// asked opens what ask sealed. Unauthenticated "passkey.late" when it is over or of something else.
func (g *Guard) asked(purpose string, operator holdfast.ID, secret string) (question, error) {
	late := holdfast.Errorf(holdfast.Unauthenticated, "passkey.late", "this took too long, or was answered already").WithNext("Try again.")
	sealed, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil {
		return question{}, late
	}
	plain, err := g.seal.Open("ceremony", operator, sealed)
	if err != nil {
		return question{}, late // whatever is wrong with it, it was not made here for this
	}
	var q question
	if err := json.Unmarshal(plain, &q); err != nil || q.Purpose != purpose || q.Operator != operator || !g.db.Now().Before(q.Expires) {
		return question{}, late
	}
	return q, nil
}

// spend uses a question up.
func spend(tx *store.Tx, q question) error {
	if err := tx.Exec("DELETE FROM spent_challenge WHERE expires_at < $1", tx.Now); err != nil {
		return err
	}
	n, err := tx.ExecN("INSERT INTO spent_challenge (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING", digest(q.Session.Challenge), q.Expires)
	if err == nil && n == 0 {
		err = holdfast.Errorf(holdfast.Unauthenticated, "passkey.late", "this took too long, or was answered already").WithNext("Try again.")
	}
	return err
}

// BeginPasskeySignIn asks whoever sits there for any passkey of this desk.
func (g *Guard) BeginPasskeySignIn() (Ceremony, error) {
	party, err := g.party()
	if err != nil {
		return Ceremony{}, err
	}
	options, session, err := party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Ceremony{}, err
	}
	return g.ask(purposeEnter, holdfast.ID{}, options.Response, session)
}

// PasskeySignIn begins a whole session: a passkey is had and its owner was
// verified by it, which is two factors. Errors: Unauthenticated "passkey.refused"
// and "passkey.late"; TooMany.
func (g *Guard) PasskeySignIn(ctx context.Context, secret string, answer []byte, address, agent string) (SignedIn, error) {
	q, err := g.asked(purposeEnter, holdfast.ID{}, secret)
	if err != nil {
		return SignedIn{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return SignedIn{}, errPasskeyRefused()
	}
	operator, err := g.ownerOf(ctx, parsed.RawID)
	if err != nil {
		return SignedIn{}, err
	}
	by := person(operator, address, agent)
	counters := []counter{{"passkey:" + operator.String(), freeFailures}}
	if address != "" {
		counters = append(counters, g.addressCounter(address))
	}
	if err := g.claim(ctx, operator, by, counters...); err != nil {
		return SignedIn{}, err
	}
	return g.answered(ctx, by, q, parsed, counters, func(tx *store.Tx) (SignedIn, error) {
		return g.begin(tx, by, false, false, "passkey")
	})
}

// BeginPasskeySecond asks the operator of a half session for one of their passkeys.
func (g *Guard) BeginPasskeySecond(ctx context.Context, half string) (Ceremony, error) {
	s, err := g.readHalf(ctx, half)
	if err != nil {
		return Ceremony{}, err
	}
	party, err := g.party()
	if err != nil {
		return Ceremony{}, err
	}
	h, err := g.reader(ctx).holder(s.operator)
	if err != nil {
		return Ceremony{}, err
	}
	if len(h.credentials) == 0 {
		return Ceremony{}, errPasskeyRefused()
	}
	options, session, err := party.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return Ceremony{}, err
	}
	return g.ask(purposeSecond, s.operator, options.Response, session)
}

// PasskeySecond turns a half session into a whole one by a passkey. Errors as
// SecondFactor and PasskeySignIn.
func (g *Guard) PasskeySecond(ctx context.Context, half, secret string, answer []byte) (SignedIn, error) {
	s, err := g.readHalf(ctx, half)
	if err != nil {
		return SignedIn{}, err
	}
	q, err := g.asked(purposeSecond, s.operator, secret)
	if err != nil {
		return SignedIn{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return SignedIn{}, errPasskeyRefused()
	}
	by, counters, err := g.claimSecond(ctx, s)
	if err != nil {
		return SignedIn{}, err
	}
	return g.answered(ctx, by, q, parsed, counters, func(tx *store.Tx) (SignedIn, error) {
		n, err := tx.ExecN("DELETE FROM session WHERE hash = $1 AND half", s.hash)
		if err == nil && n == 0 {
			err = errUnknownSecret()
		}
		if err != nil {
			return SignedIn{}, err
		}
		return g.begin(tx, by, false, s.linked, "passkey")
	})
}

// errCloned marks an answer whose counter went backwards: two devices hold the key.
var errCloned = errors.New("the counter went backwards")

// answered checks an answer against the operator's keys as they stand, uses the
// question up, moves the key's counter and lets the operator in.
func (g *Guard) answered(ctx context.Context, by Identity, q question, parsed *protocol.ParsedCredentialAssertionData, counters []counter, enter func(tx *store.Tx) (SignedIn, error)) (SignedIn, error) {
	party, err := g.party()
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	err = g.db.Write(ctx, func(tx *store.Tx) error {
		h, err := reader{tx.QueryRow, tx.Query}.holder(by.Operator)
		if err != nil {
			return err
		}
		// First, so that an answer sent twice is not taken for a copied key.
		if err := spend(tx, q); err != nil {
			return err
		}
		c, err := g.check(party, h, q, parsed)
		if err != nil {
			return err
		}
		record, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if err := tx.Exec("UPDATE passkey SET record = $3, used_at = $4 WHERE credential = $1 AND operator = $2", c.ID, by.Operator, record, tx.Now); err != nil {
			return err
		}
		if err := settle(tx, counters[0], counters[1:]...); err != nil {
			return err
		}
		in, err = enter(tx)
		return err
	})
	if errors.Is(err, errCloned) {
		g.o.Log.Warn("a passkey was used whose counter went backwards; it may have been copied", "operator", by.Operator.String())
		if err := g.db.Write(ctx, func(tx *store.Tx) error { return recordOwn(tx, by, "operator.passkey_copied", nil) }); err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, errPasskeyRefused()
	}
	return in, err
}

func (g *Guard) check(party *webauthn.WebAuthn, h *holder, q question, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	var c *webauthn.Credential
	var err error
	if q.Purpose == purposeEnter {
		c, err = party.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			if string(handle) != string(h.id[:]) {
				return nil, errPasskeyRefused()
			}
			return h, nil
		}, q.Session, parsed)
	} else {
		c, err = party.ValidateLogin(h, q.Session, parsed)
	}
	if err != nil {
		return nil, errPasskeyRefused()
	}
	if c.Authenticator.CloneWarning {
		return nil, errCloned
	}
	return c, nil
}

func (g *Guard) ownerOf(ctx context.Context, credential []byte) (operator holdfast.ID, err error) {
	err = g.db.QueryRow(ctx, "SELECT operator FROM passkey WHERE credential = $1", credential).Scan(&operator)
	if errors.Is(err, store.ErrNoRows) {
		err = errPasskeyRefused()
	}
	return operator, err
}
