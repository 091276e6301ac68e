package importer

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"holdfast"
)

// freescout reads a FreeScout help desk over its API module: customers, then
// conversations with their threads.
type freescout struct{ d *desk }

func newFreeScout(d *desk, s *Settings) *freescout {
	d.headers.Set("X-Freescout-Api-Key", s.Token)
	return &freescout{d}
}

type freescoutPage struct {
	Size   int   `json:"size"`
	Total  int64 `json:"totalElements"`
	Pages  int   `json:"totalPages"`
	Number int   `json:"number"`
}

type freescoutValue struct {
	Value string `json:"value"`
}

type freescoutCustomer struct {
	ID        ref    `json:"id"`
	Type      string `json:"type"`
	First     string `json:"firstName"`
	Last      string `json:"lastName"`
	Email     string `json:"email"`
	Company   string `json:"company"`
	Notes     string `json:"notes"`
	CreatedAt moment `json:"createdAt"`
	Embedded  struct {
		Emails []freescoutValue `json:"emails"`
		Phones []freescoutValue `json:"phones"`
	} `json:"_embedded"`
}

func (c *freescoutCustomer) customer() *customer {
	name := join(c.First, c.Last)
	list := []holdfast.Address{mail(c.Email, name)}
	for _, e := range c.Embedded.Emails {
		list = append(list, mail(e.Value, name))
	}
	for _, p := range c.Embedded.Phones {
		list = append(list, phone(p.Value))
	}
	return &customer{id: string(c.ID), name: name, addresses: reach(list...), company: c.Company, about: c.Notes, created: c.CreatedAt.Time}
}

// person is a colleague; nil for nobody and for customers.
func (c *freescoutCustomer) person() *person {
	if c == nil || c.ID == "" || c.Type == "customer" {
		return nil
	}
	return &person{id: string(c.ID), email: c.Email, name: join(c.First, c.Last)}
}

type freescoutConversation struct {
	ID        ref                `json:"id"`
	Number    ref                `json:"number"`
	Status    string             `json:"status"`
	State     string             `json:"state"`
	Subject   string             `json:"subject"`
	Assignee  *freescoutCustomer `json:"assignee"`
	Customer  freescoutCustomer  `json:"customer"`
	CreatedAt moment             `json:"createdAt"`
	UpdatedAt moment             `json:"updatedAt"`
	Embedded  struct {
		Threads []freescoutThread `json:"threads"`
		Tags    []struct {
			Name string `json:"name"`
		} `json:"tags"`
	} `json:"_embedded"`
}

type freescoutThread struct {
	ID        ref                `json:"id"`
	Type      string             `json:"type"` // customer, message, note, lineitem
	State     string             `json:"state"`
	Body      string             `json:"body"`
	Customer  *freescoutCustomer `json:"customer"`
	CreatedBy *freescoutCustomer `json:"createdBy"`
	To        []string           `json:"to"`
	CC        []string           `json:"cc"`
	CreatedAt moment             `json:"createdAt"`
	Embedded  struct {
		Attachments []struct {
			ID   ref    `json:"id"`
			Name string `json:"fileName"`
			URL  string `json:"fileUrl"`
			Type string `json:"mimeType"`
			Size int64  `json:"size"`
		} `json:"attachments"`
	} `json:"_embedded"`
}

func (f *freescout) read(ctx context.Context, place string, take func(record) error) error {
	s, err := at(place)
	if err != nil {
		return err
	}
	for s.Phase == phaseCustomers {
		var page struct {
			Embedded struct {
				Customers []freescoutCustomer `json:"customers"`
			} `json:"_embedded"`
			Page freescoutPage `json:"page"`
		}
		if _, err := f.d.get(ctx, "/api/customers", freescoutPaging(s.Page), &page); err != nil {
			return err
		}
		for i := range page.Embedded.Customers {
			c := &page.Embedded.Customers[i]
			if err := take(record{what: "customer", ref: "customer " + string(c.ID), customer: c.customer()}); err != nil {
				return err
			}
		}
		n := len(page.Embedded.Customers)
		s.Page, s.Seen = s.Page+1, s.Seen+int64(n)
		if n == 0 || s.Page > page.Page.Pages {
			s = s.conversations()
		}
		if err := take(turned(s, page.Page.Total)); err != nil {
			return err
		}
	}
	for {
		var page struct {
			Embedded struct {
				Conversations []freescoutConversation `json:"conversations"`
			} `json:"_embedded"`
			Page freescoutPage `json:"page"`
		}
		query := freescoutPaging(s.Page)
		query.Set("embed", "threads,tags")
		query.Set("sortField", "createdAt")
		query.Set("sortOrder", "asc")
		if _, err := f.d.get(ctx, "/api/conversations", query, &page); err != nil {
			return err
		}
		for i := range page.Embedded.Conversations {
			if err := take(page.Embedded.Conversations[i].record()); err != nil {
				return err
			}
		}
		n := len(page.Embedded.Conversations)
		s.Page, s.Seen = s.Page+1, s.Seen+int64(n)
		if n == 0 || s.Page > page.Page.Pages {
			return take(turned(s, s.Seen))
		}
		if err := take(turned(s, page.Page.Total)); err != nil {
			return err
		}
	}
}

func freescoutPaging(page int) url.Values {
	return url.Values{"page": {strconv.Itoa(page)}, "pageSize": {"50"}}
}

func (c *freescoutConversation) record() record {
	r := record{what: "conversation", ref: "conversation " + string(c.Number)}
	switch {
	case c.State == "deleted":
		r.refused, r.detail = "import.deleted", "it was deleted there"
		return r
	case c.State == "draft":
		r.refused, r.detail = "import.draft", "it is a draft there"
		return r
	case c.Status == "spam":
		r.refused, r.detail = "import.spam", "it was marked as spam there"
		return r
	}
	out := &conversation{id: string(c.ID), subject: c.Subject, customer: c.Customer.customer(), assignee: c.Assignee.person(), unassigned: c.Assignee.person() == nil,
		created: c.CreatedAt.Time, updated: c.UpdatedAt.Time, status: holdfast.Open}
	switch c.Status {
	case "pending":
		out.status = holdfast.Waiting
	case "closed": // there, too, a customer's answer opens it
		out.status = holdfast.Resolved
	}
	for _, t := range c.Embedded.Tags {
		out.tags = append(out.tags, t.Name)
	}
	for i := range c.Embedded.Threads {
		t := &c.Embedded.Threads[i]
		if t.Type == "lineitem" || t.State == "draft" || t.State == "deleted" {
			continue
		}
		m := message{id: string(t.ID), at: t.CreatedAt.Time, html: t.Body, to: t.To, cc: t.CC}
		if !strings.Contains(t.Body, "<") {
			m.html, m.text = "", t.Body
		}
		for _, a := range t.Embedded.Attachments {
			m.files = append(m.files, file{id: string(a.ID), name: a.Name, kind: a.Type, url: a.URL, size: a.Size})
		}
		switch t.Type {
		case "customer":
			m.direction = holdfast.Inbound
			if t.Customer != nil {
				m.from = mail(t.Customer.Email, join(t.Customer.First, t.Customer.Last))
			}
		case "note":
			m.direction, m.author = holdfast.Note, t.CreatedBy.person()
		default:
			m.direction, m.author = holdfast.Outbound, t.CreatedBy.person()
			m.automatic = m.author == nil
		}
		out.messages = append(out.messages, m)
	}
	r.conversation = out
	return r
}
