// Package intake decides whose message something is, which conversation it
// belongs to and whether it has been seen before. It is what stands behind
// channel.Sink.
//
// It refuses to acknowledge anything that is not on disk, and to let what cannot
// be understood disappear: that becomes an arrival with a stated reason.
package intake

import (
	"context"
	"strings"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/inbox"
	"holdfast/journal"
)

// subjectWindow is how long a matching subject of the same sender threads a mail.
const subjectWindow = 14 * 24 * time.Hour

// joinWindow is how long after the last word on another channel a text that names
// nothing joins the talk there.
const joinWindow = 3 * 24 * time.Hour

// Intake takes in what channels bring.
type Intake struct {
	journal *journal.Journal
	places  places
}

// New returns an intake over a journal.
func New(j *journal.Journal) *Intake { return &Intake{journal: j} }

// Account is the channel account that a Sink belongs to.
type Account struct {
	ID        holdfast.ID
	Workspace holdfast.ID
	Kind      *channel.Kind
	Team      holdfast.ID
	Language  string
	// NormalSubject folds "Re:" and its like away; nil for channels without subjects.
	NormalSubject func(string) string
}

// Sink is one account's door into the desk.
func (in *Intake) Sink(a Account) *Sink { return &Sink{in: in, account: a} }

// Sink implements channel.Sink for one account.
type Sink struct {
	in      *Intake
	account Account
}

// Accept stores an inbound thing as a message, or as an arrival with the reason
// why it is none, and returns when that is on disk.
func (s *Sink) Accept(ctx context.Context, m channel.Inbound) (channel.Accepted, error) {
	id := m.ID
	if id.IsZero() {
		if m.Key == "" {
			return channel.Accepted{}, holdfast.Errorf(holdfast.Invalid, "inbound.no_key", "an inbound message has neither an id nor a key")
		}
		id = holdfast.DeriveID(s.account.ID, m.Key)
	}
	if m.Refuse == nil && strings.TrimSpace(m.From.Value) == "" {
		m.Refuse = &channel.Refusal{Reason: "rejected", Detail: "it names no sender"}
	}
	var res channel.Accepted
	var a *arrival
	command := journal.Command{Workspace: s.account.Workspace, Actor: holdfast.System}
	if m.Refuse != nil {
		command.Run = func(tx *journal.Tx) error {
			res = channel.Accepted{Message: id}
			return s.refuse(tx, id, &m, &res)
		}
	} else {
		var err error
		if a, err = s.arrival(id, &m); err != nil {
			return channel.Accepted{}, err
		}
		command.Ask = &a.at.Question
		if !a.known.place.Conversation.IsZero() {
			command.Ask = &a.at.Here
		}
		command.Run = func(tx *journal.Tx) error {
			res, a.joined = channel.Accepted{Message: id}, false
			return s.take(tx, a, &res)
		}
	}
	_, err := s.in.journal.Do(ctx, command)
	if err != nil {
		return channel.Accepted{}, err
	}
	if a != nil && a.joined {
		s.in.places.keep(a.address, known{a.at.Place, res.LSN})
	}
	return res, nil
}

// arrival is a message on its way in.
type arrival struct {
	id      holdfast.ID
	m       *channel.Inbound
	address address
	at      *inbox.Location
	known   known // of the address, when its last message came
	// body is the message of whose the address most likely is, and ready what is worked
	// out of it before the writer's turn.
	body   *holdfast.MessageReceived
	ready  *journal.Prepared
	joined bool // it joined the conversation of the place, and changed nothing else
}

func (s *Sink) arrival(id holdfast.ID, m *channel.Inbound) (*arrival, error) {
	ws := s.account.Workspace
	a := &arrival{id: id, m: m, address: address{s.account.ID, m.From.Scheme, m.From.Value}, at: inbox.Locate(ws, s.account.ID, m.From, id)}
	a.known = s.in.places.of(a.address)
	customer := a.known.place.Customer
	if customer.IsZero() {
		customer = newcomer(ws, m.From)
	}
	a.body = &holdfast.MessageReceived{
		Message: id, Customer: customer, Channel: s.account.ID, From: m.From, To: m.To, CC: m.CC, Subject: m.Subject,
		Text: m.Text, Rest: m.Rest, HTML: m.HTML, Remote: m.Remote, Language: m.Language, SentAt: m.SentAt,
		Attachments: m.Attachments, ExternalID: m.ExternalID, Thread: m.Thread, Marks: m.Marks, Raw: m.Raw}
	var err error
	a.ready, err = s.in.journal.Prepare(ws, a.body)
	return a, err
}

// newcomer is the customer that somebody becomes who writes from an address first.
func newcomer(workspace holdfast.ID, from holdfast.Address) holdfast.ID {
	return holdfast.DeriveID(workspace, from.String())
}

// locate finds where a message belongs and whether it is here already.
func (s *Sink) locate(tx *journal.Tx, a *arrival) error {
	if !a.known.place.Conversation.IsZero() {
		moved, sure, err := tx.Since(a.known.lsn, func(e *holdfast.Entry) bool { return moves(e, a.known.place, a.m.From, a.id) })
		if err != nil {
			return err
		}
		if sure && !moved {
			a.at.Place = a.known.place
			return a.at.Here.Answer(tx.Tx)
		}
	}
	if tx.Written(func(e *holdfast.Entry) bool { return moves(e, a.at.Place, a.m.From, a.id) }) {
		a.at.Question.Forget()
	}
	return a.at.Question.Answer(tx.Tx)
}

// take places one message.
func (s *Sink) take(tx *journal.Tx, a *arrival, res *channel.Accepted) error {
	ws, at, id, m := s.account.Workspace, a.at, a.id, a.m
	if err := s.locate(tx, a); err != nil {
		return err
	}
	if at.Again {
		res.Conversation, res.LSN, res.Duplicate = at.Had.Conversation, at.Had.LSN, true
		return nil
	}
	place := at.Place
	if !at.Other.IsZero() {
		if err := s.otherWay(tx, &place, m); err != nil {
			return err
		}
	}
	customer, err := s.person(tx, place, m)
	if err != nil {
		return err
	}
	if err := s.claims(tx, customer, m.Claims); err != nil {
		return err
	}
	conversation, err := s.matter(tx, place, customer, m)
	if err != nil {
		return err
	}
	if conversation.IsZero() {
		conversation = holdfast.DeriveIDAt(id, id, "conversation")
		number, err := inbox.NextNumber(tx.Tx, ws)
		if err != nil {
			return err
		}
		if _, err := tx.Append(conversation, &holdfast.ConversationOpened{Number: number, Customer: customer, Channel: s.account.ID,
			Subject: m.Subject, Team: s.account.Team, Page: m.Page}); err != nil {
			return err
		}
	}
	joined := tx.LSN() == 0 && conversation == place.Conversation && at.Other.IsZero()
	var e *holdfast.Entry
	if by := (holdfast.Actor{Kind: holdfast.ActorCustomer, ID: customer}); customer == a.body.Customer {
		e, err = tx.AppendPrepared(by, conversation, a.ready)
	} else {
		body := *a.body
		body.Customer = customer
		e, err = tx.AppendAs(by, conversation, &body)
	}
	if err != nil {
		return err
	}
	a.joined = joined
	res.Conversation, res.LSN = conversation, e.LSN
	return s.consent(tx, customer, id, m)
}

// moves reports whether an entry may change where a message from an address goes.
// One thing does not: what others say in other conversations of the same customer,
// as somebody does to whom one was forwarded. His message stays with his last one.
func moves(e *holdfast.Entry, p inbox.Place, from holdfast.Address, message holdfast.ID) bool {
	if !p.Customer.IsZero() && (e.Subject == p.Customer || e.Subject == p.Conversation) {
		return true
	}
	switch b := e.Body.(type) {
	case *holdfast.MessageReceived:
		return b.Message == message || b.Customer == p.Customer
	case *holdfast.MessageQueued:
		return b.Message == message || b.Customer == p.Customer
	case *holdfast.ConversationOpened:
		return b.Customer == p.Customer
	case *holdfast.ConversationMerged, *holdfast.ConversationUnmerged, *holdfast.MessageMoved, *holdfast.MessageCancelled:
		return true
	case *holdfast.MessageRerouted:
		return b.Address.Scheme == from.Scheme && b.Address.Value == from.Value
	case *holdfast.CustomerCreated:
		for _, a := range b.Addresses {
			if a.Scheme == from.Scheme && a.Value == from.Value {
				return true
			}
		}
	case *holdfast.AddressAdded:
		return b.Address.Scheme == from.Scheme && b.Address.Value == from.Value
	}
	return false
}

// claims keeps where a customer says that he can be reached.
func (s *Sink) claims(tx *journal.Tx, customer holdfast.ID, list []holdfast.Address) error {
	for _, a := range list {
		has, err := inbox.HasAddress(tx.Tx, s.account.Workspace, customer, a)
		if err != nil {
			return err
		}
		if has {
			continue
		}
		if _, err := tx.Append(customer, &holdfast.AddressAdded{Address: a, Claimed: true}); err != nil {
			return err
		}
	}
	return nil
}

// person finds or makes the customer behind a message.
func (s *Sink) person(tx *journal.Tx, place inbox.Place, m *channel.Inbound) (holdfast.ID, error) {
	ws := s.account.Workspace
	customer := place.Customer
	if customer.IsZero() {
		// Somebody who has proved to be known under another address is that somebody.
		for _, a := range m.Also {
			if !a.Verified {
				continue
			}
			p, err := inbox.FindPlace(tx.Tx, ws, s.account.ID, a)
			if err != nil {
				return customer, err
			}
			if !p.Customer.IsZero() {
				if _, err := tx.Append(p.Customer, &holdfast.AddressAdded{Address: m.From}); err != nil {
					return customer, err
				}
				return p.Customer, nil
			}
		}
		customer = newcomer(ws, m.From)
		name := m.From.Name
		if name == "" {
			for _, a := range m.Also {
				if name == "" {
					name = a.Name
				}
			}
		}
		// Only what is proved: whoever claims another's address must not get their mail.
		addresses := []holdfast.Address{m.From}
		for _, a := range m.Also {
			if a.Verified {
				addresses = append(addresses, a)
			}
		}
		_, err := tx.Append(customer, &holdfast.CustomerCreated{Name: name, Language: m.Language, Addresses: addresses})
		return customer, err
	}
	for _, a := range m.Also {
		if !a.Verified {
			continue
		}
		p, err := inbox.FindPlace(tx.Tx, ws, s.account.ID, a)
		if err != nil {
			return customer, err
		}
		if p.Customer.IsZero() {
			if _, err := tx.Append(customer, &holdfast.AddressAdded{Address: a}); err != nil {
				return customer, err
			}
		}
	}
	return customer, nil
}

// matter finds the conversation that a message continues; zero when it begins a new one.
func (s *Sink) matter(tx *journal.Tx, place inbox.Place, customer holdfast.ID, m *channel.Inbound) (holdfast.ID, error) {
	ws := s.account.Workspace
	// joinable is the conversation that one is shown as, or zero if nothing may join it.
	joinable := func(id holdfast.ID) (holdfast.ID, error) {
		c, err := inbox.FindConversation(tx.Tx, ws, id)
		if holdfast.KindOf(err) == holdfast.NotFound || err == nil && c.State == holdfast.Closed {
			return holdfast.ID{}, nil
		}
		if err != nil {
			return holdfast.ID{}, err
		}
		return c.ID, nil
	}
	if s.account.NormalSubject == nil && len(m.Thread) == 0 && len(m.Answers) == 0 && m.Conversation.IsZero() {
		if k := s.account.Kind; place.Conversation.IsZero() && place.Verified && k != nil && k.Joins {
			return inbox.FindRunning(tx.Tx, ws, place.Customer, tx.Now.Add(-joinWindow))
		}
		return place.Conversation, nil // one running talk per person: chats and messengers
	}
	// For mail: what the references name, then our own token, then the subject.
	for i := len(m.Answers) - 1; i >= 0; i-- {
		w, ok, err := answered(tx, ws, m.Answers[i])
		if err != nil {
			return holdfast.ID{}, err
		}
		if ok {
			if id, err := joinable(w.Conversation); err != nil || !id.IsZero() {
				return id, err
			}
		}
	}
	for i := len(m.Thread) - 1; i >= 0 && i >= len(m.Thread)-20; i-- {
		w, ok, err := inbox.FindExternal(tx.Tx, ws, m.Thread[i])
		if err != nil {
			return holdfast.ID{}, err
		}
		if ok {
			if id, err := joinable(w.Conversation); err != nil || !id.IsZero() {
				return id, err
			}
		}
	}
	if !m.Conversation.IsZero() {
		if id, err := joinable(m.Conversation); err != nil || !id.IsZero() {
			return id, err
		}
	}
	if m.BySubject && s.account.NormalSubject != nil && !place.Customer.IsZero() {
		return inbox.FindBySubject(tx.Tx, ws, s.account.ID, customer, s.account.NormalSubject, m.Subject, tx.Now.Add(-subjectWindow))
	}
	return holdfast.ID{}, nil
}

// answered finds what somebody answers by our own id of it: a message, or a letter.
func answered(tx *journal.Tx, ws, id holdfast.ID) (inbox.Where, bool, error) {
	w, ok, err := inbox.FindMessage(tx.Tx, ws, id)
	if err != nil || ok {
		return w, ok, err
	}
	return inbox.FindLetter(tx.Tx, ws, id)
}

// refuse records why something is no message, and what it says about one of ours.
func (s *Sink) refuse(tx *journal.Tx, id holdfast.ID, m *channel.Inbound, res *channel.Accepted) error {
	ws := s.account.Workspace
	res.Refused = m.Refuse.Reason
	if _, again, err := inbox.FindArrival(tx.Tx, ws, id); err != nil || again {
		res.Duplicate = again
		return err
	}
	r := m.Refuse
	about, err := s.bounced(tx, r)
	if err != nil {
		return err
	}
	e, err := tx.Append(id, &holdfast.ArrivalRefused{Channel: s.account.ID, Reason: r.Reason, Detail: r.Detail, From: m.From.Value, Subject: m.Subject,
		Message: about.Message, Raw: m.Raw, RawType: m.RawType, ExternalID: m.ExternalID, At: m.SentAt})
	if err != nil {
		return err
	}
	res.LSN = e.LSN
	if r.Reason != "bounce" || !r.Permanent {
		return nil
	}
	why := strings.TrimSpace(r.Code + " " + r.Detail)
	if !about.Message.IsZero() && about.Direction == holdfast.Outbound {
		if err := s.failed(tx, about, "bounced", why); err != nil {
			return err
		}
	}
	if r.Address.Value == "" {
		return nil
	}
	p, err := inbox.FindPlace(tx.Tx, ws, s.account.ID, r.Address)
	if err != nil || p.Customer.IsZero() {
		return err
	}
	// A stranger can claim that any address bounces. It is marked only when the
	// bounce names a message of ours to that customer.
	if about.Message.IsZero() || about.Customer != p.Customer {
		return nil
	}
	_, err = tx.Append(p.Customer, &holdfast.AddressFailing{Address: r.Address, Reason: why, Message: about.Message})
	return err
}

// bounced finds the message of ours that a bounce is about.
func (s *Sink) bounced(tx *journal.Tx, r *channel.Refusal) (inbox.Where, error) {
	for i := len(r.Answers) - 1; i >= 0; i-- {
		if w, ok, err := answered(tx, s.account.Workspace, r.Answers[i]); err != nil || ok {
			return w, err
		}
	}
	for i := len(r.Thread) - 1; i >= 0; i-- {
		if w, ok, err := inbox.FindExternal(tx.Tx, s.account.Workspace, r.Thread[i]); err != nil || ok {
			return w, err
		}
	}
	return inbox.Where{}, nil
}

// Report stores what a provider says about a message of ours. What does not
// move the message forward changes nothing.
func (s *Sink) Report(ctx context.Context, r channel.Report) error {
	_, err := s.in.journal.Do(ctx, journal.Command{Workspace: s.account.Workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		w, ok, err := s.reported(tx, r)
		if err != nil || !ok || w.Direction != holdfast.Outbound {
			return err
		}
		state, err := inbox.DeliveryOf(tx.Tx, w.Message)
		if err != nil {
			return err
		}
		var body holdfast.Body
		switch {
		case r.State == holdfast.Delivered && state != holdfast.Delivered && state != holdfast.Seen:
			body = &holdfast.MessageDelivered{Message: w.Message}
		case r.State == holdfast.Seen && state != holdfast.Seen:
			body = &holdfast.MessageSeen{Message: w.Message}
		case r.State == holdfast.Failed && state != holdfast.Delivered && state != holdfast.Seen && state != holdfast.Failed:
			return s.failed(tx, w, r.Code, r.Reason)
		default:
			return nil
		}
		_, err = tx.Append(w.Conversation, body)
		return err
	}})
	return err
}

func (s *Sink) reported(tx *journal.Tx, r channel.Report) (inbox.Where, bool, error) {
	if !r.Message.IsZero() {
		return inbox.FindMessage(tx.Tx, s.account.Workspace, r.Message)
	}
	return inbox.FindSent(tx.Tx, s.account.Workspace, r.ExternalID)
}

// Replay takes a quarantined arrival in after all, as m, parsed anew. The error
// is Conflict when it was replayed before.
func (s *Sink) Replay(ctx context.Context, actor holdfast.Actor, arrival holdfast.ID, m channel.Inbound) (channel.Accepted, error) {
	var res channel.Accepted
	id := holdfast.DeriveID(arrival, "replayed")
	a, err := s.arrival(id, &m)
	if err != nil {
		return res, err
	}
	_, err = s.in.journal.Do(ctx, journal.Command{Workspace: s.account.Workspace, Actor: actor, Run: func(tx *journal.Tx) error {
		if _, waiting, err := inbox.FindArrival(tx.Tx, s.account.Workspace, arrival); err != nil {
			return err
		} else if !waiting {
			return holdfast.Errorf(holdfast.Conflict, "arrival.replayed", "this was taken in before")
		}
		res = channel.Accepted{Message: id}
		if err := s.take(tx, a, &res); err != nil {
			return err
		}
		_, err := tx.Append(arrival, &holdfast.ArrivalReplayed{Message: id})
		return err
	}})
	return res, err
}
