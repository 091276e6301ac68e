package traffic

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"holdfast"
	"holdfast/links"
	"holdfast/store"
	"holdfast/store/storetest"
)

// office is a room in the office's namespace, over links that say what the test says.
type office struct {
	*Traffic
	mu    sync.Mutex
	links []Uplink
	log   *said
	stop  func()
}

// said is what was logged.
type said struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *said) Write(p []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.b.Write(p) }
func (s *said) String() string              { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func open(t *testing.T, db *store.DB, mode Mode) *office {
	t.Helper()
	var k Kernel
	if !k.Capable() {
		t.Skip("this process may not change the network (CAP_NET_ADMIN)")
	}
	o := unopened(db)
	if mode != "" {
		set(t, o, mode)
	}
	return o
}

func unopened(db *store.DB) *office {
	o := &office{links: uplinks("up", "up"), log: &said{}}
	o.Traffic = New(Deps{DB: db, Log: slog.New(slog.NewTextHandler(o.log, nil)), UID: 4242, Own: []Ports{{8080, 8080}}, Uplinks: func() []Uplink {
		o.mu.Lock()
		defer o.mu.Unlock()
		return slices.Clone(o.links)
	}})
	return o
}

func set(t *testing.T, o *office, mode Mode) {
	t.Helper()
	s := Defaults()
	s.Mode = mode
	s.Capacities = []Capacity{{Uplink: fibre, Up: 4000, Down: 4000}}
	if err := o.Save(t.Context(), holdfast.ID{}, holdfast.System, s); err != nil {
		t.Fatal(err)
	}
}

// start runs the room until stop, which waits until it has taken everything back.
func (o *office) start(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	o.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(o.stop)
}

// say has the links say how they are.
func (o *office) say(a, b holdfast.LinkState) {
	o.mu.Lock()
	o.links = uplinks(a, b)
	o.mu.Unlock()
	o.Moved()
}

// way is where the kernel would send what says nothing else.
func way(t *testing.T, more ...string) string {
	t.Helper()
	out, err := exec.Command("ip", append([]string{"route", "get", "192.0.2.1"}, more...)...).CombinedOutput()
	if err != nil {
		return "none"
	}
	_, rest, _ := strings.Cut(string(out), " dev ")
	return strings.Fields(rest)[0]
}

// lagging measures how late this machine wakes who sleeps: that is not the room's.
func lagging(ctx context.Context) (worst func() time.Duration) {
	var most atomic.Int64
	go func() {
		for ctx.Err() == nil {
			before := time.Now()
			time.Sleep(10 * time.Millisecond)
			most.Store(max(most.Load(), int64(time.Since(before)-10*time.Millisecond)))
		}
	}()
	return func() time.Duration { return 4 * time.Duration(most.Load()) }
}

func within(t *testing.T, limit time.Duration, what string, f func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	began, worst := time.Now(), lagging(ctx)
	for !f() {
		if time.Since(began) > limit+worst() {
			t.Fatalf("%s: not within %s", what, limit)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%s: after %s", what, time.Since(began).Round(time.Millisecond))
}

func sent(t *testing.T, dev string) int {
	t.Helper()
	b, err := os.ReadFile("/sys/class/net/" + dev + "/statistics/tx_packets")
	if err != nil { // a namespace of its own has no /sys of its own
		out := run(t, "ip", "-s", "-o", "link", "show", dev)
		_, tx, _ := strings.Cut(out, "TX:")
		_, tx, _ = strings.Cut(tx, "\\")
		var bytes, packets int
		fmt.Sscan(tx, &bytes, &packets)
		return packets
	}
	var n int
	fmt.Sscan(string(b), &n)
	return n
}

func TestTheBackupTakesOver(t *testing.T)       { t.Parallel(); namespaces(t, "TestInsideFailover") }
func TestOthersRulesAreLeftAlone(t *testing.T)  { t.Parallel(); namespaces(t, "TestInsideForeign") }
func TestWhatACrashLeftIsRemoved(t *testing.T)  { t.Parallel(); namespaces(t, "TestInsideCrash") }
func TestACallGoesBeforeADownload(t *testing.T) { namespaces(t, "TestInsidePriority") }

func outside(t *testing.T) (tag string) {
	if tag = os.Getenv(inside); tag == "" {
		t.Skip("runs in a namespace, from a test outside")
	}
	return tag
}

func TestInsideFailover(t *testing.T) {
	tag := outside(t)
	db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
	nothing := snapshot(t)
	o := open(t, db, On)
	o.start(t)
	within(t, 5*time.Second, "the fibre carries", func() bool { return way(t) == "up0" && way(t, "mark", "0x48460002") == "up1" })
	o.say("degraded", "up")
	o.say("down", "up")
	within(t, time.Second, "the backup takes over", func() bool { return way(t) == "up1" })
	// It carries in deed: the world sees the backup's address.
	world, stop := echo(t, tag+"w", 7007)
	defer stop()
	c, err := net.Dial("udp", world)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if from := c.LocalAddr().(*net.UDPAddr).IP.String(); from != "203.0.113.2" {
		t.Errorf("what begins now begins from %s", from)
	}
	if _, err := ask(c, time.Second); err != nil {
		t.Errorf("over the backup: %v", err)
	}
	// What is bound to the fibre still takes it, so that its return is seen.
	for _, u := range []links.Uplink{{Interface: "up0"}, {Source: "198.51.100.2"}} {
		n := links.NewNetwork(u)
		before, other := sent(t, "up0"), sent(t, "up1")
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if _, err := n.Probe(ctx, links.Target{Address: "192.0.2.1", Probe: links.ByTCP, Port: 9}); err != nil {
			t.Errorf("a probe bound to %+v: %v", u, err)
		}
		cancel()
		n.Close()
		if sent(t, "up0") == before || sent(t, "up1") != other {
			t.Errorf("a probe bound to %+v leaked: %d then %d over the fibre, %d then %d over the backup", u, before, sent(t, "up0"), other, sent(t, "up1"))
		}
	}
	// Also when the device has gone altogether.
	run(t, "ip", "link", "set", "up0", "down")
	if got := way(t, "from", "198.51.100.2"); got == "up1" {
		t.Error("what comes from the fibre's address leaves by the backup")
	}
	if got := way(t, "mark", "0x48460001"); got != "none" {
		t.Errorf("what has the fibre's mark leaves by %s", got)
	}
	run(t, "ip", "link", "set", "up0", "up")
	run(t, "ip", "route", "add", "default", "via", "198.51.100.1") // as it was before: ip takes a device's routes with it
	o.say("up", "up")
	within(t, 6*time.Second, "the fibre carries again", func() bool { return way(t) == "up0" })
	o.say("down", "down")
	o.Moved()
	within(t, time.Second, "with both down the fibre carries", func() bool { return way(t) == "up0" })
	o.stop()
	same(t, nothing, snapshot(t))
	if v, err := o.View(t.Context()); err != nil || len(v.Applied) != 0 {
		t.Errorf("stopped, and it says %v, %v", v.Applied, err)
	}
	if n := strings.Count(o.log.String(), "traffic is led"); n < 4 || n > 8 {
		t.Errorf("each change is said once:\n%s", o.log)
	}
}

func TestInsideForeign(t *testing.T) {
	outside(t)
	db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
	for _, c := range []string{"ip rule add pref 100 to 10.99.0.0/16 lookup 99", "ip route add 10.99.0.0/16 via 203.0.113.1 table 99", "ip route add 10.98.0.0/16 via 203.0.113.1",
		"ip rule add pref 32764 fwmark 0x51 lookup 98", "tc qdisc add dev up0 root handle 1: tbf rate 50mbit burst 32k latency 50ms"} {
		run(t, strings.Fields(c)...)
	}
	foreignTable(t, "theirs")
	before := snapshot(t)
	o := open(t, db, On)
	o.start(t)
	code := func() (list []string) {
		v, err := o.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range v.Problems {
			list = append(list, p.Code)
		}
		return list
	}
	if got := code(); !slices.Equal(got, []string{"foreign_rule", "foreign_qdisc"}) {
		t.Errorf("problems %v", got)
	}
	time.Sleep(100 * time.Millisecond)
	same(t, before, snapshot(t)) // with a rule and a queue in the way nothing is done
	run(t, "ip", "rule", "del", "pref", "32764")
	run(t, "tc", "qdisc", "del", "dev", "up0", "root")
	before = snapshot(t)
	o.Moved()
	within(t, 5*time.Second, "with the way free it is led", func() bool { return strings.Contains(snapshot(t), "htb 4846:10") })
	if got := code(); len(got) != 0 {
		t.Errorf("problems %v", got)
	}
	if way := run(t, "ip", "route", "get", "10.99.0.1"); !strings.Contains(way, "dev up1") {
		t.Errorf("somebody's rule is overtaken: %s", way)
	}
	o.say("up", "down")
	if way := run(t, "ip", "route", "get", "10.98.0.1"); !strings.Contains(way, "dev up1") {
		t.Errorf("somebody's route is overtaken: %s", way)
	}
	// A second desk on this machine keeps its hands off.
	other := open(t, storetest.Open(t, store.Options{Dir: storetest.Folder(t)}), On)
	other.start(t)
	within(t, 5*time.Second, "the second desk says why not", func() bool {
		v, err := other.View(t.Context())
		return err == nil && v.Trouble != nil && v.Trouble.Code == "other_desk"
	})
	other.stop()
	if !strings.Contains(snapshot(t), "htb 4846:10") {
		t.Error("the second desk took back what is the first one's")
	}
	// A dry run takes back what stands.
	s := Defaults()
	s.Mode = DryRun
	if err := o.Save(t.Context(), holdfast.ID{}, holdfast.System, s); err != nil {
		t.Fatal(err)
	}
	same(t, before, snapshot(t))
	if !strings.Contains(o.log.String(), "nothing was changed") {
		t.Errorf("a dry run says what it would do:\n%s", o.log)
	}
	// Our name on somebody else's table.
	foreignTable(t, tableName)
	s.Mode, s.Capacities = On, []Capacity{{Uplink: fibre, Up: 4000}}
	if err := o.Save(t.Context(), holdfast.ID{}, holdfast.System, s); err != nil {
		t.Fatal(err)
	}
	if got := code(); !slices.Equal(got, []string{"foreign_table"}) || way(t) != "up0" {
		t.Errorf("problems %v, by %s", got, way(t))
	}
	o.stop()
	if after := snapshot(t); !strings.Contains(after, tableName) {
		t.Error("somebody's table was removed")
	}
}

func TestWithoutTheRightItOnlyPrints(t *testing.T) { t.Parallel(); namespaces(t, "TestInsideUnable") }

// unable is set for the process that may not change the network.
const unable = "HOLDFAST_TEST_TRAFFIC_UNABLE"

func TestInsideUnable(t *testing.T) {
	outside(t)
	if os.Getenv(unable) == "" {
		if _, err := exec.LookPath("setpriv"); err != nil {
			t.Skip("there is no setpriv(1) on this machine")
		}
		before := snapshot(t)
		c := exec.Command("setpriv", "--bounding-set=-net_admin", os.Args[0], "-test.run", "^TestInsideUnable$", "-test.v")
		c.Env = append(os.Environ(), unable+"=1")
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestInsideUnable") {
			t.Errorf("%v: %s", err, out)
		}
		same(t, before, snapshot(t))
		return
	}
	db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
	if (Kernel{}).Capable() {
		t.Fatal("the right is still there")
	}
	o := unopened(db)
	for i := range o.links {
		o.links[i].Gateway = "" // the routes say it, and anybody may read them
	}
	set(t, o, On)
	o.start(t)
	within(t, 5*time.Second, "it says why not", func() bool {
		v, err := o.View(t.Context())
		return err == nil && !v.Capable && v.Trouble != nil && v.Trouble.Code == "not_capable" && len(v.Applied) == 0 && len(v.Problems) == 0 &&
			slices.Contains(v.Commands, "ip route add default via 203.0.113.1 dev up1 onlink table 18460 metric 20 proto 72")
	})
	if log := o.log.String(); strings.Count(log, "not_capable") != 1 || !strings.Contains(log, "via 203.0.113.1 dev up1") {
		t.Errorf("the commands are printed once:\n%s", log)
	}
}

// crashes is set for the process that is killed.
const crashes = "HOLDFAST_TEST_TRAFFIC_CRASH"

func TestInsideCrash(t *testing.T) {
	outside(t)
	if dir := os.Getenv(crashes); dir != "" {
		o := open(t, storetest.Open(t, store.Options{Dir: dir}), On)
		o.start(t)
		within(t, 5*time.Second, "led", func() bool { // all of it, and not just the first step
			v, err := o.View(t.Context())
			return err == nil && len(v.Applied) > 0 && v.Trouble == nil
		})
		unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	}
	nothing, dir := snapshot(t), t.TempDir()
	c := exec.Command(os.Args[0], "-test.run", "^TestInsideCrash$", "-test.v")
	c.Env = append(os.Environ(), crashes+"="+dir)
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("it was not killed: %v: %s", err, out)
	}
	left := snapshot(t)
	if left == nothing {
		t.Fatal("nothing was left")
	}
	// Started again with the same setting it finds all as it should be and does nothing.
	again := open(t, storetest.Open(t, store.Options{Dir: dir}), "")
	again.start(t)
	within(t, 5*time.Second, "taken over", func() bool {
		v, err := again.View(t.Context())
		return err == nil && len(v.Applied) > 0
	})
	same(t, left, snapshot(t))
	if again.log.String() != "" {
		t.Errorf("something was done:\n%s", again.log)
	}
	again.stop()
	same(t, nothing, snapshot(t))
	// A desk that was never allowed to does not clear up after another one.
	if _, err := exec.Command("ip", "rule", "add", "pref", "32000", "lookup", "main", "protocol", "72").CombinedOutput(); err != nil {
		t.Fatal(err)
	}
	stranger := open(t, storetest.Open(t, store.Options{Dir: storetest.Folder(t)}), DryRun)
	stranger.start(t)
	stranger.stop()
	if !strings.Contains(run(t, "ip", "rule"), "32000:") {
		t.Error("a desk that never led anything removed a rule")
	}
	run(t, "ip", "rule", "del", "pref", "32000")
	// Killed again, and switched off before it starts: what is left goes at the start.
	if out, err := func() ([]byte, error) {
		c := exec.Command(os.Args[0], "-test.run", "^TestInsideCrash$", "-test.v")
		c.Env = append(os.Environ(), crashes+"="+dir)
		return c.CombinedOutput()
	}(); !errors.As(err, &exit) {
		t.Fatalf("it was not killed: %v: %s", err, out)
	}
	off := open(t, storetest.Open(t, store.Options{Dir: dir}), Off)
	off.start(t)
	within(t, 5*time.Second, "what was left is gone", func() bool { return snapshot(t) == nothing })
}

// echo answers datagrams in a namespace, as this test's own binary.
func echo(t *testing.T, namespace string, port int) (address string, stop func()) {
	t.Helper()
	c := exec.Command("ip", "netns", "exec", namespace, os.Args[0], "-test.run", "^TestInsideEcho$")
	c.Env = append(os.Environ(), fmt.Sprintf("HOLDFAST_TEST_TRAFFIC_ECHO=%d", port))
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { c.Process.Kill(); c.Wait() })
	t.Cleanup(stop)
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("192.0.2.1:%d", port), stop
}

func TestInsideEcho(t *testing.T) {
	port := os.Getenv("HOLDFAST_TEST_TRAFFIC_ECHO")
	if port == "" {
		t.Skip("runs in the world, from another test")
	}
	c, err := net.ListenPacket("udp4", "192.0.2.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening")
	b := make([]byte, 2000)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		c.WriteTo(b[:min(n, 200)], from)
	}
}

// ask sends a packet of a call and waits for the answer to it.
func ask(c net.Conn, limit time.Duration) (time.Duration, error) {
	b := make([]byte, 160)
	began := time.Now()
	binary.BigEndian.PutUint64(b, uint64(began.UnixNano()))
	if _, err := c.Write(b); err != nil {
		return 0, err
	}
	c.SetReadDeadline(began.Add(limit))
	for {
		in := make([]byte, 2000)
		if _, err := c.Read(in); err != nil {
			return 0, err
		}
		if slices.Equal(in[:8], b[:8]) {
			return time.Since(began), nil
		}
	}
}

// Beside a stream that takes all it gets, a call keeps its packets and its pace once
// the room sorts them; without it both stand in the provider's queue.
func TestInsidePriority(t *testing.T) {
	tag := outside(t)
	db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
	run(t, "tc", "-n", tag+"p", "qdisc", "add", "dev", "out0", "root", "tbf", "rate", "4mbit", "burst", "6k", "latency", "400ms")
	call, _ := echo(t, tag+"w", 10000)
	voice, err := net.Dial("udp", call)
	if err != nil {
		t.Fatal(err)
	}
	defer voice.Close()
	flood, err := net.Dial("udp", "192.0.2.1:9999") // nobody listens; on the way it is traffic all the same
	if err != nil {
		t.Fatal(err)
	}
	defer flood.Close()
	flooding, stop := context.WithCancel(t.Context())
	var quiet atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() {
		b := make([]byte, 1200)
		for flooding.Err() == nil {
			for range 4 { // some 15 Mbit/s, into 4, also where this machine is late
				if !quiet.Load() {
					flood.Write(b)
				}
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	// A call is 50 packets a second, whatever comes back.
	measure := func() (median time.Duration, lost int) {
		const packets = 60
		var took []time.Duration
		sent := map[uint64]time.Time{}
		for range packets {
			at := time.Now()
			sent[uint64(at.UnixNano())] = at
			b := binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano()))
			voice.Write(append(b, make([]byte, 152)...))
			for until := at.Add(20 * time.Millisecond); ; {
				voice.SetReadDeadline(until)
				in := make([]byte, 2000)
				if _, err := voice.Read(in); err != nil {
					break
				}
				if was, is := sent[binary.BigEndian.Uint64(in)]; is {
					took = append(took, time.Since(was))
				}
			}
		}
		voice.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		for in := make([]byte, 2000); ; {
			if _, err := voice.Read(in); err != nil {
				break
			}
			if was, is := sent[binary.BigEndian.Uint64(in)]; is {
				took = append(took, time.Since(was))
			}
		}
		if len(took) == 0 {
			return time.Second, packets
		}
		slices.Sort(took)
		return took[len(took)/2], packets - len(took)
	}
	time.Sleep(500 * time.Millisecond) // until the queue is full
	before, lostBefore := measure()
	o := open(t, db, On)
	o.start(t)
	within(t, 5*time.Second, "sorted", func() bool { return strings.Contains(snapshot(t), "htb 4846:10") })
	worst := lagging(flooding) // a packet waits for this machine, too
	quiet.Store(true)
	time.Sleep(500 * time.Millisecond) // until the provider's queue has run empty
	quiet.Store(false)
	time.Sleep(500 * time.Millisecond)
	after, lostAfter := measure()
	t.Logf("a call took %s and lost %d of 60; sorted it takes %s and loses %d", before, lostBefore, after, lostAfter)
	if before < 100*time.Millisecond {
		t.Errorf("the rest does not fill the provider's queue: %s", before)
	}
	if after > before/3+worst() || lostAfter > 2 && worst() < 100*time.Millisecond {
		t.Errorf("the call is not put first: %s before, %s after, %d lost", before, after, lostAfter)
	}
	classes := run(t, "tc", "-s", "class", "show", "dev", "up0")
	for _, c := range []string{"4846:10", "4846:30"} {
		_, of, _ := strings.Cut(classes, "class htb "+c)
		var bytes, packets int
		if _, stats, _ := strings.Cut(of, "Sent "); true {
			fmt.Sscanf(stats, "%d bytes %d pkt", &bytes, &packets)
		}
		if packets < 50 {
			t.Errorf("%d packets in class %s:\n%s", packets, c, classes)
		}
	}
}
