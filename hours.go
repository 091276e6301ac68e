package holdfast

import (
	"fmt"
	"time"
)

// Hours is when a desk answers: a week that repeats, and days that are otherwise.
// The zero value says nothing. Clock times are of a time zone that is not in it.
type Hours struct {
	Week [7][]Span `json:"week"` // from Sunday
	Days []Day     `json:"days"` // holidays and exceptions, by date
}

// Span is a part of one day, "09:00" to "18:00". To may be "24:00".
type Span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Day is one date that is not as its weekday: with no spans it is closed.
type Day struct {
	Date  string `json:"date"` // 2006-01-02, in the Gregorian calendar
	Name  string `json:"name,omitempty"`
	Spans []Span `json:"spans"`
}

// Service is what a customer may be told of when an answer comes.
type Service struct {
	Known   bool          // hours are set
	Open    bool          // within them
	Back    time.Time     // when they begin again; zero while open, and where there is no such time
	Notices []Texts       // banners that are raised for customers, the loudest first
	Reply   time.Duration // how long a first answer has taken lately at this time of day; 0 is not known
}

const (
	maxSpans = 6   // of one day
	maxDays  = 500 // exceptions
	horizon  = 400 // days that Next looks ahead
)

// Set reports whether any hours are given.
func (h *Hours) Set() bool {
	for _, day := range h.Week {
		if len(day) > 0 {
			return true
		}
	}
	return len(h.Days) > 0
}

// Check refuses hours that are none. The error is Invalid and names the field.
func (h *Hours) Check() error {
	for i, spans := range h.Week {
		if err := checkSpans(spans, fmt.Sprintf("week.%d", i)); err != nil {
			return err
		}
	}
	if len(h.Days) > maxDays {
		return Errorf(Invalid, "hours.too_many_days", "at most %d days may differ from the week", maxDays).WithField("days").WithNext("Remove days that have passed.")
	}
	seen := map[string]bool{}
	for i, d := range h.Days {
		field := fmt.Sprintf("days.%d", i)
		if _, err := time.Parse(time.DateOnly, d.Date); err != nil || seen[d.Date] {
			return Errorf(Invalid, "hours.date_invalid", "%q is not a date, or stands there twice", clip(d.Date, 32)).WithField(field + ".date").WithNext("Write dates as 2026-03-21.")
		}
		seen[d.Date] = true
		if len(d.Name) > 200 {
			return Errorf(Invalid, "name.invalid", "a day's name is at most 200 bytes").WithField(field + ".name")
		}
		if err := checkSpans(d.Spans, field+".spans"); err != nil {
			return err
		}
	}
	return nil
}

func checkSpans(spans []Span, field string) error {
	last := -1
	for _, s := range spans {
		from, to := minute(s.From), minute(s.To)
		if from < 0 || to < 0 || from >= to || from <= last || len(spans) > maxSpans {
			return Errorf(Invalid, "hours.span_invalid", "the hours of a day are at most %d spans, in order, that do not touch", maxSpans).
				WithField(field).WithNext("Write them as 09:00 to 18:00; a night shift is two spans, to 24:00 and from 00:00.")
		}
		last = to
	}
	return nil
}

// minute is a clock time in minutes of the day, -1 when it is none.
func minute(s string) int {
	if len(s) != 5 || s[2] != ':' {
		return -1
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	if m > 59 || h > 24 || h == 24 && m > 0 {
		return -1
	}
	return h*60 + m
}

// of is the spans of the day that a time is on.
func (h *Hours) of(day time.Time) []Span {
	date := day.Format(time.DateOnly)
	for i := range h.Days {
		if h.Days[i].Date == date {
			return h.Days[i].Spans
		}
	}
	return h.Week[day.Weekday()]
}

func clock(day time.Time, s string) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, minute(s), 0, 0, day.Location())
}

// Open reports whether the desk is open at a time, which is in the desk's zone.
func (h *Hours) Open(at time.Time) bool {
	for _, s := range h.of(at) {
		if !at.Before(clock(at, s.From)) && at.Before(clock(at, s.To)) {
			return true
		}
	}
	return false
}

// Next is when the desk opens next after a time at which it is closed; the time
// itself when it is open, zero when it does not open within a year.
func (h *Hours) Next(at time.Time) time.Time {
	if h.Open(at) {
		return at
	}
	for i := range horizon {
		day := time.Date(at.Year(), at.Month(), at.Day()+i, 12, 0, 0, 0, at.Location()) // noon: no change of clocks moves its date
		for _, s := range h.of(day) {
			if from := clock(day, s.From); from.After(at) {
				return from
			}
		}
	}
	return time.Time{}
}

// Ends is when the desk closes next after a time at which it is open, over
// midnight where it stays open; zero when it does not close within a year, and
// when it is not open.
func (h *Hours) Ends(at time.Time) time.Time {
	var end time.Time
	for i := range horizon {
		day := time.Date(at.Year(), at.Month(), at.Day()+i, 12, 0, 0, 0, at.Location())
		for _, s := range h.of(day) {
			from, to := clock(day, s.From), clock(day, s.To)
			switch {
			case end.IsZero() && !at.Before(from) && at.Before(to), !end.IsZero() && from.Equal(end):
				end = to
			case !end.IsZero() && from.After(end):
				return end
			}
		}
		if end.IsZero() || end.Before(clock(day, "24:00")) {
			return end
		}
	}
	return time.Time{}
}
