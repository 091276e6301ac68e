package paper

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"holdfast"
)

// A printed id is read as people key it in, and a wrong letter is noticed.
func TestACodeIsReadAsItIsKeyedIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := codeOf(holdfast.NewID(), holdfast.NewID(), rapid.IntRange(0, 9).Draw(t, "n"))
		keyed := strings.ToLower(printed(code))
		keyed = strings.NewReplacer("0", rapid.SampledFrom([]string{"0", "o", "O", "۰", "٠"}).Draw(t, "zero"), "1", rapid.SampledFrom([]string{"1", "l", "I", "۱"}).Draw(t, "one"), "-", rapid.SampledFrom([]string{"-", " ", "", " – "}).Draw(t, "dash")).Replace(keyed)
		if read, err := ReadCode(keyed); err != nil || read != code {
			t.Fatalf("%q is read as %q, %v, not %q", keyed, read, err, code)
		}
		at, other := rapid.IntRange(0, 9).Draw(t, "at"), letters[rapid.IntRange(0, 30).Draw(t, "letter")]
		slip := []byte(code)
		if slip[at] == other || slip[at] == 'Z' && other == '0' { // the check knows 31 of 32
			return
		}
		slip[at] = other
		if read, err := ReadCode(string(slip)); err == nil {
			t.Fatalf("%s, keyed in wrong as %s, is taken for %s", code, slip, read)
		}
	})
	for _, bad := range []string{"", "ABCDE", "ABCDE-FGHJU", "=1+1", strings.Repeat("A", 11)} {
		if _, err := ReadCode(bad); holdfast.CodeOf(err) != "paper.code_wrong" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func drawn(text string, rtl bool) string {
	var b strings.Builder
	for _, p := range laid(text, rtl) {
		b.WriteString(p.text)
	}
	return b.String()
}

// unjoined is what a reader reads: the letters of joined forms.
func unjoined(s string) string { return norm.NFKC.String(s) }

func backwards(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// Read from its side, a line has its words in their order: Persian letters joined and
// turned round, numbers and other alphabets as they are.
func TestALineIsReadInItsOrder(t *testing.T) {
	persian := []string{"سلام", "گفت", "مشتری", "قطع", "پچژگ", "اینترنت", "زنگ", "تهران"}
	others := []string{"12", "۱۴۰۵", "2.5", "Router", "Обрыв", "021"}
	rapid.Check(t, func(t *rapid.T) {
		var words []string
		for range rapid.IntRange(1, 6).Draw(t, "length") {
			words = append(words, rapid.SampledFrom(persian).Draw(t, "persian"))
			if rapid.Bool().Draw(t, "mixed") {
				words = append(words, rapid.SampledFrom(others).Draw(t, "other"))
			}
		}
		words = append(words, rapid.SampledFrom(persian).Draw(t, "last"))
		seen := strings.Fields(drawn(strings.Join(words, " "), true))
		slices.Reverse(seen)
		if len(seen) != len(words) {
			t.Fatalf("%q is drawn as %q", words, seen)
		}
		for i, w := range words {
			got := seen[i]
			if slices.Contains(persian, w) {
				got = unjoined(backwards(got))
			}
			if got != w {
				t.Fatalf("%q is drawn as %q: %q stands where %q should", words, seen, got, w)
			}
		}
	})
	for _, c := range []struct {
		text string
		rtl  bool
		want string
	}{
		{"Call +98 21 555", false, "Call +98 21 555"},
		{"Звонок 12 раз", false, "Звонок 12 раз"},
		{"Joe (تهران) 5", false, "Joe (نارهت) 5"},
		{"تهران 12 شیراز", false, "زاریش 12 نارهت"},
		{"(تهران)", true, "(نارهت)"},
		{"a\u202egnp.exe", false, "agnp.exe"},
	} {
		if got := unjoined(drawn(c.text, c.rtl)); got != c.want {
			t.Errorf("%q is drawn as %q, not %q", c.text, got, c.want)
		}
	}
	for text, right := range map[string]bool{"+98 21 555": false, "12 سلام": true, "«Joe» سلام": false, "": false} {
		if fromRight(text) != right {
			t.Errorf("%q runs from the right: %v", text, !right)
		}
	}
	if got := drawn("سلام", true); unjoined(got) == got {
		t.Errorf("the letters of %q are not joined", got)
	}
	if got := drawn("می‌کند", true); strings.ContainsRune(got, '\u200c') || !strings.ContainsRune(got, '\ufbfd') {
		t.Errorf("the ending of %+q does not stand apart", got)
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	evil := []string{"=1+1", "+7", "-1", "@x", "\t=1", "\n=1", "|x", "＝1", "=HYPERLINK(\"http://x\")", "\r=1", "\x00=2"}
	c := &content{lang: "en", name: "Lamp", at: time.Unix(1_700_000_000, 0)}
	for _, e := range evil {
		c.people = append(c.people, person{name: e, addresses: []string{e}, contacts: []contact{{c.at, true, e}}, matters: []matter{{id: holdfast.NewID(), number: 1, subject: e, rows: []string{codeOf(holdfast.NewID(), holdfast.NewID(), 0)}}}})
	}
	b, err := c.csv()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(b), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != len(evil)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n|") || strings.HasPrefix(cell, "＝") {
				t.Errorf("%q is a formula", cell)
			}
		}
	}
}

func TestTheWordsAreThereInEveryLanguage(t *testing.T) {
	for _, lang := range holdfast.Languages {
		w := *languages[lang]
		for _, s := range []string{w.title, w.intro, w.left, w.order, w.customer, w.addresses, w.matter, w.about, w.since, w.contacts, w.row, w.happened, w.urgent, w.they, w.we, w.page, w.none} {
			if s == "" {
				t.Errorf("%s lacks words: %q", lang, w)
			}
		}
	}
}
