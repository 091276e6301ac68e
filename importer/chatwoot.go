package importer

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"holdfast"
)

// chatwoot reads a Chatwoot account over its application API: contacts, then
// conversations of every status with all their messages.
type chatwoot struct {
	d       *desk
	account string
}

func newChatwoot(d *desk, s *Settings) *chatwoot {
	d.headers.Set("Api_access_token", s.Token)
	return &chatwoot{d, s.Account}
}

type chatwootContact struct {
	ID         ref    `json:"id"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	Phone      string `json:"phone_number"`
	Attributes struct {
		Company     string `json:"company_name"`
		Description string `json:"description"`
		Language    string `json:"browser_language"`
	} `json:"additional_attributes"`
	CreatedAt moment `json:"created_at"`
}

func (c *chatwootContact) customer() *customer {
	return &customer{id: string(c.ID), name: c.Name, addresses: reach(mail(c.Email, c.Name), phone(c.Phone)), company: c.Attributes.Company,
		about: c.Attributes.Description, language: c.Attributes.Language, created: c.CreatedAt.Time}
}

type chatwootAgent struct {
	ID    ref    `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Type  string `json:"type"`
}

func (a *chatwootAgent) person() *person {
	if a == nil {
		return nil
	}
	return &person{id: string(a.ID), email: a.Email, name: a.Name}
}

type chatwootConversation struct {
	ID   ref `json:"id"`
	Meta struct {
		Sender   chatwootContact `json:"sender"`
		Assignee *chatwootAgent  `json:"assignee"`
	} `json:"meta"`
	Attributes struct {
		MailSubject string `json:"mail_subject"`
	} `json:"additional_attributes"`
	Labels       []string `json:"labels"`
	Status       string   `json:"status"`
	Priority     string   `json:"priority"`
	Unread       int      `json:"unread_count"`
	SnoozedUntil moment   `json:"snoozed_until"`
	CreatedAt    moment   `json:"created_at"`
	UpdatedAt    moment   `json:"updated_at"`
	LastActivity moment   `json:"last_activity_at"`
}

type chatwootMessage struct {
	ID         ref    `json:"id"`
	Content    string `json:"content"`
	Type       int    `json:"message_type"` // 0 in, 1 out, 2 activity, 3 template
	Private    bool   `json:"private"`
	SourceID   string `json:"source_id"`
	CreatedAt  moment `json:"created_at"`
	Attributes struct {
		Mail struct {
			Subject string `json:"subject"`
			HTML    struct {
				Full string `json:"full"`
			} `json:"html_content"`
		} `json:"email"`
	} `json:"content_attributes"`
	Sender      *chatwootAgent `json:"sender"`
	Attachments []struct {
		ID   ref    `json:"id"`
		URL  string `json:"data_url"`
		Size int64  `json:"file_size"`
	} `json:"attachments"`
}

func (c *chatwoot) read(ctx context.Context, place string, take func(record) error) error {
	s, err := at(place)
	if err != nil {
		return err
	}
	if c.account == "" {
		if err := c.findAccount(ctx); err != nil {
			return err
		}
	}
	root := "/api/v1/accounts/" + c.account
	for s.Phase == phaseCustomers {
		var page struct {
			Meta struct {
				Count int64 `json:"count"`
			} `json:"meta"`
			Payload []chatwootContact `json:"payload"`
		}
		if _, err := c.d.get(ctx, root+"/contacts", url.Values{"page": {strconv.Itoa(s.Page)}, "sort": {"created_at"}}, &page); err != nil {
			return err
		}
		for i := range page.Payload {
			p := &page.Payload[i]
			if err := take(record{what: "customer", ref: "contact " + string(p.ID), customer: p.customer()}); err != nil {
				return err
			}
		}
		s.Page, s.Seen = s.Page+1, s.Seen+int64(len(page.Payload))
		if len(page.Payload) == 0 {
			s = s.conversations()
		}
		if err := take(turned(s, page.Meta.Count)); err != nil {
			return err
		}
	}
	for {
		var page struct {
			Data struct {
				Meta struct {
					All int64 `json:"all_count"`
				} `json:"meta"`
				Payload []chatwootConversation `json:"payload"`
			} `json:"data"`
		}
		query := url.Values{"status": {"all"}, "assignee_type": {"all"}, "page": {strconv.Itoa(s.Page)}, "sort_by": {"created_at_asc"}}
		if _, err := c.d.get(ctx, root+"/conversations", query, &page); err != nil {
			return err
		}
		for i := range page.Data.Payload {
			r, err := c.conversation(ctx, root, &page.Data.Payload[i])
			if err != nil {
				return err
			}
			if err := take(r); err != nil {
				return err
			}
		}
		s.Page, s.Seen = s.Page+1, s.Seen+int64(len(page.Data.Payload))
		if len(page.Data.Payload) == 0 {
			return take(turned(s, s.Seen))
		}
		if err := take(turned(s, page.Data.Meta.All)); err != nil {
			return err
		}
	}
}

// findAccount takes the only account that the token sees.
func (c *chatwoot) findAccount(ctx context.Context) error {
	var me struct {
		Accounts []struct {
			ID   ref    `json:"id"`
			Name string `json:"name"`
		} `json:"accounts"`
	}
	if _, err := c.d.get(ctx, "/api/v1/profile", nil, &me); err != nil {
		return err
	}
	if len(me.Accounts) != 1 {
		return holdfast.Errorf(holdfast.Invalid, "import.account", "the token sees %d accounts", len(me.Accounts)).WithField("account").
			WithNext("Say which one: its number stands in the address of its pages.")
	}
	c.account = string(me.Accounts[0].ID)
	return nil
}

func (c *chatwoot) conversation(ctx context.Context, root string, in *chatwootConversation) (record, error) {
	out := &conversation{id: string(in.ID), customer: in.Meta.Sender.customer(), subject: in.Attributes.MailSubject, tags: in.Labels, assignee: in.Meta.Assignee.person(),
		unassigned: in.Meta.Assignee == nil, created: in.CreatedAt.Time, updated: in.UpdatedAt.Time, unread: in.Unread > 0, until: in.SnoozedUntil.Time}
	if out.updated.IsZero() {
		out.updated = in.LastActivity.Time
	}
	switch in.Status {
	case "resolved":
		out.status = holdfast.Resolved
	case "snoozed":
		out.status = holdfast.Snoozed
	default: // open; pending is what a bot still has in hand
		out.status = holdfast.Open
	}
	out.priority = priority(in.Priority)
	after := "0"
	for {
		var page struct {
			Payload []chatwootMessage `json:"payload"`
		}
		if _, err := c.d.get(ctx, root+"/conversations/"+url.PathEscape(out.id)+"/messages", url.Values{"after": {after}}, &page); err != nil {
			return record{}, err
		}
		for i := range page.Payload {
			if m, ok := page.Payload[i].message(); ok {
				out.messages = append(out.messages, m)
			}
		}
		last := after
		if n := len(page.Payload); n > 0 {
			last = string(page.Payload[n-1].ID)
		}
		if last == after {
			return record{what: "conversation", ref: "conversation " + out.id, conversation: out}, nil
		}
		after = last
	}
}

func (m *chatwootMessage) message() (message, bool) {
	out := message{id: string(m.ID), at: m.CreatedAt.Time, text: m.Content, html: m.Attributes.Mail.HTML.Full, subject: m.Attributes.Mail.Subject}
	if strings.Contains(m.SourceID, "@") {
		out.externalID = "<" + strings.Trim(m.SourceID, "<>") + ">"
	}
	for _, a := range m.Attachments {
		out.files = append(out.files, file{id: string(a.ID), url: a.URL, size: a.Size})
	}
	switch {
	case m.Type == 2: // "Ana assigned this to Joe"
		return out, false
	case m.Private:
		out.direction = holdfast.Note
	case m.Type == 0:
		out.direction = holdfast.Inbound
	default:
		out.direction = holdfast.Outbound
	}
	if out.direction != holdfast.Inbound {
		if m.Sender != nil && m.Sender.Type != "agent_bot" && m.Sender.Type != "captain_assistant" && m.Type != 3 {
			out.author = m.Sender.person()
		} else {
			out.automatic = true
		}
	}
	// A form or a card may have been sent without a word.
	return out, strings.TrimSpace(out.text) != "" || out.html != "" || len(out.files) > 0
}

// priority reads low, normal, medium, high and urgent; nil when it is none of them.
func priority(s string) *holdfast.Priority {
	p := holdfast.Normal
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "low":
		p = holdfast.Low
	case "normal", "medium", "none":
	case "high":
		p = holdfast.High
	case "urgent", "critical":
		p = holdfast.Urgent
	default:
		return nil
	}
	return &p
}
