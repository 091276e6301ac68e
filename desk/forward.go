package desk

import (
	"context"
	"html"
	"strings"
	"time"

	"holdfast"
	"holdfast/inbox"
)

// Forward is a message passed on to somebody who is not its customer.
type Forward struct {
	ID       holdfast.ID // of the new message, client-made
	To       holdfast.Address
	CC, BCC  []string
	Text     string      // what is said above it; may be empty
	Channel  holdfast.ID // zero: the one that it came over
	Undo     time.Duration
	Language string         // of the words around it
	Zone     *time.Location // of the date in it
}

// forwardWords are a forwarded message's headings.
type forwardWords struct{ begin, from, date, subject, to, prefix string }

var wordsOfForward = map[string]forwardWords{
	"en": {"Forwarded message", "From", "Date", "Subject", "To", "Fwd: "},
	"ru": {"Пересылаемое сообщение", "От", "Дата", "Тема", "Кому", "Fwd: "},
	"fa": {"پیام هدایت‌شده", "از", "تاریخ", "موضوع", "به", "Fwd: "},
}

// Forward queues a message of a conversation, with its files, to an address that
// need not be a customer's. What comes back joins the conversation. Errors: NotFound,
// Invalid for notes and addresses, and those of Reply.
func (d *Desk) Forward(ctx context.Context, by By, message holdfast.ID, f Forward) (*inbox.Message, error) {
	m, err := d.inbox.Message(ctx, by.Workspace, message)
	if err != nil {
		return nil, err
	}
	if m.Direction == holdfast.Note {
		return nil, holdfast.Errorf(holdfast.Invalid, "forward.note", "a private note is not passed on").WithNext("Copy what may be told into a message.")
	}
	to, err := cleanAddress(f.To)
	if err != nil {
		return nil, err
	}
	channel := f.Channel
	if channel.IsZero() {
		channel = m.Channel
	}
	words, ok := wordsOfForward[f.Language]
	if !ok {
		words = wordsOfForward["en"]
	}
	subject := m.Subject
	if subject == "" {
		c, err := d.inbox.Conversation(ctx, by.Workspace, m.Conversation, by.Operator)
		if err != nil {
			return nil, err
		}
		subject = c.Subject
	}
	text, page := words.around(m, subject, f)
	if !strings.HasPrefix(strings.ToLower(subject), strings.ToLower(words.prefix)) {
		subject = words.prefix + subject
	}
	return d.Reply(ctx, by, m.Conversation, Reply{ID: f.ID, Text: text, HTML: page, Subject: strings.TrimSpace(subject), Channel: channel, To: &to, CC: f.CC, BCC: f.BCC,
		Attachments: m.Attachments, Undo: f.Undo, Forwards: message})
}

// around is both forms of a forwarded message; the second is empty when the
// original has no formatted one.
func (w forwardWords) around(m *inbox.Message, subject string, f Forward) (text, page string) {
	zone := f.Zone
	if zone == nil {
		zone = time.UTC
	}
	at := m.SentAt
	if at.IsZero() {
		at = m.At
	}
	var head [][2]string
	add := func(name, value string) {
		if value = strings.Join(strings.Fields(value), " "); value != "" {
			head = append(head, [2]string{name, value})
		}
	}
	if m.From != nil {
		add(w.from, person(*m.From))
	}
	add(w.date, at.In(zone).Format("2006-01-02 15:04 -07:00"))
	add(w.subject, subject)
	if m.Recipient != nil {
		add(w.to, person(*m.Recipient))
	} else {
		add(w.to, strings.Join(m.To, ", "))
	}
	var b strings.Builder
	if said := strings.TrimSpace(f.Text); said != "" {
		b.WriteString(said + "\n\n")
	}
	b.WriteString("---------- " + w.begin + " ----------\n")
	for _, h := range head {
		b.WriteString(h[0] + ": " + h[1] + "\n")
	}
	b.WriteString("\n" + m.Text)
	if m.Rest != "" {
		b.WriteString("\n\n" + m.Rest)
	}
	if m.HTML == "" {
		return b.String(), ""
	}
	var p strings.Builder
	if said := strings.TrimSpace(f.Text); said != "" {
		p.WriteString(`<p dir="auto">` + strings.ReplaceAll(html.EscapeString(said), "\n", "<br>\n") + "</p>\n")
	}
	p.WriteString(`<p dir="auto">---------- ` + html.EscapeString(w.begin) + " ----------")
	for _, h := range head {
		p.WriteString("<br>\n" + html.EscapeString(h[0]) + ": " + html.EscapeString(h[1]))
	}
	// Pictures from elsewhere were held back from our operators; the reader's own
	// program decides about them.
	p.WriteString("</p>\n<div>" + strings.ReplaceAll(m.HTML, " data-remote-src=", " src=") + "</div>")
	return b.String(), p.String()
}

func person(a holdfast.Address) string {
	if a.Name == "" || a.Name == a.Value {
		return a.Value
	}
	return a.Name + " <" + a.Value + ">"
}
