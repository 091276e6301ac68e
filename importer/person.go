package importer

import (
	"context"
	"errors"
	"strings"
	"time"

	"holdfast"
	"holdfast/store"
)

// customer finds or makes the customer here behind one of the other desk's. A
// customer who is here by one of the addresses is that customer. direct says
// that the record is about the person and does not only mention them.
func (w *writer) customer(ctx context.Context, c *customer, ref string, direct bool) (holdfast.ID, *fault, error) {
	key := c.key()
	if key == "" {
		return holdfast.ID{}, &fault{"import.nobody", "it names nobody: no id, no name, no address"}, nil
	}
	own := w.id("customer", key)
	if id, ok := w.people.get(own); ok && !direct && !w.run.kind.File {
		return id, nil, nil
	}
	_, met := w.people.get(own)
	id, fresh, err := w.whois(ctx, own, c)
	if err != nil {
		return id, nil, err
	}
	w.people.put(own, id)
	created, ok := w.dated(c.created)
	if !ok {
		created = w.im.DB.Now().Add(-1)
	}
	if fresh {
		var last holdfast.Clock
		var free []holdfast.Address
		for _, a := range c.addresses {
			if owner, err := w.owner(ctx, a); err != nil {
				return id, nil, err
			} else if owner.IsZero() {
				free = append(free, a)
			}
		}
		name, _ := cut(c.name)
		w.add(created, 0, &last, holdfast.System, id, &holdfast.CustomerCreated{Name: name, Language: language(c.language), Addresses: free})
		w.describe(created, &last, id, c)
		for _, a := range free {
			w.owners.put(w.addressID(a), id)
		}
		w.counts.CustomersMade++
		w.tell("made", "customer", ref, c.name)
		return id, nil, nil
	}
	var last holdfast.Clock
	for _, a := range c.addresses {
		owner, err := w.owner(ctx, a)
		if err != nil {
			return id, nil, err
		}
		switch owner {
		case id:
		case holdfast.ID{}:
			w.add(created, 0, &last, holdfast.System, id, &holdfast.AddressAdded{Address: a})
			w.owners.put(w.addressID(a), id)
		default:
			w.line("refused", "address", ref, "address.taken", a.Value+" belongs to another customer")
		}
	}
	if met {
		return id, nil, nil
	}
	switch age, err := w.ageOf(ctx, id); {
	case err != nil:
		return id, nil, err
	case age == young:
		w.counts.CustomersMade++
	case age == old && (direct || w.run.kind.File): // where people have records of their own, a mention is no second one
		w.counts.CustomersHere++
		w.tell("here", "customer", ref, c.name)
	}
	return id, nil, nil
}

// describe notes what is known of a customer besides the name.
func (w *writer) describe(at time.Time, last *holdfast.Clock, id holdfast.ID, c *customer) {
	var b holdfast.CustomerChanged
	if company, _ := cut(c.company); company != "" {
		b.Company = &company
	}
	if about, _ := cut(c.about); about != "" {
		b.About = &about
	}
	if b.Company != nil || b.About != nil {
		w.add(at, 0, last, holdfast.System, id, &b)
	}
}

// whois is the customer here; fresh when there is none yet and id is the one to be.
func (w *writer) whois(ctx context.Context, own holdfast.ID, c *customer) (id holdfast.ID, fresh bool, err error) {
	if id, ok := w.people.get(own); ok {
		return id, false, nil
	}
	var one int
	err = w.im.DB.QueryRow(ctx, "SELECT 1 FROM customer WHERE id = $1 AND workspace = $2", own, w.run.Workspace).Scan(&one)
	if err == nil {
		return own, false, nil
	}
	if !errors.Is(err, store.ErrNoRows) {
		return own, false, err
	}
	for _, a := range c.addresses {
		owner, err := w.owner(ctx, a)
		if err != nil || !owner.IsZero() {
			return owner, false, err
		}
	}
	return own, true, nil
}

func (w *writer) addressID(a holdfast.Address) holdfast.ID {
	return holdfast.DeriveID(w.run.Workspace, a.String())
}

// owner is the customer who has an address; zero when nobody has it.
func (w *writer) owner(ctx context.Context, a holdfast.Address) (id holdfast.ID, err error) {
	if id, ok := w.owners.get(w.addressID(a)); ok {
		return id, nil
	}
	err = w.im.DB.QueryRow(ctx, "SELECT customer FROM address WHERE workspace = $1 AND scheme = $2 AND value = $3 ORDER BY stamp LIMIT 1", w.run.Workspace, a.Scheme, a.Value).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		return holdfast.ID{}, nil
	}
	if err == nil {
		w.owners.put(w.addressID(a), id)
	}
	return id, err
}

func language(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(strings.ReplaceAll(s, "_", "-")), "-")
	if len(s) == 2 || len(s) == 3 {
		return s
	}
	return ""
}
