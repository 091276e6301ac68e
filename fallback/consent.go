package fallback

import (
	"context"
	"slices"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
)

// Consent is what the person at an address has agreed to for one purpose.
type Consent struct {
	Scheme  string                  `json:"scheme"`
	Value   string                  `json:"value"`
	Purpose holdfast.ConsentPurpose `json:"purpose"`
	State   string                  `json:"state" enum:"given,withdrawn,none" doc:"none: nobody has said anything."`
	Proof   string                  `json:"proof,omitempty"`
	Via     string                  `json:"via,omitempty"`
	Message holdfast.ID             `json:"message,omitzero" doc:"That said it."`
	At      time.Time               `json:"at,omitzero"`
}

// Consents lists what a customer's addresses have agreed to, each purpose of each
// address. The error is NotFound.
func (f *Fallback) Consents(ctx context.Context, workspace, customer holdfast.ID) ([]Consent, error) {
	c, err := f.Inbox.Customer(ctx, workspace, customer)
	if err != nil {
		return nil, err
	}
	list := []Consent{}
	for _, a := range c.Addresses {
		said, err := f.said(ctx, workspace, a.Scheme, a.Value)
		if err != nil {
			return nil, err
		}
		for _, p := range holdfast.ConsentPurposes {
			one, ok := said[p]
			if !ok {
				one = Consent{State: "none"}
			}
			one.Scheme, one.Value, one.Purpose = a.Scheme, a.Value, p
			list = append(list, one)
		}
	}
	return list, nil
}

func (f *Fallback) said(ctx context.Context, workspace holdfast.ID, scheme, value string) (map[holdfast.ConsentPurpose]Consent, error) {
	rows, err := f.DB.Query(ctx, "SELECT purpose, given, proof, via, message, at FROM consent WHERE workspace = $1 AND scheme = $2 AND value = $3", workspace, scheme, value)
	list, err := store.Collect(rows, err, func(r *store.Rows, c *Consent) error {
		var given bool
		err := r.Scan(&c.Purpose, &given, &c.Proof, &c.Via, &c.Message, &c.At)
		if c.State = "withdrawn"; given {
			c.State = "given"
		}
		return err
	})
	said := map[holdfast.ConsentPurpose]Consent{}
	for _, c := range list {
		said[c.Purpose] = c
	}
	return said, err
}

// SetConsent records what an operator was told about one of a customer's addresses.
// Errors: NotFound; Invalid.
func (f *Fallback) SetConsent(ctx context.Context, by access.Identity, customer holdfast.ID, a holdfast.Address, p holdfast.ConsentPurpose, given bool, proof string) error {
	if !slices.Contains(holdfast.ConsentPurposes, p) {
		return holdfast.Errorf(holdfast.Invalid, "consent.purpose_unknown", "this is no purpose that one agrees to").WithField("purpose").WithNext("Use service, notice, marketing or calls.")
	}
	if given && strings.TrimSpace(proof) == "" {
		return holdfast.Errorf(holdfast.Invalid, "consent.proof_missing", "say how you know that they agree").WithField("proof").WithNext("Write for example: said so on the telephone today.")
	}
	_, err := f.Journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		if err := inbox.FindCustomer(tx.Tx, by.Workspace, customer); err != nil {
			return err
		}
		if has, err := inbox.HasAddress(tx.Tx, by.Workspace, customer, a); err != nil || !has {
			if err == nil {
				err = holdfast.Errorf(holdfast.NotFound, "address.missing", "this customer has no such address").WithField("value")
			}
			return err
		}
		address := holdfast.Address{Scheme: a.Scheme, Value: a.Value}
		var body holdfast.Body = &holdfast.ConsentWithdrawn{Address: address, Purpose: p, Proof: proof, Via: "operator"}
		if given {
			body = &holdfast.ConsentGiven{Address: address, Purpose: p, Proof: proof, Via: "operator"}
		}
		if err := access.Record(tx.Tx, by, string(body.EntryKind()), customer, body); err != nil {
			return err
		}
		_, err := tx.Append(customer, body)
		return err
	}})
	return err
}

// Refused says of each address whether nothing may be sent there for a purpose: its
// owner has said no or, where that is needed, has not said yes.
func (f *Fallback) Refused(ctx context.Context, workspace holdfast.ID, p holdfast.ConsentPurpose, addresses []holdfast.Address) ([]bool, error) {
	refused := make([]bool, len(addresses))
	for i, a := range addresses {
		said, err := f.said(ctx, workspace, a.Scheme, a.Value)
		if err != nil {
			return nil, err
		}
		refused[i] = said[p].State == "withdrawn" || p.NeedsYes() && said[p].State != "given"
	}
	return refused, nil
}

// refusedOf are those of a customer's addresses, as scheme:value, that refuse a sort of messages.
func (f *Fallback) refusedOf(ctx context.Context, workspace holdfast.ID, sort holdfast.MessageSort, list []inbox.Address) (map[string]bool, error) {
	purpose := holdfast.ForService
	if sort == holdfast.SortNotice {
		purpose = holdfast.ForNotices
	}
	addresses := make([]holdfast.Address, len(list))
	for i, a := range list {
		addresses[i] = holdfast.Address{Scheme: a.Scheme, Value: a.Value}
	}
	no, err := f.Refused(ctx, workspace, purpose, addresses)
	refused := map[string]bool{}
	for i := range no {
		refused[addresses[i].String()] = no[i]
	}
	return refused, err
}

// Preference lists the schemes of the ways that a customer prefers, the first one first.
func (f *Fallback) Preference(ctx context.Context, workspace, customer holdfast.ID) ([]string, error) {
	rows, err := f.DB.Query(ctx, "SELECT schemes FROM way_preferred WHERE customer = $1 AND workspace = $2", customer, workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, s *string) error { return r.Scan(s) })
	if err != nil || len(list) == 0 {
		return []string{}, err
	}
	return strings.Fields(list[0]), nil
}

// SetPreference records which ways a customer prefers. Errors: NotFound; Invalid.
func (f *Fallback) SetPreference(ctx context.Context, by access.Identity, customer holdfast.ID, schemes []string) error {
	for i, s := range schemes {
		if s == "" || len(s) > 32 || strings.ContainsAny(s, " \t\n") || slices.Contains(schemes[:i], s) {
			return holdfast.Errorf(holdfast.Invalid, "way.scheme_invalid", "name each sort of address once").WithField("schemes")
		}
	}
	_, err := f.Journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		if err := inbox.FindCustomer(tx.Tx, by.Workspace, customer); err != nil {
			return err
		}
		_, err := tx.Append(customer, &holdfast.WayPreferred{Schemes: schemes})
		return err
	}})
	return err
}
