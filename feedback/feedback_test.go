package feedback

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/journal"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

func entry(n int64, ws, conversation holdfast.ID, body holdfast.Body) *holdfast.Entry {
	return &holdfast.Entry{LSN: holdfast.LSN(n), Origin: holdfast.DeriveID(ws, "origin"), Clock: holdfast.Clock(n << 16), At: time.UnixMilli(1_700_000_000_000 + n),
		Workspace: ws, Subject: conversation, Kind: body.EntryKind(), Body: body}
}

// In whatever order and however often the same entries come, the rows are the same.
func TestTheLatestWordCountsInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(t *rapid.T) {
			ws := holdfast.NewID()
			talks := []holdfast.ID{holdfast.NewID(), holdfast.NewID()}
			var entries []*holdfast.Entry
			for i := range rapid.IntRange(1, 12).Draw(t, "entries") {
				kind := rapid.SampledFrom([]holdfast.RatingKind{holdfast.CSAT, holdfast.NPS}).Draw(t, "kind")
				var b holdfast.Body = &holdfast.ConversationSurveyed{Kind: kind}
				if rapid.Bool().Draw(t, "rated") {
					b = &holdfast.ConversationRated{Kind: kind, Score: rapid.IntRange(1, 5).Draw(t, "score"), Comment: fmt.Sprint("c", i), Via: "page"}
				}
				entries = append(entries, entry(int64(i+1), ws, rapid.SampledFrom(talks).Draw(t, "talk"), b))
			}
			apply := func(order []*holdfast.Entry) string {
				if err := db.Write(ctx, func(tx *store.Tx) error {
					if err := tx.Exec("DELETE FROM rating WHERE workspace = $1", ws); err != nil {
						return err
					}
					for _, e := range order {
						if err := (Table{}).Apply(tx, e); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				list, err := (&Feedback{Deps{DB: db}}).Of(ctx, ws, talks...)
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprintf("%+v", list)
			}
			inOrder := apply(entries)
			mixed := rapid.Permutation(append(append([]*holdfast.Entry{}, entries...), entries...)).Draw(t, "mixed")
			if got := apply(mixed); got != inOrder {
				t.Fatalf("in order:\n%s\nmixed and doubled:\n%s", inOrder, got)
			}
			last := map[string]*holdfast.ConversationRated{}
			for _, e := range entries {
				if b, ok := e.Body.(*holdfast.ConversationRated); ok {
					last[e.Subject.String()+string(b.Kind)] = b
				}
			}
			for _, b := range last {
				if !strings.Contains(inOrder, "Comment:"+b.Comment+" ") {
					t.Fatalf("the last word %q is not what counts: %s", b.Comment, inOrder)
				}
			}
		})
	})
}

func TestTheFiguresAreTheOnesInTheBook(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := &Feedback{Deps{DB: db}}
		ws, other := holdfast.NewID(), holdfast.NewID()
		j := journal.New(db, slog.New(slog.DiscardHandler), Table{})
		if err := j.Open(ctx); err != nil {
			t.Fatal(err)
		}
		say := func(ws holdfast.ID, kind holdfast.RatingKind, scores ...int) {
			for _, s := range scores {
				conversation := holdfast.NewID()
				if _, err := j.Do(ctx, journal.Command{Workspace: ws, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
					if _, err := tx.Append(conversation, &holdfast.ConversationSurveyed{Kind: kind}); err != nil || s < 0 {
						return err
					}
					_, err := tx.Append(conversation, &holdfast.ConversationRated{Kind: kind, Score: s, Via: "page"})
					return err
				}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		say(ws, holdfast.CSAT, 5, 4, 4, 1, -1)
		say(ws, holdfast.NPS, 10, 9, 7, 6, 0, 0)
		say(other, holdfast.CSAT, 1, 1, 1)
		csat, err := f.Totals(ctx, ws, holdfast.CSAT, time.Time{})
		if err != nil || csat.Asked != 5 || csat.Rated != 4 || *csat.Percent != 75 || *csat.Mean != 3.5 || csat.Scores["4"] != 2 {
			t.Errorf("CSAT %+v, %v", csat, err)
		}
		nps, err := f.Totals(ctx, ws, holdfast.NPS, time.Time{})
		if err != nil || nps.Rated != 6 || fmt.Sprintf("%.2f", *nps.Percent) != "-16.67" {
			t.Errorf("NPS %+v, %v", nps, err)
		}
		none, err := f.Totals(ctx, ws, holdfast.CSAT, time.Now().Add(time.Hour))
		if err != nil || none.Rated != 0 || none.Percent != nil {
			t.Errorf("nobody has answered since then: %+v, %v", none, err)
		}
		var seen []holdfast.ID
		var before *Rating
		for {
			page, err := f.List(ctx, ws, before, 3)
			if err != nil {
				t.Fatal(err)
			}
			for i := range page {
				seen = append(seen, page[i].Conversation)
				before = &page[i]
			}
			if len(page) < 3 {
				break
			}
		}
		unique := map[holdfast.ID]bool{}
		for _, id := range seen {
			unique[id] = true
		}
		if len(seen) != 10 || len(unique) != 10 {
			t.Errorf("the pages have %d rows, %d different, not 10", len(seen), len(unique))
		}
	})
}

func TestALinkIsWhatItWasMadeFor(t *testing.T) {
	f := &Feedback{Deps{Key: []byte(strings.Repeat("k", 32)), PublicURL: "https://desk.example"}}
	other := &Feedback{Deps{Key: []byte(strings.Repeat("o", 32))}}
	for _, a := range []asked{{holdfast.NewID(), holdfast.NewID(), holdfast.CSAT, false}, {holdfast.NewID(), holdfast.NewID(), holdfast.CSAT, true}, {holdfast.NewID(), holdfast.NewID(), holdfast.NPS, false}} {
		token := strings.TrimPrefix(f.link(a), "https://desk.example/rate/")
		if got, err := f.open(token); err != nil || got != a {
			t.Errorf("%+v came back as %+v, %v", a, got, err)
		}
		if _, err := other.open(token); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another desk takes our link: %v", err)
		}
		b := []byte(token)
		for i := range b {
			was := b[i]
			for _, c := range []byte("Aa0_") {
				if b[i] = c; c != was {
					if got, err := f.open(string(b)); err == nil {
						t.Fatalf("a changed link opens as %+v", got)
					}
				}
			}
			b[i] = was
		}
	}
}

func FuzzOpen(f *testing.F) {
	fb := &Feedback{Deps{Key: []byte(strings.Repeat("k", 32))}}
	f.Add(fb.token(asked{holdfast.NewID(), holdfast.NewID(), holdfast.NPS, false}))
	f.Add("")
	f.Add("====")
	f.Fuzz(func(t *testing.T, token string) {
		a, err := fb.open(token)
		if err == nil && fb.token(a) != token {
			t.Fatalf("%q opens and is not what we make", token)
		}
	})
}

func TestEveryQuestionHasItsWordsInEveryLanguage(t *testing.T) {
	for _, lang := range holdfast.Languages {
		w := languages[lang]
		if w == nil {
			t.Fatalf("there are no words in %s", lang)
		}
		for _, text := range []string{w.csat, w.nps, w.title, w.comment, w.send, w.thanks, w.again, w.low, w.high, w.good, w.bad, w.wrong} {
			if text == "" {
				t.Errorf("%s lacks a text", lang)
			}
		}
		a := asked{kind: holdfast.NPS}
		if text, _ := question(w, lang, "Shop <b>", a, "https://d.example/rate/x"); !strings.Contains(text, "Shop <b>") || !strings.HasSuffix(text, "\nhttps://d.example/rate/x") {
			t.Errorf("%s asks %q", lang, text)
		}
		_, formatted := question(w, lang, "Shop <b>", a, "https://d.example/rate/x")
		if strings.Contains(formatted, "<b>") || strings.Count(formatted, "<a href") != 11 {
			t.Errorf("%s asks %q", lang, formatted)
		}
	}
}
