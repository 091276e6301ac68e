package holdfast_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
)

func week(from, to string, days ...time.Weekday) holdfast.Hours {
	var h holdfast.Hours
	for _, d := range days {
		h.Week[d] = []holdfast.Span{{From: from, To: to}}
	}
	return h
}

func TestTheNextOpeningIsARealOne(t *testing.T) {
	tehran, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	h := week("09:00", "17:30", time.Saturday, time.Sunday, time.Monday, time.Tuesday, time.Wednesday)
	h.Days = []holdfast.Day{{Date: "2026-03-21", Name: "Nowruz"}, {Date: "2026-03-22", Spans: []holdfast.Span{{From: "12:00", To: "14:00"}}}}
	at := func(text string) time.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04", text, tehran)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, tc := range []struct{ now, next string }{
		{"2026-03-18 08:59", "2026-03-18 09:00"},
		{"2026-03-18 09:00", "2026-03-18 09:00"},
		{"2026-03-18 17:29", "2026-03-18 17:29"},
		{"2026-03-18 17:30", "2026-03-22 12:00"}, // Thursday and Friday are free, then the new year
		{"2026-03-22 14:00", "2026-03-23 09:00"},
	} {
		if got := h.Next(at(tc.now)); !got.Equal(at(tc.next)) {
			t.Errorf("after %s the desk opens at %s, not at %s", tc.now, got, tc.next)
		}
	}
	if never := (&holdfast.Hours{}).Next(at("2026-03-18 09:00")); !never.IsZero() {
		t.Errorf("a desk without hours opens at %s", never)
	}
	night := week("00:00", "24:00", time.Sunday)
	if !night.Open(time.Date(2026, 3, 22, 23, 59, 59, 0, time.UTC)) || night.Open(time.Date(2026, 3, 23, 0, 0, 0, 0, time.UTC)) {
		t.Error("24:00 is the day's end")
	}
}

func TestHoursThatAreNoneAreRefused(t *testing.T) {
	for _, s := range [][]holdfast.Span{{{From: "9:00", To: "10:00"}}, {{From: "10:00", To: "09:00"}}, {{From: "10:00", To: "10:00"}}, {{From: "09:00", To: "24:01"}},
		{{From: "09:00", To: "12:00"}, {From: "12:00", To: "13:00"}}, {{From: "13:00", To: "14:00"}, {From: "09:00", To: "10:00"}}, {{From: "0a:00", To: "10:00"}}} {
		h := holdfast.Hours{}
		h.Week[3] = s
		if err := h.Check(); holdfast.KindOf(err) != holdfast.Invalid {
			t.Errorf("%v is taken: %v", s, err)
		}
	}
	for _, d := range [][]holdfast.Day{{{Date: "2026-02-30"}}, {{Date: "2026-03-21"}, {Date: "2026-03-21"}}} {
		h := holdfast.Hours{Days: d}
		if err := h.Check(); holdfast.KindOf(err) != holdfast.Invalid {
			t.Errorf("%v is taken: %v", d, err)
		}
	}
}

// Whatever the hours and the zone, Next is open, and nothing between now and then is.
func TestNothingIsOpenBeforeTheNextOpening(t *testing.T) {
	zones := []string{"UTC", "Asia/Tehran", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		var h holdfast.Hours
		for d := range h.Week {
			from := rapid.IntRange(0, 22).Draw(t, "from")
			to := rapid.IntRange(from+1, 24).Draw(t, "to")
			if rapid.Bool().Draw(t, "open") {
				h.Week[d] = []holdfast.Span{{From: time.Date(1, 1, 1, from, 0, 0, 0, time.UTC).Format("15:04"), To: []string{time.Date(1, 1, 1, to, 0, 0, 0, time.UTC).Format("15:04"), "24:00"}[to/24]}}
			}
		}
		if err := h.Check(); err != nil {
			t.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "now"), 0).In(zone)
		next := h.Next(now)
		end := h.Ends(now)
		if !h.Open(now) && !end.IsZero() || !end.IsZero() && h.Open(end) {
			t.Fatalf("open at %s: %v; it ends %s, and is open then: %v", now, h.Open(now), end, h.Open(end))
		}
		if h.Open(now) {
			if end.IsZero() {
				end = now.AddDate(0, 0, 8) // never closes
			}
			for at := now; at.Before(end); at = at.Add(20 * time.Minute) {
				if !h.Open(at) {
					t.Fatalf("it was closed already at %s, before its end %s", at, end)
				}
			}
		}
		if next.IsZero() {
			if h.Set() {
				t.Fatalf("a desk with hours never opens: %+v", h)
			}
			return
		}
		if !h.Open(next) {
			t.Fatalf("at %s the desk is not open", next)
		}
		for at := now; at.Before(next); at = at.Add(20 * time.Minute) {
			if h.Open(at) {
				t.Fatalf("it was open already at %s, before %s", at, next)
			}
		}
	})
}
