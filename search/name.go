package search

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"holdfast"
	"holdfast/store"
)

// Names are compared in one alphabet: Cyrillic is written in Latin letters and
// the usual spellings of one sound become one ("Yuriy", "Iury", "Юрий"). Persian
// does not write short vowels, so a Persian name meets a Latin or Cyrillic one by
// its consonants: they stand in the index behind "~" for names in Persian letters
// and behind "^" for the others.

// nameWord is one word of a name, as it is looked up.
type nameWord struct {
	word string // in Latin letters, or folded Persian
	key  string // its consonants, "" when they are too few to tell anything
	// persian says which alphabet it was written in.
	persian bool
	letters bool // no digits: a name, in which typing errors are forgiven
}

// nameMax is how many words of one name or address are indexed.
const nameMax = 12

// names takes a name apart.
func (s *stems) names(name string) []nameWord {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []nameWord
	for _, t := range s.scan.scan(name, nameMax) {
		list = append(list, nameWordOf(t))
	}
	return list
}

func nameWordOf(t token) nameWord {
	w := nameWord{word: t.word, letters: t.script&(digit|foreign) == 0, persian: t.script&arabic != 0}
	if !w.letters {
		return w
	}
	if w.persian {
		w.key = persianKey(t.word)
	} else {
		w.word = spelling(t.word)
		w.key = latinKey(w.word)
	}
	return w
}

var toLatin = strings.NewReplacer(
	"дж", "j", "а", "a", "б", "b", "в", "v", "г", "g", "ґ", "g", "д", "d", "е", "e", "є", "e", "ж", "zh", "з", "z", "и", "i", "і", "i", "ї", "i", "й", "i",
	"к", "k", "л", "l", "м", "m", "н", "n", "о", "o", "п", "p", "р", "r", "с", "s", "т", "t", "у", "u", "ў", "u", "ф", "f", "х", "h", "ц", "ts",
	"ч", "ch", "ш", "sh", "щ", "sh", "ъ", "", "ы", "i", "ь", "", "э", "e", "ю", "iu", "я", "ia")

var sounds = strings.NewReplacer(
	"shch", "sh", "sch", "sh", "tch", "ch", "ch", "ch", "sh", "sh", "zh", "zh", "kh", "h", "gh", "g", "ph", "f", "th", "t", "ck", "k", "tz", "ts",
	"yo", "e", "ye", "e", "ce", "se", "ci", "si", "cy", "si", "c", "k", "q", "g", "w", "v", "x", "ks", "y", "i")

// spelling brings the spellings of a Latin or Cyrillic name together.
func spelling(word string) string {
	word = sounds.Replace(toLatin.Replace(word))
	var b strings.Builder
	var last rune
	for _, r := range word {
		if r != last {
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}

// consonants of a spelling, one letter a sound; v and y may be vowels in Persian.
var consonants = strings.NewReplacer("ch", "c", "sh", "x", "zh", "j", "ts", "ts",
	"a", "", "e", "", "i", "", "o", "", "u", "", "v", "")

func latinKey(word string) string { return keyOf("^", consonants.Replace(word)) }

var persianSounds = strings.NewReplacer("ا", "", "ب", "b", "پ", "p", "ت", "t", "ث", "s", "ج", "j", "چ", "c", "ح", "h", "خ", "h",
	"د", "d", "ذ", "z", "ر", "r", "ز", "z", "ژ", "j", "س", "s", "ش", "x", "ص", "s", "ض", "z", "ط", "t", "ظ", "z", "ع", "", "غ", "g",
	"ف", "f", "ق", "g", "ک", "k", "گ", "g", "ل", "l", "م", "m", "ن", "n", "و", "", "ه", "h", "ی", "")

func persianKey(word string) string { return keyOf("~", persianSounds.Replace(word)) }

// keyOf finishes a key: doubled letters and a silent h at the end go.
func keyOf(mark, key string) string {
	var b strings.Builder
	var last rune
	for _, r := range key {
		if r != last {
			b.WriteRune(r)
		}
		last = r
	}
	key = strings.TrimSuffix(b.String(), "h")
	if utf8.RuneCountInString(key) < 2 {
		return ""
	}
	return mark + key
}

// otherKey is the key under which names in the other alphabet stand.
func (w nameWord) otherKey() string {
	if w.key == "" {
		return ""
	}
	if w.persian {
		return "^" + w.key[1:]
	}
	return "~" + w.key[1:]
}

// addressWords are the words an address is found by: whole, in parts, and a
// telephone number by its ends.
func (s *stems) addressWords(value string) []string {
	if _, err := holdfast.ParseID(value); err == nil {
		return nil // a number nobody types
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words.list, s.words.seen = s.words.list[:0], nil
	tokens := s.scan.scan(value, nameMax)
	if len(tokens) == 0 {
		return nil
	}
	if number, to := telephone(value, tokens, 0); to == len(tokens) && (number != "" || tokens[0].script == digit) {
		if number == "" {
			number = tokens[0].word
		}
		s.words.add(number)
		s.dialled(number)
		return slices.Clone(s.words.list)
	}
	if whole, _ := joined(tokens); whole != "" {
		s.words.add(whole)
	}
	for i, t := range tokens {
		if t.glue == '@' {
			host, _ := joined(tokens[i:])
			s.words.add(host)
			break // what follows is a host's, the same for thousands
		}
		s.words.add(nameWordOf(t).word)
	}
	return slices.Clone(s.words.list)
}

// addNames indexes names and addresses of the customer that the entry is about.
func (x *Index) addNames(tx *store.Tx, e *holdfast.Entry, name, company string, addresses []holdfast.Address) error {
	var words, listed, typed wordList // all, those that can be completed, those with typing errors forgiven
	named := func(text string) {
		for _, w := range x.writing.names(text) {
			if w.word == "" {
				continue
			}
			words.add(w.word)
			listed.add(w.word)
			words.add(w.key)
			if w.letters {
				typed.add(w.word)
			}
		}
	}
	named(name)
	named(company)
	for _, a := range addresses {
		named(a.Name)
		for _, w := range x.writing.addressWords(a.Value) {
			words.add(w)
			listed.add(w)
		}
	}
	if len(words.list) == 0 {
		return nil
	}
	for row := range slices.Chunk(words.list, rowsAtOnce) {
		args := make([]any, 0, 2+rowsAtOnce) // anew: the statement may be sent later
		args = append(args, e.Workspace, e.Subject)
		for i := range rowsAtOnce {
			args = append(args, row[min(i, len(row)-1)])
		}
		if err := tx.Exec(insertWords, args...); err != nil {
			return err
		}
	}
	var grams [][2]string
	for _, w := range listed.list {
		grams = append(grams, [2]string{"", w})
	}
	for _, w := range typed.list {
		for _, g := range gramsOf(w) {
			grams = append(grams, [2]string{g, w})
		}
	}
	for row := range slices.Chunk(grams, rowsAtOnce) {
		args := make([]any, 0, 1+2*rowsAtOnce)
		args = append(args, e.Workspace)
		for i := range rowsAtOnce {
			g := row[min(i, len(row)-1)]
			args = append(args, g[0], g[1])
		}
		if err := tx.Exec(insertGrams, args...); err != nil {
			return err
		}
	}
	return nil
}

// rowsAtOnce go in one statement; a shorter row repeats its last. One text of the
// statement for all lengths keeps it prepared.
const rowsAtOnce = 8

var (
	insertWords = "INSERT INTO {name_word} (workspace, customer, word) VALUES " + tuples(2, 1) + " ON CONFLICT DO NOTHING"
	insertGrams = "INSERT INTO {name_gram} (workspace, gram, word) VALUES " + tuples(1, 2) + " ON CONFLICT DO NOTHING"
)

// tuples writes rowsAtOnce rows that begin with the same fixed parameters and go
// on with some of their own.
func tuples(fixed, own int) string {
	var rows []string
	next := fixed
	for range rowsAtOnce {
		var row []string
		for i := range fixed {
			row = append(row, "$"+strconv.Itoa(i+1))
		}
		for range own {
			next++
			row = append(row, "$"+strconv.Itoa(next))
		}
		rows = append(rows, "("+strings.Join(row, ",")+")")
	}
	return strings.Join(rows, ",")
}

// gramsOf are the runs of three letters in a word with a mark at either end.
func gramsOf(word string) []string {
	r := []rune("^" + word + "$")
	if len(r) < 5 {
		return nil // a typing error in two letters leaves nothing to go by
	}
	var l wordList
	for i := range len(r) - 2 {
		l.add(string(r[i : i+3]))
	}
	return l.list
}

// typos is how many slips of the finger lie between two words: a letter too many,
// too few, another one, or two neighbours the wrong way round (Damerau and
// Levenshtein, each stretch edited once). More than max is max+1.
func typos(a, b string, max int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d > max || -d > max {
		return max + 1
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > max {
			return max + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(y)], max+1)
}

// forgiven is how many typing errors a word of this length may have.
func forgiven(word string) int {
	switch n := utf8.RuneCountInString(word); {
	case n < 4:
		return 0
	case n < 8:
		return 1
	}
	return 2
}
