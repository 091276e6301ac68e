package links

import (
	"context"
	"slices"
	"sync"
	"time"

	"holdfast"
)

// Prober sends one probe to a target and waits for the answer until ctx ends. The
// round trip is measured by itself, since it knows when it sent.
type Prober func(ctx context.Context, t Target) (rtt time.Duration, err error)

// Options of a watch.
type Options struct {
	Uplink  Uplink
	Targets []Target
	// Was is the state when the link was last heard of; Manual an administrator's word.
	Was, Manual holdfast.LinkState
	Probe       Prober
	// Look finds out about the layers that are not the detector's: gateway, DNS, HTTP.
	// nil: they are unknown. It is called now and then, and at once when the state changes.
	Look func(ctx context.Context) []Layer
	// Changed is told of every change, in order, and must be quick.
	Changed func(Verdict)
	// Sampled is given what each second has shown, and must be quick.
	Sampled func(Sample)
}

// Sample is one second of a link.
type Sample struct {
	RTT    time.Duration
	Jitter time.Duration
	Loss   float64 // 0 to 1
	MOS    float64 // 0: not known
	State  holdfast.LinkState
	Probed bool // false: nothing was sent in it, and the figures are older
}

// Snapshot is how a link is at a moment.
type Snapshot struct {
	Verdict
	Figures
	Layers  []Layer
	Rounds  int64 // so many were finished: 0 means that nothing is known yet
	Asking  bool  // a backup that was probed rarely is being asked anew: what it does not reach is not known yet
	Answers []Answering
}

// Answering is whether a target answers over a link.
type Answering struct {
	Place     Place
	Up, Known bool
}

// How often the layers are looked at that the detector does not see.
const (
	lookEvery        = 30 * time.Second
	lookEveryMetered = 30 * time.Minute
)

// Watch watches one uplink. Make one with NewWatch and Run it.
type Watch struct {
	o      Options
	inbox  chan func(*loop)
	mu     sync.Mutex
	now    Snapshot
	inUse  bool
	layers []Layer
}

// NewWatch makes a watch. It does no I/O.
func NewWatch(o Options) *Watch {
	w := &Watch{o: o, inbox: make(chan func(*loop), 16)}
	d := NewDetector(o.Uplink.Kind, len(o.Targets), o.Was)
	d.Override(o.Manual)
	w.now = Snapshot{Verdict: d.Verdict(), Layers: w.allLayers(d.Verdict(), nil)}
	for _, t := range o.Targets {
		w.now.Answers = append(w.now.Answers, Answering{Place: t.Place})
	}
	return w
}

// loop is what belongs to the goroutine of Run.
type loop struct {
	*Watch
	d       *Detector
	began   time.Time
	last    time.Duration // when the latest round was sent
	looked  time.Duration
	looking bool
	asked   time.Duration // when it was last put to use
	turn    int           // of the pair of targets that a sparse round goes to
	told    Verdict
	sample  Sample
	results chan *round
	layered chan []Layer
}

// since is monotonic: time.Since never looks at the wall clock.
func (l *loop) since() time.Duration { return time.Since(l.began) }

// Snapshot is how the link is now.
func (w *Watch) Snapshot() Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.now
	s.Layers, s.Answers = slices.Clone(s.Layers), slices.Clone(s.Answers)
	return s
}

// Uplink is what is watched.
func (w *Watch) Uplink() Uplink { return w.o.Uplink }

// Override sets an administrator's word; "" takes it back.
func (w *Watch) Override(ctx context.Context, s holdfast.LinkState) {
	w.tell(ctx, func(l *loop) { l.d.Override(s) })
}

// Carrier says whether there is a signal on the wire.
func (w *Watch) Carrier(ctx context.Context, on bool) {
	w.tell(ctx, func(l *loop) { l.d.Carrier(l.since(), on) })
}

// InUse says whether a metered uplink carries the traffic of one that is down: then
// it is probed like any other.
func (w *Watch) InUse(ctx context.Context, is bool) {
	w.mu.Lock()
	same := w.inUse == is
	w.inUse = is
	if !same {
		w.now.Asking = is && w.now.Rounds > 0
	}
	w.mu.Unlock()
	if !same {
		w.tell(ctx, func(l *loop) {
			if is {
				// Now, and not when its turn has come: others wait for what it says.
				l.d.Doubt()
				l.asked, l.last = l.since(), -time.Hour
				l.mu.Lock()
				l.now.Asking = l.now.Rounds > 0
				l.mu.Unlock()
			}
		})
	}
}

func (w *Watch) tell(ctx context.Context, f func(*loop)) {
	select {
	case w.inbox <- f:
	case <-ctx.Done():
	}
}

// sparing reports whether each byte counts now.
func (l *loop) sparing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.o.Uplink.Metered && !l.inUse
}

// every is how long after a round the next one is due.
func (l *loop) every() time.Duration {
	sparing := l.sparing()
	switch {
	case l.d.bad && l.d.state != holdfast.LinkDown:
		return everyBad
	case sparing:
		return Sparing(l.o.Targets)
	case l.d.state == holdfast.LinkDown:
		return everyDown
	}
	return everyGood
}

// Run probes until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	if len(w.o.Targets) == 0 {
		<-ctx.Done()
		return nil
	}
	l := &loop{Watch: w, d: NewDetector(w.o.Uplink.Kind, len(w.o.Targets), w.o.Was), began: time.Now(), last: -time.Hour, looked: -time.Hour,
		results: make(chan *round, 64), layered: make(chan []Layer, 1)}
	l.d.Override(w.o.Manual)
	if w.o.Uplink.Metered {
		l.d.Rhythm(Sparing(w.o.Targets))
	}
	l.told = l.d.Verdict()
	var probes sync.WaitGroup
	defer probes.Wait()
	next := time.NewTimer(0)
	defer next.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
			l.last = l.since()
			l.begin(ctx, &probes)
		case r := <-l.results:
			l.d.Step(l.since(), r)
			l.mu.Lock()
			l.now.Rounds++
			if l.now.Asking && r.sent >= l.asked && len(r.answers) == len(l.o.Targets) {
				l.now.Asking = false
			}
			l.mu.Unlock()
		case f := <-w.inbox:
			f(l)
		case list := <-l.layered:
			l.looking = false
			l.mu.Lock()
			l.layers = list
			l.mu.Unlock()
		case <-second.C:
			l.tick()
		}
		l.publish()
		l.look(ctx, &probes)
		next.Reset(max(0, l.last+l.every()-l.since()))
	}
}

// begin sends a round.
func (l *loop) begin(ctx context.Context, probes *sync.WaitGroup) {
	targets := make([]int, len(l.o.Targets))
	for i := range targets {
		targets[i] = i
	}
	if l.sparing() && !l.d.bad {
		targets = l.pair()
	}
	r := &round{sent: l.last, answers: make([]answer, len(targets))}
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	var open sync.WaitGroup
	for i, t := range targets {
		open.Go(func() {
			rtt, err := l.o.Probe(ctx, l.o.Targets[t])
			r.answers[i] = answer{t, err == nil && rtt <= roundTime, rtt}
		})
	}
	probes.Go(func() {
		open.Wait()
		stopped := context.Cause(ctx) == context.Canceled
		cancel()
		if !stopped {
			l.results <- r
		}
	})
}

// pair is one target in the country and one elsewhere, in turn: what a backup that
// costs by the byte is probed with while all is well.
func (l *loop) pair() []int {
	var near, far []int
	for i, t := range l.o.Targets {
		if t.Place == InCountry {
			near = append(near, i)
		} else {
			far = append(far, i)
		}
	}
	l.turn++
	if len(near) == 0 || len(far) == 0 {
		all := append(near, far...)
		a := all[l.turn%len(all)]
		b := all[(l.turn+1)%len(all)]
		if a == b {
			return []int{a}
		}
		return []int{a, b}
	}
	return []int{near[l.turn%len(near)], far[l.turn%len(far)]}
}

// publish makes known what the detector says.
func (l *loop) publish() {
	at := l.since()
	v := l.d.Verdict()
	l.mu.Lock()
	l.now.Verdict, l.now.Figures = v, l.d.Figures(at)
	l.now.Layers = l.allLayers(v, l.layers)
	for i := range l.now.Answers {
		a := &l.now.Answers[i]
		a.Up, a.Known = l.d.Answers(i)
	}
	l.mu.Unlock()
	if v != l.told {
		l.told = v
		l.looked = -time.Hour // what exactly is broken?
		if l.o.Changed != nil {
			l.o.Changed(v)
		}
	}
}

// allLayers are the detector's word and what was looked at, from the wire up.
func (w *Watch) allLayers(v Verdict, looked []Layer) []Layer {
	out := []Layer{{LayerCarrier, LayerUnknown, ""}, {LayerGateway, LayerUnknown, ""}, {LayerAnchors, LayerOK, ""}, {LayerDNS, LayerUnknown, ""}, {LayerHTTP, LayerUnknown, ""}}
	for _, x := range looked {
		for i := range out {
			if out[i].Name == x.Name && x.Name != LayerAnchors {
				out[i] = x
			}
		}
	}
	if v.State == holdfast.LinkDown && !v.Manual || v.Layer == LayerAnchors && !v.Manual {
		out[2] = Layer{LayerAnchors, LayerBad, v.Reason}
	}
	if v.Reason == NoSignal {
		out[0] = Layer{LayerCarrier, LayerBad, "lost"}
	}
	return out
}

// look has the other layers looked at when that is due.
func (l *loop) look(ctx context.Context, probes *sync.WaitGroup) {
	every := lookEvery
	if l.sparing() {
		every = lookEveryMetered
	}
	if l.o.Look == nil || l.looking || l.since()-l.looked < every {
		return
	}
	l.looking, l.looked = true, l.since()
	probes.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		l.layered <- l.o.Look(ctx)
	})
}

// tick passes a second on. The one before the last is complete: what was sent in it
// has been answered or given up.
func (l *loop) tick() {
	at := l.since()
	f := l.d.Figures(at)
	s := &l.sample
	rtt, loss, probed := l.d.Second(int64(at/time.Second) - 2)
	if s.Probed = probed; probed {
		s.RTT, s.Loss = rtt, loss
	}
	s.Jitter, s.MOS, s.State = f.Jitter, f.MOS, l.d.Verdict().State
	if l.o.Sampled != nil {
		l.o.Sampled(*s)
	}
}
