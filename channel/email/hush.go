package email

import (
	"encoding/base64"
	"errors"
	"strings"

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
