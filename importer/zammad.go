package importer

import (
	"context"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"holdfast"
)

// zammad reads a Zammad system: its users, then its tickets with their articles
// and tags.
type zammad struct {
	d     *desk
	users map[ref]*zammadUser
}

const zammadPage = 100

func newZammad(d *desk, s *Settings) *zammad {
	d.headers.Set("Authorization", "Token token="+s.Token)
	return &zammad{d: d, users: map[ref]*zammadUser{}}
}

type zammadUser struct {
	ID           ref      `json:"id"`
	Login        string   `json:"login"`
	First        string   `json:"firstname"`
	Last         string   `json:"lastname"`
	Email        string   `json:"email"`
	Phone        string   `json:"phone"`
	Mobile       string   `json:"mobile"`
	Organization any      `json:"organization"` // its name, where the answer is expanded
	Note         string   `json:"note"`
	Roles        []string `json:"roles"`
	CreatedAt    moment   `json:"created_at"`
}

func (u *zammadUser) staff() bool {
	return slices.ContainsFunc(u.Roles, func(r string) bool { return r == "Agent" || r == "Admin" })
}

func (u *zammadUser) person() *person {
	if u == nil {
		return nil
	}
	return &person{id: string(u.ID), email: u.Email, name: join(u.First, u.Last)}
}

func (u *zammadUser) customer() *customer {
	name := join(u.First, u.Last)
	company, _ := u.Organization.(string)
	return &customer{id: string(u.ID), name: name, addresses: reach(mail(u.Email, name), phone(u.Phone), phone(u.Mobile)), company: company, about: plainText(u.Note), created: u.CreatedAt.Time}
}

type zammadTicket struct {
	ID          ref    `json:"id"`
	Number      ref    `json:"number"`
	Title       string `json:"title"`
	State       string `json:"state"`
	Priority    string `json:"priority"`
	CustomerID  ref    `json:"customer_id"`
	OwnerID     ref    `json:"owner_id"`
	PendingTime moment `json:"pending_time"`
	CreatedAt   moment `json:"created_at"`
	UpdatedAt   moment `json:"updated_at"`
}

type zammadArticle struct {
	ID          ref    `json:"id"`
	Sender      string `json:"sender"` // Customer, Agent, System
	Type        string `json:"type"`
	From        string `json:"from"`
	To          string `json:"to"`
	CC          string `json:"cc"`
	Subject     string `json:"subject"`
	MessageID   string `json:"message_id"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
	Internal    bool   `json:"internal"`
	CreatedByID ref    `json:"created_by_id"`
	CreatedAt   moment `json:"created_at"`
	Attachments []struct {
		ID          ref            `json:"id"`
		Name        string         `json:"filename"`
		Size        ref            `json:"size"`
		Preferences map[string]any `json:"preferences"`
	} `json:"attachments"`
}

func (z *zammad) read(ctx context.Context, place string, take func(record) error) error {
	s, err := at(place)
	if err != nil {
		return err
	}
	for s.Phase == phaseCustomers {
		var page []zammadUser
		if _, err := z.d.get(ctx, "/api/v1/users", z.page(s.Page), &page); err != nil {
			return err
		}
		for i := range page {
			u := &page[i]
			z.know(u)
			if u.staff() || u.Login == "-" || u.ID == "1" { // the system itself
				continue
			}
			if err := take(record{what: "customer", ref: "user " + string(u.ID), customer: u.customer()}); err != nil {
				return err
			}
		}
		s.Page, s.Seen = s.Page+1, s.Seen+int64(len(page))
		if len(page) == 0 {
			s = s.conversations()
		}
		if err := take(turned(s, 0)); err != nil {
			return err
		}
	}
	for {
		var page []zammadTicket
		if _, err := z.d.get(ctx, "/api/v1/tickets", z.page(s.Page), &page); err != nil {
			return err
		}
		for i := range page {
			r, err := z.ticket(ctx, &page[i])
			if err != nil {
				return err
			}
			if err := take(r); err != nil {
				return err
			}
		}
		s.Page, s.Seen = s.Page+1, s.Seen+int64(len(page))
		if len(page) == 0 {
			return take(turned(s, s.Seen))
		}
		if err := take(turned(s, 0)); err != nil {
			return err
		}
	}
}

func (z *zammad) page(n int) url.Values {
	return url.Values{"page": {strconv.Itoa(n)}, "per_page": {strconv.Itoa(zammadPage)}, "expand": {"true"}, "sort_by": {"id"}, "order_by": {"asc"}}
}

func (z *zammad) know(u *zammadUser) {
	if len(z.users) > remembered {
		clear(z.users)
	}
	z.users[u.ID] = u
}

// user is somebody; nil for nobody, the system, and who is not there any more.
func (z *zammad) user(ctx context.Context, id ref) (*zammadUser, error) {
	if id == "" || id == "1" {
		return nil, nil
	}
	if u, ok := z.users[id]; ok {
		return u, nil
	}
	var u zammadUser
	_, err := z.d.get(ctx, "/api/v1/users/"+url.PathEscape(string(id)), url.Values{"expand": {"true"}}, &u)
	if holdfast.KindOf(err) == holdfast.NotFound {
		z.users[id] = nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	z.know(&u)
	return &u, nil
}

func (z *zammad) ticket(ctx context.Context, t *zammadTicket) (record, error) {
	r := record{what: "conversation", ref: "ticket " + string(t.Number)}
	if t.State == "removed" {
		r.refused, r.detail = "import.deleted", "it was deleted there"
		return r, nil
	}
	who, err := z.user(ctx, t.CustomerID)
	if err != nil {
		return r, err
	}
	owner, err := z.user(ctx, t.OwnerID)
	if err != nil {
		return r, err
	}
	c := &conversation{id: string(t.ID), subject: t.Title, customer: &customer{id: string(t.CustomerID), name: "?"}, assignee: owner.person(), unassigned: owner == nil,
		created: t.CreatedAt.Time, updated: t.UpdatedAt.Time, until: t.PendingTime.Time, status: holdfast.Open}
	if who != nil {
		c.customer = who.customer()
	}
	switch t.State {
	case "pending reminder":
		c.status = holdfast.Snoozed
	case "pending close":
		c.status = holdfast.Waiting
	case "closed": // there, too, a customer's answer opens it
		c.status = holdfast.Resolved
	case "merged":
		c.status = holdfast.Closed
	}
	if _, word, ok := strings.Cut(t.Priority, " "); ok { // "2 normal"
		c.priority = priority(word)
	}
	var tags struct {
		Tags []string `json:"tags"`
	}
	if _, err := z.d.get(ctx, "/api/v1/tags", url.Values{"object": {"Ticket"}, "o_id": {string(t.ID)}}, &tags); err != nil && holdfast.KindOf(err) != holdfast.NotFound {
		return r, err
	}
	c.tags = tags.Tags
	var articles []zammadArticle
	_, err = z.d.get(ctx, "/api/v1/ticket_articles/by_ticket/"+url.PathEscape(string(t.ID)), url.Values{"expand": {"true"}}, &articles)
	if holdfast.KindOf(err) == holdfast.NotFound {
		r.refused, r.detail = "import.deleted", "it was deleted there"
		return r, nil
	}
	if err != nil {
		return r, err
	}
	for i := range articles {
		m, err := z.article(ctx, t, &articles[i])
		if err != nil {
			return r, err
		}
		c.messages = append(c.messages, m)
	}
	r.conversation = c
	return r, nil
}

func (z *zammad) article(ctx context.Context, t *zammadTicket, a *zammadArticle) (message, error) {
	m := message{id: string(a.ID), at: a.CreatedAt.Time, subject: a.Subject, to: addresses(a.To), cc: addresses(a.CC), externalID: a.MessageID, text: a.Body}
	if strings.HasPrefix(a.ContentType, "text/html") {
		m.html, m.text = a.Body, ""
	}
	for _, f := range a.Attachments {
		kind, _ := f.Preferences["Content-Type"].(string)
		size, _ := strconv.ParseInt(string(f.Size), 10, 64)
		u := *z.d.base
		u.Path = strings.TrimRight(u.Path, "/") + "/api/v1/ticket_attachment/" + string(t.ID) + "/" + string(a.ID) + "/" + string(f.ID)
		m.files = append(m.files, file{id: string(f.ID), name: f.Name, kind: kind, url: u.String(), size: size})
	}
	if a.Sender == "Customer" && !a.Internal {
		m.direction = holdfast.Inbound
		if p, err := netmail.ParseAddress(a.From); err == nil {
			m.from = mail(p.Address, p.Name)
		}
		return m, nil
	}
	u, err := z.user(ctx, a.CreatedByID)
	if err != nil {
		return m, err
	}
	m.direction = holdfast.Outbound
	if a.Internal || a.Type == "note" {
		m.direction = holdfast.Note
	}
	if m.author = u.person(); a.Sender == "System" {
		m.author = nil
	}
	m.automatic = m.author == nil
	return m, nil
}

// bare is the address in a header's "Ana <ana@example.com>".
func bare(s string) string {
	if p, err := netmail.ParseAddress(s); err == nil {
		return p.Address
	}
	return s
}

// addresses are those in a header's list.
func addresses(s string) []string {
	list, err := netmail.ParseAddressList(s)
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range list {
		out = append(out, a.Address)
	}
	return out
}
