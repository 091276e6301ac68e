package desktest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/desk"
	"holdfast/outbox"
	"holdfast/store/storetest"
)

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
		d.Wait(time.Hour)
		ana.HasReceived()
		p.got(t, "+79990001122", want, "You are welcome.")
	})
}

// What already waits on a messenger when its line is known to be down is with the
// telephone within two seconds.
func TestWhatWaitsOnAWayThatFallsGoesAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, d *Desk, p *telephone) {
		ana := d.Contact("ana")
		ana.Writes("1", "Hello?")
		ana.has("+79990001122")
		d.Loop.Down(&channel.Failure{Reason: channel.Temporary, Code: "connect", Text: "no route"})
		m := d.Replies("joe", ana, "On its way.")
		d.Wait(5 * time.Second)
		if s := d.message(m.ID).Delivery; s.State != holdfast.RetryWait || p.Count(m.ID) != 0 {
			t.Fatalf("it does not wait: %+v", s)
		}
		d.Outbox.Cut(d.Account, "reach", "The line is down.")
		d.Wait(2 * time.Second)
		if p.Count(m.ID) != 1 {
			t.Errorf("two seconds after, it went %d times by SMS", p.Count(m.ID))
		}
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
		d.Wait(2 * time.Hour)
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
					d.Wait(time.Hour)
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

// A text that was accepted and of which nobody says that it has arrived goes on by the
// chain when its time is over. Where no word ever comes, silence means nothing.
func TestATextWithoutAReceiptGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		receipts bool
		at       time.Duration // of the word that it has arrived; 0: none
		more     int           // by the other way
		state    holdfast.Delivery
	}{
		"no word":         {true, 0, 1, holdfast.Accepted},
		"in time":         {true, 9 * time.Minute, 0, holdfast.Delivered},
		"none ever comes": {false, 0, 0, holdfast.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTelephone(channel.ResendPark)
			p.kind.Receipts = c.receipts
			Run(t, Options{More: []*channel.Kind{p.kind}}, func(t *testing.T, d *Desk) {
				p.plug(t, d, func(s *holdfast.ChainSaved) { s.Legs = []holdfast.Leg{{Kind: "loop", Wait: 600}} })
				ana := d.Contact("ana")
				ana.Writes("1", "Hello?")
				ana.has("+79990001122")
				r := desk.Reply{ID: holdfast.NewID(), Text: "On its way.", Channel: p.account, To: &holdfast.Address{Scheme: "tel", Value: "+79990001122"}}
				if _, err := d.App.Desk.Reply(t.Context(), d.By("joe"), ana.Conversation().ID, r); err != nil {
					t.Fatal(err)
				}
				d.Wait(9 * time.Minute)
				if p.Count(r.ID) != 1 || d.Loop.Asked(r.ID) != 0 {
					t.Fatalf("before its time is over: %d times by SMS, %d by the other way", p.Count(r.ID), d.Loop.Asked(r.ID))
				}
				if c.at > 0 {
					if err := p.Report(t.Context(), channel.Report{Message: r.ID, State: holdfast.Delivered}); err != nil {
						t.Fatal(err)
					}
				}
				d.Wait(90 * time.Second)
				if n := d.Loop.Count(r.ID); n != c.more || p.Count(r.ID) != 1 {
					t.Errorf("%d times by SMS, %d by the other way, want %d", p.Count(r.ID), n, c.more)
				}
				if got := d.message(r.ID).Delivery; got.State != c.state || c.more > 0 && (got.Other == nil || got.Other.Why != "late") {
					t.Errorf("operators see %+v", got)
				}
				d.Wait(time.Hour)
				if d.Loop.Count(r.ID) != c.more || p.Count(r.ID) != 1 {
					t.Error("an hour later it has gone again")
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

func TestAfterEightHoursNothingIsLostOrDoubled(t *testing.T) { Outage(t, 8*time.Hour, 20) }
