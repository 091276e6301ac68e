package traffic

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Sorting is how packets are told into classes, on the devices that are shaped.
type Sorting struct {
	Devices   []string
	Shut      []string // devices that the rest may not use
	UID       int
	Own       []Ports // where this desk is reached
	Telephony []Ports
	Desk      []Ports
}

// The code points that are written on packets, so that whoever carries them may know.
const (
	dscpVoice  = 46 // EF
	dscpSignal = 24 // CS3
	dscpDesk   = 18 // AF21
)

const (
	tcp    = 6
	udp    = 17
	icmp   = 1
	icmpv6 = 58
)

// clause is a part of a rule: a match or a deed.
type clause struct {
	op   string
	a, b uint32
	s    string
}

// The parts of rules there are.
const (
	isMark   = "mark"
	isDSCP   = "dscp"  // a: version of IP, b: code point
	isProto  = "proto" // a
	isSport  = "sport" // a to b, of a protocol before
	isDport  = "dport"
	isUID    = "uid"
	isOif    = "oif"
	goTo     = "goto"
	setDSCP  = "set dscp" // a: version of IP, b: code point
	setClass = "class"
	drop     = "drop"
)

var protocols = map[uint32]string{tcp: "tcp", udp: "udp", icmp: "icmp", icmpv6: "ipv6-icmp"}

func family(version uint32) string {
	if version == 6 {
		return "ip6"
	}
	return "ip"
}

// rule is one rule of a chain.
type rule struct {
	chain string
	parts []clause
}

// text is the rule as nft reads it.
func (r rule) text() string {
	var words []string
	proto := ""
	for _, c := range r.parts {
		switch c.op {
		case isMark:
			words = append(words, fmt.Sprintf("meta mark & 0x%x == 0x%x", uint32(markClass), c.a))
		case isDSCP:
			words = append(words, fmt.Sprintf("%s dscp 0x%02x", family(c.a), c.b))
		case isProto:
			proto = protocols[c.a]
			if c.a == icmp || c.a == icmpv6 {
				words = append(words, "meta l4proto "+proto)
			}
		case isSport, isDport:
			words = append(words, fmt.Sprintf("%s %s %s", proto, c.op, Ports{uint16(c.a), uint16(c.b)}))
		case isUID:
			words = append(words, fmt.Sprintf("meta skuid %d", c.a))
		case isOif:
			words = append(words, fmt.Sprintf("oifname %q", c.s))
		case goTo:
			words = append(words, "goto "+c.s)
		case setDSCP:
			words = append(words, fmt.Sprintf("%s dscp set 0x%02x", family(c.a), c.b))
		case setClass:
			words = append(words, fmt.Sprintf("meta priority set %x:%x", major, c.a))
		case drop:
			words = append(words, drop)
		}
	}
	return strings.Join(words, " ")
}

// The chains: the first hangs in the kernel, the others are led to.
const (
	chainOut    = "out"
	chainSort   = "sort"
	chainVoice  = "telephony"
	chainSignal = "signalling"
	chainDesk   = "desk"
	chainRest   = "rest"
)

var chains = []string{chainOut, chainSort, chainVoice, chainSignal, chainDesk, chainRest}

// mangle is when the first chain sees a packet: after its way is known, before its
// source is rewritten.
const mangle = -150

// rules are all rules in their order.
func (s Sorting) rules() []rule {
	var list []rule
	put := func(chain string, parts ...clause) { list = append(list, rule{chain, parts}) }
	to := func(chain string) clause { return clause{op: goTo, s: chain} }
	for _, d := range s.Devices {
		put(chainOut, clause{op: isOif, s: d}, to(chainSort))
	}
	ports := func(p Ports, chain string, protos ...uint32) {
		for _, proto := range protos {
			for _, side := range []string{isSport, isDport} {
				put(chainSort, clause{op: isProto, a: proto}, clause{op: side, a: uint32(p.From), b: uint32(p.To)}, to(chain))
			}
		}
	}
	put(chainSort, clause{op: isMark, a: markOfVoice}, to(chainVoice))
	put(chainSort, clause{op: isMark, a: markOfDesk}, to(chainDesk))
	for _, v := range []uint32{4, 6} {
		put(chainSort, clause{op: isDSCP, a: v, b: dscpVoice}, to(chainVoice))
	}
	for _, p := range s.Telephony {
		// What is sent by TCP among them is signalling; so is what the registered ports carry.
		if p.From <= 5061 && p.To >= 5060 {
			ports(Ports{max(p.From, 5060), min(p.To, 5061)}, chainSignal, udp)
		}
		ports(p, chainSignal, tcp)
		ports(p, chainVoice, udp)
	}
	// What keeps an uplink alive: without names, addresses and answers to probes there is none.
	for _, p := range []uint32{icmp, icmpv6} {
		put(chainSort, clause{op: isProto, a: p}, to(chainDesk))
	}
	ports(Ports{53, 53}, chainDesk, udp, tcp)
	ports(Ports{67, 68}, chainDesk, udp)
	ports(Ports{546, 547}, chainDesk, udp)
	for _, p := range append(append([]Ports{}, s.Own...), s.Desk...) {
		ports(p, chainDesk, tcp, udp)
	}
	if s.UID >= 0 {
		put(chainSort, clause{op: isUID, a: uint32(s.UID)}, to(chainDesk))
	}
	put(chainSort, to(chainRest))
	for _, c := range []struct {
		chain       string
		dscp, class uint32
	}{{chainVoice, dscpVoice, classVoice}, {chainSignal, dscpSignal, classVoice}, {chainDesk, dscpDesk, classDesk}} {
		put(c.chain, clause{op: setDSCP, a: 4, b: c.dscp})
		put(c.chain, clause{op: setDSCP, a: 6, b: c.dscp})
		put(c.chain, clause{op: setClass, a: c.class})
	}
	for _, d := range s.Shut {
		put(chainRest, clause{op: isOif, s: d}, clause{op: drop})
	}
	put(chainRest, clause{op: setClass, a: classRest})
	return list
}

// Commands is the whole table as nft would be told.
func (s Sorting) Commands() []string {
	list := []string{"nft add table inet " + tableName}
	for _, c := range chains {
		hook := ""
		if c == chainOut {
			hook = fmt.Sprintf(" '{ type filter hook postrouting priority %d; policy accept; }'", mangle)
		}
		list = append(list, "nft add chain inet "+tableName+" "+c+hook)
	}
	sum := s.sum()
	for i, r := range s.rules() {
		text := r.text()
		if strings.ContainsAny(text, "&\"") {
			text = "'" + text + "'"
		}
		line := "nft add rule inet " + tableName + " " + r.chain + " " + text
		if i == 0 {
			line += " comment " + sum // by this the table is known again
		}
		list = append(list, line)
	}
	return list
}

// sum tells one sorting from another.
func (s Sorting) sum() string {
	h := sha256.New()
	for _, r := range s.rules() {
		fmt.Fprintln(h, r.chain, r.text())
	}
	return "holdfast-" + hex.EncodeToString(h.Sum(nil)[:8])
}
