package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"holdfast"
)

// rounds is how often the raw limit and the desk take turns, so that a disk that
// changes its mind in the middle spoils neither alone.
const rounds = 3

// throughput measures how many messages of customers are acknowledged, beside
// the raw limit of the same database.
func (r *run) throughput(ctx context.Context, s storage) error {
	each := r.Duration / rounds
	r.say("%d chat clients write as fast as they are acknowledged (%s, %d times %v)", r.Clients, s.name(), rounds, each.Round(time.Millisecond))
	d, err := r.openDesk(ctx, s)
	if err != nil {
		return err
	}
	defer d.close()
	acked := filepath.Join(d.dir, "acked")
	o := order{Role: "write", Address: d.address, Channel: d.channel.String(), Clients: r.Clients, Turns: r.Turns, Seconds: 0.5, Acked: acked}
	first, err := r.one(ctx, o) // everything has been used once, and there are messages to weigh
	if err != nil {
		return err
	}
	v := verifier{desk: d, file: acked, acked: map[holdfast.ID]int{}}
	if err := v.take(first, nil); err != nil {
		return err
	}
	one, err := weighMessage(ctx, d)
	if err != nil {
		return err
	}
	floor, err := r.openRaw(ctx, s)
	if err != nil {
		return err
	}
	defer floor.db.Close()

	var plain, same, own, whole, rates, shares, sameShares, ownShares, wholeShares, p99s, batches []float64
	var last answer
	var perRow, perMessage float64 // bytes that reach the disk
	o.Warm, o.Seconds = 0.5, each.Seconds()
	measured := func(of func() (float64, error)) (bytes float64, err error) {
		before, err := floor.sent(ctx)
		if err != nil {
			return 0, err
		}
		n, err := of()
		if err != nil || n == 0 {
			return 0, err
		}
		after, err := floor.sent(ctx)
		return float64(after-before) / n, err
	}
	for range rounds {
		var limit float64
		perRow, err = measured(func() (float64, error) {
			limit, err = floor.rows(ctx, r.Clients, one.all, each)
			return limit * each.Seconds(), err
		})
		if err != nil {
			return err
		}
		commits, _ := d.DB.Stats()
		perMessage, err = measured(func() (float64, error) {
			last, err = r.one(ctx, o)
			return float64(last.Acked), v.take(last, err)
		})
		if err != nil {
			return err
		}
		now, _ := d.DB.Stats()
		batches = append(batches, float64(last.Acked)/float64(max(1, now-commits)))
		plain, rates, p99s = append(plain, limit), append(rates, last.Rate), append(p99s, last.Acks.P99)
		shares = append(shares, 100*last.Rate/limit)
		rows, err := floor.messages(ctx, r.Clients, r.Turns, one, false, each)
		if err != nil {
			return err
		}
		own, ownShares = append(own, rows), append(ownShares, 100*last.Rate/rows)
		if rows, err = floor.messages(ctx, r.Clients, r.Turns, one, true, each); err != nil {
			return err
		}
		whole, wholeShares = append(whole, rows), append(wholeShares, 100*last.Rate/rows)
		if perRow > 0 {
			limit, err = floor.rows(ctx, r.Clients, int(float64(one.all)*perMessage/perRow), each)
			if err != nil {
				return err
			}
			same, sameShares = append(same, limit), append(sameShares, 100*last.Rate/limit)
		}
	}
	name := s.name()
	r.note("throughput", name, "raw limit: rows of a message's own bytes", median(plain), "/s", fmt.Sprintf("%d bytes, of which indexes and logs make %.1f KB on the disk", one.all, perRow/1024))
	if len(same) > 0 {
		r.note("throughput", name, "raw limit: rows that put the same bytes on the disk", median(same), "/s", fmt.Sprintf("%.1f KB, as a message does", perMessage/1024))
	}
	r.note("throughput", name, "raw limit: the rows that a message is", median(own), "/s", "its entry, itself and its conversation, with their indexes")
	r.note("throughput", name, "raw limit: those and the words it is found by", median(whole), "/s", "every row that a message leaves, in its table")
	r.note("throughput", name, "messages acknowledged after commit", median(rates), "/s", fmt.Sprintf("%d clients, %d messages a visitor, %.0f in a commit", r.Clients, r.Turns, median(batches)))
	r.judge("throughput", name, "share of the raw limit, by all the rows a message leaves", median(wholeShares), "%", true, 100.0/3, "")
	r.note("throughput", name, "share of the rows that a message is, without its words", median(ownShares), "%", "")
	r.note("throughput", name, "share of one row of a message's own bytes", median(shares), "%", "")
	if len(same) > 0 {
		r.note("throughput", name, "share of one row that puts the same bytes on the disk", median(sameShares), "%", "")
	}
	if s.name() == (embedded{}).name() {
		r.judge("throughput", name, "acknowledgement, p99", median(p99s), "ms", false, 60, last.Acks.String())
	} else {
		r.note("throughput", name, "acknowledgement, p99", median(p99s), "ms", last.Acks.String())
	}
	if r.Profile != "" {
		o.Seconds = r.Duration.Seconds()
		if err := r.profile(func() error { return v.take(r.one(ctx, o)) }); err != nil {
			return err
		}
	}
	return v.verify(ctx, r, name)
}

// profile runs f once more under the profiler: of the first database that is measured.
func (r *run) profile(f func() error) error {
	file, err := os.Create(r.Profile)
	if err != nil {
		return err
	}
	defer file.Close()
	r.Profile = ""
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	err = f()
	pprof.StopCPUProfile()
	r.say("the desk's CPU profile is in %s", file.Name())
	return err
}

// verifier looks for what was acknowledged.
type verifier struct {
	*desk
	file   string              // that the load process writes ids to
	acked  map[holdfast.ID]int // and how often it was found
	failed int
	first  string
}

// take notes what a load process says was acknowledged.
func (v *verifier) take(a answer, err error) error {
	if err != nil {
		return err
	}
	b, err := os.ReadFile(v.file)
	if err != nil {
		return err
	}
	if len(b) != a.Acked*16 {
		return fmt.Errorf("%d bytes of ids for %d messages", len(b), a.Acked)
	}
	for ; len(b) > 0; b = b[16:] {
		v.acked[holdfast.ID(b[:16])] = 0
	}
	if v.failed += a.Errors; v.first == "" {
		v.first = a.FirstError
	}
	return nil
}

// verify reads the journal from its beginning: each message that was
// acknowledged must be there, and once.
func (v *verifier) verify(ctx context.Context, r *run, name string) error {
	for at := holdfast.LSN(0); ; {
		list, err := v.Journal.After(ctx, at, 2000)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		for i := range list {
			at = list[i].LSN
			if b, ok := list[i].Body.(*holdfast.MessageReceived); ok {
				if n, known := v.acked[b.Message]; known {
					v.acked[b.Message] = n + 1
				}
			}
		}
	}
	missing, twice := 0, 0
	for _, n := range v.acked {
		switch {
		case n == 0:
			missing++
		case n > 1:
			twice++
		}
	}
	r.judge("throughput", name, "acknowledged and not there once", float64(missing+twice), "", false, 0, fmt.Sprintf("of %d", len(v.acked)))
	var err error
	if v.failed > 0 {
		err = holdfast.Errorf(holdfast.Unavailable, "bench.refused", "%d messages were not taken: %s", v.failed, v.first)
	}
	if missing+twice > 0 {
		err = errors.Join(err, holdfast.Errorf(holdfast.Conflict, "bench.lost", "%d acknowledged messages are missing and %d are there more than once", missing, twice))
	}
	return err
}

// pace is at which rate the way to an operator's screen is measured.
const pace = 200

// latency measures how soon an operator sees what a customer sent.
func (r *run) latency(ctx context.Context, s storage) error {
	r.say("%d messages a second to an operator's screen (%s, %v)", pace, s.name(), r.Duration)
	d, err := r.openDesk(ctx, s)
	if err != nil {
		return err
	}
	defer d.close()
	a, err := r.one(ctx, order{Role: "write", Address: d.address, Channel: d.channel.String(), Clients: r.Clients, Turns: r.Turns, Warm: 1, Seconds: r.Duration.Seconds(), Rate: pace, Cookie: d.cookie})
	if err != nil {
		return err
	}
	if a.Errors > 0 {
		return fmt.Errorf("%d messages were not taken: %s", a.Errors, a.FirstError)
	}
	name := s.name()
	r.judge("latency", name, "customer's POST to operator's screen, p50", a.Frames.P50, "ms", false, 5, a.Frames.String())
	r.judge("latency", name, "customer's POST to operator's screen, p99", a.Frames.P99, "ms", false, 20, fmt.Sprintf("%.0f messages a second; acknowledged: p50 %.2f, p99 %.2f ms", a.Rate, a.Acks.P50, a.Acks.P99))
	r.judge("latency", name, "acknowledged and not shown", float64(a.Unseen), "", false, 0, "")
	return nil
}
