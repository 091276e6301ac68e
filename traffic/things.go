package traffic

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The kinds of things in the kernel that the room makes.
const (
	aRoute = "route"
	aRule  = "rule"
	aQueue = "qdisc"
	aClass = "class"
	aTable = "table"
)

// By these numbers the room knows its own again, also after a crash. Protocol and
// tables are free of the registered ones; the major number of the queue spells "HF".
const (
	Protocol     = 72
	tableDefault = 18460 // the default routes of all; an uplink's own is this and its slot
	firstPref    = 31900 // of the rules, right before the main table's 32766
	mainPref     = 32000
	lastPref     = 32765
	tableName    = "holdfast"
	major        = 0x4846
	lastMetric   = 9999 // of the route that ends an uplink's own table
)

// Marks: the low byte says the uplink, the next one the class.
const (
	markBase    = 0x48460000
	markUplink  = 0xffff00ff
	markClass   = 0xffffff00
	classVoice  = 0x10
	classDesk   = 0x20
	classRest   = 0x30
	markOfVoice = markBase | 0x0100
	markOfDesk  = markBase | 0x0200
)

// Thing is one thing that the kernel has or should have. Two that are equal are alike.
type Thing struct {
	Kind string
	V6   bool

	// Of a route: no device makes it the end of its table. Of a rule: the table that it
	// leads to, where 0 is the main one without its default routes.
	Table  int
	Metric int
	Via    netip.Addr
	Dev    string // of a queue and a class, too
	Src    netip.Addr

	Pref int
	Mark uint32
	From netip.Addr

	Class, Rate, Ceil, Prio int // rates in kbit/s

	Sum string // of the rules of a table
}

// key is what can be there only once.
func (t Thing) key() Thing {
	switch t.Kind {
	case aRoute:
		return Thing{Kind: aRoute, V6: t.V6, Table: t.Table, Metric: t.Metric}
	case aQueue:
		return Thing{Kind: aQueue, Dev: t.Dev}
	case aClass:
		return Thing{Kind: aClass, Dev: t.Dev, Class: t.Class}
	case aTable:
		return Thing{Kind: aTable}
	}
	return t
}

// What a step does.
const (
	add     = "add"
	replace = "replace"
	remove  = "del"
)

// Step is one change of the kernel.
type Step struct {
	Do string
	Thing
}

var kinds = []string{aRoute, aRule, aQueue, aClass, aTable}

// Diff is what makes the kernel have what is wanted, in an order in which traffic
// always has a way: what is new comes before what goes.
func Diff(have, want []Thing) []Step {
	had := map[Thing]Thing{}
	for _, t := range have {
		had[t.key()] = t
	}
	wanted := map[Thing]bool{}
	var in, out []Step
	for _, t := range want {
		k := t.key()
		wanted[k] = true
		switch old, is := had[k]; {
		case !is:
			in = append(in, Step{add, t})
		case old != t:
			in = append(in, Step{replace, t})
		}
	}
	for _, t := range have {
		// A queue takes its classes with it.
		if !wanted[t.key()] && !(t.Kind == aClass && !wanted[Thing{Kind: aQueue, Dev: t.Dev}]) {
			out = append(out, Step{remove, t})
		}
	}
	order := func(a, b Step) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Class, b.Class))
	}
	slices.SortStableFunc(in, order)
	slices.SortStableFunc(out, func(a, b Step) int { return order(b, a) })
	return append(in, out...)
}

func ip(v6 bool) string {
	if v6 {
		return "ip -6"
	}
	return "ip"
}

// Commands is the step as ip, tc and nft would be told. s are the rules of the table.
func (s Step) Commands(sorting Sorting) []string {
	t := s.Thing
	switch t.Kind {
	case aRoute:
		to := " default"
		if t.Dev == "" {
			to = " unreachable default"
		} else if s.Do != remove {
			if t.Via.IsValid() {
				to += " via " + t.Via.String()
			}
			if to += " dev " + t.Dev; t.Via.IsValid() {
				to += " onlink"
			}
			if t.Src.IsValid() {
				to += " src " + t.Src.String()
			}
		} else {
			to += " dev " + t.Dev
		}
		return []string{fmt.Sprintf("%s route %s%s table %d metric %d proto %d", ip(t.V6), s.Do, to, t.Table, t.Metric, Protocol)}
	case aRule:
		who := ""
		if t.From.IsValid() {
			who = " from " + t.From.String()
		}
		if t.Mark != 0 {
			who += fmt.Sprintf(" fwmark 0x%x/0x%x", t.Mark, uint32(markUplink))
		}
		if who == "" {
			who = " from all"
		}
		where := fmt.Sprintf(" lookup %d", t.Table)
		if t.Table == 0 {
			where = " lookup main suppress_prefixlength 0"
		}
		return []string{fmt.Sprintf("%s rule %s pref %d%s%s protocol %d", ip(t.V6), s.Do, t.Pref, who, where, Protocol)}
	case aQueue:
		if s.Do == remove {
			return []string{"tc qdisc del dev " + t.Dev + " root"}
		}
		return []string{fmt.Sprintf("tc qdisc %s dev %s root handle %x: htb default %x", s.Do, t.Dev, major, classDesk)}
	case aClass:
		parent := fmt.Sprintf("%x:1", major)
		if t.Class == 1 {
			parent = fmt.Sprintf("%x:", major)
		}
		if s.Do == remove {
			return []string{fmt.Sprintf("tc class del dev %s classid %x:%x", t.Dev, major, t.Class)}
		}
		return []string{fmt.Sprintf("tc class %s dev %s parent %s classid %x:%x htb rate %dkbit ceil %dkbit prio %d quantum %d", s.Do, t.Dev, parent, major, t.Class, t.Rate, t.Ceil, t.Prio, quantum(t.Rate))}
	}
	drop := "nft delete table inet " + tableName
	switch s.Do {
	case remove:
		return []string{drop}
	case replace:
		return append([]string{drop}, sorting.Commands()...)
	}
	return sorting.Commands()
}

// quantum is how many bytes a class lends at a time: a packet at least, and not so much
// that voice has to wait for it.
func quantum(kbit int) int { return min(max(kbit*1000/8/10, 1514), 60000) }

// print is what a list of steps would be typed as.
func print(steps []Step, s Sorting) []string {
	list := []string{}
	for _, x := range steps {
		list = append(list, x.Commands(s)...)
	}
	return list
}

func (t Thing) String() string { return strings.Join(Step{add, t}.Commands(Sorting{}), "; ") }
