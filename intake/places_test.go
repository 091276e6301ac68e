package intake_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

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

// spine is a journal with what messages become, and one chat account's door.
type spine struct {
	*journal.Journal
	db        *store.DB
	index     *search.Index
	workspace holdfast.ID
	account   holdfast.ID
	sink      *intake.Sink
}

func openSpine(t *testing.T, db *store.DB) *spine {
	t.Helper()
	s := &spine{db: db, index: search.New(db), workspace: holdfast.NewID(), account: holdfast.NewID()}
	s.Journal = journal.New(db, slog.New(slog.DiscardHandler), inbox.New(db), s.index, outbox.Table{})
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.sink = intake.New(s.Journal).Sink(intake.Account{ID: s.account, Workspace: s.workspace, Kind: &channel.Kind{}})
	return s
}

func visitor(name string) holdfast.Address { return holdfast.Address{Scheme: "visitor", Value: name} }

func (s *spine) writes(t *testing.T, who, key, text string) channel.Accepted {
	t.Helper()
	got, err := s.sink.Accept(context.Background(), channel.Inbound{Key: who + key, From: visitor(who), Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// place is where the database says that the next message of an address goes.
func (s *spine) place(t *testing.T, a holdfast.Address) (p inbox.Place) {
	t.Helper()
	err := s.db.Write(context.Background(), func(tx *store.Tx) (err error) {
		p, err = inbox.FindPlace(tx, s.workspace, s.account, a)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *spine) says(t *testing.T, j *journal.Journal, subject holdfast.ID, body holdfast.Body) {
	t.Helper()
	_, err := j.Do(context.Background(), journal.Command{Workspace: s.workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
		_, err := tx.Append(subject, body)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever is done between two messages of somebody, by this process or another,
// the second goes where the database says, as if nothing were remembered.
func TestARememberedPlaceIsTheOneThatHolds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openSpine(t, db)
		elsewhere := openSpine(t, db).Journal // another process on the same database
		random := rand.New(rand.NewPCG(1, 2))
		people := []string{"ana", "bob", "eve"}
		home := map[string][]holdfast.ID{} // everybody's conversations
		var all []channel.Accepted
		any := func() holdfast.ID { return all[random.IntN(len(all))].Conversation }
		for n := range 400 {
			who := people[random.IntN(len(people))]
			j := s.Journal
			if random.IntN(4) == 0 {
				j = elsewhere
			}
			if what := random.IntN(24); len(all) > 0 {
				switch what {
				case 0, 1:
					s.says(t, j, any(), &holdfast.ConversationStatus{Status: holdfast.Closed})
				case 2:
					s.says(t, j, any(), &holdfast.ConversationStatus{Status: holdfast.Open})
				case 3, 4: // of one customer, as everywhere
					if own := home[who]; len(own) > 1 {
						a, b := own[random.IntN(len(own))], own[random.IntN(len(own))]
						if what == 3 && a != b {
							s.says(t, j, a, &holdfast.ConversationMerged{With: b})
						} else if a != b {
							s.says(t, j, a, &holdfast.ConversationUnmerged{With: b})
						}
					}
				case 5:
					if m := all[random.IntN(len(all))]; len(home[who]) > 0 {
						s.says(t, j, home[who][random.IntN(len(home[who]))], &holdfast.MessageMoved{Message: m.Message, From: m.Conversation})
					}
				case 6: // a conversation that somebody else opens for him
					if p := s.place(t, visitor(who)); !p.Customer.IsZero() {
						s.says(t, j, holdfast.NewID(), &holdfast.ConversationOpened{Number: int64(9000 + n), Customer: p.Customer, Channel: s.account})
					}
				case 7: // another customer is given the address: the first one keeps it
					s.says(t, j, holdfast.NewID(), &holdfast.AddressAdded{Address: visitor(who)})
				case 8:
					again := all[random.IntN(len(all))]
					got, err := s.sink.Accept(t.Context(), channel.Inbound{ID: again.Message, Key: "again", From: visitor(who), Text: "once more"})
					if err != nil || !got.Duplicate || got.LSN != again.LSN {
						t.Fatalf("the same message again: %+v, %v", got, err)
					}
				case 9: // what tells nothing of the place
					s.says(t, j, any(), &holdfast.ConversationPrioritised{Priority: 2})
				}
			}
			want := s.place(t, visitor(who))
			got := s.writes(t, who, fmt.Sprint(n), fmt.Sprintf("message %d of %s", n, who))
			switch {
			case !want.Conversation.IsZero() && got.Conversation != want.Conversation:
				t.Fatalf("message %d of %s went into %s, and belongs into %s", n, who, got.Conversation, want.Conversation)
			case want.Conversation.IsZero() && slices.Contains(home[who], got.Conversation):
				t.Fatalf("message %d of %s went into %s, which takes no more", n, who, got.Conversation)
			}
			home[who] = append(home[who], got.Conversation)
			all = append(all, got)
		}
	})
}

// Two messages of one person and what moves them may share a transaction: nothing
// goes into a conversation that was closed before it, nobody talks in two at once,
// and what comes twice is there once.
func TestWhatSharesATransactionIsSeenInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openSpine(t, db)
		for _, who := range []string{"ana", "bob"} { // places to remember
			s.writes(t, who, "first", "hello")
			s.writes(t, who, "second", "hello again")
		}
		closing := map[string]holdfast.ID{"ana": s.place(t, visitor("ana")).Conversation, "bob": s.place(t, visitor("bob")).Conversation}
		held, release := make(chan struct{}), make(chan struct{})
		go db.Write(context.Background(), func(*store.Tx) error { close(held); <-release; return nil })
		<-held // the writer is busy: what comes now is one batch
		var wg sync.WaitGroup
		for n := range 60 {
			for _, who := range []string{"ana", "bob", "new"} {
				wg.Go(func() { s.writes(t, who, fmt.Sprint(n%40), "in one batch") }) // some of them twice
			}
			if n == 30 {
				for _, c := range closing {
					wg.Go(func() { s.says(t, s.Journal, c, &holdfast.ConversationStatus{Status: holdfast.Closed}) })
				}
			}
		}
		for range 2000 {
			if db.Queue() >= 150 {
				break
			}
			db.QueryRow(t.Context(), "SELECT 1").Scan(new(int))
		}
		close(release)
		wg.Wait()
		closed := map[holdfast.ID]bool{}
		opened := map[holdfast.ID]int{}
		customer := map[holdfast.ID]holdfast.ID{}
		seen := map[holdfast.ID]int{}
		list, err := s.After(t.Context(), 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			switch b := e.Body.(type) {
			case *holdfast.ConversationStatus:
				closed[e.Subject] = true
				opened[customer[e.Subject]]--
			case *holdfast.ConversationOpened:
				customer[e.Subject] = b.Customer
				if opened[b.Customer]++; opened[b.Customer] > 1 {
					t.Errorf("entry %d opens a second conversation beside one that goes on", e.LSN)
				}
			case *holdfast.MessageReceived:
				if seen[b.Message]++; seen[b.Message] > 1 {
					t.Errorf("entry %d is a message that is there already", e.LSN)
				}
				if closed[e.Subject] {
					t.Errorf("entry %d is a message in a conversation that was closed before", e.LSN)
				}
			}
		}
		if len(seen) != 4+3*40 {
			t.Errorf("%d messages are there, of %d", len(seen), 4+3*40)
		}
	})
}

// What is worked out before the writer's turn gives the rows and the words that
// filling the tables anew gives.
func TestAPreparedMessageIsWhatItsEntrySays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openSpine(t, db)
		for n, m := range []channel.Inbound{
			{Text: "Where is order A-12345? Call +7 (916) 123-45-67, ana@example.com"},
			{Text: "", Subject: "Счёт за октябрь", HTML: "<p>x\x00</p>", ExternalID: "ext-1", To: []string{"desk@example.com"}, Marks: []string{"spoken"}},
			{Text: "bad \xff bytes and \x00", Rest: "> quoted", Language: "fa", Remote: true},
			{Attachments: []holdfast.Attachment{{Name: "invoice.pdf", Size: 3}}},
			{Text: strings.Repeat("سلام اینترنت کار نمی‌کند ", 200)},
		} {
			for _, who := range []string{"ana", "ana", "bob"} { // unknown, and remembered
				m.ID, m.From = holdfast.NewID(), visitor(who)
				m.From.Name = strings.Repeat("long ", 100*n)
				if m.ExternalID != "" {
					m.ExternalID += m.ID.String()
				}
				if _, err := s.sink.Accept(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
		}
		look := func() (out []string) {
			for _, q := range []string{
				"SELECT id, conversation, customer, address, address_name, subject, text, rest, html, COALESCE(external_id, ''), extra, raw FROM message ORDER BY id",
				"SELECT id, preview, preview_dir, state, first_in_at, last_in_clock, last_clock, 0, 0, 0, 0, 0 FROM conversation ORDER BY id",
			} {
				rows, err := db.Query(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				for rows.Next() {
					var v [12]any
					if err := rows.Scan(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11]); err != nil {
						t.Fatal(err)
					}
					out = append(out, fmt.Sprintf("%q", v))
				}
				if err := rows.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for _, text := range []string{"a-12345", "9161234567", "ana@example.com", "счета", "quoted", "bytes", "سلام", "invoice", "orde"} {
				res, err := s.index.Search(t.Context(), search.Query{Workspace: s.workspace, Text: text})
				if err != nil {
					t.Fatal(err)
				}
				for _, hit := range res.Messages {
					out = append(out, text+" finds "+hit.Message.String())
				}
			}
			return out
		}
		live := look()
		for _, name := range s.Projections() {
			if err := s.Rebuild(t.Context(), name, nil); err != nil {
				t.Fatal(err)
			}
		}
		anew := look()
		if !slices.Equal(live, anew) {
			t.Errorf("as they came in:\n%s\nfilled anew:\n%s", strings.Join(live, "\n"), strings.Join(anew, "\n"))
		}
		if !slices.ContainsFunc(live, func(l string) bool { return strings.HasPrefix(l, "a-12345 finds") }) {
			t.Error("nothing was found at all")
		}
	})
}
