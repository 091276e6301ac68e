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
	flying   int
	adapter  channel.Adapter // the one of the last attempt: a changed account gets a fresh chance
	troubled bool            // the last look failed; said once
	offWait  time.Duration   // until an account without an adapter is looked at again
}

// due is a message that may go now.
type due struct {
	message, workspace holdfast.ID
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
	l.mu.Unlock()
	if free <= 0 {
		return wait
	}
	list, next, err := l.due(ctx, w.now(), free)
	if err != nil {
		if ctx.Err() == nil && !l.troubled {
			w.log.Warn("a lane of the outbox cannot be read", "account", l.account.String(), "err", err)
		}
		l.troubled = true
		return time.Second
	}
	l.troubled = false
	for _, d := range list {
		if free == 0 {
			return 0
		}
		if !w.claim(d.message) {
			continue
		}
		free--
		l.mu.Lock()
		l.flying++
		probe := l.breaker.begin()
		l.mu.Unlock()
		w.sends.Go(func() {
			l.carry(ctx, d, adapter, kind, probe)
			w.release(d.message)
			l.mu.Lock()
			l.flying--
			l.mu.Unlock()
			l.poke()
		})
	}
	return next
}

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
// earlier message of its conversation on this channel is still to go. One that
// is put off to a later time by its author holds nothing up.
const ready = `o.state IN ('queued', 'retry_wait') AND o.lsn > 0 AND o.due_at <= $2
	AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.message = o.message)
	AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.conversation = o.conversation AND p.lsn < o.lsn AND p.lsn > 0 AND p.channel = o.channel
		AND (p.state = 'retry_wait' OR (p.state = 'queued' AND p.due_at <= $2)))`

// due lists what may go now, the longest due first, and how long until something
// else falls due (0: nothing is put off).
func (l *lane) due(ctx context.Context, now time.Time, n int) ([]due, time.Duration, error) {
	w := l.worker
	rows, err := w.db.Query(ctx, "SELECT o.message, o.workspace FROM outbox o WHERE o.channel = $1 AND "+ready+
		" ORDER BY o.due_at, o.lsn LIMIT $3", l.account, now, n+parallelMax)
	list, err := store.Collect(rows, err, func(r *store.Rows, d *due) error { return r.Scan(&d.message, &d.workspace) })
	if err != nil {
		return nil, 0, err
	}
	var next time.Time
	err = w.db.QueryRow(ctx, "SELECT COALESCE((SELECT due_at FROM outbox WHERE channel = $1 AND "+waiting+" AND due_at > $2 ORDER BY due_at LIMIT 1), 0)", l.account, now).Scan(&next)
	if err != nil || next.IsZero() {
		return list, 0, err
	}
	return list, next.Sub(now), nil
}
