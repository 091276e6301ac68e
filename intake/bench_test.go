package intake_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/inbox"
	"holdfast/intake"
	"holdfast/journal"
	"holdfast/outbox"
	"holdfast/search"
	"holdfast/store"
	"holdfast/store/storetest"
)

// BenchmarkAccept takes in messages of 64 visitors at once, ten each, as a site's
// chat brings them, without the network. Besides the time it gives the
// processor's time a message, which other work on the machine changes less.
func BenchmarkAccept(b *testing.B) {
	run := func(b *testing.B, db *store.DB) {
		log := slog.New(slog.DiscardHandler)
		j := journal.New(db, log, inbox.New(db), search.New(db), outbox.Table{})
		if err := j.Open(b.Context()); err != nil {
			b.Fatal(err)
		}
		account, workspace := holdfast.NewID(), holdfast.NewID()
		sink := intake.New(j).Sink(intake.Account{ID: account, Workspace: workspace, Kind: &channel.Kind{}})
		words := strings.Fields("hello my internet does not work since this morning the red lamp blinks invoice router contract please help call me back thank you order number address street house tariff speed cable cut again")
		var n atomic.Int64
		var wg sync.WaitGroup
		before := processor()
		b.ResetTimer()
		for range 64 {
			wg.Go(func() {
				var visitor string
				for turn := 0; ; turn++ {
					i := n.Add(1)
					if i > int64(b.N) {
						return
					}
					if turn%10 == 0 {
						visitor = holdfast.NewID().String()
					}
					var text strings.Builder
					for w := range 30 {
						fmt.Fprintf(&text, "%s ", words[(int(i)*7+w*w)%len(words)])
					}
					fmt.Fprintf(&text, "A-%d", i)
					client := holdfast.NewID()
					_, err := sink.Accept(context.Background(), channel.Inbound{ID: holdfast.DeriveIDAt(client, account, visitor+client.String()), Key: visitor + client.String(),
						From: holdfast.Address{Scheme: "visitor", Value: visitor}, Text: text.String(), SentAt: time.Now()})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64((processor()-before).Microseconds())/float64(b.N), "cpu-µs/op")
	}
	b.Run("embedded", func(b *testing.B) { run(b, storetest.Open(b, store.Options{Dir: b.TempDir()})) })
	b.Run("server", func(b *testing.B) { run(b, storetest.Open(b, store.Options{URL: storetest.PostgresURL(b)})) })
}

func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
