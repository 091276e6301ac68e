package losses

import (
	"slices"
	"time"
)

// Band is a sum as it probably is: its middle, and from a bad week's (the tenth
// percentile) to a good one's (the ninetieth).
type Band struct {
	Low    float64 `json:"low" doc:"P10"`
	Middle float64 `json:"middle"`
	High   float64 `json:"high" doc:"P90"`
}

func (b Band) times(f float64) Band { return Band{b.Low * f, b.Middle * f, b.High * f} }
func (b Band) plus(o Band) Band     { return Band{b.Low + o.Low, b.Middle + o.Middle, b.High + o.High} }

// Sums are what the formula is given: everything in one currency, shares from 0 to 1.
type Sums struct {
	Revenue    Band    // Σ revenue(h) over the hours of the outage, of what was cut
	Internet   float64 // share by internet
	Kept       float64 // came meanwhile, over what still worked
	Returned   float64 // came afterwards
	IdleHours  float64 // of all idle staff together
	Wage       float64
	Recovery   float64
	Customers  float64 // who were lost
	Worth      float64 // a customer's LTV
	Margin     float64
	Hours      float64
	HourlyFine float64 // SLA penalties of an hour
}

// Cost is what an outage came to, part by part.
type Cost struct {
	AtRisk    Band    `json:"at_risk" doc:"What would have come in over what was cut."`
	Kept      Band    `json:"kept" doc:"Of that, what came meanwhile over what still worked: the value kept."`
	Returned  Band    `json:"returned" doc:"Of that, what came afterwards."`
	Missed    Band    `json:"missed" doc:"Of that, what never came."`
	Idle      float64 `json:"idle" doc:"Wages of those who could not work."`
	Recovery  float64 `json:"recovery"`
	Customers float64 `json:"customers" doc:"What lost customers would have brought."`
	Penalties float64 `json:"penalties"`
	Total     Band    `json:"total" doc:"missed + idle + recovery + customers + penalties."`
}

// Price is the formula: Σ revenue(h) · share by internet · (1 − recaptured) + idle staff ·
// wage · hours + recovery + lost customers · LTV · margin + SLA penalties, where
// recaptured is what came meanwhile and what came afterwards, together at most all.
func Price(s Sums) Cost {
	kept := within(s.Kept, 0, 1)
	returned := within(s.Returned, 0, 1-kept)
	c := Cost{AtRisk: s.Revenue.times(s.Internet), Idle: s.IdleHours * s.Wage, Recovery: s.Recovery, Customers: s.Customers * s.Worth * s.Margin, Penalties: s.Hours * s.HourlyFine}
	c.Kept, c.Returned, c.Missed = c.AtRisk.times(kept), c.AtRisk.times(returned), c.AtRisk.times(1-kept-returned)
	rest := c.Idle + c.Recovery + c.Customers + c.Penalties
	c.Total = c.Missed.plus(Band{rest, rest, rest})
	return c
}

func (c Cost) plus(o Cost) Cost {
	return Cost{c.AtRisk.plus(o.AtRisk), c.Kept.plus(o.Kept), c.Returned.plus(o.Returned), c.Missed.plus(o.Missed),
		c.Idle + o.Idle, c.Recovery + o.Recovery, c.Customers + o.Customers, c.Penalties + o.Penalties, c.Total.plus(o.Total)}
}

func within(v, low, high float64) float64 { return min(max(v, low), high) }

// weekHours is how many hours a week has.
const weekHours = 7 * 24

// Week is what each hour of a week brings, from Monday at midnight, by the desk's clock.
type Week [weekHours]Band

// hourOf is the hour of the week that a moment is in, by its own clock.
func hourOf(at time.Time) int { return (int(at.Weekday())+6)%7*24 + at.Hour() }

// WeekOf is the week that some weeks' hours make: of each weekday-hour the median, and
// P10 and P90. Where hours are so thin that most medians are nothing, the middle is the
// mean. thin reports that.
func WeekOf(weeks []Counted) (w Week, thin bool) {
	if len(weeks) == 0 {
		return w, false
	}
	var medians, means float64
	var mean [weekHours]float64
	for h := range w {
		list := make([]float64, len(weeks))
		for i := range weeks {
			list[i] = weeks[i][h]
			mean[h] += list[i] / float64(len(weeks))
		}
		slices.Sort(list)
		w[h] = Band{quantile(list, 0.1), quantile(list, 0.5), quantile(list, 0.9)}
		medians += w[h].Middle
		means += mean[h]
	}
	if thin = medians < means/2; thin {
		for h := range w {
			w[h] = Band{min(w[h].Low, mean[h]), mean[h], max(w[h].High, mean[h])}
		}
	}
	return w, thin
}

// Counted is what each hour of one week brought.
type Counted [weekHours]float64

// scaled is a week that brings this much in all.
func (w Week) scaled(total float64) Week {
	var sum float64
	for _, b := range w {
		sum += b.Middle
	}
	if sum == 0 {
		return Week{}
	}
	for h := range w {
		w[h] = w[h].times(total / sum)
	}
	return w
}

// quantile is the q-quantile of a sorted list, between its neighbours where it falls between them.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
