package outbox_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/outbox"
)

// workerless gives the commands and queries without anything being sent.
func (d *desk) workerless() *outbox.Worker {
	return outbox.New(d.journal, d.db, d.inbox, d.lookUp, nil, slog.New(slog.DiscardHandler))
}

func TestAHeldMessageGoesWhenItIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		m := d.says("ana", "hello")
		w := d.workerless()
		command := holdfast.NewID()
		for range 2 { // the second is the same command again
			if _, err := w.Hold(ctx, d.workspace, d.operator, command, m); err != nil {
				t.Fatal(err)
			}
		}
		d.starts()
		d.passes(3 * time.Hour)
		d.got("ana")
		d.is(m, holdfast.Held)
		_, err := w.Hold(ctx, d.workspace, d.operator, holdfast.NewID(), m)
		wantCode(t, err, "outbox.not_waiting")
		if _, err := w.Retry(ctx, d.workspace, d.operator, holdfast.NewID(), m); err != nil {
			t.Fatal(err)
		}
		d.passes(0)
		d.got("ana", "hello")
		for _, f := range []func(context.Context, holdfast.ID, holdfast.Actor, holdfast.ID, holdfast.ID) error{
			func(c context.Context, ws holdfast.ID, a holdfast.Actor, id, m holdfast.ID) error {
				_, err := w.Retry(c, ws, a, id, m)
				return err
			},
			func(c context.Context, ws holdfast.ID, a holdfast.Actor, id, m holdfast.ID) error {
				_, err := w.Hold(c, ws, a, id, m)
				return err
			},
			func(c context.Context, ws holdfast.ID, a holdfast.Actor, id, m holdfast.ID) error {
				_, err := w.Cancel(c, ws, a, id, m)
				return err
			},
		} {
			wantCode(t, f(ctx, d.workspace, d.operator, holdfast.NewID(), m), "outbox.already_sent")
			wantCode(t, f(ctx, holdfast.NewID(), d.operator, holdfast.NewID(), m), "message.missing")
		}
		d.got("ana", "hello")
	})
}

func TestACancelledMessageNeverGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		m := d.says("ana", "hello")
		w := d.workerless()
		if _, err := w.Cancel(ctx, d.workspace, d.operator, holdfast.NewID(), m); err != nil {
			t.Fatal(err)
		}
		_, err := w.Retry(ctx, d.workspace, d.operator, holdfast.NewID(), m)
		wantCode(t, err, "outbox.cancelled")
		d.starts()
		d.passes(3 * time.Hour)
		d.got("ana")
		d.is(m, holdfast.Cancelled)
	})
}

func TestReRoutingSendsElsewhereAndOnlyThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.FailNext(failure(channel.Blocked, "410"))
		d.starts()
		m := d.says("ana", "hello")
		d.passes(0)
		d.is(m, holdfast.Failed)
		other := holdfast.NewID()
		_, err := d.worker.Requeue(ctx, d.workspace, d.operator, holdfast.NewID(), m, other, holdfast.Address{})
		wantCode(t, err, "channel.missing")
		d.addAccount(other, holdfast.NewID()) // a stranger's
		_, err = d.worker.Requeue(ctx, d.workspace, d.operator, holdfast.NewID(), m, other, holdfast.Address{})
		wantCode(t, err, "channel.missing")
		other = holdfast.NewID()
		d.addAccount(other, d.workspace)
		_, err = d.worker.Requeue(ctx, d.workspace, d.operator, holdfast.NewID(), m, other, holdfast.Address{Scheme: "tel", Value: "+7"})
		wantCode(t, err, "outbox.wrong_address")
		if _, err := d.worker.Requeue(ctx, d.workspace, d.operator, holdfast.NewID(), m, other, holdfast.Address{Scheme: loop.Scheme, Value: "ana-2"}); err != nil {
			t.Fatal(err)
		}
		d.passes(0)
		d.got("ana")
		d.got("ana-2", "hello")
		list, err := d.worker.List(ctx, d.workspace, "", other, 0, 0)
		if err != nil || len(list) != 1 || list[0].To.Value != "ana-2" || list[0].State != holdfast.Accepted {
			t.Errorf("list %+v, %v", list, err)
		}
	})
}

func TestTheListAndTheTotalsSayWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendPark)
		d.provider.Next(loop.Act{Fail: failure(channel.Permanent, "550")}, loop.Dropped(), loop.Act{Fail: failure(channel.Temporary, "503")}, loop.Act{}, loop.Slow(30*time.Second))
		d.starts()
		first := time.Now().UTC()
		d.says("a", "failed")
		d.passes(0)
		d.says("b", "unknown")
		d.passes(0)
		retry := d.says("c", "retrying")
		d.passes(0)
		d.says("d", "accepted")
		d.passes(0)
		held := d.says("e", "held", func(m *holdfast.MessageQueued) { m.NotBefore = time.Now().Add(time.Hour) })
		if _, err := d.worker.Hold(ctx, d.workspace, d.operator, holdfast.NewID(), held); err != nil {
			t.Fatal(err)
		}
		sending := d.says("f", "sending")
		later := d.says("g", "queued", func(m *holdfast.MessageQueued) { m.NotBefore = time.Now().Add(time.Hour) })
		d.passes(time.Second)
		n, err := d.worker.Totals(ctx, d.workspace)
		if err != nil {
			t.Fatal(err)
		}
		want := outbox.Totals{Queued: 1, Sending: 1, RetryWait: 1, Unknown: 1, Held: 1, Failed: 1, Oldest: first.Truncate(time.Millisecond)}
		if n != want {
			t.Errorf("totals %+v, want %+v", n, want)
		}
		for state, id := range map[holdfast.Delivery]holdfast.ID{holdfast.Sending: sending, holdfast.Queued: later, holdfast.RetryWait: retry, holdfast.Held: held} {
			list, err := d.worker.List(ctx, d.workspace, state, d.account, 0, 0)
			if err != nil || len(list) != 1 || list[0].Message != id || list[0].State != state {
				t.Errorf("%s: %+v, %v", state, list, err)
			}
		}
		page, err := d.worker.List(ctx, d.workspace, "", holdfast.ID{}, 0, 4)
		if err != nil || len(page) != 4 || page[0].Message != later || page[0].Preview != "queued" || page[0].Number != 7 {
			t.Fatalf("first page %+v, %v", page, err)
		}
		rest, err := d.worker.List(ctx, d.workspace, "", holdfast.ID{}, page[3].LSN, 4)
		if err != nil || len(rest) != 3 || rest[2].Preview != "failed" || rest[2].Code != "550" {
			t.Errorf("second page %+v, %v", rest, err)
		}
		if list, err := d.worker.List(ctx, holdfast.NewID(), "", holdfast.ID{}, 0, 0); err != nil || len(list) != 0 {
			t.Errorf("a stranger sees %+v, %v", list, err)
		}
		_, err = d.worker.List(ctx, d.workspace, "lost", holdfast.ID{}, 0, 0)
		wantCode(t, err, "outbox.state_unknown")
	})
}
