package outbox_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/outbox"
)

func TestACutHoldsWhatHasNotBegunAndBurnsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.Next(loop.Slow(10 * time.Second))
		d.starts()
		going := d.says("ana", "one")
		d.passes(time.Second)
		d.worker.Cut(d.account, "reach", "no uplink")
		waits := d.says("bo", "two")
		d.passes(20 * time.Hour)
		d.is(going, holdfast.Accepted) // what was being sent goes to its end
		d.is(waits, holdfast.Queued)
		if n := d.provider.Asked(waits); n != 0 || d.state(waits).Attempts != 0 {
			t.Fatalf("asked %d times", n)
		}
		list, err := d.worker.List(ctx, d.workspace, holdfast.Queued, holdfast.ID{}, 0, 10)
		if err != nil || len(list) != 1 || list[0].Code != "reach" || list[0].Reason != "no uplink" {
			t.Fatalf("list %+v, %v: want the reason why it waits", list, err)
		}
		wake, cancel := d.worker.Turns()
		defer cancel()
		d.worker.Restore(d.account)
		d.passes(0)
		d.is(waits, holdfast.Accepted)
		select {
		case <-wake:
		default:
			t.Error("nobody is told that the way is open")
		}
	})
}

func TestAMendedWayIsTriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.Down(failure(channel.Temporary, "connect"))
		d.starts()
		var all []holdfast.ID
		for i := range 10 {
			all = append(all, d.says(fmt.Sprint("c", i), "hello"))
		}
		d.passes(5 * time.Second) // five failures: the breaker is open for half a minute
		if s := d.worker.Breakers()[d.account]; s.State != "open" {
			t.Fatalf("the breaker is %s", s.State)
		}
		d.worker.Cut(d.account, "reach", "")
		d.provider.Down(nil)
		d.passes(10 * time.Second)
		d.worker.Restore(d.account)
		d.passes(time.Second)
		if n := d.provider.Count(all[9]); n != 1 {
			t.Error("what had not been tried waits for the breaker")
		}
		d.passes(time.Minute)
		for i, m := range all {
			if n := d.provider.Count(m); n != 1 {
				t.Errorf("message %d arrived %d times", i, n)
			}
		}
	})
}

func TestALaneKeepsItsLimitThroughCrashesAndLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendSame)
		d.starts()
		if err := d.worker.SetLimit(ctx, d.workspace, d.operator, d.account, holdfast.LaneLimited{Count: 10, Per: "minute"}, nil); err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			l := outbox.Letter{ID: holdfast.NewID(), Purpose: "notice", Channel: d.account, Bulk: true, To: holdfast.Address{Scheme: loop.Scheme, Value: fmt.Sprint("n", i)}, Text: "notice"}
			if err := d.worker.Post(ctx, d.workspace, d.operator, l, nil); err != nil {
				t.Fatal(err)
			}
		}
		count := func(prefix string, n int) (sum int) {
			for i := range n {
				sum += len(d.provider.Received(fmt.Sprint(prefix, i)))
			}
			return sum
		}
		last := 0
		for minute := range 5 {
			if minute == 2 {
				d.kill()
				d.starts()
			}
			for i := range 3 { // one-to-one service has its place whatever the bulk
				d.says(fmt.Sprint("p", minute*3+i), "answer")
			}
			d.passes(time.Second)
			if got := count("p", (minute+1)*3); got != (minute+1)*3 {
				t.Fatalf("minute %d: %d answers have gone, want %d at once", minute, got, (minute+1)*3)
			}
			d.passes(59 * time.Second)
			all := count("n", 40) + count("p", 15)
			if all-last > 10 {
				t.Fatalf("minute %d: %d messages in a minute of at most 10", minute, all-last)
			}
			last = all
		}
		if n := count("n", 40); n < 30 || n > 35 {
			t.Errorf("%d of the many have gone in five minutes, want 7 a minute", n)
		}
		d.passes(10 * time.Minute)
		if n := count("n", 40); n != 40 {
			t.Errorf("%d of the many have gone in all", n)
		}
	})
}

func TestALimitIsTheWorkspacesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.starts()
		wantCode(t, d.worker.SetLimit(ctx, holdfast.NewID(), d.operator, d.account, holdfast.LaneLimited{Count: 1, Per: "second"}, nil), "channel.missing")
		wantCode(t, d.worker.SetLimit(ctx, d.workspace, d.operator, d.account, holdfast.LaneLimited{Count: 1, Per: "day"}, nil), "lane.limit_invalid")
	})
}
