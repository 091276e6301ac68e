package chat

import (
	"container/list"
	"fmt"
	"hash/maphash"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"holdfast"
)

// limits keeps one visitor, and one remote address, from crowding out the rest.
type limits struct {
	visitors buckets
	signals  buckets // reading, typing and acknowledging are cheap, but not free
	remotes  buckets
	requests buckets // forms from one address
}

func newLimits(visitor, remote int) limits {
	return limits{visitors: newBuckets(visitor), signals: newBuckets(visitor * 5), remotes: newBuckets(remote), requests: newBuckets(requestRate)}
}

// visitor takes one turn of a visitor's; the error is TooMany.
func (l *limits) visitor(id string, now time.Time) error { return l.visitors.take(id, now) }

// signal takes one of a visitor's lighter turns; the error is TooMany.
func (l *limits) signal(id string, now time.Time) error { return l.signals.take(id, now) }

// remote takes one turn of a remote address; the error is TooMany.
func (l *limits) remote(addr string, now time.Time) error {
	if addr == "" {
		return nil
	}
	return l.remotes.take(addr, now)
}

// remoteKey is what a request is counted by. Loopback is a proxy on this machine
// or the machine itself: counting it would throttle everybody at once, so it has none.
func remoteKey(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap()
	if ip.IsLoopback() {
		return ""
	}
	if ip.Is6() {
		p, _ := ip.WithZone("").Prefix(64) // one customer is handed a whole /64
		return p.String()
	}
	return ip.String()
}

// bucketsMax bounds the memory of one limit: 16 shards of 2,048 entries of some
// 200 bytes. A forgotten bucket is a full one, so eviction errs to the sender's side.
const (
	bucketShards = 16
	bucketsMax   = 2048
)

type buckets struct {
	perMinute int
	seed      maphash.Seed
	shards    *[bucketShards]bucketShard
}

type bucketShard struct {
	mu    sync.Mutex
	byKey map[string]*list.Element
	order list.List // most recent first
}

type bucket struct {
	key string
	lim *rate.Limiter
}

func newBuckets(perMinute int) buckets {
	return buckets{perMinute: perMinute, seed: maphash.MakeSeed(), shards: new([bucketShards]bucketShard)}
}

func (b *buckets) take(key string, now time.Time) error {
	if b.perMinute == 0 {
		return nil
	}
	sh := &b.shards[maphash.String(b.seed, key)%bucketShards]
	sh.mu.Lock()
	el, ok := sh.byKey[key]
	if ok {
		sh.order.MoveToFront(el)
	} else {
		if sh.byKey == nil {
			sh.byKey = make(map[string]*list.Element)
		}
		if sh.order.Len() >= bucketsMax {
			old := sh.order.Back()
			sh.order.Remove(old)
			delete(sh.byKey, old.Value.(*bucket).key)
		}
		burst := max(10, b.perMinute/2) // a person who comes back online sends what waited
		el = sh.order.PushFront(&bucket{key: key, lim: rate.NewLimiter(rate.Limit(float64(b.perMinute)/60), burst)})
		sh.byKey[key] = el
	}
	lim := el.Value.(*bucket).lim
	sh.mu.Unlock()
	turn := lim.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	turn.CancelAt(now)
	return &throttled{
		cause: holdfast.Errorf(holdfast.TooMany, "chat.too_many", "too many messages in a short time").
			WithNext(fmt.Sprintf("Wait %d seconds and send it again with the same id.", seconds(wait))),
		after: wait,
	}
}

// throttled is a TooMany that knows when to come back.
type throttled struct {
	cause *holdfast.Error
	after time.Duration
}

func (t *throttled) Error() string { return t.cause.Error() }
func (t *throttled) Unwrap() error { return t.cause }

// seconds is d in whole seconds, at least 1.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }
