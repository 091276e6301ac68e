package paper

import (
	"slices"
	"strings"

	"github.com/signintech/gopdf"
	"golang.org/x/text/unicode/bidi"
)

// piece is a part of a line that is drawn from left to right in one face.
type piece struct {
	text    string
	persian bool
}

// mirrored brackets stand the other way round where a line runs from the right.
var mirrored = map[rune]rune{'(': ')', ')': '(', '[': ']', ']': '[', '{': '}', '}': '{', '<': '>', '>': '<', '«': '»', '»': '«', '‹': '›', '›': '‹'}

// laid is a line of text as it is drawn: its pieces from left to right, Persian joined
// and turned round, numbers and other letters in their own order.
func laid(text string, rtl bool) []piece {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= '\u2028' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff' {
			return -1 // what would turn the rest of the line round
		}
		return r
	}, strings.NewReplacer("\n", " ", "\t", " ").Replace(text))
	if text == "" {
		return nil
	}
	base := bidi.LeftToRight
	if rtl {
		base = bidi.RightToLeft
	}
	var p bidi.Paragraph
	if _, err := p.SetString(guarded(text, rtl), bidi.DefaultDirection(base)); err != nil {
		return []piece{{text: text}}
	}
	o, err := p.Order()
	if err != nil {
		return []piece{{text: text}}
	}
	type run struct {
		text string
		rtl  bool
	}
	var runs []run
	for i := range o.NumRuns() {
		r := o.Run(i)
		runs = append(runs, run{r.String(), r.Direction() == bidi.RightToLeft})
	}
	// The runs come as they are read. A line from the right is drawn from its end; in one
	// from the left, what stands between two runs from the right is drawn among them
	// when it is a number: level 2 within level 1.
	if rtl {
		slices.Reverse(runs)
	} else {
		for i := 0; i < len(runs); i++ {
			j := i
			for runs[i].rtl && j+2 < len(runs) && runs[j+2].rtl && !strings.ContainsFunc(runs[j+1].text, wordly) {
				j += 2
			}
			slices.Reverse(runs[i : j+1])
			i = j
		}
	}
	var list []piece
	for _, r := range runs {
		list = append(list, faces(visual(r.text, r.rtl))...)
	}
	return list
}

// fromRight reports whether a text runs from the right: its first letter says so. What
// has no letters, such as a telephone number, never does.
func fromRight(text string) bool {
	for _, r := range text {
		switch p, _ := bidi.LookupRune(r); p.Class() {
		case bidi.L:
			return false
		case bidi.R, bidi.AL:
			return true
		}
	}
	return false
}

// guarded puts a mark behind a bracket that closes what the line's own direction opened:
// the library takes it for a part of the other direction's words inside.
func guarded(text string, rtl bool) string {
	mark := '\u200e'
	if rtl {
		mark = '\u200f'
	}
	var b strings.Builder
	var opened []bool // whether each was opened in the line's own direction
	own := true
	for _, r := range text {
		b.WriteRune(r)
		p, _ := bidi.LookupRune(r)
		switch {
		case p.Class() == bidi.L:
			own = !rtl
		case p.Class() == bidi.R || p.Class() == bidi.AL:
			own = rtl
		case p.IsBracket() && p.IsOpeningBracket():
			opened = append(opened, own)
		case p.IsBracket() && len(opened) > 0:
			if opened[len(opened)-1] {
				b.WriteRune(mark)
			}
			opened = opened[:len(opened)-1]
		}
	}
	return b.String()
}

// wordly reports whether a letter makes what it stands in more than a number.
func wordly(r rune) bool {
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.L
}

// visual is a run as it is drawn from left to right.
func visual(text string, rtl bool) string {
	if !rtl {
		return strings.Map(unseen, text)
	}
	mirror := strings.Map(func(r rune) rune {
		if m, ok := mirrored[r]; ok {
			return m
		}
		return r
	}, text)
	// A letter that the shaper does not know must not break what it stands between.
	shaped := gopdf.ToArabic(mirror)
	return strings.Map(unseen, shaped)
}

// unseen takes away what only says how its neighbours are drawn.
func unseen(r rune) rune {
	if r >= '\u200b' && r <= '\u200f' {
		return -1
	}
	return r
}

// arabic reports whether a rune is the Persian face's.
func arabic(r rune) bool {
	return r >= 0x600 && r <= 0x6ff || r >= 0x750 && r <= 0x77f || r >= 0xfb50 && r <= 0xfdff || r >= 0xfe70 && r <= 0xfeff
}

// faces cuts a run where another face is needed; blanks go with what stands before them.
func faces(text string) []piece {
	var list []piece
	for _, r := range text {
		persian := arabic(r)
		if len(list) > 0 && (list[len(list)-1].persian == persian || r == ' ') {
			list[len(list)-1].text += string(r)
			continue
		}
		list = append(list, piece{string(r), persian})
	}
	return list
}
