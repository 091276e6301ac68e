package broadcasts

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"holdfast"
	"holdfast/store"
)

// Preview is what a broadcast would do if it started now. Nothing is written for it.
type Preview struct {
	State      string         `json:"state" enum:"ready,counting" doc:"counting: it takes longer; ask the same again."`
	Customers  int            `json:"customers" doc:"In the segment."`
	Recipients int            `json:"recipients" doc:"Those of them who would be told."`
	Resting    int            `json:"resting" doc:"Recipients for whom it is night: they would be told in the morning."`
	Reasons    map[string]int `json:"reasons" doc:"Why the others would not be told."`
	Languages  map[string]int `json:"languages" doc:"Recipients by the language that they would be told in."`
	Lanes      []LanePlan     `json:"lanes"`
	Priced     []Price        `json:"priced" doc:"What it costs, by currency; empty where no channel says."`
	Parts      int            `json:"parts,omitempty" doc:"Of messages that are sent in parts."`
	Seconds    int64          `json:"seconds" doc:"From the first to the last at the lanes' rates, the night not counted."`
	FinishesAt time.Time      `json:"finishes_at,omitzero"`
	Second     bool           `json:"second" doc:"A second person must agree."`
	Above      int            `json:"second_above"`
	Sample     []Sample       `json:"sample" doc:"The first who would be told, and what."`
	CountedAt  time.Time      `json:"counted_at,omitzero"`
}

// LanePlan is one way's part.
type LanePlan struct {
	Channel    holdfast.ID    `json:"channel"`
	Recipients int            `json:"recipients" doc:"Of the kind of address that it carries to; lanes of one kind share them."`
	PerMinute  float64        `json:"per_minute" doc:"What the broadcast takes of the lane."`
	Parts      int            `json:"parts,omitempty"`
	Alphabets  map[string]int `json:"alphabets,omitempty" doc:"Messages by the alphabet that they need."`
	Price      float64        `json:"price,omitempty"`
	Currency   string         `json:"currency,omitempty"`
}

// Price is a sum of money.
type Price struct {
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency"`
}

// Sample is one who would be told.
type Sample struct {
	Customer holdfast.ID      `json:"customer"`
	Name     string           `json:"name"`
	To       holdfast.Address `json:"to"`
	Language string           `json:"language"`
	Text     string           `json:"text"`
}

// counting is a dry run under way, or done a moment ago.
type counting struct {
	done chan struct{}
	at   time.Time
	got  Preview
	err  error
}

const (
	previewWait  = 2 * time.Second
	previewFresh = 15 * time.Second
	previewTime  = 5 * time.Minute
	sampleSize   = 5
)

// Preview is a dry run. One that takes long goes on by itself: ask the same again.
// Errors: Invalid where the spec is malformed; NotFound for
// another workspace's id.
func (b *Broadcasts) Preview(ctx context.Context, workspace, id holdfast.ID, spec holdfast.BroadcastSpec) (Preview, error) {
	if spec.Name == "" {
		spec.Name = "?" // one may count before one names it
	}
	s, err := b.clean(spec)
	if err != nil {
		return Preview{}, err
	}
	if id.IsZero() {
		return Preview{}, holdfast.Errorf(holdfast.Invalid, "id.malformed", "a broadcast has an id before it is saved").WithField("id")
	}
	var of holdfast.ID
	switch err := b.DB.QueryRow(ctx, "SELECT workspace FROM broadcast WHERE id = $1", id).Scan(&of); {
	case err == nil && of != workspace:
		return Preview{}, missing()
	case err != nil && !errors.Is(err, store.ErrNoRows):
		return Preview{}, err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return Preview{}, err
	}
	sum := sha256.Sum256(slices.Concat(workspace[:], id[:], raw))
	key := string(sum[:])
	now := b.DB.Now()
	b.mu.Lock()
	for k, c := range b.previews {
		select {
		case <-c.done:
			if now.Sub(c.at) > previewFresh {
				delete(b.previews, k)
			}
		default:
		}
	}
	c := b.previews[key]
	if c == nil {
		c = &counting{done: make(chan struct{}), at: now}
		b.previews[key] = c
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), previewTime)
			defer cancel()
			got, err := b.count(ctx, workspace, id, &s)
			b.mu.Lock()
			c.got, c.err, c.at = got, err, b.DB.Now()
			b.mu.Unlock()
			close(c.done)
		}()
	}
	b.mu.Unlock()
	wait := time.NewTimer(previewWait)
	defer wait.Stop()
	select {
	case <-c.done:
		return c.got, c.err
	case <-wait.C:
		return Preview{State: "counting", Reasons: map[string]int{}, Languages: map[string]int{}, Lanes: []LanePlan{}, Priced: []Price{}, Sample: []Sample{}}, nil
	case <-ctx.Done():
		return Preview{}, ctx.Err()
	}
}

// count is the dry run itself.
func (b *Broadcasts) count(ctx context.Context, workspace, id holdfast.ID, s *holdfast.BroadcastSpec) (Preview, error) {
	now := b.DB.Now()
	p := Preview{State: "ready", Reasons: map[string]int{}, Languages: map[string]int{}, Lanes: []LanePlan{}, Priced: []Price{}, Sample: []Sample{}, CountedAt: now}
	house, name, zone, err := b.House(ctx, workspace)
	if err != nil {
		return p, err
	}
	ways, err := b.ways(ctx, workspace, s)
	if err != nil {
		return p, err
	}
	for _, w := range ways {
		p.Lanes = append(p.Lanes, LanePlan{Channel: w.ID, PerMinute: w.rate * 60})
	}
	waiting := map[string]int{}
	p.Customers, err = b.plan(ctx, workspace, id, s, now, func(batch []recipient) error {
		for _, r := range batch {
			if r.reason != "" {
				p.Reasons[r.reason]++
				continue
			}
			p.Recipients++
			if !r.notBefore.IsZero() {
				p.Resting++
			}
			words, _, lang := text(s, r.language, house)
			p.Languages[lang]++
			waiting[r.to.Scheme]++
			words = b.Fill(words, r.name, name)
			if len(p.Sample) < sampleSize {
				p.Sample = append(p.Sample, Sample{r.customer, r.name, r.to, lang, words})
			}
			if b.Estimate == nil || words == "" {
				continue
			}
			// The lanes of one kind share its recipients; the first stands for their price.
			i := slices.IndexFunc(ways, func(w way) bool { return w.Scheme == r.to.Scheme })
			e, err := b.Estimate(ctx, workspace, ways[i].ID, words)
			if err != nil {
				return err
			}
			l := &p.Lanes[i]
			l.Parts += e.Parts
			l.Price += e.Price
			p.Parts += e.Parts
			if e.Currency != "" {
				l.Currency = e.Currency
			}
			if e.Alphabet != "" {
				if l.Alphabets == nil {
					l.Alphabets = map[string]int{}
				}
				l.Alphabets[e.Alphabet]++
			}
		}
		return nil
	})
	if err != nil {
		return p, err
	}
	for i, w := range ways {
		p.Lanes[i].Recipients = waiting[w.Scheme]
		if l := p.Lanes[i]; l.Currency != "" {
			if j := slices.IndexFunc(p.Priced, func(q Price) bool { return q.Currency == l.Currency }); j >= 0 {
				p.Priced[j].Amount += l.Price
			} else {
				p.Priced = append(p.Priced, Price{l.Price, l.Currency})
			}
		}
	}
	p.Seconds = lasts(ways, waiting)
	if p.Recipients > 0 {
		p.FinishesAt = until(s.Quiet, now, zone, time.Duration(p.Seconds)*time.Second)
	}
	if p.Above, err = b.SecondAbove(ctx, workspace); err != nil {
		return p, err
	}
	p.Second = p.Recipients > p.Above
	return p, nil
}

// lasts is how long so many take, by kind of address: each kind's number over the
// sum of its lanes' rates, and the longest of these, since the kinds go side by side.
func lasts(ways []way, waiting map[string]int) (seconds int64) {
	for scheme, n := range waiting {
		rate := 0.0
		for _, w := range ways {
			if w.Scheme == scheme {
				rate += w.rate
			}
		}
		if rate > 0 {
			seconds = max(seconds, int64(math.Ceil(float64(n)/rate)))
		}
	}
	return seconds
}
