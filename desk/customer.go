package desk

import (
	"context"
	"strings"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
)

// CreateCustomer adds a person. The same id twice is one person. An address
// that somebody has already is Conflict "address.taken".
func (d *Desk) CreateCustomer(ctx context.Context, by By, id holdfast.ID, body holdfast.CustomerCreated) (*inbox.Customer, error) {
	if id.IsZero() {
		return nil, holdfast.Errorf(holdfast.Invalid, "id.missing", "a customer needs an id").WithField("id")
	}
	if strings.TrimSpace(body.Name) == "" && len(body.Addresses) == 0 {
		return nil, holdfast.Errorf(holdfast.Invalid, "customer.empty", "a customer needs a name or an address").WithField("name")
	}
	for i := range body.Addresses {
		a, err := cleanAddress(body.Addresses[i])
		if err != nil {
			return nil, err
		}
		body.Addresses[i] = a
	}
	_, err := d.do(ctx, by, func(tx *journal.Tx) error {
		switch err := inbox.FindCustomer(tx.Tx, by.Workspace, id); {
		case err == nil:
			return nil
		case holdfast.KindOf(err) != holdfast.NotFound:
			return err
		}
		for _, a := range body.Addresses {
			if err := free(tx, by.Workspace, id, a); err != nil {
				return err
			}
		}
		_, err := tx.Append(id, &body)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Customer(ctx, by.Workspace, id)
}

// ChangeCustomer sets the fields that are not nil. The error is NotFound.
func (d *Desk) ChangeCustomer(ctx context.Context, by By, id holdfast.ID, body holdfast.CustomerChanged) (*inbox.Customer, error) {
	_, err := d.do(ctx, by, func(tx *journal.Tx) error {
		if err := inbox.FindCustomer(tx.Tx, by.Workspace, id); err != nil {
			return err
		}
		_, err := tx.Append(id, &body)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Customer(ctx, by.Workspace, id)
}

// AddAddress gives a customer one more address. Errors: NotFound, Invalid, Conflict "address.taken".
func (d *Desk) AddAddress(ctx context.Context, by By, id holdfast.ID, a holdfast.Address) (*inbox.Customer, error) {
	a, err := cleanAddress(a)
	if err != nil {
		return nil, err
	}
	_, err = d.do(ctx, by, func(tx *journal.Tx) error {
		if err := inbox.FindCustomer(tx.Tx, by.Workspace, id); err != nil {
			return err
		}
		p, err := inbox.FindPlace(tx.Tx, by.Workspace, holdfast.ID{}, a)
		if err != nil {
			return err
		}
		if p.Customer == id {
			return nil
		}
		if err := free(tx, by.Workspace, id, a); err != nil {
			return err
		}
		_, err = tx.Append(id, &holdfast.AddressAdded{Address: a})
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.inbox.Customer(ctx, by.Workspace, id)
}

func free(tx *journal.Tx, workspace, customer holdfast.ID, a holdfast.Address) error {
	p, err := inbox.FindPlace(tx.Tx, workspace, holdfast.ID{}, a)
	if err != nil {
		return err
	}
	if !p.Customer.IsZero() && p.Customer != customer {
		return holdfast.Errorf(holdfast.Conflict, "address.taken", "%s belongs to another customer", a.Value).WithField("addresses").
			WithNext("Open that customer instead.")
	}
	return nil
}

func cleanAddress(a holdfast.Address) (holdfast.Address, error) {
	a.Scheme, a.Value = strings.ToLower(strings.TrimSpace(a.Scheme)), strings.TrimSpace(a.Value)
	a.Verified = false // an operator's word is no proof
	if a.Scheme == "" || a.Value == "" || len(a.Value) > 320 || strings.ContainsAny(a.Value, "\r\n\x00") {
		return a, holdfast.Errorf(holdfast.Invalid, "address.malformed", "an address needs a scheme and a value").WithField("addresses").
			WithNext("Send for example {\"scheme\": \"mailto\", \"value\": \"ana@example.com\"}.")
	}
	if a.Scheme == "mailto" {
		local, domain, ok := strings.Cut(a.Value, "@")
		if !ok || local == "" || !strings.Contains(domain, ".") && domain != "localhost" || strings.ContainsAny(a.Value, " ,;<>") {
			return a, holdfast.Errorf(holdfast.Invalid, "address.malformed", "%q is not an e-mail address", a.Value).WithField("addresses")
		}
		a.Value = strings.ToLower(a.Value)
	}
	return a, nil
}
