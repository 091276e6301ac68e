package calls

import (
	"context"
	"slices"
	"time"

	"holdfast"
	"holdfast/store"
)

// List is one that was handed out, with the asker's own calls.
type List struct {
	ID     holdfast.ID `json:"id"`
	Name   string      `json:"name"`
	Run    holdfast.ID `json:"run,omitzero" doc:"Of a plan."`
	MadeAt time.Time   `json:"made_at"`
	People []Share     `json:"people"`
	Calls  []One       `json:"calls" doc:"The asker's, in the order in which to call."`
}

// Share is how far somebody is.
type Share struct {
	Operator holdfast.ID `json:"operator"`
	All      int         `json:"all"`
	Done     int         `json:"done"`
}

// One is a customer to call.
type One struct {
	Customer holdfast.ID          `json:"customer"`
	Name     string               `json:"name"`
	Numbers  []string             `json:"numbers"`
	Matters  []Matter             `json:"matters"`
	Outcome  holdfast.CallOutcome `json:"outcome,omitempty" enum:"reached,no_answer,later,wrong"`
	Text     string               `json:"text,omitempty"`
	At       time.Time            `json:"at,omitzero"`
}

// Lists are a workspace's of the last two weeks that were not taken back, the latest
// first, with the calls of one operator.
func (c *Calls) Lists(ctx context.Context, workspace, operator holdfast.ID) ([]List, error) {
	rows, err := c.DB.Query(ctx, "SELECT id, name, run, made_at FROM call_list WHERE workspace = $1 AND made_at > $2 AND NOT withdrawn ORDER BY made_at DESC, id LIMIT 20", workspace, c.DB.Now().Add(-life))
	lists, err := store.Collect(rows, err, func(r *store.Rows, l *List) error { return r.Scan(&l.ID, &l.Name, &l.Run, &l.MadeAt) })
	if err != nil {
		return nil, err
	}
	for i := range lists {
		if err := c.fill(ctx, workspace, operator, &lists[i]); err != nil {
			return nil, err
		}
	}
	return lists, nil
}

func (c *Calls) fill(ctx context.Context, workspace, operator holdfast.ID, l *List) error {
	type row struct {
		One
		operator holdfast.ID
	}
	rows, err := c.DB.Query(ctx, "SELECT customer, operator, outcome, text, called_at FROM call_item WHERE workspace = $1 AND list = $2 AND operator IS NOT NULL ORDER BY position", workspace, l.ID)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error {
		return r.Scan(&v.Customer, &v.operator, (*string)(&v.Outcome), &v.Text, &v.At)
	})
	if err != nil {
		return err
	}
	l.People, l.Calls = []Share{}, []One{}
	var own []holdfast.ID
	for _, v := range list {
		i := slices.IndexFunc(l.People, func(s Share) bool { return s.Operator == v.operator })
		if i < 0 {
			i = len(l.People)
			l.People = append(l.People, Share{Operator: v.operator})
		}
		l.People[i].All++
		if v.Outcome != "" {
			l.People[i].Done++
		}
		if v.operator == operator {
			own = append(own, v.Customer)
			l.Calls = append(l.Calls, v.One)
		}
	}
	people, err := c.Inbox.CustomersByID(ctx, workspace, own)
	if err != nil {
		return err
	}
	numbers, err := c.numbers(ctx, workspace, people)
	if err != nil {
		return err
	}
	for i := range l.Calls {
		one := &l.Calls[i]
		for _, p := range people {
			if p.ID == one.Customer {
				one.Name = p.Name
			}
		}
		one.Numbers = append([]string{}, numbers[one.Customer]...)
		if one.Matters, err = c.matters(ctx, workspace, one.Customer); err != nil {
			return err
		}
	}
	return nil
}
