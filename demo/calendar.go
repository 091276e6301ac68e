package demo

import (
	"math"
	"math/rand/v2"
	"time"
)

const days = 60

// byHour is how many customers write in each hour of their day, relative to the others.
var byHour = [24]int{2, 1, 1, 1, 1, 2, 5, 10, 18, 26, 30, 28, 24, 24, 25, 24, 23, 26, 32, 36, 34, 26, 14, 6}

// calendar knows when people write and when somebody answers.
type calendar struct {
	now  time.Time
	zone *time.Location // of the desk
	r    *rand.Rand
}

// zones are where customers live, by language.
var zones = map[string]int{"en": 2 * 3600, "ru": 3 * 3600, "fa": 3*3600 + 1800}

func (c *calendar) zoneOf(lang string) *time.Location { return time.FixedZone(lang, zones[lang]) }

// arrival is a moment of the last sixty days at which a customer writes.
func (c *calendar) arrival(lang string) time.Time {
	zone := c.zoneOf(lang)
	for {
		// A growing company: more of them lately.
		ago := float64(days) * (1 - math.Pow(c.r.Float64(), 0.85))
		day := c.now.Add(-time.Duration(ago * 24 * float64(time.Hour))).In(zone)
		free := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		if lang == "fa" {
			free = day.Weekday() == time.Friday || day.Weekday() == time.Thursday
		}
		if free && c.r.IntN(100) < 45 {
			continue
		}
		at := time.Date(day.Year(), day.Month(), day.Day(), c.hour(), c.r.IntN(60), c.r.IntN(60), c.r.IntN(1000)*int(time.Millisecond), zone)
		if at.Before(c.now.Add(-2*time.Minute)) && at.After(c.now.AddDate(0, 0, -days)) {
			return at
		}
	}
}

func (c *calendar) hour() int {
	sum := 0
	for _, w := range byHour {
		sum += w
	}
	n := c.r.IntN(sum)
	for h, w := range byHour {
		if n -= w; n < 0 {
			return h
		}
	}
	return 12
}

// about is a duration around median: mostly near it, sometimes several times as long.
func (c *calendar) about(median time.Duration, spread float64) time.Duration {
	return time.Duration(float64(median)*math.Exp(c.r.NormFloat64()*spread)).Truncate(time.Millisecond) + time.Millisecond
}

// reply is when an operator answers what came at a time: the desk works from
// eight to eleven in the evening, and at weekends with fewer people.
func (c *calendar) reply(at time.Time, mail, first bool) time.Time {
	median, spread := 2*time.Minute, 0.8
	switch {
	case mail && first:
		median, spread = 48*time.Minute, 0.9
	case mail:
		median, spread = 35*time.Minute, 0.8
	case !first:
		median, spread = 100*time.Second, 0.6
	}
	local := at.In(c.zone)
	if local.Weekday() == time.Saturday || local.Weekday() == time.Sunday {
		median *= 2
	}
	t := at.Add(c.about(median, spread)).In(c.zone)
	if t.Hour() >= 8 && t.Hour() < 23 {
		return t
	}
	morning := time.Date(t.Year(), t.Month(), t.Day(), 8, 0, 0, 0, c.zone)
	if t.Hour() >= 23 {
		morning = morning.AddDate(0, 0, 1)
	}
	return morning.Add(c.about(18*time.Minute, 0.7))
}

// answer is when a customer goes on after our answer.
func (c *calendar) answer(at time.Time, lang string, mail bool) time.Time {
	if !mail {
		return at.Add(c.about(80*time.Second, 0.8))
	}
	t := at.Add(c.about(95*time.Minute, 1)).In(c.zoneOf(lang))
	if t.Hour() < 7 {
		t = time.Date(t.Year(), t.Month(), t.Day(), 7, 0, 0, 0, t.Location()).Add(c.about(50*time.Minute, 0.5))
	}
	return t
}

// workday is a day on which technicians come, one to four days after at.
func (c *calendar) workday(at time.Time) time.Time {
	d := at.In(c.zone).AddDate(0, 0, 1+c.r.IntN(4))
	for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday || d.Weekday() == time.Friday {
		d = d.AddDate(0, 0, 1)
	}
	return d
}
