package sms

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/channeltest"
	"holdfast/channel/sms/smsc"
)

// How near to the allowed rate five thousand texts go, and what memory they take:
//
//	go test ./channel/sms -run '^$' -bench AllowedRate -benchtime 5000x
//
// Receipts come back meanwhile. rate% is the rate reached of the one allowed.
func BenchmarkAllowedRate(b *testing.B) {
	const allowed = 100
	bench := channeltest.TestEnv(b)
	c := start(b, smsc.Options{Count: true, Receipts: 50 * time.Millisecond})
	k := Kind()
	a, err := k.New(bench.Account(b, k, strings.Replace(settings(c.Addr(), ""), `"smpp_rate":1000`, fmt.Sprintf(`"smpp_rate":%d`, allowed), 1)), bench.Env)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); a.(channel.Listener).Listen(ctx, bench.Sink) }()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	work := make(chan int)
	var senders sync.WaitGroup
	for range 10 {
		senders.Go(func() {
			for i := range work {
				m := channel.Outbound{ID: holdfast.NewID(), To: holdfast.Address{Scheme: scheme, Value: fmt.Sprintf("+7912%07d", i)}, Text: "Связи нет, мы на месте.", Attempt: 1, Trace: &channel.Trace{}}
				if _, err := a.Send(ctx, m); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		work <- i
	}
	close(work)
	senders.Wait()
	b.StopTimer()
	n, first, last := c.Taken()
	if n != b.N {
		b.Errorf("%d of %d texts were taken", n, b.N)
	}
	if n > 1 {
		b.ReportMetric(100*float64(n-1)/last.Sub(first).Seconds()/allowed, "rate%")
	}
	for until := time.Now().Add(10 * time.Second); len(bench.Sink.Reports()) < n && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
	b.ReportMetric(float64(len(bench.Sink.Reports())), "receipts")
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(1<<20), "MiB-kept")
	cancel()
	<-done
}
