package search

import "unicode/utf8"

// token is one run of letters and digits in a text.
type token struct {
	word       string // folded, not stemmed
	start, end int32  // bytes of the text
	script     script
	// glue is the one sign between this token and the one before it, when nothing
	// else is there: "-" in "A-12345". 0 means that a new chunk begins.
	glue rune
}

// scanner turns texts into tokens. Its buffers are used again; it is not for two at once.
type scanner struct {
	tokens []token
	folded []byte
	ends   []int32
}

// maxText bounds how much of one text is looked at, in bytes.
const maxText = 128 << 10

// wordMax is the longest word kept, in bytes; the rest of a longer one is dropped.
const wordMax = 64

// scan reads at most max tokens. They are good until the next scan; their words for ever.
func (s *scanner) scan(text string, max int) []token {
	if len(text) > maxText {
		text = text[:maxText]
	}
	s.tokens, s.folded, s.ends = s.tokens[:0], s.folded[:0], s.ends[:0]
	var (
		in     bool // inside a token
		t      token
		gap    int  // signs since the last token
		sign   rune // the only one of them
		folded int  // where the token's word begins in s.folded
	)
	end := func(at int) {
		in = false
		n := len(s.folded)
		if n-folded > wordMax {
			n = folded + wordMax
			for n > folded && !utf8.RuneStart(s.folded[n]) {
				n--
			}
			s.folded = s.folded[:n]
		}
		t.end = int32(at)
		s.tokens = append(s.tokens, t)
		s.ends = append(s.ends, int32(n))
		gap = 0
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= 0x80 {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		before := len(s.folded)
		var sc script
		var ignored bool
		s.folded, sc, ignored = foldRune(s.folded, r)
		switch {
		case ignored:
			if !in {
				s.folded = s.folded[:before]
			}
		case sc == 0:
			if in {
				end(i)
				if len(s.tokens) >= max {
					return s.words()
				}
			}
			gap++
			sign = r
		case !in:
			in, folded = true, before
			t = token{start: int32(i), script: sc}
			if gap == 1 && len(s.tokens) > 0 && glues(sign, s.tokens[len(s.tokens)-1].script, sc) {
				t.glue = sign
			}
		default:
			t.script |= sc
		}
		i += size
	}
	if in {
		end(len(text))
	}
	return s.words()
}

// words cuts the folded bytes into the tokens' words with one allocation.
func (s *scanner) words() []token {
	all := string(s.folded)
	from := int32(0)
	for i := range s.tokens {
		s.tokens[i].word = all[from:s.ends[i]]
		from = s.ends[i]
	}
	return s.tokens
}

// glues reports whether a sign between two tokens makes them one name or number.
func glues(sign rune, left, right script) bool {
	switch sign {
	case '-', '_', '.', '@', '+', '&', '\u200c', '\u2010', '\u2011':
		return true
	case '/', ',', '\\':
		return left == digit && right == digit
	}
	return false
}
