package paper

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/inbox"
)

// content is what stands on a sheet.
type content struct {
	lang, name string
	at         time.Time // in the workspace's zone
	people     []person
	left       int // customers that there was no room for
}

type person struct {
	id        holdfast.ID
	name      string
	addresses []string
	matters   []matter
	contacts  []contact
}

type matter struct {
	id      holdfast.ID
	number  int64
	subject string
	urgent  bool
	since   time.Time // of the last thing that was said
	rows    []string  // codes of its blank rows
}

type contact struct {
	at   time.Time
	in   bool
	text string
}

const (
	peopleMax   = 400 // customers on a sheet
	mattersMax  = 3   // of one customer
	contactsMax = 5
	rowsEach    = 2   // blank rows of each matter
	textLength  = 160 // characters of a contact
)

func (c *content) rows() int {
	n := 0
	for _, p := range c.people {
		for _, m := range p.matters {
			n += len(m.rows)
		}
	}
	return n
}

// gather reads whom to call, in their order, and what is to be known of each.
func (p *Paper) gather(ctx context.Context, workspace, sheet holdfast.ID) (*content, error) {
	c := &content{}
	var zone *time.Location
	var err error
	if c.lang, c.name, zone, err = p.House(ctx, workspace); err != nil {
		return nil, err
	}
	c.at = p.DB.Now().In(zone)
	open := map[holdfast.ID][]inbox.Item{}
	var order []holdfast.ID
	for _, view := range []inbox.View{inbox.OpenView, inbox.Waiting} {
		cursor := ""
		for {
			items, next, err := p.Inbox.List(ctx, workspace, inbox.Filter{View: view, Cursor: cursor, Limit: 200})
			if err != nil {
				return nil, err
			}
			for _, i := range items {
				if open[i.Customer.ID] == nil {
					order = append(order, i.Customer.ID)
				}
				open[i.Customer.ID] = append(open[i.Customer.ID], i)
			}
			if cursor = next; next == "" {
				break
			}
		}
	}
	if p.Order != nil {
		if order, err = p.Order(ctx, workspace, order); err != nil {
			return nil, err
		}
	} else {
		slices.SortFunc(order, func(a, b holdfast.ID) int { return cmp.Or(before(open[a], open[b]), slices.Compare(a[:], b[:])) })
	}
	if len(order) > peopleMax {
		order, c.left = order[:peopleMax], len(order)-peopleMax
	}
	for _, id := range order {
		one, err := p.person(ctx, workspace, sheet, id, open[id])
		if err != nil {
			return nil, err
		}
		for i := range one.matters {
			one.matters[i].since = one.matters[i].since.In(zone)
		}
		for i := range one.contacts {
			one.contacts[i].at = one.contacts[i].at.In(zone)
		}
		c.people = append(c.people, one)
	}
	return c, nil
}

// before says which of two customers is called first: by the highest priority of what is
// open, then whoever waits for us before whoever we wait for, then by how long.
func before(a, b []inbox.Item) int {
	rank := func(items []inbox.Item) (priority holdfast.Priority, ours int, since time.Time) {
		ours = 1
		for _, i := range items {
			priority = max(priority, i.Priority)
			if i.State == holdfast.Open {
				ours = 0
			}
			if since.IsZero() || i.LastAt.Before(since) {
				since = i.LastAt
			}
		}
		return priority, ours, since
	}
	pa, oa, sa := rank(a)
	pb, ob, sb := rank(b)
	return cmp.Or(cmp.Compare(pb, pa), cmp.Compare(oa, ob), sa.Compare(sb))
}

func (p *Paper) person(ctx context.Context, workspace, sheet, id holdfast.ID, items []inbox.Item) (person, error) {
	one := person{id: id}
	who, err := p.Inbox.Customer(ctx, workspace, id)
	if err != nil {
		return one, err
	}
	one.name = who.Name
	// Telephones first: they are what works.
	slices.SortStableFunc(who.Addresses, func(a, b inbox.Address) int { return cmp.Compare(far(a.Scheme), far(b.Scheme)) })
	for _, a := range who.Addresses {
		if far(a.Scheme) < 2 {
			one.addresses = append(one.addresses, a.Value)
		}
	}
	slices.SortFunc(items, func(a, b inbox.Item) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.LastAt.Compare(b.LastAt), slices.Compare(a.ID[:], b.ID[:]))
	})
	for _, i := range items[:min(len(items), mattersMax)] {
		m := matter{id: i.ID, number: i.Number, subject: cmp.Or(i.Subject, i.Preview), urgent: i.Priority >= holdfast.High, since: i.LastAt}
		for n := range rowsEach {
			m.rows = append(m.rows, codeOf(sheet, i.ID, n))
		}
		one.matters = append(one.matters, m)
	}
	all, _, err := p.Inbox.List(ctx, workspace, inbox.Filter{View: inbox.All, Customer: id, Limit: contactsMax})
	if err != nil {
		return one, err
	}
	for _, i := range all {
		list, _, err := p.Inbox.Messages(ctx, workspace, i.ID, 0, 3*contactsMax) // notes are among them
		if err != nil {
			return one, err
		}
		for _, m := range list {
			if m.Direction != holdfast.Note {
				one.contacts = append(one.contacts, contact{m.At, m.Direction == holdfast.Inbound, m.Text})
			}
		}
	}
	slices.SortStableFunc(one.contacts, func(a, b contact) int { return b.at.Compare(a.at) })
	one.contacts = one.contacts[:min(len(one.contacts), contactsMax)]
	return one, nil
}

// far is how much of a network an address needs; what has no use on paper is farthest.
func far(scheme string) int {
	switch scheme {
	case "tel":
		return 0
	case "mailto":
		return 1
	}
	return 2
}

// short is a text on one line, cut.
func short(s string, limit int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return string(r)
}

// harmless is a cell that no spreadsheet takes for a formula.
func harmless(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\r' || r == '\x00' {
			return -1
		}
		return r
	}, s)
	if s != "" && strings.ContainsRune("=+-@\t\n|", rune(s[0])) || strings.HasPrefix(s, "＝") || strings.HasPrefix(s, "＋") || strings.HasPrefix(s, "－") || strings.HasPrefix(s, "＠") {
		return "'" + s
	}
	return s
}

// csv is the same as a table: a line for each blank row.
func (c *content) csv() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff") // or a spreadsheet takes it for another alphabet
	w := csv.NewWriter(&b)
	t := wordsIn(c.lang)
	write := func(cells ...string) error {
		for i := range cells {
			cells[i] = harmless(cells[i])
		}
		return w.Write(cells)
	}
	if err := write(t.order, t.customer, t.addresses, t.matter, t.about, t.since, t.contacts, t.row, t.happened); err != nil {
		return nil, err
	}
	for n, p := range c.people {
		var said []string
		for _, x := range p.contacts {
			said = append(said, x.at.Format("2006-01-02 15:04")+" "+t.side(x.in)+" "+short(x.text, textLength))
		}
		for _, m := range p.matters {
			for _, code := range m.rows {
				if err := write(number(n+1, "en"), p.name, strings.Join(p.addresses, "; "), number(int(m.number), "en"), short(m.subject, textLength), m.since.Format("2006-01-02 15:04"), strings.Join(said, "\n"), printed(code), ""); err != nil {
					return nil, err
				}
			}
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
