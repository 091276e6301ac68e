//go:build linux

package links

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"holdfast"
)

// inside names the provider's namespace to the test that runs in the office's.
const inside = "HOLDFAST_TEST_NAMESPACE"

// namespaces makes an office with one uplink and a provider with four targets, and
// runs a test of this binary in the office.
func namespaces(t *testing.T, name string) {
	t.Helper()
	if os.Getenv(inside) != "" {
		t.Fatal("a test in a namespace makes namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("there is no ip(8) on this machine")
	}
	tag := fmt.Sprintf("hf%d", os.Getpid()%100000) + strings.ToLower(name[len(name)-3:])
	office, provider := tag+"o", tag+"p"
	ip := func(args ...string) error {
		out, err := exec.Command("ip", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
		}
		return nil
	}
	if err := ip("netns", "add", office); err != nil {
		t.Skipf("this system lets us make no namespaces: %v", err)
	}
	t.Cleanup(func() { ip("netns", "del", office) })
	for _, c := range [][]string{
		{"netns", "add", provider},
		{"-n", office, "link", "add", "up0", "type", "veth", "peer", "name", "down0"},
		{"-n", office, "link", "set", "down0", "netns", provider},
		{"-n", office, "link", "set", "lo", "up"}, {"-n", provider, "link", "set", "lo", "up"},
		{"-n", office, "addr", "add", "198.51.100.2/24", "dev", "up0"}, {"-n", provider, "addr", "add", "198.51.100.1/24", "dev", "down0"},
		{"-n", office, "link", "set", "up0", "up"}, {"-n", provider, "link", "set", "down0", "up"},
		{"-n", office, "route", "add", "default", "via", "198.51.100.1"},
		{"-n", provider, "addr", "add", "192.0.2.1/32", "dev", "lo"}, {"-n", provider, "addr", "add", "192.0.2.2/32", "dev", "lo"},
		{"-n", provider, "addr", "add", "203.0.113.1/32", "dev", "lo"}, {"-n", provider, "addr", "add", "203.0.113.2/32", "dev", "lo"},
	} {
		if err := ip(c...); err != nil {
			ip("netns", "del", provider)
			t.Skipf("this system lets us lay no cables: %v", err)
		}
	}
	t.Cleanup(func() { ip("netns", "del", provider) })
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("ip", "netns", "exec", office, exe, "-test.run", "^"+name+"$", "-test.v", "-test.timeout", "2m")
	c.Env = append(os.Environ(), inside+"="+provider)
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+name)) {
		t.Errorf("%s: %v", name, err)
	}
}

var provided = []Target{
	{Name: "a", Address: "192.0.2.1", Probe: ByICMP, Place: InCountry}, {Name: "b", Address: "192.0.2.2", Probe: ByICMP, Place: InCountry},
	{Name: "c", Address: "203.0.113.1", Probe: ByICMP, Place: Abroad}, {Name: "d", Address: "203.0.113.2", Probe: ByICMP, Place: Abroad},
}

func TestAHardCutIsSeenInTime(t *testing.T)      { namespaces(t, "TestInsideCut") }
func TestProbesCostWhatTheyAreSaid(t *testing.T) { namespaces(t, "TestInsideBytes") }

// lagging measures how late this machine wakes who sleeps: that is not the detector's.
func lagging(ctx context.Context) (worst func() time.Duration) {
	var mu sync.Mutex
	var most time.Duration
	go func() {
		for ctx.Err() == nil {
			before := time.Now()
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			most = max(most, time.Since(before)-20*time.Millisecond)
			mu.Unlock()
		}
	}()
	return func() time.Duration { mu.Lock(); defer mu.Unlock(); return most }
}

// Each watch stands at a phase of its own when the one cut comes, so that one cut
// tries them all.
func TestInsideCut(t *testing.T) {
	provider := os.Getenv(inside)
	if provider == "" {
		t.Skip("runs in a namespace, from the test of the cut")
	}
	phases := 10
	if n, err := strconv.Atoi(os.Getenv("HOLDFAST_TEST_PHASES")); err == nil {
		phases = n
	}
	ctx, stop := context.WithCancel(t.Context())
	worst := lagging(ctx)
	type seen struct {
		phase time.Duration
		v     Verdict
		at    time.Time
	}
	down := make(chan seen, 16*phases)
	var all sync.WaitGroup
	var watches []*Watch
	for range phases {
		n := NewNetwork(Uplink{Kind: Fibre, Interface: "up0"})
		phase := time.Duration(rand.Int64N(int64(time.Second)))
		w := NewWatch(Options{Uplink: n.uplink, Targets: provided, Probe: n.Probe, Changed: func(v Verdict) { down <- seen{phase, v, time.Now()} }})
		watches = append(watches, w)
		all.Go(func() {
			defer n.Close()
			time.Sleep(phase)
			w.Run(ctx)
		})
	}
	defer all.Wait()
	defer stop()
	time.Sleep(4 * time.Second)
	for _, w := range watches {
		if s := w.Snapshot(); s.State != holdfast.LinkUp || s.Rounds < 2 || s.RTT <= 0 {
			t.Fatalf("before the cut: %+v", s)
		}
	}
	// Silent on every target, with the cable in.
	out, err := exec.Command("ip", "netns", "exec", provider, "sysctl", "-w", "net.ipv4.icmp_echo_ignore_all=1").CombinedOutput()
	cut := time.Now()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	late := time.After(30 * time.Second)
	for left := phases; left > 0; {
		select {
		case s := <-down:
			if s.v.State != holdfast.LinkDown {
				continue
			}
			left--
			took := s.at.Sub(cut)
			if limit := 6500*time.Millisecond + worst(); took > limit || took < 4*time.Second {
				t.Errorf("phase %s: seen after %s, limit %s", s.phase, took, limit)
			}
			t.Logf("phase %-12s seen after %s", s.phase.Round(time.Millisecond), took.Round(time.Millisecond))
		case <-late:
			t.Fatalf("%d of %d have not seen the cut; the machine is up to %s late", left, phases, worst())
		}
	}

	// The cable out is known at once.
	out, err = exec.Command("ip", "netns", "exec", provider, "sysctl", "-w", "net.ipv4.icmp_echo_ignore_all=0").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n := NewNetwork(Uplink{Kind: Fibre, Interface: "up0"})
	defer n.Close()
	lost := make(chan Verdict, 16)
	w := NewWatch(Options{Uplink: n.uplink, Targets: provided, Probe: n.Probe, Changed: func(v Verdict) { lost <- v }})
	all.Go(func() { w.Run(ctx) })
	listening := make(chan struct{}, 64)
	all.Go(func() {
		Carriers(ctx, func(device string, on bool) {
			if device == "up0" {
				w.Carrier(ctx, on)
				listening <- struct{}{}
			}
		})
	})
	<-listening
	if out, err := exec.Command("ip", "-n", provider, "link", "set", "down0", "down").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	select {
	case v := <-lost:
		if v.State != holdfast.LinkDown || v.Layer != LayerCarrier {
			t.Errorf("a pulled cable: %+v", v)
		}
	case <-time.After(20 * time.Second):
		t.Error("a pulled cable is not seen")
	}
	if on, known := carrier("up0"); on || !known {
		t.Errorf("carrier %v, known %v", on, known)
	}
	found, err := Discover()
	if err != nil || len(found) != 1 || found[0].Interface != "up0" || found[0].Gateway != "198.51.100.1" || found[0].Source != "198.51.100.2" || found[0].Carrier {
		t.Errorf("found %+v, %v", found, err)
	}
}

// What Cost says of each way is what goes over the wire, counted by the device.
func TestInsideBytes(t *testing.T) {
	if os.Getenv(inside) == "" {
		t.Skip("runs in a namespace, from the test of the cost")
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			defer c.Close() // who is probed does not hang up first
		}
	}()
	hub, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go Reflect(t.Context(), hub)
	n := NewNetwork(Uplink{Interface: "lo"})
	defer n.Close()
	for _, x := range []Target{
		{Probe: ByICMP}, {Probe: BySTAMP, Port: hub.LocalAddr().(*net.UDPAddr).Port},
		{Probe: ByTCP, Port: int(netip.MustParseAddrPort(listener.Addr().String()).Port())}, {Probe: ByDNS, Port: names(t, nil)},
	} {
		x.Address = "127.0.0.1"
		const probes = 20
		before := loStats(t)
		for range probes {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if _, err := n.Probe(ctx, x); err != nil {
				t.Errorf("%s: %v", x.Probe, err)
			}
			cancel()
		}
		time.Sleep(50 * time.Millisecond)
		after := loStats(t)
		each := float64(after.TxBytes-before.TxBytes) / probes // this device has no header of its own
		t.Logf("%s: %.0f bytes a probe, said are %d", x.Probe, each, Cost(x))
		if int(each) > Cost(x) {
			t.Errorf("%s costs %.0f bytes, said are %d", x.Probe, each, Cost(x))
		}
	}
}

func loStats(t *testing.T) netlink.LinkStatistics {
	t.Helper()
	l, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	return *l.Attrs().Statistics
}

// A watch at one round a second takes less than a hundredth of a core.
func TestARoundTakesLittleOfTheMachine(t *testing.T) {
	if !canPing() {
		t.Skip("this system lets nobody send echoes")
	}
	n := NewNetwork(Uplink{})
	defer n.Close()
	d := NewDetector(Fibre, 4, "")
	cpu := func() time.Duration {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			t.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	const rounds = 300
	before := cpu()
	for i := range rounds {
		at := time.Duration(i) * time.Second
		r := &round{sent: at, answers: make([]answer, 4)}
		var open sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		for k := range 4 {
			open.Go(func() {
				rtt, err := n.Probe(ctx, Target{Address: fmt.Sprintf("127.0.0.%d", k+1), Probe: ByICMP})
				r.answers[k] = answer{k, err == nil, rtt}
			})
		}
		open.Wait()
		cancel()
		d.Step(at+near, r)
		d.Figures(at)
	}
	each := (cpu() - before) / rounds
	t.Logf("a round of four targets takes %s of a core: %.3f %% at one a second", each, 100*each.Seconds())
	if each > 10*time.Millisecond {
		t.Errorf("a round takes %s", each)
	}
}
