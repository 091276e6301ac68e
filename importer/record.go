package importer

import (
	"context"
	"strings"
	"time"

	"holdfast"
)

// source reads another desk, or a file of its records, from one end to the other.
type source interface {
	// read hands over every record after place, which is "" or a place that an
	// earlier record named. It stops with the first error of take.
	read(ctx context.Context, place string, take func(record) error) error
}

// record is one thing of another desk: a person, or a matter with what was said
// in it. A record with neither only says how far the source has come.
type record struct {
	what         string // "customer", "conversation", "message", "row"
	ref          string // names it to a person: "ticket 4711", "row 17"
	customer     *customer
	conversation *conversation
	// refused is the code of why the source cannot make sense of it.
	refused, detail string
	// place is where the source can go on once this record and all before it are
	// done; "" when it cannot go on from here.
	place       string
	done, total int64 // how far the source has come; total 0: it does not know
	unit        string
}

// customer is a person as the other desk knows them.
type customer struct {
	id        string // the other desk's; may be empty when there is an address
	name      string
	addresses []holdfast.Address
	company   string
	about     string
	language  string
	created   time.Time
}

// key is what makes the customer's id here: theirs, or the first address.
func (c *customer) key() string {
	if c.id != "" {
		return c.id
	}
	if len(c.addresses) > 0 {
		return "address " + c.addresses[0].String()
	}
	if c.name != "" {
		return "name " + strings.ToLower(c.name)
	}
	return ""
}

// conversation is one matter. The same conversation may come in several records,
// each with some of its messages; fields that are nil or empty say nothing.
type conversation struct {
	id       string
	customer *customer
	// customerID points at a customer that came before, when customer is nil.
	customerID string
	subject    string
	status     holdfast.Status
	until      time.Time // of a snooze
	priority   *holdfast.Priority
	tags       []string
	assignee   *person
	unassigned bool // the other desk says that it is nobody's
	created    time.Time
	updated    time.Time
	unread     bool
	messages   []message
}

// person is somebody who answers customers.
type person struct {
	id, email, name string
}

// message is something that was said.
type message struct {
	id         string
	direction  holdfast.Direction
	at         time.Time
	order      int // among those of one moment
	author     *person
	automatic  bool
	from       holdfast.Address // of an inbound one; zero: the customer's first
	to, cc     []string
	subject    string
	text, html string
	externalID string
	files      []file
}

// file is an attachment where the other desk keeps it.
type file struct {
	id, name, kind, url string
	size                int64
}

// mail makes an address of an e-mail address; the zero one when it is none.
func mail(s, name string) holdfast.Address {
	s = strings.ToLower(strings.Trim(strings.TrimSpace(s), "<>"))
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || domain == "" || len(s) > 320 || strings.ContainsAny(s, " ,;<>\r\n\t\x00\"") || strings.Contains(domain, "@") {
		return holdfast.Address{}
	}
	return holdfast.Address{Scheme: "mailto", Value: s, Name: name}
}

// phone makes an address of a telephone number; the zero one when it is none.
func phone(s string) holdfast.Address {
	var b strings.Builder
	for _, r := range digits(strings.TrimSpace(s)) {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && b.Len() == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -()./\u00a0\u200e\u200f\u202a\u202c", r):
		default:
			return holdfast.Address{}
		}
	}
	if n := len(strings.TrimPrefix(b.String(), "+")); n < 5 || n > 18 {
		return holdfast.Address{}
	}
	return holdfast.Address{Scheme: "tel", Value: b.String()}
}

// digits folds Persian and Arabic digits to ASCII.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '۰' && r <= '۹':
			return r - '۰' + '0'
		case r >= '٠' && r <= '٩':
			return r - '٠' + '0'
		}
		return r
	}, s)
}

// reach collects the addresses that are addresses, each once.
func reach(list ...holdfast.Address) []holdfast.Address {
	var out []holdfast.Address
	seen := map[string]bool{}
	for _, a := range list {
		if a.Value != "" && !seen[a.String()] {
			seen[a.String()] = true
			out = append(out, a)
		}
	}
	return out
}

// join is the parts of a name that there are.
func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " ")
}
