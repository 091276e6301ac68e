package holdfast

import (
	"fmt"
	"strings"
	"time"
)

// Digits are a number's as a reader of the language writes them.
func Digits(s, language string) string {
	if language != "fa" {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '۰'
		}
		return r
	}, s)
}

var monthNames = map[string][]string{
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	"ru": {"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"},
	"fa": {"فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"},
}

// LongDate is a day in a reader's words and calendar: "22 November 2026", and for
// Persian the day of the Persian calendar.
func LongDate(t time.Time, language string) string {
	y, m, d := t.Year(), int(t.Month()), t.Day()
	names, ok := monthNames[language]
	switch {
	case !ok:
		names = monthNames["en"]
	case language == "fa":
		y, m, d = PersianDate(t)
	}
	s := fmt.Sprintf("%d %s %d", d, names[m-1], y)
	if language == "ru" {
		s += " г."
	}
	return Digits(s, language)
}

// PersianDate is t's day in the Persian (Jalali) calendar, by the 33-year cycle,
// which agrees with the calendar's own rule from 1799 to 2256.
func PersianDate(t time.Time) (year, month, day int) {
	// Days since the beginning of the cycle that begins with 979, in March 1600.
	days := int(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix()/86400) + 135061
	const cycle = 33*365 + 8
	year = 979 + 33*(days/cycle)
	days %= cycle
	year += 4 * (days / 1461)
	days %= 1461
	if days >= 366 {
		year += (days - 1) / 365
		days = (days - 1) % 365
	}
	if days < 186 {
		return year, days/31 + 1, days%31 + 1
	}
	days -= 186
	return year, days/30 + 7, days%30 + 1
}
