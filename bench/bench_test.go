package bench

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/chat"
	"holdfast/inbox"
	"holdfast/intake"
	"holdfast/journal"
	"holdfast/outbox"
	"holdfast/search"
	"holdfast/store"
	"holdfast/store/storetest"
)

// BenchmarkAccept is the path of a customer's message below HTTP: 64 at once,
// ten messages a conversation.
func BenchmarkAccept(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { accept(b, storetest.Open(b, store.Options{Dir: b.TempDir()})) })
	b.Run("postgres", func(b *testing.B) { accept(b, storetest.Open(b, store.Options{URL: storetest.PostgresURL(b)})) })
}

func accept(b *testing.B, db *store.DB) {
	j := journal.New(db, slog.New(slog.DiscardHandler), inbox.New(db), search.New(db), outbox.Table{})
	if err := j.Open(context.Background()); err != nil {
		b.Fatal(err)
	}
	sink := intake.New(j).Sink(intake.Account{ID: holdfast.NewID(), Workspace: holdfast.NewID(), Kind: chat.Kind()})
	var seed atomic.Uint64
	b.SetParallelism(32)
	commits, _ := db.Stats()
	disk := diskBytes()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		talk := newSpeech(seed.Add(1))
		texts := make([]string, 256)
		for i := range texts {
			texts[i] = talk.message(talk.tongue())
		}
		var from holdfast.Address
		for n := 0; pb.Next(); n++ {
			if n%10 == 0 {
				from = holdfast.Address{Scheme: "visitor", Value: holdfast.NewID().String()}
			}
			id := holdfast.NewID()
			if _, err := sink.Accept(context.Background(), channel.Inbound{ID: holdfast.DeriveID(id, "m"), From: from, Text: texts[rand.IntN(len(texts))], Language: "ru"}); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	now, _ := db.Stats()
	if wrote := diskBytes() - disk; disk > 0 {
		b.ReportMetric(float64(wrote)/float64(b.N), "diskbytes/message")
	}
	b.ReportMetric(float64(b.N)/float64(now-commits), "messages/commit")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
