package traffic

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"holdfast"
)

// kernel is one in a test: things of ours, and those of others that no step may name.
type kernel map[Thing]Thing

func (k kernel) do(t interface{ Fatalf(string, ...any) }, s Step) {
	_, there := k[s.key()]
	switch s.Do {
	case add:
		if there {
			t.Fatalf("%v is there already", s.Commands(Sorting{}))
		}
		if _, is := k[Thing{Kind: aQueue, Dev: s.Dev}]; s.Kind == aClass && !is {
			t.Fatalf("%v has no queue", s.Commands(Sorting{}))
		}
	default:
		if !there {
			t.Fatalf("%v is not there", s.Commands(Sorting{}))
		}
	}
	if s.Do != remove {
		k[s.key()] = s.Thing
		return
	}
	delete(k, s.key())
	if s.Kind == aQueue {
		maps.DeleteFunc(k, func(key, _ Thing) bool { return key.Kind == aClass && key.Dev == s.Dev })
	}
}

func (k kernel) things() []Thing { return slices.Collect(maps.Values(k)) }

// way is the device that what says nothing else leaves by; "" for none of ours.
func (k kernel) way() (dev string) {
	least := 1 << 30
	for _, t := range k {
		if t.Kind == aRoute && !t.V6 && t.Table == tableDefault && t.Metric < least {
			dev, least = t.Dev, t.Metric
		}
	}
	return dev
}

var ids = []holdfast.ID{{1}, {2}, {3}, {4}}

func inputs() *rapid.Generator[Input] {
	return rapid.Custom(func(t *rapid.T) Input {
		in := Input{Setting: Defaults(), Facts: Facts{Known: true, Devices: map[string]Device{}}, UID: rapid.IntRange(-1, 1000).Draw(t, "uid")}
		in.Setting.Rest = rapid.SampledFrom([]string{RestFree, RestLimited, RestShut}).Draw(t, "rest")
		in.Setting.Telephony.Share = rapid.IntRange(1, 98).Draw(t, "telephony")
		in.Setting.Desk.Share = rapid.IntRange(1, 99-in.Setting.Telephony.Share).Draw(t, "desk")
		in.Setting.Order = rapid.Permutation(ids).Draw(t, "order")[:rapid.IntRange(0, 4).Draw(t, "ordered")]
		for i := range rapid.IntRange(0, 4).Draw(t, "uplinks") {
			dev := "up" + string(rune('0'+i))
			u := Uplink{ID: ids[i], Name: dev, Interface: dev, Metered: rapid.Bool().Draw(t, "metered"), Radio: rapid.Bool().Draw(t, "radio"),
				State: rapid.SampledFrom([]holdfast.LinkState{holdfast.LinkUp, holdfast.LinkDegraded, holdfast.LinkDown}).Draw(t, "state")}
			d := Device{Up: rapid.Float64Range(0, 1).Draw(t, "device") < 0.8, Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i), 0, 2})}}
			if rapid.Bool().Draw(t, "gateway") {
				d.Gateways = append(d.Gateways, netip.AddrFrom4([4]byte{10, byte(i), 0, 1}))
			}
			if rapid.Bool().Draw(t, "six") {
				d.Gateways = append(d.Gateways, netip.MustParseAddr("fe80::1"))
				d.Addrs = append(d.Addrs, netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i)}))
			}
			d.Direct = rapid.Bool().Draw(t, "direct")
			if rapid.Float64Range(0, 1).Draw(t, "foreign") < 0.1 {
				d.Foreign = "fq 8001:"
			}
			in.Facts.Devices[dev] = d
			in.Uplinks = append(in.Uplinks, u)
			if rapid.Bool().Draw(t, "known") {
				in.Setting.Capacities = append(in.Setting.Capacities, Capacity{Uplink: u.ID, Up: rapid.IntRange(leastKbit, mostKbit).Draw(t, "up")})
			}
		}
		return in
	})
}

func TestAnyStateIsLedToAnyPlanAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := inputs().Draw(t, "a"), inputs().Draw(t, "b")
		p, q := Make(a), Make(b)
		if again := Make(a); !reflect.DeepEqual(p, again) {
			t.Fatalf("the same input gave %+v and %+v", p, again)
		}
		k := kernel{}
		for _, s := range Diff(nil, p.Things) {
			k.do(t, s)
		}
		if len(k) != len(p.Things) {
			t.Fatalf("%d things of %d: two have the same key", len(k), len(p.Things))
		}
		if left := Diff(k.things(), p.Things); len(left) != 0 {
			t.Fatalf("applied, and there is left to do: %v", print(left, p.Sorting))
		}
		had, will := k.way(), Make(b)
		for _, s := range Diff(k.things(), q.Things) {
			k.do(t, s)
			// Whoever had a way and will have one has one at every moment between.
			wanted := kernel{}
			for _, x := range will.Things {
				wanted[x.key()] = x
			}
			if had != "" && wanted.way() != "" && k.way() == "" {
				t.Fatalf("no way after %v", s.Commands(q.Sorting))
			}
		}
		if left := Diff(k.things(), q.Things); len(left) != 0 {
			t.Fatalf("moved on, and there is left to do: %v", print(left, q.Sorting))
		}
		for _, s := range Diff(k.things(), nil) {
			k.do(t, s)
		}
		if len(k) != 0 {
			t.Fatalf("taken back, and there is left: %v", k)
		}
	})
}

func TestTheBestLivingUplinkCarries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := inputs().Draw(t, "in")
		p := Make(in)
		alive, best := false, -1
		for i, l := range p.Places {
			alive = alive || l.usable && l.Uplink.State != holdfast.LinkDown
			if l.Best {
				best = i
			}
		}
		k := kernel{}
		for _, s := range Diff(nil, p.Things) {
			k.do(t, s)
		}
		if best < 0 {
			if k.way() != "" {
				t.Fatalf("none is the best, and %s carries", k.way())
			}
			return
		}
		l := p.Places[best]
		if alive && l.Uplink.State == holdfast.LinkDown {
			t.Fatal("one that is down is the best while another lives")
		}
		for _, other := range p.Places[:best] {
			if other.usable && (other.Uplink.State != holdfast.LinkDown || !alive) {
				t.Fatalf("%s was passed over", other.Uplink.Name)
			}
		}
		_, four := l.hops[false]
		if len(in.Uplinks) > 1 && (four || l.direct) && k.way() != l.Device {
			t.Fatalf("%s carries, the best is %s", k.way(), l.Device)
		}
		// A weak link is no reason to move.
		for i := range in.Uplinks {
			if in.Uplinks[i].State == holdfast.LinkDegraded {
				in.Uplinks[i].State = holdfast.LinkUp
			}
		}
		if well := Make(in); !reflect.DeepEqual(well.Things, p.Things) {
			t.Fatal("a degraded link changed the plan")
		}
	})
}

func TestClassesShareNoMoreThanThereIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := inputs().Draw(t, "in")
		for _, u := range in.Uplinks {
			all, sum := 0, 0
			for _, x := range Make(in).Things {
				if x.Kind != aClass || x.Dev != u.Interface {
					continue
				}
				if x.Rate > x.Ceil {
					t.Fatalf("guaranteed %d of at most %d", x.Rate, x.Ceil)
				}
				if x.Class == 1 {
					all = x.Ceil
					if up := in.Setting.capacity(u.ID).Up; all >= up {
						t.Fatalf("%d of %d: the queue would stand at the provider", all, up)
					}
					continue
				}
				sum += x.Rate
				if x.Class == classRest && u.Metered && in.Setting.Rest == RestLimited && x.Ceil > in.Setting.RestKbit {
					t.Fatalf("the rest may use %d of %d", x.Ceil, in.Setting.RestKbit)
				}
			}
			if sum > all+24 { // a class has 8 kbit/s at least
				t.Fatalf("guaranteed %d of %d", sum, all)
			}
		}
	})
}

func two(a, b holdfast.LinkState) Input {
	return Input{Setting: Defaults(), UID: -1, Uplinks: []Uplink{
		{ID: ids[0], Name: "LTE", Interface: "wwan0", Gateway: "10.1.0.1", Radio: true, Metered: true, State: b},
		{ID: ids[1], Name: "Fibre", Interface: "eth0", Gateway: "10.0.0.1", State: a}}}
}

func TestWhatIsPrinted(t *testing.T) {
	in := two(holdfast.LinkUp, holdfast.LinkUp)
	up := Make(in)
	in = two(holdfast.LinkDown, holdfast.LinkUp)
	down := Make(in)
	got := strings.Join(print(Diff(up.Things, down.Things), down.Sorting), "\n")
	want := `ip route add default via 10.0.0.1 dev eth0 onlink table 18460 metric 1010 proto 72
ip route del default dev eth0 table 18460 metric 10 proto 72`
	if got != want {
		t.Errorf("a fall is\n%s\nand should be\n%s", got, want)
	}
	back := strings.Join(print(Diff(down.Things, up.Things), up.Sorting), "\n")
	want = `ip route add default via 10.0.0.1 dev eth0 onlink table 18460 metric 10 proto 72
ip route del default dev eth0 table 18460 metric 1010 proto 72`
	if back != want {
		t.Errorf("a return is\n%s\nand should be\n%s", back, want)
	}
	in = two(holdfast.LinkUp, holdfast.LinkUp)
	in.Setting.Order = []holdfast.ID{ids[0]}
	if p := Make(in); p.Places[0].Uplink.Name != "LTE" || !p.Places[0].Best || p.Places[0].Mark != 0x48460001 {
		t.Errorf("preferred by hand: %+v", p.Places[0])
	}
}

// What is printed is pasted into a shell by somebody who may do everything there.
func TestNothingPrintedMeansAnythingToAShell(t *testing.T) {
	in := two(holdfast.LinkUp, holdfast.LinkUp)
	in.Uplinks = append(in.Uplinks, Uplink{ID: ids[2], Name: "Third", Interface: "$(reboot)", Gateway: "10.2.0.1"})
	in.Uplinks[0].Gateway, in.Uplinks[0].Source = "fe80::1%$(reboot)", "fe80::2%;reboot"
	in.Uplinks[1].Gateway, in.Uplinks[1].Source = "fe80::1%$(reboot)", "fe80::2%;reboot"
	p := Make(in)
	if all := strings.Join(print(Diff(nil, p.Things), p.Sorting), "\n"); strings.Contains(all, "reboot") || !strings.Contains(all, "via fe80::1 dev eth0 onlink src fe80::2 table") {
		t.Error(all)
	}
}

func TestWhatStandsInTheWay(t *testing.T) {
	base := two(holdfast.LinkUp, holdfast.LinkUp)
	base.Setting.Capacities = []Capacity{{Uplink: ids[1], Up: 1000}}
	devices := map[string]Device{"eth0": {Up: true}, "wwan0": {Up: true}}
	count := func(p Plan, kinds ...string) (n int) {
		for _, x := range p.Things {
			if slices.Contains(kinds, x.Kind) {
				n++
			}
		}
		return n
	}
	for code, f := range map[string]Facts{
		"foreign_rule":  {Known: true, Devices: devices, Rules: []string{"ip rule 32764"}},
		"foreign_route": {Known: true, Devices: devices, Routes: []string{"default via 10.9.9.9"}},
		"foreign_table": {Known: true, Devices: devices, Table: true},
		"foreign_qdisc": {Known: true, Devices: map[string]Device{"eth0": {Up: true, Foreign: "fq 8001:"}, "wwan0": {Up: true}}},
		"no_device":     {Known: true, Devices: map[string]Device{"eth0": {Up: true}}},
	} {
		in := base
		in.Facts = f
		p := Make(in)
		if len(p.Problems) != 1 || p.Problems[0].Code != code {
			t.Errorf("%s: %+v", code, p.Problems)
		}
		routed, shaped := count(p, aRoute, aRule) > 0, count(p, aQueue, aClass, aTable) > 0
		if wantRouted, wantShaped := code != "foreign_rule" && code != "foreign_route", code != "foreign_table" && code != "foreign_qdisc"; routed != wantRouted || shaped != wantShaped {
			t.Errorf("%s: routed %v, shaped %v", code, routed, shaped)
		}
	}
	one := base
	one.Uplinks = one.Uplinks[1:]
	if p := Make(one); count(p, aRoute, aRule) != 0 || count(p, aClass) != 4 || p.Problems[0].Code != "one_uplink" {
		t.Errorf("of one uplink: %+v", p)
	}
}

func TestCallsFillThreeQuarters(t *testing.T) {
	for _, x := range []struct{ up, down, each, fit int }{
		{1000, 1000, 80, 9}, {1000, 400, 80, 3}, {106, 106, 80, 0}, {107, 107, 80, 1}, {0, 1000, 80, 0}, {1000, 0, 80, 0}, {1000, 1000, 0, 0}, {20000, 100000, 80, 187}, {1000, 1000, 32, 23},
	} {
		if got := Calls(x.up, x.down, x.each); got != x.fit {
			t.Errorf("%d up, %d down, %d each: %d fit, should be %d", x.up, x.down, x.each, got, x.fit)
		}
		if x.fit > 0 && (!Admit(x.fit-1, x.up, x.down, x.each) || Admit(x.fit, x.up, x.down, x.each)) || Admit(-1, x.up, x.down, x.each) {
			t.Errorf("%+v: not admitted as they fit", x)
		}
	}
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	for code, change := range map[string]func(*Setting){
		"":                         func(*Setting) {},
		"traffic.mode_unknown":     func(s *Setting) { s.Mode = "yes" },
		"traffic.rest_unknown":     func(s *Setting) { s.Rest = "" },
		"traffic.capacity_invalid": func(s *Setting) { s.Capacities = []Capacity{{Up: 10}} },
		"traffic.share_invalid":    func(s *Setting) { s.Desk.Share = 25 },
		"traffic.ports_invalid":    func(s *Setting) { s.Desk.Ports = "80; reboot" },
	} {
		s := Defaults()
		change(&s)
		if err := s.check(); (err == nil) != (code == "") || err != nil && holdfast.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	for text, want := range map[string][]Ports{"": nil, "5060-5061, 10000-20000": {{5060, 5061}, {10000, 20000}}, "80 443": {{80, 80}, {443, 443}}} {
		if got, ok := ParsePorts(text); !ok || !slices.Equal(got, want) {
			t.Errorf("%q is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"0", "70000", "9-8", "-", "a", "1-2-3"} {
		if got, ok := ParsePorts(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}
