package fallback

import (
	"context"
	"encoding/json"
	"slices"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

const (
	maxLegs = 8
	// defaultWait is how long a way may take, in seconds, when nobody has said.
	defaultWait = 600
	maxWait     = 7 * 24 * 3600
)

// Chains are a workspace's, one for each sort of message; one that nobody has
// saved has no legs.
func (f *Fallback) Chains(ctx context.Context, workspace holdfast.ID) ([]holdfast.ChainSaved, error) {
	saved, err := f.read(ctx, workspace)
	if err != nil {
		return nil, err
	}
	list := make([]holdfast.ChainSaved, 0, len(holdfast.MessageSorts))
	for _, s := range holdfast.MessageSorts {
		c, ok := saved[s]
		if !ok {
			c = holdfast.ChainSaved{Sort: s, First: defaultWait}
		}
		if c.Legs == nil {
			c.Legs = []holdfast.Leg{}
		}
		list = append(list, c)
	}
	return list, nil
}

func (f *Fallback) read(ctx context.Context, workspace holdfast.ID) (map[holdfast.MessageSort]holdfast.ChainSaved, error) {
	rows, err := f.DB.Query(ctx, "SELECT rule FROM chain WHERE workspace = $1", workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, c *holdfast.ChainSaved) error {
		var raw []byte
		if err := r.Scan(&raw); err != nil {
			return err
		}
		return json.Unmarshal(raw, c)
	})
	if err != nil {
		return nil, err
	}
	chains := map[holdfast.MessageSort]holdfast.ChainSaved{}
	for _, c := range list {
		chains[c.Sort] = c
	}
	return chains, nil
}

// SaveChain puts a chain in the place of the one for its sort. Errors: Invalid.
func (f *Fallback) SaveChain(ctx context.Context, by access.Identity, c holdfast.ChainSaved) error {
	if !slices.Contains(holdfast.MessageSorts, c.Sort) {
		return holdfast.Errorf(holdfast.NotFound, "chain.missing", "there is no such chain").WithNext("Use reply, automatic or notice.")
	}
	accounts, err := f.Accounts(ctx, by.Workspace)
	if err != nil {
		return err
	}
	if err := check(c, accounts); err != nil {
		return err
	}
	id := holdfast.ChainID(by.Workspace, c.Sort)
	_, err = f.Journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		if err := access.Record(tx.Tx, by, "chain.saved", id, c); err != nil {
			return err
		}
		_, err := tx.Append(id, &c)
		return err
	}})
	return err
}

func check(c holdfast.ChainSaved, accounts []Account) error {
	bad := func(code, text string) error {
		return holdfast.Errorf(holdfast.Invalid, code, "%s", text).WithField("legs")
	}
	missing := holdfast.Errorf(holdfast.NotFound, "channel.missing", "there is no such channel in this workspace").WithField("legs")
	if len(c.Legs) > maxLegs {
		return bad("chain.too_long", "a chain has at most 8 ways")
	}
	waits := []int{c.First}
	for i, l := range c.Legs {
		waits = append(waits, l.Wait)
		if !l.Channel.IsZero() && !slices.ContainsFunc(accounts, func(a Account) bool { return a.ID == l.Channel }) {
			return missing
		}
		byKind := l.Kind != ""
		if byKind == !l.Channel.IsZero() {
			return bad("chain.leg_unclear", "each way of a chain is one channel or one kind of channel")
		}
		if byKind && !slices.ContainsFunc(accounts, func(a Account) bool { return a.Kind == l.Kind }) {
			return missing
		}
		if slices.ContainsFunc(c.Legs[:i], func(o holdfast.Leg) bool { return o.Channel == l.Channel && o.Kind == l.Kind }) {
			return bad("chain.leg_twice", "a chain has each way once")
		}
		if l.MaxPrice < 0 {
			return bad("chain.price_invalid", "a price is not less than nothing")
		}
	}
	for _, w := range waits {
		if w < 0 || w > maxWait {
			return bad("chain.wait_invalid", "a way is given between nothing and a week")
		}
	}
	return nil
}

// forcedOn are the channels that a plan sends by now; it remembers.
func (f *Fallback) forcedOn(ctx context.Context, workspace holdfast.ID) ([]holdfast.ID, error) {
	if f.InForce == nil {
		return nil, nil
	}
	f.memory.Lock()
	defer f.memory.Unlock()
	list, known := f.forced[workspace]
	if known {
		return list, nil
	}
	list, err := f.InForce(ctx, workspace)
	if err == nil {
		f.forced[workspace] = list
	}
	return list, err
}

// chainOf is the chain for a sort of messages, if there is one, behind the channels that
// a plan sends by; it remembers.
func (f *Fallback) chainOf(ctx context.Context, workspace holdfast.ID, sort holdfast.MessageSort) (c holdfast.ChainSaved, ok bool, err error) {
	forced, err := f.forcedOn(ctx, workspace)
	if err != nil {
		return c, false, err
	}
	f.memory.Lock()
	defer f.memory.Unlock()
	chains, known := f.chains[workspace]
	if !known {
		if chains, err = f.read(ctx, workspace); err != nil {
			return c, false, err
		}
		f.chains[workspace] = chains
	}
	c = chains[sort]
	if len(forced) > 0 {
		legs := make([]holdfast.Leg, 0, len(forced)+len(c.Legs))
		for _, id := range forced {
			legs = append(legs, holdfast.Leg{Channel: id})
		}
		for _, l := range c.Legs {
			if !slices.Contains(forced, l.Channel) {
				legs = append(legs, l)
			}
		}
		c.Legs = legs
	}
	return c, len(c.Legs) > 0, nil
}

// waitOn is how long a message may be on an account, in seconds; 0 for as long as it takes.
func waitOn(c *holdfast.ChainSaved, a *Account) int {
	for _, l := range c.Legs {
		if on(l, a) {
			return l.Wait
		}
	}
	return c.First
}

// on reports whether an account is a leg's.
func on(l holdfast.Leg, a *Account) bool {
	return l.Channel == a.ID || l.Kind != "" && l.Kind == a.Kind
}

// SetLimit bounds how many messages an account sends. Errors: Invalid, NotFound.
func (f *Fallback) SetLimit(ctx context.Context, by access.Identity, account holdfast.ID, l holdfast.LaneLimited) error {
	return f.Limit(ctx, by.Workspace, by.Actor, account, l, func(tx *store.Tx) error { return access.Record(tx, by, "lane.limited", account, l) })
}
