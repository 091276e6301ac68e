package email

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"unicode"

	"github.com/emersion/go-imap/v2"
)

const hushed = "•••"

// hush takes what the account signs in with out of a server's words. Servers do
// repeat a command that they do not like, and their words are shown and logged.
func (a *adapter) hush(said string) string {
	_, sending := a.set.smtpLogin()
	secrets := []string{sending, string(a.set.IMAPPassword), string(a.set.OAuthClientSecret), string(a.set.OAuthRefreshToken)}
	if a.tokens != nil {
		secrets = append(secrets, a.tokens.held())
	}
	return without(said, secrets...)
}

// without takes secrets out of a text, as they are and in base64.
func without(said string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) < 3 {
			continue
		}
		said = strings.ReplaceAll(said, secret, hushed)
		for _, piece := range inBase64(secret) {
			said = strings.ReplaceAll(said, piece, hushed)
		}
	}
	return said
}

// plainWords is what a token server says about an error, fit to be shown: one line
// of at most 300 bytes, without the account's secrets and without anything that
// looks like one. A token that has just been refused may be good elsewhere.
func plainWords(said string, secrets ...string) string {
	said = strings.ToValidUTF8(clipText(said, 4000), "")
	said = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case !unicode.IsGraphic(r): // marks that turn the writing round, and the like
			return -1
		}
		return r
	}, said)
	said = without(said, secrets...)
	said = opaque.ReplaceAllStringFunc(said, func(run string) string {
		letters, digits := strings.ContainsFunc(run, unicode.IsLetter), strings.ContainsFunc(run, unicode.IsDigit)
		if traceID.MatchString(run) || len(run) < 40 && !(letters && digits) {
			return run
		}
		return hushed
	})
	return clipText(strings.Join(strings.Fields(said), " "), 300)
}

var (
	opaque  = regexp.MustCompile(`[A-Za-z0-9_+=~-]{16,}`)
	traceID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`) // the provider's support asks for it
	// errorCode is RFC 6749's, and short.
	errorCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,47}$`)
)

// hushError is err without the account's secrets; what a server refused stays
// recognisable as that.
func (a *adapter) hushError(err error) error {
	if err == nil {
		return nil
	}
	quiet := a.hush(err.Error())
	if quiet == err.Error() {
		return err
	}
	var no *imap.Error
	if errors.As(err, &no) {
		return &imap.Error{Type: no.Type, Code: no.Code, Text: a.hush(no.Text)}
	}
	return errors.New(quiet)
}

// inBase64 are the letters that show secret within longer base64, wherever in it
// secret begins. Pieces too short to give it away, and likely to be in any text,
// are left out.
func inBase64(secret string) (pieces []string) {
	for before := range 3 {
		enc := base64.RawStdEncoding.EncodeToString([]byte("\x00\x00"[:before] + secret))
		end := len(enc)
		if (before+len(secret))%3 != 0 {
			end-- // holds bits of what follows
		}
		start := []int{0, 2, 3}[before] // so do the first, of what goes before
		if end-start >= 6 {
			pieces = append(pieces, enc[start:end])
		}
	}
	return pieces
}
