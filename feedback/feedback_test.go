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
		csat, _, err := f.Totals(ctx, ws, Filter{Kind: holdfast.CSAT}, "")
		if err != nil || csat.Asked != 5 || csat.Rated != 4 || *csat.Percent != 75 || *csat.Mean != 3.5 || csat.Scores["4"] != 2 {
			t.Errorf("CSAT %+v, %v", csat, err)
		}
		nps, _, err := f.Totals(ctx, ws, Filter{Kind: holdfast.NPS}, "")
		if err != nil || nps.Rated != 6 || fmt.Sprintf("%.2f", *nps.Percent) != "-16.67" {
			t.Errorf("NPS %+v, %v", nps, err)
		}
		none, _, err := f.Totals(ctx, ws, Filter{Kind: holdfast.CSAT, Since: time.Now().Add(time.Hour)}, "")
		if err != nil || none.Rated != 0 || none.Percent != nil {
			t.Errorf("nobody has answered since then: %+v, %v", none, err)
		}
		var seen []holdfast.ID
		var before *Rating
		for {
			page, err := f.List(ctx, ws, Filter{}, before, 3)
			if err != nil {
				t.Fatal(err)
			}
			for i := range page {
				seen = append(seen, page[i].Conversation)
				before = &page[i].Rating
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
		if text, _ := question(w, lang, Settings{}.question(w, lang, "Shop <b>", a.kind), a, "https://d.example/rate/x"); !strings.Contains(text, "Shop <b>") || !strings.HasSuffix(text, "\nhttps://d.example/rate/x") {
			t.Errorf("%s asks %q", lang, text)
		}
		_, formatted := question(w, lang, Settings{}.question(w, lang, "Shop <b>", a.kind), a, "https://d.example/rate/x")
		if strings.Contains(formatted, "<b>") || strings.Count(formatted, "<a href") != 11 {
			t.Errorf("%s asks %q", lang, formatted)
		}
	}
}

// What a workspace says replaces our words, in the languages it says it in, and a
// survey that nobody could be asked is refused.
func TestASurveyIsCheckedAndAsksInTheWorkspacesWords(t *testing.T) {
	own := map[holdfast.RatingKind]map[string]string{holdfast.CSAT: {"en": " Happy with {name}? ", "ru": "  "}}
	s, err := Settings{CSAT: "stars", Questions: own}.checked()
	if err != nil || s.NPS != "off" || s.NPSEvery != 90 || len(s.Questions[holdfast.CSAT]) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	if got := s.question(languages["en"], "en", "Shop", holdfast.CSAT); got != "Happy with Shop?" {
		t.Errorf("it asks %q", got)
	}
	if got := s.question(languages["ru"], "ru", "Shop", holdfast.CSAT); got != strings.ReplaceAll(languages["ru"].csat, "{name}", "Shop") {
		t.Errorf("it asks %q", got)
	}
	for _, bad := range []Settings{{}, {CSAT: "loud"}, {CSAT: "off", NPS: "daily"}, {CSAT: "off", NPS: "resolved", NPSEvery: 1},
		{CSAT: "off", Questions: map[holdfast.RatingKind]map[string]string{"x": {"en": "?"}}},
		{CSAT: "off", Questions: map[holdfast.RatingKind]map[string]string{holdfast.NPS: {"xx": "?"}}},
		{CSAT: "off", Questions: map[holdfast.RatingKind]map[string]string{holdfast.NPS: {"en": strings.Repeat("?", 301)}}},
		{CSAT: "off", Questions: map[holdfast.RatingKind]map[string]string{holdfast.NPS: {"en": "two\nlines"}}}} {
		if _, err := bad.checked(); holdfast.KindOf(err) != holdfast.Invalid {
			t.Errorf("%+v is taken: %v", bad, err)
		}
	}
}

// Ratings are found and counted by whom their conversation is with.
func TestRatingsAreCountedByOperatorTeamAndChannel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := &Feedback{Deps{DB: db}}
		ws, ann, bob, mail := holdfast.NewID(), holdfast.NewID(), holdfast.NewID(), holdfast.NewID()
		n := int64(0)
		rate := func(operator holdfast.ID, score int, comment string) {
			c := holdfast.NewID()
			n++
			if err := db.Write(ctx, func(tx *store.Tx) error {
				if err := tx.Exec("INSERT INTO {conversation} (id, workspace, number, operator, channel) VALUES ($1, $2, $3, $4, $5)", c, ws, n, operator, mail); err != nil {
					return err
				}
				if err := (Table{}).Apply(tx, entry(2*n, ws, c, &holdfast.ConversationSurveyed{Kind: holdfast.CSAT})); err != nil || score < 0 {
					return err
				}
				return (Table{}).Apply(tx, entry(2*n+1, ws, c, &holdfast.ConversationRated{Kind: holdfast.CSAT, Score: score, Comment: comment}))
			}); err != nil {
				t.Fatal(err)
			}
		}
		rate(ann, 5, "thanks")
		rate(ann, 1, "")
		rate(bob, 5, "")
		rate(holdfast.ID{}, -1, "")
		all, groups, err := f.Totals(ctx, ws, Filter{Kind: holdfast.CSAT}, "operator")
		if err != nil || all.Asked != 4 || all.Rated != 3 || len(groups) != 3 {
			t.Fatalf("%+v %+v %v", all, groups, err)
		}
		for _, g := range groups {
			want := map[holdfast.ID][2]int{ann: {2, 2}, bob: {1, 1}, {}: {1, 0}}[g.ID]
			if g.Asked != want[0] || g.Rated != want[1] || g.ID == ann && *g.Percent != 50 {
				t.Errorf("%s: %+v", g.ID, g)
			}
		}
		if one, _, err := f.Totals(ctx, ws, Filter{Kind: holdfast.CSAT, Operator: bob, Channel: mail}, ""); err != nil || one.Rated != 1 || *one.Mean != 5 {
			t.Errorf("%+v %v", one, err)
		}
		for _, c := range []struct {
			q    Filter
			want int
		}{{Filter{}, 3}, {Filter{Operator: ann}, 2}, {Filter{Operator: ann, Commented: true}, 1}, {Filter{Team: holdfast.NewID()}, 0}, {Filter{Kind: holdfast.NPS}, 0},
			{Filter{Until: time.UnixMilli(1_700_000_000_004)}, 1}, {Filter{Since: time.UnixMilli(1_700_000_000_004)}, 2}} {
			if got, err := f.List(ctx, ws, c.q, nil, 10); err != nil || len(got) != c.want {
				t.Errorf("%+v finds %d, not %d: %v", c.q, len(got), c.want, err)
			}
		}
		if got, err := f.List(ctx, holdfast.NewID(), Filter{}, nil, 10); err != nil || len(got) != 0 {
			t.Errorf("another workspace sees %d: %v", len(got), err)
		}
	})
}
