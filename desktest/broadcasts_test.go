package desktest_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/broadcasts"
	"holdfast/channel"
	"holdfast/desktest"
	"holdfast/store"
)

// notice is a broadcast over the loop, fast enough for a story.
func notice(d *desktest.Desk, text string) holdfast.BroadcastSpec {
	return holdfast.BroadcastSpec{Name: "Line cut", Texts: map[string]string{"en": text}, Ways: []holdfast.BroadcastWay{{Channel: d.Account, PerMinute: 6000}}}
}

func begin(t *testing.T, d *desktest.Desk, by string, spec holdfast.BroadcastSpec) holdfast.ID {
	t.Helper()
	id := holdfast.NewID()
	if err := d.Broadcasts.Save(ctx, d.Workspace, d.By(by).Actor, id, spec); err != nil {
		t.Fatal(err)
	}
	if err := d.Broadcasts.Begin(ctx, d.Workspace, d.By(by).Actor, id); err != nil {
		t.Fatal(err)
	}
	return id
}

func how(t *testing.T, d *desktest.Desk, id holdfast.ID) *broadcasts.Broadcast {
	t.Helper()
	v, err := d.Broadcasts.Read(ctx, d.Workspace, id)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestABroadcastTellsEachOnceAndAnswersShowWhatTheyWereTold(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana, bob := d.Contact("ana"), d.Contact("bob")
		ana.Writes("1", "Hello")
		bob.Writes("1", "Hello")
		d.Replies("Joe", ana, "Hi.")
		id := begin(t, d, "Boss", notice(d, "{{customer.first_name|Dear customer}}, the line is cut. SMS works."))
		d.Wait(5 * time.Second)
		ana.HasReceived("Hi.", "ana, the line is cut. SMS works.")
		bob.HasReceived("bob, the line is cut. SMS works.")
		v := how(t, d, id)
		if v.State != holdfast.BroadcastFinished || v.Totals.Told != 2 || v.Totals.All != 2 {
			t.Errorf("the broadcast is %s with %+v", v.State, v.Totals)
		}
		d.Saw("broadcast.saved", "broadcast.started", "letter.queued", "letter.queued", "broadcast.finished")

		// The note is there once, however often they write and the desk starts.
		ana.Writes("2", "When will it be back?")
		d.Wait(time.Second)
		d.Restart()
		ana.Writes("3", "And now?")
		d.Wait(time.Second)
		got := strings.Join(ana.Messages(), "\n")
		if strings.Count(got, "note: ana, the line is cut. SMS works.") != 1 {
			t.Errorf("Ana's conversation is:\n%s", got)
		}
		if n := how(t, d, id).Totals.Answered; n != 1 {
			t.Errorf("%d have answered, want 1", n)
		}
		// Begun again by who did not hear the answer, nobody hears it again.
		wants(t, d.Broadcasts.Begin(ctx, d.Workspace, d.By("Boss").Actor, id), holdfast.Conflict, "broadcast.state")
		d.Wait(5 * time.Second)
		bob.HasReceived("bob, the line is cut. SMS works.")
	})
}

func TestOneIncidentIsToldOnceWhicheverBroadcastItIs(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana, bob := d.Contact("ana"), d.Contact("bob")
		ana.Writes("1", "Hello")
		spec := notice(d, "The fibre is cut.")
		spec.Incident = "fibre-1"
		begin(t, d, "Boss", spec)
		d.Wait(5 * time.Second)
		bob.Writes("1", "Hello")
		spec.Texts = map[string]string{"en": "The fibre is still cut."}
		second := begin(t, d, "Boss", spec)
		d.Wait(5 * time.Second)
		ana.HasReceived("The fibre is cut.")
		bob.HasReceived("The fibre is still cut.")
		list, err := d.Broadcasts.Recipients(ctx, d.Workspace, second, "refused", 0, 10)
		if err != nil || len(list) != 1 || list[0].Reason != "told_before" {
			t.Errorf("refused: %+v, %v", list, err)
		}
		// A third finds nobody and does not start.
		id := holdfast.NewID()
		if err := d.Broadcasts.Save(ctx, d.Workspace, d.By("Boss").Actor, id, spec); err != nil {
			t.Fatal(err)
		}
		wants(t, d.Broadcasts.Begin(ctx, d.Workspace, d.By("Boss").Actor, id), holdfast.Conflict, "broadcast.nobody")
	})
}

func TestWhoDoesNotWantItIsNotToldAlsoWhenTheySaySoMeanwhile(t *testing.T) {
	desktest.Run(t, desktest.Options{}, func(t *testing.T, d *desktest.Desk) {
		var mu sync.Mutex // the room asks from its own goroutine
		out := map[string]string{"ana": "opted_out"}
		d.Broadcasts.Refused = func(_ context.Context, _ holdfast.ID, purpose string, list []holdfast.Address) (map[holdfast.Address]string, error) {
			mu.Lock()
			defer mu.Unlock()
			no := map[holdfast.Address]string{}
			for _, a := range list {
				if why, is := out[a.Value]; is && purpose == "notice" {
					no[a] = why
				}
			}
			return no, nil
		}
		people := map[string]*desktest.Contact{}
		for _, name := range []string{"ana", "bob", "eve"} {
			people[name] = d.Contact(name)
			people[name].Writes("1", "Hello")
		}
		spec := notice(d, "The line is cut.")
		spec.Ways[0].PerMinute = 60 // one every second and a half
		id := begin(t, d, "Boss", spec)
		d.Wait(2500 * time.Millisecond)
		list, err := d.Broadcasts.Recipients(ctx, d.Workspace, id, "waiting", 0, 10)
		if err != nil || len(list) != 1 {
			t.Fatalf("waiting: %+v, %v", list, err)
		}
		mu.Lock()
		out[list[0].To.Value] = "" // without a code
		mu.Unlock()
		d.Wait(10 * time.Second)
		people["ana"].HasReceived()
		people[list[0].To.Value].HasReceived()
		if v := how(t, d, id); v.Totals.Told != 1 || v.Totals.Refused != 2 || v.State != holdfast.BroadcastFinished {
			t.Errorf("%s: %+v", v.State, v.Totals)
		}
	})
}

func TestTheOrderIsSafetyThenOverdueThenByScore(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		write := func(name string) *desktest.Contact {
			c := d.Contact(name)
			c.Writes("1", "Hello")
			return c
		}
		write("late")
		const day = 25 * time.Hour // ago
		d.Write(func(tx *store.Tx) error {
			return tx.Exec("UPDATE conversation SET first_in_at = first_in_at - $1", day)
		})
		for _, name := range []string{"plain", "rich", "safety", "urgent"} {
			c := write(name)
			d.Replies("Joe", c, "Hi.") // nobody of these waits
		}
		if err := d.App.Desk.SetPriority(ctx, d.By("Joe"), d.Contact("urgent").Conversation().ID, holdfast.Urgent); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"urgent", "plain", "rich", "safety"} {
			if err := d.App.Desk.SetStatus(ctx, d.By("Joe"), d.Contact(name).Conversation().ID, holdfast.Open, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.App.Desk.Tag(ctx, d.By("Joe"), d.Contact("safety").Conversation().ID, "safety"); err != nil {
			t.Fatal(err)
		}
		rich := d.Contact("rich").Conversation().Customer.ID
		d.Broadcasts.Worth = func(_ context.Context, _ holdfast.ID, ids []holdfast.ID) (map[holdfast.ID]float64, error) {
			return map[holdfast.ID]float64{rich: 1000}, nil
		}
		spec := notice(d, "The line is cut.")
		spec.First = []string{"safety"}
		id := begin(t, d, "Boss", spec)
		d.Wait(10 * time.Second)
		list, err := d.Broadcasts.Recipients(ctx, d.Workspace, id, "", 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, r := range list {
			order = append(order, r.To.Value)
		}
		if want := []string{"safety", "late", "rich", "urgent", "plain"}; !slices.Equal(order, want) {
			t.Errorf("told in the order %v, want %v", order, want)
		}
	})
}

func TestAboveTheLimitASecondPersonMustAgree(t *testing.T) {
	desktest.Run(t, desktest.Options{}, func(t *testing.T, d *desktest.Desk) {
		for i := range 3 {
			d.Contact(fmt.Sprint("c", i)).Writes("1", "Hello")
		}
		if err := d.Broadcasts.SetSecondAbove(ctx, d.Workspace, 2); err != nil {
			t.Fatal(err)
		}
		id := begin(t, d, "Boss", notice(d, "The line is cut."))
		d.Wait(time.Minute)
		if v := how(t, d, id); v.State != holdfast.BroadcastAsked || v.AskedCount != 3 {
			t.Fatalf("it is %s of %d", v.State, v.AskedCount)
		}
		d.Contact("c0").HasReceived()
		wants(t, d.Broadcasts.Confirm(ctx, d.Workspace, d.By("Boss").Actor, id), holdfast.Forbidden, "broadcast.own")
		wants(t, d.Broadcasts.Confirm(ctx, d.Workspace, holdfast.Actor{Kind: holdfast.ActorToken, ID: holdfast.NewID()}, id), holdfast.Forbidden, "broadcast.person")
		// What is changed meanwhile must be asked for anew.
		if err := d.Broadcasts.Save(ctx, d.Workspace, d.By("Boss").Actor, id, notice(d, "Another text.")); err != nil {
			t.Fatal(err)
		}
		wants(t, d.Broadcasts.Confirm(ctx, d.Workspace, d.By("Ann").Actor, id), holdfast.Conflict, "broadcast.state")
		if err := d.Broadcasts.Begin(ctx, d.Workspace, d.By("Boss").Actor, id); err != nil {
			t.Fatal(err)
		}
		if err := d.Broadcasts.Confirm(ctx, d.Workspace, d.By("Ann").Actor, id); err != nil {
			t.Fatal(err)
		}
		d.Wait(5 * time.Second)
		d.Contact("c0").HasReceived("Another text.")
		if v := how(t, d, id); v.Started == nil || v.Started.ID != d.Operator("Ann") || v.Asked.ID != d.Operator("Boss") {
			t.Errorf("asked by %+v, started by %+v", v.Asked, v.Started)
		}
	})
}

func TestAPausedBroadcastHoldsWhatIsOnItsWayAndACancelledOneWithdrawsIt(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		const n = 20
		for i := range n {
			d.Contact(fmt.Sprint("c", i)).Writes("1", "Hello")
		}
		got := func() (sum int) {
			for i := range n {
				sum += len(d.Loop.Received(fmt.Sprint("c", i)))
			}
			return sum
		}
		spec := notice(d, "The line is cut.")
		spec.Ways[0].PerMinute = 120 // 1.4 a second
		id := begin(t, d, "Boss", spec)
		d.Wait(4 * time.Second)
		if err := d.Broadcasts.Pause(ctx, d.Workspace, d.By("Boss").Actor, id); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := got()
		if before == 0 || before > 8 {
			t.Errorf("%d were told in 4 seconds at 1.4 a second", before)
		}
		d.Wait(time.Minute)
		if now := got(); now != before {
			t.Errorf("while it was paused %d were told", now-before)
		}
		if err := d.Broadcasts.Resume(ctx, d.Workspace, d.By("Boss").Actor, id); err != nil {
			t.Fatal(err)
		}
		d.Wait(4 * time.Second)
		if err := d.Broadcasts.Cancel(ctx, d.Workspace, d.By("Boss").Actor, id); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before = got()
		d.Wait(time.Minute)
		v := how(t, d, id)
		if now := got(); now != before || v.Totals.Told != now || v.Totals.Dropped != n-now || v.Totals.Waiting+v.Totals.Sending > 0 {
			t.Errorf("%d were told when it was cancelled, now %d: %+v", before, now, v.Totals)
		}
		wants(t, d.Broadcasts.Resume(ctx, d.Workspace, d.By("Boss").Actor, id), holdfast.Conflict, "broadcast.state")
	})
}

func TestNobodyIsToldAtNight(t *testing.T) {
	desktest.Run(t, desktest.Options{}, func(t *testing.T, d *desktest.Desk) { // a bubble's time begins at midnight, UTC
		ana := d.Contact("ana")
		ana.Writes("1", "Hello")
		spec := notice(d, "The line is cut.")
		spec.Quiet = &holdfast.BroadcastQuiet{From: "21:00", To: "00:20"}
		p, err := d.Broadcasts.Preview(ctx, d.Workspace, holdfast.NewID(), spec)
		if err != nil || p.Resting != 1 || p.Recipients != 1 || p.FinishesAt.Minute() != 20 {
			t.Errorf("the dry run says %+v, %v", p, err)
		}
		id := begin(t, d, "Boss", spec)
		d.Wait(19 * time.Minute)
		ana.HasReceived()
		if v := how(t, d, id); v.Totals.Resting != 1 || v.State != holdfast.BroadcastRunning {
			t.Errorf("at night it is %s: %+v", v.State, v.Totals)
		}
		d.Wait(3 * time.Minute)
		ana.HasReceived("The line is cut.")
	})
}

func TestALaneThatIsShutIsNotFilledAndRepliesGoFirst(t *testing.T) {
	desktest.Run(t, desktest.Options{}, func(t *testing.T, d *desktest.Desk) {
		const n = 200
		for i := range n {
			d.Contact(fmt.Sprint("c", i)).Writes("1", "Hello")
		}
		if err := d.Broadcasts.SetSecondAbove(ctx, d.Workspace, n); err != nil {
			t.Fatal(err)
		}
		d.Loop.Down(&channel.Failure{Reason: channel.Temporary, Code: "connect", Text: "The line is cut."})
		spec := notice(d, "The line is cut.")
		spec.Ways[0].PerMinute = 600 // 7 a second for it
		id := begin(t, d, "Boss", spec)
		d.Wait(2 * time.Minute)
		if v := how(t, d, id); v.Totals.Sending == 0 || v.Totals.Sending > 21 {
			t.Errorf("three seconds' worth may wait in the outbox, not %d", v.Totals.Sending)
		}
		d.Loop.Down(nil)
		d.Wait(5 * time.Minute) // the breaker's pause has doubled by then
		if v := how(t, d, id); v.Totals.Told != n || v.State != holdfast.BroadcastFinished {
			t.Errorf("%s: %+v", v.State, v.Totals)
		}
	})
}

func TestADryRunCountsWithoutTellingAnybody(t *testing.T) {
	desktest.Run(t, desktest.Options{}, func(t *testing.T, d *desktest.Desk) {
		for i := range 10 {
			d.Contact(fmt.Sprint("c", i)).Writes("1", "Hello")
		}
		d.Broadcasts.Estimate = func(_ context.Context, _, _ holdfast.ID, text string) (broadcasts.Estimate, error) {
			return broadcasts.Estimate{Parts: 1 + len(text)/30, Alphabet: "gsm7", Price: 0.5, Currency: "EUR"}, nil
		}
		spec := notice(d, "The line is cut and cut again.")
		spec.Ways[0].PerMinute = 60
		p, err := d.Broadcasts.Preview(ctx, d.Workspace, holdfast.NewID(), spec)
		if err != nil {
			t.Fatal(err)
		}
		// Ten at 42 a minute; the first second is one of them.
		if p.State != "ready" || p.Recipients != 10 || p.Parts != 20 || len(p.Priced) != 1 || p.Priced[0] != (broadcasts.Price{Amount: 5, Currency: "EUR"}) || p.Seconds != 15 || p.Second || len(p.Sample) != 5 {
			t.Errorf("the dry run says %+v", p)
		}
		spec.Segment.Languages = []string{"fa"}
		if p, err := d.Broadcasts.Preview(ctx, d.Workspace, holdfast.NewID(), spec); err != nil || p.Customers != 0 {
			t.Errorf("of Persian speakers there are %+v, %v", p, err)
		}
		d.Wait(time.Minute)
		d.Contact("c0").HasReceived()
		d.Saw("message.received")
	})
}

func TestSegmentsAreNarrowedByEachOfTheirParts(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		joe := d.By("Joe")
		ids := map[string]holdfast.ID{}
		for _, name := range []string{"ana", "bob", "eve"} {
			c := d.Contact(name)
			c.Writes("1", "Hello")
			ids[name] = c.Conversation().Customer.ID
			if name == "ana" {
				const ago = 48 * time.Hour
				d.Write(func(tx *store.Tx) error {
					return tx.Exec("UPDATE conversation SET last_in_clock = last_in_clock - $1", ago.Milliseconds()<<16)
				})
			}
		}
		cut := d.DB.Now().Add(-time.Hour)
		if err := d.App.Desk.Tag(ctx, joe, d.Contact("bob").Conversation().ID, "vip"); err != nil {
			t.Fatal(err)
		}
		if err := d.App.Desk.SetStatus(ctx, joe, d.Contact("eve").Conversation().ID, holdfast.Resolved, time.Time{}); err != nil {
			t.Fatal(err)
		}
		firm, fa := "Bakery", "fa"
		if _, err := d.App.Desk.ChangeCustomer(ctx, joe, ids["ana"], holdfast.CustomerChanged{Company: &firm, Language: &fa}); err != nil {
			t.Fatal(err)
		}
		for want, seg := range map[string]holdfast.BroadcastSegment{
			"ana bob eve":  {},
			"bob":          {Tags: []string{"vip", "other"}},
			"ana eve":      {NotTags: []string{"vip"}},
			"ana":          {Companies: []string{"Bakery"}},
			"ana bob":      {Open: true},
			"bob eve":      {Languages: []string{"en"}}, // the house's, since nobody knows theirs
			"ana ":         {SeenBefore: cut},
			"bob eve ":     {SeenAfter: cut},
			"":             {Schemes: []string{"tel"}},
			"ana bob eve ": {Schemes: []string{"tel", "loop"}},
		} {
			spec := notice(d, "Hello")
			spec.Segment = seg
			p, err := d.Broadcasts.Preview(ctx, d.Workspace, holdfast.NewID(), spec)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, s := range p.Sample {
				got[s.To.Value] = true
			}
			if list := strings.Join(slices.Sorted(maps.Keys(got)), " "); list != strings.TrimSpace(want) {
				t.Errorf("%+v finds %q, want %q", seg, list, want)
			}
		}
	})
}
