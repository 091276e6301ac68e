package search

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/russian"
)

// stem cuts a folded word to what its forms have in common, by its script. Words
// with digits and mixed words stay as they are.
func stem(word string, s script) string {
	if len(word) < 3 {
		return word
	}
	switch s {
	case latin:
		return english.Stem(word, true)
	case cyrillic:
		return russian.Stem(word, true)
	case arabic:
		return persianStem(word)
	}
	return word
}

// persianEndings are plurals, possessives of plurals and degrees, longest first.
var persianEndings = []string{"هایشان", "هایمان", "هایتان", "هایی", "هایم", "هایت", "هایش", "های", "ترین", "ها", "تر"}

// persianStem takes off what is written on to a Persian word: the present tense's
// prefix, then plural, degree or the ending ی. It is light: a root keeps three letters.
func persianStem(word string) string {
	letters := utf8.RuneCountInString(word)
	for _, prefix := range []string{"نمی", "می"} {
		if rest, ok := strings.CutPrefix(word, prefix); ok && letters-utf8.RuneCountInString(prefix) >= 4 {
			word = rest
			break
		}
	}
	for _, ending := range persianEndings {
		if root, ok := strings.CutSuffix(word, ending); ok && utf8.RuneCountInString(root) >= 3 {
			return root
		}
	}
	if root, ok := strings.CutSuffix(word, "ی"); ok && utf8.RuneCountInString(root) >= 4 {
		return root
	}
	return word
}

// stops are words that stand in every second message and tell nothing. They are
// not indexed; phrases are compared with the text and still see them.
var stops = func() map[string]bool {
	m := map[string]bool{}
	for _, list := range []string{
		"a an the and or of to in on at is are was be it i you we my me for that this with as have has do did not from by if so will can your our they he she",
		"и в во на я не с со что у по а это как к ко мне за из от до но то же бы вы мы он она они вас вам нас нам меня мой для о об ли уже или так",
		"و در به از که این را با است یک هم من ما شما تا یا ان برای می نمی ها های تر ترین ام ای اند بود شد اما",
	} {
		for w := range strings.FieldsSeq(list) {
			m[w] = true
		}
	}
	return m
}()

// stems remembers the stems of words, since stemming one costs as much as reading
// twenty from here, and takes texts apart with it. Its methods that lock may be
// called by many at once.
type stems struct {
	mu    sync.Mutex
	roots recent
	scan  scanner
	words wordList
}

func newStems(size int) *stems { return &stems{roots: recent{half: size / 2}} }

// of stems a word. The caller holds mu.
func (s *stems) of(word string, sc script) string {
	if sc != latin && sc != cyrillic && sc != arabic || len(word) < 3 {
		return word
	}
	root, ok := s.roots.get(word)
	if !ok {
		// The word is a part of its whole text, which must not be kept alive with it.
		word = strings.Clone(word)
		if root = stem(word, sc); root != word {
			root = strings.Clone(root)
		}
		s.roots.put(word, root)
	}
	return root
}

// recent is a bounded map: two generations of at most half its size, so that
// what is in use stays and the rest goes.
type recent struct {
	half     int
	now, old map[string]string
}

func (r *recent) get(k string) (string, bool) {
	if v, ok := r.now[k]; ok {
		return v, true
	}
	v, ok := r.old[k]
	if ok {
		r.put(k, v)
	}
	return v, ok
}

func (r *recent) put(k, v string) {
	if r.now == nil || len(r.now) >= r.half {
		r.old, r.now = r.now, map[string]string{}
	}
	r.now[k] = v
}
