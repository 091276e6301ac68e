package search

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/store"
)

const (
	benchMessages      = 1_000_000
	benchConversations = 100_000
	benchCustomers     = 50_000
)

// BenchmarkMillion searches a desk of a million messages and reports the slowest
// of each kind of query too. HOLDFAST_TEST_POSTGRES adds the other database.
func BenchmarkMillion(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { million(b, "") })
	b.Run("postgres", func(b *testing.B) { million(b, postgresURL(b)) })
}

func million(b *testing.B, url string) {
	d := newDesk(b, open(b, url))
	start := time.Now()
	d.fill(benchMessages)
	b.Logf("%d messages in %v", benchMessages, time.Since(start).Round(time.Second))
	conversation := (*d.entries)[len(*d.entries)-1].Subject
	for _, c := range []struct {
		name string
		q    Query
	}{
		{"rare", Query{Text: "слово29000"}},
		{"common", Query{Text: "интернет"}},
		{"two-common", Query{Text: "интернет заказ"}},
		{"common-and-rare", Query{Text: "интернет слово29000"}},
		{"apart", Query{Text: "сегодня вчера"}}, // two common words that never meet
		{"unfinished", Query{Text: "инт"}},
		{"unfinished-common", Query{Text: "сло"}},
		{"unfinished-second", Query{Text: "интернет слово1"}},
		{"none", Query{Text: "абракадабра"}},
		{"loose", Query{Text: "почему интернет заказ слово12 слово512 слово20001 абракадабра"}},
		{"phrase", Query{Text: `"интернет заказ"`}},
		{"phrase-never", Query{Text: `"сегодня интернет сегодня"`}},
		{"stops", Query{Text: "это как"}},
		{"telephone", Query{Text: "+7 900 001-23-45"}},
		{"mail", Query{Text: "ivanov123@example.com"}},
		{"name", Query{Text: "Иванов"}},
		{"two-names", Query{Text: "Ivan Petrov"}},
		{"name-typo", Query{Text: "Иваонв"}},
		{"number", Query{Text: "#54321"}},
		{"conversation", Query{Text: "интернет", Conversation: conversation}},
		{"deep-page", Query{Text: "интернет", Before: benchMessages / 2}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			var res Results
			for b.Loop() {
				start := time.Now()
				res = d.search(c.q)
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(len(res.Messages)+len(res.Customers)+len(res.Conversations)), "found")
		})
	}
}

// fill writes messages of eight to twenty words, some words in every tenth
// message and most in a few: as people write, and never the same list twice.
func (d *desk) fill(messages int) {
	d.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	first := []string{"Иван", "Пётр", "Анна", "Maria", "John", "Мария", "Olga", "علی", "مریم", "Hassan", "Сергей", "Alexey"}
	last := []string{"Иванов", "Petrov", "Сидорова", "Smith", "رضایی", "Кузнецов", "Rouhani", "Соколов", "Jafari", "Волков"}
	common := []string{"интернет", "заказ", "сегодня", "оплата", "order", "please", "سفارش", "سلام"}
	words := rand.NewZipf(r, 1.2, 20, 200_000)
	var customers, conversations []holdfast.ID
	for len(customers) < benchCustomers {
		d.write(func(tx *store.Tx) error {
			for range 500 {
				n := len(customers)
				id := holdfast.NewID()
				customers = append(customers, id)
				e := d.entry(id, &holdfast.CustomerCreated{
					Name: fmt.Sprintf("%s %s%s", first[r.IntN(len(first))], last[r.IntN(len(last))], []string{"", "", "ский", "enko", "ich"}[r.IntN(5)]),
					Addresses: []holdfast.Address{
						{Scheme: "mailto", Value: fmt.Sprintf("ivanov%d@example.com", n)}, {Scheme: "tel", Value: fmt.Sprintf("+7900%07d", n)}},
				})
				if err := d.both(tx, e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for len(conversations) < benchConversations {
		d.write(func(tx *store.Tx) error {
			for range 500 {
				id := holdfast.NewID()
				conversations = append(conversations, id)
				e := d.entry(id, &holdfast.ConversationOpened{Number: int64(len(conversations)), Customer: customers[len(conversations)%len(customers)], Subject: fmt.Sprintf("тема%d", r.IntN(5000))})
				if err := d.both(tx, e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	*d.entries = (*d.entries)[:0]
	for n := 0; n < messages; {
		d.write(func(tx *store.Tx) error {
			for range 1000 {
				var text []string
				for range 8 + r.IntN(12) {
					if r.IntN(10) == 0 {
						text = append(text, common[r.IntN(len(common))])
					} else {
						text = append(text, fmt.Sprintf("слово%d", words.Uint64()))
					}
				}
				if n%3 == 0 {
					text = append(text, "вчера")
					text = slices.DeleteFunc(text, func(w string) bool { return w == "сегодня" })
				}
				if n%50 == 0 {
					text = append(text, fmt.Sprintf("+7 900 %03d-%02d-%02d", n%1000, n/1000%100, n/7%100))
				}
				e := d.entry(conversations[r.IntN(len(conversations))], &holdfast.MessageReceived{Message: holdfast.NewID(), Text: strings.Join(text, " ")})
				if err := d.both(tx, e); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		*d.entries = (*d.entries)[max(0, len(*d.entries)-1):]
	}
}

func (d *desk) both(tx *store.Tx, e *holdfast.Entry) error {
	if err := d.keep(tx, e); err != nil {
		return err
	}
	return d.index.Apply(tx, e)
}

// BenchmarkApply indexes messages of a hundred letters in transactions of 128.
func BenchmarkApply(b *testing.B) {
	url := ""
	if os.Getenv("HOLDFAST_TEST_POSTGRES") != "" && os.Getenv("HOLDFAST_BENCH") == "postgres" {
		url = postgresURL(b)
	}
	d := newDesk(b, open(b, url))
	r := rand.New(rand.NewPCG(1, 2))
	words := rand.NewZipf(r, 1.2, 20, 200_000)
	for n := 0; n < b.N; {
		b.StopTimer()
		var entries []*holdfast.Entry
		for range 128 {
			var text []string
			for range 14 {
				text = append(text, fmt.Sprintf("слово%d", words.Uint64()))
			}
			entries = append(entries, d.entry(holdfast.ID{1}, &holdfast.MessageReceived{Text: strings.Join(text, " ")}))
			n++
		}
		*d.entries = nil
		b.StartTimer()
		d.write(func(tx *store.Tx) error {
			for _, e := range entries {
				if err := d.index.Apply(tx, e); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

const russianText = "Здравствуйте! Со вчерашнего вечера не работает интернет, лампочка на роутере мигает красным. Договор 12345"

func BenchmarkWords(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Words(russianText)
		}
	})
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		s := newStems(1 << 16)
		for b.Loop() {
			s.index(russianText)
		}
	})
}
