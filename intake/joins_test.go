package intake_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/intake"
	"holdfast/store"
	"holdfast/store/storetest"
)

// A text that names nothing joins the talk of whoever proved the number, while that
// talk is young; days later it is another matter.
func TestATextJoinsATalkForThreeDays(t *testing.T) {
	var passed atomic.Int64
	db := storetest.Open(t, store.Options{Dir: t.TempDir(), Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	s := openSpine(t, db)
	texts := intake.New(s.Journal).Sink(intake.Account{ID: holdfast.NewID(), Workspace: s.workspace, Kind: &channel.Kind{Joins: true}})
	phone := holdfast.Address{Scheme: "tel", Value: "+79120000001", Verified: true}
	for _, c := range []struct {
		after time.Duration
		joins bool
	}{{71 * time.Hour, true}, {73 * time.Hour, false}} {
		talk, err := s.sink.Accept(context.Background(), channel.Inbound{Key: c.after.String(), From: visitor("ana" + c.after.String()), Also: []holdfast.Address{phone}, Text: "Where is my order?"})
		if err != nil {
			t.Fatal(err)
		}
		passed.Add(int64(c.after))
		text, err := texts.Accept(context.Background(), channel.Inbound{Key: c.after.String(), From: phone, Text: "And now?"})
		if err != nil {
			t.Fatal(err)
		}
		if joined := text.Conversation == talk.Conversation; joined != c.joins {
			t.Errorf("after %v: joined %v", c.after, joined)
		}
		phone.Value = "+79120000002"
	}
}
