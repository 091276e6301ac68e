package faults

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/outbox"
	"holdfast/store"
)

// settle waits until nothing is on its way, then sends what an operator must
// decide about again, through the API, and waits for that. It returns the
// messages that were parked, by their account.
func (d *desk) settle(within time.Duration) (parked map[string]string) {
	d.t.Helper()
	parked = map[string]string{}
	account := map[string]string{}
	for policy, id := range d.loops {
		account[id.String()] = policy
	}
	quiet := func() bool {
		var t outbox.Totals
		return d.api("GET", "/outbox/totals", nil, &t) == nil && t.Queued+t.Sending+t.RetryWait == 0
	}
	until(d.t, "the outbox is empty", within, quiet)
	for cursor := ""; ; {
		var page struct {
			Items []outbox.Item
			Next  string
		}
		check(d.t, d.api("GET", "/outbox?state=unknown&limit=200&cursor="+cursor, nil, &page))
		for _, it := range page.Items {
			parked[it.Message.String()] = account[it.Channel.String()]
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for id := range parked {
		check(d.t, d.api("POST", "/outbox/"+id+"/retry", nil, nil))
	}
	until(d.t, "the outbox is empty after the retries", within, quiet)
	return parked
}

// ledger is what the tables say, read without the program.
type ledger struct {
	received map[string]int // text → entries of the journal
	shown    map[string]int // text → inbound rows of the list
	queued   map[string]int // outbound message → entries of the journal
	state    map[string]holdfast.Delivery
	doubled  map[string]bool
	unsure   map[string]int // outbound message → attempts whose end nobody saw
}

// read opens the stopped desk's database and checks what must always be true of it.
func (d *desk) read() *ledger {
	t := d.t
	t.Helper()
	db, err := store.Open(ctx, store.Options{Dir: d.dir, URL: d.url})
	check(t, err)
	defer db.Close()
	l := &ledger{map[string]int{}, map[string]int{}, map[string]int{}, map[string]holdfast.Delivery{}, map[string]bool{}, map[string]int{}}
	each := func(query string, row func(r *store.Rows) error) {
		t.Helper()
		rows, err := db.Query(ctx, query)
		check(t, err)
		defer rows.Close()
		for rows.Next() {
			check(t, row(rows))
		}
		check(t, rows.Err())
	}
	each("SELECT kind, body FROM journal WHERE kind IN ('message.received', 'message.queued')", func(r *store.Rows) error {
		var kind string
		var body []byte
		if err := r.Scan(&kind, &body); err != nil {
			return err
		}
		var m struct{ Message, Text string }
		if err := json.Unmarshal(body, &m); err != nil {
			return err
		}
		if kind == "message.received" {
			l.received[strings.TrimSpace(m.Text)]++
		} else {
			l.queued[m.Message]++
		}
		return nil
	})
	each("SELECT text FROM message WHERE direction = 'in'", func(r *store.Rows) error {
		var text string
		err := r.Scan(&text)
		l.shown[strings.TrimSpace(text)]++
		return err
	})
	each("SELECT message, state, doubled FROM outbox", func(r *store.Rows) error {
		var id holdfast.ID
		var state holdfast.Delivery
		var doubled bool
		err := r.Scan(&id, &state, &doubled)
		l.state[id.String()], l.doubled[id.String()] = state, doubled
		return err
	})
	each("SELECT message, count(*) FROM exchange WHERE outcome = 'unknown' GROUP BY message", func(r *store.Rows) error {
		var id holdfast.ID
		var n int
		err := r.Scan(&id, &n)
		l.unsure[id.String()] = n
		return err
	})
	each("SELECT count(*), COALESCE(MIN(lsn), 1), COALESCE(MAX(lsn), 0) FROM journal", func(r *store.Rows) error {
		var n, first, last int64
		err := r.Scan(&n, &first, &last)
		if first != 1 || last != n {
			t.Errorf("the journal has %d entries from %d to %d", n, first, last)
		}
		return err
	})
	each("SELECT count(*), COALESCE(MAX(seq), 0) FROM journal GROUP BY origin", func(r *store.Rows) error {
		var n, last int64
		err := r.Scan(&n, &last)
		if last != n {
			t.Errorf("an origin has %d entries up to %d", n, last)
		}
		return err
	})
	each("SELECT count(*), count(DISTINCT number) FROM conversation", func(r *store.Rows) error {
		var n, numbers int64
		err := r.Scan(&n, &numbers)
		if n != numbers {
			t.Errorf("%d conversations have %d numbers", n, numbers)
		}
		return err
	})
	each("SELECT count(*) FROM lease", func(r *store.Rows) error {
		var n int
		err := r.Scan(&n)
		if n != 0 {
			t.Errorf("%d leases are left over", n)
		}
		return err
	})
	if d.url == "" {
		each("PRAGMA integrity_check", func(r *store.Rows) error {
			var word string
			err := r.Scan(&word)
			if word != "ok" {
				t.Errorf("the database file: %s", word)
			}
			return err
		})
	}
	return l
}

// some lists a few of the things that are wrong, and how many there are.
func some(list []string) string {
	sort.Strings(list)
	if len(list) > 6 {
		return fmt.Sprintf("%s … (%d)", strings.Join(list[:6], "; "), len(list))
	}
	return strings.Join(list, "; ")
}

// audit compares the book with the tables and the provider. The desk must be
// stopped. parked is what settle returned.
func (d *desk) audit(b *book, parked map[string]string) {
	t := d.t
	t.Helper()
	b.sane(t)
	l := d.read()
	var lost, twice, unseen []string
	for text, acked := range b.inbound {
		switch n := l.received[text]; {
		case n > 1:
			twice = append(twice, fmt.Sprintf("%q × %d", text, n))
		case n == 0 && acked:
			lost = append(lost, text)
		case n != l.shown[text]:
			unseen = append(unseen, text)
		}
	}
	for text := range l.received {
		if _, known := b.inbound[text]; !known {
			unseen = append(unseen, "nobody wrote "+text)
		}
	}
	report := func(what string, list []string) {
		t.Helper()
		if len(list) > 0 {
			t.Errorf("%s: %s", what, some(list))
		}
	}
	report("acknowledged and lost", lost)
	report("taken in twice", twice)
	report("in the journal and not in the list", unseen)

	var gone, odd, doubled, silent, needless []string
	for id, account := range b.offered {
		_, acked := b.outbound[id]
		n := l.queued[id]
		if n > 1 || n == 0 && acked {
			gone = append(gone, fmt.Sprintf("%s of %s is queued %d times", id, account, n))
			continue
		}
		got := d.provider.count(id)
		if n == 0 {
			if got != 0 {
				odd = append(odd, fmt.Sprintf("%s of %s was sent and never written", id, account))
			}
			continue
		}
		if s := l.state[id]; s != holdfast.Accepted || got == 0 {
			gone = append(gone, fmt.Sprintf("%s of %s is %s and reached the provider %d times", id, account, s, got))
		}
		_, was := parked[id]
		switch {
		case account == "same" && (got > 1 || was || l.doubled[id]):
			needless = append(needless, fmt.Sprintf("%s: accepted %d times, parked %v, marked %v", id, got, was, l.doubled[id]))
		case account == "once" && was && l.unsure[id] < 2, account == "park" && was && l.unsure[id] < 1:
			needless = append(needless, fmt.Sprintf("%s of %s was parked after %d cut attempts", id, account, l.unsure[id]))
		case account == "park" && !was && got != 1:
			doubled = append(doubled, fmt.Sprintf("%s of park reached the provider %d times by itself", id, got))
		}
		if got > 1+l.unsure[id] {
			doubled = append(doubled, fmt.Sprintf("%s of %s reached the provider %d times after %d cut attempts", id, account, got, l.unsure[id]))
		}
		if got > 1 && !l.doubled[id] {
			silent = append(silent, fmt.Sprintf("%s of %s × %d", id, account, got))
		}
	}
	report("replies lost or unfinished", gone)
	report("replies from nowhere", odd)
	report("needlessly parked or marked", needless)
	report("sent too often", doubled)
	report("doubled without being marked", silent)
	d.provider.mu.Lock()
	defer d.provider.mu.Unlock()
	if d.provider.keyless > 0 {
		t.Errorf("%d requests came without the message's key", d.provider.keyless)
	}
}

// doubles counts an account's messages that reached the provider more than once
// without anybody's order.
func (d *desk) doubles(b *book, parked map[string]string, account string) (n int) {
	for id, of := range b.offered {
		if _, ordered := parked[id]; of == account && !ordered && d.provider.count(id) > 1 {
			n++
		}
	}
	return n
}

// figures is one line about what a test went through.
func (d *desk) figures(t *testing.T, b *book, parked map[string]string, more string) {
	in, out := b.acknowledged()
	p := d.provider
	p.mu.Lock()
	defer p.mu.Unlock()
	double := 0
	for _, n := range p.accepts {
		if n > 1 {
			double++
		}
	}
	t.Logf("%s; %d messages of customers and %d replies acknowledged, %d replies accepted by the provider, %d parked and sent again, %d doubled and marked",
		more, in, out, len(p.accepts), len(parked), double)
}
