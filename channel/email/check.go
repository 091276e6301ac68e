package email

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"holdfast/channel"
)

// Test signs in to both servers and compares the DKIM key with the one in DNS.
// Nothing is sent, and no mail is read.
func (a *adapter) Test(ctx context.Context) []channel.Check {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var checks []channel.Check
	add := func(name, good string, err error) {
		c := channel.Check{Name: "check." + name, OK: err == nil, Text: good}
		if err != nil {
			c.Text = clipText(err.Error(), 400)
			var f *channel.Failure
			if errors.As(err, &f) {
				c.Text = strings.TrimSpace(f.Code + " " + f.Text)
			}
		}
		checks = append(checks, c)
	}
	if a.set.Receive == "imap" {
		text, err := a.testIMAP(ctx)
		add("imap", text, err)
	}
	text, err := a.testSMTP(ctx)
	add("smtp", text, err)
	if a.dkim != nil {
		text, err := a.testDKIM(ctx, net.DefaultResolver.LookupTXT)
		add("dkim", text, err)
	}
	return checks
}

func (a *adapter) testIMAP(ctx context.Context) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := a.dialIMAP(ctx)
	if err != nil {
		return "", err
	}
	defer s.close()
	var seen []string
	for _, name := range a.set.folders() {
		box, err := s.open(name, a.command)
		if err != nil {
			return "", err
		}
		seen = append(seen, fmt.Sprintf("%s: %d", name, box.count))
	}
	how := "IDLE"
	if !s.idle {
		how = fmt.Sprintf("%d s", a.set.PollSeconds)
	}
	return strings.Join(seen, ", ") + " · " + how, nil
}

func (a *adapter) testSMTP(ctx context.Context) (string, error) {
	trace := &channel.Trace{}
	d, err := a.dialSMTP(ctx, trace)
	if err != nil {
		return "", asFailure(err)
	}
	defer d.quit()
	own, _ := wireAddress(a.set.Address)
	if _, err := d.say(250, "MAIL FROM:<%s>", own); err != nil {
		return "", asFailure(err)
	}
	if _, err := d.say(250, "RSET"); err != nil {
		return "", asFailure(err)
	}
	return a.set.smtpAddr(), nil
}

// testDKIM looks whether the world can verify what we sign.
func (a *adapter) testDKIM(ctx context.Context, lookup func(context.Context, string) ([]string, error)) (string, error) {
	name := a.set.DKIMSelector + "._domainkey." + a.set.DKIMDomain
	records, err := lookup(ctx, name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	for _, record := range records {
		_, tags := params("dkim;" + record)
		key, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(tags["p"]), ""))
		if err == nil && len(key) > 0 && samePublicKey(key, a.dkim.Public()) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s: the key in DNS is not the public part of this one", name)
}

func samePublicKey(der []byte, want crypto.PublicKey) bool {
	if ed, ok := want.(ed25519.PublicKey); ok && len(der) == ed25519.PublicKeySize {
		return ed.Equal(ed25519.PublicKey(der))
	}
	pub, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		if pub, err = x509.ParsePKCS1PublicKey(der); err != nil {
			return false
		}
	}
	switch want := want.(type) {
	case *rsa.PublicKey:
		return want.Equal(pub)
	case ed25519.PublicKey:
		return want.Equal(pub)
	}
	return false
}
