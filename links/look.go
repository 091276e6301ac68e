package links

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Canary is a name whose right answers are known: other ones are somebody's lie.
type Canary struct {
	Name    string   `json:"name"`
	Answers []string `json:"answers"`
}

// Portal is a page whose right content is known. Who is shown another one is behind a
// portal that wants a click or money first.
type Portal struct {
	URL    string `json:"url"`
	Body   string `json:"body" doc:"What the page begins with; empty: nothing, with status 204."`
	Status int    `json:"status"`
}

// Checks are what is looked at beside the rounds.
type Checks struct {
	Resolvers []string `json:"resolvers" doc:"Name servers that are asked over the uplink."`
	Own       string   `json:"own" doc:"The desk's own name; empty: it has none."`
	Canaries  []Canary `json:"canaries"`
	Portals   []Portal `json:"portals"`
}

// Look finds out about carrier, gateway, DNS and HTTP over the uplink.
func (n *Network) Look(ctx context.Context, c Checks) []Layer {
	out := make([]Layer, 0, 4)
	out = append(out, n.carrierLayer(), n.gatewayLayer(ctx))
	return append(out, n.dnsLayer(ctx, &c), n.httpLayer(ctx, &c))
}

func (n *Network) carrierLayer() Layer {
	on, known := carrier(n.uplink.Interface)
	switch {
	case !known:
		return Layer{LayerCarrier, LayerUnknown, ""}
	case !on:
		return Layer{LayerCarrier, LayerBad, "lost"}
	}
	return Layer{LayerCarrier, LayerOK, ""}
}

func (n *Network) gatewayLayer(ctx context.Context) Layer {
	gateway := n.uplink.Gateway
	if gateway == "" {
		gateway = gatewayOf(n.uplink.Interface)
	}
	ip, err := netip.ParseAddr(gateway)
	if err != nil || !canPing() {
		return Layer{LayerGateway, LayerUnknown, ""}
	}
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	if _, err := n.ping(ctx, ip.Unmap()); err != nil {
		// Many routers keep silent, so that it says something only with the anchors.
		return Layer{LayerGateway, LayerBad, "no_answer " + gateway}
	}
	return Layer{LayerGateway, LayerOK, gateway}
}

// The codes of a name server's answer that are told apart.
const (
	rcodeOK       = int(dnsmessage.RCodeSuccess)
	rcodeNoSuch   = int(dnsmessage.RCodeNameError)
	mostDNSAnswer = 16
)

func (n *Network) dnsLayer(ctx context.Context, c *Checks) Layer {
	if len(c.Resolvers) == 0 {
		return Layer{LayerDNS, LayerUnknown, ""}
	}
	bad := Layer{LayerDNS, LayerBad, NoAnswer}
	for _, r := range c.Resolvers {
		at, err := nameServer(r)
		if err != nil {
			continue
		}
		if found := n.names(ctx, at, c); found.State == LayerOK {
			return found
		} else if found.Text != NoAnswer {
			bad = found
		}
	}
	return bad
}

// nameServer reads an address, with a port or without.
func nameServer(s string) (netip.AddrPort, error) {
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at, nil
	}
	ip, err := netip.ParseAddr(s)
	return netip.AddrPortFrom(ip.Unmap(), 53), err
}

// names asks one name server.
func (n *Network) names(ctx context.Context, at netip.AddrPort, c *Checks) Layer {
	asked := false
	for _, k := range c.Canaries {
		code, ips, err := n.ask(ctx, at, k.Name, dnsmessage.TypeA)
		if err != nil {
			return Layer{LayerDNS, LayerBad, NoAnswer}
		}
		asked = true
		for _, ip := range ips {
			if !slices.Contains(k.Answers, ip.String()) {
				return Layer{LayerDNS, LayerBad, "hijacked " + k.Name + " " + ip.String()}
			}
		}
		if code != rcodeOK || len(ips) == 0 {
			return Layer{LayerDNS, LayerBad, "withheld " + k.Name}
		}
		// A name that nobody has: who answers for it answers for everything.
		nobody := randomLabel() + "." + k.Name
		if _, ips, err := n.ask(ctx, at, nobody, dnsmessage.TypeA); err == nil && len(ips) > 0 {
			return Layer{LayerDNS, LayerBad, "hijacked " + nobody + " " + ips[0].String()}
		}
	}
	if c.Own != "" {
		code, ips, err := n.ask(ctx, at, c.Own, dnsmessage.TypeA)
		if err != nil {
			return Layer{LayerDNS, LayerBad, NoAnswer}
		}
		if code == rcodeNoSuch {
			return Layer{LayerDNS, LayerBad, "own_missing " + c.Own}
		}
		asked = asked || len(ips) > 0 || code == rcodeOK
	}
	if !asked {
		return Layer{LayerDNS, LayerUnknown, ""}
	}
	return Layer{LayerDNS, LayerOK, at.Addr().String()}
}

func randomLabel() string {
	var b [8]byte
	rand.Read(b[:])
	return "hf" + hex.EncodeToString(b[:])
}

var errDNS = errors.New("the name server's answer cannot be read")

// ask sends one question over the uplink and returns the code and the addresses.
func (n *Network) ask(ctx context.Context, at netip.AddrPort, name string, typ dnsmessage.Type) (code int, ips []netip.Addr, err error) {
	if !strings.HasSuffix(name, ".") {
		name += "."
	}
	q, err := dnsmessage.NewName(name)
	if err != nil {
		return 0, nil, err
	}
	var id [2]byte
	rand.Read(id[:])
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: uint16(id[0])<<8 | uint16(id[1]), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: q, Type: typ, Class: dnsmessage.ClassINET}}}
	b, err := m.Pack()
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	c, err := n.dial(ctx, "udp", at)
	if err != nil {
		return 0, nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.Write(b); err != nil {
		return 0, nil, err
	}
	var in [1500]byte
	for {
		size, err := c.Read(in[:])
		if err != nil {
			return 0, nil, err
		}
		code, ips, err := readAnswer(in[:size], m.ID)
		if errors.Is(err, errDNS) {
			continue
		}
		return code, ips, err
	}
}

// readAnswer reads the addresses in an answer to a question of ours.
func readAnswer(b []byte, id uint16) (code int, ips []netip.Addr, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil || !h.Response || h.ID != id {
		return 0, nil, errDNS
	}
	if err := p.SkipAllQuestions(); err != nil {
		return 0, nil, errDNS
	}
	for range mostDNSAnswer {
		r, err := p.AnswerHeader()
		if err != nil {
			break
		}
		if r.Type != dnsmessage.TypeA {
			if p.SkipAnswer() != nil {
				break
			}
			continue
		}
		a, err := p.AResource()
		if err != nil {
			break
		}
		ips = append(ips, netip.AddrFrom4(a.A))
	}
	return int(h.RCode), ips, nil
}

func (n *Network) httpLayer(ctx context.Context, c *Checks) Layer {
	if len(c.Portals) == 0 {
		return Layer{LayerHTTP, LayerUnknown, ""}
	}
	for _, p := range c.Portals {
		right, err := n.portal(ctx, p, c.Resolvers)
		if err == nil && right {
			return Layer{LayerHTTP, LayerOK, ""}
		}
		if err == nil {
			return Layer{LayerHTTP, LayerBad, "portal " + p.URL}
		}
	}
	return Layer{LayerHTTP, LayerBad, NoAnswer}
}

// portal reports whether a page is what it should be.
func (n *Network) portal(ctx context.Context, p Portal, resolvers []string) (right bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
		to, err := n.resolve(ctx, address, resolvers)
		if err != nil {
			return nil, err
		}
		return n.dial(ctx, "tcp", to)
	}}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		return false, err
	}
	res, err := tr.RoundTrip(req) // a redirect is an answer, too
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return false, err
	}
	status := p.Status
	if status == 0 {
		status = http.StatusOK
		if p.Body == "" {
			status = http.StatusNoContent
		}
	}
	if p.Body == "" {
		return res.StatusCode == status && len(b) == 0, nil
	}
	return res.StatusCode == status && strings.HasPrefix(string(b), p.Body), nil
}

// resolve finds an address over this uplink: the system's own resolver would go out
// by whichever there is.
func (n *Network) resolve(ctx context.Context, address string, resolvers []string) (netip.AddrPort, error) {
	if to, err := netip.ParseAddrPort(address); err == nil {
		return to, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for _, r := range resolvers {
		at, err := nameServer(r)
		if err != nil {
			continue
		}
		if _, ips, err := n.ask(ctx, at, host, dnsmessage.TypeA); err == nil && len(ips) > 0 {
			return netip.AddrPortFrom(ips[0], uint16(number)), nil
		}
	}
	return netip.AddrPort{}, errors.New("no name server knows " + host)
}
