package search

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"holdfast"
	"holdfast/store"
)

// What looking for a customer may cost.
const (
	customersMax = 10
	nameUnits    = 6    // words of the query
	completions  = 40   // words that a typed one may begin
	driven       = 5000 // rows of the rarest word that are compared with the others
	rankedNames  = 200  // customers whose names are read
)

// How well a word of a customer fits a typed one.
const (
	none    = 0
	wrong   = 1 // with a typing error forgiven, or by its consonants
	begins  = 3
	perfect = 4
)

// sought is one typed word and the words of the index that it may mean.
type sought struct {
	nameWord
	words map[string]int // to how well they fit
	exact bool
}

// customers fills in those whose name, company or address holds what was typed.
func (x *Index) customers(ctx context.Context, q Query, res *Results) error {
	var list []sought
	for _, w := range x.soughtIn(q.Text) {
		s := sought{nameWord: w, words: map[string]int{}}
		if err := x.meanings(ctx, q.Workspace, &s); err != nil {
			return err
		}
		if len(s.words) > 0 {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil
	}
	ids, err := x.having(ctx, q.Workspace, list)
	if err != nil {
		return err
	}
	if len(ids) == 0 && len(list) > 1 {
		// Nobody has all of the words: they may be about something beside the name.
		for _, s := range list {
			if s.exact {
				some, err := x.having(ctx, q.Workspace, []sought{s})
				if err != nil {
					return err
				}
				ids = append(ids, some...)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return x.loadCustomers(ctx, q.Workspace, list, ids[:min(len(ids), rankedNames)], res)
}

// soughtIn takes a query apart for names and addresses.
func (x *Index) soughtIn(text string) []nameWord {
	text = strings.ToValidUTF8(text[:min(len(text), queryMax)], "")
	s := x.reading
	s.mu.Lock()
	defer s.mu.Unlock()
	tokens := s.scan.scan(text, 2*unitsMax)
	var list []nameWord
	for from := 0; from < len(tokens) && len(list) < nameUnits; {
		if number, to := telephone(text, tokens, from); number != "" {
			list = append(list, nameWord{word: number[max(0, len(number)-10):]})
			from = to
			continue
		}
		to := chunk(tokens, from)
		mail := false
		for _, t := range tokens[from+1 : to] {
			mail = mail || t.glue == '@' || t.glue == '.'
		}
		if whole, _ := joined(tokens[from:to]); mail && whole != "" {
			list = append(list, nameWord{word: whole})
		} else {
			for _, t := range tokens[from:to] {
				w := nameWordOf(t)
				if t.script == digit && len(w.word) > 10 {
					w.word = w.word[len(w.word)-10:]
				}
				if w.word != "" && len(list) < nameUnits {
					list = append(list, w)
				}
			}
		}
		from = to
	}
	return list
}

// meanings finds the words of the index that a typed one may mean: itself, what
// it begins, and, when it is no word, what it is one or two typing errors from.
func (x *Index) meanings(ctx context.Context, workspace holdfast.ID, s *sought) error {
	if utf8.RuneCountInString(s.word) < 2 {
		return nil
	}
	scan := func(r *store.Rows, w *string) error { return r.Scan(w) }
	rows, err := x.db.Query(ctx, "SELECT word FROM name_gram WHERE workspace = $1 AND gram = '' AND word >= $2 AND word < $3 ORDER BY word LIMIT $4",
		workspace, s.word, s.word+"\U0010FFFF", completions)
	list, err := store.Collect(rows, err, scan)
	if err != nil {
		return err
	}
	for _, w := range list {
		s.words[w] = begins
		if w == s.word {
			s.words[w], s.exact = perfect, true
		}
	}
	if key := s.otherKey(); key != "" && s.letters {
		s.words[key] = wrong
	}
	grams := gramsOf(s.word)
	if s.exact || !s.letters || len(grams) == 0 || forgiven(s.word) == 0 {
		return nil
	}
	args := []any{workspace, utf8.RuneCountInString(s.word)}
	for _, g := range grams {
		args = append(args, g)
	}
	rows, err = x.db.Unprepared(ctx, "SELECT word FROM name_gram WHERE workspace = $1 AND gram IN "+store.In(3, len(grams))+
		" GROUP BY word ORDER BY COUNT(*) DESC, ABS(LENGTH(word) - $2), word LIMIT 120", args...)
	list, err = store.Collect(rows, err, scan)
	if err != nil {
		return err
	}
	for _, w := range list {
		if s.words[w] == none && typos(s.word, w, forgiven(s.word)) <= forgiven(s.word) {
			s.words[w] = wrong
		}
	}
	return nil
}

// having lists customers that have a word for each sought one, a bounded number.
// It goes through the rows of the rarest and looks for the others beside each.
func (x *Index) having(ctx context.Context, workspace holdfast.ID, list []sought) ([]holdfast.ID, error) {
	type group struct {
		words []string
		rows  int64
	}
	var groups []group
	for _, s := range list {
		var g group
		for w := range s.words {
			g.words = append(g.words, w)
		}
		slices.Sort(g.words)
		args := []any{workspace, driven}
		for _, w := range g.words {
			args = append(args, w)
		}
		rows, err := x.db.Unprepared(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM name_word WHERE workspace = $1 AND word IN "+store.In(3, len(g.words))+" LIMIT $2) t", args...)
		counts, err := store.Collect(rows, err, func(r *store.Rows, n *int64) error { return r.Scan(n) })
		if err != nil {
			return nil, err
		}
		g.rows = counts[0]
		if g.rows == 0 {
			continue // the other alphabet's key alone, which nobody has
		}
		groups = append(groups, g)
	}
	if len(groups) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.rows, b.rows) })
	args := []any{workspace, driven, rankedNames}
	place := func(words []string) string {
		from := len(args) + 1
		for _, w := range words {
			args = append(args, w)
		}
		return store.In(from, len(words))
	}
	var sql strings.Builder
	sql.WriteString("SELECT DISTINCT d.customer FROM (SELECT customer FROM name_word WHERE workspace = $1 AND word IN " + place(groups[0].words) + " LIMIT $2) d WHERE 1 = 1")
	for _, g := range groups[1:] {
		sql.WriteString(" AND EXISTS (SELECT 1 FROM name_word o WHERE o.workspace = $1 AND o.customer = d.customer AND o.word IN " + place(g.words) + ")")
	}
	sql.WriteString(" LIMIT $3")
	rows, err := x.db.Unprepared(ctx, sql.String(), args...)
	return store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
}

// loadCustomers reads customers and puts the best first: how well the words of
// the name, company and addresses they have now fit. A name they had earlier still
// finds them, last.
func (x *Index) loadCustomers(ctx context.Context, workspace holdfast.ID, list []sought, ids []holdfast.ID, res *Results) error {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	in := store.In(1, len(ids))
	type candidate struct {
		CustomerHit
		workspace holdfast.ID
		score     int
	}
	// The workspace is compared here: asked for in the statement, it tempts a
	// database to walk through everybody in it.
	rows, err := x.db.Unprepared(ctx, "SELECT workspace, id, name, company FROM customer WHERE id IN "+in, args...)
	found, err := store.Collect(rows, err, func(r *store.Rows, c *candidate) error {
		return r.Scan(&c.workspace, &c.Customer, &c.Name, &c.Company)
	})
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(c candidate) bool { return c.workspace != workspace })
	type row struct {
		holdfast.Address
		workspace, customer holdfast.ID
	}
	rows, err = x.db.Unprepared(ctx, "SELECT workspace, customer, scheme, value, name, verified FROM address WHERE customer IN "+in, args...)
	addresses, err := store.Collect(rows, err, func(r *store.Rows, a *row) error {
		return r.Scan(&a.workspace, &a.customer, &a.Scheme, &a.Value, &a.Name, &a.Verified)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(addresses, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Scheme, b.Scheme), cmp.Compare(a.Value, b.Value))
	})
	for i := range found {
		c := &found[i]
		fits := make([]int, len(list))
		fit := func(words []string) (fitted bool) {
			for i, s := range list {
				for _, w := range words {
					if f := s.words[w]; f > none {
						fits[i], fitted = max(fits[i], f), true
					}
				}
			}
			return fitted
		}
		fit(x.nameWords(c.Name))
		fit(x.nameWords(c.Company))
		for _, a := range addresses {
			if a.customer == c.Customer && a.workspace == workspace && fit(append(x.reading.addressWords(a.Value), x.nameWords(a.Name)...)) {
				c.Matched = append(c.Matched, a.Address)
			}
		}
		for _, f := range fits {
			c.score += f * f
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name), slices.Compare(a.Customer[:], b.Customer[:]))
	})
	for _, c := range found[:min(len(found), customersMax)] {
		res.Customers = append(res.Customers, c.CustomerHit)
	}
	return nil
}

// nameWords are the words and keys of a name as the index has them.
func (x *Index) nameWords(name string) []string {
	var list []string
	for _, w := range x.reading.names(name) {
		list = append(list, w.word, w.key)
	}
	return list
}
