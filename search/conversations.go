package search

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"holdfast"
	"holdfast/store"
)

// conversationsMax is how many conversations a first page shows.
const conversationsMax = 10

var numbered = regexp.MustCompile(`^\s*[#№]?\s*(\d{1,15})\s*$`)

const conversationColumns = `SELECT c.id, c.number, c.subject, c.state, c.customer, COALESCE(u.name, '')
	FROM conversation c LEFT JOIN customer u ON u.id = c.customer WHERE c.workspace = $1 AND `

func scanConversation(r *store.Rows, h *ConversationHit) error {
	return r.Scan(&h.Conversation, &h.Number, &h.Subject, &h.State, &h.Customer, &h.CustomerName)
}

// conversations fills in the one with the number that was typed, then those whose
// subject, as it is now, matches.
func (x *Index) conversations(ctx context.Context, q Query, p parsed, subjects []holdfast.LSN, res *Results) error {
	if n := numberIn(q.Text); n > 0 {
		rows, err := x.db.Query(ctx, conversationColumns+"c.number = $2 ORDER BY c.id LIMIT 5", q.Workspace, n)
		if res.Conversations, err = store.Collect(rows, err, scanConversation); err != nil {
			return err
		}
	}
	if len(subjects) == 0 {
		return nil
	}
	args := []any{q.Workspace}
	for _, lsn := range subjects[:min(len(subjects), batchSize)] {
		args = append(args, lsn)
	}
	rows, err := x.db.Unprepared(ctx, conversationColumns+"c.id IN (SELECT conversation FROM subject_words WHERE lsn IN "+store.In(2, len(args)-1)+") ORDER BY c.last_clock DESC, c.id", args...)
	found, err := store.Collect(rows, err, scanConversation)
	if err != nil {
		return err
	}
	for _, h := range found {
		if len(res.Conversations) == conversationsMax {
			break
		}
		subject := x.reading.read(h.Subject)
		holds := p.heldBy(x.everyWord(h.Subject))
		for _, phrase := range p.phrases {
			holds = holds && subject.holds(phrase)
		}
		if holds {
			res.Conversations = append(res.Conversations, h)
		}
	}
	if res.Conversations == nil {
		res.Conversations = []ConversationHit{}
	}
	return nil
}

// numberIn is the conversation's number when the text is nothing else ("#123",
// "№ ۱۲۳"), or 0.
func numberIn(text string) int64 {
	var plain []byte
	for _, r := range text {
		if folded, s, _ := foldRune(nil, r); s == digit {
			plain = append(plain, folded...)
		} else {
			plain = append(plain, string(r)...)
		}
	}
	m := numbered.FindStringSubmatch(strings.TrimSpace(string(plain)))
	if m == nil {
		return 0
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
