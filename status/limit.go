package status

import (
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits hold back an address that asks too often. One office or one mobile network
// shares an address, and an outage is when they all look: the bucket is deep.
type limits struct {
	mu sync.Mutex
	of map[string]*rate.Limiter
}

const (
	perSecond  = 10
	burst      = 120
	rememberIP = 20_000
)

// allow reports whether a request may be answered.
func (l *limits) allow(r *http.Request) bool {
	ip := r.RemoteAddr
	if host, _, err := net.SplitHostPort(ip); err == nil {
		ip = host
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil || len(l.of) >= rememberIP {
		l.of = map[string]*rate.Limiter{}
	}
	b := l.of[ip]
	if b == nil {
		b = rate.NewLimiter(perSecond, burst)
		l.of[ip] = b
	}
	return b.AllowN(time.Now(), 1)
}
