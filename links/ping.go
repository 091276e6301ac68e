package links

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// canPing reports whether this system lets us send echoes at all: that does not
// change while we run.
var canPing = sync.OnceValue(func() bool {
	p, err := openPing(context.Background(), NewNetwork(Uplink{}), false)
	if err == nil {
		p.close()
	}
	return err == nil
})

// pinger is one socket for the echoes of one uplink and family, and who waits for an answer.
type pinger struct {
	conn net.PacketConn
	v6   bool
	raw  bool
	id   uint16

	mu      sync.Mutex
	seq     uint16
	waiting map[uint16]waiter
	err     error
}

type waiter struct {
	from netip.Addr
	done chan time.Time
}

// openPing opens a socket: without privilege where that is allowed, else raw.
func openPing(ctx context.Context, n *Network, v6 bool) (*pinger, error) {
	local := n.local(v6)
	p := &pinger{v6: v6, waiting: map[uint16]waiter{}}
	var err error
	if p.conn, err = pingSocket(v6, n.uplink.Interface, local); err != nil {
		network, any := "ip4:icmp", "0.0.0.0"
		if v6 {
			network, any = "ip6:ipv6-icmp", "::"
		}
		if local != nil {
			any = local.String()
		}
		c := net.ListenConfig{Control: n.control}
		if p.conn, err = c.ListenPacket(ctx, network, any); err != nil {
			return nil, err
		}
		p.raw = true
	}
	var b [2]byte
	rand.Read(b[:])
	p.id = binary.BigEndian.Uint16(b[:])
	go p.read()
	return p, nil
}

func (p *pinger) close() { p.conn.Close() }

var errPingClosed = errors.New("the network is closed")

// ping sends an echo that carries nothing and waits for its answer.
func (n *Network) ping(ctx context.Context, to netip.Addr) (time.Duration, error) {
	v6 := to.Is6()
	p, err := n.pinger(ctx, v6)
	if err != nil {
		return 0, err
	}
	w := waiter{from: to, done: make(chan time.Time, 1)}
	p.mu.Lock()
	p.seq++
	seq := p.seq
	p.waiting[seq] = w
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.waiting, seq)
		p.mu.Unlock()
	}()
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(p.id), Seq: int(seq)}}
	if v6 {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	b, err := m.Marshal(nil)
	if err != nil {
		return 0, err
	}
	var dst net.Addr = &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	if p.raw {
		dst = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	began := time.Now()
	if _, err := p.conn.WriteTo(b, dst); err != nil {
		n.drop(p)
		return 0, err
	}
	select {
	case at, ok := <-w.done:
		if !ok {
			return 0, errPingClosed
		}
		return at.Sub(began), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// pinger is the socket for a family, opened when there is none or it broke: a device
// that went and came back is another one.
func (n *Network) pinger(ctx context.Context, v6 bool) (*pinger, error) {
	i := 0
	if v6 {
		i = 1
	}
	n.mu.Lock()
	p, closed := n.pings[i], n.closed
	n.mu.Unlock()
	if closed {
		return nil, errPingClosed
	}
	if p != nil {
		p.mu.Lock()
		broken := p.err != nil
		p.mu.Unlock()
		if !broken {
			return p, nil
		}
		n.drop(p)
	}
	fresh, err := openPing(ctx, n, v6)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.pings[i] != nil { // somebody was quicker
		fresh.close()
		if n.closed {
			return nil, errPingClosed
		}
		return n.pings[i], nil
	}
	n.pings[i] = fresh
	return fresh, nil
}

func (n *Network) drop(p *pinger) {
	p.close()
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.pings {
		if n.pings[i] == p {
			n.pings[i] = nil
		}
	}
}

// read hands answers to who waits for them until the socket breaks.
func (p *pinger) read() {
	var b [1500]byte
	for {
		size, from, err := p.conn.ReadFrom(b[:])
		at := time.Now()
		if err != nil {
			p.mu.Lock()
			p.err = err
			p.mu.Unlock()
			return
		}
		if seq, ok := p.parse(b[:size]); ok {
			p.mu.Lock()
			if w, known := p.waiting[seq]; known && w.from.Unmap() == addressOf(from) {
				select {
				case w.done <- at:
				default:
				}
			}
			p.mu.Unlock()
		}
	}
}

// parse is the number of an answer to one of our echoes. The kernel gives each
// unprivileged socket an id of its own and keeps others' answers from it.
func (p *pinger) parse(b []byte) (seq uint16, ok bool) {
	proto, reply := 1, icmp.Type(ipv4.ICMPTypeEchoReply)
	if p.v6 {
		proto, reply = 58, ipv6.ICMPTypeEchoReply
	}
	m, err := icmp.ParseMessage(proto, b)
	if err != nil || m.Type != reply {
		return 0, false
	}
	echo, ok := m.Body.(*icmp.Echo)
	if !ok || p.raw && echo.ID != int(p.id) {
		return 0, false
	}
	return uint16(echo.Seq), true
}

func addressOf(a net.Addr) netip.Addr {
	var ip netip.Addr
	switch a := a.(type) {
	case *net.UDPAddr:
		ip = a.AddrPort().Addr()
	case *net.IPAddr:
		ip, _ = netip.AddrFromSlice(a.IP)
		ip = ip.WithZone(a.Zone)
	}
	return ip.Unmap()
}
