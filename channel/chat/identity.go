package chat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"holdfast"
)

// identity is what the host site says about its signed-in customer. Either HMAC
// or JWT proves it; without one it is only what a browser claims.
type identity struct {
	UserID string `json:"user_id"`
	Name   string `json:"name"`
	Email  string `json:"email"`
	Phone  string `json:"phone"`
	HMAC   string `json:"hmac"`
	JWT    string `json:"jwt"`
}

// siteClaims is the body of the site's JWT.
type siteClaims struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Phone string `json:"phone"`
	jwt.RegisteredClaims
}

// identify turns a host site's word into claims of the one visitor who is that
// customer on every device. Errors: Unauthenticated when the proof is missing or
// wrong, Invalid when the identity itself is unusable.
func (a *Adapter) identify(id identity) (*claims, error) {
	secret := []byte(a.set.IdentitySecret)
	if len(secret) == 0 {
		return nil, holdfast.Errorf(holdfast.Unauthenticated, "chat.identity_unset", "this chat has no secret to check an identity with").
			WithNext("Set the identity secret in the channel's settings.")
	}
	var proved bool
	switch {
	case id.JWT != "":
		var c siteClaims
		_, err := jwt.ParseWithClaims(id.JWT, &c, func(*jwt.Token) (any, error) { return secret, nil },
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(),
			jwt.WithLeeway(time.Minute), jwt.WithTimeFunc(a.env.Now))
		if err != nil {
			return nil, errIdentity("the identity token is not valid: " + err.Error())
		}
		id.UserID, id.Name, id.Email, id.Phone = c.Subject, c.Name, c.Email, c.Phone
		proved = true
	case id.HMAC != "":
		// The signature of the id alone says nothing about the address beside it:
		// whoever has a valid id could claim another customer's address. A site that
		// wants the address to count signs both.
		switch {
		case signedBy(secret, id.UserID+"\n"+id.Email, id.HMAC):
			proved = true
			id.Phone = ""
		case signedBy(secret, id.UserID, id.HMAC):
			proved = strings.EqualFold(id.UserID, id.Email)
			id.Phone = ""
		default:
			return nil, errIdentity("the identity's signature does not fit")
		}
	default:
		return nil, errIdentity("the identity has no signature")
	}
	if id.UserID == "" || len(id.UserID) > 256 || !utf8.ValidString(id.UserID) || strings.ContainsAny(id.UserID, "\n\x00") {
		return nil, holdfast.Errorf(holdfast.Invalid, "chat.identity_user", "the identity names no user, or one that is too long").
			WithField("identity.user_id").WithNext("Send the customer's id on the site, at most 256 bytes, without line breaks.")
	}
	c := &claims{
		Visitor: holdfast.DeriveID(a.account.ID, "user:"+id.UserID).String(),
		Name:    cleanLine(id.Name, 120),
		Email:   cleanEmail(id.Email),
		Phone:   cleanPhone(id.Phone),
		Seal:    a.seal,
	}
	c.Proved = proved && (c.Email != "" || c.Phone != "")
	return c, nil
}

func signedBy(secret []byte, text, sum string) bool {
	got, err := hex.DecodeString(sum)
	if err != nil {
		return false
	}
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(text))
	return hmac.Equal(got, m.Sum(nil))
}

func errIdentity(text string) error {
	return holdfast.Errorf(holdfast.Unauthenticated, "chat.identity_invalid", "%s", text).
		WithNext("Sign the customer's id on the site's server with the channel's identity secret.").WithField("identity")
}

// cleanLine is one line without control characters, at most max characters.
func cleanLine(s string, max int) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return ' ' // direction overrides would let a name rewrite the line it stands in
		}
		return r
	}, s)), " ")
	if utf8.RuneCountInString(s) > max {
		s = strings.TrimSpace(string([]rune(s)[:max]))
	}
	return s
}

// cleanEmail is the bare address, or nothing when it is none.
func cleanEmail(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 254 {
		return ""
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || strings.ContainsAny(s, " \"\r\n") {
		return ""
	}
	return strings.ToLower(s)
}

// cleanPhone is + and digits, or nothing when it is no number.
func cleanPhone(s string) string { return holdfast.Phone(s, "") }
