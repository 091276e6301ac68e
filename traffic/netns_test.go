//go:build linux

package traffic

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"holdfast"
)

// inside names the provider's namespace to the test that runs in the office's.
const inside = "HOLDFAST_TEST_NAMESPACE"

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// namespaces makes an office with two uplinks, a provider who carries both to the world,
// by a narrow way, and the world; and runs a test of this binary in the office.
func namespaces(t *testing.T, name string) {
	t.Helper()
	if os.Getenv(inside) != "" {
		t.Fatal("a test in a namespace makes namespaces")
	}
	for _, tool := range []string{"ip", "tc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s(8) on this machine", tool)
		}
	}
	tag := fmt.Sprintf("ht%d", os.Getpid()%100000) + strings.ToLower(name[len(name)-3:])
	office, provider, world := tag+"o", tag+"p", tag+"w"
	ip := func(args ...string) error {
		out, err := exec.Command("ip", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
		}
		return nil
	}
	for _, n := range []string{office, provider, world} {
		if err := ip("netns", "add", n); err != nil {
			t.Skipf("this system lets us make no namespaces: %v", err)
		}
		t.Cleanup(func() { ip("netns", "del", n) })
	}
	for _, c := range [][]string{
		{"-n", office, "link", "add", "up0", "type", "veth", "peer", "name", "down0", "netns", provider},
		{"-n", office, "link", "add", "up1", "type", "veth", "peer", "name", "down1", "netns", provider},
		{"-n", provider, "link", "add", "out0", "type", "veth", "peer", "name", "in0", "netns", world},
		{"-n", office, "addr", "add", "198.51.100.2/24", "dev", "up0"}, {"-n", provider, "addr", "add", "198.51.100.1/24", "dev", "down0"},
		{"-n", office, "addr", "add", "203.0.113.2/24", "dev", "up1"}, {"-n", provider, "addr", "add", "203.0.113.1/24", "dev", "down1"},
		{"-n", provider, "addr", "add", "10.9.0.1/24", "dev", "out0"}, {"-n", world, "addr", "add", "10.9.0.2/24", "dev", "in0"},
		{"-n", world, "addr", "add", "192.0.2.1/32", "dev", "lo"},
		{"-n", office, "link", "set", "lo", "up"}, {"-n", office, "link", "set", "up0", "up"}, {"-n", office, "link", "set", "up1", "up"},
		{"-n", provider, "link", "set", "lo", "up"}, {"-n", provider, "link", "set", "down0", "up"}, {"-n", provider, "link", "set", "down1", "up"}, {"-n", provider, "link", "set", "out0", "up"},
		{"-n", world, "link", "set", "lo", "up"}, {"-n", world, "link", "set", "in0", "up"},
		{"-n", office, "route", "add", "default", "via", "198.51.100.1"},
		{"-n", office, "route", "add", "default", "via", "203.0.113.1", "metric", "500"},
		{"-n", provider, "route", "add", "192.0.2.1", "via", "10.9.0.2"}, {"-n", world, "route", "add", "default", "via", "10.9.0.1"},
		{"netns", "exec", provider, "sysctl", "-qw", "net.ipv4.ip_forward=1"},
	} {
		if err := ip(c...); err != nil {
			t.Skipf("this system lets us lay no cables: %v", err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("ip", "netns", "exec", office, exe, "-test.run", "^"+name+"$", "-test.v", "-test.timeout", "1m")
	c.Env = append(os.Environ(), inside+"="+tag)
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+name)) {
		t.Errorf("%s: %v", name, err)
	}
}

var fibre, lte = holdfast.ID{1}, holdfast.ID{2}

func uplinks(a, b holdfast.LinkState) []Uplink {
	return []Uplink{{ID: fibre, Name: "Fibre", Interface: "up0", Gateway: "198.51.100.1", State: a}, {ID: lte, Name: "Backup", Interface: "up1", Radio: true, Metered: true, State: b}}
}

func TestPlanIsWhatTheKernelHas(t *testing.T) { t.Parallel(); namespaces(t, "TestInsidePlan") }

// What is applied over netlink is read back as it was planned, is the same as what the
// printed commands make, and is gone without a trace when it is taken back.
func TestInsidePlan(t *testing.T) {
	if os.Getenv(inside) == "" {
		t.Skip("runs in a namespace")
	}
	var k Kernel
	if !k.Capable() {
		t.Skip("this process may not change the network (CAP_NET_ADMIN)")
	}
	nothing := snapshot(t)
	s := Defaults()
	s.Capacities = []Capacity{{Uplink: fibre, Up: 20000, Down: 100000}, {Uplink: lte, Up: 4000}}
	s.Rest = RestShut
	in := Input{Setting: s, Uplinks: uplinks("up", "up"), UID: 4242, Own: []Ports{{8080, 8080}}}
	have, f, err := k.Read()
	if err != nil || len(have) != 0 {
		t.Fatalf("have %v, %v", have, err)
	}
	in.Facts = f
	p := Make(in)
	if len(p.Problems) != 0 {
		t.Fatalf("problems %+v", p.Problems)
	}
	for _, x := range Diff(have, p.Things) {
		if err := k.Do(x, p.Sorting); err != nil {
			t.Errorf("%v: %v", x.Commands(p.Sorting), err)
		}
	}
	have, _, err = k.Read()
	if left := Diff(have, p.Things); err != nil || len(left) != 0 {
		t.Errorf("after it was applied there is left to do: %v, %v", print(left, p.Sorting), err)
	}
	byNetlink := snapshot(t)
	for _, x := range Diff(have, nil) {
		if err := k.Do(x, p.Sorting); err != nil {
			t.Errorf("%v: %v", x.Commands(p.Sorting), err)
		}
	}
	same(t, nothing, snapshot(t))
	// The same by hand. Where there is no nft(8) its lines are left out.
	_, nftErr := exec.LookPath("nft")
	for _, line := range print(Diff(nil, p.Things), p.Sorting) {
		if strings.HasPrefix(line, "nft ") && nftErr != nil {
			continue
		}
		run(t, "sh", "-ec", line)
	}
	byHand := snapshot(t)
	if nftErr != nil {
		byNetlink, byHand = withoutNft(byNetlink), withoutNft(byHand)
	} else {
		if have, _, _ := k.Read(); len(Diff(have, p.Things)) > 0 {
			t.Errorf("by hand there is left to do: %v", print(Diff(have, p.Things), p.Sorting))
		}
	}
	same(t, byNetlink, byHand)
}

// same says which lines of two snapshots differ.
func same(t *testing.T, was, is string) {
	t.Helper()
	if was == is {
		return
	}
	for line := range strings.Lines(was) {
		if !strings.Contains(is, line) {
			t.Errorf("it was, and is not: %s", line)
		}
	}
	for line := range strings.Lines(is) {
		if !strings.Contains(was, line) {
			t.Errorf("it was not, and is: %s", line)
		}
	}
	if !t.Failed() {
		t.Error("the order is another")
	}
}

func withoutNft(s string) string { before, _, _ := strings.Cut(s, "nft:"); return before }

// snapshot is all of the network's setting, as the tools and the kernel tell it.
func snapshot(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, c := range []string{"ip rule show", "ip -6 rule show", "ip route show table all", "ip -6 route show table all", "tc qdisc show", "tc class show dev up0", "tc class show dev up1"} {
		fmt.Fprintln(&b, c+":")
		for line := range strings.Lines(run(t, strings.Fields(c)...)) {
			// Addresses of IPv6 that devices give themselves come when they come, and send
			// packets that are counted; bursts are rounded otherwise by tc(8).
			if !strings.Contains(line, "fe80:") && !strings.Contains(line, "ff00::") {
				line, _, _ = strings.Cut(line, " burst")
				line, _, _ = strings.Cut(line, " direct_packets_stat")
				fmt.Fprintln(&b, strings.TrimSpace(line))
			}
		}
	}
	fmt.Fprintln(&b, "nft:")
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := c.ListTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range tables {
		chains, err := c.ListChainsOfTableFamily(x.Family)
		if err != nil {
			t.Fatal(err)
		}
		for _, ch := range chains {
			if ch.Table.Name != x.Name {
				continue
			}
			rules, err := c.GetRules(x, ch)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, x.Family, x.Name, ch.Name, ch.Hooknum != nil, len(rules))
			for _, r := range rules {
				for _, e := range r.Exprs {
					fmt.Fprintf(&b, " %T%+v", e, e)
				}
				fmt.Fprintln(&b)
			}
		}
	}
	return b.String()
}

// foreignTable makes an nft table of somebody else's.
func foreignTable(t *testing.T, name string) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	x := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: name})
	chain := c.AddChain(&nftables.Chain{Name: chainOut, Table: x})
	c.AddRule(&nftables.Rule{Table: x, Chain: chain, Exprs: []expr.Any{&expr.Counter{}}})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
}
