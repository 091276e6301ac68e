package journeys

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// slowLine is a bad mobile connection in front of a server: both directions share
// nothing but their own rate. A lost packet is what a program sees of it: the
// bytes behind it come a round trip later; now and then the connection dies.
type slowLine struct {
	addr  string
	rate  float64       // bytes a second, each way
	trip  time.Duration // a round trip
	loss  float64       // of packets
	reset int           // each so many packets, one ends its connection

	mu   sync.Mutex
	dice *rand.Rand
	free [2]time.Time // when the line can carry the next packet, each way
	sent int
	cuts int
}

const packet = 1400 // bytes

// slow opens the line to the server at to; it is closed with the test.
func slow(t testing.TB, to string, l *slowLine) *slowLine {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.addr, l.dice = ln.Addr().String(), rand.New(rand.NewPCG(20, 800))
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		ln.Close()
		all.Wait()
	})
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { l.carry(ctx, c, to) })
		}
	}()
	return l
}

func (l *slowLine) carry(ctx context.Context, c net.Conn, to string) {
	defer c.Close()
	pause(ctx, l.trip) // the handshake
	s, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() {
		c.(*net.TCPConn).SetLinger(0) // both sides see a reset, with all that was under way lost
		c.Close()
		s.Close()
	})
	var wg sync.WaitGroup
	wg.Go(func() { defer cancel(); l.oneWay(ctx, 0, s, c) })
	wg.Go(func() { defer cancel(); l.oneWay(ctx, 1, c, s) })
	wg.Wait()
}

// oneWay carries packets in order, each no earlier than the line allows.
func (l *slowLine) oneWay(ctx context.Context, way int, dst io.Writer, src io.Reader) {
	type piece struct {
		bytes []byte
		at    time.Time
	}
	pieces := make(chan piece, 64)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(pieces)
		var last time.Time
		for {
			b := make([]byte, packet)
			n, err := src.Read(b)
			if n > 0 {
				at, dead := l.schedule(way, n)
				if at.Before(last) {
					at = last // what comes behind a lost packet waits for it
				}
				last = at
				if dead {
					return
				}
				select {
				case pieces <- piece{b[:n], at}:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	for p := range pieces {
		pause(ctx, time.Until(p.at))
		if _, err := dst.Write(p.bytes); err != nil || ctx.Err() != nil {
			break
		}
	}
	if c, ok := src.(net.Conn); ok {
		c.SetReadDeadline(time.Now())
	}
	for range pieces {
	}
	wg.Wait()
}

// schedule says when a packet arrives, or that it takes its connection with it.
func (l *slowLine) schedule(way, size int) (at time.Time, dead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.free[way].Before(now) {
		l.free[way] = now
	}
	l.free[way] = l.free[way].Add(time.Duration(float64(size+40) / l.rate * float64(time.Second)))
	at = l.free[way].Add(l.trip / 2)
	for l.dice.Float64() < l.loss {
		at = at.Add(l.trip) // sent once more, and that may be lost, too
	}
	if l.sent++; l.reset > 0 && l.sent%l.reset == 0 {
		l.cuts++
		return at, true
	}
	return at, false
}

func (l *slowLine) resets() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cuts
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
