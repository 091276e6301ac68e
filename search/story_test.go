package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast"
	"holdfast/store"
)

func TestWorkspacesDoNotSeeEachOther(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		a := newDesk(t, db)
		b := a.another()
		copy(b.workspace[11:], a.workspace[11:]) // the same mark in the index
		if workspaceMark(a.workspace) != workspaceMark(b.workspace) || a.workspace == b.workspace {
			t.Fatal("the two must share a mark")
		}
		for _, d := range []*desk{a, b} {
			who := d.customer("Иванов Пётр", mail("petr@example.com"))
			if d == a {
				c := d.conversation(7, who, "возврат денег")
				d.says(c, "секретный договор 4711")
			}
		}
		for _, text := range []string{"секретный", "договор 4711", "4711", "сек", "секретный вопрос", "это секретный", "возврат", "#7", "7", `"секретный договор"`} {
			if res := b.search(Query{Text: text, Notes: true}); len(res.Messages)+len(res.Conversations)+len(res.Customers) > 0 {
				t.Errorf("%q shows the other workspace's %+v", text, res)
			}
		}
		conversation := a.search(Query{Text: "#7"}).Conversations[0]
		for _, q := range []Query{{Text: "секретный", Conversation: conversation.Conversation}, {Text: "секретный", Customer: conversation.Customer}} {
			if res := b.search(q); len(res.Messages) > 0 {
				t.Errorf("%+v shows the other workspace's %+v", q, res.Messages)
			}
			if res := a.search(q); len(res.Messages) != 1 {
				t.Errorf("%+v finds %d at home", q, len(res.Messages))
			}
		}
		mine := a.search(Query{Text: "иванов"}).Customers
		theirs := b.search(Query{Text: "иванов"}).Customers
		if len(mine) != 1 || len(theirs) != 1 || mine[0].Customer == theirs[0].Customer {
			t.Errorf("one name in two workspaces: %+v and %+v", mine, theirs)
		}
	})
}

func TestNotesAreFoundOnlyWhenAskedFor(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		c := d.conversation(1, holdfast.ID{}, "")
		d.says(c, "тариф")
		d.do(c, &holdfast.MessageNoted{Message: holdfast.NewID(), Text: "клиент грубит, тариф не менять"})
		d.do(c, &holdfast.MessageQueued{Message: holdfast.NewID(), Text: "тариф изменён"})
		for _, q := range []Query{{Text: "тариф"}, {Text: "тариф", Conversation: c}} {
			for _, h := range d.search(q).Messages {
				if h.Direction == holdfast.Note {
					t.Errorf("%+v shows a note", q)
				}
			}
			q.Notes = true
			if n := len(d.search(q).Messages); n != 3 {
				t.Errorf("with notes %d are found, want 3", n)
			}
		}
		if res := d.search(Query{Text: "грубит совершенно"}); len(res.Messages) != 0 {
			t.Error("a loose search shows a note")
		}
	})
}

func TestPagesShowEveryMessageOnce(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		c := d.conversation(1, holdfast.ID{}, "")
		var want []holdfast.LSN
		for i := range 337 {
			if i%7 == 0 {
				d.says(c, "другое")
				d.do(c, &holdfast.MessageNoted{Message: holdfast.NewID(), Text: "интернет, заметка"})
			}
			if i == 200 {
				d.do(c, &holdfast.ConversationSubject{Subject: "интернет"})
			}
			want = append(want, d.says(c, fmt.Sprintf("интернет %d", i)))
		}
		slices.Reverse(want)
		for _, q := range []Query{{Text: "интернет"}, {Text: "интер"}, {Text: "интернет", Conversation: c}} {
			q.Limit = 50
			var got []holdfast.LSN
			for range 20 {
				res := d.search(q)
				for _, h := range res.Messages {
					got = append(got, h.LSN)
				}
				if q.Before != 0 && len(res.Customers)+len(res.Conversations) > 0 {
					t.Error("a later page repeats what the first one had")
				}
				if q.Before = res.Next; q.Before == 0 {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q: the pages have %d messages, want %d", q.Text, len(got), len(want))
			}
		}
	})
}

func TestConversationsAreFoundByNumberAndSubject(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		anna := d.customer("Анна")
		first := d.conversation(123, anna, "Возврат денег за роутер")
		second := d.conversation(4, anna, "Вопрос")
		d.do(second, &holdfast.ConversationSubject{Subject: "Роутер мигает"})
		for text, want := range map[string]string{
			"#123": "123", "123": "123", "№ 123": "123", "#۱۲۳": "123", " #4 ": "4", "#12": "", "123 рубля": "",
			"роутеры": "4 123", "возврат денег": "123", `"денег за роутер"`: "123", `"роутер за"`: "", "мигает": "4",
			"вопрос": "", // what it was called before
		} {
			var got []string
			for _, h := range d.search(Query{Text: text}).Conversations {
				got = append(got, fmt.Sprint(h.Number))
				if h.CustomerName != "Анна" || h.Customer != anna {
					t.Errorf("whose conversation? %+v", h)
				}
			}
			slices.Sort(got)
			wanted := strings.Fields(want)
			slices.Sort(wanted)
			if !slices.Equal(got, wanted) {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
		lsn := d.do(first, &holdfast.MessageReceived{Message: holdfast.NewID(), Subject: "Re: счёт", Text: "спасибо"})
		if got := d.search(Query{Text: "счет"}).Messages; len(got) != 1 || got[0].LSN != lsn || got[0].Subject != "Re: счёт" || got[0].Number != 123 || got[0].CustomerName != "Анна" {
			t.Errorf("by the subject of a mail: %+v", got)
		}
	})
}

func TestSnippetsMarkWhatWasLookedFor(t *testing.T) {
	d := newDesk(t, open(t, ""))
	c := d.conversation(1, holdfast.ID{}, "")
	long := strings.Repeat("Начало письма, в котором ни слова о деле. ", 30)
	d.says(c, long+"Наш заказ\nА-12345 не пришёл, звоните: +7 916 123-45-67. "+long)
	for text, want := range map[string]string{
		"заказы":     "[заказ] А-12345 не",
		"А-12345":    "[А-12345] не",
		"приш":       "не [пришёл],",
		"1234567":    "звоните: +[7 916 123-45-67].",
		"звонить":    "[звоните]:",
		"заказ приш": "[заказ] А-12345 не [пришёл]",
	} {
		got := d.search(Query{Text: text}).Messages
		if len(got) != 1 {
			t.Errorf("%q finds %d", text, len(got))
			continue
		}
		s := marked(got[0].Snippet)
		if !strings.Contains(s, want) || len(s) > 400 || !strings.HasPrefix(s, "…") || !strings.HasSuffix(s, "…") {
			t.Errorf("%q: %q, want %q in it", text, s, want)
		}
	}
	d.says(c, "<b>жирный</b> & 'тонкий'")
	if got := marked(d.search(Query{Text: "жирный"}).Messages[0].Snippet); got != "<b>[жирный]</b> & 'тонкий'" {
		t.Errorf("a text is changed: %q", got)
	}
}

func TestAMessageIndexedTwiceIsFoundOnce(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.says(d.conversation(1, holdfast.ID{}, "тема"), "интернет")
		d.customer("Иванов", mail("a@example.com"))
		before := fmt.Sprint(d.search(Query{Text: "интернет"}), d.search(Query{Text: "иванов"}), d.rows(""))
		d.write(func(tx *store.Tx) error {
			for _, e := range *d.entries {
				if err := d.index.Apply(tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if after := fmt.Sprint(d.search(Query{Text: "интернет"}), d.search(Query{Text: "иванов"}), d.rows("")); after != before {
			t.Errorf("applied twice:\n%s\nonce:\n%s", after, before)
		}
	})
}

// rows are the index's own rows in tables with a suffix, in a comparable form.
// What a table of words holds is told by asking it for every word.
func (d *desk) rows(suffix string) []string {
	d.Helper()
	list := func(query string) []string {
		rows, err := d.db.Unprepared(context.Background(), strings.ReplaceAll(query, "~", suffix))
		got, err := store.Collect(rows, err, func(r *store.Rows, s *string) error { return r.Scan(s) })
		if err != nil {
			d.Fatal(err)
		}
		return got
	}
	hex := "hex(%s)"
	if d.db.Dialect() == "postgres" {
		hex = "encode(%s, 'hex')"
	}
	customer, conversation := fmt.Sprintf(hex, "customer"), fmt.Sprintf(hex, "conversation")
	all := list("SELECT 'subject ' || lsn || ' ' || " + conversation + " FROM subject_words~ ORDER BY 1")
	all = append(all, list("SELECT 'name ' || word || ' ' || "+customer+" FROM name_word~ ORDER BY 1")...)
	all = append(all, list("SELECT 'gram ' || gram || ' ' || word FROM name_gram~ ORDER BY 1")...)
	for _, w := range append(list("SELECT word FROM known_word ORDER BY word"), workspaceMark(d.workspace)+"12345", workspaceMark(d.workspace)+"1234567") {
		if d.db.Dialect() == "postgres" {
			all = append(all, list("SELECT '"+w+" ' || lsn FROM message_words~ WHERE words @@ '''"+w+"'''::tsquery ORDER BY lsn")...)
		} else {
			all = append(all, list("SELECT '"+w+" ' || rowid FROM message_words~ WHERE message_words~ MATCH '\""+w+"\"' ORDER BY rowid")...)
		}
	}
	slices.Sort(all)
	return all
}

// someEntries are entries of all kinds that the index reads and some that it does not.
func (d *desk) someEntries(r *rand.Rand, n int) (list []*holdfast.Entry) {
	text := func() string {
		words := []string{"интернет", "заказ", "A-12345", "سفارش", "order", "ana@example.com", "+7 916 123-45-67", "и", ""}
		var t []string
		for range r.IntN(5) {
			t = append(t, words[r.IntN(len(words))])
		}
		return strings.Join(t, " ")
	}
	name := func() *string {
		s := []string{"Иванов", "Ivan Petrov", "محمد رضایی", "", "Smith"}[r.IntN(5)]
		return &s
	}
	for range n {
		subject := holdfast.ID{byte(1 + r.IntN(3))}
		address := holdfast.Address{Scheme: "mailto", Value: fmt.Sprintf("u%d@example.com", r.IntN(3)), Name: *name()}
		bodies := []holdfast.Body{
			&holdfast.MessageReceived{Message: holdfast.NewID(), Subject: text(), Text: text()},
			&holdfast.MessageQueued{Message: holdfast.NewID(), Text: text()},
			&holdfast.MessageNoted{Message: holdfast.NewID(), Text: text()},
			&holdfast.ConversationOpened{Subject: text()},
			&holdfast.ConversationSubject{Subject: text()},
			&holdfast.CustomerCreated{Name: *name(), Addresses: []holdfast.Address{address}},
			&holdfast.CustomerChanged{Name: name()},
			&holdfast.CustomerChanged{Company: name()},
			&holdfast.AddressAdded{Address: address},
			&holdfast.MessageSent{},
			&holdfast.Unknown{Kind: "new.thing", Raw: []byte("{}")},
		}
		list = append(list, d.entry(subject, bodies[r.IntN(len(bodies))]))
	}
	return list
}

func (d *desk) apply(suffix string, entries []*holdfast.Entry) {
	d.Helper()
	d.write(func(tx *store.Tx) error {
		if suffix != "" {
			tx = tx.Suffixed(suffix)
		}
		for _, e := range entries {
			if err := d.index.Apply(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// In any order, any batches and with repetitions, the same entries give the same rows.
func TestTheOrderOfEntriesDoesNotMatter(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		for seed := range uint64(12) {
			r := rand.New(rand.NewPCG(seed, 1))
			entries := d.someEntries(r, 40)
			a, b := fmt.Sprintf("_a%d", seed), fmt.Sprintf("_b%d", seed)
			d.write(func(tx *store.Tx) error {
				if err := tx.CopyEmpty(d.index.Tables(), a); err != nil {
					return err
				}
				return tx.CopyEmpty(d.index.Tables(), b)
			})
			d.apply(a, entries)
			shuffled := append(slices.Clone(entries), entries[:10]...)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			for part := range slices.Chunk(shuffled, 1+r.IntN(9)) {
				d.apply(b, part)
			}
			left, right := d.rows(a), d.rows(b)
			if len(left) < 20 || !slices.Equal(left, right) {
				t.Fatalf("seed %d: in order\n%q\nin another\n%q", seed, left, right)
			}
		}
	})
}

// Filled anew beside the tables in use and put in their place, twice: as a new
// version of the index would be.
func TestTheIndexSurvivesARebuild(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		c := d.conversation(9, d.customer("Иванов Пётр"), "возврат")
		d.says(c, "где мой заказ")
		want := fmt.Sprint(d.search(Query{Text: "заказ"}), d.search(Query{Text: "иванов"}), d.search(Query{Text: "возврат"}), d.rows(""))
		for _, suffix := range []string{"_r1", "_r2"} {
			tables := d.index.Tables()
			d.write(func(tx *store.Tx) error { return tx.CopyEmpty(tables, suffix) })
			d.apply(suffix, *d.entries)
			if got := d.search(Query{Text: "заказ"}); len(got.Messages) != 1 {
				t.Fatalf("while it is rebuilt: %+v", got)
			}
			d.write(func(tx *store.Tx) error { return tx.Swap(tables, suffix) })
			if got := fmt.Sprint(d.search(Query{Text: "заказ"}), d.search(Query{Text: "иванов"}), d.search(Query{Text: "возврат"}), d.rows("")); got != want {
				t.Fatalf("after %s:\n%s\nbefore:\n%s", suffix, got, want)
			}
			d.says(c, "и ещё одно сообщение "+suffix)
			if got := d.search(Query{Text: "сообщение " + suffix}); len(got.Messages) != 1 || got.Loose {
				t.Fatalf("a message after %s: %+v", suffix, got)
			}
			want = fmt.Sprint(d.search(Query{Text: "заказ"}), d.search(Query{Text: "иванов"}), d.search(Query{Text: "возврат"}), d.rows(""))
		}
		d.write(func(tx *store.Tx) error {
			if err := tx.CopyEmpty(d.index.Tables(), "_r3"); err != nil {
				return err
			}
			return tx.Discard(d.index.Tables(), "_r3")
		})
	})
}

// A write that is taken back must not leave the index believing that its words
// are known: an unfinished word would never find them again.
func TestAWriteTakenBackIsForgotten(t *testing.T) {
	databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		e := d.entry(holdfast.ID{1}, &holdfast.MessageReceived{Message: holdfast.NewID(), Text: "электричество"})
		no := fmt.Errorf("no")
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			if err := d.index.Apply(tx, e); err != nil {
				return err
			}
			return no
		})
		if err == nil {
			t.Fatal("the write was kept")
		}
		if got := d.finds("электри"); got != "" {
			t.Errorf("found %q, which was never written", got)
		}
		lsn := d.says(holdfast.ID{1}, "электричество")
		if got := d.finds("электри"); got != fmt.Sprint(lsn) {
			t.Errorf("found %q, want %d", got, lsn)
		}
	})
}

func FuzzSearch(f *testing.F) {
	for _, text := range []string{`"a b" c*`, `NEAR(a b)`, `a-1 +7 916 123 45 67 ana@x.y`, "«и»", "words:x ^y {z}", "\x00'\\", "1,2@3-4.5_6+7", `" AND "`} {
		f.Add(text)
	}
	d := newDesk(f, open(f, ""))
	d.says(d.conversation(1, holdfast.ID{}, "subject"), "some text to look at, A-12345")
	f.Fuzz(func(t *testing.T, text string) {
		res, err := d.index.Search(context.Background(), Query{Workspace: d.workspace, Text: text, Notes: true})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for _, h := range res.Messages {
			var whole strings.Builder
			for _, p := range h.Snippet {
				whole.WriteString(p.Text)
			}
			if whole.String() != "some text to look at, A-12345" {
				t.Fatalf("%q: the snippet lost text: %+v", text, h.Snippet)
			}
		}
	})
}
