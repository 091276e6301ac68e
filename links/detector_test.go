package links

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
)

// line is a link in a test: whether a probe that is sent at a moment is answered, and
// after how long.
type line func(at time.Duration, target int) (ok bool, rtt time.Duration)

// change is when a link's state changed.
type change struct {
	at time.Duration
	Verdict
}

// play runs a detector over a line with the rhythm of a watch, for so long.
func play(d *Detector, targets int, length time.Duration, l line) (changes []change) {
	type pending struct {
		at time.Duration
		r  *round
	}
	var flying []pending
	was := d.Verdict()
	next := time.Duration(0)
	every := func() time.Duration {
		switch {
		case d.bad && d.state != holdfast.LinkDown:
			return everyBad
		case d.state == holdfast.LinkDown:
			return everyDown
		}
		return everyGood
	}
	last := time.Duration(0)
	for next < length {
		if len(flying) > 0 && flying[0].at <= next {
			p := flying[0]
			flying = flying[1:]
			if v := d.Step(p.at, p.r); v != was {
				was = v
				changes = append(changes, change{p.at, v})
			}
			next = max(p.at, last+every())
			continue
		}
		last = next
		r := &round{sent: next, answers: make([]answer, targets)}
		took := time.Duration(0)
		for i := range targets {
			ok, rtt := l(next, i)
			if r.answers[i] = (answer{i, ok, rtt}); !ok {
				rtt = roundTime
			}
			took = max(took, rtt)
		}
		p := pending{next + took, r}
		i, _ := slices.BinarySearchFunc(flying, p, func(a, b pending) int { return int(min(max(a.at-b.at, -1), 1)) })
		flying = slices.Insert(flying, i, p)
		next += every()
	}
	return changes
}

func falls(changes []change) (list []time.Duration) {
	for _, c := range changes {
		if c.State == holdfast.LinkDown {
			list = append(list, c.at)
		}
	}
	return list
}

const near = 20 * time.Millisecond

// steady answers always.
func steady(time.Duration, int) (bool, time.Duration) { return true, near }

func TestAHardCutAtAnyPhaseIsSeenWithinTheLimit(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		limit time.Duration
	}{{Fibre, 5 * time.Second}, {LTE, 8 * time.Second}} {
		for phase := time.Duration(0); phase < time.Second; phase += 7 * time.Millisecond {
			cut := 60*time.Second + phase
			changes := play(NewDetector(c.kind, 3, ""), 3, 90*time.Second, func(at time.Duration, i int) (bool, time.Duration) { return at < cut, near * time.Duration(i+1) })
			f := falls(changes)
			if len(f) != 1 || f[0] < cut || f[0]-cut > c.limit+1250*time.Millisecond {
				t.Fatalf("%s cut at %s: %v", c.kind, cut, changes)
			}
			if len(changes) != 2 || changes[0].State != holdfast.LinkDegraded || changes[1].Reason != NoAnswer || changes[1].Layer != LayerAnchors {
				t.Fatalf("on the way down: %+v", changes)
			}
		}
	}
}

// A cut that mends within the limit is no fall.
func TestAShortSilenceIsNoFall(t *testing.T) {
	for phase := time.Duration(0); phase < time.Second; phase += 31 * time.Millisecond {
		from := time.Minute + phase
		changes := play(NewDetector(Fibre, 3, ""), 3, 3*time.Minute, func(at time.Duration, _ int) (bool, time.Duration) {
			return at < from || at > from+3500*time.Millisecond, near
		})
		if f := falls(changes); len(f) != 0 {
			t.Fatalf("3.5 s of silence from %s: %+v", from, changes)
		}
		if last := changes[len(changes)-1]; last.State != holdfast.LinkUp {
			t.Fatalf("it stays %+v", last)
		}
	}
}

func TestIndependentLossOfThreePercentGivesNoFallInThirtyDays(t *testing.T) {
	days := 30
	if testing.Short() {
		days = 3
	}
	random := rand.New(rand.NewPCG(3, 1))
	for _, kind := range []Kind{Fibre, LTE} {
		changes := play(NewDetector(kind, 3, ""), 3, time.Duration(days)*24*time.Hour/2, func(time.Duration, int) (bool, time.Duration) { return random.Float64() >= 0.03, near })
		if f := falls(changes); len(f) != 0 {
			t.Errorf("%s: %d falls in %d days of 3 %% loss: %v", kind, len(f), days, f)
		}
	}
}

func TestThirtyCleanDaysGiveNothingAtAll(t *testing.T) {
	if changes := play(NewDetector(Fibre, 3, ""), 3, 10*24*time.Hour, steady); len(changes) != 0 {
		t.Errorf("%+v", changes)
	}
	// the rest of the month, a thousandth of the probes is lost
	random := rand.New(rand.NewPCG(1, 1))
	if f := falls(play(NewDetector(Fibre, 3, ""), 3, 20*24*time.Hour, func(time.Duration, int) (bool, time.Duration) { return random.Float64() >= 0.001, near })); len(f) != 0 {
		t.Errorf("falls at %v", f)
	}
}

// A line that loses four of five packets in bursts of 800 ms on average, one a
// minute: it lives, and calls over it stutter.
func TestABurstyWeekGivesFewFalseFalls(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		most int
	}{{LTE, 2}, {Fibre, 34}} {
		random := rand.New(rand.NewPCG(7, 7))
		var until, next time.Duration
		burst := func(at time.Duration) bool {
			for at >= next {
				until = next + time.Duration(random.ExpFloat64()*800*float64(time.Millisecond))
				next = until + time.Duration(random.ExpFloat64()*float64(time.Minute))
			}
			return at < until
		}
		changes := play(NewDetector(c.kind, 3, ""), 3, 7*24*time.Hour, func(at time.Duration, _ int) (bool, time.Duration) {
			return !burst(at) || random.Float64() > 0.8, near
		})
		f := falls(changes)
		why := map[string]int{}
		for _, x := range changes {
			why[string(x.State)+" "+x.Reason]++
		}
		t.Logf("%s: %d falls in a bursty week; %v", c.kind, len(f), why)
		if len(f) > c.most {
			t.Errorf("%s: %d false falls, at most %d", c.kind, len(f), c.most)
		}
	}
}

// A brown-out is seen, though some probes always come back.
func TestABrownOutIsSeen(t *testing.T) {
	for kind, share := range map[Kind]float64{Fibre: 0.4, LTE: 0.45} {
		for seed := range uint64(20) {
			random := rand.New(rand.NewPCG(seed, 2))
			changes := play(NewDetector(kind, 3, ""), 3, 5*time.Minute, func(at time.Duration, _ int) (bool, time.Duration) {
				return at < time.Minute || random.Float64() >= share, near
			})
			f := falls(changes)
			if len(f) == 0 || f[0] > 2*time.Minute+30*time.Second {
				t.Errorf("%s, %d: %v", kind, seed, changes)
			}
		}
	}
	// of 30 %, over a wired one
	random := rand.New(rand.NewPCG(5, 2))
	f := falls(play(NewDetector(Fibre, 3, ""), 3, 10*time.Minute, func(at time.Duration, _ int) (bool, time.Duration) {
		return at < time.Minute || random.Float64() >= 0.3, near
	}))
	if len(f) == 0 {
		t.Error("losing three of ten is not noticed")
	}
}

func TestOneDeadTargetNeverChangesTheState(t *testing.T) {
	for dead := range 3 {
		if changes := play(NewDetector(Fibre, 3, ""), 3, 6*time.Hour, func(at time.Duration, i int) (bool, time.Duration) {
			return i != dead || at < time.Minute, near
		}); len(changes) != 0 {
			t.Errorf("target %d dead: %+v", dead, changes)
		}
	}
}

// The clock of the wall is nowhere in here: a machine that slept for an hour has no
// evidence of that hour.
func TestAnHourWithoutRoundsChangesNothing(t *testing.T) {
	d := NewDetector(Fibre, 3, "")
	all := func(at time.Duration, ok bool) Verdict {
		r := &round{sent: at}
		for i := range 3 {
			r.answers = append(r.answers, answer{i, ok, near})
		}
		return d.Step(at+near, r)
	}
	for s := range 60 {
		all(time.Duration(s)*time.Second, true)
	}
	// The last round before the sleep was lost, and the first one after it.
	if v := all(60*time.Second, false); v.State != holdfast.LinkUp {
		t.Fatalf("one bad round: %+v", v)
	}
	if v := all(time.Hour, false); v.State != holdfast.LinkUp {
		t.Errorf("an hour between two bad rounds counts as an hour of them: %+v", v)
	}
	if v := all(time.Hour+time.Second, true); v.State != holdfast.LinkUp {
		t.Errorf("%+v", v)
	}
}

// Flapping: however it goes up and down, a link falls once a minute at most when it
// has fallen often.
func TestAFlappingLinkFallsAtMostOnceAMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		up := time.Duration(rapid.IntRange(1, 90).Draw(t, "up")) * time.Second
		down := time.Duration(rapid.IntRange(1, 30).Draw(t, "down")) * time.Second
		d := NewDetector(Fibre, 3, "")
		f := falls(play(d, 3, time.Hour, func(at time.Duration, _ int) (bool, time.Duration) { return at%(up+down) < up, near }))
		penalty, last := 0.0, time.Duration(0)
		for i, at := range f {
			if i > 0 && penalty > penaltyMax && at-last < time.Minute {
				t.Fatalf("up %s, down %s: falls at %v", up, down, f)
			}
			penalty = penalty*pow2(-float64(at-last)/float64(halfLife)) + fallCosts
			last = at
		}
	})
}

func pow2(x float64) float64 {
	d := Detector{penalty: 1}
	return d.decayed(time.Duration(-x * float64(halfLife)))
}

func TestALinkComesBackOnlyWhenItIsGoodForAWhile(t *testing.T) {
	cut, mend := time.Minute, 3*time.Minute
	changes := play(NewDetector(Fibre, 3, ""), 3, 10*time.Minute, func(at time.Duration, _ int) (bool, time.Duration) {
		return at < cut || at >= mend, near
	})
	last := changes[len(changes)-1]
	if last.State != holdfast.LinkUp || last.at < mend+20*time.Second || last.at > mend+45*time.Second {
		t.Errorf("%+v", changes)
	}
	if n := len(falls(changes)); n != 1 {
		t.Errorf("%d falls", n)
	}
}

func TestLostCarrierIsDownAtOnceAndTheAdministratorsWordWins(t *testing.T) {
	d := NewDetector(Fibre, 3, "")
	play(d, 3, time.Minute, steady)
	if v := d.Carrier(time.Minute, false); v.State != holdfast.LinkDown || v.Layer != LayerCarrier || v.Reason != NoSignal {
		t.Errorf("without carrier: %+v", v)
	}
	d.Override(holdfast.LinkUp)
	if v := d.Verdict(); v.State != holdfast.LinkUp || !v.Manual || v.Reason != ByHand {
		t.Errorf("said to be up: %+v", v)
	}
	d.Override(holdfast.LinkDown)
	if v := d.Verdict(); v.State != holdfast.LinkDown || !v.Manual {
		t.Errorf("said to be down: %+v", v)
	}
	d.Override("")
	if v := d.Verdict(); v.State != holdfast.LinkDown || v.Layer != LayerCarrier {
		t.Errorf("the word taken back: %+v", v)
	}
	if v := d.Carrier(61*time.Second, true); v.State != holdfast.LinkDown {
		t.Errorf("a signal alone does not make it up: %+v", v)
	}
}

func TestALinkThatIsSlowOrPoorIsDegradedAndNotDown(t *testing.T) {
	for name, c := range map[string]struct {
		line   line
		reason string
	}{
		"slow": {func(at time.Duration, _ int) (bool, time.Duration) {
			if at < time.Minute {
				return true, near
			}
			return true, 450 * time.Millisecond
		}, Slow},
		"lossy": {func(at time.Duration, i int) (bool, time.Duration) {
			return at < time.Minute || int(at/time.Second)%10 != 0, near
		}, Lossy},
	} {
		changes := play(NewDetector(Fibre, 3, ""), 3, 5*time.Minute, c.line)
		if len(falls(changes)) != 0 || len(changes) == 0 || changes[0].State != holdfast.LinkDegraded || !slices.ContainsFunc(changes, func(x change) bool { return x.Reason == c.reason }) {
			t.Errorf("%s: %+v", name, changes)
		}
	}
}

// What was known before a restart is not forgotten by it, and not told again.
func TestALinkThatWasDownIsUpOnlyByTheRules(t *testing.T) {
	changes := play(NewDetector(Fibre, 3, holdfast.LinkDown), 3, time.Minute, steady)
	if len(changes) != 1 || changes[0].State != holdfast.LinkUp || changes[0].at < 20*time.Second || changes[0].at > 22*time.Second {
		t.Errorf("%+v", changes)
	}
}

func BenchmarkStep(b *testing.B) {
	d := NewDetector(Fibre, 4, "")
	r := &round{answers: make([]answer, 4)}
	for i := range r.answers {
		r.answers[i] = answer{i, true, near}
	}
	at := time.Duration(0)
	for b.Loop() {
		at += time.Second
		r.sent = at
		d.Step(at+near, r)
	}
}

func ExampleDetector() {
	d := NewDetector(Fibre, 3, "")
	for _, c := range play(d, 3, 30*time.Second, func(at time.Duration, _ int) (bool, time.Duration) { return at < 10*time.Second, near }) {
		fmt.Println(c.State, c.Layer, c.Reason)
	}
	// Output:
	// degraded anchors no_answer
	// down anchors no_answer
}
