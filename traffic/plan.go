package traffic

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"holdfast"
)

// Input is all that a plan follows from.
type Input struct {
	Setting Setting
	Uplinks []Uplink // in an order that does not change: it gives them their slots
	Facts   Facts
	UID     int     // of this process; below 0: not known
	Own     []Ports // that this process listens on
}

// Plan is what the kernel should have.
type Plan struct {
	Things   []Thing
	Sorting  Sorting
	Places   []Place // the uplinks, the preferred one first
	Problems []Problem
}

// Place is where an uplink stands.
type Place struct {
	Uplink Uplink
	Slot   int // from 1
	Device string
	Best   bool   // it carries what does not say otherwise
	Calls  int    // that fit
	Mark   uint32 // of packets that must take it
	hops   map[bool]netip.Addr
	direct bool
	usable bool
}

// Problem is a part of the plan that cannot be, and why. The codes of those about an
// uplink: no_device, no_gateway, no_capacity, foreign_qdisc; about all: foreign_rule, foreign_route,
// foreign_table, one_uplink.
type Problem struct {
	Code   string      `json:"code"`
	Uplink holdfast.ID `json:"uplink,omitzero"`
	Detail string      `json:"detail"`
}

// demoted is added to the metric of an uplink that is down.
const demoted = 1000

// Make plans. It is pure: the same input gives the same plan.
func Make(in Input) Plan {
	var p Plan
	p.rank(in)
	problem := func(code string, of holdfast.ID, detail string) {
		p.Problems = append(p.Problems, Problem{code, of, detail})
	}
	for i := range p.Places {
		if p.Places[i].resolve(in.Facts); !p.Places[i].usable {
			code := "no_gateway"
			if d := in.Facts.Devices[p.Places[i].Device]; in.Facts.Known && !d.Up {
				code = "no_device"
			}
			problem(code, p.Places[i].Uplink.ID, p.Places[i].Device)
		}
	}
	p.choose()
	switch {
	case len(p.Places) < 2:
		problem("one_uplink", holdfast.ID{}, "")
	case len(in.Facts.Rules) > 0:
		problem("foreign_rule", holdfast.ID{}, in.Facts.Rules[0])
	case len(in.Facts.Routes) > 0:
		problem("foreign_route", holdfast.ID{}, in.Facts.Routes[0])
	default:
		p.route(in)
	}
	if in.Facts.Table {
		problem("foreign_table", holdfast.ID{}, tableName)
		return p
	}
	p.shape(in, problem)
	return p
}

// rank puts the uplinks into the order of preference.
func (p *Plan) rank(in Input) {
	place := func(id holdfast.ID) int {
		if i := slices.Index(in.Setting.Order, id); i >= 0 {
			return i
		}
		return len(in.Setting.Order)
	}
	rank := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	for i, u := range in.Uplinks {
		c := in.Setting.capacity(u.ID)
		p.Places = append(p.Places, Place{Uplink: u, Slot: i + 1, Device: u.Interface, Mark: markBase | uint32(i+1), Calls: Calls(c.Up, c.Down, CallKbit)})
	}
	slices.SortStableFunc(p.Places, func(a, b Place) int {
		x, y := &a.Uplink, &b.Uplink
		return cmp.Or(cmp.Compare(place(x.ID), place(y.ID)), cmp.Compare(rank(x.Metered), rank(y.Metered)), cmp.Compare(rank(x.Radio), rank(y.Radio)),
			cmp.Compare(x.Price, y.Price), cmp.Compare(a.Slot, b.Slot))
	})
}

// resolve finds the device and the next hops of an uplink.
func (l *Place) resolve(f Facts) {
	l.hops = map[bool]netip.Addr{}
	if src, err := netip.ParseAddr(l.Uplink.Source); l.Device == "" && err == nil {
		for name, d := range f.Devices {
			if slices.Contains(d.Addrs, src) {
				l.Device = name
			}
		}
	}
	if !plain(l.Device) {
		return
	}
	d := f.Devices[l.Device]
	if f.Known && !d.Up {
		return
	}
	for _, g := range d.Gateways {
		if _, is := l.hops[g.Is6()]; !is {
			l.hops[g.Is6()] = g
		}
	}
	if g, err := netip.ParseAddr(l.Uplink.Gateway); err == nil {
		g = g.Unmap().WithZone("")
		l.hops[g.Is6()] = g
	}
	l.direct = d.Direct && len(l.hops) == 0
	l.usable = l.direct || len(l.hops) > 0
}

// plain reports whether a device's name means nothing to a shell: it will be pasted.
func plain(device string) bool {
	return device != "" && !strings.HasPrefix(device, "-") && !strings.ContainsFunc(device, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@", r))
	})
}

// choose finds the best: the first that lives, or the first that could.
func (p *Plan) choose() {
	best := -1
	for i, l := range p.Places {
		if l.usable && (best < 0 || p.Places[best].Uplink.State == holdfast.LinkDown && l.Uplink.State != holdfast.LinkDown) {
			best = i
		}
	}
	if best >= 0 {
		p.Places[best].Best = true
	}
}

// route plans the default routes of all, and for each uplink a table of its own for
// what must take it: what has its mark, and what comes from its addresses.
func (p *Plan) route(in Input) {
	alive := slices.ContainsFunc(p.Places, func(l Place) bool { return l.usable && l.Uplink.State != holdfast.LinkDown })
	for _, v6 := range []bool{false, true} {
		var with []int
		for i, l := range p.Places {
			if _, is := l.hops[v6]; l.usable && (is || l.direct && !v6) {
				with = append(with, i)
			}
		}
		// Where the second way has never had this family there is nothing to choose.
		if len(with) == 0 || v6 && len(with) < 2 {
			continue
		}
		for _, i := range with {
			l := &p.Places[i]
			own := tableDefault + l.Slot
			src, err := netip.ParseAddr(l.Uplink.Source)
			if src = src.Unmap().WithZone(""); err != nil || src.Is6() != v6 {
				src = netip.Addr{}
			}
			metric := 10 * (i + 1)
			if alive && l.Uplink.State == holdfast.LinkDown {
				metric += demoted
			}
			way := Thing{Kind: aRoute, V6: v6, Via: l.hops[v6], Dev: l.Device, Src: src, Table: tableDefault, Metric: metric}
			p.Things = append(p.Things, way)
			way.Table, way.Metric = own, 10
			// Without its device the table ends here, so that nothing goes another way.
			p.Things = append(p.Things, way, Thing{Kind: aRoute, V6: v6, Table: own, Metric: lastMetric})
			pref := firstPref + 4*l.Slot
			p.Things = append(p.Things, Thing{Kind: aRule, V6: v6, Pref: pref, Mark: l.Mark}, Thing{Kind: aRule, V6: v6, Pref: pref + 1, Mark: l.Mark, Table: own})
			from := slices.Clone(in.Facts.Devices[l.Device].Addrs)
			if src.IsValid() {
				from = []netip.Addr{src} // the device may be another uplink's, too
			}
			slices.SortFunc(from, netip.Addr.Compare)
			for _, a := range slices.Compact(from) {
				if a.Is6() == v6 {
					p.Things = append(p.Things, Thing{Kind: aRule, V6: v6, Pref: pref + 2, From: a}, Thing{Kind: aRule, V6: v6, Pref: pref + 3, From: a, Table: own})
				}
			}
		}
		p.Things = append(p.Things, Thing{Kind: aRule, V6: v6, Pref: mainPref}, Thing{Kind: aRule, V6: v6, Pref: mainPref + 1, Table: tableDefault})
	}
}

// headroom is what of an uplink is given away, in hundredths: the queue must stand here,
// where it can be sorted, and not at the provider.
const headroom = 95

// shape plans the classes of each uplink whose capacity is known, and the rules that
// sort packets into them.
func (p *Plan) shape(in Input, problem func(string, holdfast.ID, string)) {
	s := &in.Setting
	sorting := Sorting{UID: in.UID, Own: in.Own}
	sorting.Telephony, _ = ParsePorts(s.Telephony.Ports)
	sorting.Desk, _ = ParsePorts(s.Desk.Ports)
	done := map[string]bool{}
	for _, l := range p.Places {
		shut := l.Uplink.Metered && s.Rest == RestShut
		up := s.capacity(l.Uplink.ID).Up
		if l.Uplink.Metered && s.Rest == RestLimited && up == 0 {
			problem("no_capacity", l.Uplink.ID, l.Device)
		}
		if !l.usable || done[l.Device] || up == 0 && !shut {
			continue
		}
		done[l.Device] = true
		if shut {
			sorting.Shut = append(sorting.Shut, l.Device)
		}
		if up > 0 {
			if foreign := in.Facts.Devices[l.Device].Foreign; foreign != "" {
				problem("foreign_qdisc", l.Uplink.ID, foreign)
				if !shut {
					continue
				}
			} else {
				p.classes(s, l, up)
			}
		}
		sorting.Devices = append(sorting.Devices, l.Device)
	}
	if len(sorting.Devices) == 0 {
		return
	}
	slices.Sort(sorting.Devices)
	slices.Sort(sorting.Shut)
	p.Sorting = sorting
	p.Things = append(p.Things, Thing{Kind: aTable, Sum: sorting.sum()})
}

func (p *Plan) classes(s *Setting, l Place, up int) {
	all := up * headroom / 100
	part := func(share int) int { return max(all*share/100, 8) }
	rest, ceil := part(100-s.Telephony.Share-s.Desk.Share), all
	if l.Uplink.Metered && s.Rest == RestLimited {
		ceil = min(all, s.RestKbit)
		rest = min(rest, ceil)
	}
	of := func(class, rate, ceil, prio int) Thing {
		return Thing{Kind: aClass, Dev: l.Device, Class: class, Rate: rate, Ceil: ceil, Prio: prio}
	}
	p.Things = append(p.Things, Thing{Kind: aQueue, Dev: l.Device}, of(1, all, all, 0),
		of(classVoice, part(s.Telephony.Share), all, 0), of(classDesk, part(s.Desk.Share), all, 1), of(classRest, rest, ceil, 2))
}
