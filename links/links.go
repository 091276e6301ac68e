// Package links watches the ways out of this node: it probes targets over each
// uplink, decides when one is degraded, down and up again, measures its quality, and
// says which layer of it is broken. Everything in it is about one machine and one
// moment.
//
// It refuses to know the journal, workspaces or channels, to send anything over an
// uplink that nobody has configured, and to look at the wall clock.
package links

import (
	"time"

	"holdfast"
)

// Kind is what an uplink is made of.
type Kind string

// The kinds of uplinks.
const (
	Fibre     Kind = "fibre"
	Cable     Kind = "cable"
	DSL       Kind = "dsl"
	LTE       Kind = "lte"
	Satellite Kind = "satellite"
	Other     Kind = "other"
)

// Kinds lists them.
var Kinds = []Kind{Fibre, Cable, DSL, LTE, Satellite, Other}

// Radio reports whether short silences are ordinary on it. What nobody has named
// gets the patient limits.
func (k Kind) Radio() bool { return k == LTE || k == Satellite || k == Other }

// Uplink is one way out of this node.
type Uplink struct {
	ID   holdfast.ID
	Kind Kind
	// Interface is the device its probes are bound to; Source the address they come
	// from, where there is no device or no right to bind to it.
	Interface, Source string
	Gateway           string // address; "" for none that is known
	Metered           bool
}

// Place says from where a target answers.
type Place string

// Where targets stand.
const (
	InCountry Place = "country"
	Abroad    Place = "abroad"
	Hub       Place = "hub"
)

// The ways of probing a target.
const (
	ByAuto  = "auto"  // ICMP where this system allows it, else TCP
	ByICMP  = "icmp"  // echo
	ByTCP   = "tcp"   // a connection is opened, and dropped
	ByDNS   = "dns"   // a query for the root's name servers
	ByHTTP  = "http"  // GET of the root page; any answer counts
	BySTAMP = "stamp" // RFC 8762, to a reflector
)

// Ways lists them.
var Ways = []string{ByAuto, ByICMP, ByTCP, ByDNS, ByHTTP, BySTAMP}

// Target is what is probed over every uplink, once a round.
type Target struct {
	Name    string `json:"name"`
	Address string `json:"address" doc:"An IP address; a name would make each probe one of the resolver, too."`
	Port    int    `json:"port,omitempty" doc:"Of tcp, dns, http and stamp; 0: 443, 53, 80 or 862."`
	Probe   string `json:"probe" enum:"auto,icmp,tcp,dns,http,stamp"`
	Place   Place  `json:"place" enum:"country,abroad,hub"`
}

// The rhythm of probing.
const (
	roundTime    = time.Second            // within this a target must answer
	everyGood    = time.Second            // between rounds
	everyBad     = 250 * time.Millisecond // after the first bad round
	everyDown    = 500 * time.Millisecond
	everyMetered = 10 * time.Second // of a backup that costs by the byte
)

// enough is how many targets must answer for a round to be good.
const enough = 2

// answer is what came of one probe.
type answer struct {
	target int
	ok     bool
	rtt    time.Duration
}

// round is one probe of several targets at once.
type round struct {
	sent    time.Duration // since the start of the watch
	answers []answer
}

// good reports whether enough of the targets answered; of fewer targets than that,
// all must.
func (r *round) good() bool {
	n := 0
	for _, a := range r.answers {
		if a.ok {
			n++
		}
	}
	return n > 0 && n >= min(enough, len(r.answers))
}

// Layer is one answer to "what exactly is broken".
type Layer struct {
	Name  string `json:"name" enum:"carrier,gateway,anchors,dns,http"`
	State string `json:"state" enum:"ok,bad,unknown"`
	Text  string `json:"text" doc:"What was seen; a stable word first: no_answer, hijacked, portal, lost …"`
}

// The layers, from the wire up.
const (
	LayerCarrier = "carrier"
	LayerGateway = "gateway"
	LayerAnchors = "anchors"
	LayerDNS     = "dns"
	LayerHTTP    = "http"
	LayerQuality = "quality"
)

// The states of a layer.
const (
	LayerOK      = "ok"
	LayerBad     = "bad"
	LayerUnknown = "unknown"
)
