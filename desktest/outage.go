package desktest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/desk"
)

// The lanes' limits in an outage, messages a minute.
const (
	loopLimit  = 12
	phoneLimit = 6
)

// Outage is so long without the messenger, in virtual time, and what comes after.
// Both sides go on writing. Every other customer has a telephone, by which they are
// answered meanwhile; in the middle third it does not work either. Afterwards nothing
// may be lost or doubled, each customer has the oldest first, neither lane was over its
// rate, and both began slowly. What is older than three days is said to be so.
func Outage(t *testing.T, length time.Duration, people int) {
	p := newTelephone(channel.ResendPark)
	Run(t, Options{More: []*channel.Kind{p.kind}}, func(t *testing.T, d *Desk) {
		p.plug(t, d, nil)
		for account, count := range map[holdfast.ID]int{d.Account: loopLimit, p.account: phoneLimit} {
			if err := d.Outbox.SetLimit(t.Context(), d.Workspace, holdfast.System, account, holdfast.LaneLimited{Count: count, Per: "minute"}, nil); err != nil {
				t.Fatal(err)
			}
		}
		contacts, numbers := make([]*Contact, people), make([]string, people)
		said := make([]int, people)
		for i := range contacts {
			contacts[i] = d.Contact(fmt.Sprint("customer", i))
			contacts[i].Writes("0", "Hello?")
			said[i]++
			if i%2 == 1 {
				numbers[i] = fmt.Sprintf("+7999000%04d", i)
				contacts[i].has(numbers[i])
			}
		}
		chance := rand.New(rand.NewPCG(1, uint64(length)))
		d.Outbox.Cut(d.Account, "reach", "The line is down.")
		wrote := make([][]string, people)
		kept := map[holdfast.ID]int{} // the customer's number
		expired := map[holdfast.ID]bool{}
		const steps = 120
		step := length / steps
		opened := 0
		for i := range steps {
			switch i {
			case steps / 3:
				d.Outbox.Cut(p.account, "reach", "The line is down.")
			case steps * 2 / 3:
				if p.Next(slow(8)...); p.handed(kept, numbers) == len(kept) {
					t.Error("nothing waited for the telephone: that was no test")
				}
				opened = len(p.Attempts())
				d.Outbox.Restore(p.account)
			}
			d.Wait(step)
			k := chance.IntN(people)
			c := contacts[k]
			if key, text := fmt.Sprint("in", i), "Still there?"; len(p.Received(numbers[k])) > 0 {
				p.writes(t, numbers[k], key, text)
			} else {
				c.Writes(key, text) // their own line is not ours
			}
			said[k]++
			r := desk.Reply{ID: holdfast.NewID(), Text: fmt.Sprint("reply ", i)}
			if _, err := d.App.Desk.Reply(t.Context(), d.By("joe"), c.Conversation().ID, r); err != nil {
				t.Fatal(err)
			}
			if numbers[k] == "" && length-time.Duration(i+1)*step >= 72*time.Hour-time.Minute {
				expired[r.ID] = true
				continue
			}
			kept[r.ID] = k
			wrote[k] = append(wrote[k], r.Text)
		}
		d.Wait(time.Minute)
		for id, k := range kept {
			if want := min(len(numbers[k]), 1); p.Count(id) != want {
				t.Errorf("before the line is back a message of customer %d went %d times by SMS, want %d", k, p.Count(id), want)
			}
		}
		if n := len(d.Loop.Attempts()); n != 0 {
			t.Errorf("the line that was down was tried %d times", n)
		}
		d.Loop.Next(slow(8)...)
		d.Outbox.Restore(d.Account)
		d.Wait(time.Hour)
		for id, k := range kept {
			byLoop, byPhone := d.Loop.Count(id), p.Count(id)
			if byLoop+byPhone != 1 {
				t.Errorf("a message of customer %d arrived %d times, and %d by SMS", k, byLoop, byPhone)
			}
		}
		for k, c := range contacts {
			got := d.Loop.Received(c.addr)
			if numbers[k] != "" {
				got = p.Received(numbers[k])
			}
			var texts []string
			for _, m := range got {
				text, _, _ := strings.Cut(m.Text, "\n") // what follows says why it came by SMS
				texts = append(texts, text)
			}
			if !slices.Equal(texts, wrote[k]) {
				t.Errorf("%s got %q, want the oldest first: %q", c.addr, texts, wrote[k])
			}
			in := 0
			for _, m := range c.Messages() {
				if strings.HasPrefix(m, string(holdfast.Inbound)) {
					in++
				}
			}
			if in != said[k] || len(c.Conversations()) != 1 {
				t.Errorf("%s wrote %d times, of which %d are in the first of %d conversations", c.addr, said[k], in, len(c.Conversations()))
			}
		}
		for id := range expired {
			if s := d.message(id).Delivery; s.State != holdfast.Failed || s.Code != "expired" || s.Reason == "" || d.Loop.Count(id) != 0 {
				t.Errorf("what nobody waits for any more: %+v", s)
			}
		}
		within(t, "the messenger's", d.Loop.Attempts(), 0, loopLimit)
		within(t, "the telephone's", p.Attempts(), opened, phoneLimit)
	})
}

// answering is how long a provider takes at first after it is back.
const answering = 2 * time.Second

// slow is for the first n after a recovery, so that it shows how many go at a time.
func slow(n int) []loop.Act { return slices.Repeat([]loop.Act{loop.Slow(answering)}, n) }

// handed is how many of the messages to customers with a number have gone there, or
// are of customers without one.
func (p *telephone) handed(kept map[holdfast.ID]int, numbers []string) (n int) {
	for id, k := range kept {
		if numbers[k] == "" || p.Count(id) == 1 {
			n++
		}
	}
	return n
}

// within checks that a lane's attempts kept its limit in every minute, and that those
// from the opened-th on began with one, then no more than two at a time.
func within(t *testing.T, whose string, at []time.Time, opened, limit int) {
	t.Helper()
	for i := limit; i < len(at); i++ {
		if took := at[i].Sub(at[i-limit]); took < time.Minute {
			t.Errorf("%s lane is over its rate: %d messages in %v", whose, limit+1, took)
			break
		}
	}
	first := at[opened:]
	if len(first) < 8 {
		t.Errorf("%s lane had only %d to send after it was back: that was no test", whose, len(first))
		return
	}
	if first[1].Sub(first[0]) < answering || first[3].Sub(first[1]) < answering {
		t.Errorf("%s lane did not begin slowly: after %v and %v", whose, first[1].Sub(first[0]), first[3].Sub(first[1]))
	}
}
