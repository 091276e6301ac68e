package outbox_test

import (
	"fmt"
	"log/slog"
	"math/rand"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/channel/loop"
	"holdfast/outbox"
	"holdfast/store"
	"holdfast/store/storetest"
)

const columns = `message, workspace, conversation, customer, channel, scheme, address, lsn, state, stamp, attempts, due_at, expires_at,
	code, reason, external_id, doubled, sent_lsn, changed_at`

// applied is what the table holds after these entries, in this order.
func applied(t *rapid.T, db *store.DB, suffix string, entries []*holdfast.Entry) string {
	tables := (outbox.Table{}).Tables()
	write := func(f func(tx *store.Tx) error) {
		if err := db.Write(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	write(func(tx *store.Tx) error { return tx.CopyEmpty(tables, suffix) })
	write(func(tx *store.Tx) error {
		out.Reset()
		side := tx.Suffixed(suffix)
		for _, e := range entries {
			if err := (outbox.Table{}).Apply(side, e); err != nil {
				return err
			}
		}
		rows, err := side.Query("SELECT " + columns + " FROM {outbox} ORDER BY message")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			values := make([]any, 19)
			dest := make([]any, 19)
			for i := range values {
				dest[i] = &values[i]
			}
			if err := rows.Scan(dest...); err != nil {
				return err
			}
			fmt.Fprintf(&out, "%x\n", values)
		}
		return rows.Err()
	})
	write(func(tx *store.Tx) error { return tx.Discard(tables, suffix) })
	return out.String()
}

func TestAnyOrderOfEntriesGivesTheSameRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		workspace := holdfast.NewID()
		origins := []holdfast.ID{holdfast.NewID(), holdfast.NewID()}
		messages := []holdfast.ID{holdfast.NewID(), holdfast.NewID()}
		conversation := holdfast.NewID()
		places := []holdfast.ID{{}, holdfast.NewID(), holdfast.NewID()}
		start := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			at := func() time.Time {
				return start.Add(time.Duration(rapid.IntRange(0, 6).Draw(rt, "minute")) * time.Minute)
			}
			to := func() holdfast.Address {
				return rapid.SampledFrom([]holdfast.Address{{}, {Scheme: loop.Scheme, Value: "ana"}, {Scheme: "mailto", Value: "ana@example.com"}}).Draw(rt, "to")
			}
			text := func() string { return rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "text") }
			queued := map[holdfast.ID]bool{}
			seqs := map[holdfast.ID]int64{}
			var entries []*holdfast.Entry
			for i := range rapid.IntRange(1, 14).Draw(rt, "entries") {
				m := rapid.SampledFrom(messages).Draw(rt, "message")
				var body holdfast.Body
				switch rapid.IntRange(0, 9).Draw(rt, "kind") {
				case 0:
					if queued[m] { // a message is queued once
						continue
					}
					queued[m] = true
					body = &holdfast.MessageQueued{Message: m, Customer: places[1], Channel: places[1], To: holdfast.Address{Scheme: loop.Scheme, Value: "first"}, Text: "hi", ExternalID: text(), ExpiresAt: at()}
				case 1:
					body = &holdfast.MessageSent{Message: m, Attempt: rapid.IntRange(1, 5).Draw(rt, "n"), ExternalID: text(), Doubled: rapid.Bool().Draw(rt, "doubled")}
				case 2:
					body = &holdfast.MessageRetrying{Message: m, Attempt: rapid.IntRange(1, 5).Draw(rt, "n"), Code: text(), Reason: text(), NextAt: at(), Maybe: rapid.Bool().Draw(rt, "maybe")}
				case 3:
					body = &holdfast.MessageDelivered{Message: m}
				case 4:
					body = &holdfast.MessageSeen{Message: m}
				case 5:
					body = &holdfast.MessageFailed{Message: m, Code: text(), Reason: text()}
				case 6:
					body = &holdfast.MessageUnknown{Message: m, Code: text()}
				case 7:
					body = &holdfast.MessageRequeued{Message: m, Channel: rapid.SampledFrom(places).Draw(rt, "channel"), To: to()}
				case 8:
					body = &holdfast.MessageHeld{Message: m}
				case 9:
					body = &holdfast.MessageCancelled{Message: m}
				}
				origin := rapid.SampledFrom(origins).Draw(rt, "origin")
				seqs[origin]++
				when := at()
				// Stamps of one origin are unique; two origins may share a clock.
				clock := holdfast.ClockAt(when) + holdfast.Clock(seqs[origin])
				entries = append(entries, &holdfast.Entry{LSN: holdfast.LSN(i + 1), Origin: origin, Seq: seqs[origin], Clock: clock, At: when,
					Workspace: workspace, Subject: conversation, Kind: body.EntryKind(), Actor: holdfast.System, Body: body})
			}
			if len(entries) == 0 {
				return
			}
			want := applied(rt, db, fmt.Sprintf("_r%d", round*2), entries)
			shuffled := append([]*holdfast.Entry(nil), entries...)
			for range rapid.IntRange(0, 5).Draw(rt, "repetitions") {
				shuffled = append(shuffled, rapid.SampledFrom(entries).Draw(rt, "again"))
			}
			rand.New(rand.NewSource(rapid.Int64().Draw(rt, "seed"))).Shuffle(len(shuffled), func(i, k int) { shuffled[i], shuffled[k] = shuffled[k], shuffled[i] })
			if got := applied(rt, db, fmt.Sprintf("_r%d", round*2+1), shuffled); got != want {
				rt.Fatalf("in order:\n%s\nshuffled:\n%s", want, got)
			}
		})
	})
}

// at makes an entry of a history that is told in order.
func at(n int, workspace holdfast.ID, body holdfast.Body) *holdfast.Entry {
	t := time.Date(2026, 11, 22, 9, n, 0, 0, time.UTC)
	return &holdfast.Entry{LSN: holdfast.LSN(n), Origin: holdfast.ID{1}, Seq: int64(n), Clock: holdfast.ClockAt(t), At: t, Workspace: workspace,
		Subject: holdfast.ID{2}, Kind: body.EntryKind(), Body: body}
}

func TestWhatTheTableMakesOfAHistory(t *testing.T) {
	db := storetest.Open(t, store.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	ws, m := holdfast.ID{9}, holdfast.ID{7}
	account, other := holdfast.ID{4}, holdfast.ID{5}
	queued := &holdfast.MessageQueued{Message: m, Channel: account, To: holdfast.Address{Scheme: loop.Scheme, Value: "ana"}, Text: "x", ExternalID: "planned"}
	for _, c := range []struct {
		name    string
		entries []holdfast.Body
		state   holdfast.Delivery
		want    string // channel byte, address, external id, doubled, attempts
	}{
		{"queued", []holdfast.Body{queued}, holdfast.Queued, "4 ana planned false 0"},
		{"accepted", []holdfast.Body{queued, &holdfast.MessageSent{Message: m, Attempt: 2, ExternalID: "theirs"}}, holdfast.Accepted, "4 ana theirs false 2"},
		{"the report overtakes our own note", []holdfast.Body{queued, &holdfast.MessageDelivered{Message: m}, &holdfast.MessageSent{Message: m, Attempt: 1}}, holdfast.Delivered, "4 ana planned false 1"},
		{"seen stays seen", []holdfast.Body{queued, &holdfast.MessageSeen{Message: m}, &holdfast.MessageDelivered{Message: m}}, holdfast.Seen, "4 ana planned false 0"},
		{"a bounce after acceptance", []holdfast.Body{queued, &holdfast.MessageSent{Message: m, Attempt: 1}, &holdfast.MessageFailed{Message: m, Code: "5.1.1"}}, holdfast.Failed, "4 ana planned false 1"},
		{"arrived after all: not sent again", []holdfast.Body{queued, &holdfast.MessageUnknown{Message: m}, &holdfast.MessageDelivered{Message: m}, &holdfast.MessageRequeued{Message: m}}, holdfast.Delivered, "4 ana planned false 0"},
		{"re-routed", []holdfast.Body{queued, &holdfast.MessageFailed{Message: m}, &holdfast.MessageRequeued{Message: m, Channel: other, To: holdfast.Address{Scheme: loop.Scheme, Value: "ana-2"}}}, holdfast.Queued, "5 ana-2 planned false 0"},
		{"the queued entry comes last", []holdfast.Body{&holdfast.MessageRequeued{Message: m, Channel: other}, &holdfast.MessageHeld{Message: m}, queued}, holdfast.Queued, "4 ana planned false 0"},
		{"maybe sent", []holdfast.Body{queued, &holdfast.MessageRetrying{Message: m, Attempt: 1, Maybe: true}}, holdfast.RetryWait, "4 ana planned true 1"},
		{"held", []holdfast.Body{queued, &holdfast.MessageHeld{Message: m}}, holdfast.Held, "4 ana planned false 0"},
		{"cancelled", []holdfast.Body{queued, &holdfast.MessageCancelled{Message: m}}, holdfast.Cancelled, "4 ana planned false 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var state holdfast.Delivery
			var channel holdfast.ID
			var address, external string
			var doubled bool
			var attempts int
			err := db.Write(ctx, func(tx *store.Tx) error {
				if err := tx.Exec("DELETE FROM outbox"); err != nil {
					return err
				}
				for i, b := range c.entries {
					if err := (outbox.Table{}).Apply(tx, at(i+1, ws, b)); err != nil {
						return err
					}
				}
				// Nobody else's entry about the same id changes anything.
				if err := (outbox.Table{}).Apply(tx, at(20, holdfast.ID{8}, &holdfast.MessageCancelled{Message: m})); err != nil {
					return err
				}
				return tx.QueryRow("SELECT state, channel, address, external_id, doubled, attempts FROM outbox WHERE message = $1", m).
					Scan(&state, &channel, &address, &external, &doubled, &attempts)
			})
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(channel[0], " ", address, " ", external, " ", doubled, " ", attempts)
			if state != c.state || got != c.want {
				t.Errorf("%s, %s; want %s, %s", state, got, c.state, c.want)
			}
		})
	}
}
