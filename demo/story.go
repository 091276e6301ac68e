package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"holdfast"
	"holdfast/channel/email"
)

// story is one conversation being told.
type story struct {
	t *teller
	event
	p      *person
	mail   bool
	number int64

	id       holdfast.ID
	script   *script
	subject  string
	words    *words
	operator *operator
	team     holdfast.ID
	next     int      // of the messages
	thread   []string // provider's ids so far
	lastOut  string   // what we said last, for the quote
	lastAt   time.Time
	assigned bool
	resolved bool // by our last answer
	over     bool // nothing more happens: the rest would be in the future
}

func (s *story) tell(ctx context.Context) error {
	t := s.t
	s.id = t.id("conversation %d", s.number)
	s.script, s.operator, s.team = t.script(s.event), t.answers(s.lang), t.acc.support
	subject, lines := s.script.perform(t.r)
	if s.street > 0 {
		s.p.street, s.p.number = streets[s.lang][s.street], 1+t.r.IntN(9)*2
	}
	s.words = newWords(t.r, s.p, s.operator, s.mail, s.at.In(t.cal.zoneOf(s.lang)), t.cal.workday(s.at), s.script.topic)
	s.subject = s.words.fill(choose(t.r, subject))
	lines, rest := s.cut(lines)
	s.open()
	for i, l := range lines {
		if s.over {
			break
		}
		if err := s.line(ctx, l, i, lines); err != nil {
			return err
		}
		if s.p.domain() == closedDomain && l.who == operatorSays && !s.over {
			return s.bounce(ctx)
		}
	}
	if err := s.end(ctx, rest); err != nil {
		return err
	}
	if !s.mail {
		s.p.free = t.cal.now.AddDate(1, 0, 0) // until it is closed, the chat goes on with this one
	}
	if s.ending == settled {
		s.maybeClose()
	}
	return nil
}

// cut ends the talk where the story's ending wants it, and returns what would
// have been said next.
func (s *story) cut(lines []line) (said []line, rest string) {
	var ends []int
	answered := false
	for i, l := range lines {
		answered = answered || l.who == operatorSays
		switch {
		case s.ending == unsolved && l.who == customerSays && (answered || s.fresh()) && (i < len(lines)-1 || len(ends) == 0 && s.fresh()),
			(s.ending == awaiting || s.ending == asleep) && l.who == operatorSays:
			ends = append(ends, i)
		}
	}
	if len(ends) == 0 {
		if s.ending == unsolved && !s.fresh() {
			s.ending = reopened // it has one question only, long answered
		}
		return lines, ""
	}
	end := ends[s.t.r.IntN(len(ends))]
	if s.ending == unsolved && s.fresh() && s.t.r.IntN(10) < 7 {
		end = ends[0]
	}
	for _, l := range lines[end+1:] {
		if l.who == operatorSays {
			rest = s.words.fill(strings.TrimPrefix(choose(s.t.r, l.text), "{hello} "))
			break
		}
	}
	return lines[:end+1], rest
}

// fresh says that the customer may still wait for the first answer.
func (s *story) fresh() bool { return s.t.cal.now.Sub(s.at) < 14*time.Hour }

func (s *story) open() {
	t := s.t
	if s.p.created.IsZero() {
		s.p.created = s.at
		t.diary.add(s.at, holdfast.System, s.p.id, &holdfast.CustomerCreated{Name: s.p.name, Language: s.lang, Addresses: s.p.addresses(t.acc.mailScheme, t.acc.chatScheme)})
	}
	b := &holdfast.ConversationOpened{Number: s.number, Customer: s.p.id, Channel: s.channel(), Team: s.team}
	if s.mail {
		b.Subject = s.subject
	} else {
		b.Page = "https://" + Domain + []string{"/", "/plans", "/help", "/account", "/devices"}[t.r.IntN(5)]
	}
	t.diary.add(s.at, holdfast.System, s.id, b)
	if s.script.priority != holdfast.Normal {
		t.diary.add(s.at.Add(time.Second), holdfast.System, s.id, &holdfast.ConversationPrioritised{Priority: s.script.priority})
	}
	s.lastAt = s.at
}

// line is the next message: when it comes, and what follows from it.
func (s *story) line(ctx context.Context, l line, i int, lines []line) error {
	t := s.t
	at := s.lastAt
	switch {
	case i == 0:
	case l.who == privately:
		at = at.Add(t.cal.about(3*time.Minute, 0.6))
	case l.later:
		at = t.cal.reply(at.Add(time.Hour+t.cal.about(40*time.Minute, 0.3)), s.mail, false)
	case l.who == operatorSays:
		at = t.cal.reply(at, s.mail, s.lastOut == "")
	case lines[i-1].who == customerSays:
		at = at.Add(t.cal.about(25*time.Second, 0.5))
	default:
		at = t.cal.answer(at, s.lang, s.mail)
		if s.ending == unsolved && i == len(lines)-1 && !s.fresh() {
			at = s.lately(at)
		}
	}
	switch l.who {
	case customerSays:
		return s.receive(ctx, at, s.words.say(l, at.In(t.cal.zoneOf(s.lang))))
	case privately:
		s.take(at)
		s.note(at, s.words.say(l, at))
		return nil
	}
	then := holdfast.Waiting
	if i == len(lines)-1 && s.ending == settled {
		then = holdfast.Resolved
	}
	return s.reply(ctx, at, s.words.say(l, at), then)
}

// lately is some moment of the last hours, but not before at.
func (s *story) lately(at time.Time) time.Time {
	c := s.t.cal
	for range 20 {
		recent := c.now.Add(-5*time.Minute - time.Duration(c.r.Int64N(int64(16*time.Hour))))
		if hour := recent.In(c.zoneOf(s.lang)).Hour(); recent.After(at) && hour >= 7 {
			return recent
		}
	}
	return at
}

func (s *story) channel() holdfast.ID {
	if s.mail {
		return s.t.acc.mail
	}
	return s.t.acc.chat
}

func (s *story) address() holdfast.Address {
	if s.mail {
		return holdfast.Address{Scheme: s.t.acc.mailScheme, Value: s.p.mail, Name: s.p.name}
	}
	return holdfast.Address{Scheme: s.t.acc.chatScheme, Value: s.p.visitor, Name: s.p.name}
}

func (s *story) actor() holdfast.Actor {
	return holdfast.Actor{Kind: holdfast.ActorOperator, ID: s.operator.id}
}

func (t *teller) id(format string, args ...any) holdfast.ID {
	return holdfast.DeriveID(t.space, fmt.Sprintf(format, args...))
}

func (s *story) message() holdfast.ID {
	s.next++
	return s.t.id("message %d.%d", s.number, s.next)
}

// receive is a customer's message.
func (s *story) receive(ctx context.Context, at time.Time, text string) error {
	b := &holdfast.MessageReceived{Message: s.message(), Customer: s.p.id, Channel: s.channel(), From: s.address(), Language: s.lang, SentAt: at.Add(-time.Second).UTC().Truncate(time.Second)}
	var err error
	if b.Text, b.Attachments, err = s.files(ctx, text, b.Message); err != nil {
		return err
	}
	if s.mail {
		b.To = []string{SupportAddress}
		b.Subject = s.subject
		b.ExternalID = "<" + b.Message.String() + "@" + s.p.domain() + ">"
		b.Thread = append([]string(nil), s.thread...)
		if err := s.format(ctx, b); err != nil {
			return err
		}
		if s.lastOut != "" {
			b.Subject = "Re: " + s.subject
			b.Rest = quote(s.lang, s.lastAt.In(s.t.cal.zone), s.lastOut)
		}
	}
	if s.over = !s.t.diary.add(at, holdfast.Actor{Kind: holdfast.ActorCustomer, ID: s.p.id}, s.id, b); s.over {
		return nil
	}
	if b.ExternalID != "" {
		s.thread = append(s.thread, b.ExternalID)
	}
	s.lastAt, s.resolved = at, false
	return nil
}

// reply is an operator's answer, on its way and there.
func (s *story) reply(ctx context.Context, at time.Time, text string, then holdfast.Status) error {
	t := s.t
	if !at.Add(20 * time.Second).Before(t.cal.now) {
		s.over = true // a message that is queued and not sent would be sent
		return nil
	}
	first := s.lastOut == ""
	b := &holdfast.MessageQueued{Message: s.message(), Customer: s.p.id, Channel: s.channel(), To: s.address(), Author: s.operator.id, Then: then}
	var err error
	if b.Text, b.Attachments, err = s.files(ctx, text, b.Message); err != nil {
		return err
	}
	sent := &holdfast.MessageSent{Message: b.Message, Attempt: 1}
	if s.mail {
		b.Subject = "Re: " + s.subject
		b.ExternalID = email.ExternalID(b.Message, SupportAddress)
		b.Thread = append([]string(nil), s.thread...)
		sent.ExternalID = b.ExternalID
		s.thread = append(s.thread, b.ExternalID)
	} else {
		sent.To = b.To
	}
	t.diary.add(at, s.actor(), s.id, b)
	s.take(at.Add(time.Millisecond))
	t.diary.add(at.Add(time.Duration(120+t.r.IntN(700))*time.Millisecond), holdfast.System, s.id, sent)
	if !s.mail {
		t.diary.add(at.Add(time.Duration(1200+t.r.IntN(3000))*time.Millisecond), holdfast.System, s.id, &holdfast.MessageDelivered{Message: b.Message})
		t.diary.add(at.Add(time.Duration(5+t.r.IntN(14))*time.Second), holdfast.System, s.id, &holdfast.MessageSeen{Message: b.Message})
	}
	s.lastOut, s.lastAt, s.resolved = b.Text, at, then == holdfast.Resolved
	s.read(s.operator, at.Add(2*time.Millisecond))
	if first {
		s.tag(at.Add(time.Duration(2+t.r.IntN(8)) * time.Second))
		return s.autoReply(ctx, at)
	}
	return nil
}

// take hands the conversation to the operator who deals with it.
func (s *story) take(at time.Time) {
	if s.assigned {
		return
	}
	if s.script.sales {
		s.team = s.t.acc.sales
	}
	s.assigned = s.t.diary.add(at, s.actor(), s.id, &holdfast.ConversationAssigned{Operator: s.operator.id, Team: s.team})
}

func (s *story) tag(at time.Time) {
	for _, tag := range s.script.tags {
		s.t.diary.add(at, s.actor(), s.id, &holdfast.ConversationTagged{Tag: tag, Mark: s.t.id("tag %d %s", s.number, tag)})
	}
}

func (s *story) note(at time.Time, text string) {
	s.next++
	b := &holdfast.MessageNoted{Message: s.t.id("message %d.%d", s.number, s.next), Author: s.operator.id, Text: text}
	if s.over = !s.t.diary.add(at, s.actor(), s.id, b); !s.over {
		s.lastAt = at
	}
}

func (s *story) read(by *operator, at time.Time) {
	s.t.diary.add(at, holdfast.Actor{Kind: holdfast.ActorOperator, ID: by.id}, s.id, &holdfast.ConversationRead{Operator: by.id, Upto: holdfast.ClockAt(at)})
}

func (s *story) readByAll(at time.Time) {
	for _, o := range s.t.staff {
		at = at.Add(s.t.cal.about(4*time.Minute, 0.8))
		s.read(o, at)
	}
}

func (p *person) domain() string {
	_, domain, _ := strings.Cut(p.mail, "@")
	return domain
}
