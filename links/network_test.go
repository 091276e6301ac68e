package links

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func TestEachWayOfProbingFindsWhoAnswersAndNobodyElse(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	at := netip.MustParseAddrPort(strings.TrimPrefix(web.URL, "http://"))
	hub, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	reflecting := make(chan error, 1)
	go func() { reflecting <- Reflect(ctx, hub) }()
	defer func() {
		stop()
		if err := <-reflecting; err != nil {
			t.Error(err)
		}
	}()
	server := names(t, nil)
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	port := func(c net.PacketConn) int { return c.LocalAddr().(*net.UDPAddr).Port }
	n := NewNetwork(Uplink{Source: "127.0.0.1"})
	defer n.Close()
	for _, c := range []struct {
		target  Target
		answers bool
	}{
		{Target{Probe: ByTCP, Port: int(at.Port())}, true},
		{Target{Probe: ByHTTP, Port: int(at.Port())}, true},
		{Target{Probe: BySTAMP, Port: port(hub)}, true},
		{Target{Probe: ByDNS, Port: server}, true},
		{Target{Probe: BySTAMP, Port: port(silent)}, false},
		{Target{Probe: ByDNS, Port: port(silent)}, false},
		{Target{Probe: ByICMP}, true},
		{Target{Probe: "pigeon"}, false},
		{Target{Probe: ByTCP, Address: "a name"}, false},
	} {
		if c.target.Probe == ByICMP && !canPing() {
			t.Log("this system lets nobody send echoes; that part is not tried")
			continue
		}
		if c.target.Address == "" {
			c.target.Address = "127.0.0.1"
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if c.answers {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		}
		rtt, err := n.Probe(ctx, c.target)
		cancel()
		if (err == nil) != c.answers || c.answers && (rtt <= 0 || rtt > 10*time.Second) {
			t.Errorf("%+v: %s, %v", c.target, rtt, err)
		}
	}
	if b := n.Bound(); b != "address" {
		t.Errorf("bound by %q", b)
	}
	if _, err := NewNetwork(Uplink{Interface: "no-such-device"}).Probe(t.Context(), Target{Address: "127.0.0.1", Port: int(at.Port()), Probe: ByTCP}); err == nil {
		t.Error("a probe went out by another device than its own")
	}
}

func TestManyEchoesAtOnceFindTheirOwnAnswers(t *testing.T) {
	if !canPing() {
		t.Skip("this system lets nobody send echoes")
	}
	n := NewNetwork(Uplink{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	errs := make(chan error)
	for i := range 50 {
		go func() {
			_, err := n.Probe(ctx, Target{Address: fmt.Sprintf("127.0.0.%d", i+1), Probe: ByICMP})
			errs <- err
		}()
	}
	for range 50 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	n.Close()
	if _, err := n.Probe(ctx, Target{Address: "127.0.0.1", Probe: ByICMP}); err == nil {
		t.Error("a closed network still probes")
	}
}

// names is a name server that knows good.example, and what lies says.
func names(t *testing.T, lies map[string]string) (port int) {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		var b [1500]byte
		for {
			size, from, err := c.ReadFrom(b[:])
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:size]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			name := strings.TrimSuffix(q.Name.String(), ".")
			m.Response = true
			answer := map[string]string{"good.example": "192.0.2.1", "desk.example": "192.0.2.2"}[name]
			if l, ok := lies[name]; ok {
				answer = l
			} else if answer == "" {
				answer = lies["*"]
			}
			if answer == "" {
				m.RCode = dnsmessage.RCodeNameError
			} else {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1},
					Body: &dnsmessage.AResource{A: netip.MustParseAddr(answer).As4()}}}
			}
			out, err := m.Pack()
			if err != nil {
				t.Error(err)
				return
			}
			c.WriteTo([]byte("no answer to anything"), from)
			c.WriteTo(out, from)
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).Port
}

func TestLiesOfNameServersAndPortalsAreSeen(t *testing.T) {
	page := "success\n"
	status := 200
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if status >= 300 {
			w.Header().Set("Location", "http://pay.example/")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, page)
	}))
	defer web.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	n := NewNetwork(Uplink{})
	defer n.Close()
	canary := []Canary{{Name: "good.example", Answers: []string{"192.0.2.1"}}}
	look := func(lies map[string]string, own string, url string) (dns, http string) {
		t.Helper()
		c := Checks{Resolvers: []string{fmt.Sprintf("127.0.0.1:%d", names(t, lies))}, Own: own, Canaries: canary, Portals: []Portal{{URL: url, Body: "success"}}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for _, l := range n.Look(ctx, c) {
			switch l.Name {
			case LayerDNS:
				dns = l.State + " " + l.Text
			case LayerHTTP:
				http = l.State + " " + l.Text
			}
		}
		return dns, http
	}
	for _, c := range []struct {
		lies      map[string]string
		own       string
		url       string
		page      string
		status    int
		dns, http string
	}{
		{nil, "desk.example", web.URL, "success\n", 200, "ok ", "ok "},
		{map[string]string{"good.example": "10.10.34.35"}, "", web.URL, "success\n", 200, "bad hijacked good.example 10.10.34.35", "ok"},
		{map[string]string{"*": "192.0.2.66"}, "", web.URL, "success\n", 200, "bad hijacked hf", "ok"},
		{map[string]string{"good.example": ""}, "", web.URL, "success\n", 200, "bad withheld good.example", "ok"},
		{nil, "lost.example", web.URL, "success\n", 200, "bad own_missing lost.example", "ok"},
		{nil, "", web.URL, "<html>Please pay</html>", 200, "ok", "bad portal"},
		{nil, "", web.URL, "", 302, "ok", "bad portal"},
		{nil, "", gone.URL, "", 200, "ok", "bad no_answer"},
	} {
		page, status = c.page, c.status
		dns, http := look(c.lies, c.own, c.url)
		if !strings.HasPrefix(dns, c.dns) || !strings.HasPrefix(http, c.http) {
			t.Errorf("%+v: %q, %q", c, dns, http)
		}
	}
	layers := n.Look(t.Context(), Checks{})
	for _, l := range layers {
		if l.State != LayerUnknown {
			t.Errorf("nothing was asked, and %s is %s", l.Name, l.State)
		}
	}
}

func TestASTAMPReflectorReflects(t *testing.T) {
	at := ntp(time.Date(2026, 11, 22, 12, 0, 0, 500_000_000, time.UTC))
	q := stampRequest(7, at)
	if len(q) != 44 {
		t.Fatalf("a request of %d octets", len(q))
	}
	b := reflect(append(q, 1, 2, 3), at+1<<32, at+1<<32+1<<30)
	r, err := parseStamp(b)
	if err != nil || len(b) != 47 || r.seq != 7 || r.sent != at || r.received != at+1<<32 || ntpSpan(r.received, r.again) != 250*time.Millisecond || r.ttl != 255 {
		t.Errorf("%d octets: %+v, %v", len(b), r, err)
	}
	if reflect(q[:43], 0, 0) != nil {
		t.Error("half a request is answered")
	}
	// the seconds wrap in 2036
	before, after := ntp(time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC)), ntp(time.Date(2036, 2, 7, 6, 28, 17, 0, time.UTC))
	if d := ntpSpan(before, after); d != 2*time.Second {
		t.Errorf("over the end of the era: %s", d)
	}
	if d := ntpSpan(after, before); d != -2*time.Second {
		t.Errorf("backwards: %s", d)
	}
}

func FuzzStamp(f *testing.F) {
	f.Add(stampRequest(1, ntp(time.Now())), uint64(5), uint64(6))
	f.Add([]byte{}, uint64(0), uint64(0))
	f.Add(make([]byte, 43), uint64(1), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, received, now uint64) {
		out := reflect(b, received, now)
		if out == nil {
			if len(b) >= stampSize {
				t.Fatal("a whole request is not answered")
			}
			return
		}
		if len(out) != len(b) {
			t.Fatalf("%d octets are answered by %d", len(b), len(out))
		}
		r, err := parseStamp(out)
		if err != nil || r.received != received || r.again != now {
			t.Fatalf("%+v, %v", r, err)
		}
		parseStamp(b)
	})
}

func FuzzNameServer(f *testing.F) {
	f.Add([]byte{0, 1, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0}, uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, id uint16) {
		if _, ips, _ := readAnswer(b, id); len(ips) > mostDNSAnswer {
			t.Fatal("too many")
		}
	})
}
