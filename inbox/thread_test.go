package inbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

// threads draws what happens to three conversations of one customer: messages, some
// withdrawn, some moved, and conversations merged and taken apart again.
func threads(t *rapid.T) []*holdfast.Entry {
	pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
	ws := holdfast.MustID("00000000-0000-7000-8000-000000000001")
	id := func(kind string, i int) holdfast.ID { return holdfast.DeriveID(ws, fmt.Sprint(kind, i)) }
	clock := holdfast.ClockAt(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	var list []*holdfast.Entry
	seq := map[int]int64{}
	add := func(subject holdfast.ID, body holdfast.Body) {
		origin := pick("origin", 2)
		seq[origin]++
		clock += holdfast.Clock(rapid.Int64Range(1, 1<<40).Draw(t, "step"))
		list = append(list, &holdfast.Entry{Origin: id("origin", origin), Seq: seq[origin], Clock: clock, At: clock.Time().UTC(), Workspace: ws, Subject: subject,
			Kind: body.EntryKind(), Actor: holdfast.System, Body: body})
	}
	const conversations = 4
	for i := range conversations {
		add(id("conversation", i), &holdfast.ConversationOpened{Number: int64(i + 1), Customer: id("customer", 0), Subject: fmt.Sprint("Тема ", i)})
	}
	messages := 0
	for range rapid.IntRange(1, 25).Draw(t, "entries") {
		c := id("conversation", pick("conversation", conversations))
		switch pick("kind", 7) {
		case 0, 1:
			add(c, &holdfast.MessageReceived{Message: id("message", messages), Customer: id("customer", 0), From: holdfast.Address{Scheme: "mailto", Value: "ana@example.com"}, Text: fmt.Sprint("in ", messages)})
			messages++
		case 2:
			add(c, &holdfast.MessageQueued{Message: id("message", messages), Customer: id("customer", 0), To: holdfast.Address{Scheme: "mailto", Value: "ana@example.com"}, Text: fmt.Sprint("out ", messages),
				Author: id("operator", 0), Then: []holdfast.Status{"", holdfast.Waiting}[pick("then", 2)]})
			messages++
		case 3:
			if messages > 0 {
				m := id("message", pick("withdrawn", messages))
				if slices.ContainsFunc(list, func(e *holdfast.Entry) bool { b, ok := e.Body.(*holdfast.MessageQueued); return ok && b.Message == m }) {
					add(c, &holdfast.MessageCancelled{Message: m})
				}
			}
		case 4:
			if messages > 0 {
				add(c, &holdfast.MessageMoved{Message: id("message", pick("moved", messages))})
			}
		case 5:
			add(c, &holdfast.ConversationMerged{With: id("conversation", pick("with", conversations))})
		case 6:
			add(c, &holdfast.ConversationUnmerged{With: id("conversation", pick("with", conversations))})
		}
	}
	return list
}

func dump(t testing.TB, db *store.DB) (out []string) {
	t.Helper()
	for _, q := range []struct{ table, columns string }{
		{"conversation", "id, number, status, state, merged, opened_at, subject_fold, first_in_at, last_in_clock, first_reply_at, last_out_clock, last_clock, preview, preview_dir"},
		{"message", "id, conversation, text"}, {"conversation_edge", "a, b, removed, stamp"}, {"message_fate", "message, conversation, withdrawn, stamp"},
	} {
		rows, err := db.Unprepared(ctx, "SELECT "+q.columns+" FROM "+q.table)
		if err != nil {
			t.Fatal(err)
		}
		n := strings.Count(q.columns, ",") + 1
		for rows.Next() {
			values, into := make([]any, n), make([]any, n)
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			out = append(out, q.table+" "+fmt.Sprintf("%v", values))
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

func TestThreadsComeOutTheSameInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		in := inbox.New(db)
		j := journal.New(db, slog.New(slog.DiscardHandler), in)
		if err := j.Open(ctx); err != nil {
			t.Fatal(err)
		}
		empty := func() {
			err := db.Write(ctx, func(tx *store.Tx) error {
				for _, table := range append(in.Tables(), "journal") {
					if err := tx.Exec("DELETE FROM " + table); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			entries := threads(rt)
			empty()
			if _, err := j.Receive(ctx, entries); err != nil {
				rt.Fatal(err)
			}
			want := dump(t, db)
			empty()
			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
			shuffled := append(slices.Clone(entries), entries[:r.IntN(len(entries)+1)]...)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if _, err := j.Receive(ctx, shuffled); err != nil {
				rt.Fatal(err)
			}
			got := dump(t, db)
			if !slices.Equal(want, got) {
				for _, line := range want {
					if !slices.Contains(got, line) {
						rt.Logf("in order:  %s", line)
					}
				}
				for _, line := range got {
					if !slices.Contains(want, line) {
						rt.Logf("shuffled:  %s", line)
					}
				}
				for _, e := range shuffled {
					rt.Logf("entry %d %s %s %.120s", e.Clock&0xffff, e.Kind, e.Subject.String()[:8], fmt.Sprintf("%+v", e.Body))
				}
				rt.Fatal("another order gave another state")
			}
		})
	})
}
