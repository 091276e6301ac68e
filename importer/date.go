package importer

import (
	"strconv"
	"strings"
	"time"
)

// layouts are how desks and spreadsheets write a date; those without a zone are
// in the workspace's.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04", "2006-01-02",
	"02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006, 15:04:05", "02.01.2006, 15:04", "02.01.2006",
	"2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02", time.RFC1123Z, time.RFC1123, "Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04",
	"Jan 2, 2006 15:04", "January 2, 2006 15:04",
}

// parseTime reads a date as other programs write one, in the Gregorian or the
// Persian calendar, with any digits, or as seconds or milliseconds since 1970.
func parseTime(s string, zone *time.Location) (time.Time, bool) {
	s = strings.TrimSpace(digits(s))
	if s == "" || len(s) > 64 {
		return time.Time{}, false
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		switch {
		case n > 1e8 && n < 1e11:
			return time.UnixMilli(int64(n * 1000)).UTC(), true
		case n >= 1e11 && n < 1e14:
			return time.UnixMilli(int64(n)).UTC(), true
		}
		return time.Time{}, false
	}
	s = strings.ReplaceAll(s, "،", ",")
	if t, ok := persian(s, zone); ok {
		return t, true
	}
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, s, zone); err == nil {
			return t.UTC(), t.Year() >= 1900 && t.Year() <= 9999
		}
	}
	return time.Time{}, false
}

// persian reads 1402/05/12 09:30:15 and its like, with years from 1300 to 1499.
func persian(s string, zone *time.Location) (time.Time, bool) {
	if len(s) < 8 || s[0] != '1' || s[1] != '3' && s[1] != '4' {
		return time.Time{}, false
	}
	date, clock, _ := strings.Cut(strings.NewReplacer("T", " ", ",", " ", "-", "/", ".", "/").Replace(s), " ")
	part := strings.Split(date, "/")
	if len(part) != 3 {
		return time.Time{}, false
	}
	var n [3]int
	for i := range part {
		v, err := strconv.Atoi(part[i])
		if err != nil {
			return time.Time{}, false
		}
		n[i] = v
	}
	y, m, d := n[0], n[1], n[2]
	if y < 1300 || y > 1499 || m < 1 || m > 12 || d < 1 || d > 31 || m > 6 && d > 30 || m == 12 && d == 30 && !leap(y) {
		return time.Time{}, false
	}
	var at time.Duration
	if clock = strings.TrimSpace(clock); clock != "" {
		t, err := time.Parse("15:04:05", clock)
		if err != nil {
			if t, err = time.Parse("15:04", clock); err != nil {
				return time.Time{}, false
			}
		}
		at = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	}
	// The day within the era, from 1 Farvardin 1300, which was 21 March 1921.
	day := d - 1
	for i := 1; i < m; i++ {
		if day += 30; i <= 6 {
			day++
		}
	}
	for i := 1300; i < y; i++ {
		if day += 365; leap(i) {
			day++
		}
	}
	g := time.Date(1921, 3, 21+day, 0, 0, 0, 0, time.UTC)
	return time.Date(g.Year(), g.Month(), g.Day(), int(at/time.Hour), int(at/time.Minute)%60, int(at/time.Second)%60, 0, zone).UTC(), true
}

// leap reports whether a Persian year has 366 days: the cycle of 33 years, which
// agrees with the sky for the years that are read here.
func leap(y int) bool {
	switch y % 33 {
	case 1, 5, 9, 13, 17, 22, 26, 30:
		return true
	}
	return false
}
