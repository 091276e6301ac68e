package links

import (
	"math"
	"slices"
	"time"

	"holdfast"
)

// The limits of the detector. They were measured against bursty, browned-out, cut
// and flapping links; see docs/continuity.md.
const (
	degradedAfter = 2 * time.Second
	degradedLoss  = 0.05
	degradedMOS   = 3.6
	degradedRTT   = 400 * time.Millisecond
	leastDelays   = 3 // seconds with a probe before a delay means something

	downWired, downRadio = 5 * time.Second, 8 * time.Second
	lossWired, lossRadio = 0.25, 0.30

	goodFor    = 20 * time.Second // before it is up again, or no longer degraded
	afterFall  = 30 * time.Second
	afterMany  = time.Minute // when the penalty was over the limit at the fall
	fallCosts  = 1000.0
	penaltyMax = 2500.0
	halfLife   = time.Minute

	// leastGap is how long without any round takes the evidence away, at least: a machine
	// that slept has not seen a link be down all night.
	leastGap = 15 * time.Second
)

// The reasons of a state, as entries carry them.
const (
	NoAnswer = "no_answer"
	Lossy    = "loss"
	Slow     = "rtt"
	PoorMOS  = "mos"
	NoSignal = "carrier"
	ByHand   = "manual"
)

// Verdict is how a link is, and why.
type Verdict struct {
	State  holdfast.LinkState
	Layer  string // what is broken: carrier, anchors or quality; "" when up
	Reason string
	Manual bool
}

// Figures are what was measured over the last half minute.
type Figures struct {
	RTT    time.Duration
	Jitter time.Duration
	Loss   float64 // 0 to 1
	MOS    float64 // 0: not known
	Filled int     // seconds of the thirty in which there was a probe
}

// Detector decides how one uplink is. It has no clock, sends nothing and is not safe
// for use by several goroutines: time comes in as the monotonic time since some
// beginning.
type Detector struct {
	radio   bool
	streams []stream
	gap     time.Duration

	state   holdfast.LinkState // what the probes say
	layer   string
	reason  string
	manual  holdfast.LinkState // an administrator's word; "" for none
	carrier bool

	seen     time.Duration // the last round that was taken in
	any      bool
	lastGood time.Duration // when the latest good round was sent
	good     bool          // there was one
	badSince time.Duration // when the first of the present unbroken bad rounds was sent
	bad      bool
	goodFrom time.Duration // when the present run of good rounds began
	fellAt   time.Duration
	hold     time.Duration // no earlier than so long after the fall is it up again
	penalty  float64       // as of penaltyAt
	stamped  time.Duration
}

// NewDetector makes one for an uplink that is probed at so many targets, and was in a
// state when it was last heard of ("" counts as up).
func NewDetector(k Kind, targets int, was holdfast.LinkState) *Detector {
	if was == "" {
		was = holdfast.LinkUp
	}
	d := &Detector{radio: k.Radio(), streams: make([]stream, targets), gap: leastGap, state: was, carrier: true}
	switch was {
	case holdfast.LinkDown:
		d.layer, d.reason, d.hold = LayerAnchors, NoAnswer, goodFor
	case holdfast.LinkDegraded:
		d.layer, d.reason = LayerQuality, Lossy
	}
	return d
}

// Retarget starts the measuring anew for other targets; the state stays.
func (d *Detector) Retarget(targets int) {
	d.streams = make([]stream, targets)
	d.bad, d.good = false, false
}

// Rhythm says how far apart rounds are at most.
func (d *Detector) Rhythm(every time.Duration) { d.gap = max(leastGap, 3*every) }

// Verdict is how the link is now.
func (d *Detector) Verdict() Verdict {
	if d.manual != "" {
		return Verdict{State: d.manual, Layer: manualLayer(d.manual), Reason: ByHand, Manual: true}
	}
	return Verdict{State: d.state, Layer: d.layer, Reason: d.reason}
}

func manualLayer(s holdfast.LinkState) string {
	if s == holdfast.LinkDown {
		return LayerAnchors
	}
	return ""
}

// Override is an administrator's word, which wins until it is taken back with "".
func (d *Detector) Override(s holdfast.LinkState) { d.manual = s }

// Carrier says whether there is a signal on the wire. Without one the link is down at
// once.
func (d *Detector) Carrier(at time.Duration, on bool) Verdict {
	d.carrier = on
	if !on && d.state != holdfast.LinkDown {
		d.fall(at, LayerCarrier, NoSignal)
	} else if !on {
		d.layer, d.reason = LayerCarrier, NoSignal
	} else if d.reason == NoSignal {
		d.layer, d.reason = LayerAnchors, NoAnswer
	}
	return d.Verdict()
}

// Step takes in a finished round. at is now; both are monotonic.
func (d *Detector) Step(at time.Duration, r *round) Verdict {
	for _, a := range r.answers {
		d.streams[a.target].add(r.sent, at, a.ok, a.rtt)
	}
	good := r.good()
	if d.any && at-d.seen > d.gap {
		d.bad, d.good = false, false
	}
	d.seen, d.any = at, true
	switch {
	case good:
		if !d.good || d.bad && r.sent > d.badSince {
			d.goodFrom = r.sent
		}
		if !d.good || r.sent > d.lastGood {
			d.lastGood = r.sent
		}
		d.good = true
		if d.bad && r.sent > d.badSince {
			d.bad = false
		}
	case d.good && r.sent < d.lastGood:
		// It was sent before one that came back: that outage is over already.
		if d.goodFrom <= r.sent {
			d.goodFrom = d.lastGood
		}
	case !d.bad:
		d.bad, d.badSince = true, r.sent
	case r.sent < d.badSince:
		d.badSince = r.sent
	}
	d.decide(at)
	return d.Verdict()
}

// decide moves the state by what is known at a moment.
func (d *Detector) decide(at time.Duration) {
	f := d.Figures(at)
	if d.state != holdfast.LinkDown {
		limit, lossy := downWired, lossWired
		if d.radio {
			limit, lossy = downRadio, lossRadio
		}
		switch {
		case d.bad && at-d.badSince >= limit:
			d.fall(at, LayerAnchors, NoAnswer)
			return
		case f.Filled >= leastSet && f.Loss > lossy:
			d.fall(at, LayerAnchors, Lossy)
			return
		}
	}
	layer, reason := d.ailing(at, f)
	steady := d.good && !d.bad && at-d.goodFrom >= goodFor && f.Loss < degradedLoss
	switch d.state {
	case holdfast.LinkDown:
		if steady && d.carrier && at-d.fellAt >= d.hold && d.decayed(at) < penaltyMax {
			d.state, d.layer, d.reason = holdfast.LinkUp, "", ""
			if reason != "" {
				d.state, d.layer, d.reason = holdfast.LinkDegraded, layer, reason
			}
		}
	case holdfast.LinkUp:
		if reason != "" {
			d.state, d.layer, d.reason = holdfast.LinkDegraded, layer, reason
		}
	case holdfast.LinkDegraded:
		if reason != "" {
			d.layer, d.reason = layer, reason
		} else if steady {
			d.state, d.layer, d.reason = holdfast.LinkUp, "", ""
		}
	}
}

// ailing says what is wrong with a link that is not down; "" for nothing.
func (d *Detector) ailing(at time.Duration, f Figures) (layer, reason string) {
	switch {
	case d.bad && at-d.badSince >= degradedAfter:
		return LayerAnchors, NoAnswer
	case f.Filled >= leastSet && f.Loss > degradedLoss:
		return LayerQuality, Lossy
	case f.RTT > degradedRTT && f.Filled >= leastDelays:
		return LayerQuality, Slow
	case f.MOS > 0 && f.MOS < degradedMOS && f.Filled >= leastSet: // one lost of three is no third
		return LayerQuality, PoorMOS
	}
	return "", ""
}

func (d *Detector) fall(at time.Duration, layer, reason string) {
	d.penalty, d.stamped = d.decayed(at)+fallCosts, at
	d.state, d.layer, d.reason, d.fellAt, d.hold = holdfast.LinkDown, layer, reason, at, afterFall
	if d.penalty >= penaltyMax {
		d.hold = afterMany
	}
}

func (d *Detector) decayed(at time.Duration) float64 {
	if d.penalty == 0 {
		return 0
	}
	return d.penalty * math.Exp2(-float64(at-d.stamped)/float64(halfLife))
}

// Figures are those of the last half minute. Of several targets it is the second best
// one's that counts: two that answer make a round good, and a dead target says
// nothing about the link.
func (d *Detector) Figures(at time.Duration) Figures {
	var room [8]sum
	sums := room[:0]
	// Delays are the near target's: how far away the far ones stand is not the link's fault.
	var best *stream
	var near sum
	for i := range d.streams {
		s := d.streams[i].window.sum(at)
		if s.filled > 0 {
			sums = append(sums, s)
		}
		if s.rtt > 0 && (best == nil || s.rtt < near.rtt) {
			best, near = &d.streams[i], s
		}
	}
	if len(sums) == 0 {
		return Figures{}
	}
	slices.SortFunc(sums, func(a, b sum) int {
		switch {
		case a.loss < b.loss:
			return -1
		case a.loss > b.loss:
			return 1
		}
		return int(min(max(a.rtt-b.rtt, -1), 1))
	})
	s := sums[min(enough, len(sums))-1]
	f := Figures{Loss: s.loss, Filled: s.filled}
	if best != nil {
		f.RTT, f.Jitter = near.rtt, best.jitter.Value()
		f.MOS = CallMOS(f.RTT, f.Jitter, min(1, f.Loss+near.late))
	}
	return f
}

// Answers reports whether a target answers over this link, and whether that is known.
func (d *Detector) Answers(target int) (up, known bool) {
	s := &d.streams[target]
	return s.up, s.known
}

// Doubt forgets which targets do not answer: what was found out by rare probes may be
// over. That the others answer is believed until they do not.
func (d *Detector) Doubt() {
	for i := range d.streams {
		if s := &d.streams[i]; !s.up {
			s.forget()
		}
	}
}

// Second is what one second has shown: the nearest target's round trip and the
// second best one's loss. probed is false when nothing was sent in it.
func (d *Detector) Second(second int64) (rtt time.Duration, loss float64, probed bool) {
	var room [8]float64
	losses := room[:0]
	for i := range d.streams {
		w := &d.streams[i].window
		b := int(second % buckets)
		if second < 0 || w.second[b] != second+1 || w.sent[b] == 0 {
			continue
		}
		losses = append(losses, float64(w.lost[b])/float64(w.sent[b]))
		if n := w.sent[b] - w.lost[b]; n > 0 {
			if one := w.rtt[b] / time.Duration(n); rtt == 0 || one < rtt {
				rtt = one
			}
		}
	}
	if len(losses) == 0 {
		return 0, 0, false
	}
	slices.Sort(losses)
	return rtt, losses[min(enough, len(losses))-1], true
}
