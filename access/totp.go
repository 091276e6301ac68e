package access

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image/png"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"holdfast"
	"holdfast/store"
)

const (
	totpPeriod    = 30 // seconds
	recoveryCodes = 10
	totpPurpose   = "totp"
)

// Enrolment is what an authenticator app needs to know.
type Enrolment struct {
	Key string // base32, for typing in
	URL string // otpauth://…
	PNG []byte // the URL as a QR code, 240 pixels square
}

func errWrongCode() error {
	return holdfast.Errorf(holdfast.Unauthenticated, "totp.wrong", "the code is wrong or was used already").
		WithNext("Wait for the next code of the authenticator app, or use a recovery code.").WithField("code")
}

// EnrolTOTP makes a new key for the operator of id. Nothing is asked for until
// ConfirmTOTP has seen a code of it. Conflict "totp.on" when one is in use.
func (g *Guard) EnrolTOTP(ctx context.Context, id Identity) (Enrolment, error) {
	if err := id.requireOperator(); err != nil {
		return Enrolment{}, err
	}
	var email string
	if err := g.db.QueryRow(ctx, "SELECT email FROM operator WHERE id = $1", id.Operator).Scan(&email); err != nil {
		return Enrolment{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: g.o.Issuer, AccountName: email, Period: totpPeriod, SecretSize: 20})
	if err != nil {
		return Enrolment{}, err
	}
	img, err := key.Image(240, 240)
	if err != nil {
		return Enrolment{}, err
	}
	var code bytes.Buffer
	if err := png.Encode(&code, img); err != nil {
		return Enrolment{}, err
	}
	sealed := g.seal.Seal(totpPurpose, id.Operator, []byte(key.Secret()))
	err = g.write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecN("UPDATE operator SET totp = $2 WHERE id = $1 AND NOT totp_on", id.Operator, sealed)
		if err == nil && n == 0 {
			err = holdfast.Errorf(holdfast.Conflict, "totp.on", "a second factor is in use already").
				WithNext("Turn it off first.")
		}
		return err
	})
	return Enrolment{Key: key.Secret(), URL: key.URL(), PNG: code.Bytes()}, err
}

// ConfirmTOTP turns the second factor on, ends the operator's other sessions and
// returns recovery codes, which cannot be shown again.
func (g *Guard) ConfirmTOTP(ctx context.Context, id Identity, code string) (recovery []string, err error) {
	if err := id.requireOperator(); err != nil {
		return nil, err
	}
	limit := secondCounter(id.Operator)
	if err := g.claim(ctx, id.Operator, id, limit); err != nil {
		return nil, err
	}
	err = g.write(ctx, func(tx *store.Tx) error {
		var a account
		if err := a.scan(tx.QueryRow(accountColumns+"WHERE id = $1", id.Operator)); err != nil {
			return err
		}
		if a.totpOn || a.totp == nil {
			return holdfast.Errorf(holdfast.Conflict, "totp.not_enrolled", "there is no new key to confirm").
				WithNext("Begin again: ask for a new key.")
		}
		step, err := g.matchTOTP(&a, code, tx.Now)
		if err != nil {
			return err
		}
		if recovery, err = g.storeRecovery(tx, id.Operator); err != nil {
			return err
		}
		if err := tx.Exec("UPDATE operator SET totp_on = $2, totp_last = $3 WHERE id = $1", id.Operator, true, step); err != nil {
			return err
		}
		if err := settle(tx, limit); err != nil {
			return err
		}
		if _, err := endSessions(tx, id.Operator, id.Session); err != nil {
			return err
		}
		return g.changedEverywhere(tx, id, id.Operator, "operator.second_factor_on", nil)
	})
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

// DisableTOTP turns the operator's own second factor off: password is asked for
// again, since a session left open must not be enough.
func (g *Guard) DisableTOTP(ctx context.Context, id Identity, password string) error {
	if err := id.requireOperator(); err != nil {
		return err
	}
	if err := g.prove(ctx, id, password); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		var keys int
		if err := tx.QueryRow("SELECT COUNT(*) FROM passkey WHERE operator = $1", id.Operator).Scan(&keys); err != nil {
			return err
		}
		if err := mayDrop(tx, id.Operator, keys > 0); err != nil {
			return err
		}
		n, err := tx.ExecN("UPDATE operator SET totp = NULL, totp_on = $2 WHERE id = $1 AND totp IS NOT NULL", id.Operator, false)
		if err != nil || n == 0 {
			return err
		}
		if keys == 0 {
			if err := tx.Exec("UPDATE operator SET recovery = NULL WHERE id = $1", id.Operator); err != nil {
				return err
			}
		}
		return g.changedEverywhere(tx, id, id.Operator, "operator.second_factor_off", nil)
	})
}

// DropTOTP turns another operator's second factor off, passkeys included, when
// their device is lost. It needs what SetPassword needs.
func (g *Guard) DropTOTP(ctx context.Context, by Identity, operator holdfast.ID) error {
	if err := by.Require(holdfast.ManageOperators); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) error {
		if err := commands(tx, by, operator); err != nil {
			return err
		}
		return g.dropTOTP(tx, by, operator)
	})
}

func (g *Guard) dropTOTP(tx *store.Tx, by Identity, operator holdfast.ID) error {
	n, err := tx.ExecN("UPDATE operator SET totp = NULL, totp_on = $2, recovery = NULL WHERE id = $1 AND (totp IS NOT NULL OR recovery IS NOT NULL)", operator, false)
	if err != nil {
		return err
	}
	keys, err := tx.ExecN("DELETE FROM passkey WHERE operator = $1", operator)
	if err != nil || n+keys == 0 {
		return err
	}
	return g.changedEverywhere(tx, by, operator, "operator.second_factor_off", nil)
}

// checkSecond accepts a code of the app or a recovery code, and uses it up.
func (g *Guard) checkSecond(tx *store.Tx, a *account, code string) (how string, err error) {
	code = plainCode(code)
	if sixDigits(code) {
		if !a.totpOn { // a key that nobody has confirmed
			return "", errWrongCode()
		}
		step, err := g.matchTOTP(a, code, tx.Now)
		if err != nil {
			return "", err
		}
		return "totp", tx.Exec("UPDATE operator SET totp_last = $2 WHERE id = $1", a.id, step)
	}
	var hashes []string
	if len(a.recovery) > 0 {
		if err := json.Unmarshal(a.recovery, &hashes); err != nil {
			return "", err
		}
	}
	want := g.recoveryHash(a.id, code)
	i := slices.IndexFunc(hashes, func(h string) bool { return hmac.Equal([]byte(h), []byte(want)) })
	if i < 0 {
		return "", errWrongCode()
	}
	left, err := json.Marshal(slices.Delete(hashes, i, i+1))
	if err != nil {
		return "", err
	}
	return "recovery_code", tx.Exec("UPDATE operator SET recovery = $2 WHERE id = $1", a.id, left)
}

// matchTOTP is the step that a code belongs to: this one, the one before or the
// one after, and later than the last one used.
func (g *Guard) matchTOTP(a *account, code string, now time.Time) (int64, error) {
	if a.totp == nil {
		return 0, errWrongCode()
	}
	key, err := g.seal.Open(totpPurpose, a.id, a.totp)
	if err != nil {
		return 0, err
	}
	code = plainCode(code)
	if !sixDigits(code) {
		return 0, errWrongCode()
	}
	step := now.Unix() / totpPeriod
	for _, s := range []int64{step - 1, step, step + 1} {
		ok, err := hotp.ValidateCustom(code, uint64(s), string(key), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, err
		}
		if ok && s > a.totpLast {
			return s, nil
		}
	}
	return 0, errWrongCode()
}

func sixDigits(code string) bool {
	return len(code) == 6 && strings.Trim(code, "0123456789") == ""
}

// newRecovery makes codes of 50 random bits and the hashes that are stored. The
// hashes are keyed: 50 bits would not stand against whoever has the tables alone.
func (g *Guard) newRecovery(operator holdfast.ID) (codes, hashes []string) {
	for range recoveryCodes {
		var b [7]byte
		if _, err := rand.Read(b[:]); err != nil {
			panic(err)
		}
		c := alphabet.EncodeToString(b[:])[:10]
		codes = append(codes, c[:5]+"-"+c[5:])
		hashes = append(hashes, g.recoveryHash(operator, c))
	}
	return codes, hashes
}

func (g *Guard) recoveryHash(operator holdfast.ID, code string) string {
	h := hmac.New(sha256.New, g.seal.Derive("recovery", operator))
	h.Write([]byte(code))
	return hex.EncodeToString(h.Sum(nil))
}

// plainCode is a code as it was meant: without spaces and dashes, in lower case,
// Persian and Arabic digits as 0 to 9.
func plainCode(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '\u00a0' || r == '\u200c' || r == '\u200e' || r == '\u200f':
			return -1
		case r >= '۰' && r <= '۹':
			return '0' + r - '۰'
		case r >= '٠' && r <= '٩':
			return '0' + r - '٠'
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, clip(s, 64))
}
