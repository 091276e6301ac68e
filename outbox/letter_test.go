package outbox_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/outbox"
	"holdfast/store"
)

// A letter is no message of a conversation, and goes the way of all messages: once,
// again after a failure, and where people can see it.
func TestALetterGoesTheWayOfMessagesAndIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, channel.ResendSame)
		d.starts()
		ana := holdfast.Address{Scheme: loop.Scheme, Value: "ana", Name: "Ana"}
		talk, also := holdfast.NewID(), 0
		l := outbox.Letter{ID: holdfast.NewID(), Purpose: holdfast.Transcript, Conversation: talk, Channel: d.account, To: ana, Subject: "What was said", Text: "secret words", Unsubscribe: "https://desk.example/mute/x"}
		d.provider.FailNext(failure(channel.Temporary, "503"))
		for range 2 {
			if err := d.worker.Post(ctx, d.workspace, d.operator, l, func(*store.Tx) error { also++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		row := func() outbox.Item {
			t.Helper()
			list, err := d.worker.List(ctx, d.workspace, "", holdfast.ID{}, 0, 0)
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v %v", list, err)
			}
			return list[0]
		}
		if i := row(); i.State != holdfast.RetryWait || i.Letter != holdfast.Transcript || i.Conversation != talk || i.Preview != "What was said" || i.To != ana || i.At.IsZero() {
			t.Errorf("it waits as %+v", i)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		got := d.provider.Received("ana")
		if len(got) != 1 || got[0].Text != l.Text || got[0].Subject != l.Subject || got[0].Unsubscribe != l.Unsubscribe || !got[0].Automatic || got[0].To.Name != "Ana" {
			t.Fatalf("received %+v", got)
		}
		if i := row(); i.State != holdfast.Accepted || also != 1 {
			t.Errorf("sent as %+v, what belongs to it was done %d times", i, also)
		}
		if _, err := d.inbox.Message(ctx, d.workspace, l.ID); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("it is a message of a conversation: %v", err)
		}
		entries, err := d.journal.After(ctx, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if raw, err := json.Marshal(e); err != nil || strings.Contains(string(raw), "secret") {
				t.Errorf("its words are in the journal: %s %v", raw, err)
			}
		}
		// Its words go with its exchanges; what was not sent keeps them.
		about := outbox.Letter{ID: holdfast.NewID(), Purpose: holdfast.Digest, Channel: d.account, To: ana, Subject: "S", Text: "T"}
		d.has(nil, nil)
		if err := d.worker.Post(ctx, d.workspace, holdfast.System, about, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := d.worker.Forget(ctx, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		var left holdfast.ID
		if err := d.db.QueryRow(ctx, "SELECT message FROM letter").Scan(&left); err != nil || left != about.ID {
			t.Errorf("%v %v", left, err)
		}
		list, err := d.worker.List(ctx, d.workspace, holdfast.Queued, holdfast.ID{}, 0, 0)
		if err != nil || len(list) != 1 || !list[0].Conversation.IsZero() {
			t.Errorf("%+v %v", list, err)
		}
		for _, bad := range []outbox.Letter{{}, {ID: about.ID, Channel: d.account, To: ana, Text: " "}, {ID: about.ID, Channel: d.account, Text: "x"}} {
			if err := d.worker.Post(ctx, d.workspace, holdfast.System, bad, nil); holdfast.CodeOf(err) != "letter.incomplete" {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}
