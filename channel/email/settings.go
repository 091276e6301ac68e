package email

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net"
	"net/url"
	"strconv"
	"strings"

	"holdfast"
	"holdfast/channel"
)

// Settings of one mailbox; the console draws the form from the tags.
type Settings struct {
	Address string `json:"address" form:"section=mailbox,required"`
	Name    string `json:"name" form:"section=mailbox"`
	Receive string `json:"receive" form:"section=receive,options=imap;gateway;none"`

	IMAPHost     string         `json:"imap_host" form:"section=receive,required,show=receive=imap"`
	IMAPPort     int            `json:"imap_port" form:"section=receive,required,show=receive=imap"`
	IMAPSecurity string         `json:"imap_security" form:"section=receive,options=tls;starttls;none,show=receive=imap"`
	IMAPUser     string         `json:"imap_user" form:"section=receive,show=receive=imap"`
	IMAPPassword channel.Secret `json:"imap_password" form:"section=receive,show=receive=imap"`
	Folders      []string       `json:"folders" form:"section=receive,show=receive=imap"`
	PollSeconds  int            `json:"poll_seconds" form:"section=receive,show=receive=imap"`
	FirstDays    int            `json:"first_days" form:"section=receive,show=receive=imap"`
	MaxMegabytes int            `json:"max_megabytes" form:"section=receive"`

	SMTPHost     string         `json:"smtp_host" form:"section=send,required"`
	SMTPPort     int            `json:"smtp_port" form:"section=send,required"`
	SMTPSecurity string         `json:"smtp_security" form:"section=send,options=tls;starttls;none"`
	SMTPUser     string         `json:"smtp_user" form:"section=send"`
	SMTPPassword channel.Secret `json:"smtp_password" form:"section=send"`

	Auth              string         `json:"auth" form:"section=auth,options=password;oauth2"`
	OAuthProvider     string         `json:"oauth_provider" form:"section=auth,options=google;microsoft;custom,show=auth=oauth2"`
	OAuthMechanism    string         `json:"oauth_mechanism" form:"section=auth,options=xoauth2;oauthbearer,show=auth=oauth2"`
	OAuthTokenURL     string         `json:"oauth_token_url" form:"section=auth,show=auth=oauth2"`
	OAuthScope        string         `json:"oauth_scope" form:"section=auth,show=auth=oauth2"`
	OAuthClientID     string         `json:"oauth_client_id" form:"section=auth,required,show=auth=oauth2"`
	OAuthClientSecret channel.Secret `json:"oauth_client_secret" form:"section=auth,show=auth=oauth2"`
	OAuthRefreshToken channel.Secret `json:"oauth_refresh_token" form:"section=auth,required,show=auth=oauth2"`

	DKIMSelector string         `json:"dkim_selector" form:"section=dkim"`
	DKIMDomain   string         `json:"dkim_domain" form:"section=dkim"`
	DKIMKey      channel.Secret `json:"dkim_key" form:"section=dkim"`

	Signature      string `json:"signature" form:"section=compose"`
	PlusAddressing bool   `json:"plus_addressing" form:"section=compose"`
}

func defaults() *Settings {
	return &Settings{
		Receive: "imap", IMAPPort: 993, IMAPSecurity: "tls", Folders: []string{"INBOX"}, PollSeconds: 60, FirstDays: 3, MaxMegabytes: 50,
		SMTPPort: 465, SMTPSecurity: "tls", Auth: "password", OAuthProvider: "google", OAuthMechanism: "xoauth2", PlusAddressing: true,
	}
}

// endpoints are where tokens come from unless the settings say otherwise.
var endpoints = map[string]struct{ token, scope string }{
	"google":    {"https://oauth2.googleapis.com/token", "https://mail.google.com/"},
	"microsoft": {"https://login.microsoftonline.com/common/oauth2/v2.0/token", "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access"},
}

// check refuses settings that cannot work, and reads the DKIM key.
func (s *Settings) check() (crypto.Signer, error) {
	bad := func(field, format string, args ...any) error {
		return holdfast.Errorf(holdfast.Invalid, "channel.setting_invalid", format, args...).WithField("settings." + field)
	}
	addr, ok := wireAddress(s.Address)
	if !ok {
		return nil, bad("address", "%q is not an e-mail address", clipText(s.Address, 80))
	}
	for _, line := range []struct{ name, value string }{{"name", s.Name}, {"imap_user", s.IMAPUser}, {"smtp_user", s.SMTPUser}, {"imap_password", string(s.IMAPPassword)}, {"smtp_password", string(s.SMTPPassword)}} {
		if strings.ContainsAny(line.value, "\r\n\x00") {
			return nil, bad(line.name, "%s must be one line", line.name)
		}
	}
	type server struct {
		name, host, security string
		port                 int
		used                 bool
	}
	for _, v := range []server{{"imap", s.IMAPHost, s.IMAPSecurity, s.IMAPPort, s.Receive == "imap"}, {"smtp", s.SMTPHost, s.SMTPSecurity, s.SMTPPort, true}} {
		if !v.used {
			continue
		}
		if v.host == "" || strings.ContainsAny(v.host, " /@\r\n\t") {
			return nil, bad(v.name+"_host", "%q is not a server's name", clipText(v.host, 80))
		}
		if v.port < 1 || v.port > 65535 {
			return nil, bad(v.name+"_port", "%d is not a port", v.port)
		}
		switch v.security {
		case "tls", "starttls", "none":
		default:
			return nil, bad(v.name+"_security", "security is tls, starttls or none")
		}
	}
	if s.PollSeconds < 5 || s.PollSeconds > 3600 {
		return nil, bad("poll_seconds", "poll every 5 to 3600 seconds")
	}
	if s.FirstDays < 0 || s.FirstDays > 3650 {
		return nil, bad("first_days", "between 0 and 3650 days")
	}
	if s.MaxMegabytes < 1 || s.MaxMegabytes > 1024 {
		return nil, bad("max_megabytes", "between 1 and 1024 megabytes")
	}
	if s.Auth == "oauth2" {
		u, err := url.Parse(s.tokenURL())
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Hostname() != "localhost" && net.ParseIP(u.Hostname()) == nil {
			return nil, bad("oauth_token_url", "the token address must be an https:// address")
		}
	}
	if s.DKIMKey == "" {
		return nil, nil
	}
	key, err := parseDKIMKey(string(s.DKIMKey))
	if err != nil {
		return nil, bad("dkim_key", "the DKIM key must be an RSA or Ed25519 private key in PEM form")
	}
	if s.DKIMSelector == "" || strings.ContainsAny(s.DKIMSelector, " \r\n;=") {
		return nil, bad("dkim_selector", "a DKIM key needs its selector")
	}
	if s.DKIMDomain == "" {
		s.DKIMDomain = strings.ToLower(domainOf(addr))
	}
	return key, nil
}

func (s *Settings) tokenURL() string {
	if s.OAuthTokenURL != "" {
		return s.OAuthTokenURL
	}
	return endpoints[s.OAuthProvider].token
}

func (s *Settings) scope() string {
	if s.OAuthScope != "" {
		return s.OAuthScope
	}
	return endpoints[s.OAuthProvider].scope
}

func (s *Settings) imapAddr() string { return net.JoinHostPort(s.IMAPHost, strconv.Itoa(s.IMAPPort)) }
func (s *Settings) smtpAddr() string { return net.JoinHostPort(s.SMTPHost, strconv.Itoa(s.SMTPPort)) }

// imapUser is who signs in: the address, unless another name was given.
func (s *Settings) imapUser() string {
	if s.IMAPUser != "" {
		return s.IMAPUser
	}
	return s.Address
}

// smtpLogin is who sends: the IMAP account, unless another one was given. Two
// empty strings mean that the server wants nobody to sign in.
func (s *Settings) smtpLogin() (user, password string) {
	user, password = s.SMTPUser, string(s.SMTPPassword)
	if password == "" && s.Receive == "imap" && (user == "" || user == s.imapUser()) && s.SMTPHost != "" {
		password = string(s.IMAPPassword)
	}
	if password == "" && s.Auth != "oauth2" {
		return "", ""
	}
	if user == "" {
		user = s.imapUser()
	}
	return user, password
}

func (s *Settings) folders() []string {
	var out []string
	for _, f := range s.Folders {
		if f = strings.TrimSpace(f); f != "" {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return []string{"INBOX"}
	}
	return out
}

func parseDKIMKey(s string) (crypto.Signer, error) {
	var der []byte
	if block, _ := pem.Decode([]byte(s)); block != nil {
		der = block.Bytes
	} else if b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), "")); err == nil {
		der = b
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	switch k := k.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, x509.ErrUnsupportedAlgorithm
}
