package journal_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/outbox"
	"holdfast/search"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

type node struct {
	*journal.Journal
	db *store.DB
}

func open(t testing.TB, db *store.DB) node {
	t.Helper()
	j := journal.New(db, slog.New(slog.DiscardHandler), inbox.New(db), search.New(db), outbox.Table{})
	if err := j.Open(ctx); err != nil {
		t.Fatal(err)
	}
	return node{j, db}
}

// dump is everything that projections wrote, but for the numbers that are this
// node's own order.
func (n node) dump(t testing.TB) []string {
	t.Helper()
	var out []string
	for _, q := range []struct{ table, columns string }{
		{"customer", "id, workspace, name, name_stamp, language, company, about, created_at"},
		{"address", "workspace, scheme, value, customer, name, verified, failing, stamp"},
		{"conversation", "id, workspace, number, customer, channel, opened_at, subject, subject_stamp, status, status_clock, status_stamp, snooze_until, operator, team, assigned_stamp, priority, priority_stamp, first_in_at, last_in_clock, first_reply_at, last_out_clock, last_clock, preview, preview_dir, state"},
		{"message", "id, workspace, conversation, clock, at, direction, customer, channel, author, address, text, rest, html, external_id, extra, raw"},
		{"tag", "mark, workspace, conversation, tag, removed"},
		{"read_mark", "operator, conversation, upto, stamp"},
		{"draft", "operator, conversation, text, note, at, stamp"},
		{"arrival", "id, workspace, channel, at, reason, detail, sender, subject, message, replayed"},
		{"outbox", "message, workspace, conversation, customer, channel, scheme, address, state, stamp, attempts, due_at, expires_at, code, reason, external_id, doubled"},
	} {
		rows, err := n.db.Unprepared(ctx, "SELECT "+q.columns+" FROM "+q.table)
		if err != nil {
			t.Fatal(err)
		}
		columns := strings.Split(q.columns, ", ")
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			b.WriteString(q.table)
			for i, v := range values {
				x := *(v.(*any))
				if y, ok := x.([]byte); ok {
					x = fmt.Sprintf("%x", y)
				}
				fmt.Fprintf(&b, " %s=%v", columns[i], x)
			}
			out = append(out, b.String())
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// history draws entries of a few nodes about a few things, as they could have
// been made apart from each other.
func history(t *rapid.T) []*holdfast.Entry {
	pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
	ws := holdfast.MustID("00000000-0000-7000-8000-000000000001")
	id := func(kind string, i int) holdfast.ID { return holdfast.DeriveID(ws, fmt.Sprint(kind, i)) }
	statuses := []holdfast.Status{holdfast.Open, holdfast.Waiting, holdfast.Snoozed, holdfast.Resolved, holdfast.Closed}
	n := rapid.IntRange(1, 40).Draw(t, "entries")
	seq := map[int]int64{}
	home := map[int]holdfast.ID{} // the conversation of each message: all that is said of one is said there
	var list []*holdfast.Entry
	clock := holdfast.ClockAt(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	for i := range n {
		origin := pick("origin", 3)
		seq[origin]++
		clock += holdfast.Clock(rapid.Int64Range(1, 1<<20).Draw(t, "step"))
		conv, cust := id("conversation", pick("conversation", 3)), id("customer", pick("customer", 2))
		if c, ok := home[i]; ok {
			conv = c
		}
		home[i] = conv
		msg := id("message", i)
		subject := conv
		text := fmt.Sprint("text ", i)
		mark := holdfast.DeriveID(conv, fmt.Sprint("mark", pick("mark", 3))) // an addition is of one conversation
		var body holdfast.Body
		switch pick("kind", 16) {
		case 0:
			body = &holdfast.ConversationOpened{Number: int64(pick("number", 9)), Customer: cust, Subject: text}
			// One conversation is opened once: by the intake that made its id.
			if slices.ContainsFunc(list, func(e *holdfast.Entry) bool { return e.Subject == conv && e.Kind == "conversation.opened" }) {
				body = &holdfast.ConversationSubject{Subject: text}
			}
		case 1, 2, 3:
			body = &holdfast.MessageReceived{Message: msg, Customer: cust, From: holdfast.Address{Scheme: "mailto", Value: "ana@example.com"}, Text: text}
		case 4, 5:
			body = &holdfast.MessageQueued{Message: msg, Customer: cust, To: holdfast.Address{Scheme: "mailto", Value: "ana@example.com"}, Text: text, Author: id("operator", pick("operator", 2)), Then: statuses[pick("then", 5)]}
		case 6:
			body = &holdfast.MessageNoted{Message: msg, Author: id("operator", 0), Text: text}
		case 7:
			body = &holdfast.ConversationStatus{Status: statuses[pick("status", 5)]}
		case 8:
			body = &holdfast.ConversationAssigned{Operator: id("operator", pick("operator", 2))}
		case 9:
			body = &holdfast.ConversationPrioritised{Priority: holdfast.Priority(pick("priority", 4))}
		case 10:
			body = &holdfast.ConversationTagged{Tag: "vip", Mark: mark}
		case 11:
			body = &holdfast.ConversationUntagged{Tag: "vip", Marks: []holdfast.ID{mark}}
		case 12:
			subject = cust
			body = &holdfast.CustomerCreated{Name: text, Addresses: []holdfast.Address{{Scheme: "mailto", Value: "ana@example.com", Verified: pick("verified", 2) == 0}}}
		case 13:
			subject = cust
			body = &holdfast.CustomerChanged{Name: &text}
		case 14:
			subject = cust
			body = &holdfast.AddressFailing{Address: holdfast.Address{Scheme: "mailto", Value: "ana@example.com"}, Reason: text}
		case 15:
			about := pick("about", n)
			if c, ok := home[about]; ok {
				subject = c
			} else {
				home[about] = conv
			}
			sent := id("message", about)
			switch pick("result", 5) {
			case 0:
				body = &holdfast.MessageSent{Message: sent, Attempt: 1, ExternalID: text}
			case 1:
				body = &holdfast.MessageDelivered{Message: sent}
			case 2:
				body = &holdfast.MessageFailed{Message: sent, Code: "x", Reason: text}
			case 3:
				body = &holdfast.DraftSaved{Operator: id("operator", 0), Text: text}
			case 4:
				body = &holdfast.ConversationRead{Operator: id("operator", 0), Upto: clock}
			}
		}
		list = append(list, &holdfast.Entry{Origin: id("origin", origin), Seq: seq[origin], Clock: clock, At: clock.Time().UTC(), Workspace: ws, Subject: subject,
			Kind: body.EntryKind(), Actor: holdfast.System, Body: body})
	}
	return list
}

// One database serves a whole run; each case empties it, since a new one costs
// more than the case.
func (n node) empty(t testing.TB) {
	t.Helper()
	err := n.db.Write(ctx, func(tx *store.Tx) error {
		for _, table := range []string{"journal", "customer", "address", "conversation", "message", "tag", "read_mark", "draft", "arrival", "outbox"} {
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

func TestAnyOrderDuplicationAndBatchingGiveOneState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := open(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			entries := history(rt)
			n.empty(t)
			if _, err := n.Receive(ctx, entries); err != nil {
				rt.Fatal(err)
			}
			want := n.dump(t)

			n.empty(t)
			seed := rapid.Uint64().Draw(rt, "seed")
			r := rand.New(rand.NewPCG(seed, 1))
			shuffled := append(slices.Clone(entries), entries[:r.IntN(len(entries)+1)]...)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			for len(shuffled) > 0 {
				k := 1 + r.IntN(len(shuffled))
				if _, err := n.Receive(ctx, shuffled[:k]); err != nil {
					rt.Fatal(err)
				}
				shuffled = shuffled[k:]
			}
			got := n.dump(t)
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
				rt.Fatal("another order gave another state")
			}
		})
	})
}

func TestRebuildEqualsLiveAndServesMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := open(t, db)
		entries := rapid.Custom(history).Filter(func(l []*holdfast.Entry) bool { return len(l) > 20 }).Example(7)
		if _, err := n.Receive(ctx, entries); err != nil {
			t.Fatal(err)
		}
		// Writers go on while each projection is filled anew, twice over.
		ws, stop := holdfast.NewID(), make(chan struct{})
		var wg sync.WaitGroup
		var wrote int
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				id := holdfast.NewID()
				_, err := n.Do(ctx, journal.Command{Workspace: ws, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
					_, err := tx.Append(id, &holdfast.MessageReceived{Message: holdfast.DeriveID(id, "m"), Customer: id, From: holdfast.Address{Scheme: "mailto", Value: "x@example.com"}, Text: "while rebuilding"})
					return err
				}})
				if err != nil {
					t.Error(err)
					return
				}
				wrote++
			}
		})
		for range 2 {
			for _, name := range n.Projections() {
				if err := n.Rebuild(ctx, name, nil); err != nil {
					t.Error(err)
				}
			}
		}
		close(stop)
		wg.Wait()
		live := n.dump(t)
		var count int
		if err := db.QueryRow(ctx, "SELECT count(*) FROM message WHERE workspace = $1", ws).Scan(&count); err != nil || count != wrote {
			t.Errorf("%d of the %d messages written meanwhile are there, %v", count, wrote, err)
		}
		for _, name := range n.Projections() {
			if err := n.Rebuild(ctx, name, nil); err != nil {
				t.Fatal(err)
			}
		}
		if again := n.dump(t); !slices.Equal(live, again) {
			t.Error("filling the tables anew gave another state")
		}
	})
}

func TestAFollowerSeesEveryEntryInOrderUnderConcurrentCommits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		// Two journals on one database are two processes of one node set.
		a, b := open(t, db), open(t, db)
		writers := []node{a}
		if db.Dialect() == "postgres" {
			writers = append(writers, b)
		}
		fctx, cancel := context.WithCancel(ctx)
		defer cancel()
		seen := make(chan holdfast.LSN, 4096)
		var fg sync.WaitGroup
		fg.Go(func() {
			a.Follow(fctx, journal.Follower{Name: "test", FromStart: true, Handle: func(_ context.Context, e *holdfast.Entry) error {
				seen <- e.LSN
				return nil
			}})
		})
		const each = 60
		var wg sync.WaitGroup
		for _, n := range writers {
			for range 4 {
				wg.Go(func() {
					for range each {
						if _, err := n.Do(ctx, journal.Command{Workspace: holdfast.NewID(), Actor: holdfast.System, Run: func(tx *journal.Tx) error {
							_, err := tx.Append(holdfast.NewID(), &holdfast.SetupChanged{What: "test"})
							return err
						}}); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		total := holdfast.LSN(each * 4 * len(writers))
		for want := holdfast.LSN(1); want <= total; want++ {
			select {
			case got := <-seen:
				if got != want {
					t.Fatalf("the follower saw entry %d where %d comes next", got, want)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("the follower never saw entry %d of %d", want, total)
			}
		}
		cancel()
		fg.Wait()
	})
}

func TestACommandIsDoneOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := open(t, db)
		ws, id := holdfast.NewID(), holdfast.NewID()
		cmd := journal.Command{Workspace: ws, Actor: holdfast.System, ID: id, Run: func(tx *journal.Tx) error {
			_, err := tx.Append(holdfast.NewID(), &holdfast.SetupChanged{What: "test"})
			return err
		}}
		first, err := n.Do(ctx, cmd)
		if err != nil || first.Again {
			t.Fatal(first, err)
		}
		again, err := n.Do(ctx, cmd)
		if err != nil || !again.Again || again.LSN != first.LSN {
			t.Errorf("the second time gave %+v, %v", again, err)
		}
		cmd.Workspace = holdfast.NewID()
		if other, err := n.Do(ctx, cmd); err != nil || other.Again {
			t.Errorf("another workspace's command of the same id was taken for it: %+v, %v", other, err)
		}
		if head := n.Head(); head != 2 {
			t.Errorf("the journal has %d entries, want 2", head)
		}
	})
}

func TestTheClockNeverGoesBackWhenTheWallClockDoes(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	db := storetest.Open(t, store.Options{Dir: t.TempDir(), Now: func() time.Time { return now }})
	n := open(t, db)
	appendOne := func() holdfast.Clock {
		var c holdfast.Clock
		if _, err := n.Do(ctx, journal.Command{Workspace: holdfast.NewID(), Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			e, err := tx.Append(holdfast.NewID(), &holdfast.SetupChanged{What: "test"})
			if err == nil {
				c = e.Clock
			}
			return err
		}}); err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := appendOne()
	now = now.Add(-24 * time.Hour)
	if after := appendOne(); after <= before {
		t.Errorf("a stamp went back from %d to %d", before, after)
	}
	// …nor across a restart.
	n2 := node{journal.New(db, slog.New(slog.DiscardHandler), inbox.New(db)), db}
	if err := n2.Open(ctx); err != nil {
		t.Fatal(err)
	}
	n = n2
	if after := appendOne(); after <= before {
		t.Errorf("after a restart a stamp went back to %d", after)
	}
}

// write appends one entry and says which number it got.
func write(t testing.TB, n node) holdfast.LSN {
	t.Helper()
	done, err := n.Do(ctx, journal.Command{Workspace: holdfast.NewID(), Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		_, err := tx.Append(holdfast.NewID(), &holdfast.SetupChanged{What: "test"})
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return done.LSN
}

// A follower that is late to begin for the first time sees what was written since the
// desk was opened, and nothing before.
func TestAFollowerBeginsWhereTheDeskWasOpened(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, open(t, db))
		n := open(t, db)
		want := []holdfast.LSN{write(t, n), write(t, n)}
		fctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		var seen []holdfast.LSN
		err := n.Follow(fctx, journal.Follower{Name: "late", Handle: func(_ context.Context, e *holdfast.Entry) error {
			if seen = append(seen, e.LSN); len(seen) == len(want) {
				cancel()
			}
			return nil
		}})
		if err != nil || !slices.Equal(seen, want) {
			t.Errorf("it saw %v, want %v (%v)", seen, want, err)
		}
	})
}

// Who asks again and again misses nothing: our own at once, another process's a moment later.
func TestTheNextEntryIsSeenAlsoByWhoHasJustLooked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, b := open(t, db), open(t, db)
		next := func(after holdfast.LSN) []holdfast.Entry {
			t.Helper()
			list, err := a.Next(ctx, after, 10)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		for range 2 {
			if list := next(0); len(list) != 0 {
				t.Fatalf("an empty journal has %v", list)
			}
		}
		first := write(t, a)
		if list := next(0); len(list) != 1 || list[0].LSN != first {
			t.Fatalf("what this process wrote is not seen at once: %v", list)
		}
		if list := next(first); len(list) != 0 {
			t.Fatalf("behind the last there is %v", list)
		}
		second := write(t, b)
		if list := next(0); len(list) == 0 || list[0].LSN != first {
			t.Errorf("who is behind sees %v", list)
		}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if list := next(first); len(list) == 1 && list[0].LSN == second {
				break
			}
			if time.Now().After(end) {
				t.Fatal("what another process wrote is never seen")
			}
		}
	})
}
