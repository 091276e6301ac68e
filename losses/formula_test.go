package losses

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"holdfast"
)

func same(a, b float64) bool { return math.Abs(a-b) < 1e-6*(1+math.Abs(a)+math.Abs(b)) }

func exactly(v float64) Band { return Band{v, v, v} }

// Each row was worked out by hand.
func TestTheFormula(t *testing.T) {
	for name, x := range map[string]struct {
		s     Sums
		total float64
		kept  float64
	}{
		"nothing was said":              {Sums{Internet: 1, Margin: 1}, 0, 0},
		"revenue alone":                 {Sums{Revenue: exactly(1000), Internet: 1}, 1000, 0},
		"half by internet":              {Sums{Revenue: exactly(1000), Internet: 0.5}, 500, 0},
		"a quarter kept, a half back":   {Sums{Revenue: exactly(1000), Internet: 0.8, Kept: 0.25, Returned: 0.5}, 200, 200},
		"no more than all is recouped":  {Sums{Revenue: exactly(1000), Internet: 1, Kept: 0.7, Returned: 0.9}, 0, 700},
		"four idle for three hours":     {Sums{IdleHours: 12, Wage: 15}, 180, 0},
		"ten lost customers":            {Sums{Customers: 10, Worth: 300, Margin: 0.4}, 1200, 0},
		"a contract, and putting right": {Sums{Recovery: 50, Hours: 2.5, HourlyFine: 40}, 150, 0},
		"all together": {Sums{Revenue: exactly(1000), Internet: 0.8, Kept: 0.25, Returned: 0.5, IdleHours: 12, Wage: 15, Recovery: 50, Customers: 10, Worth: 300, Margin: 0.4,
			Hours: 2.5, HourlyFine: 40}, 200 + 180 + 50 + 1200 + 100, 200},
	} {
		c := Price(x.s)
		if !same(c.Total.Middle, x.total) || !same(c.Kept.Middle, x.kept) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestThePartsAreTheWholeAndNothingKeptIsNegative(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		low := r.Float64() * 1e6
		middle := low + r.Float64()*1e6
		s := Sums{Revenue: Band{low, middle, middle + r.Float64()*1e6}, Internet: r.Float64(), Kept: r.Float64()*3 - 1, Returned: r.Float64()*3 - 1, IdleHours: r.Float64() * 100,
			Wage: r.Float64() * 100, Recovery: r.Float64() * 1e4, Customers: r.Float64() * 100, Worth: r.Float64() * 1e3, Margin: r.Float64(), Hours: r.Float64() * 72, HourlyFine: r.Float64() * 100}
		c := Price(s)
		for _, b := range [][4]float64{{c.AtRisk.Low, c.Kept.Low, c.Returned.Low, c.Missed.Low}, {c.AtRisk.Middle, c.Kept.Middle, c.Returned.Middle, c.Missed.Middle}, {c.AtRisk.High, c.Kept.High, c.Returned.High, c.Missed.High}} {
			if !same(b[0], b[1]+b[2]+b[3]) || b[1] < 0 || b[2] < 0 || b[3] < -1e-6 {
				t.Fatalf("%+v: %+v", s, c)
			}
		}
		if !same(c.Total.Middle, c.Missed.Middle+c.Idle+c.Recovery+c.Customers+c.Penalties) || c.Total.Low > c.Total.Middle+1e-6 || c.Total.Middle > c.Total.High+1e-6 {
			t.Fatalf("%+v: %+v", s, c)
		}
	}
}

func TestAWeekIsTheMedianOfItsHours(t *testing.T) {
	var weeks []Counted
	for _, n := range []float64{10, 20, 30, 40, 50} {
		var w Counted
		w[9] = n
		weeks = append(weeks, w)
	}
	w, thin := WeekOf(weeks)
	if thin || w[9].Middle != 30 || !same(w[9].Low, 14) || !same(w[9].High, 46) || w[10] != (Band{}) {
		t.Errorf("%+v, thin %v", w[9], thin)
	}
	if s := w.scaled(700); !same(s[9].Middle, 700) || !same(s[9].Low, 14.*700/30) {
		t.Errorf("a week of 700: %+v", s[9])
	}
	// One contact a week, each at another hour: the median of every hour is nothing.
	weeks = nil
	for i := range 8 {
		var one Counted
		one[i] = 8
		weeks = append(weeks, one)
	}
	if w, thin = WeekOf(weeks); !thin || w[3].Middle != 1 || w[3].Low != 0 {
		t.Errorf("thin %v: %+v", thin, w[3])
	}
	if at := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC); hourOf(at) != 9 { // a Monday
		t.Errorf("Monday at nine is hour %d", hourOf(at))
	}
	if at := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC); hourOf(at) != 167 {
		t.Errorf("Sunday at eleven is hour %d", hourOf(at))
	}
}

func TestATurnoverIsSpreadOverTheOpeningHours(t *testing.T) {
	g := &ground{zone: time.UTC, contacts: &contacts{first: -1}, channels: 4}
	if w := g.flat(1680); w[0] != exactly(10) || w[167] != exactly(10) {
		t.Errorf("%+v", w[0])
	}
	g.open = holdfast.Hours{Week: [7][]holdfast.Span{1: {{From: "09:00", To: "11:30"}}}} // Monday
	w := g.flat(250)
	if !same(w[9].Middle, 100) || !same(w[11].Middle, 50) || w[12].Middle != 0 || w[33].Middle != 0 {
		t.Errorf("%+v %+v %+v", w[9], w[11], w[12])
	}
}

func TestChannelsThatAreCutAtOnceAreOneEpisodeAndCountedOnce(t *testing.T) {
	at := func(minutes int) time.Time {
		return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
	}
	a, b := holdfast.NewID(), holdfast.NewID()
	list, lasts := together([]Cut{{Channel: b, From: at(30), To: at(90)}, {Channel: a, From: at(0), To: at(60)}, {Channel: a, From: at(95), To: at(100)}, {Channel: a, From: at(300)}}, at(360))
	if len(list) != 2 || len(list[0]) != 3 || lasts[0] || !lasts[1] || list[1][0].To != at(360) {
		t.Fatalf("%+v %v", list, lasts)
	}
	weekly := 16800. // a hundred an hour
	g := &ground{zone: time.UTC, contacts: &contacts{first: -1}, channels: 4, staff: 2, said: holdfast.Assumptions{Weekly: &weekly}}
	e := g.episode(list[0])
	// Of four channels alike one was cut for 65 minutes, and another for 60: 125 / 60 h · 1/4 · 100.
	if !same(e.Cost.AtRisk.Middle, 125./60/4*100) || !same(e.Hours, 95./60) || e.Cost.Kept.Middle != 0 || len(e.Channels) != 2 || e.Basis.Of != "flat" {
		t.Errorf("%+v", e)
	}
	var apart float64
	for _, c := range list[0] {
		apart += g.episode([]Cut{c}).Cost.AtRisk.Middle
	}
	if !same(apart, e.Cost.AtRisk.Middle) {
		t.Errorf("together %v, one by one %v", e.Cost.AtRisk.Middle, apart)
	}
}
