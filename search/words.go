package search

import (
	"slices"
	"strings"
)

// wordsMax is how many tokens of one message are indexed.
const wordsMax = 2000

// Words are the words a text is found by, each once: folded, stemmed, without
// the ones that stand everywhere. E-mail addresses, host names, numbers of
// orders and telephone numbers are there whole and in parts.
func Words(text string) []string {
	s := newStems(2 * wordsMax)
	return s.index(text)
}

// wordList collects words, each once.
type wordList struct {
	list []string
	seen map[string]struct{}
}

func (l *wordList) add(w string) {
	if w == "" || len(l.list) >= 2*wordsMax {
		return
	}
	if l.seen == nil {
		// Short texts are most texts; a look through a short list beats a map.
		for _, have := range l.list {
			if have == w {
				return
			}
		}
		if l.list = append(l.list, w); len(l.list) == 48 {
			l.seen = make(map[string]struct{}, 256)
			for _, have := range l.list {
				l.seen[have] = struct{}{}
			}
		}
		return
	}
	if _, ok := l.seen[w]; !ok {
		l.seen[w] = struct{}{}
		l.list = append(l.list, w)
	}
}

// index lists the words of texts. Nothing glues or dials across two texts.
func (s *stems) index(texts ...string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words.list, s.words.seen = s.words.list[:0], nil
	for _, text := range texts {
		if text != "" {
			s.indexTokens(text, s.scan.scan(text, wordsMax))
		}
	}
	return slices.Clone(s.words.list)
}

func (s *stems) indexTokens(text string, tokens []token) {
	for i := range tokens {
		t := &tokens[i]
		if !stops[t.word] {
			s.words.add(s.of(t.word, t.script))
		}
		if t.script == digit && len(t.word) >= 10 {
			s.dialled(t.word)
		}
	}
	for from := 0; from < len(tokens); {
		to := chunk(tokens, from)
		if to-from > 1 {
			if whole, sc := joined(tokens[from:to]); whole != "" {
				s.words.add(s.of(whole, sc))
			}
			for i := from + 1; i < to; i++ {
				if tokens[i].glue == '@' {
					host, sc := joined(tokens[i:to])
					s.words.add(s.of(host, sc))
				}
			}
		}
		from = to
	}
	for from := 0; from < len(tokens); {
		number, to := telephone(text, tokens, from)
		if number != "" {
			s.words.add(number)
			s.dialled(number)
		}
		from = to
	}
}

// dialled adds the ends of a telephone number that people write it by: without
// the country, and without the town.
func (s *stems) dialled(number string) {
	if len(number) > 10 {
		s.words.add(number[len(number)-10:])
	}
	if len(number) > 7 {
		s.words.add(number[len(number)-7:])
	}
}

// chunk is where the chunk that begins at token from ends.
func chunk(tokens []token, from int) int {
	to := from + 1
	for to < len(tokens) && tokens[to].glue != 0 {
		to++
	}
	return to
}

// joined is a chunk as one word: "a12345" for A-12345, "ana@example.com" as it
// is. "" when it is longer than a name or number is.
func joined(tokens []token) (string, script) {
	if len(tokens) > 8 {
		return "", 0
	}
	mail := false
	for _, t := range tokens[1:] {
		mail = mail || t.glue == '@'
	}
	var b strings.Builder
	var sc script
	for i, t := range tokens {
		if g := t.glue; i > 0 && (g == '.' || g == '@' || mail && (g == '-' || g == '_' || g == '+')) {
			b.WriteByte(byte(g))
			sc |= foreign // no longer a word to stem
		}
		b.WriteString(t.word)
		sc |= t.script
	}
	if b.Len() > wordMax {
		return "", 0
	}
	return b.String(), sc
}

// telephone joins groups of digits as people write a number, "+7 (916) 123-45-67".
// The number is "" when there is none at from; to is where to look on.
func telephone(text string, tokens []token, from int) (number string, to int) {
	if tokens[from].script != digit {
		return "", from + 1
	}
	digits := len(tokens[from].word)
	to = from + 1
	for to < len(tokens) && tokens[to].script == digit && digits+len(tokens[to].word) <= 15 && dials(text[tokens[to-1].end:tokens[to].start]) {
		digits += len(tokens[to].word)
		to++
	}
	if to-from == 1 || digits < 7 {
		return "", to
	}
	var b strings.Builder
	for _, t := range tokens[from:to] {
		b.WriteString(t.word)
	}
	return b.String(), to
}

// dials reports whether what is between two groups of digits may stand inside a number.
func dials(gap string) bool {
	if len(gap) > 4 {
		return false
	}
	for _, r := range gap {
		switch r {
		case ' ', '\u00a0', '(', ')', '-', '.', '\u2011', '–':
		default:
			return false
		}
	}
	return true
}
