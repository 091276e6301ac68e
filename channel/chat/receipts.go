package chat

import (
	"container/list"
	"context"
	"hash/maphash"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
)

const (
	marksMax = 50_000
	// After a restart nobody remembers what was reported, so recent messages are
	// reported again (the desk knows them by id); older ones were long ago.
	reportWindow = 7 * 24 * time.Hour
)

// receipts turns "I have everything up to n" into one report for each message.
type receipts struct {
	feed  channel.Feed
	seed  maphash.Seed
	turns *[64]sync.Mutex // one visitor's receipts are told in order

	mu        *sync.Mutex
	byVisitor map[string]*list.Element
	order     *list.List // most recent first
}

type mark struct {
	visitor         string
	delivered, seen int64
}

func newReceipts(feed channel.Feed) receipts {
	return receipts{
		feed: feed, seed: maphash.MakeSeed(), turns: new([64]sync.Mutex),
		mu: new(sync.Mutex), byVisitor: map[string]*list.Element{}, order: list.New(),
	}
}

// upto reports Delivered or Seen for each message to this visitor up to number n,
// once as long as this process remembers. A number that nobody has given out is
// no promise about later messages.
func (rc *receipts) upto(ctx context.Context, sink channel.Sink, addr holdfast.Address, n int64, state holdfast.Delivery, now time.Time) error {
	turn := &rc.turns[maphash.String(rc.seed, addr.Value)%uint64(len(rc.turns))]
	turn.Lock()
	defer turn.Unlock()
	from := rc.mark(addr.Value, state, 0)
	at := from
	defer func() {
		if at > from {
			rc.mark(addr.Value, state, at)
		}
	}()
	for at < n {
		items, err := rc.feed.Since(ctx, addr, at, pageItems)
		if err != nil {
			return err
		}
		for i := range items {
			it := &items[i]
			if it.N > n {
				return nil
			}
			if it.Direction == holdfast.Outbound && now.Sub(it.At) < reportWindow {
				if err := sink.Report(ctx, channel.Report{Message: it.ID, State: state}); err != nil {
					return err
				}
			}
			at = it.N
		}
		if len(items) < pageItems {
			return nil
		}
	}
	return nil
}

// mark is how far a visitor's reports have come, after raising it to n.
func (rc *receipts) mark(visitor string, state holdfast.Delivery, n int64) int64 {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	el, ok := rc.byVisitor[visitor]
	if !ok {
		if n == 0 {
			return 0
		}
		if rc.order.Len() >= marksMax {
			old := rc.order.Back()
			rc.order.Remove(old)
			delete(rc.byVisitor, old.Value.(*mark).visitor)
		}
		el = rc.order.PushFront(&mark{visitor: visitor})
		rc.byVisitor[visitor] = el
	} else {
		rc.order.MoveToFront(el)
	}
	m := el.Value.(*mark)
	if state == holdfast.Seen {
		m.seen = max(m.seen, n)
		return m.seen
	}
	m.delivered = max(m.delivered, n)
	return m.delivered
}
