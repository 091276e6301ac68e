package mutes

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

// In whatever order and however often the words of addresses come, the latest counts.
func TestTheLatestWordCountsInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(t *rapid.T) {
			ws := holdfast.NewID()
			people := []string{"ana@example.com", "bob@example.com"}
			last := map[string]bool{}
			var entries []*holdfast.Entry
			for i := range rapid.IntRange(1, 10).Draw(t, "entries") {
				who, again := rapid.SampledFrom(people).Draw(t, "who"), rapid.Bool().Draw(t, "again")
				b := &holdfast.AddressMuted{Address: holdfast.Address{Scheme: "mailto", Value: who}, Topic: holdfast.Answers, Again: again, Via: "link"}
				entries = append(entries, &holdfast.Entry{LSN: holdfast.LSN(i + 1), Origin: holdfast.DeriveID(ws, "origin"), Clock: holdfast.Clock(i+1) << 16,
					At: time.UnixMilli(1_700_000_000_000), Workspace: ws, Subject: ws, Kind: b.EntryKind(), Body: b})
				last[who] = !again
			}
			for _, e := range rapid.Permutation(append(append([]*holdfast.Entry{}, entries...), entries...)).Draw(t, "mixed") {
				if err := db.Write(ctx, func(tx *store.Tx) error { return (Table{}).Apply(tx, e) }); err != nil {
					t.Fatal(err)
				}
			}
			m := New(Deps{DB: db})
			for _, who := range people {
				muted, err := m.Muted(ctx, ws, holdfast.Address{Scheme: "mailto", Value: who}, holdfast.Answers)
				if err != nil || muted != last[who] {
					t.Fatalf("%s: %v %v, the last word is %v", who, muted, err, last[who])
				}
				if muted, err := m.Muted(ctx, holdfast.NewID(), holdfast.Address{Scheme: "mailto", Value: who}, holdfast.Answers); err != nil || muted {
					t.Fatalf("another workspace hears of it: %v", err)
				}
			}
		})
	})
}

func TestOnlyOurLinksAreOpened(t *testing.T) {
	key := []byte(strings.Repeat("k", 32))
	m := New(Deps{Key: key, PublicURL: "https://desk.example", Log: slog.New(slog.DiscardHandler)})
	ws, op := holdfast.NewID(), holdfast.NewID()
	token := func(link string) string { return strings.TrimPrefix(link, "https://desk.example/mail-off/") }
	a := token(m.Link(ws, holdfast.Address{Scheme: "mailto", Value: "ana@example.com"}, holdfast.Answers))
	d := token(m.DigestLink(ws, op))
	if w, err := m.open(a); err != nil || w != (wish{workspace: ws, topic: holdfast.Answers, address: "ana@example.com"}) {
		t.Errorf("%+v %v", w, err)
	}
	if w, err := m.open(d); err != nil || w != (wish{workspace: ws, operator: op}) {
		t.Errorf("%+v %v", w, err)
	}
	other := New(Deps{Key: []byte(strings.Repeat("x", 32)), PublicURL: "https://desk.example"})
	bad := []string{"", "x", a[:len(a)-1], a + "A", "z" + a[1:], token(other.DigestLink(ws, op)), d[:20] + strings.ToLower(d[20:])}
	for _, s := range bad {
		if _, err := m.open(s); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("%q is taken: %v", s, err)
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest("POST", "/mail-off/"+s, strings.NewReader("List-Unsubscribe=One-Click")))
		if w.Code != http.StatusNotFound {
			t.Errorf("%q: %d", s, w.Code)
		}
	}
}

func TestTheWordsAreThereInEveryLanguage(t *testing.T) {
	for _, lang := range holdfast.Languages {
		if strings.Contains(fmt.Sprintf("%q", languages[lang]), `""`) {
			t.Errorf("%s lacks words: %q", lang, languages[lang])
		}
	}
}
