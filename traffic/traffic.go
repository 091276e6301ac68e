// Package traffic says which uplink this machine's traffic takes and what goes first
// on it: the best living uplink carries everything, telephony goes before the desk, and
// the desk before the rest. It plans that as a list of things that the kernel should
// have, prints each as a command, and applies the difference where an administrator has
// switched it on.
//
// It refuses to touch what it has not made: routes, rules, queues and tables of others
// stay as they are, and where they stand in its way it says so and leaves that part
// alone. It refuses to leave anything behind, to apply anything unasked, to probe (that
// is the room of links) and to shape what comes in, which is the provider's queue.
package traffic

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"holdfast"
)

// Mode is how far an administrator lets the room go.
type Mode string

// The modes.
const (
	Off    Mode = "off"
	DryRun Mode = "dry_run" // plans and prints
	On     Mode = "on"
)

// What happens to the rest of the traffic on an uplink that costs by the byte.
const (
	RestFree    = "free"    // like on any other
	RestLimited = "limited" // up to RestKbit
	RestShut    = "shut"    // dropped
)

// Setting is what an administrator has set up.
type Setting struct {
	Mode       Mode          `json:"mode" enum:"off,dry_run,on"`
	Order      []holdfast.ID `json:"order" doc:"The uplinks, the preferred one first; those that are missing follow: unmetered before metered, wired before radio, cheap before dear."`
	Capacities []Capacity    `json:"capacities" doc:"An uplink without one is not shaped."`
	Telephony  Class         `json:"telephony" doc:"Voice: DSCP EF and these ports."`
	Desk       Class         `json:"desk" doc:"What Holdfast itself sends, these ports, and what keeps the uplink alive."`
	Rest       string        `json:"rest" enum:"free,limited,shut" doc:"What becomes of the rest on a metered uplink."`
	RestKbit   int           `json:"rest_kbit" doc:"For limited: kbit/s."`
}

// Capacity is what an uplink carries, in kbit/s.
type Capacity struct {
	Uplink holdfast.ID `json:"uplink"`
	Up     int         `json:"up_kbit" doc:"Outgoing, kbit/s; 0: not known, not shaped."`
	Down   int         `json:"down_kbit" doc:"Incoming, kbit/s; 0: as outgoing. Counts for how many calls fit."`
}

// Class is how a class is told and what it is guaranteed.
type Class struct {
	Share int    `json:"share" doc:"What it is guaranteed, in hundredths of the uplink; what it does not use others borrow."`
	Ports string `json:"ports" doc:"TCP and UDP, on either side: 5060-5061, 10000-20000."`
}

// Defaults are the settings before anybody has chosen: calls are admitted up to three
// quarters, and those three quarters are theirs.
func Defaults() Setting {
	return Setting{Mode: Off, Order: []holdfast.ID{}, Capacities: []Capacity{}, Telephony: Class{Share: 75, Ports: "5060-5061, 10000-20000"}, Desk: Class{Share: 20}, Rest: RestFree, RestKbit: 256}
}

// The bounds of what can be set up.
const (
	mostKbit    = 10_000_000
	leastKbit   = 64
	mostPorts   = 20
	mostUplinks = 8
)

// Uplink is one way out, as the room of links knows it.
type Uplink struct {
	ID        holdfast.ID
	Name      string
	Interface string // "": the device that has Source
	Source    string
	Gateway   string // "": as the kernel's own routes say
	Radio     bool
	Metered   bool
	Price     float64
	State     holdfast.LinkState // "" counts as up
}

// Ports is a range of ports.
type Ports struct{ From, To uint16 }

func (p Ports) String() string {
	if p.From == p.To {
		return strconv.Itoa(int(p.From))
	}
	return strconv.Itoa(int(p.From)) + "-" + strconv.Itoa(int(p.To))
}

func invalid(code, field, text string) error {
	return holdfast.Errorf(holdfast.Invalid, code, "%s", text).WithField(field)
}

// ParsePorts reads "5060-5061, 10000-20000".
func ParsePorts(s string) ([]Ports, bool) {
	var list []Ports
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == ';' || r == '\n' }) {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		a, errA := strconv.ParseUint(from, 10, 16)
		b, errB := strconv.ParseUint(to, 10, 16)
		if errA != nil || errB != nil || a == 0 || b < a || len(list) == mostPorts {
			return nil, false
		}
		list = append(list, Ports{uint16(a), uint16(b)})
	}
	return list, true
}

// check says what is wrong with a setting. Errors: Invalid.
func (s *Setting) check() error {
	if !slices.Contains([]Mode{Off, DryRun, On}, s.Mode) {
		return invalid("traffic.mode_unknown", "mode", "the mode is off, dry_run or on")
	}
	if !slices.Contains([]string{RestFree, RestLimited, RestShut}, s.Rest) {
		return invalid("traffic.rest_unknown", "rest", "on a metered uplink the rest is free, limited or shut")
	}
	if s.RestKbit < leastKbit || s.RestKbit > mostKbit {
		return invalid("traffic.capacity_invalid", "rest_kbit", "a capacity is 64 to 10 000 000 kbit/s")
	}
	if len(s.Order) > mostUplinks || len(s.Capacities) > mostUplinks {
		return invalid("traffic.capacity_invalid", "capacities", "a node has up to eight uplinks")
	}
	for _, c := range s.Capacities {
		for _, n := range []int{c.Up, c.Down} {
			if n != 0 && (n < leastKbit || n > mostKbit) {
				return invalid("traffic.capacity_invalid", "capacities", "a capacity is 64 to 10 000 000 kbit/s")
			}
		}
	}
	if s.Telephony.Share < 1 || s.Desk.Share < 1 || s.Telephony.Share+s.Desk.Share > 99 {
		return invalid("traffic.share_invalid", "telephony.share", "telephony and the desk have at least one hundredth each and leave one for the rest")
	}
	for field, p := range map[string]string{"telephony.ports": s.Telephony.Ports, "desk.ports": s.Desk.Ports} {
		if _, ok := ParsePorts(p); !ok {
			return invalid("traffic.ports_invalid", field, "ports are numbers and ranges: 5060-5061, 10000-20000; up to twenty")
		}
	}
	return nil
}

// capacity is what is set for an uplink, incoming as outgoing where only that is known.
func (s *Setting) capacity(id holdfast.ID) Capacity {
	for _, c := range s.Capacities {
		if c.Uplink == id {
			if c.Down == 0 {
				c.Down = c.Up
			}
			return c
		}
	}
	return Capacity{Uplink: id}
}

// CallKbit is what a call of G.711 at 20 ms takes each way, at the level of IP.
const CallKbit = 80

// Calls is how many calls of so many kbit/s fit into three quarters of an uplink that
// carries up and down kbit/s. The rest is for what must get through beside them.
func Calls(up, down, each int) int {
	if up <= 0 || down <= 0 || each <= 0 {
		return 0
	}
	return min(up, down) * 3 / 4 / each
}

// Admit reports whether one more call fits beside those that are being held.
func Admit(held, up, down, each int) bool { return held >= 0 && held < Calls(up, down, each) }

// Device is a network interface as the kernel has it.
type Device struct {
	Up       bool
	Addrs    []netip.Addr // global ones
	Gateways []netip.Addr // of its default routes, whoever made them; one a family
	Direct   bool         // it has a default route without a gateway
	Foreign  string       // a root queue that somebody has put there; "" for none
}

// Facts are what the kernel has that is not ours.
type Facts struct {
	Known   bool
	Devices map[string]Device
	Rules   []string // of others, that ours would overtake
	Routes  []string // of others, in our tables
	Table   bool     // somebody else's nft table has our name
}
