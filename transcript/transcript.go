// Package transcript mails a conversation to who had it: what the customer wrote
// and was sent, as one letter, because a visitor or an operator asked.
//
// It refuses to send notes or what was never sent, to write to an address that is
// not the customer's own, to mail a visitor's words before anybody has answered
// them (a chat is no way to mail strangers), and to send one state of a
// conversation to one address twice.
package transcript

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/inbox"
	"holdfast/outbox"
	"holdfast/store"
)

const (
	perHour  = 3   // of one conversation, and to one address
	longest  = 500 // messages; earlier ones are left out, and it says so
	lifetime = 24 * time.Hour
)

// Deps is what it works with.
type Deps struct {
	DB     *store.DB
	Inbox  *inbox.Inbox
	Outbox *outbox.Worker
	// Mailbox is the account that a workspace sends such mail from; zero for none.
	Mailbox func(ctx context.Context, workspace holdfast.ID) (holdfast.ID, error)
	// House is a workspace's language, what it calls itself to customers, and its time zone.
	House func(ctx context.Context, workspace holdfast.ID) (lang, name string, zone *time.Location, err error)
	// Author is an operator's name for customers; it may be "".
	Author func(operator holdfast.ID) string
}

// Transcripts sends them. Make one with New.
type Transcripts struct{ Deps }

// New makes it. It does no I/O.
func New(d Deps) *Transcripts { return &Transcripts{d} }

// line is one message as the customer knows it.
type line struct {
	message holdfast.ID
	mine    bool // the customer's
	author  string
	at      time.Time
	text    string
	files   []string
}

// ForOperator mails a conversation to its customer, at an address of his (to "": the
// first one that there is), and returns that. Errors: NotFound; Invalid
// "transcript.address_needed" and "transcript.address_unknown"; Conflict
// "transcript.empty" and "transcript.no_mailbox"; TooMany.
func (t *Transcripts) ForOperator(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, conversation holdfast.ID, to string) (string, error) {
	c, err := t.Inbox.Conversation(ctx, workspace, conversation, holdfast.ID{})
	if err != nil {
		return "", err
	}
	known, err := t.Inbox.MailAddresses(ctx, workspace, c.ID, "")
	if err != nil {
		return "", err
	}
	if len(known) == 0 {
		return "", errNeeded().WithNext("Add an e-mail address to the customer.")
	}
	address := known[0]
	if to != "" {
		at := slices.IndexFunc(known, func(a holdfast.Address) bool { return strings.EqualFold(a.Value, to) })
		if at < 0 {
			return "", holdfast.Errorf(holdfast.Invalid, "transcript.address_unknown", "this is no address of the customer's").WithField("address").
				WithNext("Add the address to the customer first.")
		}
		address = known[at]
	}
	var lines []line
	for before, more := holdfast.Clock(0), true; more && len(lines) < longest; {
		var page []inbox.Message
		if page, more, err = t.Inbox.Messages(ctx, workspace, c.ID, before, 200); err != nil {
			return "", err
		}
		if len(page) == 0 {
			break
		}
		before = page[0].Clock
		var fresh []line
		for i := range page {
			if l, ok := t.told(c, &page[i]); ok {
				fresh = append(fresh, l)
			}
		}
		lines = append(fresh, lines...)
	}
	return address.Value, t.send(ctx, workspace, actor, c, address, "", lines)
}

// told is a message as its customer knows it; ok is false for what he never saw.
func (t *Transcripts) told(c *inbox.Conversation, m *inbox.Message) (l line, ok bool) {
	if m.Direction == holdfast.Note || !m.Forwarded.IsZero() || m.Customer != c.Customer.ID {
		return l, false
	}
	l = line{message: m.ID, mine: m.Direction == holdfast.Inbound, at: m.At, text: m.Text}
	if m.Direction == holdfast.Outbound {
		switch m.Delivery.State {
		case holdfast.Accepted, holdfast.Delivered, holdfast.Seen:
		default:
			return l, false
		}
		l.author = t.Author(m.Author)
	}
	for _, a := range m.Attachments {
		l.files = append(l.files, a.Name)
	}
	return l, true
}

// ForVisitor mails what somebody at addr has said and read over a channel in the
// running conversation, to an address that he gives or (to "") is known by, in his
// language. It returns the address, most of it hidden: whoever shares a browser
// with him need not learn it. Errors as ForOperator's.
func (t *Transcripts) ForVisitor(ctx context.Context, workspace, channel holdfast.ID, addr holdfast.Address, to, lang string) (string, error) {
	customer, talk, err := t.Inbox.TalkOf(ctx, workspace, channel, addr)
	if err != nil {
		return "", err
	}
	if talk.IsZero() {
		return "", errEmpty()
	}
	c, err := t.Inbox.Conversation(ctx, workspace, talk, holdfast.ID{})
	if err != nil {
		return "", err
	}
	address := inbox.MailAddress(strings.TrimSpace(to))
	switch {
	case to != "" && address.Value == "":
		return "", holdfast.Errorf(holdfast.Invalid, "transcript.address_invalid", "this is not an e-mail address").WithField("address").WithNext("Write it as name@example.com.")
	case to == "":
		known, err := t.Inbox.MailAddresses(ctx, workspace, c.ID, addr.Value)
		if err != nil {
			return "", err
		}
		if len(known) == 0 {
			return "", errNeeded().WithNext("Say where to send it.")
		}
		address = known[0]
	}
	var lines []line
	for after, more := holdfast.LSN(0), true; more; {
		rows, err := t.Inbox.Feed(ctx, workspace, channel, addr, after, 500)
		if err != nil {
			return "", err
		}
		for _, r := range rows {
			after = r.N
			if r.Conversation != c.ID && !slices.Contains(c.Merged, r.Conversation) {
				continue
			}
			l := line{message: r.Message, mine: r.Direction == holdfast.Inbound, at: r.At, text: r.Text, author: t.Author(r.Author)}
			for _, a := range r.Attachments {
				l.files = append(l.files, a.Name)
			}
			lines = append(lines, l)
		}
		more = len(rows) == 500
	}
	if !slices.ContainsFunc(lines, func(l line) bool { return !l.mine }) {
		return "", errEmpty()
	}
	err = t.send(ctx, workspace, holdfast.Actor{Kind: holdfast.ActorCustomer, ID: customer}, c, address, lang, lines)
	return hidden(address.Value), err
}

func errNeeded() *holdfast.Error {
	return holdfast.Errorf(holdfast.Invalid, "transcript.address_needed", "no e-mail address of this customer is known").WithField("address")
}

func errEmpty() *holdfast.Error {
	return holdfast.Errorf(holdfast.Conflict, "transcript.empty", "nothing has been answered here yet").WithNext("Ask again after an answer.")
}

func (t *Transcripts) send(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, c *inbox.Conversation, to holdfast.Address, lang string, lines []line) error {
	if len(lines) == 0 {
		return errEmpty()
	}
	box, err := t.Mailbox(ctx, workspace)
	if err != nil {
		return err
	}
	if box.IsZero() {
		return holdfast.Errorf(holdfast.Conflict, "transcript.no_mailbox", "this workspace has no mailbox to send it from").WithNext("Connect a mailbox under Settings, Channels.")
	}
	own, name, zone, err := t.House(ctx, workspace)
	if err != nil {
		return err
	}
	if lang == "" && c.Person != nil {
		lang = c.Person.Language
	}
	if !holdfast.KnownLanguage(lang) {
		lang = own
	}
	cut := len(lines) > longest
	if cut {
		lines = lines[len(lines)-longest:]
	}
	// One state of a conversation goes to one address once.
	id := holdfast.DeriveID(c.ID, fmt.Sprint("transcript to ", to.Value, " upto ", lines[len(lines)-1].message))
	var had int
	if err := t.DB.QueryRow(ctx, "SELECT COUNT(*) FROM letter WHERE message = $1", id).Scan(&had); err != nil || had > 0 {
		return err
	}
	if err := t.limit(ctx, workspace, c.ID, to); err != nil {
		return err
	}
	p := paper{lang: lang, name: name, zone: zone, number: c.Number, subject: c.Subject, customer: c.Customer.Name, lines: lines, cut: cut}
	subject, text, formatted := p.write()
	return t.Outbox.Post(ctx, workspace, actor, outbox.Letter{ID: id, Purpose: holdfast.Transcript, Conversation: c.ID, Channel: box, To: to,
		Subject: subject, Text: text, HTML: formatted, Life: lifetime}, nil)
}

// limit counts what went in the last hour. The error is TooMany.
func (t *Transcripts) limit(ctx context.Context, workspace, conversation holdfast.ID, to holdfast.Address) error {
	var n int
	err := t.DB.QueryRow(ctx, `SELECT COUNT(*) FROM letter t JOIN outbox o ON o.message = t.message
		WHERE t.created_at > $1 AND t.workspace = $2 AND t.purpose = $3 AND (o.conversation = $4 OR o.address = $5)`,
		t.DB.Now().Add(-time.Hour), workspace, holdfast.Transcript, conversation, to.Value).Scan(&n)
	if err == nil && n >= perHour {
		err = holdfast.Errorf(holdfast.TooMany, "transcript.too_many", "this was sent several times within the hour").WithNext("Ask again in an hour.")
	}
	return err
}

// hidden shows of an address what its owner knows it by: "an•••@example.com".
func hidden(a string) string {
	name, host, _ := strings.Cut(a, "@")
	r := []rune(name)
	return string(r[:min(len(r), 2)]) + "•••@" + host
}
