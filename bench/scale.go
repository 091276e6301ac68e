package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"

	"holdfast"
	"holdfast/journal"
)

// base is a place with a desk that has a past.
type base struct {
	place
	Messages      int       `json:"messages"`
	Conversations int       `json:"conversations"`
	Filled        bool      `json:"filled"` // to the end
	At            time.Time `json:"at"`
}

// markFile says that a data folder was filled by this program, and with what.
const markFile = "bench.json"

// smallBase is what the read figures are taken from when no large one is asked for.
const smallBase = 20_000

// filled gives a full base: the one in the data folder with Scale, else a small
// one. Errors: Conflict when the data folder holds a desk that is not the bench's.
func (r *run) filled(ctx context.Context, s storage) (*base, error) {
	_, own := s.(embedded)
	if !r.Scale || !own {
		p, err := s.fresh(ctx)
		if err != nil {
			return nil, err
		}
		b := &base{place: p, Messages: smallBase}
		if r.Scale {
			b.Messages = r.ScaleMessages
		}
		return b, r.fillBase(ctx, b)
	}
	b := &base{place: place{dir: r.Config.Data}, Messages: r.ScaleMessages}
	mark := filepath.Join(b.dir, markFile)
	raw, err := os.ReadFile(mark)
	switch {
	case err == nil:
		var had base
		if err := json.Unmarshal(raw, &had); err != nil {
			return nil, fmt.Errorf("%s: %w", mark, err)
		}
		if had.Filled && had.Messages == b.Messages {
			b.Conversations = had.Conversations
			r.say("reading what was filled on %s", had.At.Local().Format(time.DateTime))
			return b, nil
		}
		// Ours, and half a base or another one.
		if err := os.RemoveAll(b.dir); err != nil {
			return nil, err
		}
	case errors.Is(err, os.ErrNotExist):
		if list, err := os.ReadDir(b.dir); err == nil && len(list) > 0 {
			return nil, holdfast.Errorf(holdfast.Conflict, "bench.not_ours", "%s holds something that the bench did not make", b.dir).
				WithNext("Give --data an empty folder; it keeps the base for the next time.")
		}
	default:
		return nil, err
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, err
	}
	if err := b.mark(); err != nil {
		return nil, err
	}
	if err := r.fillBase(ctx, b); err != nil {
		return nil, err
	}
	b.Filled, b.At = true, time.Now().UTC()
	return b, b.mark()
}

func (b *base) mark() error {
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.dir, markFile), raw, 0o600)
}

// fillBase writes a past by the journal's own path: entries, projections, search.
func (r *run) fillBase(ctx context.Context, b *base) (err error) {
	d, err := r.found(ctx, b.place)
	if err != nil {
		return err
	}
	if err := d.OpenData(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.DB.Close()) }()
	bar := progressbar.NewOptions(b.Messages, progressbar.OptionSetWriter(r.Progress), progressbar.OptionSetDescription("filling"), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("messages"), progressbar.OptionThrottle(500*time.Millisecond), progressbar.OptionSetPredictTime(true))
	p := newPast(d, b.Messages)
	for p.written < b.Messages {
		if err := p.more(ctx); err != nil {
			return err
		}
		bar.Set(p.written)
	}
	bar.Finish()
	r.say("")
	b.Conversations = int(p.number)
	return nil
}

// past makes the history of a desk, the same each time but for its ids.
type past struct {
	*desk
	talk      *speech
	messages  int
	written   int
	number    int64
	customers []person
	open      []*matter
}

type person struct {
	id     holdfast.ID
	tongue *tongue
	from   holdfast.Address
}

// matter is a conversation that goes on.
type matter struct {
	id       holdfast.ID
	who      person
	left     int // messages to come
	assigned bool
	inbound  bool // who wrote last
}

const (
	atOnce     = 300  // conversations that go on at the same time
	perCommand = 1500 // entries of one command, roughly
)

func newPast(d *desk, messages int) *past {
	return &past{desk: d, talk: newSpeech(42), messages: messages}
}

// more writes one command's worth.
func (p *past) more(ctx context.Context) error {
	_, err := p.Journal.Do(ctx, journal.Command{Workspace: p.workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		for begin, n := p.written, 0; p.written < p.messages && p.written-begin < perCommand/2; n++ {
			for len(p.open) < atOnce {
				if err := p.begin(tx); err != nil {
					return err
				}
			}
			i := p.talk.rand.IntN(len(p.open))
			m := p.open[i]
			if err := p.message(tx, m); err != nil {
				return err
			}
			if m.left--; m.left > 0 {
				continue
			}
			if err := p.finish(tx, m); err != nil {
				return err
			}
			p.open[i] = p.open[len(p.open)-1]
			p.open = p.open[:len(p.open)-1]
		}
		return nil
	}})
	return err
}

// begin opens a conversation, every other time with somebody new. It has ten
// messages on average.
func (p *past) begin(tx *journal.Tx) error {
	r := p.talk.rand
	var who person
	if len(p.customers) == 0 || r.IntN(2) == 0 {
		t := p.talk.tongue()
		n := len(p.customers)
		who = person{id: holdfast.NewID(), tongue: t, from: holdfast.Address{Scheme: "visitor", Value: holdfast.NewID().String(), Name: p.talk.name(t)}}
		addresses := []holdfast.Address{who.from, {Scheme: "mailto", Value: fmt.Sprintf("customer%d@example.com", n)}, {Scheme: "tel", Value: fmt.Sprintf("+7900%07d", n)}}
		if _, err := tx.Append(who.id, &holdfast.CustomerCreated{Name: who.from.Name, Language: t.code, Addresses: addresses}); err != nil {
			return err
		}
		p.customers = append(p.customers, who)
	} else {
		who = pick(r, p.customers)
	}
	p.number++
	m := &matter{id: holdfast.NewID(), who: who, left: 1 + r.IntN(19)}
	p.open = append(p.open, m)
	_, err := tx.Append(m.id, &holdfast.ConversationOpened{Number: p.number, Customer: who.id, Channel: p.channel})
	return err
}

// message is the next one of a conversation: the customer's, or an answer that
// was sent.
func (p *past) message(tx *journal.Tx, m *matter) error {
	p.written++
	id, text := holdfast.NewID(), p.talk.message(m.who.tongue)
	if !m.inbound || p.talk.rand.IntN(3) == 0 {
		m.inbound = true
		_, err := tx.AppendAs(holdfast.Actor{Kind: holdfast.ActorCustomer, ID: m.who.id}, m.id, &holdfast.MessageReceived{Message: id, Customer: m.who.id,
			Channel: p.channel, From: m.who.from, Text: text, Language: m.who.tongue.code, SentAt: tx.Now})
		return err
	}
	m.inbound = false
	author := pick(p.talk.rand, p.operators)
	by := holdfast.Actor{Kind: holdfast.ActorOperator, ID: author}
	if _, err := tx.AppendAs(by, m.id, &holdfast.MessageQueued{Message: id, Customer: m.who.id, Channel: p.channel, To: m.who.from, Text: text, Author: author}); err != nil {
		return err
	}
	if !m.assigned {
		m.assigned = true
		if _, err := tx.AppendAs(by, m.id, &holdfast.ConversationAssigned{Operator: author}); err != nil {
			return err
		}
	}
	_, err := tx.Append(m.id, &holdfast.MessageSent{Message: id, Attempt: 1, To: m.who.from})
	return err
}

// finish leaves a conversation as operators leave them: most are done, some wait
// for the customer, one in twelve is still open.
func (p *past) finish(tx *journal.Tx, m *matter) error {
	r := p.talk.rand
	if r.IntN(5) == 0 {
		if _, err := tx.Append(m.id, &holdfast.ConversationTagged{Tag: pick(r, []string{"outage", "billing", "delivery", "router", "complaint"}), Mark: holdfast.NewID()}); err != nil {
			return err
		}
	}
	var status holdfast.Status
	switch n := r.IntN(12); {
	case n == 0:
		return nil
	case n < 3:
		status = holdfast.Waiting
	case n < 8:
		status = holdfast.Resolved
	default:
		status = holdfast.Closed
	}
	_, err := tx.Append(m.id, &holdfast.ConversationStatus{Status: status})
	return err
}
