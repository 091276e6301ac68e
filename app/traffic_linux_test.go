package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/continuity"
	"holdfast/links"
	"holdfast/setup"
	"holdfast/traffic"
)

// TestAPulledCableMovesTheTraffic runs a whole desk in a namespace with two uplinks,
// whose probes say what leads the traffic.
func TestAPulledCableMovesTheTraffic(t *testing.T) {
	t.Parallel()
	const inside = "HOLDFAST_TEST_TRAFFIC"
	if os.Getenv(inside) == "" {
		office, provider := fmt.Sprintf("ha%do", os.Getpid()%100000), fmt.Sprintf("ha%dp", os.Getpid()%100000)
		var script strings.Builder
		fmt.Fprintf(&script, "ip netns add %[1]s\nip netns add %[2]s\nip -n %[1]s link set lo up\nip -n %[2]s link set lo up\n", office, provider)
		for i, n := range []string{"198.51.100", "203.0.113"} {
			fmt.Fprintf(&script, "ip -n %[1]s link add up%[3]d type veth peer name down%[3]d netns %[2]s\nip -n %[1]s addr add %[4]s.2/24 dev up%[3]d\nip -n %[2]s addr add %[4]s.1/24 dev down%[3]d\n"+
				"ip -n %[1]s link set up%[3]d up\nip -n %[2]s link set down%[3]d up\nip -n %[1]s route add default via %[4]s.1 metric %[3]d\nip -n %[2]s addr add 192.0.2.%[5]d/32 dev lo\n", office, provider, i, n, i+1)
		}
		fmt.Fprintf(&script, "ip -n %s addr add 192.0.2.3/32 dev lo\n", provider)
		t.Cleanup(func() { exec.Command("sh", "-c", "ip netns del "+office+"; ip netns del "+provider).Run() })
		if out, err := exec.Command("sh", "-ec", script.String()).CombinedOutput(); err != nil {
			t.Skipf("this system lets us make no namespaces: %v: %s", err, out)
		}
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command("ip", "netns", "exec", office, exe, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "1m")
		c.Env = append(os.Environ(), inside+"="+provider)
		out, err := c.CombinedOutput()
		t.Logf("%s", out)
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Errorf("%v", err)
		}
		return
	}
	if !(traffic.Kernel{}).Capable() {
		t.Skip("this process may not change the network (CAP_NET_ADMIN)")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a := New(Config{Listen: "127.0.0.1:0", Data: t.TempDir(), AttachmentLimit: 1 << 20}, slog.New(slog.DiscardHandler))
	a.PasswordCost = access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}
	if err := a.OpenRooms(ctx); err != nil {
		t.Fatal(err)
	}
	defer a.DB.Close()
	w, err := a.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: "Test", Language: "en", TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var targets []links.Target
	for i, place := range []links.Place{links.InCountry, links.Abroad, links.Abroad} {
		targets = append(targets, links.Target{Name: fmt.Sprint(i), Address: fmt.Sprint("192.0.2.", i+1), Probe: links.ByTCP, Port: 9, Place: place})
	}
	must(a.Continuity.SetTargets(ctx, w.ID, holdfast.System, continuity.Targets{Items: targets}))
	fibre := holdfast.NewID()
	must(a.Continuity.SaveLink(ctx, w.ID, holdfast.System, continuity.Link{ID: fibre, Name: "Fibre", Kind: links.Fibre, Interface: "up0"}))
	must(a.Continuity.SaveLink(ctx, w.ID, holdfast.System, continuity.Link{ID: holdfast.NewID(), Name: "LTE", Kind: links.LTE, Interface: "up1", Metered: true}))
	done := make(chan error, 1)
	go func() { done <- a.RunRooms(ctx) }()

	way := func() string {
		out, _ := exec.Command("ip", "route", "get", "192.0.2.9").CombinedOutput()
		_, rest, _ := strings.Cut(string(out), " dev ")
		return strings.Fields(rest + " none")[0]
	}
	until := func(what string, f func() bool) {
		t.Helper()
		began := time.Now()
		for !f() {
			if time.Since(began) > 20*time.Second {
				t.Fatalf("%s: not within 20 s, by %s", what, way())
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("%s: after %s", what, time.Since(began).Round(time.Millisecond))
	}
	applied := func() bool {
		v, err := a.Traffic.View(ctx)
		return err == nil && len(v.Applied) > 0
	}
	until("the links are known", func() bool { return len(a.Continuity.Uplinks()) == 2 })
	s := traffic.Defaults()
	s.Mode = traffic.DryRun
	must(a.Traffic.Save(ctx, w.ID, holdfast.System, s))
	if applied() {
		t.Error("a dry run has applied something")
	}
	s.Mode = traffic.On
	must(a.Traffic.Save(ctx, w.ID, holdfast.System, s))
	until("the fibre carries", func() bool { return applied() && way() == "up0" })
	if out, err := exec.Command("ip", "-n", os.Getenv(inside), "link", "set", "down0", "down").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	until("the cable is pulled and LTE carries", func() bool { return way() == "up1" })
	must(a.Continuity.Override(ctx, w.ID, holdfast.System, fibre, "up", "a test"))
	until("the fibre is said to be up and carries", func() bool { return way() == "up0" })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if out, _ := exec.Command("ip", "rule").CombinedOutput(); strings.Contains(string(out), "proto 72") {
		t.Errorf("the desk has stopped and left:\n%s", out)
	}
}
