package demo

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/jhillyerd/enmime/v2"
)

// letter is a mail as the customer's web mail shows it.
type letter struct {
	ID        string
	Sent      bool // by the customer
	Unread    bool
	From      string // a name, or the address
	Subject   string
	At        time.Time
	Text      string
	Files     []string // names of attachments
	ReplyTo   string
	MessageID string
	Refs      []string // what it answers, nearest last
}

// readLetter reads a mail; what cannot be read is shown as it is.
func readLetter(raw []byte) *letter {
	l := &letter{At: time.Now(), ReplyTo: SupportAddress}
	e, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		l.Text = strings.ToValidUTF8(string(raw[:min(len(raw), 64<<10)]), "\uFFFD")
		return l
	}
	l.Subject, l.MessageID = e.GetHeader("Subject"), strings.TrimSpace(e.GetHeader("Message-ID"))
	l.Text = strings.TrimSpace(strings.ReplaceAll(e.Text, "\r\n", "\n")) // of an HTML mail, its text
	if len(l.Text) > 256<<10 {
		l.Text = strings.ToValidUTF8(l.Text[:256<<10], "")
	}
	l.Refs = strings.Fields(e.GetHeader("References"))
	if list, err := e.AddressList("From"); err == nil && len(list) > 0 {
		l.From = list[0].Name
		if l.From == "" {
			l.From = list[0].Address
		}
		l.ReplyTo = list[0].Address
	}
	if list, err := e.AddressList("Reply-To"); err == nil && len(list) > 0 {
		l.ReplyTo = list[0].Address
	}
	for _, part := range append(e.Attachments, e.Inlines...) {
		name := part.FileName
		if name == "" {
			name = part.ContentType
		}
		l.Files = append(l.Files, name)
	}
	return l
}

// writeLetter makes a mail of the customer's, an answer when answered is not nil.
func writeLetter(to, subject, text string, answered *letter, now time.Time) (raw []byte, l *letter, err error) {
	if _, err := mail.ParseAddress(to); err != nil {
		return nil, nil, err
	}
	l = &letter{Sent: true, From: CustomerName, Subject: subject, At: now, Text: text, ReplyTo: to,
		MessageID: fmt.Sprintf("<%s@example.com>", strings.ToLower(rand.Text()))}
	b := enmime.Builder().From(CustomerName, CustomerAddress).To("", to).Subject(subject).Date(now).Header("Message-ID", l.MessageID)
	if answered != nil && answered.MessageID != "" {
		l.Refs = append(append([]string(nil), answered.Refs...), answered.MessageID)
		if n := len(l.Refs); n > 20 {
			l.Refs = append(l.Refs[:1:1], l.Refs[n-19:]...)
		}
		b = b.Header("In-Reply-To", answered.MessageID).Header("References", strings.Join(l.Refs, " "))
		text += "\n\n" + quote("en", answered.At, answered.Text)
	}
	part, err := b.Text([]byte(text)).Build()
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	if err := part.Encode(&out); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), l, nil
}
