package links

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Network sends probes over one uplink and no other. Make one with NewNetwork; Close
// it when nobody probes any more.
type Network struct {
	uplink Uplink

	mu      sync.Mutex
	pings   [2]*pinger // IPv4, IPv6
	byPlace bool       // the system does not let us bind to a device: by address then
	closed  bool
}

// NewNetwork makes one. It does no I/O.
func NewNetwork(u Uplink) *Network { return &Network{uplink: u} }

// Close ends what listens for answers.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for i, p := range n.pings {
		if p != nil {
			p.close()
			n.pings[i] = nil
		}
	}
}

// Bound says how probes are kept to the uplink: "device", "address", or "" when
// nothing was said of which one it is and the system chooses.
func (n *Network) Bound() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.uplink.Interface != "" && !n.byPlace:
		return "device"
	case n.uplink.Interface != "" || n.uplink.Source != "":
		return "address"
	}
	return ""
}

// control binds a socket before it is used.
func (n *Network) control(_, _ string, c syscall.RawConn) error {
	if n.uplink.Interface == "" {
		return nil
	}
	err := bindDevice(c, n.uplink.Interface)
	if notAllowed(err) {
		n.mu.Lock()
		n.byPlace = true
		n.mu.Unlock()
		if n.local(false) == nil && n.local(true) == nil {
			return err // it would leak out of another uplink
		}
		return nil
	}
	return err
}

// local is the address that probes come from; nil where the device says it.
func (n *Network) local(v6 bool) net.IP {
	if ip := net.ParseIP(n.uplink.Source); ip != nil {
		if (ip.To4() == nil) == v6 {
			return ip
		}
		return nil
	}
	n.mu.Lock()
	byPlace := n.byPlace
	n.mu.Unlock()
	if n.uplink.Interface == "" || !byPlace {
		return nil
	}
	dev, err := net.InterfaceByName(n.uplink.Interface)
	if err != nil {
		return nil
	}
	addresses, err := dev.Addrs()
	if err != nil {
		return nil
	}
	for _, a := range addresses {
		if p, ok := a.(*net.IPNet); ok && !p.IP.IsLinkLocalUnicast() && (p.IP.To4() == nil) == v6 {
			return p.IP
		}
	}
	return nil
}

// dial opens a bound connection.
func (n *Network) dial(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Control: n.control, KeepAlive: -1}
	if ip := n.local(to.Addr().Is6() && !to.Addr().Is4In6()); ip != nil {
		if network == "tcp" {
			d.LocalAddr = &net.TCPAddr{IP: ip}
		} else {
			d.LocalAddr = &net.UDPAddr{IP: ip}
		}
	}
	return d.DialContext(ctx, network, to.String())
}

var ports = map[string]int{ByTCP: 443, ByDNS: 53, ByHTTP: 80, BySTAMP: 862}

var errAddress = errors.New("the target's address is no IP address")

// Probe sends one probe and returns the round trip.
func (n *Network) Probe(ctx context.Context, t Target) (time.Duration, error) {
	ip, err := netip.ParseAddr(t.Address)
	if err != nil {
		return 0, errAddress
	}
	way := t.Probe
	if way == ByAuto || way == "" {
		if way = ByTCP; canPing() {
			way = ByICMP
		}
	}
	port := t.Port
	if port == 0 {
		port = ports[way]
	}
	to := netip.AddrPortFrom(ip.Unmap(), uint16(port))
	switch way {
	case ByICMP:
		return n.ping(ctx, to.Addr())
	case ByTCP:
		return n.connect(ctx, to)
	case ByDNS:
		began := time.Now()
		_, _, err := n.ask(ctx, to, ".", dnsmessage.TypeA)
		return time.Since(began), err
	case ByHTTP:
		return n.get(ctx, to)
	case BySTAMP:
		return n.stamp(ctx, to)
	}
	return 0, fmt.Errorf("%q is no way to probe", way)
}

// connect opens a connection and drops it without the courtesies, which would cost
// three packets more.
func (n *Network) connect(ctx context.Context, to netip.AddrPort) (time.Duration, error) {
	began := time.Now()
	c, err := n.dial(ctx, "tcp", to)
	took := time.Since(began)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return took, nil // somebody answered
	}
	if err != nil {
		return 0, err
	}
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
	return took, nil
}

// get asks a web server for its root; any answer of HTTP counts.
func (n *Network) get(ctx context.Context, to netip.AddrPort) (time.Duration, error) {
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return n.dial(ctx, "tcp", to) }}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://"+net.JoinHostPort(to.Addr().String(), strconv.Itoa(int(to.Port())))+"/", nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	res, err := tr.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<10))
	res.Body.Close()
	return took, nil
}
