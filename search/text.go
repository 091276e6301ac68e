package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// read is a text taken apart for one query: what matches it and where.
type read struct {
	text   string
	tokens []token
	roots  []string // of the tokens, stemmed
}

func (s *stems) read(text string) read {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := read{text: text, tokens: slices.Clone(s.scan.scan(text, wordsMax))}
	r.roots = make([]string, len(r.tokens))
	for i, t := range r.tokens {
		r.roots[i] = s.of(t.word, t.script)
	}
	return r
}

// holds reports whether the words of a phrase stand one after the other.
func (r read) holds(phrase []string) bool {
	for i := 0; i+len(phrase) <= len(r.roots); i++ {
		if slices.Equal(r.roots[i:i+len(phrase)], phrase) {
			return true
		}
	}
	return false
}

// found says whether a token is what a query looks for: by itself, or bound with
// the one before it, as in a number written in groups.
type found uint8

const (
	alone found = 1 + iota
	bound
)

// marked says of each token whether it is what the query looks for.
func (r read) marked(s *stems, p parsed) []found {
	want := map[string]bool{}
	for _, w := range p.words() {
		want[w] = true
	}
	prefix := p.prefix()
	marks := make([]found, len(r.tokens))
	bind := func(from, to int) {
		marks[from] = max(marks[from], alone)
		for i := from + 1; i < to; i++ {
			marks[i] = bound
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range r.tokens {
		if want[r.roots[i]] || prefix != "" && strings.HasPrefix(t.word, prefix) {
			marks[i] = alone
		}
	}
	for from := 0; from < len(r.tokens); {
		to := chunk(r.tokens, from)
		if to-from > 1 {
			if whole, sc := joined(r.tokens[from:to]); whole != "" && (want[s.of(whole, sc)] || prefix != "" && strings.HasPrefix(whole, prefix)) {
				bind(from, to)
			}
		}
		from = to
	}
	for from := 0; from < len(r.tokens); {
		number, to := telephone(r.text, r.tokens, from)
		for _, tail := range []int{len(number), 10, 7} {
			if number != "" && len(number) >= tail && want[number[len(number)-tail:]] {
				bind(from, to)
			}
		}
		from = to
	}
	return marks
}

// What a snippet is like, in bytes.
const (
	snippetSize = 260
	snippetLead = 60 // before the first mark
)

// snippet is the stretch of the text where most of what was looked for stands.
func (r read) snippet(marks []found) []Part {
	if r.text == "" {
		return []Part{}
	}
	first, best := -1, 0
	for i := range r.tokens {
		if marks[i] == 0 {
			continue
		}
		n := 0
		seen := map[string]bool{}
		for j := i; j < len(r.tokens) && int(r.tokens[j].end-r.tokens[i].start) <= snippetSize-snippetLead; j++ {
			if marks[j] > 0 && !seen[r.roots[j]] {
				seen[r.roots[j]] = true
				n++
			}
		}
		if n > best {
			first, best = i, n
		}
	}
	from, to := 0, min(len(r.text), snippetSize)
	if first >= 0 {
		if start := int(r.tokens[first].start); start > snippetLead {
			from = start
			for i := first; i >= 0 && start-int(r.tokens[i].start) <= snippetLead; i-- {
				from = int(r.tokens[i].start)
			}
		}
		to = min(len(r.text), from+snippetSize)
	}
	for _, t := range r.tokens { // not through the middle of a word
		if int(t.start) < to && int(t.end) > to && int(t.start) > from && t.end-t.start <= wordMax {
			to = int(t.start)
		}
	}
	for to < len(r.text) && !utf8.RuneStart(r.text[to]) {
		to--
	}
	var parts []Part
	add := func(s string, mark bool) {
		if s == "" {
			return
		}
		if n := len(parts); n > 0 && parts[n-1].Mark == mark {
			parts[n-1].Text += s
			return
		}
		parts = append(parts, Part{Text: s, Mark: mark})
	}
	if from > 0 {
		add("…", false)
	}
	at := from
	for i, t := range r.tokens {
		start, end := int(t.start), int(t.end)
		if marks[i] == 0 || start < from || end > to {
			continue
		}
		if start > at {
			add(flat(r.text[at:start]), marks[i] == bound && at > from)
		}
		add(r.text[start:end], true)
		at = end
	}
	add(flat(r.text[at:to]), false)
	if to < len(r.text) {
		add("…", false)
	}
	return parts
}

// flat is s on one line.
func flat(s string) string {
	if !strings.ContainsAny(s, "\n\r\t") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		return r
	}, s)
}
