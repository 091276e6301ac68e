package losses

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"holdfast"
)

// Basis says what revenue by the hour was made of.
type Basis struct {
	Of       string `json:"of" enum:"orders,contacts,flat" doc:"Of orders; of the turnover that was stated, spread as contacts come; or spread over the opening hours."`
	Weeks    int    `json:"weeks" doc:"How many of the eight weeks before there are."`
	Contacts int    `json:"contacts" doc:"Conversations with news from a customer, by quarters of an hour, in those weeks."`
	Thin     bool   `json:"thin" doc:"Most hours have none: the mean stands for the median."`
}

// Episode is a time in which one channel or several carried nothing: outages that
// overlap are one.
type Episode struct {
	Outage   holdfast.ID   `json:"outage,omitzero" doc:"The first of the ledger's."`
	From     time.Time     `json:"from"`
	To       time.Time     `json:"to"`
	Lasts    bool          `json:"lasts"`
	Hours    float64       `json:"hours" doc:"In which at least one channel was cut."`
	Channels []holdfast.ID `json:"channels"`
	Cut      float64       `json:"cut" doc:"The share of all contacts that was cut, over those hours."`
	Expected float64       `json:"expected" doc:"Contacts that would have come over what was cut."`
	Came     float64       `json:"came" doc:"More contacts than usual, meanwhile, over what still worked."`
	Back     float64       `json:"back" doc:"More contacts than usual, afterwards, for as long again."`
	Unserved float64       `json:"unserved" doc:"Contacts that never came: taken for customers who were not served."`
	Answered int           `json:"answered" doc:"Conversations that a person answered meanwhile."`
	Cost     Cost          `json:"cost"`
	Factors  []Factor      `json:"factors" doc:"Every figure of the formula that is not above."`
	Basis    Basis         `json:"basis"`
	Currency string        `json:"currency"`
}

// Report is what all episodes of a time came to.
type Report struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Currency string    `json:"currency"`
	Total    Cost      `json:"total"`
	Hours    float64   `json:"hours"`
	Episodes []Episode `json:"episodes" doc:"The newest first."`
	Factors  []Factor  `json:"factors"`
	Basis    Basis     `json:"basis" doc:"Of the week as it is now."`
	Missing  []string  `json:"missing" doc:"Keys of sums that nobody has stated, so that they count as nothing."`
}

// ground is what stands under each episode of one question.
type ground struct {
	said     holdfast.Assumptions
	currency string
	zone     *time.Location
	open     holdfast.Hours
	channels int
	staff    int
	contacts *contacts
	sales    []Sale
	orders   bool
}

func (l *Losses) ground(ctx context.Context, workspace holdfast.ID, from, to time.Time) (*ground, error) {
	g := &ground{}
	var err error
	var language string
	if g.said, err = l.Assumptions(ctx, workspace); err != nil {
		return nil, err
	}
	if language, g.zone, g.open, err = l.House(ctx, workspace); err != nil {
		return nil, err
	}
	g.currency = currency(&g.said, language)
	if g.channels, err = l.Channels(ctx, workspace); err != nil {
		return nil, err
	}
	if g.staff, err = l.Staff(ctx, workspace); err != nil {
		return nil, err
	}
	before := from.Add(-baseWeeks*week - time.Hour)
	if g.contacts, err = l.contacts(ctx, workspace, before, to); err != nil {
		return nil, err
	}
	if g.orders = l.Orders != nil; g.orders {
		g.sales, err = l.Orders(ctx, workspace, before, to)
	}
	return g, err
}

// usual is the week as it was before a moment: what its hours bring in contacts and in
// money, and each channel's share of the contacts.
type usual struct {
	contacts, revenue Week
	share             map[holdfast.ID]float64
	alike             float64 // share of a channel where nothing is known
	basis             Basis
}

func (u *usual) of(channel holdfast.ID) float64 {
	if u.basis.Contacts < fewContacts {
		return u.alike
	}
	return u.share[channel]
}

func (g *ground) usual(at time.Time, weekly float64) usual {
	list, share, n := g.contacts.weeks(at, g.zone)
	u := usual{share: share, alike: 1 / float64(max(g.channels, 1)), basis: Basis{Of: "contacts", Weeks: len(list), Contacts: int(n)}}
	u.contacts, u.basis.Thin = WeekOf(list)
	switch {
	case g.orders:
		u.basis.Of = "orders"
		u.revenue, u.basis.Thin = WeekOf(salesByWeek(g.sales, at, g.zone))
	case len(list) > 0:
		u.revenue = u.contacts.scaled(weekly)
	default:
		u.basis.Of = "flat"
		u.revenue = g.flat(weekly)
	}
	return u
}

func salesByWeek(sales []Sale, at time.Time, zone *time.Location) []Counted {
	list := make([]Counted, baseWeeks)
	for _, s := range sales {
		if w := int(at.Sub(s.At) / week); s.At.Before(at) && w < baseWeeks {
			list[w][hourOf(s.At.In(zone))] += s.Amount
		}
	}
	return list
}

// flat spreads a week's turnover evenly over the hours in which the desk is open.
func (g *ground) flat(weekly float64) (w Week) {
	monday := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for h := range w {
		for q := range 4 {
			if !g.open.Set() || g.open.Open(monday.Add(time.Duration(h)*time.Hour+time.Duration(q)*cell)) {
				w[h] = w[h].plus(Band{1, 1, 1})
			}
		}
	}
	return w.scaled(weekly)
}

// episode works one out: cuts of which no two of one channel overlap, ended by to.
func (g *ground) episode(cuts []Cut) Episode {
	e := Episode{From: cuts[0].From, Channels: []holdfast.ID{}, Currency: g.currency, Outage: cuts[0].Outage}
	for _, c := range cuts {
		if c.From.Before(e.From) {
			e.From = c.From
		}
		if c.To.After(e.To) {
			e.To = c.To
		}
		if !slices.Contains(e.Channels, c.Channel) {
			e.Channels = append(e.Channels, c.Channel)
		}
	}
	known := map[string]float64{"staff": float64(g.staff)}
	weekly := value(factors(g.said, nil), "weekly").Value
	u := g.usual(e.From, weekly)
	e.Basis = u.basis
	var revenue, expected Band
	var cutHours, openHours float64
	var rest float64 // contacts that what still worked would have had anyway
	for i := cellOf(e.From); i <= cellOf(e.To); i++ {
		at := time.UnixMilli(i * cell.Milliseconds()).In(g.zone)
		var share, widest float64
		for _, c := range cuts {
			part := overlap(c.From, c.To, i)
			share += part * u.of(c.Channel)
			widest = max(widest, part)
		}
		share = min(share, 1)
		h := hourOf(at)
		hours := cell.Hours()
		e.Hours += widest * hours
		revenue = revenue.plus(u.revenue[h].times(share * hours))
		expected = expected.plus(u.contacts[h].times(share * hours))
		rest += u.contacts[h].Middle * hours * max(0, overlap(e.From, e.To, i)-share)
		cutHours += share * hours
		if !g.open.Set() || g.open.Open(at) {
			openHours += share * hours
		}
	}
	if e.Hours > 0 {
		e.Cut = cutHours / e.Hours
	}
	e.Expected = expected.Middle
	var kept, returned float64
	if e.Expected >= 1 {
		after := min(max(e.To.Sub(e.From), time.Hour), 24*time.Hour)
		e.Came = within(g.contacts.sum(g.contacts.all, e.From, e.To)-rest, 0, e.Expected)
		var usually float64
		for i := cellOf(e.To); i <= cellOf(e.To.Add(after)); i++ {
			usually += u.contacts[hourOf(time.UnixMilli(i*cell.Milliseconds()).In(g.zone))].Middle * cell.Hours() * overlap(e.To, e.To.Add(after), i)
		}
		e.Back = within(g.contacts.sum(g.contacts.all, e.To, e.To.Add(after))-usually, 0, e.Expected-e.Came)
		kept, returned = e.Came/e.Expected, e.Back/e.Expected
		known["recaptured"] = kept + returned
	}
	e.Factors = factors(g.said, known)
	f := func(key string) float64 { return value(e.Factors, key).Value }
	if r := value(e.Factors, "recaptured"); r.Source != Measured {
		// What was said goes before what was measured: of it, that was kept which is known to be.
		kept = min(kept, r.Value)
		returned = r.Value - kept
		if known["recaptured"] == 0 {
			kept, returned = r.Value, 0
		}
	}
	e.Unserved = e.Expected * (1 - kept - returned)
	e.Cost = Price(Sums{Revenue: revenue, Internet: f("internet"), Kept: kept, Returned: returned, IdleHours: openHours * f("staff"), Wage: f("wage"),
		Recovery: mending(e.Hours, f("recovery")), Customers: e.Unserved * f("leaving"), Worth: f("worth"), Margin: f("margin"), Hours: e.Hours, HourlyFine: f("penalty")})
	return e
}

// mending is what putting things right cost: what mends itself within five minutes,
// nobody put right.
func mending(hours, recovery float64) float64 {
	if hours*60 < 5 {
		return 0
	}
	return recovery
}

// near is how close two outages are to be one episode: a link that flaps is put right once.
const near = 10 * time.Minute

// together puts cuts into episodes, the earliest first, and ends what lasts at now.
func together(cuts []Cut, now time.Time) (list [][]Cut, lasts []bool) {
	cuts = slices.Clone(cuts)
	slices.SortFunc(cuts, func(a, b Cut) int {
		return cmp.Or(a.From.Compare(b.From), slices.Compare(a.Channel[:], b.Channel[:]))
	})
	var end time.Time
	for _, c := range cuts {
		goes := c.To.IsZero()
		if goes {
			c.To = now
		}
		if len(list) == 0 || c.From.Sub(end) > near {
			list, lasts, end = append(list, nil), append(lasts, false), c.To
		}
		n := len(list) - 1
		list[n], lasts[n] = append(list[n], c), lasts[n] || goes
		if c.To.After(end) {
			end = c.To
		}
	}
	return list, lasts
}

// Of is what a time came to. What lasts is counted until now.
func (l *Losses) Of(ctx context.Context, workspace holdfast.ID, from, to time.Time) (*Report, error) {
	now := l.DB.Now()
	if to.IsZero() || to.After(now) {
		to = now
	}
	r := &Report{From: from, To: to, Episodes: []Episode{}}
	cuts, err := l.Cuts(ctx, workspace, from, to)
	if err != nil {
		return nil, err
	}
	g, err := l.ground(ctx, workspace, from, now)
	if err != nil {
		return nil, err
	}
	for i := range cuts {
		if cuts[i].From.Before(from) {
			cuts[i].From = from
		}
	}
	list, lasts := together(cuts, to)
	for i, group := range list {
		e := g.episode(group)
		e.Lasts = lasts[i]
		if e.Answered, err = l.answered(ctx, workspace, e.From, e.To); err != nil {
			return nil, err
		}
		r.Total = r.Total.plus(e.Cost)
		r.Hours += e.Hours
		r.Episodes = append(r.Episodes, e)
	}
	slices.Reverse(r.Episodes)
	r.Currency, r.Factors = g.currency, factors(g.said, map[string]float64{"staff": float64(g.staff)})
	r.Basis = g.usual(now, value(r.Factors, "weekly").Value).basis
	r.Missing = missing(r.Factors)
	return r, nil
}

// missing lists the sums without which a cost is less than it was.
func missing(list []Factor) []string {
	keys := []string{}
	for _, f := range list {
		if f.Source == Default && !f.Share {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// Outage is what one of the ledger's came to: the channels that it cut off, for as long
// as it lasted. One that cut off none cost nothing. The error is NotFound.
func (l *Losses) Outage(ctx context.Context, workspace, id holdfast.ID) (*Episode, error) {
	from, to, channels, err := l.Deps.Outage(ctx, workspace, id)
	if err != nil {
		return nil, err
	}
	now := l.DB.Now()
	end := to
	if end.IsZero() {
		end = now
	}
	all, err := l.Cuts(ctx, workspace, from, end)
	if err != nil {
		return nil, err
	}
	var cuts []Cut
	for _, c := range all {
		if !slices.Contains(channels, c.Channel) {
			continue
		}
		if c.To.IsZero() || c.To.After(end) {
			c.To = end
		}
		if c.From.Before(from) {
			c.From = from
		}
		if c.From.Before(c.To) {
			cuts = append(cuts, c)
		}
	}
	g, err := l.ground(ctx, workspace, from, now)
	if err != nil {
		return nil, err
	}
	if len(cuts) == 0 {
		cuts = []Cut{{Channel: holdfast.ID{}, From: from, To: from}}
	}
	e := g.episode(cuts)
	if e.From, e.To, e.Lasts, e.Outage = from, end, to.IsZero(), id; len(channels) == 0 {
		e.Channels = []holdfast.ID{}
	}
	e.Answered, err = l.answered(ctx, workspace, from, end)
	return &e, err
}

// answered counts the conversations that a person answered in a time.
func (l *Losses) answered(ctx context.Context, workspace holdfast.ID, from, to time.Time) (n int, err error) {
	err = l.DB.QueryRow(ctx, `SELECT COUNT(DISTINCT m.conversation) FROM conversation c JOIN message m ON m.conversation = c.id
		WHERE c.workspace = $1 AND c.last_clock >= $2 AND m.clock >= $2 AND m.clock <= $3 AND m.direction = 'out' AND m.author IS NOT NULL`,
		workspace, holdfast.ClockAt(from), holdfast.ClockAt(to)).Scan(&n)
	return n, err
}

// Case is an outage that is thought up.
type Case struct {
	From      time.Time // when it begins; zero is now, or when the desk opens next
	Hours     float64
	Cut       float64 // share of contacts, 0 to 1
	Customers *float64
	holdfast.Assumptions
}

// Calculate is what an outage would cost, by figures that are said here and now; it
// needs no data. The error is Invalid.
func (l *Losses) Calculate(ctx context.Context, workspace holdfast.ID, c Case) (*Episode, error) {
	if err := check(&c.Assumptions); err != nil {
		return nil, err
	}
	if !(c.Hours >= 0 && c.Hours <= 24*90) {
		return nil, holdfast.Errorf(holdfast.Invalid, "losses.out_of_range", "this is from 0 to %g", 24.*90).WithField("hours")
	}
	if !(c.Cut >= 0 && c.Cut <= 1) || c.Customers != nil && !(*c.Customers >= 0 && *c.Customers <= most) {
		return nil, holdfast.Errorf(holdfast.Invalid, "losses.out_of_range", "this is from 0 to %g", 1.).WithField("cut")
	}
	now := l.DB.Now()
	thought := c.From.IsZero()
	if thought {
		c.From = now
	}
	before := c.From // of what is to come, the weeks before today are what is known
	if before.After(now) {
		before = now
	}
	g, err := l.ground(ctx, workspace, before, now)
	if err != nil {
		return nil, err
	}
	if c.Currency == "" {
		c.Currency = g.currency
	}
	g.said, g.currency = c.Assumptions, c.Currency
	// An outage that nobody notices teaches nothing: it begins when the desk opens.
	if at := c.From.In(g.zone); thought && g.open.Set() && !g.open.Open(at) {
		if next := g.open.Next(at); !next.IsZero() {
			c.From = next
		}
	}
	e := g.thought(c, before)
	return &e, nil
}

// thought works out an outage that was not: of all channels together, by its share.
func (g *ground) thought(c Case, before time.Time) Episode {
	end := c.From.Add(time.Duration(math.Round(c.Hours * float64(time.Hour))))
	e := Episode{From: c.From, To: end, Channels: []holdfast.ID{}, Currency: g.currency, Hours: c.Hours, Cut: c.Cut}
	e.Factors = factors(g.said, map[string]float64{"staff": float64(g.staff)})
	f := func(key string) float64 { return value(e.Factors, key).Value }
	u := g.usual(before, f("weekly"))
	e.Basis = u.basis
	var revenue Band
	var open float64
	for i := cellOf(c.From); i <= cellOf(end); i++ {
		at := time.UnixMilli(i * cell.Milliseconds()).In(g.zone)
		part := c.Cut * overlap(c.From, end, i) * cell.Hours()
		revenue = revenue.plus(u.revenue[hourOf(at)].times(part))
		e.Expected += u.contacts[hourOf(at)].Middle * part
		if !g.open.Set() || g.open.Open(at) {
			open += part
		}
	}
	if e.Unserved = e.Expected * (1 - f("recaptured")); c.Customers != nil {
		e.Unserved = *c.Customers
	}
	e.Cost = Price(Sums{Revenue: revenue, Internet: f("internet"), Kept: f("recaptured"), IdleHours: open * f("staff"), Wage: f("wage"),
		Recovery: mending(e.Hours, f("recovery")), Customers: e.Unserved * f("leaving"), Worth: f("worth"), Margin: f("margin"), Hours: e.Hours, HourlyFine: f("penalty")})
	return e
}
