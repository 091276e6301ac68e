package demo

import (
	"crypto/subtle"
	"io"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// smtpSession is one visit to the server: somebody who has a mailbox here sends.
type smtpSession struct {
	mail *Mail
	user string
	to   []string
}

// AuthMechanisms lists how to sign in.
func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth signs the owner of a mailbox in.
func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.mail.boxes[user] == nil || subtle.ConstantTimeCompare([]byte(password), []byte(s.mail.Password)) != 1 {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

// Reset forgets the letter.
func (s *smtpSession) Reset() { s.to = nil }

// Logout ends the visit.
func (s *smtpSession) Logout() error { return nil }

// Mail begins a letter.
func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	switch {
	case s.user == "":
		return smtp.ErrAuthRequired
	case plain(from) != s.user:
		return errNotYours
	}
	return nil
}

// Rcpt names one who shall have it.
func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.mail.takes(to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

// Data takes the letter.
func (s *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r) // MaxMessageBytes bounds it
	if err != nil {
		return err
	}
	return s.mail.deliver(s.to, raw)
}
