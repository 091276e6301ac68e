// Package search finds messages, customers and conversations by the words in
// them, in Russian, Persian and English. It is a projection with the queries over
// it: words are folded and stemmed here, before either database sees them, so
// that both find the same.
//
// It refuses to show anything of another workspace, to rank more than a bounded
// number of candidates, and to keep a text: texts and names are read from the
// inbox's tables.
package search

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"holdfast"
	"holdfast/store"
)

// Query asks for what holds every word of Text. Words in quotation marks stand
// together; the last word may be unfinished. When nothing holds them all, what
// holds the rarest of them is found.
type Query struct {
	Workspace holdfast.ID
	Text      string
	// Limit is the number of messages wanted, 20 when 0, at most 100.
	Limit int
	// Before continues after a page: the Next of its Results.
	Before holdfast.LSN
	// Customer and Conversation narrow it down to one; zero means all.
	Customer     holdfast.ID
	Conversation holdfast.ID
	// Notes looks into private notes too.
	Notes bool
}

// Results of a query. Customers and Conversations come with the first page only.
type Results struct {
	Messages      []Hit             `json:"messages"`
	Customers     []CustomerHit     `json:"customers"`
	Conversations []ConversationHit `json:"conversations"`
	// Next continues the messages; 0 when there are no more.
	Next holdfast.LSN `json:"next,omitempty"`
	// Loose says that no message holds all the words: these hold some of them, the
	// best first. Otherwise the newest is first.
	Loose bool `json:"loose,omitempty"`
}

// Hit is a message.
type Hit struct {
	LSN          holdfast.LSN       `json:"lsn"`
	Message      holdfast.ID        `json:"message"`
	Conversation holdfast.ID        `json:"conversation"`
	Number       int64              `json:"number"` // of the conversation
	Customer     holdfast.ID        `json:"customer,omitzero"`
	CustomerName string             `json:"customer_name,omitempty"`
	Direction    holdfast.Direction `json:"direction"`
	At           time.Time          `json:"at"`
	Subject      string             `json:"subject,omitempty"`
	Snippet      []Part             `json:"snippet"`
}

// Part is a piece of a snippet; Mark says that it is what was looked for.
type Part struct {
	Text string `json:"text"`
	Mark bool   `json:"mark,omitempty"`
}

// CustomerHit is a customer whose name, company or address matches.
type CustomerHit struct {
	Customer holdfast.ID        `json:"customer"`
	Name     string             `json:"name"`
	Company  string             `json:"company,omitempty"`
	Matched  []holdfast.Address `json:"matched,omitempty"` // addresses that match
}

// ConversationHit is a conversation whose number or subject matches.
type ConversationHit struct {
	Conversation holdfast.ID `json:"conversation"`
	Number       int64       `json:"number"`
	Subject      string      `json:"subject"`
	State        string      `json:"state"`
	Customer     holdfast.ID `json:"customer,omitzero"`
	CustomerName string      `json:"customer_name,omitempty"`
}

// Index is the projection and the queries. Make one with New.
type Index struct {
	db      *store.DB
	writing *stems // of what is written: the writer must not wait for a search
	reading *stems
	// Log is told once when the database refuses its upkeep; nil for nobody.
	Log *slog.Logger

	mu    sync.Mutex
	known recent // words that are in known_word for certain
}

// New makes the index over a database.
func New(db *store.DB) *Index {
	return &Index{db: db, writing: newStems(1 << 16), reading: newStems(1 << 15), known: recent{half: 1 << 15}}
}

// Search answers a query. An empty text finds nothing. The error is Unavailable
// when the database does not answer.
func (x *Index) Search(ctx context.Context, q Query) (Results, error) {
	res := Results{Messages: []Hit{}, Customers: []CustomerHit{}, Conversations: []ConversationHit{}}
	if q.Limit <= 0 {
		q.Limit = limitDefault
	}
	q.Limit = min(q.Limit, limitMax)
	q.Text = strings.TrimLeftFunc(q.Text, unicode.IsSpace)
	p := x.reading.parse(q.Text)
	if len(p.units) == 0 {
		return res, nil
	}
	narrow := !q.Customer.IsZero() || !q.Conversation.IsZero()
	if narrow || p.common {
		if err := x.walk(ctx, q, p, &res); err != nil {
			return Results{}, err
		}
	} else {
		subjects, err := x.page(ctx, q, p, &res)
		if err == nil && q.Before == 0 {
			err = x.conversations(ctx, q, p, subjects, &res)
		}
		if err == nil && q.Before == 0 && len(res.Messages) == 0 && res.Next == 0 && len(p.units) > 1 && len(p.phrases) == 0 {
			err = x.rank(ctx, q, p, &res)
		}
		if err != nil {
			return Results{}, err
		}
	}
	if !narrow && q.Before == 0 {
		if err := x.customers(ctx, q, &res); err != nil {
			return Results{}, err
		}
	}
	return res, nil
}
