package search

import (
	"context"
	"math"
	"slices"
	"strconv"

	"holdfast"
	"holdfast/store"
)

// What a page may cost.
const (
	limitDefault = 20
	limitMax     = 100
	batchSize    = 100  // candidates read at once
	examineMax   = 1000 // texts looked at before a page ends, however few it has
)

// window is how many of the newest journal numbers are looked through one by one
// on PostgreSQL before its word index is asked. That index gives all numbers that
// hold a word, in no order: good for rare words and ruinous for common ones, and
// common ones are found in the window.
const window = 8192

// newest are the journal numbers below before that match, at most limit of them,
// the largest first.
func (x *Index) newest(ctx context.Context, mark string, p parsed, before holdfast.LSN, limit int) ([]holdfast.LSN, error) {
	scan := func(r *store.Rows, n *holdfast.LSN) error { return r.Scan((*int64)(n)) }
	if x.db.Dialect() != "postgres" {
		rows, err := x.db.Query(ctx, "SELECT rowid FROM message_words WHERE message_words MATCH $1 AND rowid < $2 ORDER BY rowid DESC LIMIT $3", p.fts(mark), before, limit)
		return store.Collect(rows, err, scan)
	}
	var top holdfast.LSN
	if err := x.db.QueryRow(ctx, "SELECT COALESCE(MAX(lsn), 0) FROM message_words WHERE lsn < $1", before).Scan((*int64)(&top)); err != nil {
		return nil, err
	}
	query := p.tsquery(mark)
	// "IS TRUE" keeps the word index out of it, "+ 0" below the order of numbers.
	rows, err := x.db.Query(ctx, `SELECT lsn FROM message_words WHERE lsn > $2 AND lsn <= $3 AND (words @@ ($1::text)::tsquery) IS TRUE
		ORDER BY lsn DESC LIMIT $4`, query, top-window, top, limit)
	list, err := store.Collect(rows, err, scan)
	if err != nil || len(list) >= limit || top <= window {
		return list, err
	}
	rows, err = x.db.Query(ctx, `SELECT lsn FROM message_words WHERE words @@ ($1::text)::tsquery AND lsn + 0 <= $2
		ORDER BY lsn + 0 DESC LIMIT $3`, query, top-window, limit-len(list))
	older, err := store.Collect(rows, err, scan)
	return append(list, older...), err
}

// What an unfinished word may become, at most.
const (
	endingsMax  = 64
	endingsRead = 5000
)

// complete puts the words that an unfinished one may become in its place, the
// most common first. Asking the index itself for a beginning would gather every
// message that has any of them before the first is given out.
func (x *Index) complete(ctx context.Context, mark string, p parsed) (parsed, error) {
	done := parsed{phrases: p.phrases}
	for _, u := range p.units {
		var full unit
		for _, w := range u.anyOf {
			if w.prefix == "" {
				full.anyOf = append(full.anyOf, w)
				continue
			}
			rows, err := x.db.Query(ctx, "SELECT word FROM (SELECT id, word FROM known_word WHERE word >= $1 AND word < $2 ORDER BY word LIMIT $3) t ORDER BY id LIMIT $4",
				mark+w.prefix, mark+w.prefix+"\U0010FFFF", endingsRead, endingsMax)
			endings, err := store.Collect(rows, err, func(r *store.Rows, s *string) error { return r.Scan(s) })
			if err != nil {
				return p, err
			}
			for _, word := range endings {
				full.anyOf = append(full.anyOf, writing{words: append(slices.Clone(w.words), word[len(mark):])})
			}
		}
		done.units = append(done.units, full)
	}
	return done, nil
}

// message is a row of the inbox's message, with what a hit shows of its conversation.
type message struct {
	Hit
	text string
}

const messageColumns = `SELECT m.lsn, m.id, m.conversation, m.direction, m.at, m.subject, m.text,
	COALESCE(m.customer, c.customer), COALESCE(c.number, 0), COALESCE(u.name, '')
	FROM message m LEFT JOIN conversation c ON c.id = m.conversation LEFT JOIN customer u ON u.id = COALESCE(m.customer, c.customer)
	WHERE m.workspace = $1 AND `

func scanMessage(r *store.Rows, m *message) error {
	var direction string
	err := r.Scan((*int64)(&m.LSN), &m.Message, &m.Conversation, &direction, &m.At, &m.Subject, &m.text, &m.Customer, &m.Number, &m.CustomerName)
	m.Direction = holdfast.Direction(direction)
	return err
}

// load reads the messages among candidates; other numbers are left out.
func (x *Index) load(ctx context.Context, workspace holdfast.ID, list []holdfast.LSN) (map[holdfast.LSN]message, error) {
	if len(list) == 0 {
		return nil, nil
	}
	args := []any{workspace}
	for _, n := range list {
		args = append(args, n)
	}
	rows, err := x.db.Unprepared(ctx, messageColumns+"m.lsn IN "+store.In(2, len(list)), args...)
	found, err := store.Collect(rows, err, scanMessage)
	if err != nil {
		return nil, err
	}
	byLSN := make(map[holdfast.LSN]message, len(found))
	for _, m := range found {
		byLSN[m.LSN] = m
	}
	return byLSN, nil
}

// page fills one page of messages, the newest first. subjects are the numbers
// that matched on the way and are no messages.
func (x *Index) page(ctx context.Context, q Query, p parsed, res *Results) (subjects []holdfast.LSN, err error) {
	before, mark := start(q), workspaceMark(q.Workspace)
	full, err := x.complete(ctx, mark, p)
	if err != nil {
		return nil, err
	}
	for examined := 0; examined < examineMax; {
		list, err := x.newest(ctx, mark, full, before, batchSize)
		if err != nil {
			return nil, err
		}
		found, err := x.load(ctx, q.Workspace, list)
		if err != nil {
			return nil, err
		}
		for _, lsn := range list {
			m, ok := found[lsn]
			if !ok {
				subjects = append(subjects, lsn)
				continue
			}
			if full := x.take(q, p, m, res); full {
				return subjects, nil
			}
		}
		if len(list) < batchSize {
			return subjects, nil
		}
		before = list[len(list)-1]
		examined += len(list)
	}
	res.Next = before
	return subjects, nil
}

func start(q Query) holdfast.LSN {
	if q.Before > 0 {
		return q.Before
	}
	return math.MaxInt64
}

// take puts a candidate into the results if it matches to the letter. It reports
// true, having set Next, when the page was full before it.
func (x *Index) take(q Query, p parsed, m message, res *Results) (full bool) {
	if m.Direction == holdfast.Note && !q.Notes {
		return false
	}
	body := x.reading.read(m.text)
	for _, phrase := range p.phrases {
		if !body.holds(phrase) && !x.reading.read(m.Subject).holds(phrase) {
			return false
		}
	}
	if len(res.Messages) == q.Limit {
		res.Next = res.Messages[q.Limit-1].LSN
		return true
	}
	m.Snippet = body.snippet(body.marked(x.reading, p))
	res.Messages = append(res.Messages, m.Hit)
	return false
}

// walk looks through texts one by one, where that is less work than the index:
// within one conversation or customer, or for words that the index leaves out.
func (x *Index) walk(ctx context.Context, q Query, p parsed, res *Results) error {
	// "+ 0" keeps a database from walking the whole journal backwards for one customer.
	where, args := " ORDER BY m.lsn DESC", []any{q.Workspace, start(q)}
	switch {
	case !q.Conversation.IsZero():
		where, args = " AND m.conversation = $3 ORDER BY m.lsn + 0 DESC", append(args, q.Conversation)
	case !q.Customer.IsZero():
		where, args = " AND m.conversation IN (SELECT id FROM conversation WHERE customer = $3 AND workspace = $1) ORDER BY m.lsn + 0 DESC", append(args, q.Customer)
	}
	for examined := 0; examined < examineMax; {
		rows, err := x.db.Query(ctx, messageColumns+"m.lsn < $2"+where+" LIMIT "+strconv.Itoa(batchSize), args...)
		list, err := store.Collect(rows, err, scanMessage)
		if err != nil {
			return err
		}
		for _, m := range list {
			if !p.heldBy(x.everyWord(m.Subject, m.text)) {
				continue
			}
			if full := x.take(q, p, m, res); full {
				return nil
			}
		}
		if len(list) < batchSize {
			res.Next = 0
			return nil
		}
		res.Next = list[len(list)-1].LSN // should this be where the looking ends
		args[1] = res.Next
		examined += len(list)
	}
	return nil
}

// everyWord is what the index has of texts and, beside it, each word as it stands.
func (x *Index) everyWord(texts ...string) map[string]bool {
	words := map[string]bool{}
	for _, w := range x.reading.index(texts...) {
		words[w] = true
	}
	for _, text := range texts {
		r := x.reading.read(text)
		for i, t := range r.tokens {
			words[r.roots[i]], words[t.word] = true, true
		}
	}
	return words
}
