package holdfast

import (
	"testing"
	"time"
)

func TestPersianDays(t *testing.T) {
	for day, want := range map[string][3]int{
		"2026-11-22": {1405, 9, 1}, "2026-03-21": {1405, 1, 1}, "2026-03-20": {1404, 12, 29}, "2025-03-20": {1403, 12, 30}, "2025-03-21": {1404, 1, 1},
		"2021-03-20": {1399, 12, 30}, "2000-01-01": {1378, 10, 11}, "1979-02-11": {1357, 11, 22}, "2030-09-22": {1409, 6, 31}, "2024-12-31": {1403, 10, 11},
	} {
		at, err := time.Parse("2006-01-02", day)
		if err != nil {
			t.Fatal(err)
		}
		y, m, d := PersianDate(at)
		if got := [3]int{y, m, d}; got != want {
			t.Errorf("%s is %v, not %v", day, got, want)
		}
	}
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for lang, want := range map[string]string{"en": "22 November 2026", "ru": "22 ноября 2026 г.", "fa": "۱ آذر ۱۴۰۵", "xx": "22 November 2026"} {
		if got := LongDate(at, lang); got != want {
			t.Errorf("%s: %q", lang, got)
		}
	}
}
