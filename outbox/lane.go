package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/store"
)

// lane is the way out through one channel account.
type lane struct {
	worker  *Worker
	account holdfast.ID
	kick    chan struct{}

	mu       sync.Mutex
	breaker  breaker
	pace     pace
	paced    bool // the pace has been read
	flying   int
	bulk     int             // of those that fly
	adapter  channel.Adapter // the one of the last attempt: a changed account gets a fresh chance
	troubled bool            // the last look failed; said once
	offWait  time.Duration   // until an account without an adapter is looked at again
}

// due is a message that may go now.
type due struct {
	message, workspace holdfast.ID
	bulk               bool
}

// How soon an account without an adapter is looked at again: soon at first, since
// accounts start beside the outbox and nothing tells it that they have.
const (
	offFirst = 100 * time.Millisecond
	offMax   = time.Minute
)

func (l *lane) poke() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

func (l *lane) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait := l.fill(ctx); wait > 0 {
			timer.Reset(max(wait, time.Millisecond))
		} else {
			timer.Stop()
		}
		select {
		case <-l.kick:
		case <-timer.C:
		case <-l.worker.halt:
			return
		case <-ctx.Done():
			return
		}
	}
}

// fill starts as many attempts as there are slots and returns when to look
// again: 0 means after the next wake-up.
func (l *lane) fill(ctx context.Context) time.Duration {
	w := l.worker
	select {
	case <-w.halt:
		return 0
	default:
	}
	if _, cut := w.cut(l.account); cut {
		return 0 // Restore wakes it
	}
	adapter, kind, err := w.adapters(ctx, l.account)
	if adapter == nil || kind == nil || err != nil {
		return l.setOff(err)
	}
	l.mu.Lock()
	l.breaker.off, l.offWait = false, 0
	if !sameAdapter(adapter, l.adapter) {
		if l.adapter != nil {
			l.breaker = breaker{}
		}
		l.adapter = adapter
	}
	slots, wait := l.breaker.slots(w.now())
	if resend(adapter, kind) == channel.ResendOnce {
		slots = min(slots, 1) // so that a crash doubles one message at most
	}
	free := slots - l.flying
	// A lane of one slot takes bulk when nobody else is waiting; else some stay free.
	bulk := min(free, ofBulk(slots)-l.bulk)
	paced := l.paced
	l.mu.Unlock()
	if free <= 0 {
		return wait
	}
	if !paced {
		p, err := w.readPace(ctx, l.account)
		if err != nil {
			return l.cannotRead(ctx, err)
		}
		l.mu.Lock()
		l.pace, l.paced = p, true
		l.mu.Unlock()
	}
	began, next, err := l.begin(ctx, adapter, kind, free, false)
	if err != nil {
		return l.cannotRead(ctx, err)
	}
	if bulk = min(bulk, free-began); bulk > 0 && next >= 0 {
		_, later, err := l.begin(ctx, adapter, kind, bulk, true)
		if err != nil {
			return l.cannotRead(ctx, err)
		}
		next = sooner(next, later)
	}
	l.troubled = false
	return max(next, 0)
}

func (l *lane) cannotRead(ctx context.Context, err error) time.Duration {
	if ctx.Err() == nil && !l.troubled {
		l.worker.log.Warn("a lane of the outbox cannot be read", "account", l.account.String(), "err", err)
	}
	l.troubled = true
	return time.Second
}

// begin starts up to free attempts of one class. It returns when to look again: 0
// after the next wake-up, less than 0 when there is more than may go.
func (l *lane) begin(ctx context.Context, adapter channel.Adapter, kind *channel.Kind, free int, bulk bool) (began int, next time.Duration, err error) {
	w := l.worker
	list, next, err := l.due(ctx, w.now(), free, bulk)
	if err != nil {
		return 0, 0, err
	}
	for _, d := range list {
		if began == free {
			return began, -1, nil
		}
		l.mu.Lock()
		room, wait := l.pace.room(w.now(), bulk)
		l.mu.Unlock()
		if room == 0 {
			return began, sooner(next, wait), nil
		}
		if !w.claim(d.message) {
			continue
		}
		began++
		l.mu.Lock()
		l.flying++
		if bulk {
			l.bulk++
		}
		l.pace.began(w.now(), bulk)
		probe := l.breaker.begin()
		l.mu.Unlock()
		w.sends.Go(func() {
			l.carry(ctx, d, adapter, kind, probe)
			w.release(d.message)
			l.mu.Lock()
			l.flying--
			if bulk {
				l.bulk--
			}
			l.mu.Unlock()
			l.poke()
		})
	}
	return began, next, nil
}

// sooner is the shorter of two waits, of which 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}

// forgetPace makes the lane read its limit again.
func (l *lane) forgetPace() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paced = false
}

// closed reports whether nothing goes out.
func (l *lane) closed() bool { return l.breaker.open }

// setOff notes why nothing can go and returns when to look again.
func (l *lane) setOff(err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.breaker.off {
		l.breaker = breaker{off: true, since: l.worker.now()}
		l.adapter = nil
	}
	l.breaker.code, l.breaker.reason = "channel.off", "The channel is switched off."
	if err != nil {
		l.breaker.code, l.breaker.reason = holdfast.CodeOf(err), err.Error()
		if e := (*holdfast.Error)(nil); errors.As(err, &e) {
			l.breaker.reason = e.Message
		}
	}
	l.offWait = min(max(l.offWait*2, offFirst), offMax)
	return l.offWait
}

func (l *lane) state() BreakerState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.breaker.state()
}

// ready is what makes a waiting row o a candidate at $2: nobody is at it, and no
// earlier message of its conversation on this channel is still to go, nor one of
// its customer's that could go. One that is put off to a later time by its author
// holds nothing up.
const ready = `o.state IN ('queued', 'retry_wait') AND o.lsn > 0 AND o.due_at <= $2
	AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.message = o.message)
	AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.conversation = o.conversation AND p.lsn < o.lsn AND p.lsn > 0 AND p.channel = o.channel AND p.bulk = o.bulk
		AND (p.state = 'retry_wait' OR (p.state = 'queued' AND p.due_at <= $2)))
	AND NOT EXISTS (SELECT 1 FROM outbox q WHERE q.customer = o.customer AND q.lsn < o.lsn AND q.lsn > 0 AND q.channel = o.channel AND q.bulk = o.bulk
		AND q.state IN ('queued', 'retry_wait') AND q.due_at <= $2)`

// due lists what of a class may go now, the longest due first, and how long until
// something else falls due (0: nothing is put off).
func (l *lane) due(ctx context.Context, now time.Time, n int, bulk bool) ([]due, time.Duration, error) {
	w := l.worker
	rows, err := w.db.Query(ctx, "SELECT o.message, o.workspace FROM outbox o WHERE o.channel = $1 AND o.bulk = $4 AND "+ready+
		" ORDER BY o.due_at, o.lsn LIMIT $3", l.account, now, n+parallelMax, bulk)
	list, err := store.Collect(rows, err, func(r *store.Rows, d *due) error {
		d.bulk = bulk
		return r.Scan(&d.message, &d.workspace)
	})
	if err != nil {
		return nil, 0, err
	}
	var next time.Time
	err = w.db.QueryRow(ctx, "SELECT COALESCE((SELECT due_at FROM outbox WHERE channel = $1 AND bulk = $3 AND "+waiting+" AND due_at > $2 ORDER BY due_at LIMIT 1), 0)", l.account, now, bulk).Scan(&next)
	if err != nil || next.IsZero() {
		return list, 0, err
	}
	return list, next.Sub(now), nil
}
