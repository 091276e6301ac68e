// Package calls hands people customers to call, each a list of their own in the order in
// which customers are told, and keeps what came of each call.
//
// It refuses to call anybody itself, to hand one customer to two people of one list, and
// to hand out somebody who has no telephone number or wants no service by it.
package calls

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
)

// Deps are what the room stands on.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Inbox   *inbox.Inbox
	// Order puts customers in the order in which they are called.
	Order func(ctx context.Context, workspace holdfast.ID, customers []holdfast.ID) ([]holdfast.ID, error)
	// Refused says which addresses want no service.
	Refused func(ctx context.Context, workspace holdfast.ID, list []holdfast.Address) (map[holdfast.Address]string, error)
	// Note records what was said as a note with this id; the same id twice is one note.
	Note func(ctx context.Context, by access.Identity, conversation, note holdfast.ID, text string) error
}

// Calls is the room. Make one with New.
type Calls struct{ Deps }

// New makes the room of a journal that Table is a projection of. It does no I/O.
func New(d Deps) *Calls { return &Calls{d} }

// scheme is that of addresses that can be called.
const scheme = "tel"

const (
	most     = 400                 // customers of a list
	life     = 14 * 24 * time.Hour // that a list is shown for
	textMost = 2000
)

// Table is the projection: lists, and the latest word on each call.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "calls" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"call_list", "call_item"} }

// Apply keeps lists and outcomes, in whatever order they come.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	switch b := e.Body.(type) {
	case *holdfast.CallsAssigned:
		err := tx.Exec(`INSERT INTO {call_list} (workspace, id, name, run, made_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (workspace, id) DO UPDATE SET name = excluded.name, run = excluded.run, made_at = excluded.made_at`, e.Workspace, e.Subject, store.Text(b.Name), b.Run, e.At)
		for i, c := range b.Calls {
			if err == nil {
				err = tx.Exec(`INSERT INTO {call_item} (workspace, list, customer, operator, position) VALUES ($1, $2, $3, $4, $5)
					ON CONFLICT (workspace, list, customer) DO UPDATE SET operator = excluded.operator, position = excluded.position`, e.Workspace, e.Subject, c.Customer, c.Operator, i)
			}
		}
		return err
	case *holdfast.CallMade:
		return tx.Exec(`INSERT INTO {call_item} (workspace, list, customer, outcome, text, called_at, caller, stamp) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (workspace, list, customer) DO UPDATE SET outcome = excluded.outcome, text = excluded.text, called_at = excluded.called_at, caller = excluded.caller, stamp = excluded.stamp
			WHERE {call_item}.stamp IS NULL OR excluded.stamp > {call_item}.stamp`, e.Workspace, e.Subject, b.Customer, b.Outcome, store.Text(b.Text), e.At, e.Actor.ID, store.Stamp(e))
	case *holdfast.CallsWithdrawn:
		return tx.Exec(`INSERT INTO {call_list} (workspace, id, withdrawn) VALUES ($1, $2, TRUE)
			ON CONFLICT (workspace, id) DO UPDATE SET withdrawn = TRUE`, e.Workspace, e.Subject)
	}
	return nil
}

// Assign hands the customers with open matters to these people in turn, so that each
// begins with those who come first. The same id twice is one list. It returns how many
// customers there are.
func (c *Calls) Assign(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, id, run holdfast.ID, name string, people []holdfast.ID) (int, error) {
	if len(people) == 0 {
		return 0, holdfast.Errorf(holdfast.Conflict, "calls.nobody", "nobody is there to call").WithNext("Give the step a part that somebody plays.")
	}
	var customers []holdfast.ID
	for _, view := range []inbox.View{inbox.OpenView, inbox.Waiting} {
		for cursor := ""; ; {
			items, next, err := c.Inbox.List(ctx, workspace, inbox.Filter{View: view, Cursor: cursor, Limit: 200})
			if err != nil {
				return 0, err
			}
			for _, i := range items {
				customers = append(customers, i.Customer.ID)
			}
			if cursor = next; next == "" {
				break
			}
		}
	}
	slices.SortFunc(customers, func(a, b holdfast.ID) int { return slices.Compare(a[:], b[:]) })
	customers = slices.Compact(customers)
	var able []holdfast.ID
	for some := range slices.Chunk(customers, 500) {
		list, err := c.Inbox.CustomersByID(ctx, workspace, some)
		if err != nil {
			return 0, err
		}
		numbers, err := c.numbers(ctx, workspace, list)
		if err != nil {
			return 0, err
		}
		for _, one := range list {
			if len(numbers[one.ID]) > 0 {
				able = append(able, one.ID)
			}
		}
	}
	order, err := c.Order(ctx, workspace, able)
	if err != nil {
		return 0, err
	}
	if len(order) == 0 {
		return 0, holdfast.Errorf(holdfast.Conflict, "calls.none", "no customer with something open has a telephone number")
	}
	order = order[:min(len(order), most)]
	b := &holdfast.CallsAssigned{Name: name, Run: run, Calls: make([]holdfast.Call, len(order))}
	for i, customer := range order {
		b.Calls[i] = holdfast.Call{Customer: customer, Operator: people[i%len(people)]}
	}
	_, err = c.Journal.Do(ctx, journal.Command{Workspace: workspace, Actor: by, ID: id, Run: func(tx *journal.Tx) error {
		_, err := tx.Append(id, b)
		return err
	}})
	return len(order), err
}

// numbers are the telephone numbers at which customers may be called.
func (c *Calls) numbers(ctx context.Context, workspace holdfast.ID, list []inbox.Customer) (map[holdfast.ID][]string, error) {
	var all []holdfast.Address
	for _, one := range list {
		for _, a := range one.Addresses {
			if a.Scheme == scheme && a.Failing == "" {
				all = append(all, holdfast.Address{Scheme: a.Scheme, Value: a.Value})
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	refused, err := c.Refused(ctx, workspace, all)
	numbers := map[holdfast.ID][]string{}
	for _, one := range list {
		for _, a := range one.Addresses {
			if a.Scheme == scheme && a.Failing == "" && refused[holdfast.Address{Scheme: a.Scheme, Value: a.Value}] == "" {
				numbers[one.ID] = append(numbers[one.ID], a.Value)
			}
		}
	}
	return numbers, err
}

// Withdraw takes a list back.
func (c *Calls) Withdraw(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, id holdfast.ID) error {
	_, err := c.Journal.Do(ctx, journal.Command{Workspace: workspace, Actor: by, ID: holdfast.DeriveID(id, "withdraw"), Run: func(tx *journal.Tx) error {
		_, err := tx.Append(id, &holdfast.CallsWithdrawn{})
		return err
	}})
	return err
}

func missing() error {
	return holdfast.Errorf(holdfast.NotFound, "calls.missing", "there is no such call in this workspace's lists").WithNext("Look at the lists again: it may have been taken back.")
}

// Made says what came of a call; the same again adds nothing. What was said becomes a
// note on the customer's open matter. Errors: Forbidden, Invalid, NotFound.
func (c *Calls) Made(ctx context.Context, by access.Identity, list, customer holdfast.ID, outcome holdfast.CallOutcome, text string) error {
	if err := by.Require(holdfast.WriteConversations); err != nil {
		return err
	}
	if !slices.Contains(holdfast.CallOutcomes, outcome) {
		return holdfast.Errorf(holdfast.Invalid, "calls.outcome", "say reached, no_answer, later or wrong").WithField("outcome")
	}
	if text = strings.TrimSpace(store.Text(text)); utf8.RuneCountInString(text) > textMost {
		return holdfast.Errorf(holdfast.Invalid, "calls.text_long", "say it in at most %d characters", textMost).WithField("text")
	}
	_, err := c.Journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		type row struct{ outcome, text string }
		rows, err := tx.Query(`SELECT i.outcome, i.text FROM call_item i JOIN call_list l ON l.workspace = i.workspace AND l.id = i.list
			WHERE i.workspace = $1 AND i.list = $2 AND i.customer = $3 AND NOT l.withdrawn`, by.Workspace, list, customer)
		have, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.outcome, &v.text) })
		if err != nil {
			return err
		}
		if len(have) == 0 {
			return missing()
		}
		if have[0].outcome == string(outcome) && have[0].text == text {
			return nil
		}
		_, err = tx.Append(list, &holdfast.CallMade{Customer: customer, Outcome: outcome, Text: text})
		return err
	}})
	if err != nil || text == "" {
		return err
	}
	open, err := c.matters(ctx, by.Workspace, customer)
	if err != nil || len(open) == 0 {
		return err
	}
	// What is sent twice, or was cut off between the two writes, is one note.
	return c.Note(ctx, by, open[0].ID, holdfast.DeriveID(list, customer.String()+string(outcome)+text), text)
}

// Matter is something open of a customer's.
type Matter struct {
	ID      holdfast.ID `json:"id"`
	Number  int64       `json:"number"`
	Subject string      `json:"subject"`
}

func (c *Calls) matters(ctx context.Context, workspace, customer holdfast.ID) ([]Matter, error) {
	items, _, err := c.Inbox.List(ctx, workspace, inbox.Filter{View: inbox.All, Customer: customer, Limit: 20})
	list := []Matter{}
	for _, i := range items {
		if i.State == holdfast.Open || i.State == holdfast.Waiting {
			if i.Subject == "" {
				i.Subject = i.Preview
			}
			list = append(list, Matter{i.ID, i.Number, i.Subject})
		}
	}
	return list[:min(len(list), 3)], err
}
