package desktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/desk"
	"holdfast/inbox"
	"holdfast/outbox"
	"holdfast/setup"
	"holdfast/store/storetest"
)

// telephone is a second way to customers, by short messages.
type telephone struct {
	*loop.Provider
	kind    *channel.Kind
	account holdfast.ID
}

func newTelephone(resend channel.Resend) *telephone {
	p := loop.New().Called("phone", "tel")
	k := p.Kind(resend)
	k.Limits.Attachments = 0
	return &telephone{Provider: p, kind: k}
}

// plug connects the telephone and makes it the way after the loop.
func (p *telephone) plug(t *testing.T, d *Desk, change func(*holdfast.ChainSaved)) {
	t.Helper()
	v, err := d.Setup.CreateChannel(t.Context(), access.System(d.Workspace), setup.NewChannel{ID: holdfast.NewID(), Kind: "phone", Name: "Phone"})
	if err != nil {
		t.Fatal(err)
	}
	p.account = v.ID
	d.Wait(time.Second)
	chain := holdfast.ChainSaved{Sort: holdfast.SortReply, First: 600, Legs: []holdfast.Leg{{Kind: "phone", Wait: 600}}}
	if change != nil {
		change(&chain)
	}
	if err := d.Fallback.SaveChain(t.Context(), access.System(d.Workspace), chain); err != nil {
		t.Fatal(err)
	}
	d.Wait(0)
}

func withTelephone(t *testing.T, change func(*holdfast.ChainSaved), story func(t *testing.T, d *Desk, p *telephone)) {
	onDatabase(t, "", change, story)
}

// onBoth tells a story on each database this machine has.
func onBoth(t *testing.T, story func(t *testing.T, d *Desk, p *telephone)) {
	t.Run("sqlite", func(t *testing.T) { onDatabase(t, "", nil, story) })
	t.Run("postgres", func(t *testing.T) { onDatabase(t, storetest.PostgresURL(t), nil, story) })
}

func onDatabase(t *testing.T, url string, change func(*holdfast.ChainSaved), story func(t *testing.T, d *Desk, p *telephone)) {
	p := newTelephone(channel.ResendPark)
	Run(t, Options{URL: url, More: []*channel.Kind{p.kind}}, func(t *testing.T, d *Desk) {
		p.plug(t, d, change)
		story(t, d, p)
	})
}

// has gives a customer a telephone number.
func (c *Contact) has(number string) {
	c.d.t.Helper()
	if _, err := c.d.App.Desk.AddAddress(context.Background(), c.d.By("joe"), c.Conversation().Customer.ID, holdfast.Address{Scheme: "tel", Value: number}); err != nil {
		c.d.t.Fatal(err)
	}
}

func (p *telephone) got(t *testing.T, number string, want ...string) {
	t.Helper()
	var have []string
	for _, m := range p.Received(number) {
		have = append(have, m.Text)
	}
	if fmt.Sprint(have) != fmt.Sprint(want) {
		t.Fatalf("%s received %q, want %q", number, have, want)
	}
}

func (d *Desk) message(id holdfast.ID) *inbox.Message {
	d.t.Helper()
	m, err := d.Inbox.Message(context.Background(), d.Workspace, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

func (p *telephone) writes(t *testing.T, number, key, text string, marks ...string) channel.Accepted {
	t.Helper()
	got, err := p.Deliver(t.Context(), p.account, channel.Inbound{Key: key, Text: text, From: holdfast.Address{Scheme: "tel", Value: number}, Marks: marks})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const bySMS = "\n(Sent by SMS because Loop cannot be reached)"

func TestAReplyGoesBySMSWhenItsOwnWayIsCut(t *testing.T) {
	onBoth(t, func(t *testing.T, d *Desk, p *telephone) {
		ana := d.Contact("ana")
		ana.Writes("1", "Where is my order?")
		ana.has("+79990001122")
		d.Outbox.Cut(d.Account, "reach", "The line is down.")
		m := d.Replies("joe", ana, "On its way.")
		d.Wait(2 * time.Second)
		title := loopTitle(d)
		want := "On its way." + strings.ReplaceAll(bySMS, "Loop", title)
		p.got(t, "+79990001122", want)
		ana.HasReceived()
		now := d.message(m.ID)
		if o := now.Delivery.Other; o == nil || o.From != d.Account || o.Why != "cut" || o.Reason != "The line is down." || now.Channel != p.account {
			t.Errorf("operators see %+v on %s", now.Delivery.Other, now.Channel)
		}
		d.Saw("message.queued", "message.rerouted", "message.sent")
		// The answer by SMS belongs to the same conversation, and so does what is said then.
		got := p.writes(t, "+79990001122", "sms-1", "Thanks!")
		if got.Conversation != m.Conversation || len(ana.Conversations()) != 1 {
			t.Errorf("the answer went to %s, the conversation is %s", got.Conversation, m.Conversation)
		}
		d.Replies("joe", ana, "You are welcome.")
		d.Wait(2 * time.Second)
		p.got(t, "+79990001122", want, "You are welcome.")
		// When the line is up again nothing is sent twice.
		d.Outbox.Restore(d.Account)
		d.Wait(3 * time.Hour)
		ana.HasReceived()
		p.got(t, "+79990001122", want, "You are welcome.")
	})
}

func loopTitle(d *Desk) string {
	k, err := d.Setup.Kind("loop")
	if err != nil {
		d.t.Fatal(err)
	}
	return k.Texts["en"]["title"]
}

func TestWithoutAnotherWayAMessageWaitsUntried(t *testing.T) {
	onBoth(t, func(t *testing.T, d *Desk, p *telephone) {
		ana := d.Contact("ana") // who has no telephone
		ana.Writes("1", "Hello?")
		d.Outbox.Cut(d.Account, "reach", "The line is down.")
		m := d.Replies("joe", ana, "Hello!")
		d.Wait(8 * time.Hour)
		if got := d.message(m.ID); got.Delivery.State != holdfast.Queued || got.Delivery.Attempts != 0 || d.Loop.Asked(m.ID) != 0 {
			t.Fatalf("state %+v, asked %d times", got.Delivery, d.Loop.Asked(m.ID))
		}
		if s := d.Outbox.Breakers()[d.Account]; s.State != "cut" || s.Reason == "" {
			t.Errorf("the lane says %+v", s)
		}
		// A number that is found during the outage is used at once.
		ana.has("+79990001122")
		d.Wait(10 * time.Second)
		if n := p.Count(m.ID); n != 1 {
			t.Errorf("sent %d times by SMS", n)
		}
	})
}

func TestAMessageThatIsPutOffIsNotHurried(t *testing.T) {
	onBoth(t, func(t *testing.T, d *Desk, p *telephone) {
		ana := d.Contact("ana")
		ana.Writes("1", "Hello?")
		ana.has("+79990001122")
		d.Outbox.Cut(d.Account, "reach", "")
		r := desk.Reply{ID: holdfast.NewID(), Text: "Later.", Undo: 30 * time.Second}
		if _, err := d.App.Desk.Reply(t.Context(), d.By("joe"), ana.Conversation().ID, r); err != nil {
			t.Fatal(err)
		}
		d.Wait(29 * time.Second)
		if p.Count(r.ID) != 0 {
			t.Fatal("it went while it could still be taken back")
		}
		d.Wait(5 * time.Second)
		if p.Count(r.ID) != 1 {
			t.Error("it has not gone")
		}
	})
}

func TestAPermanentFailureGoesOn(t *testing.T) {
	onBoth(t, func(t *testing.T, d *Desk, p *telephone) {
		ana := d.Contact("ana")
		ana.Writes("1", "Hello?")
		ana.has("+79990001122")
		d.Loop.FailNext(&channel.Failure{Reason: channel.Blocked, Code: "403", Text: "blocked the bot"})
		m := d.Replies("joe", ana, "Hello!")
		d.Wait(time.Minute)
		if p.Count(m.ID) != 1 || d.Loop.Count(m.ID) != 0 {
			t.Errorf("loop %d, SMS %d", d.Loop.Count(m.ID), p.Count(m.ID))
		}
		if o := d.message(m.ID).Delivery.Other; o == nil || o.Why != "failed" || o.Code != "403" {
			t.Errorf("operators see %+v", o)
		}
		// And from the last way there is nowhere to go.
		p.FailNext(&channel.Failure{Reason: channel.Permanent, Code: "11", Text: "no such number"})
		d.Loop.FailNext(&channel.Failure{Reason: channel.Blocked, Code: "403", Text: "blocked the bot"})
		again := d.Replies("joe", ana, "Still there?")
		d.Wait(time.Hour)
		if s := d.message(again.ID).Delivery; s.State != holdfast.Failed || s.Code != "11" {
			t.Errorf("state %+v", s)
		}
	})
}

func TestAnOpenBreakerGoesOn(t *testing.T) {
	withTelephone(t, nil, func(t *testing.T, d *Desk, p *telephone) {
		people := make([]*Contact, 8)
		for i := range people {
			people[i] = d.Contact(fmt.Sprint("customer", i))
			people[i].Writes("1", "Hello?")
			people[i].has(fmt.Sprint("+7999000000", i))
		}
		d.Loop.Down(&channel.Failure{Reason: channel.Temporary, Code: "connect", Text: "no route"})
		var sent []holdfast.ID
		for _, c := range people {
			sent = append(sent, d.Replies("joe", c, "Hello!").ID)
		}
		d.Wait(30 * time.Second)
		for i, m := range sent {
			if n := p.Count(m); n != 1 {
				t.Errorf("message %d went %d times by SMS, want once", i, n)
			}
		}
	})
}

func TestWhatMayHaveBeenAcceptedGoesNoOtherWayWhereOnceIsAsked(t *testing.T) {
	for _, once := range []bool{true, false} {
		for name, act := range map[string]loop.Act{"dropped": loop.Dropped(), "502": loop.BadGateway(), "slow": loop.Slow(2 * time.Minute)} {
			t.Run(fmt.Sprint(name, " once ", once), func(t *testing.T) {
				withTelephone(t, func(c *holdfast.ChainSaved) { c.Once = once }, func(t *testing.T, d *Desk, p *telephone) {
					ana := d.Contact("ana")
					ana.Writes("1", "Hello?")
					ana.has("+79990001122")
					d.Loop.Next(act)
					m := d.Replies("joe", ana, "Hello!")
					d.Wait(3 * time.Hour)
					total, want := d.Loop.Count(m.ID)+p.Count(m.ID), 2
					if once {
						want = 1
					}
					if total != want {
						t.Errorf("accepted %d times, want %d", total, want)
					}
					if s := d.message(m.ID).Delivery; once && s.State != holdfast.Parked || !once && (s.State != holdfast.Accepted || !s.Doubled) {
						t.Errorf("state %+v", s)
					}
				})
			})
		}
	}
}

func TestALateDeliveryOrAnAnswerCancelsTheNextLeg(t *testing.T) {
	for _, by := range []string{"delivery", "answer", "nothing"} {
		t.Run(by, func(t *testing.T) {
			p := newTelephone(channel.ResendPark)
			var d *Desk
			Run(t, Options{More: []*channel.Kind{p.kind}}, func(t *testing.T, desk *Desk) {
				d = desk
				k, err := d.Setup.Kind("loop")
				if err != nil {
					t.Fatal(err)
				}
				k.Receipts = true
				p.plug(t, d, nil)
				ana := d.Contact("ana")
				ana.Writes("1", "Hello?")
				ana.has("+79990001122")
				d.Outbox.Cut(p.account, "reach", "") // the second leg cannot start yet
				m := d.Replies("joe", ana, "Hello!")
				d.Wait(5 * time.Minute)
				d.Outbox.Restore(p.account)
				if err := d.Outbox.SetLimit(t.Context(), d.Workspace, holdfast.System, p.account, holdfast.LaneLimited{Count: 1, Per: "minute"}, nil); err != nil {
					t.Fatal(err)
				}
				// Another customer's message takes the place of the minute in which it is moved.
				bob := d.Contact("bob")
				bob.Writes("1", "Hi?")
				bob.has("+79990003344")
				d.Wait(4*time.Minute + 50*time.Second)
				d.Loop.FailNext(&channel.Failure{Reason: channel.Blocked, Code: "403"})
				d.Replies("joe", bob, "Hi!")
				d.Wait(20 * time.Second)
				if got := d.message(m.ID); got.Delivery.State != holdfast.Queued || got.Channel != p.account {
					t.Fatalf("it is %s on %s, want queued for the telephone", got.Delivery.State, got.Channel)
				}
				switch by {
				case "delivery":
					if err := d.Loop.Report(t.Context(), channel.Report{Message: m.ID, State: holdfast.Delivered}); err != nil {
						t.Fatal(err)
					}
				case "answer":
					ana.Writes("2", "Fine, thanks.")
				}
				d.Wait(2 * time.Hour)
				want := 0
				if by == "nothing" {
					want = 1
				}
				if n := p.Count(m.ID); n != want {
					t.Errorf("sent %d times by SMS, want %d", n, want)
				}
				if s := d.message(m.ID).Delivery.State; by == "answer" && s != holdfast.Accepted || by == "delivery" && s != holdfast.Delivered {
					t.Errorf("it is %s", s)
				}
			})
		})
	}
}

func TestWhoHasSaidNoIsLeftInPeace(t *testing.T) {
	onBoth(t, func(t *testing.T, d *Desk, p *telephone) {
		ana := d.Contact("ana")
		ana.Writes("1", "Hello?")
		ana.has("+79990001122")
		p.writes(t, "+79990001122", "s1", "STOP", holdfast.MarkOptOut)
		d.Saw("message.received", "consent.withdrawn")
		ana.Writes("2", "I would rather have it here.")
		d.Outbox.Cut(d.Account, "reach", "")
		m := d.Replies("joe", ana, "All right.")
		d.Wait(time.Hour)
		if p.Count(m.ID) != 0 {
			t.Fatal("a chain went to a number whose owner has said no")
		}
		// Nothing automatic goes there either, whoever asks for it; a notice to many no more than that.
		talk := p.writes(t, "+79990001122", "s2", "And my order?").Conversation
		robot := desk.Reply{ID: holdfast.NewID(), Text: "How did we do?", Automatic: true}
		by := d.By("joe")
		by.Operator = holdfast.ID{}
		if _, err := d.App.Desk.Reply(t.Context(), by, talk, robot); err != nil {
			t.Fatal(err)
		}
		letter := holdfast.NewID()
		if err := d.Outbox.Post(t.Context(), d.Workspace, holdfast.System, outbox.Letter{ID: letter, Purpose: "notice", Channel: p.account, Bulk: true,
			To: holdfast.Address{Scheme: "tel", Value: "+79990001122"}, Text: "We are back."}, nil); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		if p.Count(robot.ID)+p.Count(letter) != 0 {
			t.Fatal("somebody who has said no was written to by nobody")
		}
		if s := d.message(robot.ID).Delivery; s.State != holdfast.Failed || s.Code != "consent.withdrawn" {
			t.Errorf("state %+v", s)
		}
		// A person's answer to what came from there is what its owner asked for.
		direct := desk.Reply{ID: holdfast.NewID(), Text: "It is on its way."}
		if _, err := d.App.Desk.Reply(t.Context(), d.By("joe"), talk, direct); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		if p.Count(direct.ID) != 1 {
			t.Errorf("the answer went %d times: %+v", p.Count(direct.ID), d.message(direct.ID).Delivery)
		}
		// Until they say yes again.
		p.writes(t, "+79990001122", "s3", "START", holdfast.MarkOptIn)
		no, err := d.Fallback.Refused(t.Context(), d.Workspace, holdfast.ForService, []holdfast.Address{{Scheme: "tel", Value: "+79990001122"}})
		if err != nil || no[0] {
			t.Errorf("still refused: %v, %v", no, err)
		}
		for _, p := range []holdfast.ConsentPurpose{holdfast.ForMarketing, holdfast.ForCalls} {
			if no, _ := d.Fallback.Refused(t.Context(), d.Workspace, p, []holdfast.Address{{Scheme: "tel", Value: "+79990001122"}}); !no[0] {
				t.Errorf("%s without a yes", p)
			}
		}
	})
}

func TestAnAnswerFromANumberThatWasOnlySaidJoinsAndProvesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, d *Desk, p *telephone) {
		number := holdfast.Address{Scheme: "tel", Value: "+79990001122"}
		if _, err := d.Loop.Deliver(t.Context(), d.Account, channel.Inbound{Key: "1", Text: "Call me", From: holdfast.Address{Scheme: "loop", Value: "ana"}, Claims: []holdfast.Address{number}}); err != nil {
			t.Fatal(err)
		}
		// A stranger who writes from there unasked is nobody's customer.
		if got := p.writes(t, number.Value, "0", "Who is this?"); got.Conversation == d.Contact("ana").Conversation().ID {
			t.Fatal("somebody who writes from a number that another has named is taken for that other")
		}
		boris := "+79995556677"
		if _, err := d.Loop.Deliver(t.Context(), d.Account, channel.Inbound{Key: "2", Text: "Call me", From: holdfast.Address{Scheme: "loop", Value: "boris"}, Claims: []holdfast.Address{{Scheme: "tel", Value: boris}}}); err != nil {
			t.Fatal(err)
		}
		c := d.Contact("boris")
		d.Outbox.Cut(d.Account, "reach", "")
		d.Replies("joe", c, "We will.")
		d.Wait(5 * time.Second)
		if got := p.writes(t, boris, "3", "Good."); got.Conversation != c.Conversation().ID {
			t.Error("the answer to what was sent there is a conversation of its own")
		}
		for _, a := range c.Conversation().Person.Addresses {
			if a.Scheme == "tel" && (a.Verified || !a.Claimed) {
				t.Errorf("an answer has proved %+v", a)
			}
		}
	})
}

// outage is hours without the loop, with traffic on both sides, and what comes after.
func outage(t *testing.T, length time.Duration, people int) {
	Run(t, Options{}, func(t *testing.T, d *Desk) {
		const perMinute = 60
		if err := d.Outbox.SetLimit(t.Context(), d.Workspace, holdfast.System, d.Account, holdfast.LaneLimited{Count: perMinute, Per: "minute"}, nil); err != nil {
			t.Fatal(err)
		}
		contacts := make([]*Contact, people)
		for i := range contacts {
			contacts[i] = d.Contact(fmt.Sprint("customer", i))
			contacts[i].Writes("0", "Hello?")
		}
		chance := rand.New(rand.NewPCG(1, uint64(length)))
		d.Outbox.Cut(d.Account, "reach", "The line is down.")
		wrote := map[string][]string{}
		kept := map[holdfast.ID]bool{}
		expired := map[holdfast.ID]bool{}
		step := length / 120
		for i := range 120 {
			d.Wait(step)
			c := contacts[chance.IntN(people)]
			c.Writes(fmt.Sprint("in", i), "Still there?") // customers' side goes on over what works
			r := desk.Reply{ID: holdfast.NewID(), Text: fmt.Sprint("reply ", i)}
			m, err := d.App.Desk.Reply(t.Context(), d.By("joe"), c.Conversation().ID, r)
			if err != nil {
				t.Fatal(err)
			}
			if length-time.Duration(i+1)*step >= 72*time.Hour-time.Minute {
				expired[m.ID] = true
				continue
			}
			kept[m.ID] = true
			wrote[c.addr] = append(wrote[c.addr], r.Text)
		}
		d.Outbox.Restore(d.Account)
		began := time.Now()
		for {
			before := 0
			for id := range kept {
				before += d.Loop.Count(id)
			}
			if before == len(kept) {
				break
			}
			if time.Since(began) > time.Hour {
				t.Fatalf("%d of %d have arrived an hour after", before, len(kept))
			}
			d.Wait(10 * time.Second)
		}
		if took := time.Since(began); took < time.Duration(len(kept)/perMinute)*time.Minute-time.Minute {
			t.Errorf("%d messages in %v: the lane was over its rate", len(kept), took)
		}
		d.Wait(time.Hour)
		for id := range kept {
			if n := d.Loop.Count(id); n != 1 {
				t.Errorf("a message arrived %d times", n)
			}
		}
		for _, c := range contacts {
			var got []string
			for _, m := range d.Loop.Received(c.addr) {
				got = append(got, m.Text)
			}
			if fmt.Sprint(got) != fmt.Sprint(wrote[c.addr]) {
				t.Errorf("%s got %q, want the oldest first: %q", c.addr, got, wrote[c.addr])
			}
		}
		for id := range expired {
			if s := d.message(id).Delivery; s.State != holdfast.Failed || s.Code != "expired" || s.Reason == "" || d.Loop.Count(id) != 0 {
				t.Errorf("what nobody waits for any more: %+v", s)
			}
		}
	})
}

func TestAfterEightHoursNothingIsLostOrDoubled(t *testing.T)      { outage(t, 8*time.Hour, 20) }
func TestAfterThreeDaysNothingIsLostAndTheOldIsSaid(t *testing.T) { outage(t, 73*time.Hour, 20) }
