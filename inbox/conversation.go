package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"holdfast"
	"holdfast/store"
)

// Conversation is one matter, whole but for its messages.
type Conversation struct {
	Item
	Person   *Customer      `json:"person"`
	Page     string         `json:"page,omitempty"`
	Draft    *Draft         `json:"draft"`
	ReadUpto holdfast.Clock `json:"read_upto"`
	Merged   []holdfast.ID  `json:"merged" doc:"Conversations that are shown as this one."`
	Parts    []Part         `json:"parts" doc:"The same ones, with what they were called."`

	answered holdfast.Clock // when it was answered last
}

// Part is a conversation that is shown as another.
type Part struct {
	ID      holdfast.ID `json:"id"`
	Number  int64       `json:"number"`
	Subject string      `json:"subject"`
}

// Draft is what an operator has typed and not sent.
type Draft struct {
	Text string    `json:"text"`
	Note bool      `json:"note"`
	At   time.Time `json:"at"`
	// By is who wrote it, where that is not the asker.
	By holdfast.ID `json:"by,omitzero" doc:"The colleague who began it, before the conversation was handed over."`
}

func notFound(what string) error {
	return holdfast.Errorf(holdfast.NotFound, what+".missing", "there is no such %s in this workspace", what)
}

// shown is the id of the conversation that one is shown as: itself, or what it was
// merged into. It costs a look at the primary key.
func shown(id string) string {
	return "COALESCE((SELECT k.merged FROM conversation k WHERE k.id = " + id + " AND k.workspace = $1), " + id + ")"
}

// members are the conversations that are shown as this one, itself left out.
func (b *Inbox) members(ctx context.Context, workspace, id holdfast.ID) ([]Part, error) {
	rows, err := b.db.Query(ctx, "SELECT id, number, subject FROM conversation WHERE merged = $1 AND workspace = $2 ORDER BY id", id, workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, p *Part) error { return r.Scan(&p.ID, &p.Number, &p.Subject) })
	if list == nil {
		list = []Part{}
	}
	return list, err
}

func scanConversation(r *store.Rows, c *Conversation) error {
	i := &c.Item
	err := r.Scan(&i.ID, &i.Number, &i.Subject, &i.State, &i.Status, &i.SnoozeUntil, &i.Operator, &i.Team, &i.Priority, &i.Channel,
		&i.Customer.ID, &i.Customer.Name, &i.Preview, &i.PreviewDir, &i.LastClock, &i.Unread, &i.OpenedAt, &i.FirstReplyAt, &i.Drafting, &c.Page, &c.ReadUpto, &c.answered)
	i.LastAt, i.Tags = i.LastClock.Time().UTC(), []string{}
	return err
}

// Conversation reads one conversation as asker sees it: one that was merged into
// another gives that other. The error is NotFound.
func (b *Inbox) Conversation(ctx context.Context, workspace, id, asker holdfast.ID) (*Conversation, error) {
	rows, err := b.db.Query(ctx, "SELECT "+itemColumns+", c.page, COALESCE(r.upto, 0), c.last_out_clock FROM conversation c"+itemJoins+
		" WHERE c.workspace = $1 AND c.id = "+shown("$3"), workspace, asker, id)
	list, err := store.Collect(rows, err, scanConversation)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, notFound("conversation")
	}
	c := &list[0]
	one := []Item{c.Item}
	if err := b.addTags(ctx, one); err != nil {
		return nil, err
	}
	c.Item = one[0]
	if !c.Customer.ID.IsZero() {
		if c.Person, err = b.Customer(ctx, workspace, c.Customer.ID); err != nil && holdfast.KindOf(err) != holdfast.NotFound {
			return nil, err
		}
	}
	if c.Parts, err = b.members(ctx, workspace, c.ID); err != nil {
		return nil, err
	}
	c.Merged = make([]holdfast.ID, len(c.Parts))
	for i, p := range c.Parts {
		c.Merged[i] = p.ID
	}
	c.Draft, err = b.draft(ctx, workspace, c, asker)
	return c, err
}

// draft is what asker has typed. To whom a conversation was handed over it is, where
// they have written nothing, what a colleague had begun and nobody has answered since.
func (b *Inbox) draft(ctx context.Context, workspace holdfast.ID, c *Conversation, asker holdfast.ID) (*Draft, error) {
	var d Draft
	err := b.db.QueryRow(ctx, "SELECT text, note, at FROM draft WHERE workspace = $1 AND operator = $2 AND conversation = $3 AND text <> ''", workspace, asker, c.ID).Scan(&d.Text, &d.Note, &d.At)
	if errors.Is(err, store.ErrNoRows) && !asker.IsZero() && c.Operator == asker {
		err = b.db.QueryRow(ctx, "SELECT text, note, at, operator FROM draft WHERE workspace = $1 AND conversation = $2 AND text <> '' AND at > $3 ORDER BY at DESC LIMIT 1",
			workspace, c.ID, c.answered.Time()).Scan(&d.Text, &d.Note, &d.At, &d.By)
	}
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return &d, err
}

// Message is one message as operators see it.
type Message struct {
	ID           holdfast.ID           `json:"id"`
	LSN          holdfast.LSN          `json:"lsn"`
	Conversation holdfast.ID           `json:"conversation"`
	Clock        holdfast.Clock        `json:"clock"`
	At           time.Time             `json:"at"`
	Direction    holdfast.Direction    `json:"direction"`
	Channel      holdfast.ID           `json:"channel"`
	Customer     holdfast.ID           `json:"customer"`
	Author       holdfast.ID           `json:"author"`
	From         *holdfast.Address     `json:"from,omitempty" doc:"Inbound: who wrote."`
	Recipient    *holdfast.Address     `json:"recipient,omitempty" doc:"Outbound: whom it goes to."`
	To           []string              `json:"to,omitempty"`
	CC           []string              `json:"cc,omitempty"`
	BCC          []string              `json:"bcc,omitempty"`
	Subject      string                `json:"subject"`
	Text         string                `json:"text"`
	Rest         string                `json:"rest,omitempty" doc:"Quotes and signature."`
	HTML         string                `json:"-"`
	HasHTML      bool                  `json:"has_html"`
	Remote       bool                  `json:"remote,omitempty" doc:"The HTML asks for images from elsewhere; they are blocked."`
	Attachments  []holdfast.Attachment `json:"attachments"`
	Marks        []string              `json:"marks,omitempty"`
	Language     string                `json:"language,omitempty"`
	SentAt       time.Time             `json:"sent_at,omitzero"`
	Mentions     []holdfast.ID         `json:"mentions,omitempty"`
	Automatic    bool                  `json:"automatic,omitempty"`
	Forwarded    holdfast.ID           `json:"forwarded,omitzero" doc:"The message that this one passes on to somebody else."`
	ExternalID   string                `json:"external_id,omitempty"`
	HasRaw       bool                  `json:"has_raw"`
	Raw          string                `json:"-"`
	Delivery     *DeliveryState        `json:"delivery,omitempty"`
}

// DeliveryState is how far an outbound message has come.
type DeliveryState struct {
	State    holdfast.Delivery `json:"state"`
	Code     string            `json:"code,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Attempts int               `json:"attempts"`
	DueAt    time.Time         `json:"due_at,omitzero"`
	Doubled  bool              `json:"doubled,omitempty"`
	Other    *OtherWay         `json:"other,omitempty" doc:"It goes another way than it was written for."`
}

// Where a message was re-routed, the outbox knows by what and to whom it goes.
const messageColumns = `m.lsn, m.id, m.conversation, m.clock, m.at, m.direction, COALESCE(o.channel, m.channel), m.customer, m.author, m.address, m.address_name,
	COALESCE(o.scheme, ''), COALESCE(o.address, ''),
	m.subject, m.text, m.rest, m.html, m.external_id, m.extra, m.raw, m.forwarded,
	CASE WHEN l.message IS NOT NULL THEN 'sending' ELSE COALESCE(o.state, '') END, COALESCE(o.code, ''), COALESCE(o.reason, ''), COALESCE(o.attempts, 0), COALESCE(o.due_at, 0), COALESCE(o.doubled, FALSE), ` + otherWayColumns + `
	FROM message m LEFT JOIN outbox o ON o.message = m.id LEFT JOIN lease l ON l.message = m.id` + otherWay

func scanMessage(r *store.Rows, m *Message) error {
	var address, name, scheme, routed string
	var raw []byte
	var d DeliveryState
	var other OtherWay
	err := r.Scan(append([]any{&m.LSN, &m.ID, &m.Conversation, &m.Clock, &m.At, &m.Direction, &m.Channel, &m.Customer, &m.Author, &address, &name, &scheme, &routed,
		&m.Subject, &m.Text, &m.Rest, &m.HTML, &m.ExternalID, &raw, &m.Raw, &m.Forwarded, &d.State, &d.Code, &d.Reason, &d.Attempts, &d.DueAt, &d.Doubled}, other.fields()...)...)
	if err != nil {
		return err
	}
	var x extra
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &x); err != nil {
			return err
		}
	}
	m.To, m.CC, m.BCC, m.Attachments, m.Marks, m.Language = x.To, x.CC, x.BCC, x.Attachments, x.Marks, x.Language
	m.SentAt, m.Remote, m.Mentions, m.Automatic = x.SentAt, x.Remote, x.Mentions, x.Automatic
	if m.Attachments == nil {
		m.Attachments = []holdfast.Attachment{}
	}
	m.HasHTML, m.HasRaw = m.HTML != "", m.Raw != ""
	who := &holdfast.Address{Scheme: x.Scheme, Value: address, Name: name}
	switch m.Direction {
	case holdfast.Inbound:
		m.From = who
	case holdfast.Outbound:
		if routed != "" && (routed != address || scheme != x.Scheme) {
			who = &holdfast.Address{Scheme: scheme, Value: routed}
		}
		m.Recipient = who
		if d.State == "" {
			d.State = holdfast.Queued
		}
		if !other.From.IsZero() {
			d.Other = &other
		}
		m.Delivery = &d
	}
	return nil
}

// Messages reads a page of a conversation's messages before a clock (0: the
// newest), the newest last, and whether there are earlier ones.
func (b *Inbox) Messages(ctx context.Context, workspace, conversation holdfast.ID, before holdfast.Clock, limit int) (list []Message, more bool, err error) {
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	if before <= 0 {
		before = 1<<63 - 1
	}
	members, err := b.members(ctx, workspace, conversation)
	if err != nil {
		return nil, false, err
	}
	args := []any{workspace, before, limit + 1, conversation}
	in := "= $4"
	if len(members) > 0 {
		for _, m := range members {
			args = append(args, m.ID)
		}
		in = "IN " + store.In(4, len(args)-3)
	}
	rows, err := b.db.Query(ctx, "SELECT "+messageColumns+" WHERE m.conversation "+in+" AND m.workspace = $1 AND m.clock < $2 ORDER BY m.clock DESC, m.lsn DESC LIMIT $3", args...)
	list, err = store.Collect(rows, err, scanMessage)
	if err != nil {
		return nil, false, err
	}
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	for i, k := 0, len(list)-1; i < k; i, k = i+1, k-1 {
		list[i], list[k] = list[k], list[i]
	}
	return list, more, nil
}

// Message reads one message. The error is NotFound.
func (b *Inbox) Message(ctx context.Context, workspace, id holdfast.ID) (*Message, error) {
	rows, err := b.db.Query(ctx, "SELECT "+messageColumns+" WHERE m.id = $1 AND m.workspace = $2", id, workspace)
	list, err := store.Collect(rows, err, scanMessage)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, notFound("message")
	}
	return &list[0], nil
}

// Arrival is something that came in and did not become a message.
type Arrival struct {
	ID         holdfast.ID  `json:"id"`
	LSN        holdfast.LSN `json:"lsn"`
	Channel    holdfast.ID  `json:"channel"`
	At         time.Time    `json:"at"`
	Reason     string       `json:"reason" doc:"auto_reply, bounce, loop, quarantined or rejected."`
	Detail     string       `json:"detail,omitempty"`
	Sender     string       `json:"sender,omitempty"`
	Subject    string       `json:"subject,omitempty"`
	Message    holdfast.ID  `json:"message" doc:"What a bounce is about."`
	HasRaw     bool         `json:"has_raw"`
	Raw        string       `json:"-"`
	RawType    string       `json:"-"`
	ExternalID string       `json:"external_id,omitempty"`
	Replayed   bool         `json:"replayed,omitempty"`
}

// Arrivals lists them, the newest first, before an LSN (0: all), of one reason or ("") any.
func (b *Inbox) Arrivals(ctx context.Context, workspace holdfast.ID, reason string, before holdfast.LSN, limit int) ([]Arrival, error) {
	if before <= 0 {
		before = 1<<62 - 1
	}
	rows, err := b.db.Query(ctx, `SELECT id, lsn, channel, at, reason, detail, sender, subject, message, raw, raw_type, external_id, replayed
		FROM arrival WHERE workspace = $1 AND lsn < $2 AND ($3 = '' OR reason = $3) ORDER BY lsn DESC LIMIT $4`, workspace, before, reason, limit)
	return store.Collect(rows, err, scanArrival)
}

func scanArrival(r *store.Rows, a *Arrival) error {
	err := r.Scan(&a.ID, &a.LSN, &a.Channel, &a.At, &a.Reason, &a.Detail, &a.Sender, &a.Subject, &a.Message, &a.Raw, &a.RawType, &a.ExternalID, &a.Replayed)
	a.HasRaw = a.Raw != ""
	return err
}

// Arrival reads one. The error is NotFound.
func (b *Inbox) Arrival(ctx context.Context, workspace, id holdfast.ID) (*Arrival, error) {
	rows, err := b.db.Query(ctx, `SELECT id, lsn, channel, at, reason, detail, sender, subject, message, raw, raw_type, external_id, replayed
		FROM arrival WHERE workspace = $1 AND id = $2`, workspace, id)
	list, err := store.Collect(rows, err, scanArrival)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, notFound("arrival")
	}
	return &list[0], nil
}
