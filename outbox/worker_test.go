package outbox_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/outbox"
	"holdfast/store"
	"holdfast/store/storetest"
)

func TestAReplyReachesTheCustomerOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.starts()
		talk := d.talk()
		m := d.replies(talk, "ana", "On its way.")
		d.passes(0)
		d.got("ana", "On its way.")
		d.is(m, holdfast.Accepted)
		out := d.provider.Received("ana")[0]
		if out.Author != "Joe" || out.Number != 1 || out.Conversation != talk || out.Attempt != 1 || len(out.Thread) != 1 {
			t.Errorf("the adapter was given %+v", out)
		}
		if n := d.leases(); n != 0 {
			t.Errorf("%d leases are left", n)
		}
		d.passes(3 * time.Hour)
		d.got("ana", "On its way.")
		xs, err := d.worker.Exchanges(ctx, d.workspace, m)
		if err != nil || len(xs) != 1 || xs[0].Outcome != "accepted" || len(xs[0].Lines) == 0 {
			t.Errorf("exchanges %+v, %v", xs, err)
		}
		if xs, _ := d.worker.Exchanges(ctx, holdfast.NewID(), m); len(xs) != 0 {
			t.Error("a stranger's workspace reads the exchange")
		}
	})
}

func TestTheLeaseIsOnDiskBeforeTheProviderHears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.Next(loop.Slow(10 * time.Second))
		d.starts()
		m := d.says("ana", "hello")
		d.passes(time.Second)
		if d.leases() != 1 {
			t.Fatal("the provider has the message and there is no lease")
		}
		d.is(m, holdfast.Sending)
		_, err := d.worker.Cancel(ctx, d.workspace, d.operator, holdfast.NewID(), m)
		wantCode(t, err, "outbox.sending")
		d.passes(10 * time.Second)
		d.is(m, holdfast.Accepted)
	})
}

func TestATemporaryFailureIsRetriedWithBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.FailNext(failure(channel.Temporary, "503"), failure(channel.Temporary, "503"))
		d.starts()
		m := d.says("ana", "hello")
		d.passes(0)
		d.is(m, holdfast.RetryWait)
		d.passes(11 * time.Second)
		if n := d.provider.Asked(m); n != 1 {
			t.Fatalf("asked %d times before the back-off was over", n)
		}
		d.passes(8 * time.Second)
		if n := d.provider.Asked(m); n != 2 {
			t.Fatalf("asked %d times after the first back-off, want 2", n)
		}
		d.passes(37 * time.Second)
		d.is(m, holdfast.Accepted)
		d.got("ana", "hello")
		if s := d.state(m); s.Attempts != 3 || s.Doubled {
			t.Errorf("state %+v", s)
		}
	})
}

func TestAProvidersRetryAfterIsRespected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.FailNext(&channel.Failure{Reason: channel.Throttled, Code: "429", Text: "slow down", RetryAfter: time.Hour})
		d.starts()
		m := d.says("ana", "hello")
		d.passes(59 * time.Minute)
		if n := d.provider.Asked(m); n != 1 {
			t.Fatalf("asked %d times within the hour", n)
		}
		d.passes(2 * time.Minute)
		d.got("ana", "hello")
	})
}

func TestPermanentFailuresAreFinalAndSayWhy(t *testing.T) {
	for _, r := range []channel.Reason{channel.Permanent, channel.Blocked} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, channel.ResendSame)
			d.provider.FailNext(failure(r, "550"))
			d.starts()
			m := d.says("ana", "hello")
			next := d.says("bo", "hi")
			d.passes(3 * time.Hour)
			d.is(m, holdfast.Failed)
			if s := d.state(m); s.Code != "550" || s.Reason != "the provider said 550" {
				t.Errorf("state %+v", s)
			}
			if n := d.provider.Asked(m); n != 1 {
				t.Errorf("asked %d times", n)
			}
			d.is(next, holdfast.Accepted)
		})
	}
}

func TestWhatMayHaveBeenSentIsNeverSentBlindly(t *testing.T) {
	for _, act := range []loop.Act{loop.Dropped(), loop.BadGateway(), loop.Slow(2 * time.Minute)} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, channel.ResendPark)
			d.provider.Next(act)
			d.starts()
			m := d.says("ana", "hello")
			d.passes(3 * time.Hour)
			d.is(m, holdfast.Parked)
			d.got("ana", "hello")
			// The operator decides to send it again: the customer may have it twice, and it says so.
			if _, err := d.worker.Retry(ctx, d.workspace, d.operator, holdfast.NewID(), m); err != nil {
				t.Fatal(err)
			}
			d.passes(0)
			d.is(m, holdfast.Accepted)
			if !d.state(m).Doubled {
				t.Error("a message that may have arrived twice is not marked")
			}
		})
	}
}

func TestAnUnknownIsResentWhereTheProviderRecognisesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendSame)
		d.provider.Next(loop.Dropped(), loop.Slow(2*time.Minute), loop.BadGateway())
		d.starts()
		m := d.says("ana", "hello")
		d.passes(time.Hour)
		d.is(m, holdfast.Accepted)
		d.got("ana", "hello")
		if n := d.provider.Asked(m); n != 4 {
			t.Errorf("asked %d times, want 4", n)
		}
		if d.state(m).Doubled {
			t.Error("marked as doubled although the provider recognised it")
		}
	})
}

func TestAnUnknownIsResentOnceAndMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendOnce)
		d.provider.Next(loop.Dropped(), loop.Act{}, loop.Dropped(), loop.Dropped())
		d.starts()
		m := d.says("ana", "hello")
		d.passes(time.Hour)
		d.is(m, holdfast.Accepted)
		d.got("ana", "hello", "hello")
		if !d.state(m).Doubled {
			t.Error("not marked as doubled")
		}
		again := d.says("bo", "hi")
		d.passes(3 * time.Hour)
		d.is(again, holdfast.Parked)
		d.got("bo", "hi", "hi")
	})
}

func TestWhatMayHaveArrivedIsNeverCalledFailed(t *testing.T) {
	for _, policy := range []channel.Resend{channel.ResendSame, channel.ResendOnce} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, policy)
			d.provider.Next(loop.Dropped(), loop.Act{Fail: failure(channel.Permanent, "550")})
			d.starts()
			refused := d.says("ana", "hello")
			d.passes(time.Hour)
			d.is(refused, holdfast.Parked)
			if s := d.state(refused); s.Code != "550" {
				t.Errorf("code %q", s.Code)
			}
			d.provider.Next(loop.Dropped())
			expired := d.says("bo", "hi", func(m *holdfast.MessageQueued) { m.ExpiresAt = time.Now().Add(time.Minute) })
			d.passes(time.Second)
			d.provider.Down(failure(channel.Temporary, "connect"))
			d.passes(5 * time.Minute)
			d.is(expired, holdfast.Parked)
			d.got("bo", "hi")
		})
	}
}

func TestAProvidersWordThatOvertakesOurOwnNoteStands(t *testing.T) {
	for report, want := range map[holdfast.Body]holdfast.Delivery{
		&holdfast.MessageFailed{Code: "5.1.1", Reason: "no such person"}: holdfast.Failed,
		&holdfast.MessageDelivered{}:                                     holdfast.Delivered,
		&holdfast.MessageSeen{}:                                          holdfast.Seen,
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, channel.ResendPark)
			d.provider.Next(loop.Slow(10 * time.Second))
			d.starts()
			talk := d.talk()
			m := d.replies(talk, "ana", "hello")
			d.passes(time.Second)
			d.doIn(talk, func(holdfast.ID) holdfast.Body {
				switch b := report.(type) {
				case *holdfast.MessageFailed:
					b.Message = m
				case *holdfast.MessageDelivered:
					b.Message = m
				case *holdfast.MessageSeen:
					b.Message = m
				}
				return report
			})
			d.passes(time.Hour)
			d.is(m, want)
			if f, ok := report.(*holdfast.MessageFailed); ok && d.state(m).Code != f.Code {
				t.Errorf("the reason is lost: %+v", d.state(m))
			}
			d.got("ana", "hello")
		})
	}
}

func TestOneConversationKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.FailNext(failure(channel.Temporary, "503"))
		talk := d.talk()
		d.replies(talk, "ana", "one")
		d.replies(talk, "ana", "two")
		tomorrow := d.replies(talk, "ana", "tomorrow", func(m *holdfast.MessageQueued) { m.NotBefore = time.Now().Add(24 * time.Hour) })
		d.replies(talk, "ana", "three")
		d.says("bo", "hi")
		d.starts()
		d.passes(5 * time.Second)
		d.got("ana")
		d.got("bo", "hi") // another conversation does not wait
		d.passes(time.Minute)
		d.got("ana", "one", "two", "three")
		d.is(tomorrow, holdfast.Queued)
		d.passes(24 * time.Hour)
		d.got("ana", "one", "two", "three", "tomorrow")
	})
}

func TestAParkedMessageDoesNotHoldUpTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.Next(loop.Dropped(), loop.Act{Fail: failure(channel.Permanent, "550")})
		talk := d.talk()
		d.replies(talk, "ana", "one")
		d.replies(talk, "ana", "two")
		held := d.replies(talk, "ana", "three")
		if _, err := d.workerless().Hold(ctx, d.workspace, d.operator, holdfast.NewID(), held); err != nil {
			t.Fatal(err)
		}
		d.replies(talk, "ana", "four")
		d.starts()
		d.passes(time.Minute)
		d.got("ana", "one", "four")
	})
}

func TestAtMostFourGoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		for range 12 {
			d.provider.Next(loop.Slow(10 * time.Second))
			d.says("ana", "x")
		}
		// Warm up: the lane widens as messages are accepted.
		d.starts()
		most := 0
		for range 200 {
			d.passes(time.Second)
			most = max(most, d.leases())
		}
		if most != 4 {
			t.Errorf("at most %d were on their way, want 4", most)
		}
		if n := len(d.provider.Received("ana")); n != 12 {
			t.Errorf("%d arrived", n)
		}
	})
}

func TestExpiredMessagesFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		adapter := d.adapter
		d.has(nil, holdfast.Errorf(holdfast.Unavailable, "channel.off", "switched off"))
		d.starts()
		short := d.says("ana", "for tea", func(m *holdfast.MessageQueued) { m.ExpiresAt = time.Now().Add(time.Hour) })
		long := d.says("bo", "hi")
		d.passes(30 * time.Minute)
		d.is(short, holdfast.Queued)
		d.passes(32 * time.Minute)
		d.is(short, holdfast.Failed)
		if s := d.state(short); s.Code != "expired" {
			t.Errorf("code %q", s.Code)
		}
		d.is(long, holdfast.Queued)
		d.passes(72 * time.Hour)
		d.is(long, holdfast.Failed)
		d.has(adapter, nil)
		d.passes(2 * time.Minute)
		d.got("ana")
		// Somebody wants it sent all the same.
		if _, err := d.worker.Retry(ctx, d.workspace, d.operator, holdfast.NewID(), long); err != nil {
			t.Fatal(err)
		}
		d.passes(0)
		d.got("bo", "hi")
	})
}

func TestMessagesWaitForAChannelThatIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		adapter := d.adapter
		d.has(nil, nil)
		d.starts()
		m := d.says("ana", "hello")
		d.passes(time.Hour)
		d.is(m, holdfast.Queued)
		list, err := d.worker.List(ctx, d.workspace, holdfast.Queued, holdfast.ID{}, 0, 10)
		if err != nil || len(list) != 1 || list[0].Code != "channel.off" || list[0].Reason == "" {
			t.Fatalf("list %+v, %v: want the reason why it waits", list, err)
		}
		if s := d.worker.Breakers()[d.account]; s.State != "off" {
			t.Errorf("breaker %+v", s)
		}
		d.has(adapter, nil)
		d.doIn(d.account, func(holdfast.ID) holdfast.Body {
			return &holdfast.SetupChanged{What: "channel", ID: d.account, Action: "changed"}
		})
		d.passes(0)
		d.got("ana", "hello")
	})
}

func TestCloseWaitsForWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.Next(loop.Slow(10 * time.Second))
		d.starts()
		talk := d.talk()
		m := d.replies(talk, "ana", "one")
		second := d.replies(talk, "ana", "two")
		d.passes(time.Second)
		stop, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if err := d.worker.Close(stop); err != nil {
			t.Fatal(err)
		}
		d.is(m, holdfast.Accepted)
		d.is(second, holdfast.Queued)
		if d.leases() != 0 {
			t.Error("a lease is left")
		}
	})
}

func TestCloseLeavesTheLeaseOfWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.Next(loop.Slow(50 * time.Second))
		d.starts()
		m := d.says("ana", "one")
		d.passes(time.Second)
		stop, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := d.worker.Close(stop); err == nil {
			t.Error("Close says that all is done")
		}
		d.is(m, holdfast.Sending)
		d.starts()
		d.passes(time.Hour)
		d.is(m, holdfast.Parked)
		d.got("ana", "one")
		if s := d.state(m); s.Code != "crash" {
			t.Errorf("code %q", s.Code)
		}
	})
}

func TestAClockSetBackADayKeepsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		// What was written before the clock was set back is due "tomorrow" now.
		d.replies(d.talk(), "ana", "hello")
		err := d.db.Write(ctx, func(tx *store.Tx) error {
			day := time.Now().Add(24 * time.Hour)
			if err := tx.Exec("UPDATE outbox SET due_at = $1", day); err != nil {
				return err
			}
			return tx.Exec("UPDATE journal SET clock = $1", holdfast.ClockAt(day))
		})
		if err != nil {
			t.Fatal(err)
		}
		d.starts()
		d.passes(time.Second)
		d.got("ana", "hello")
	})
}

func TestAnAdapterThatPanicsOrHangsIsNotTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		release := make(chan struct{})
		d.has(&awkward{release: release}, nil)
		d.starts()
		a := d.says("panic", "x")
		b := d.says("hang", "y")
		d.passes(2 * time.Minute)
		d.is(a, holdfast.Parked)
		d.is(b, holdfast.Parked)
		if s := d.state(b); s.Code != "timeout" {
			t.Errorf("code %q", s.Code)
		}
		close(release)
	})
}

// awkward is an adapter that breaks its contract.
type awkward struct{ release chan struct{} }

func (a *awkward) Send(_ context.Context, m channel.Outbound) (channel.Sent, error) {
	if m.To.Value == "panic" {
		panic("boom")
	}
	<-a.release
	return channel.Sent{}, nil
}

// TestTheWayOutOnBothDatabases walks one message through every question that the
// worker asks its database, in real time.
func TestTheWayOutOnBothDatabases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDeskOn(t, db, channel.ResendPark)
		d.provider.Next(loop.Dropped())
		wake, cancel := d.journal.Watch()
		defer cancel()
		d.starts()
		m := d.says("ana", "hello")
		reach := func(want holdfast.Delivery) {
			t.Helper()
			for deadline := time.After(20 * time.Second); d.state(m).State != want; {
				select {
				case <-wake:
				case <-deadline:
					t.Fatalf("still %s, want %s", d.state(m).State, want)
				}
			}
		}
		reach(holdfast.Parked)
		if _, err := d.worker.Retry(ctx, d.workspace, d.operator, holdfast.NewID(), m); err != nil {
			t.Fatal(err)
		}
		reach(holdfast.Accepted)
		d.got("ana", "hello", "hello")
		list, err := d.worker.List(ctx, d.workspace, holdfast.Accepted, d.account, 0, 0)
		if err != nil || len(list) != 1 || !list[0].Doubled || list[0].Preview != "hello" || list[0].Attempts != 2 {
			t.Errorf("list %+v, %v", list, err)
		}
		if n, err := d.worker.Totals(ctx, d.workspace); err != nil || n != (outbox.Totals{}) {
			t.Errorf("totals %+v, %v", n, err)
		}
		if got := d.outcomes(m); len(got) != 2 || got[0] != "unknown" || got[1] != "accepted" {
			t.Errorf("exchanges %v", got)
		}
		stop, done := context.WithTimeout(ctx, 10*time.Second)
		defer done()
		if err := d.worker.Close(stop); err != nil {
			t.Error(err)
		}
	})
}
