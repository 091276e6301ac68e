package fallback

import (
	"context"
	"time"

	"holdfast"
)

// Outlook is which way reaches a customer now, and which others there are.
type Outlook struct {
	// Now is the account that a message would go by; zero when it would wait.
	Now holdfast.ID `json:"now,omitzero" doc:"The channel that a message would go by now; empty: it would wait."`
	// Own is the account that it would be written for.
	Own    holdfast.ID `json:"own,omitzero" doc:"The channel that it would be written for."`
	Why    string      `json:"why,omitempty" enum:",cut,open" doc:"Why it would not go by its own channel."`
	Code   string      `json:"code,omitempty"`
	Reason string      `json:"reason,omitempty"`
	Line   string      `json:"line,omitempty" doc:"What the customer would read of it."`
	Ways   []Option    `json:"ways"`
}

// Option is one way to a customer.
type Option struct {
	Channel holdfast.ID `json:"channel"`
	Name    string      `json:"name"`
	Kind    string      `json:"kind"`
	Scheme  string      `json:"scheme"`
	Address string      `json:"address"`
	Claimed bool        `json:"claimed,omitempty" doc:"The customer says so and has proved it by nothing."`
	Failing string      `json:"failing,omitempty"`
	Refused bool        `json:"refused,omitempty" doc:"The customer has asked for no more messages there."`
	State   string      `json:"state" enum:"up,cut,open,off"`
	Code    string      `json:"code,omitempty"`
	Reason  string      `json:"reason,omitempty"`
	Since   time.Time   `json:"since,omitzero"`
}

// Outlook says what would become of a message of a sort to a customer, written now
// for one account (zero: the first way that there is). The error is NotFound.
func (f *Fallback) Outlook(ctx context.Context, workspace, customer, own holdfast.ID, sort holdfast.MessageSort) (*Outlook, error) {
	c, err := f.Inbox.Customer(ctx, workspace, customer)
	if err != nil {
		return nil, err
	}
	ways, err := f.ways(ctx, workspace)
	if err != nil {
		return nil, err
	}
	s := &subject{sort: sort}
	chain, ok, err := f.chainOf(ctx, workspace, sort)
	if err != nil {
		return nil, err
	}
	q, err := f.ask(ctx, workspace, c, s, &chain, ways, own)
	if err != nil {
		return nil, err
	}
	o := &Outlook{Own: own, Ways: []Option{}}
	for i := range ways {
		w := &ways[i]
		if !w.Enabled {
			continue
		}
		for _, a := range c.Addresses {
			if a.Scheme == w.Scheme {
				o.Ways = append(o.Ways, Option{Channel: w.ID, Name: w.Name, Kind: w.Kind, Scheme: w.Scheme, Address: a.Value, Claimed: a.Claimed, Failing: a.Failing,
					Refused: q.refused[a.Scheme+":"+a.Value], State: w.state, Code: w.code, Reason: w.reason, Since: w.since})
			}
		}
	}
	if o.Own.IsZero() {
		for _, w := range o.Ways {
			if w.State == "up" && !w.Refused && w.Failing == "" {
				o.Own, o.Now = w.Channel, w.Channel
				break
			}
		}
		return o, nil
	}
	from := find(ways, own)
	if from == nil || from.passable() {
		o.Now = own
		return o, nil
	}
	if o.Why = whyOpen; from.state == "cut" {
		o.Why = whyCut
	}
	o.Code, o.Reason = from.code, from.reason
	if !ok {
		return o, nil
	}
	if to, found := q.next(); found {
		lang, err := f.language(ctx, workspace, c)
		if err != nil {
			return nil, err
		}
		o.Now, o.Line = to.way.ID, line(lang, o.Why, &from.Account, &to.way.Account)
	}
	return o, nil
}

// Way is a channel account and whether it carries messages now.
type Way struct {
	Channel holdfast.ID `json:"channel"`
	Name    string      `json:"name"`
	Kind    string      `json:"kind"`
	Scheme  string      `json:"scheme"`
	State   string      `json:"state" enum:"up,cut,open,off"`
	Code    string      `json:"code,omitempty"`
	Reason  string      `json:"reason,omitempty"`
	Since   time.Time   `json:"since,omitzero"`
}

// Ways lists a workspace's channel accounts and how they are.
func (f *Fallback) Ways(ctx context.Context, workspace holdfast.ID) ([]Way, error) {
	ways, err := f.ways(ctx, workspace)
	list := []Way{}
	for _, w := range ways {
		list = append(list, Way{w.ID, w.Name, w.Kind, w.Scheme, w.state, w.code, w.reason, w.since})
	}
	return list, err
}
