package links

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
)

// cable is what a test plugs and pulls; it counts what was sent.
type cable struct {
	pulled atomic.Bool
	sent   atomic.Int64
	bytes  atomic.Int64
}

var errPulled = errors.New("pulled")

func (c *cable) probe(ctx context.Context, t Target) (time.Duration, error) {
	c.sent.Add(1)
	c.bytes.Add(int64(Cost(t)))
	if c.pulled.Load() {
		<-ctx.Done()
		return 0, errPulled
	}
	select {
	case <-time.After(near):
		return near, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

var four = []Target{{Place: InCountry, Probe: ByICMP}, {Place: InCountry, Probe: ByICMP}, {Place: Abroad, Probe: ByICMP}, {Place: Abroad, Probe: ByICMP}}

// watching runs a watch on a virtual clock.
func watching(t *testing.T, o Options, story func(w *Watch, told func() []Verdict)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var list []Verdict
		o.Changed = func(v Verdict) {
			mu.Lock()
			defer mu.Unlock()
			list = append(list, v)
		}
		w := NewWatch(o)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		story(w, func() []Verdict {
			mu.Lock()
			defer mu.Unlock()
			return append([]Verdict(nil), list...)
		})
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAPulledCableIsSeenAtEveryPhase(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	for range 50 {
		phase := time.Duration(random.Int64N(int64(time.Second)))
		c := &cable{}
		watching(t, Options{Uplink: Uplink{Kind: Fibre}, Targets: four, Probe: c.probe}, func(w *Watch, told func() []Verdict) {
			time.Sleep(time.Minute + phase)
			c.pulled.Store(true)
			time.Sleep(6250 * time.Millisecond)
			synctest.Wait()
			if s := w.Snapshot(); s.State != holdfast.LinkDown || s.Reason != NoAnswer || s.Layers[2].State != LayerBad {
				t.Errorf("phase %s: %+v", phase, s)
			}
			c.pulled.Store(false)
			time.Sleep(time.Minute)
			synctest.Wait()
			if s := w.Snapshot(); s.State != holdfast.LinkUp || len(told()) < 3 {
				t.Errorf("plugged in again: %+v, told %v", s, told())
			}
			for i, a := range w.Snapshot().Answers {
				if !a.Up {
					t.Errorf("target %d does not answer", i)
				}
			}
		})
	}
}

func TestAMeteredBackupCostsLittleAndStillNotices(t *testing.T) {
	for name, targets := range map[string][]Target{
		"icmp": four, "tcp": {{Place: InCountry, Probe: ByTCP}, {Place: InCountry, Probe: ByTCP}, {Place: Abroad, Probe: ByTCP}, {Place: Abroad, Probe: ByTCP}},
		"http": {{Place: InCountry, Probe: ByHTTP}, {Place: Abroad, Probe: ByHTTP}, {Place: Abroad, Probe: ByICMP}},
	} {
		c := &cable{}
		looks := 0
		look := func(context.Context) []Layer { looks++; return nil }
		watching(t, Options{Uplink: Uplink{Kind: LTE, Metered: true}, Targets: targets, Probe: c.probe, Look: look}, func(w *Watch, told func() []Verdict) {
			time.Sleep(24 * time.Hour)
			synctest.Wait()
			if len(told()) != 0 {
				t.Errorf("%s: an idle backup was said to be %v", name, told())
			}
			const aLook = 1800 // a page, four questions and an echo
			month := (c.bytes.Load() + int64(looks)*aLook) * 30
			t.Logf("%s: %.1f MB a month, a round every %s", name, float64(month)/1e6, Sparing(targets))
			if month > 50_000_000 {
				t.Errorf("%s: %d bytes a month, %d probes a day", name, month, c.sent.Load())
			}
			c.pulled.Store(true)
			time.Sleep(Sparing(targets) + 8*time.Second + 1250*time.Millisecond)
			synctest.Wait()
			if s := w.Snapshot(); s.State != holdfast.LinkDown {
				t.Errorf("%s: a dead backup is %+v", name, s)
			}
			before := c.sent.Load()
			w.InUse(context.Background(), true)
			c.pulled.Store(false)
			time.Sleep(time.Minute)
			synctest.Wait()
			if s := w.Snapshot(); s.State != holdfast.LinkUp {
				t.Errorf("%s: a backup that is needed comes back as %+v", name, s)
			}
			if n := c.sent.Load() - before; n < 60*int64(len(targets)) {
				t.Errorf("%s: in use it was probed %d times in a minute", name, n)
			}
		})
	}
}

// When the country is cut off from the world, the link is up and the far targets are
// known to be silent.
func TestFarTargetsFallSilentWhileTheLinkIsUp(t *testing.T) {
	for _, metered := range []bool{false, true} {
		var cut atomic.Bool
		probe := func(ctx context.Context, t Target) (time.Duration, error) {
			if cut.Load() && t.Place == Abroad {
				<-ctx.Done()
				return 0, errPulled
			}
			return near, nil
		}
		watching(t, Options{Uplink: Uplink{Kind: Fibre, Metered: metered}, Targets: four, Probe: probe}, func(w *Watch, told func() []Verdict) {
			time.Sleep(time.Minute)
			cut.Store(true)
			time.Sleep(45 * time.Second)
			synctest.Wait()
			s := w.Snapshot()
			if s.State == holdfast.LinkDown || !s.Answers[0].Up || !s.Answers[1].Up || s.Answers[2].Up || s.Answers[3].Up {
				t.Errorf("metered %v: cut off from abroad: %+v", metered, s)
			}
			cut.Store(false)
			time.Sleep(time.Minute)
			synctest.Wait()
			if s := w.Snapshot(); !s.Answers[2].Up || !s.Answers[3].Up {
				t.Errorf("metered %v: connected again: %+v", metered, s)
			}
		})
	}
}

func TestAWatchTakesTheWordOfKernelAndAdministrator(t *testing.T) {
	c := &cable{}
	var samples atomic.Int64
	watching(t, Options{Uplink: Uplink{Kind: Fibre}, Targets: four, Probe: c.probe, Sampled: func(s Sample) {
		if s.Probed && (s.RTT < near || s.Loss != 0) {
			t.Errorf("a sample of %+v", s)
		}
		samples.Add(1)
	}}, func(w *Watch, told func() []Verdict) {
		time.Sleep(time.Minute)
		w.Carrier(context.Background(), false)
		synctest.Wait()
		if s := w.Snapshot(); s.State != holdfast.LinkDown || s.Layers[0].State != LayerBad {
			t.Errorf("without carrier: %+v", s)
		}
		w.Carrier(context.Background(), true)
		w.Override(context.Background(), holdfast.LinkUp)
		synctest.Wait()
		if s := w.Snapshot(); s.State != holdfast.LinkUp || !s.Manual {
			t.Errorf("by hand: %+v", s)
		}
		w.Override(context.Background(), "")
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := w.Snapshot(); s.State != holdfast.LinkUp || s.Manual || s.RTT < near || s.MOS < 4 {
			t.Errorf("left to itself: %+v", s)
		}
		if n := samples.Load(); n < 119 || n > 121 {
			t.Errorf("%d samples in two minutes", n)
		}
	})
}
