package continuity

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"holdfast"
	"holdfast/links"
	"holdfast/store"
)

// How long what was measured is kept, by step.
const (
	keepSeconds  = 3600
	stepMinute   = time.Minute
	stepQuarter  = 15 * time.Minute
	keepMinutes  = 30 * 24 * time.Hour
	keepQuarters = 2 * 365 * 24 * time.Hour
	mostFigures  = 1500 // of one answer; more of them are put together
)

// Figure is what was measured in one step.
type Figure struct {
	At     time.Time          `json:"at"`
	RTT    float64            `json:"rtt_ms"`
	Jitter float64            `json:"jitter_ms"`
	Loss   float64            `json:"loss" doc:"0 to 1."`
	MOS    float64            `json:"mos" doc:"1 to 4.5; 0: nothing was measured."`
	State  holdfast.LinkState `json:"state" doc:"The worst of the step."`
}

var worse = []holdfast.LinkState{holdfast.LinkUp, holdfast.LinkDegraded, holdfast.LinkDown}

// total adds seconds up.
type total struct {
	seconds                int64
	rtt, jitter, loss, mos int64 // microseconds, millionths and thousandths
	worst                  int64
}

func (t *total) add(s links.Sample) {
	if s.Probed {
		t.seconds++
		t.rtt += s.RTT.Microseconds()
		t.jitter += s.Jitter.Microseconds()
		t.loss += int64(s.Loss * 1e6)
		t.mos += int64(s.MOS * 1e3)
	}
	t.worst = max(t.worst, int64(slices.Index(worse, s.State)))
}

func (t *total) join(o *total) {
	t.seconds += o.seconds
	t.rtt += o.rtt
	t.jitter += o.jitter
	t.loss += o.loss
	t.mos += o.mos
	t.worst = max(t.worst, o.worst)
}

func (t *total) figure(at time.Time) Figure {
	f := Figure{At: at, State: worse[min(max(t.worst, 0), 2)]}
	if t.seconds > 0 {
		n := float64(t.seconds)
		f.RTT, f.Jitter, f.Loss, f.MOS = float64(t.rtt)/n/1e3, float64(t.jitter)/n/1e3, float64(t.loss)/n/1e6, float64(t.mos)/n/1e3
	}
	return f
}

func second(at time.Time, s links.Sample) Figure {
	return Figure{At: at, RTT: float64(s.RTT.Microseconds()) / 1e3, Jitter: float64(s.Jitter.Microseconds()) / 1e3, Loss: s.Loss, MOS: s.MOS, State: s.State}
}

type bucket struct {
	step time.Duration
	at   int64 // Unix milliseconds
}

// recorder keeps an hour of seconds, and what has not been stored yet.
type recorder struct {
	targets string // that it was measured at; guarded by Continuity.mu

	mu   sync.Mutex
	ring [keepSeconds]Figure
	n    int
	open map[bucket]*total
}

func (r *recorder) add(now time.Time, s links.Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[r.n%keepSeconds] = second(now, s)
	r.n++
	if r.open == nil {
		r.open = map[bucket]*total{}
	}
	for _, step := range []time.Duration{stepMinute, stepQuarter} {
		k := bucket{step, now.Truncate(step).UnixMilli()}
		if r.open[k] == nil {
			r.open[k] = &total{}
		}
		r.open[k].add(s)
	}
}

// last are the newest n seconds, the oldest first.
func (r *recorder) last(n int) []Figure {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = min(n, r.n, keepSeconds)
	out := make([]Figure, n)
	for i := range n {
		out[i] = r.ring[(r.n-n+i)%keepSeconds]
	}
	return out
}

func (r *recorder) take() map[bucket]*total {
	r.mu.Lock()
	defer r.mu.Unlock()
	open := r.open
	r.open = nil
	return open
}

// giveBack puts what could not be stored to what came meanwhile.
func (r *recorder) giveBack(list map[bucket]*total) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = map[bucket]*total{}
	}
	for k, t := range list {
		if had := r.open[k]; had != nil {
			t.join(had)
		}
		if len(r.open) < 10_000 { // a week of a database that is away
			r.open[k] = t
		}
	}
}

// flush stores what was measured since the last time.
func (c *Continuity) flush(ctx context.Context) error {
	c.mu.Lock()
	list := map[holdfast.ID]*recorder{}
	for id, w := range c.watches {
		list[id] = w.figures
	}
	c.mu.Unlock()
	var failed error
	for id, r := range list {
		open := r.take()
		if len(open) == 0 {
			continue
		}
		err := c.DB.Write(ctx, func(tx *store.Tx) error {
			for k, t := range open {
				err := tx.Exec(`INSERT INTO link_figure (uplink, step, at, seconds, rtt, jitter, loss, mos, worst) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
					ON CONFLICT (uplink, step, at) DO UPDATE SET seconds = link_figure.seconds + excluded.seconds, rtt = link_figure.rtt + excluded.rtt,
						jitter = link_figure.jitter + excluded.jitter, loss = link_figure.loss + excluded.loss, mos = link_figure.mos + excluded.mos,
						worst = CASE WHEN excluded.worst > link_figure.worst THEN excluded.worst ELSE link_figure.worst END`,
					id, k.step, k.at, t.seconds, t.rtt, t.jitter, t.loss, t.mos, t.worst)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			r.giveBack(open)
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// prune forgets what is older than it is kept.
func (c *Continuity) prune(ctx context.Context) error {
	return c.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec("DELETE FROM link_figure WHERE step = $1 AND at < $2", stepMinute, tx.Now.Add(-keepMinutes)); err != nil {
			return err
		}
		return tx.Exec("DELETE FROM link_figure WHERE step = $1 AND at < $2", stepQuarter, tx.Now.Add(-keepQuarters))
	})
}

// Steps are the widths that figures are kept at.
var Steps = map[string]time.Duration{"1s": time.Second, "1m": stepMinute, "15m": stepQuarter}

// Figures are what was measured over an uplink, the oldest first: of the last hour by
// the second, or stored. More than can be drawn are put together. Errors: NotFound.
func (c *Continuity) Figures(ctx context.Context, id holdfast.ID, step time.Duration, from, to time.Time) ([]Figure, error) {
	c.mu.Lock()
	w := c.watches[id]
	_, is := c.settings.links[id]
	c.mu.Unlock()
	if !is {
		return nil, errNoLink()
	}
	out := []Figure{}
	if step == time.Second {
		if w == nil {
			return out, nil
		}
		for _, f := range w.figures.last(keepSeconds) {
			if !f.At.Before(from) && !f.At.After(to) {
				out = append(out, f)
			}
		}
		return out, nil
	}
	type stored struct {
		at int64
		total
	}
	rows, err := c.DB.Query(ctx, "SELECT at, seconds, rtt, jitter, loss, mos, worst FROM link_figure WHERE uplink = $1 AND step = $2 AND at >= $3 AND at <= $4 ORDER BY at", id, step, from, to)
	list, err := store.Collect(rows, err, func(r *store.Rows, s *stored) error {
		return r.Scan(&s.at, &s.seconds, &s.rtt, &s.jitter, &s.loss, &s.mos, &s.worst)
	})
	if err != nil {
		return nil, err
	}
	together := (len(list) + mostFigures - 1) / mostFigures
	for i := 0; i < len(list); i += max(together, 1) {
		sum := list[i].total
		for j := i + 1; j < min(i+together, len(list)); j++ {
			sum.join(&list[j].total)
		}
		out = append(out, sum.figure(time.UnixMilli(list[i].at).UTC()))
	}
	return out, nil
}
