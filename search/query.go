package search

import (
	"strings"
	"unicode/utf8"
)

// What one query may cost.
const (
	queryMax  = 500 // bytes of its text
	unitsMax  = 16
	prefixMin = 3 // letters of an unfinished word
)

// parsed is a query's text as the index understands it: a text matches when it
// holds every unit, and every phrase word after word.
type parsed struct {
	units   []unit
	phrases [][]string
	// common is set when there is nothing but words that the index leaves out.
	common bool
}

// unit is one thing looked for, in any of several writings.
type unit struct{ anyOf []writing }

// writing holds when all words are there, and one that begins with prefix.
type writing struct {
	words  []string
	prefix string
}

// parse reads what a person typed.
func (s *stems) parse(text string) parsed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(text) > queryMax {
		text = strings.ToValidUTF8(text[:queryMax], "")
	}
	var p parsed
	var rest []unit // units of common words alone
	pieces := quoted(text)
	for i, piece := range pieces {
		tokens := s.scan.scan(piece.text, 2*unitsMax)
		unfinished := i == len(pieces)-1 && !piece.quoted && len(tokens) > 0 && int(tokens[len(tokens)-1].end) == len(piece.text)
		if piece.quoted && len(tokens) > 1 {
			var phrase []string
			for _, t := range tokens {
				phrase = append(phrase, s.of(t.word, t.script))
			}
			p.phrases = append(p.phrases, phrase)
		}
		for from := 0; from < len(tokens); {
			u, to, common := s.unit(piece.text, tokens, from, unfinished)
			if common {
				rest = append(rest, u)
			} else if len(u.anyOf) > 0 && len(p.units) < unitsMax {
				p.units = append(p.units, u)
			}
			from = to
		}
	}
	if len(p.units) == 0 && len(rest) > 0 {
		p.units, p.common = rest[:min(len(rest), unitsMax)], true
	}
	return p
}

// unit reads the unit that begins at token from and says where the next one
// does. common: it is a word that the index leaves out.
func (s *stems) unit(text string, tokens []token, from int, unfinished bool) (u unit, to int, common bool) {
	var parts []string
	if number, end := telephone(text, tokens, from); number != "" {
		to = end
		u.anyOf = append(u.anyOf, writing{words: []string{number}})
		if len(number) > 10 {
			u.anyOf = append(u.anyOf, writing{words: []string{number[len(number)-10:]}})
		}
		for _, t := range tokens[from:to] {
			parts = append(parts, t.word)
		}
		u.anyOf = append(u.anyOf, writing{words: parts})
		return u, to, false
	}
	to = chunk(tokens, from)
	typing := unfinished && to == len(tokens)
	if to-from == 1 {
		t := tokens[from]
		root := s.of(t.word, t.script)
		u.anyOf = append(u.anyOf, writing{words: []string{root}})
		if stops[t.word] {
			return u, to, true
		}
		if t.script == digit && len(t.word) > 10 {
			u.anyOf = append(u.anyOf, writing{words: []string{t.word[len(t.word)-10:]}})
		}
		if typing && t.script != digit && utf8.RuneCountInString(t.word) >= prefixMin {
			u.anyOf = append(u.anyOf, writing{prefix: t.word})
		}
		return u, to, false
	}
	whole, sc := joined(tokens[from:to])
	if whole != "" {
		u.anyOf = append(u.anyOf, writing{words: []string{s.of(whole, sc)}})
		if typing {
			u.anyOf = append(u.anyOf, writing{prefix: whole})
		}
	}
	mail := false
	for i := from; i < to; i++ {
		t := tokens[i]
		mail = mail || i > from && t.glue == '@'
		if !stops[t.word] {
			parts = append(parts, s.of(t.word, t.script))
		}
	}
	if len(parts) > 0 && (!mail || whole == "") {
		u.anyOf = append(u.anyOf, writing{words: parts})
		if last := tokens[to-1]; typing && len(parts) > 1 && utf8.RuneCountInString(last.word) >= prefixMin {
			u.anyOf = append(u.anyOf, writing{words: parts[:len(parts)-1], prefix: last.word})
		}
	}
	return u, to, false
}

// piece of a query's text.
type piece struct {
	text   string
	quoted bool
}

// quoted cuts a text at its quotation marks, of any of the three languages. A
// mark that is never closed is no mark.
func quoted(text string) []piece {
	var list []piece
	for text != "" {
		open := strings.IndexAny(text, `"«“„”`)
		if open < 0 {
			break
		}
		_, n := utf8.DecodeRuneInString(text[open:])
		size := strings.IndexAny(text[open+n:], `"»“”`)
		if size < 0 {
			break
		}
		list = append(list, piece{text: text[:open]}, piece{text: text[open+n : open+n+size], quoted: true})
		_, m := utf8.DecodeRuneInString(text[open+n+size:])
		text = text[open+n+size+m:]
	}
	return append(list, piece{text: text})
}

// fts writes the query in SQLite's words. Words hold letters, digits and the few
// signs that the index keeps, so quoting them is enough.
func (p parsed) fts(mark string) string { return p.write(mark, " AND ", " OR ", `"`) }

// tsquery writes the query in PostgreSQL's words.
func (p parsed) tsquery(mark string) string { return p.write(mark, " & ", " | ", "'") }

func (p parsed) write(mark, and, or, quote string) string {
	var units []string
	for _, u := range p.units {
		var ways []string
		for _, w := range u.anyOf {
			var all []string
			for _, word := range w.words {
				all = append(all, quote+mark+word+quote)
			}
			ways = append(ways, "("+strings.Join(all, and)+")")
		}
		units = append(units, "("+strings.Join(ways, or)+")")
	}
	return strings.Join(units, and)
}

// one is a query for a single word.
func one(word string) parsed {
	return parsed{units: []unit{{anyOf: []writing{{words: []string{word}}}}}}
}

// words lists the words of all writings, each once.
func (p parsed) words() []string {
	var l wordList
	for _, u := range p.units {
		for _, w := range u.anyOf {
			for _, word := range w.words {
				l.add(word)
			}
		}
	}
	return l.list
}

// prefix is the unfinished word, or "".
func (p parsed) prefix() string {
	for _, u := range p.units {
		for _, w := range u.anyOf {
			if w.prefix != "" && len(w.words) == 0 {
				return w.prefix
			}
		}
	}
	return ""
}

// heldBy reports whether a text with these words matches; phrases are not looked at.
func (p parsed) heldBy(words map[string]bool) bool {
	for _, u := range p.units {
		held := false
		for _, w := range u.anyOf {
			if held = w.heldBy(words); held {
				break
			}
		}
		if !held {
			return false
		}
	}
	return true
}

func (w writing) heldBy(words map[string]bool) bool {
	for _, word := range w.words {
		if !words[word] {
			return false
		}
	}
	if w.prefix == "" {
		return true
	}
	for word := range words {
		if strings.HasPrefix(word, w.prefix) {
			return true
		}
	}
	return false
}
