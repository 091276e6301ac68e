package broadcasts

import (
	"cmp"
	"context"
	"slices"
	"time"

	"holdfast"
	"holdfast/inbox"
	"holdfast/store"
)

// Why somebody is not told, as stable codes. What Refused says comes beside them.
const (
	whyNoAddress = "no_address"   // none that a way of this broadcast carries to
	whyFailing   = "failing"      // those there are bounce
	whyTold      = "told_before"  // of this incident, by another broadcast
	whySame      = "same_address" // another customer before this one has it
	whyRefused   = "opted_out"    // where the room that says so gives no code
)

// recipient is one customer of a broadcast and how they are told. With a reason
// they are not.
type recipient struct {
	position  int
	customer  holdfast.ID
	name      string
	to        holdfast.Address
	language  string
	zone      *time.Location
	notBefore time.Time
	reason    string
}

const planBatch = 500

// incident is what a customer is told of once.
func incident(id holdfast.ID, s *holdfast.BroadcastSpec) string {
	if s.Incident != "" {
		return s.Incident
	}
	return "broadcast:" + id.String()
}

// plan works out who is told in which order and how, and hands them on batch by
// batch. It writes nothing: a dry run and a start see the same.
func (b *Broadcasts) plan(ctx context.Context, workspace, id holdfast.ID, s *holdfast.BroadcastSpec, now time.Time, use func([]recipient) error) (customers int, err error) {
	house, _, zone, err := b.House(ctx, workspace)
	if err != nil {
		return 0, err
	}
	lanes, err := b.ways(ctx, workspace, s)
	if err != nil {
		return 0, err
	}
	var schemes []string // in the order of the ways
	for _, l := range lanes {
		if !slices.Contains(schemes, l.Scheme) {
			schemes = append(schemes, l.Scheme)
		}
	}
	list, err := b.candidates(ctx, workspace, s, house, now)
	if err != nil {
		return 0, err
	}
	used := map[holdfast.Address]bool{}
	position := 0
	for batch := range slices.Chunk(list, planBatch) {
		ids := make([]holdfast.ID, len(batch))
		for i := range batch {
			ids[i] = batch[i].id
		}
		people, err := b.Inbox.CustomersByID(ctx, workspace, ids)
		if err != nil {
			return 0, err
		}
		told, err := b.toldOf(ctx, workspace, id, s, ids)
		if err != nil {
			return 0, err
		}
		zones, err := b.zones(ctx, workspace, ids)
		if err != nil {
			return 0, err
		}
		refused, err := b.refusals(ctx, workspace, s.Purpose, people, schemes)
		if err != nil {
			return 0, err
		}
		out := make([]recipient, 0, len(people))
		for i := range people {
			p := &people[i]
			position++
			r := recipient{position: position, customer: p.ID, name: p.Name, language: p.Language, zone: zone}
			if z := zones[p.ID]; z != nil {
				r.zone = z
			}
			r.to, r.reason = choose(p, schemes, refused, used)
			if told[p.ID] {
				r.reason = whyTold
			}
			if r.reason == "" {
				used[holdfast.Address{Scheme: r.to.Scheme, Value: r.to.Value}] = true
				if at := rest(s.Quiet, now, r.zone); at.After(now) {
					r.notBefore = at
				}
			}
			out = append(out, r)
		}
		if err := use(out); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// choose is a customer's address for the first way that has one, the proved ones
// before those that they only claim. An address that refuses does not stop another.
func choose(p *inbox.Customer, schemes []string, refused map[holdfast.Address]string, used map[holdfast.Address]bool) (holdfast.Address, string) {
	reason := whyNoAddress
	for _, scheme := range schemes {
		var mine []inbox.Address
		for _, a := range p.Addresses {
			if a.Scheme == scheme {
				mine = append(mine, a)
			}
		}
		slices.SortStableFunc(mine, func(a, b inbox.Address) int { return cmp.Compare(trust(a), trust(b)) })
		for _, a := range mine {
			key := holdfast.Address{Scheme: a.Scheme, Value: a.Value}
			switch code, no := refused[key]; {
			case no:
				reason = cmp.Or(code, whyRefused)
			case a.Failing != "":
				if reason == whyNoAddress {
					reason = whyFailing
				}
			case used[key]:
				if reason == whyNoAddress {
					reason = whySame
				}
			default:
				name := p.Name
				if name == "" {
					name = a.Name
				}
				return holdfast.Address{Scheme: a.Scheme, Value: a.Value, Name: name}, ""
			}
		}
	}
	return holdfast.Address{}, reason
}

func trust(a inbox.Address) int {
	switch {
	case a.Verified:
		return 0
	case a.Claimed:
		return 2
	}
	return 1
}

// way is a lane as a broadcast uses it.
type way struct {
	Lane
	perMinute int     // of the whole lane
	rate      float64 // letters a second that a broadcast may have
}

// ways are the running lanes of a spec in its order.
func (b *Broadcasts) ways(ctx context.Context, workspace holdfast.ID, s *holdfast.BroadcastSpec) ([]way, error) {
	lanes, err := b.Lanes(ctx, workspace)
	return over(lanes, s), err
}

// over is a spec's ways over the lanes that run.
func over(lanes []Lane, s *holdfast.BroadcastSpec) (list []way) {
	for _, w := range s.Ways {
		if i := slices.IndexFunc(lanes, func(l Lane) bool { return l.ID == w.Channel }); i >= 0 {
			v := way{Lane: lanes[i], perMinute: w.PerMinute}
			if v.PerMinute > 0 { // what the account itself allows is not talked round
				v.perMinute = min(v.perMinute, v.PerMinute)
			}
			v.rate = float64(v.perMinute) * Share / 100 / 60
			list = append(list, v)
		}
	}
	return list
}

// refusals asks whose addresses do not want what is for a purpose.
func (b *Broadcasts) refusals(ctx context.Context, workspace holdfast.ID, purpose string, people []inbox.Customer, schemes []string) (map[holdfast.Address]string, error) {
	if b.Refused == nil {
		return nil, nil
	}
	var list []holdfast.Address
	for i := range people {
		for _, a := range people[i].Addresses {
			if slices.Contains(schemes, a.Scheme) {
				list = append(list, holdfast.Address{Scheme: a.Scheme, Value: a.Value})
			}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return b.Refused(ctx, workspace, purpose, list)
}

// toldOf says which customers have been told of a broadcast's incident by another one.
func (b *Broadcasts) toldOf(ctx context.Context, workspace, id holdfast.ID, s *holdfast.BroadcastSpec, ids []holdfast.ID) (map[holdfast.ID]bool, error) {
	if s.Incident == "" {
		return nil, nil
	}
	args := []any{workspace, s.Incident, id}
	for _, i := range ids {
		args = append(args, i)
	}
	rows, err := b.DB.Unprepared(ctx, "SELECT customer FROM broadcast_told WHERE workspace = $1 AND incident = $2 AND broadcast <> $3 AND customer IN "+store.In(4, len(ids)), args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	told := map[holdfast.ID]bool{}
	for _, id := range list {
		told[id] = true
	}
	return told, err
}

// zones are the time zones of those customers who have one of their own.
func (b *Broadcasts) zones(ctx context.Context, workspace holdfast.ID, ids []holdfast.ID) (map[holdfast.ID]*time.Location, error) {
	if b.ZoneField == nil {
		return nil, nil
	}
	field, err := b.ZoneField(ctx, workspace)
	if err != nil || field.IsZero() {
		return nil, err
	}
	args := []any{workspace, field}
	for _, i := range ids {
		args = append(args, i)
	}
	type pair struct {
		id   holdfast.ID
		name string
	}
	rows, err := b.DB.Unprepared(ctx, "SELECT subject, value FROM field_value WHERE workspace = $1 AND field = $2 AND value <> '' AND subject IN "+store.In(3, len(ids)), args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, p *pair) error { return r.Scan(&p.id, &p.name) })
	out := map[holdfast.ID]*time.Location{}
	for _, p := range list {
		if z, err := time.LoadLocation(p.name); err == nil && p.name != "Local" {
			out[p.id] = z
		}
	}
	return out, err
}
