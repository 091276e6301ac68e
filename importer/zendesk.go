package importer

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"

	"holdfast"
)

// zendesk reads a Zendesk Support account: users and tickets by the incremental
// export, each ticket's comments by its own list.
type zendesk struct {
	d     *desk
	users map[ref]*zendeskUser // who works there, and whom a page named
}

// newZendesk signs in with an API token of the given user, or with an OAuth token.
func newZendesk(d *desk, s *Settings) *zendesk {
	if s.User != "" {
		d.headers.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.User+"/token:"+s.Token)))
	} else {
		d.headers.Set("Authorization", "Bearer "+s.Token)
	}
	return &zendesk{d: d, users: map[ref]*zendeskUser{}}
}

type zendeskUser struct {
	ID         ref    `json:"id"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	Phone      string `json:"phone"`
	Locale     string `json:"locale"`
	Role       string `json:"role"` // end-user, agent, admin
	Details    string `json:"details"`
	Notes      string `json:"notes"`
	CreatedAt  moment `json:"created_at"`
	Identities []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"identities"`
}

func (u *zendeskUser) staff() bool { return u.Role == "agent" || u.Role == "admin" }

func (u *zendeskUser) person() *person {
	if u == nil {
		return nil
	}
	return &person{id: string(u.ID), email: u.Email, name: u.Name}
}

func (u *zendeskUser) customer() *customer {
	addresses := []holdfast.Address{mail(u.Email, u.Name), phone(u.Phone)}
	for _, i := range u.Identities {
		switch i.Type {
		case "phone_number":
			addresses = append(addresses, phone(i.Value))
		default:
			addresses = append(addresses, mail(i.Value, u.Name)) // none, for what is no mail address
		}
	}
	return &customer{id: string(u.ID), name: u.Name, addresses: reach(addresses...), about: join(u.Details, u.Notes), language: u.Locale, created: u.CreatedAt.Time}
}

type zendeskTicket struct {
	ID          ref      `json:"id"`
	Subject     string   `json:"subject"`
	Description string   `json:"description"`
	Priority    string   `json:"priority"`
	Status      string   `json:"status"`
	RequesterID ref      `json:"requester_id"`
	AssigneeID  ref      `json:"assignee_id"`
	Tags        []string `json:"tags"`
	CreatedAt   moment   `json:"created_at"`
	UpdatedAt   moment   `json:"updated_at"`
}

type zendeskComment struct {
	ID        ref    `json:"id"`
	AuthorID  ref    `json:"author_id"`
	Body      string `json:"plain_body"`
	Raw       string `json:"body"`
	HTML      string `json:"html_body"`
	Public    bool   `json:"public"`
	CreatedAt moment `json:"created_at"`
	Via       struct {
		Source struct {
			From struct {
				Address string `json:"address"`
			} `json:"from"`
		} `json:"source"`
	} `json:"via"`
	Metadata struct {
		System struct {
			MessageID string `json:"message_id"`
		} `json:"system"`
	} `json:"metadata"`
	Attachments []struct {
		ID   ref    `json:"id"`
		Name string `json:"file_name"`
		URL  string `json:"content_url"`
		Type string `json:"content_type"`
		Size int64  `json:"size"`
	} `json:"attachments"`
}

func (z *zendesk) read(ctx context.Context, place string, take func(record) error) error {
	s, err := at(place)
	if err != nil {
		return err
	}
	for {
		var page struct {
			Users   []zendeskUser   `json:"users"`
			Tickets []zendeskTicket `json:"tickets"`
			After   string          `json:"after_cursor"`
			End     bool            `json:"end_of_stream"`
		}
		query := url.Values{"per_page": {"500"}}
		if s.After != "" {
			query.Set("cursor", s.After)
		} else {
			query.Set("start_time", "0")
		}
		path := "/api/v2/incremental/users/cursor.json"
		if s.Phase == phaseConversations {
			path = "/api/v2/incremental/tickets/cursor.json"
			query.Set("include", "users")
		} else {
			query.Set("include", "identities")
		}
		if _, err := z.d.get(ctx, path, query, &page); err != nil {
			return err
		}
		for i := range page.Users {
			u := &page.Users[i]
			z.know(u)
			if s.Phase == phaseCustomers && !u.staff() {
				if err := take(record{what: "customer", ref: "user " + string(u.ID), customer: u.customer()}); err != nil {
					return err
				}
			}
		}
		for i := range page.Tickets {
			r, err := z.ticket(ctx, &page.Tickets[i])
			if err != nil {
				return err
			}
			if err := take(r); err != nil {
				return err
			}
		}
		s.Seen += int64(len(page.Tickets))
		if s.Phase == phaseCustomers {
			s.Seen += int64(len(page.Users))
		}
		stop := page.End || page.After == "" || page.After == s.After
		if s.After = page.After; stop {
			if s.Phase == phaseConversations {
				return take(turned(s, s.Seen))
			}
			s = s.conversations()
		}
		if err := take(turned(s, 0)); err != nil {
			return err
		}
	}
}

// know remembers a user for the page at hand, and colleagues for good.
func (z *zendesk) know(u *zendeskUser) {
	if len(z.users) > remembered {
		clear(z.users)
	}
	z.users[u.ID] = u
}

// user is somebody who wrote; nil when the desk does not know them any more.
func (z *zendesk) user(ctx context.Context, id ref) (*zendeskUser, error) {
	if id == "" || id == "-1" { // the system
		return nil, nil
	}
	if u, ok := z.users[id]; ok {
		return u, nil
	}
	var one struct {
		User zendeskUser `json:"user"`
	}
	_, err := z.d.get(ctx, "/api/v2/users/"+url.PathEscape(string(id))+".json", nil, &one)
	if holdfast.KindOf(err) == holdfast.NotFound {
		z.users[id] = nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	z.know(&one.User)
	return &one.User, nil
}

func (z *zendesk) ticket(ctx context.Context, t *zendeskTicket) (record, error) {
	r := record{what: "conversation", ref: "ticket " + string(t.ID)}
	if t.Status == "deleted" {
		r.refused, r.detail = "import.deleted", "it was deleted there"
		return r, nil
	}
	requester, err := z.user(ctx, t.RequesterID)
	if err != nil {
		return r, err
	}
	assignee, err := z.user(ctx, t.AssigneeID)
	if err != nil {
		return r, err
	}
	c := &conversation{id: string(t.ID), subject: t.Subject, tags: t.Tags, assignee: assignee.person(), unassigned: assignee == nil, priority: priority(t.Priority),
		created: t.CreatedAt.Time, updated: t.UpdatedAt.Time, status: zendeskStatus(t.Status), customer: &customer{id: string(t.RequesterID), name: "?"}}
	if requester != nil {
		c.customer = requester.customer()
	}
	r.conversation = c
	query := url.Values{"page[size]": {"100"}, "include": {"users"}}
	for n := 1; ; n++ {
		var page struct {
			Comments []zendeskComment `json:"comments"`
			Users    []zendeskUser    `json:"users"`
			Meta     struct {
				More  bool   `json:"has_more"`
				After string `json:"after_cursor"`
			} `json:"meta"`
		}
		_, err := z.d.get(ctx, "/api/v2/tickets/"+url.PathEscape(string(t.ID))+"/comments.json", query, &page)
		if holdfast.KindOf(err) == holdfast.NotFound && n == 1 { // gone between the two
			r.conversation, r.refused, r.detail = nil, "import.deleted", "it was deleted there"
			return r, nil
		}
		if err != nil {
			return r, err
		}
		for i := range page.Users {
			z.know(&page.Users[i])
		}
		for i := range page.Comments {
			m, err := z.comment(ctx, t, &page.Comments[i])
			if err != nil {
				return r, err
			}
			c.messages = append(c.messages, m)
		}
		if !page.Meta.More || page.Meta.After == "" || page.Meta.After == query.Get("page[after]") {
			return r, nil
		}
		query.Set("page[after]", page.Meta.After)
	}
}

func (z *zendesk) comment(ctx context.Context, t *zendeskTicket, c *zendeskComment) (message, error) {
	m := message{id: string(c.ID), at: c.CreatedAt.Time, text: c.Body, html: c.HTML, direction: holdfast.Inbound}
	if m.text == "" {
		m.text = c.Raw
	}
	if id := c.Metadata.System.MessageID; strings.Contains(id, "@") {
		m.externalID = id
	}
	for _, a := range c.Attachments {
		m.files = append(m.files, file{id: string(a.ID), name: a.Name, kind: a.Type, url: a.URL, size: a.Size})
	}
	author, err := z.user(ctx, c.AuthorID)
	if err != nil {
		return m, err
	}
	switch {
	case !c.Public:
		m.direction, m.author = holdfast.Note, author.person()
	case c.AuthorID == t.RequesterID || author != nil && !author.staff():
		m.from = mail(c.Via.Source.From.Address, "")
		if author != nil {
			if m.from.Value == "" {
				m.from = mail(author.Email, author.Name)
			}
			m.from.Name = author.Name
		}
	default:
		m.direction, m.author, m.automatic = holdfast.Outbound, author.person(), author == nil
	}
	return m, nil
}

func zendeskStatus(s string) holdfast.Status {
	switch s {
	case "pending", "hold":
		return holdfast.Waiting
	case "solved":
		return holdfast.Resolved
	case "closed":
		return holdfast.Closed
	}
	return holdfast.Open // new, open
}
