package broadcasts

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/inbox"
)

func drawn(t *rapid.T) []candidate {
	list := make([]candidate, rapid.IntRange(0, 60).Draw(t, "n"))
	for i := range list {
		list[i] = candidate{id: holdfast.DeriveID(holdfast.ID{1}, string(rune('a'+i))), tier: uint8(rapid.IntRange(0, 2).Draw(t, "tier")),
			score: score(rapid.IntRange(-1, 3).Draw(t, "priority"), time.Duration(rapid.IntRange(0, 30).Draw(t, "hours"))*time.Hour), worth: float64(rapid.IntRange(0, 4).Draw(t, "worth"))}
	}
	return list
}

func TestTheOrderIsTotalAndDependsOnTheCustomersAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawn(t)
		again := slices.Clone(list)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		arrange(list)
		arrange(again)
		if !slices.Equal(list, again) {
			t.Fatalf("two orders of one segment:\n%v\n%v", list, again)
		}
		for i := 1; i < len(list); i++ {
			a, b := list[i-1], list[i]
			if a.tier > b.tier || a.tier == b.tier && a.score < b.score || a.tier == b.tier && a.score == b.score && a.id.String() >= b.id.String() {
				t.Fatalf("%v stands before %v", a, b)
			}
		}
	})
}

func TestTheScoreIsTheDesignedSum(t *testing.T) {
	for _, c := range []struct {
		priority int
		waits    time.Duration
		want     float64
	}{{-1, 0, 0}, {0, 0, 0}, {3, 0, 0.25}, {3, 12 * time.Hour, 0.325}, {1, 48 * time.Hour, 0.25/3 + 0.15}} {
		if got := score(c.priority, c.waits); got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("priority %d, %v: %v, want %v", c.priority, c.waits, got, c.want)
		}
	}
	list := []candidate{{id: holdfast.ID{1}, tier: rank, worth: 10}, {id: holdfast.ID{2}, tier: rank, worth: 30}, {id: holdfast.ID{3}, tier: rank, worth: 20}}
	arrange(list)
	if list[0].score != 0.6 || list[1].score != 0.3 || list[2].score != 0 || list[0].id != (holdfast.ID{2}) {
		t.Errorf("percentiles of worth give %+v", list)
	}
}

func TestNobodyIsToldAtAnAddressThatRefusesOrTwiceAtOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schemes := []string{"tel", "mailto"}
		refused, used, told := map[holdfast.Address]string{}, map[holdfast.Address]bool{}, map[holdfast.Address]bool{}
		values := []string{"a", "b", "c", "d"}
		for _, s := range schemes {
			for _, v := range values {
				if rapid.IntRange(0, 2).Draw(t, "refuses") == 0 {
					refused[holdfast.Address{Scheme: s, Value: v}] = "opted_out"
				}
			}
		}
		for range rapid.IntRange(1, 12).Draw(t, "customers") {
			p := inbox.Customer{Name: "Ana"}
			for range rapid.IntRange(0, 4).Draw(t, "addresses") {
				a := inbox.Address{Scheme: rapid.SampledFrom([]string{"tel", "mailto", "visitor"}).Draw(t, "scheme"), Value: rapid.SampledFrom(values).Draw(t, "value"), Claimed: rapid.Bool().Draw(t, "claimed")}
				if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
					a.Failing = "bounced"
				}
				p.Addresses = append(p.Addresses, a)
			}
			to, reason := choose(&p, schemes, refused, used)
			key := holdfast.Address{Scheme: to.Scheme, Value: to.Value}
			if (to.Value == "") != (reason != "") {
				t.Fatalf("%+v: to %v, reason %q", p.Addresses, to, reason)
			}
			if to.Value == "" {
				continue
			}
			if _, no := refused[key]; no || told[key] || to.Scheme == "visitor" {
				t.Fatalf("%+v is told at %v, refused %v, told before %v", p.Addresses, key, no, told[key])
			}
			if slices.ContainsFunc(p.Addresses, func(a inbox.Address) bool { return a.Scheme == to.Scheme && a.Value == to.Value && a.Failing == "" }) == false {
				t.Fatalf("%v is no address that works", to)
			}
			told[key], used[key] = true, true
		}
	})
}

func TestQuietHoursAreTheRecipientsOwn(t *testing.T) {
	tehran, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	night := &holdfast.BroadcastQuiet{From: "21:00", To: "09:00"}
	noon := &holdfast.BroadcastQuiet{From: "12:00", To: "14:00"}
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		quiet *holdfast.BroadcastQuiet
		zone  *time.Location
		now   string
		want  string
	}{
		{night, time.UTC, "2026-11-22 20:59", "2026-11-22 20:59"},
		{night, time.UTC, "2026-11-22 21:00", "2026-11-23 09:00"},
		{night, time.UTC, "2026-11-22 08:59", "2026-11-22 09:00"},
		{night, time.UTC, "2026-11-22 09:00", "2026-11-22 09:00"},
		{night, tehran, "2026-11-22 18:00", "2026-11-23 05:30"}, // 21:30 there
		{night, tehran, "2026-11-22 17:00", "2026-11-22 17:00"},
		{noon, time.UTC, "2026-11-22 13:00", "2026-11-22 14:00"},
		{nil, time.UTC, "2026-11-22 03:00", "2026-11-22 03:00"},
	} {
		if got := rest(c.quiet, at(c.now), c.zone); !got.Equal(at(c.want)) {
			t.Errorf("%+v in %v at %s: %s, want %s", c.quiet, c.zone, c.now, got.UTC(), c.want)
		}
	}
	for _, c := range []struct {
		now   string
		lasts time.Duration
		want  string
	}{{"2026-11-22 10:00", time.Hour, "2026-11-22 11:00"}, {"2026-11-22 20:00", 3 * time.Hour, "2026-11-23 11:00"}, {"2026-11-22 22:00", time.Hour, "2026-11-23 10:00"}, {"2026-11-22 09:00", 24 * time.Hour, "2026-11-23 21:00"}} {
		if got := until(night, at(c.now), time.UTC, c.lasts); !got.Equal(at(c.want)) {
			t.Errorf("%v from %s ends %s, want %s", c.lasts, c.now, got, c.want)
		}
	}
}

func TestABucketGivesNoMoreThanItsRateAndNoBurst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.05, 500).Draw(t, "rate")
		k, now := bucket{}, time.Unix(0, 0)
		var given, seconds float64
		k.take(now, rate)
		for range rapid.IntRange(1, 200).Draw(t, "ticks") {
			step := time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond
			now = now.Add(step)
			seconds += step.Seconds()
			n := k.take(now, rate)
			if float64(n) > max(1, rate) {
				t.Fatalf("%d at once at %v a second", n, rate)
			}
			k.tokens -= float64(n)
			given += float64(n)
		}
		if given > seconds*rate+1e-6 {
			t.Fatalf("%v in %v seconds at %v a second", given, seconds, rate)
		}
	})
}
