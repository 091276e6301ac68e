package search

import (
	"cmp"
	"context"
	"math"
	"slices"

	"holdfast"
)

// What a loose search may cost.
const (
	rankWords = 12  // words of the query, the rarest first in effect
	rankEach  = 400 // newest candidates for each word
	rankMax   = 200 // texts that are read and scored
)

// The two constants of Okapi BM25, at their usual values.
const (
	bm25K = 1.2
	bm25B = 0.75
)

// rank fills the results with what holds some of the words, the best first: by
// Okapi BM25 over a bounded number of candidates. How rare a word is, is told from
// how far back its newest candidates reach.
func (x *Index) rank(ctx context.Context, q Query, p parsed, res *Results) error {
	var top holdfast.LSN
	if err := x.db.QueryRow(ctx, "SELECT COALESCE(MAX(lsn), 0) FROM message").Scan((*int64)(&top)); err != nil {
		return err
	}
	words := p.words()
	words = words[:min(len(words), rankWords)]
	weight := map[string]float64{}
	score := map[holdfast.LSN]float64{}
	mark := workspaceMark(q.Workspace)
	for _, w := range words {
		list, err := x.newest(ctx, mark, one(w), math.MaxInt64, rankEach)
		if err != nil {
			return err
		}
		df, n := float64(len(list)), float64(max(top, 1))
		if len(list) == rankEach {
			df *= n / float64(top-list[len(list)-1]+1)
		}
		weight[w] = math.Log(1 + max(0, n-df+0.5)/(df+0.5))
		for _, lsn := range list {
			score[lsn] += weight[w]
		}
	}
	list := make([]holdfast.LSN, 0, len(score))
	for lsn := range score {
		list = append(list, lsn)
	}
	slices.SortFunc(list, func(a, b holdfast.LSN) int {
		return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(b, a))
	})
	found, err := x.load(ctx, q.Workspace, list[:min(len(list), rankMax)])
	if err != nil {
		return err
	}
	type scored struct {
		message
		read
		score float64
	}
	var docs []scored
	total := 0
	for _, m := range found {
		if m.Direction == holdfast.Note && !q.Notes {
			continue
		}
		d := scored{message: m, read: x.reading.read(m.text)}
		docs = append(docs, d)
		total += len(d.tokens)
	}
	if len(docs) == 0 {
		return nil
	}
	mean := max(1, float64(total)/float64(len(docs)))
	for i := range docs {
		docs[i].score = x.bm25(docs[i].Subject, docs[i].read, weight, mean)
	}
	slices.SortFunc(docs, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.LSN, a.LSN)) })
	for _, d := range docs[:min(len(docs), q.Limit)] {
		d.Snippet = d.snippet(d.marked(x.reading, p))
		res.Messages = append(res.Messages, d.Hit)
	}
	res.Loose = true
	return nil
}

// bm25 scores a message; its subject counts as part of its text.
func (x *Index) bm25(subject string, r read, weight map[string]float64, mean float64) float64 {
	counts := map[string]float64{}
	for _, root := range r.roots {
		if _, ok := weight[root]; ok {
			counts[root]++
		}
	}
	for _, w := range x.reading.index(subject, r.text) { // numbers, names and addresses that are several tokens
		if _, ok := weight[w]; ok && counts[w] == 0 {
			counts[w] = 1
		}
	}
	length := bm25K * (1 - bm25B + bm25B*float64(len(r.tokens))/mean)
	sum := 0.0
	for w, n := range counts {
		sum += weight[w] * n * (bm25K + 1) / (n + length)
	}
	return sum
}
