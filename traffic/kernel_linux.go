package traffic

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
)

// Kernel is this machine's: routes, rules, queues and the table of sorting.
type Kernel struct{}

const capNetAdmin = 12

// Capable reports whether this process may change the network.
func (Kernel) Capable() bool {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if hex, is := strings.CutPrefix(line, "CapEff:"); is {
			n, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return err == nil && n&(1<<capNetAdmin) != 0
		}
	}
	return false
}

// Lock makes sure that no other desk of this machine's network does the same. The
// kernel lets go of it when the process ends, however it ends.
func (Kernel) Lock() (unlock func(), err error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: "@holdfast-traffic", Net: "unix"})
	if err != nil {
		return nil, err
	}
	return func() { l.Close() }, nil
}

var families = map[bool]int{false: netlink.FAMILY_V4, true: netlink.FAMILY_V6}

// Read is what of ours the kernel has, and what of others matters.
func (Kernel) Read() (have []Thing, f Facts, err error) {
	f = Facts{Known: true, Devices: map[string]Device{}}
	devices, err := netlink.LinkList()
	if err != nil {
		return nil, f, fmt.Errorf("list devices: %w", err)
	}
	names := map[int]string{}
	for _, d := range devices {
		a := d.Attrs()
		names[a.Index] = a.Name
		f.Devices[a.Name] = Device{Up: a.Flags&net.FlagUp != 0}
	}
	change := func(index int, with func(d *Device)) {
		if name, is := names[index]; is {
			d := f.Devices[name]
			with(&d)
			f.Devices[name] = d
		}
	}
	for _, v6 := range []bool{false, true} {
		family := families[v6]
		addresses, err := netlink.AddrList(nil, family)
		if v6 && err != nil {
			break // it may be switched off altogether
		}
		if err != nil {
			return nil, f, fmt.Errorf("list addresses: %w", err)
		}
		for _, a := range addresses {
			if ip, ok := netip.AddrFromSlice(a.IP); ok && ip.Unmap().IsGlobalUnicast() {
				change(a.LinkIndex, func(d *Device) { d.Addrs = append(d.Addrs, ip.Unmap()) })
			}
		}
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{}, netlink.RT_FILTER_TABLE)
		if err != nil {
			return nil, f, fmt.Errorf("list routes: %w", err)
		}
		for i := range routes {
			r := &routes[i]
			mine := r.Table >= tableDefault && r.Table <= tableDefault+mostUplinks
			switch {
			case r.Protocol == Protocol:
				have = append(have, routeThing(r, v6, names))
			case mine:
				f.Routes = append(f.Routes, r.String())
			case r.Table == syscall.RT_TABLE_MAIN && isDefault(r.Dst):
				change(r.LinkIndex, func(d *Device) { d.follow(r.Gw) })
			}
		}
		rules, err := netlink.RuleList(family)
		if v6 && errors.Is(err, syscall.EAFNOSUPPORT) || v6 && errors.Is(err, syscall.EOPNOTSUPP) {
			break
		}
		if err != nil {
			return nil, f, fmt.Errorf("list rules: %w", err)
		}
		for i := range rules {
			r := &rules[i]
			switch {
			case r.Protocol == Protocol:
				have = append(have, ruleThing(r, v6))
			case r.Priority >= firstPref && r.Priority <= lastPref, r.Table >= tableDefault && r.Table <= tableDefault+mostUplinks:
				f.Rules = append(f.Rules, r.String())
			}
		}
	}
	queues, err := netlink.QdiscList(nil)
	if err != nil {
		return nil, f, fmt.Errorf("list queues: %w", err)
	}
	for _, q := range queues {
		a := q.Attrs()
		name, is := names[a.LinkIndex]
		switch {
		case !is || a.Parent != netlink.HANDLE_ROOT:
		case a.Handle == netlink.MakeHandle(major, 0) && q.Type() == "htb":
			have = append(have, Thing{Kind: aQueue, Dev: name})
			classes, err := netlink.ClassList(devices[indexOf(devices, a.LinkIndex)], 0)
			if err != nil {
				return nil, f, fmt.Errorf("list classes: %w", err)
			}
			for _, c := range classes {
				if h, is := c.(*netlink.HtbClass); is {
					have = append(have, Thing{Kind: aClass, Dev: name, Class: int(h.Handle & 0xffff), Rate: int(h.Rate * 8 / 1000), Ceil: int(h.Ceil * 8 / 1000), Prio: int(h.Prio)})
				}
			}
		case a.Handle != 0: // without a handle it is the kernel's own
			change(a.LinkIndex, func(d *Device) { d.Foreign = q.Type() + " " + netlink.HandleStr(a.Handle) })
		}
	}
	sum, there, err := tableSum()
	if errors.Is(err, syscall.EPROTONOSUPPORT) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EPERM) && !(Kernel{}).Capable() {
		sum, there, err = "", false, nil // a kernel without it, where making it says so; or no right to see it, and none to make it
	}
	if err != nil {
		return nil, f, fmt.Errorf("list tables: %w", err)
	}
	if sum != "" {
		have = append(have, Thing{Kind: aTable, Sum: sum})
	}
	f.Table = there && sum == ""
	return have, f, nil
}

func indexOf(list []netlink.Link, index int) int {
	for i, d := range list {
		if d.Attrs().Index == index {
			return i
		}
	}
	return 0
}

// follow takes the next hop of a default route; the first of a family counts, which is
// the one with the lowest metric.
func (d *Device) follow(gw net.IP) {
	a, ok := netip.AddrFromSlice(gw)
	if !ok {
		d.Direct = true
		return
	}
	a = a.Unmap()
	for _, g := range d.Gateways {
		if g.Is6() == a.Is6() {
			return
		}
	}
	d.Gateways = append(d.Gateways, a)
}

func isDefault(n *net.IPNet) bool {
	if n == nil {
		return true
	}
	ones, _ := n.Mask.Size()
	return ones == 0 && n.IP.IsUnspecified()
}

func routeThing(r *netlink.Route, v6 bool, names map[int]string) Thing {
	t := Thing{Kind: aRoute, V6: v6, Table: r.Table, Metric: r.Priority}
	if r.Type == syscall.RTN_UNREACHABLE {
		return t
	}
	t.Dev = names[r.LinkIndex]
	if a, ok := netip.AddrFromSlice(r.Gw); ok {
		t.Via = a.Unmap()
	}
	if a, ok := netip.AddrFromSlice(r.Src); ok {
		t.Src = a.Unmap()
	}
	return t
}

func ruleThing(r *netlink.Rule, v6 bool) Thing {
	t := Thing{Kind: aRule, V6: v6, Pref: r.Priority, Mark: r.Mark, Table: r.Table}
	if r.SuppressPrefixlen == 0 && r.Table == syscall.RT_TABLE_MAIN {
		t.Table = 0
	}
	if r.Src != nil {
		if a, ok := netip.AddrFromSlice(r.Src.IP); ok {
			t.From = a.Unmap()
		}
	}
	return t
}

// Do takes one step. What is there already, or already gone, is no error.
func (k Kernel) Do(s Step, sorting Sorting) error {
	var err error
	switch s.Kind {
	case aRoute:
		err = k.route(s)
	case aRule:
		err = k.rule(s)
	case aQueue, aClass:
		err = k.queue(s)
	case aTable:
		err = k.table(s, sorting)
	}
	gone := errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.ENODEV)
	if s.Do == add && errors.Is(err, syscall.EEXIST) || s.Do == remove && gone {
		return nil
	}
	return err
}

func (Kernel) route(s Step) error {
	r := &netlink.Route{Family: families[s.V6], Table: s.Table, Priority: s.Metric, Protocol: Protocol, Type: syscall.RTN_UNICAST, Scope: netlink.SCOPE_UNIVERSE}
	r.Dst = &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
	if s.V6 {
		r.Dst = &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}
	}
	switch {
	case s.Dev == "":
		r.Type = syscall.RTN_UNREACHABLE
	default:
		d, err := netlink.LinkByName(s.Dev)
		if err != nil {
			if gone := (netlink.LinkNotFoundError{}); errors.As(err, &gone) && s.Do == remove {
				return nil // the kernel has taken it away with the device
			}
			return err
		}
		r.LinkIndex = d.Attrs().Index
		if s.Via.IsValid() {
			// A next hop outside of the device's own network is one all the same.
			r.Gw = s.Via.AsSlice()
			r.SetFlag(netlink.FLAG_ONLINK)
		} else {
			r.Scope = netlink.SCOPE_LINK
		}
		if s.Src.IsValid() {
			r.Src = s.Src.AsSlice()
		}
	}
	switch s.Do {
	case remove:
		return netlink.RouteDel(r)
	case replace:
		return netlink.RouteReplace(r)
	}
	return netlink.RouteAdd(r)
}

func (Kernel) rule(s Step) error {
	r := netlink.NewRule()
	r.Family, r.Priority, r.Protocol, r.Table = families[s.V6], s.Pref, Protocol, s.Table
	if s.Table == 0 {
		r.Table, r.SuppressPrefixlen = syscall.RT_TABLE_MAIN, 0
	}
	if s.Mark != 0 {
		mask := uint32(markUplink)
		r.Mark, r.Mask = s.Mark, &mask
	}
	if s.From.IsValid() {
		r.Src = &net.IPNet{IP: s.From.AsSlice(), Mask: net.CIDRMask(s.From.BitLen(), s.From.BitLen())}
	}
	if s.Do == remove {
		return netlink.RuleDel(r)
	}
	return netlink.RuleAdd(r)
}

func (Kernel) queue(s Step) error {
	d, err := netlink.LinkByName(s.Dev)
	if err != nil {
		if gone := (netlink.LinkNotFoundError{}); errors.As(err, &gone) && s.Do == remove {
			return nil
		}
		return err
	}
	index := d.Attrs().Index
	if s.Kind == aQueue {
		q := netlink.NewHtb(netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(major, 0), Parent: netlink.HANDLE_ROOT})
		q.Defcls = classDesk // every packet of IP is told apart; the others are few, and the link needs them
		if s.Do == remove {
			return netlink.QdiscDel(q)
		}
		return netlink.QdiscAdd(q)
	}
	parent := netlink.MakeHandle(major, 1)
	if s.Class == 1 {
		parent = netlink.MakeHandle(major, 0)
	}
	c := netlink.NewHtbClass(netlink.ClassAttrs{LinkIndex: index, Parent: parent, Handle: netlink.MakeHandle(major, uint16(s.Class))},
		netlink.HtbClassAttrs{Rate: uint64(s.Rate) * 1000, Ceil: uint64(s.Ceil) * 1000, Prio: uint32(s.Prio), Quantum: uint32(quantum(s.Rate))})
	if s.Do == remove {
		return netlink.ClassDel(c)
	}
	return netlink.ClassReplace(c)
}
