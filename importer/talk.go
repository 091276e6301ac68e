package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/store"
)

// matter is a conversation here, as far as an import knows it.
type matter struct {
	id, customer, channel holdfast.ID
	address               holdfast.Address // the customer's, that it runs over
	new                   bool             // it did not exist when this walk met it
	applied               map[holdfast.EntryKind]string
	marks                 map[holdfast.ID]bool // of tags that were added
}

// talk takes one conversation, or more of one that is here. What is wrong with it
// is found before anything is added; a message that cannot be taken is left out
// and reported.
func (w *writer) talk(ctx context.Context, r *record) (*fault, error) {
	c := r.conversation
	if c.id == "" {
		return &fault{"import.no_id", "a conversation needs an id"}, nil
	}
	if len(c.id) > 500 {
		return &fault{"import.no_id", "an id has at most 500 bytes"}, nil
	}
	messages := w.usable(r)
	created, ok := w.dated(c.created)
	if !ok && len(messages) > 0 {
		created, ok = messages[0].at, true
	}
	if !ok {
		if created, ok = w.dated(c.updated); !ok {
			return &fault{"import.date", "nothing says when it was"}, nil
		}
	}
	if len(messages) > 0 && messages[0].at.Before(created) {
		created = messages[0].at
	}
	if len(messages) == 0 && strings.TrimSpace(c.subject) == "" && len(c.messages) > 0 {
		return &fault{"import.empty", "none of its messages can be taken"}, nil
	}
	m, fault, err := w.matter(ctx, r, created)
	if err != nil || fault != nil {
		return fault, err
	}
	before := len(w.entries)
	last, lastAt := holdfast.Clock(0), created
	if m.new && m.applied == nil {
		m.applied, m.marks = map[holdfast.EntryKind]string{}, map[holdfast.ID]bool{}
		subject, _ := cut(c.subject)
		b := &holdfast.ConversationOpened{Customer: m.customer, Channel: m.channel, Subject: subject}
		w.add(created, 0, &last, holdfast.System, m.id, b)
		w.opened = append(w.opened, b)
		w.counts.ConversationsMade++
	}
	var heard holdfast.Clock
	taken := 0
	for i := range messages {
		clock, made, err := w.message(ctx, r, m, &messages[i], &last)
		if err != nil {
			return nil, err
		}
		if made {
			taken++
		}
		if made && messages[i].direction == holdfast.Inbound {
			heard = clock
		}
		if messages[i].at.After(lastAt) {
			lastAt = messages[i].at
		}
	}
	if updated, ok := w.dated(c.updated); ok && updated.After(lastAt) {
		lastAt = updated
	}
	if err := w.fields(ctx, m, c, lastAt, &last); err != nil {
		return nil, err
	}
	if heard > 0 && !c.unread {
		// What was dealt with on the other desk is news to nobody here.
		for _, o := range w.staff.active {
			w.add(lastAt, 0, &last, holdfast.Actor{Kind: holdfast.ActorOperator, ID: o}, m.id, &holdfast.ConversationRead{Operator: o, Upto: heard})
		}
	}
	switch {
	case m.new && len(w.entries) > before:
		w.tell("made", r.what, r.ref, fmt.Sprintf("%d messages", taken))
	case !m.new:
		w.tell("here", r.what, r.ref, fmt.Sprintf("%d new messages", taken))
	}
	return nil, nil
}

// usable are the messages that can be taken, in order; the others are reported.
func (w *writer) usable(r *record) []message {
	all := r.conversation.messages
	if n := len(all); n > 1 && all[0].at.After(all[n-1].at) { // the newest first
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	list := make([]message, 0, len(all))
	for i, m := range all {
		ref := r.ref
		if m.id != "" {
			ref += " message " + m.id
		}
		at, ok := w.dated(m.at)
		if !ok {
			w.refuse(&record{what: "message", ref: ref}, "import.date", "nothing says when it was")
			continue
		}
		if strings.TrimSpace(m.text) == "" && strings.TrimSpace(m.html) == "" && len(m.files) == 0 {
			w.refuse(&record{what: "message", ref: ref}, "import.empty", "it says nothing")
			continue
		}
		m.at = at
		if m.order == 0 {
			m.order = i
		}
		list = append(list, m)
	}
	ordered(list)
	return list
}

// matter finds or makes the conversation of a record.
func (w *writer) matter(ctx context.Context, r *record, created time.Time) (*matter, *fault, error) {
	c := r.conversation
	id := w.id("conversation", c.id)
	if m, ok := w.talks.get(id); ok {
		return m, nil, nil
	}
	m := &matter{id: id}
	err := w.im.DB.QueryRow(ctx, "SELECT customer, channel FROM conversation WHERE id = $1 AND workspace = $2", id, w.run.Workspace).Scan(&m.customer, &m.channel)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return nil, nil, err
	}
	if err == nil {
		if err := w.recall(ctx, m); err != nil {
			return nil, nil, err
		}
		if c.customer != nil { // they may have one more address by now
			if _, _, err := w.customer(ctx, c.customer, r.ref, false); err != nil {
				return nil, nil, err
			}
		}
		switch age, err := w.ageOf(ctx, id); {
		case err != nil:
			return nil, nil, err
		case age == young:
			w.counts.ConversationsMade++
		case age == old:
			w.counts.ConversationsHere++
		}
		w.talks.put(id, m)
		return m, nil, nil
	}
	m.new = true
	switch {
	case c.customer != nil:
		if c.customer.created.IsZero() {
			c.customer.created = created
		}
		var fault *fault
		if m.customer, fault, err = w.customer(ctx, c.customer, r.ref, false); err != nil || fault != nil {
			return nil, fault, err
		}
		if len(c.customer.addresses) > 0 {
			m.address = c.customer.addresses[0]
		}
	case c.customerID != "":
		own := w.id("customer", c.customerID)
		id, known := w.people.get(own)
		if !known {
			var one int
			err := w.im.DB.QueryRow(ctx, "SELECT 1 FROM customer WHERE id = $1 AND workspace = $2", own, w.run.Workspace).Scan(&one)
			if errors.Is(err, store.ErrNoRows) {
				return nil, &fault{"import.no_customer", "there is no customer " + c.customerID}, nil
			}
			if err != nil {
				return nil, nil, err
			}
			id = own
		}
		m.customer = id
	default:
		return nil, &fault{"import.no_customer", "it does not say whose it is"}, nil
	}
	if m.address.Value == "" {
		if m.address, err = w.addressOf(ctx, m.customer); err != nil {
			return nil, nil, err
		}
	}
	if m.address.Value == "" { // known by name alone: nobody can be answered at this
		m.address = holdfast.Address{Scheme: "imported", Value: m.customer.String()}
		if c.customer != nil {
			m.address.Name = c.customer.name
		}
	}
	m.channel = w.route(m.address)
	w.talks.put(id, m)
	return m, nil, nil
}

// addressOf is a customer's first address; zero when they have none.
func (w *writer) addressOf(ctx context.Context, customer holdfast.ID) (a holdfast.Address, err error) {
	err = w.im.DB.QueryRow(ctx, "SELECT scheme, value, name FROM address WHERE customer = $1 AND workspace = $2 ORDER BY stamp, scheme LIMIT 1", customer, w.run.Workspace).Scan(&a.Scheme, &a.Value, &a.Name)
	if errors.Is(err, store.ErrNoRows) {
		err = nil
	}
	return a, err
}

// recall reads what earlier imports said about a conversation's fields, so that
// only what has changed on the other desk is said again.
func (w *writer) recall(ctx context.Context, m *matter) error {
	m.applied, m.marks = map[holdfast.EntryKind]string{}, map[holdfast.ID]bool{}
	rows, err := w.im.DB.Query(ctx, `SELECT origin, kind, body FROM journal WHERE subject = $1 AND workspace = $2
		AND kind IN ('conversation.status', 'conversation.assigned', 'conversation.prioritised', 'conversation.tagged') ORDER BY lsn`, m.id, w.run.Workspace)
	if err != nil {
		return err
	}
	for rows.Next() {
		var origin holdfast.ID
		var kind holdfast.EntryKind
		var body []byte
		if err = rows.Scan(&origin, &kind, &body); err != nil {
			break
		}
		if origin[6]>>4 != 5 { // said by a node, not by an import
			continue
		}
		m.applied[kind] = string(body)
		var tagged holdfast.ConversationTagged
		if kind == tagged.EntryKind() && json.Unmarshal(body, &tagged) == nil {
			m.marks[tagged.Mark] = true
		}
	}
	rows.Close()
	if err == nil {
		err = rows.Err()
	}
	if err == nil {
		m.address, err = w.addressOf(ctx, m.customer)
	}
	return err
}

// fields says what has become of a conversation, where that is not what was said before.
func (w *writer) fields(ctx context.Context, m *matter, c *conversation, at time.Time, last *holdfast.Clock) error {
	say := func(actor holdfast.Actor, plain bool, body holdfast.Body) error {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		had, said := m.applied[body.EntryKind()]
		if had == string(raw) || !said && plain {
			return nil
		}
		m.applied[body.EntryKind()] = string(raw)
		w.add(at, 0, last, actor, m.id, body)
		return nil
	}
	actor := holdfast.System
	who := w.staff.here(c.assignee)
	if !who.IsZero() || c.unassigned {
		if err := say(actor, who.IsZero(), &holdfast.ConversationAssigned{Operator: who}); err != nil {
			return err
		}
	}
	if c.priority != nil {
		if err := say(actor, *c.priority == holdfast.Normal, &holdfast.ConversationPrioritised{Priority: *c.priority}); err != nil {
			return err
		}
	}
	for i, tag := range c.tags {
		tag, _ = cut(tag)
		if tag == "" || i >= maxTags {
			continue
		}
		tag = clip(tag, 100)
		mark := holdfast.DeriveID(m.id, "tag "+tag)
		if !m.marks[mark] {
			m.marks[mark] = true
			w.add(at, 0, last, actor, m.id, &holdfast.ConversationTagged{Tag: tag, Mark: mark})
		}
	}
	if c.status == "" {
		return nil
	}
	b := &holdfast.ConversationStatus{Status: c.status}
	if c.status == holdfast.Snoozed {
		b.Until = c.until.UTC().Truncate(time.Millisecond)
	}
	return say(actor, c.status == holdfast.Open, b)
}

// message takes one message, unless it is here.
func (w *writer) message(ctx context.Context, r *record, m *matter, in *message, last *holdfast.Clock) (at holdfast.Clock, made bool, err error) {
	key := in.id
	if key == "" {
		sum := sha256.Sum256([]byte(in.at.UTC().Format(time.RFC3339Nano) + "\x00" + string(in.direction) + "\x00" + in.text + "\x00" + in.html))
		key = "said " + hex.EncodeToString(sum[:16])
	}
	id := holdfast.DeriveID(m.id, "message "+key)
	if w.staged[id] {
		w.counts.MessagesHere++
		return 0, false, nil
	}
	var lsn holdfast.LSN
	err = w.im.DB.QueryRow(ctx, "SELECT lsn FROM message WHERE id = $1", id).Scan(&lsn)
	if err == nil {
		if w.aged(lsn) == young {
			w.counts.MessagesMade++
		} else {
			w.counts.MessagesHere++
		}
		return 0, false, nil
	}
	if !errors.Is(err, store.ErrNoRows) {
		return 0, false, err
	}
	author, err := w.staff.author(ctx, in.author)
	if err != nil {
		return 0, false, err
	}
	files, err := w.attachments(ctx, r, id, in)
	if err != nil {
		return 0, false, err
	}
	text, long := cut(in.text)
	html, remote := "", false
	if in.html != "" {
		plain, _ := cut(in.html)
		html, remote = w.im.Clean(plain)
		if text == "" {
			text, long = cut(plainText(plain))
		}
	}
	var marks []string
	if long {
		marks = []string{"truncated"}
	}
	subject, _ := cut(in.subject)
	w.staged[id] = true
	w.bytes += len(text) + len(html)
	w.counts.MessagesMade++
	actor := holdfast.System
	if !author.IsZero() {
		actor = holdfast.Actor{Kind: holdfast.ActorOperator, ID: author}
	}
	switch in.direction {
	case holdfast.Inbound:
		from := in.from
		if from.Value == "" {
			from = m.address
		}
		w.add(in.at, in.order, last, holdfast.Actor{Kind: holdfast.ActorCustomer, ID: m.customer}, m.id, &holdfast.MessageReceived{
			Message: id, Customer: m.customer, Channel: m.channel, From: from, To: in.to, CC: in.cc, Subject: subject, Text: text, HTML: html, Remote: remote,
			SentAt: in.at.UTC(), Attachments: files, ExternalID: in.externalID, Marks: marks})
	case holdfast.Outbound:
		w.add(in.at, in.order, last, actor, m.id, &holdfast.MessageQueued{
			Message: id, Customer: m.customer, Channel: m.channel, To: m.address, CC: in.cc, Subject: subject, Text: text, HTML: html,
			Attachments: files, Author: author, Automatic: in.automatic, ExternalID: in.externalID})
		// In the same transaction, so that the outbox never sees it as something to send.
		at = *last
		w.add(in.at, in.order, last, holdfast.System, m.id, &holdfast.MessageSent{Message: id, Attempt: 1})
		return at, true, nil
	default:
		w.add(in.at, in.order, last, actor, m.id, &holdfast.MessageNoted{Message: id, Author: author, Text: text, Attachments: files})
	}
	return *last, true, nil
}
