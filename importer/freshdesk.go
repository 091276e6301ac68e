package importer

import (
	"context"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"

	"holdfast"
)

// freshdesk reads a Freshdesk account: agents, contacts, then tickets by the date
// of their last change, since no list there is longer than 300 pages.
type freshdesk struct {
	d      *desk
	agents map[ref]*person
}

const (
	freshdeskPage  = 100
	freshdeskPages = 300
)

func newFreshdesk(d *desk, s *Settings) *freshdesk {
	d.headers.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.Token+":X")))
	return &freshdesk{d: d}
}

type freshdeskContact struct {
	ID          ref      `json:"id"`
	Name        string   `json:"name"`
	Email       string   `json:"email"`
	Phone       string   `json:"phone"`
	Mobile      string   `json:"mobile"`
	OtherMails  []string `json:"other_emails"`
	Language    string   `json:"language"`
	Description string   `json:"description"`
	CreatedAt   moment   `json:"created_at"`
}

func (c *freshdeskContact) customer() *customer {
	addresses := []holdfast.Address{mail(c.Email, c.Name)}
	for _, e := range c.OtherMails {
		addresses = append(addresses, mail(e, c.Name))
	}
	return &customer{id: string(c.ID), name: c.Name, addresses: reach(append(addresses, phone(c.Phone), phone(c.Mobile))...), about: c.Description, language: c.Language, created: c.CreatedAt.Time}
}

type freshdeskFile struct {
	ID   ref    `json:"id"`
	Name string `json:"name"`
	Type string `json:"content_type"`
	Size int64  `json:"size"`
	URL  string `json:"attachment_url"`
}

type freshdeskTicket struct {
	ID          ref              `json:"id"`
	Subject     string           `json:"subject"`
	HTML        string           `json:"description"`
	Text        string           `json:"description_text"`
	Status      int              `json:"status"`
	Priority    int              `json:"priority"`
	Source      int              `json:"source"`
	RequesterID ref              `json:"requester_id"`
	ResponderID ref              `json:"responder_id"`
	Requester   freshdeskContact `json:"requester"`
	Tags        []string         `json:"tags"`
	CC          []string         `json:"cc_emails"`
	Spam        bool             `json:"spam"`
	Deleted     bool             `json:"deleted"`
	CreatedAt   moment           `json:"created_at"`
	UpdatedAt   moment           `json:"updated_at"`
	Attachments []freshdeskFile  `json:"attachments"`
}

type freshdeskNote struct {
	ID          ref             `json:"id"`
	HTML        string          `json:"body"`
	Text        string          `json:"body_text"`
	Incoming    bool            `json:"incoming"`
	Private     bool            `json:"private"`
	UserID      ref             `json:"user_id"`
	From        string          `json:"from_email"`
	To          []string        `json:"to_emails"`
	CC          []string        `json:"cc_emails"`
	CreatedAt   moment          `json:"created_at"`
	Attachments []freshdeskFile `json:"attachments"`
}

func (f *freshdesk) read(ctx context.Context, place string, take func(record) error) error {
	s, err := at(place)
	if err != nil {
		return err
	}
	if err := f.readAgents(ctx); err != nil {
		return err
	}
	for s.Phase == phaseCustomers {
		var page []freshdeskContact
		if _, err := f.d.get(ctx, "/api/v2/contacts", paging(s.Page), &page); err != nil {
			return err
		}
		for i := range page {
			if err := take(record{what: "customer", ref: "contact " + string(page[i].ID), customer: page[i].customer()}); err != nil {
				return err
			}
		}
		s.Page, s.Seen = s.Page+1, s.Seen+int64(len(page))
		if len(page) < freshdeskPage {
			s = s.conversations()
			s.Since = "1970-01-01T00:00:00Z"
		}
		if err := take(turned(s, 0)); err != nil {
			return err
		}
	}
	for {
		query := paging(s.Page)
		query.Set("updated_since", s.Since)
		query.Set("order_by", "updated_at")
		query.Set("order_type", "asc")
		query.Set("include", "requester,description")
		var page []freshdeskTicket
		if _, err := f.d.get(ctx, "/api/v2/tickets", query, &page); err != nil {
			return err
		}
		for i := range page {
			r, err := f.ticket(ctx, &page[i])
			if err != nil {
				return err
			}
			if err := take(r); err != nil {
				return err
			}
		}
		s.Page, s.Seen = s.Page+1, s.Seen+int64(len(page))
		if len(page) < freshdeskPage {
			return take(turned(s, s.Seen))
		}
		if last := page[len(page)-1].UpdatedAt.Format(time.RFC3339); s.Page > freshdeskPages && last != s.Since {
			s.Page, s.Since = 1, last
		}
		if err := take(turned(s, 0)); err != nil {
			return err
		}
	}
}

func paging(page int) url.Values {
	return url.Values{"page": {strconv.Itoa(page)}, "per_page": {strconv.Itoa(freshdeskPage)}}
}

// readAgents learns who works there.
func (f *freshdesk) readAgents(ctx context.Context) error {
	f.agents = map[ref]*person{}
	for n := 1; n <= freshdeskPages; n++ {
		var page []struct {
			ID      ref `json:"id"`
			Contact struct {
				Name  string `json:"name"`
				Email string `json:"email"`
			} `json:"contact"`
		}
		if _, err := f.d.get(ctx, "/api/v2/agents", paging(n), &page); err != nil {
			return err
		}
		for _, a := range page {
			f.agents[a.ID] = &person{id: string(a.ID), email: a.Contact.Email, name: a.Contact.Name}
		}
		if len(page) < freshdeskPage {
			break
		}
	}
	return nil
}

func (f *freshdesk) ticket(ctx context.Context, t *freshdeskTicket) (record, error) {
	r := record{what: "conversation", ref: "ticket " + string(t.ID)}
	switch {
	case t.Deleted:
		r.refused, r.detail = "import.deleted", "it was deleted there"
		return r, nil
	case t.Spam:
		r.refused, r.detail = "import.spam", "it was marked as spam there"
		return r, nil
	}
	path := "/api/v2/tickets/" + url.PathEscape(string(t.ID))
	// Only a ticket by itself says which files came with it.
	var whole freshdeskTicket
	_, err := f.d.get(ctx, path, nil, &whole)
	if holdfast.KindOf(err) == holdfast.NotFound {
		r.refused, r.detail = "import.deleted", "it was deleted there"
		return r, nil
	}
	if err != nil {
		return r, err
	}
	t.Attachments = whole.Attachments
	if t.HTML == "" && t.Text == "" {
		t.HTML, t.Text = whole.HTML, whole.Text
	}
	t.Requester.ID = t.RequesterID
	c := &conversation{id: string(t.ID), subject: t.Subject, tags: t.Tags, customer: t.Requester.customer(), assignee: f.agents[t.ResponderID], unassigned: t.ResponderID == "",
		created: t.CreatedAt.Time, updated: t.UpdatedAt.Time, status: freshdeskStatus(t.Status)}
	if t.Priority >= 1 && t.Priority <= 4 {
		p := holdfast.Priority(t.Priority - 1)
		c.priority = &p
	}
	first := message{id: "ticket", direction: holdfast.Inbound, at: t.CreatedAt.Time, text: t.Text, html: t.HTML, cc: t.CC, files: freshdeskFiles(t.Attachments)}
	if t.Source == 10 { // the agent wrote first
		first.direction, first.author = holdfast.Outbound, f.agents[t.ResponderID]
	}
	if first.text != "" || first.html != "" || len(first.files) > 0 {
		c.messages = append(c.messages, first)
	}
	r.conversation = c
	for n := 1; ; n++ {
		var page []freshdeskNote
		if _, err := f.d.get(ctx, path+"/conversations", paging(n), &page); err != nil {
			return r, err
		}
		for i := range page {
			c.messages = append(c.messages, f.note(&page[i]))
		}
		if len(page) < freshdeskPage {
			return r, nil
		}
	}
}

func (f *freshdesk) note(n *freshdeskNote) message {
	m := message{id: string(n.ID), at: n.CreatedAt.Time, text: n.Text, html: n.HTML, to: n.To, cc: n.CC, files: freshdeskFiles(n.Attachments)}
	switch {
	case n.Private:
		m.direction, m.author = holdfast.Note, f.agents[n.UserID]
	case n.Incoming:
		m.direction, m.from = holdfast.Inbound, mail(bare(n.From), "")
	default:
		m.direction, m.author, m.automatic = holdfast.Outbound, f.agents[n.UserID], f.agents[n.UserID] == nil
	}
	return m
}

func freshdeskFiles(list []freshdeskFile) []file {
	var out []file
	for _, a := range list {
		out = append(out, file{id: string(a.ID), name: a.Name, kind: a.Type, url: a.URL, size: a.Size})
	}
	return out
}

func freshdeskStatus(n int) holdfast.Status {
	switch n {
	case 3, 6, 7: // pending, waiting on the customer or a third party
		return holdfast.Waiting
	case 4:
		return holdfast.Resolved
	case 5:
		return holdfast.Closed
	}
	return holdfast.Open
}
