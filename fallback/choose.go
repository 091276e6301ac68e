package fallback

import (
	"cmp"
	"slices"

	"holdfast"
	"holdfast/inbox"
)

// choice is a way and the address that it leads to.
type choice struct {
	way     way
	address holdfast.Address
}

// question is all that the next way follows from.
type question struct {
	chain     *holdfast.ChainSaved
	current   holdfast.ID // the account that the message is on
	ways      []way
	tried     map[holdfast.ID]bool // accounts that the message was on and that did not bring it
	addresses []inbox.Address
	refused   map[string]bool // addresses, as scheme:value, whose owner has said no
	prefers   []string        // schemes
	// price is what a message costs on an account; nil when nobody knows.
	price func(account holdfast.ID) (float64, bool)
}

// next is the first way of a chain, in the customer's order where there is one, that
// is open, leads to an address of the customer's and costs no more than it may. Of
// several accounts of one kind the cheapest is taken.
func (q *question) next() (choice, bool) {
	var list []choice
	for _, l := range q.chain.Legs {
		if c, ok := q.best(l); ok {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return choice{}, false
	}
	slices.SortStableFunc(list, func(a, b choice) int { return cmp.Compare(q.rank(a.way.Scheme), q.rank(b.way.Scheme)) })
	return list[0], true
}

func (q *question) rank(scheme string) int {
	if i := slices.Index(q.prefers, scheme); i >= 0 {
		return i
	}
	return len(q.prefers)
}

func (q *question) best(l holdfast.Leg) (best choice, ok bool) {
	var lowest float64
	for _, w := range q.ways {
		if !on(l, &w.Account) || w.ID == q.current || q.tried[w.ID] || !w.passable() {
			continue
		}
		a, reachable := q.address(w.Scheme)
		if !reachable {
			continue
		}
		var price float64
		if q.price != nil {
			p, known := q.price(w.ID)
			if l.MaxPrice > 0 && known && p > l.MaxPrice {
				continue
			}
			price = p
		}
		if !ok || price < lowest {
			best, ok, lowest = choice{w, a}, true, price
		}
	}
	return best, ok
}

// address is where a customer is reached over ways of a scheme: what is proved or an
// operator has written goes before what the customer only says.
func (q *question) address(scheme string) (holdfast.Address, bool) {
	var found *inbox.Address
	for i := range q.addresses {
		a := &q.addresses[i]
		if a.Scheme != scheme || a.Failing != "" || q.refused[a.Scheme+":"+a.Value] {
			continue
		}
		if found == nil || found.Claimed && !a.Claimed {
			found = a
		}
	}
	if found == nil {
		return holdfast.Address{}, false
	}
	return holdfast.Address{Scheme: found.Scheme, Value: found.Value, Name: found.Name}, true
}
