package desktest

import (
	"math"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/losses"
	"holdfast/plans"
)

func (d *Desk) happens(subject holdfast.ID, b holdfast.Body) {
	d.t.Helper()
	_, err := d.Journal.Do(d.t.Context(), journal.Command{Workspace: d.Workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		_, err := tx.Append(subject, b)
		return err
	}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.Wait(0)
}

// The desk has no chain at all. A plan says by which channel to send while it runs; what
// waited already goes that way, and when the run recovers nothing does any more.
func TestAPlanSwitchesLanesForAsLongAsItRunsAndReconcilesAfterwards(t *testing.T) {
	onBoth(t, func(t *testing.T, d *Desk, p *telephone) {
		by := access.System(d.Workspace)
		if err := d.Fallback.SaveChain(t.Context(), by, holdfast.ChainSaved{Sort: holdfast.SortReply, Legs: []holdfast.Leg{}}); err != nil {
			t.Fatal(err)
		}
		weekly := 16800. // a hundred an hour
		if err := d.Losses.Assume(t.Context(), d.Workspace, holdfast.System, holdfast.Assumptions{Currency: "eur", Weekly: &weekly}); err != nil {
			t.Fatal(err)
		}
		ana, bob := d.Contact("ana"), d.Contact("bob")
		ana.Writes("1", "Where is my order?")
		ana.has("+79990001122")
		bob.Writes("1", "Hello?")
		plan, run := holdfast.NewID(), holdfast.NewID()
		_, err := d.Plans.Save(t.Context(), by, plan, holdfast.Plan{Name: "Cut", Trigger: holdfast.PlanTrigger{On: holdfast.OnHand},
			Steps:    []holdfast.PlanStep{{Key: "lanes", Name: "By phone", Do: holdfast.DeedLanes, Channels: []holdfast.ID{p.account}}},
			Recovery: []holdfast.PlanStep{{Key: "sum", Name: "Reconcile", Do: holdfast.DeedReconcile}}})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		d.Outbox.Cut(d.Account, "reach", "The line is down.")
		d.happens(d.Account, &holdfast.ChannelChanged{Channel: d.Account, State: holdfast.ChannelDown, Via: "link"})
		first := d.Replies("joe", ana, "On its way.")
		to := d.Replies("joe", bob, "Yes?")
		d.Wait(10 * time.Minute)
		p.got(t, "+79990001122") // nobody has said another way
		if _, err := d.Plans.Start(t.Context(), by, plan, run, false); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		if m := d.message(first.ID); m.Channel != p.account || len(p.Received("+79990001122")) != 1 {
			t.Fatalf("what waited goes by the plan's channel: %s %v", m.Channel, p.Received("+79990001122"))
		}
		d.Replies("joe", ana, "And one more.")
		d.Wait(time.Minute)
		if n := len(p.Received("+79990001122")); n != 2 {
			t.Errorf("she has %d messages by phone", n)
		}
		d.Wait(start.Add(time.Hour).Sub(time.Now()))
		if _, err := d.Plans.Recover(t.Context(), by, run); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Second)
		late := d.Replies("joe", ana, "Still cut, and the plan is over.")
		d.Wait(time.Minute)
		if m := d.message(late.ID); m.Channel != d.Account {
			t.Errorf("a run that recovers still sends by %s", m.Channel)
		}
		r, err := d.Plans.One(t.Context(), d.Workspace, run)
		if err != nil {
			t.Fatal(err)
		}
		b := r.Report.Balance
		if b == nil || b.Rerouted != 2 || len(b.Items) != 1 || b.Items[0].What != "held" || b.Items[0].Message != to.ID || b.Items[0].Conversation != to.Conversation || len(b.Counts) != 1 || b.Counts[0] != (plans.Unmatched{What: "held", Count: 1}) {
			t.Errorf("reconciled: %+v", b)
		}
		if m := r.Report.Messages; m == nil || m.Rerouted != 2 || m.Lost != 0 || m.Doubled != 0 {
			t.Errorf("messages: %+v", m)
		}
		d.Outbox.Restore(d.Account)
		d.happens(d.Account, &holdfast.ChannelChanged{Channel: d.Account, State: holdfast.ChannelUp})
		d.Wait(time.Minute)
		bob.HasReceived("Yes?")
		if after, err := d.Continuity.Balance(t.Context(), d.Workspace, start, time.Now()); err != nil || len(after.Items) != 0 || after.Held < 2 || after.Gone != after.Held {
			t.Errorf("afterwards everything matches: %+v %v", after, err)
		}
		// One of two channels alike was cut for an hour, of a hundred an hour: 50.
		report, err := d.Losses.Of(t.Context(), d.Workspace, start.Add(-time.Hour), time.Now())
		if err != nil || len(report.Episodes) != 1 || report.Currency != "EUR" || report.Basis.Of != "flat" {
			t.Fatalf("%+v %v", report, err)
		}
		e := report.Episodes[0]
		if want := e.Hours * 50; math.Abs(report.Total.Missed.Middle-want) > 0.01 || e.Hours < 1 || e.Hours > 1.1 || e.Lasts || e.Answered != 2 || report.Total.Kept.Middle != 0 {
			t.Errorf("it cost %+v, over %v h", report.Total, e.Hours)
		}
		one, err := d.Losses.Outage(t.Context(), d.Workspace, e.Outage)
		if err != nil || math.Abs(one.Cost.Total.Middle-report.Total.Total.Middle) > 0.01 {
			t.Errorf("by itself it cost %+v %v", one, err)
		}
		if r, err = d.Plans.One(t.Context(), d.Workspace, run); err != nil || r.Report.Cost == nil || r.Report.Cost.Currency != "EUR" || r.Report.Cost.Middle < 40 || r.Report.Cost.Middle > 55 || !r.Report.Cost.Missing {
			t.Errorf("the run's report: %+v %v", r.Report.Cost, err)
		}
		// What a plan has switched is not in memory alone, and a stop takes it back, too.
		again := holdfast.NewID()
		if _, err := d.Plans.Start(t.Context(), by, plan, again, false); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Second)
		d.Restart()
		for _, stopped := range []bool{false, true} {
			if stopped {
				if _, err := d.Plans.Stop(t.Context(), by, again); err != nil {
					t.Fatal(err)
				}
				d.Wait(time.Second)
			}
			d.Outbox.Cut(d.Account, "reach", "The line is down.")
			m := d.Replies("joe", ana, "Once more.")
			d.Wait(time.Second)
			if by := d.message(m.ID).Channel; (by == p.account) == stopped {
				t.Errorf("stopped %v: it goes by %s", stopped, by)
			}
		}
	})
}

func TestACalculatorNeedsNoData(t *testing.T) {
	Run(t, Options{}, func(t *testing.T, d *Desk) {
		n := func(v float64) *float64 { return &v }
		c, err := d.Losses.Calculate(t.Context(), d.Workspace, losses.Case{Hours: 8, Cut: 0.5, Customers: n(10), Assumptions: holdfast.Assumptions{Currency: "RUB", Weekly: n(168000), Internet: n(0.6),
			Recaptured: n(0.25), Staff: n(4), Wage: n(500), Recovery: n(3000), Leaving: n(0.1), Worth: n(20000), Margin: n(0.3), Penalty: n(100)}})
		if err != nil {
			t.Fatal(err)
		}
		// 1000 an hour · 8 · 0.5 · 0.6 = 2400; a quarter kept; 4 people · 4 h · 500; one customer · 20000 · 0.3; 8 h · 100.
		if got := c.Cost; math.Abs(got.Kept.Middle-600) > 1e-6 || math.Abs(got.Total.Middle-(1800+8000+3000+6000+800)) > 1e-6 || c.Currency != "RUB" || got.Total.Low != got.Total.High {
			t.Errorf("%+v", got)
		}
		empty, err := d.Losses.Calculate(t.Context(), d.Workspace, losses.Case{Hours: 8, Cut: 1})
		if err != nil || empty.Cost.Total != (losses.Band{}) {
			t.Errorf("of nothing comes nothing: %+v %v", empty, err)
		}
		for field, bad := range map[string]losses.Case{"hours": {Hours: -1}, "cut": {Cut: 2}, "margin": {Assumptions: holdfast.Assumptions{Margin: n(30)}}, "wage": {Assumptions: holdfast.Assumptions{Wage: n(math.NaN())}},
			"currency": {Assumptions: holdfast.Assumptions{Currency: "euro"}}} {
			if _, err := d.Losses.Calculate(t.Context(), d.Workspace, bad); holdfast.KindOf(err) != holdfast.Invalid {
				t.Errorf("%s: %v", field, err)
			}
		}
	})
}
