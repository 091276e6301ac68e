package transcript

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast"
)

func TestAPaperSaysWhoWroteWhatAndIsNoMarkup(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 20, 45, 0, 0, time.UTC) // the next day in Tehran
	p := paper{lang: "fa", name: "نور", zone: zone, number: 12, subject: "سفارش", lines: []line{
		{mine: true, at: at, text: `<script>alert(1)</script> & "x"`, files: []string{"a<b>.png"}},
		{author: "Joe", at: at.Add(time.Minute), text: "On its way."}, {at: at.Add(2 * time.Minute), text: "Anything else?"},
	}}
	subject, text, page := p.write()
	for _, want := range []string{"۱ آذر ۱۴۰۵", "۰۰:۱۵", "شما", "Joe", "نور", "۱۲", "a<b>.png"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if !strings.Contains(subject, "سفارش") || strings.Contains(page, "<script>") || strings.Contains(page, "a<b>") || !strings.Contains(page, `dir="rtl"`) {
		t.Errorf("%s\n%s", subject, page)
	}
	for lang, w := range languages {
		if !holdfast.KnownLanguage(lang) || strings.Contains(fmt.Sprintf("%q", w), `""`) {
			t.Errorf("%s: %q", lang, w)
		}
	}
}

func TestAnAddressIsShownToItsOwnerAlone(t *testing.T) {
	for a, want := range map[string]string{"ana@example.com": "an•••@example.com", "a@b.c": "a•••@b.c", "آنا@b.c": "آن•••@b.c"} {
		if got := hidden(a); got != want {
			t.Errorf("%s is shown as %s", a, got)
		}
	}
}
