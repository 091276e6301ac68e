package outbox_test

import (
	"fmt"
	"math/rand"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/store"
)

// refuse makes the database refuse inserts into a table until the returned function is called.
func (d *desk) refuse(table string) (allow func()) {
	d.t.Helper()
	run := func(sql string) {
		d.t.Helper()
		if err := d.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec(sql) }); err != nil {
			d.t.Fatal(err)
		}
	}
	run("CREATE TRIGGER away BEFORE INSERT ON " + table + " BEGIN SELECT RAISE(ABORT, 'away'); END")
	return func() { run("DROP TRIGGER away") }
}

func TestAResultIsRecordedWhenTheDatabaseIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendSame)
		d.starts()
		talk := d.talk()
		allow := d.refuse("exchange")
		m := d.replies(talk, "ana", "one")
		d.replies(talk, "ana", "two")
		d.passes(6 * time.Hour)
		if n := d.provider.Asked(m); n != 1 {
			t.Fatalf("sent %d times while the result could not be recorded", n)
		}
		d.is(m, holdfast.Sending)
		d.got("ana", "one")
		allow()
		d.passes(10 * time.Second)
		d.is(m, holdfast.Accepted)
		d.got("ana", "one", "two")
		if got := d.outcomes(m); fmt.Sprint(got) != "[accepted]" {
			t.Errorf("exchanges %v", got)
		}
	})
}

func TestNothingIsSentWithoutALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendSame)
		d.starts()
		allow := d.refuse("lease")
		m := d.says("ana", "one")
		d.passes(time.Minute)
		if n := d.provider.Asked(m); n != 0 {
			t.Fatalf("sent %d times without a lease on disk", n)
		}
		d.is(m, holdfast.Queued)
		allow()
		d.passes(2 * time.Minute)
		d.got("ana", "one")
	})
}

func TestACrashWhileSendingFollowsThePolicy(t *testing.T) {
	for _, c := range []struct {
		policy  channel.Resend
		state   holdfast.Delivery
		count   int
		doubled bool
	}{
		{channel.ResendPark, holdfast.Parked, 1, false},
		{channel.ResendSame, holdfast.Accepted, 1, false},
		{channel.ResendOnce, holdfast.Accepted, 2, true},
	} {
		t.Run(string(c.policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, c.policy)
				d.provider.Next(loop.Slow(30 * time.Second))
				d.starts()
				m := d.says("ana", "hello")
				d.passes(time.Second)
				d.kill()
				d.is(m, holdfast.Sending)
				d.starts()
				d.passes(time.Minute)
				d.is(m, c.state)
				if n := d.provider.Count(m); n != c.count {
					t.Errorf("the customer has it %d times, want %d", n, c.count)
				}
				if s := d.state(m); s.Doubled != c.doubled {
					t.Errorf("doubled is %v", s.Doubled)
				}
				if d.leases() != 0 {
					t.Error("a lease is left")
				}
			})
		})
	}
}

func TestAnAccountThatComesUpLateKeepsItsPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendSame)
		d.provider.Next(loop.Slow(30 * time.Second))
		d.starts()
		m := d.says("ana", "hello")
		waiting := d.says("bo", "hi", func(m *holdfast.MessageQueued) { m.NotBefore = time.Now().Add(time.Minute) })
		d.passes(time.Second)
		d.kill()
		adapter, kind := d.adapter, d.kind
		d.has(nil, holdfast.Errorf(holdfast.NotFound, "channel.not_running", "this channel is not running"))
		d.kind = nil
		d.starts()
		d.passes(70 * time.Second)
		d.is(m, holdfast.Sending)
		d.is(waiting, holdfast.Queued)
		d.mu.Lock()
		d.kind = kind
		d.mu.Unlock()
		d.has(adapter, nil)
		d.passes(2 * time.Minute)
		d.is(m, holdfast.Accepted)
		d.got("ana", "hello")
		d.got("bo", "hi")
	})
}

func TestAnAccountThatIsGoneLeavesTheDecisionToAnOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendSame)
		d.provider.Next(loop.Slow(30 * time.Second))
		d.starts()
		m := d.says("ana", "hello")
		d.passes(time.Second)
		d.kill()
		d.has(nil, holdfast.Errorf(holdfast.NotFound, "channel.not_running", "this channel is not running"))
		d.kind = nil
		d.starts()
		d.passes(10 * time.Minute)
		d.is(m, holdfast.Parked)
		d.got("ana", "hello")
	})
}

func TestASecondCrashParksAMessageThatMayGoTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendOnce)
		d.provider.Next(loop.Slow(30*time.Second), loop.Slow(30*time.Second))
		d.starts()
		m := d.says("ana", "hello")
		for range 2 {
			d.passes(time.Second)
			d.kill()
			d.starts()
		}
		d.passes(3 * time.Hour)
		d.is(m, holdfast.Parked)
		if n := d.provider.Count(m); n != 2 {
			t.Errorf("the customer has it %d times, want 2", n)
		}
		if !d.state(m).Doubled {
			t.Error("not marked as doubled")
		}
	})
}

func TestAProviderThatIsAwayForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.Down(failure(channel.Temporary, "connect"))
		d.starts()
		var all []holdfast.ID
		for i := range 40 {
			all = append(all, d.says(fmt.Sprint("customer ", i), "hello"))
			d.passes(time.Minute + 30*time.Second)
		}
		s := d.worker.Breakers()[d.account]
		if s.State != "open" || s.Reason == "" || s.Since.IsZero() {
			t.Fatalf("breaker %+v, want an open one that says why", s)
		}
		asked := 0
		for _, m := range all {
			asked += d.provider.Asked(m)
		}
		if asked > 40 {
			t.Errorf("a provider that is away was asked %d times in an hour", asked)
		}
		d.provider.Down(nil)
		d.passes(16 * time.Minute)
		for i, m := range all {
			d.is(m, holdfast.Accepted)
			d.got(fmt.Sprint("customer ", i), "hello")
		}
		if s := d.worker.Breakers()[d.account]; s.State != "closed" || s.Reason != "" {
			t.Errorf("breaker %+v", s)
		}
	})
}

func TestABrokenAccountWaitsForItsRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.Down(failure(channel.Broken, "invalid_grant"))
		d.starts()
		first := d.says("ana", "one")
		d.passes(time.Second)
		second := d.says("bo", "two")
		d.passes(time.Minute)
		d.is(first, holdfast.RetryWait)
		if n := d.provider.Asked(second); n != 0 {
			t.Errorf("a broken account was asked for another message")
		}
		list, err := d.worker.List(ctx, d.workspace, holdfast.Queued, holdfast.ID{}, 0, 0)
		if err != nil || len(list) != 1 || list[0].Reason != "the provider said invalid_grant" {
			t.Errorf("list %+v, %v: want the reason", list, err)
		}
		// The administrator sets a new token: a new adapter, and it goes on at once.
		d.provider.Down(nil)
		d.has(d.newAdapter(d.account), nil)
		d.doIn(d.account, func(holdfast.ID) holdfast.Body {
			return &holdfast.SetupChanged{What: "channel", ID: d.account, Action: "changed"}
		})
		d.passes(0)
		d.got("bo", "two")
		d.passes(15 * time.Minute)
		d.got("ana", "one")
	})
}

// TestWhateverHappensNobodyGetsItTwiceUnasked walks random histories of a
// provider that lies and a program that crashes.
func TestWhateverHappensNobodyGetsItTwiceUnasked(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	for _, policy := range []channel.Resend{channel.ResendPark, channel.ResendSame, channel.ResendOnce} {
		for seed := range rounds {
			t.Run(fmt.Sprint(policy, "/", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { walk(t, policy, rand.New(rand.NewSource(int64(seed)))) })
			})
		}
	}
}

func walk(t *testing.T, policy channel.Resend, r *rand.Rand) {
	d := newDesk(t, policy)
	d.starts()
	talks := []holdfast.ID{d.talk(), d.talk(), d.talk()}
	type said struct {
		id   holdfast.ID
		talk int
		text string
	}
	var all []said
	for range 40 {
		switch r.Intn(10) {
		case 0, 1, 2, 3:
			k := r.Intn(len(talks))
			s := said{talk: k, text: fmt.Sprintf("%03d", len(all))}
			s.id = d.replies(talks[k], fmt.Sprint("customer ", k), s.text, func(m *holdfast.MessageQueued) { m.ExpiresAt = time.Now().Add(6 * time.Hour) })
			all = append(all, s)
		case 4, 5:
			d.provider.Next([]loop.Act{loop.Dropped(), loop.BadGateway(), loop.Slow(2 * time.Minute), loop.Slow(20 * time.Second), {},
				{Fail: failure(channel.Temporary, "503")}, {Fail: failure(channel.Throttled, "429")}, {Fail: failure(channel.Permanent, "550")}}[r.Intn(8)])
		case 6:
			d.provider.Down(failure(channel.Temporary, "connect"))
			d.passes(time.Duration(r.Intn(120)) * time.Minute)
			d.provider.Down(nil)
		case 7:
			d.kill()
			d.passes(time.Duration(r.Intn(60)) * time.Second)
			d.starts()
		default:
			d.passes(time.Duration(r.Intn(90)) * time.Second)
		}
	}
	d.passes(8 * time.Hour)
	if n := d.leases(); n != 0 {
		t.Errorf("%d leases are left", n)
	}
	for _, s := range all {
		now, n := d.state(s.id), d.provider.Count(s.id)
		low, high := 0, 1
		switch now.State {
		case holdfast.Accepted:
			low = 1
		case holdfast.Failed:
			high = 0
		case holdfast.Parked:
			if policy == channel.ResendSame && now.Code != "550" && now.Code != "expired" {
				t.Errorf("%s: parked although the provider recognises it", s.text)
			}
		default:
			t.Errorf("%s: still %s after 8 hours", s.text, now.State)
		}
		if policy == channel.ResendOnce && high > 0 {
			high = 2
		}
		if n > high || n < low {
			t.Errorf("%s is %s (%s) and the customer has it %d times, want %d to %d", s.text, now.State, now.Code, n, low, high)
		}
		if n > 1 && !now.Doubled {
			t.Errorf("%s arrived %d times and is not marked", s.text, n)
		}
		if now.Doubled && policy != channel.ResendOnce {
			t.Errorf("%s is marked as doubled under the policy %s", s.text, policy)
		}
	}
	for k := range talks {
		last := ""
		for _, m := range d.provider.Received(fmt.Sprint("customer ", k)) {
			if m.Text < last {
				t.Errorf("customer %d got %s after %s", k, m.Text, last)
			}
			last = m.Text
		}
	}
}
