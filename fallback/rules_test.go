package fallback

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/inbox"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

// In whatever order and however often the words come, the latest counts, and a no to
// everything is a no to each purpose until that is said yes to again.
func TestTheLatestWordOnConsentCountsInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := New(Deps{DB: db})
		rapid.Check(t, func(t *rapid.T) {
			ws := holdfast.NewID()
			a := holdfast.Address{Scheme: "tel", Value: "+1555"}
			want := map[holdfast.ConsentPurpose]string{}
			var entries []*holdfast.Entry
			for i := range rapid.IntRange(1, 8).Draw(t, "entries") {
				purpose := rapid.SampledFrom(append([]holdfast.ConsentPurpose{""}, holdfast.ConsentPurposes...)).Draw(t, "purpose")
				var b holdfast.Body = &holdfast.ConsentWithdrawn{Address: a, Purpose: purpose, Via: "message"}
				state := "withdrawn"
				if purpose != "" && rapid.Bool().Draw(t, "yes") {
					b, state = &holdfast.ConsentGiven{Address: a, Purpose: purpose, Via: "operator"}, "given"
				}
				for _, p := range holdfast.ConsentPurposes {
					if purpose == "" || purpose == p {
						want[p] = state
					}
				}
				entries = append(entries, &holdfast.Entry{LSN: holdfast.LSN(i + 1), Origin: holdfast.DeriveID(ws, "origin"), Clock: holdfast.Clock(i+1) << 16,
					At: time.UnixMilli(1_700_000_000_000), Workspace: ws, Subject: ws, Kind: b.EntryKind(), Body: b})
			}
			for _, e := range rapid.Permutation(append(append([]*holdfast.Entry{}, entries...), entries...)).Draw(t, "mixed") {
				if err := db.Write(ctx, func(tx *store.Tx) error { return (Table{}).Apply(tx, e) }); err != nil {
					t.Fatal(err)
				}
			}
			for _, p := range holdfast.ConsentPurposes {
				no, err := f.Refused(ctx, ws, p, []holdfast.Address{a, {Scheme: "tel", Value: "+1666"}})
				if err != nil {
					t.Fatal(err)
				}
				if refused := want[p] == "withdrawn" || p.NeedsYes() && want[p] != "given"; no[0] != refused {
					t.Fatalf("%s: refused %v, the last word is %q", p, no[0], want[p])
				}
				if no[1] != p.NeedsYes() {
					t.Fatalf("%s: somebody who has said nothing: %v", p, no[1])
				}
				if other, err := f.Refused(ctx, holdfast.NewID(), p, []holdfast.Address{a}); err != nil || other[0] != p.NeedsYes() {
					t.Fatalf("another workspace hears of it: %v", err)
				}
			}
		})
	})
}

func TestTheNextWay(t *testing.T) {
	open := func(name, kind, scheme string) way {
		return way{Account: Account{ID: holdfast.DeriveID(holdfast.ID{}, name), Name: name, Kind: kind, Scheme: scheme, Enabled: true}, state: "up"}
	}
	talk, cheap, dear, mail := open("talk", "talk", "visitor"), open("cheap", "sms", "tel"), open("dear", "sms", "tel"), open("mail", "mail", "mailto")
	closed := func(w way) way { w.state = "cut"; return w }
	addresses := []inbox.Address{{Scheme: "tel", Value: "+1", Claimed: true}, {Scheme: "tel", Value: "+2"}, {Scheme: "tel", Value: "+3", Failing: "no such number"}, {Scheme: "mailto", Value: "ana@example.com"}}
	sms, letters := holdfast.Leg{Kind: "sms"}, holdfast.Leg{Channel: mail.ID}
	price := func(id holdfast.ID) (float64, bool) {
		return map[holdfast.ID]float64{cheap.ID: 1, dear.ID: 5}[id], true
	}
	for name, c := range map[string]struct {
		q    question
		want string
	}{
		"the first of the chain":              {question{ways: []way{talk, cheap, mail}}, "cheap +2"},
		"the cheapest of a kind":              {question{ways: []way{dear, cheap, mail}, price: price}, "cheap +2"},
		"not one that is cut":                 {question{ways: []way{closed(cheap), mail}}, "mail ana@example.com"},
		"not the one that it is on":           {question{ways: []way{cheap, mail}, current: cheap.ID}, "mail ana@example.com"},
		"not one that was tried":              {question{ways: []way{cheap, dear, mail}, tried: map[holdfast.ID]bool{cheap.ID: true}}, "dear +2"},
		"not dearer than allowed":             {question{ways: []way{dear, mail}, price: price, chain: &holdfast.ChainSaved{Legs: []holdfast.Leg{{Kind: "sms", MaxPrice: 2}, letters}}}, "mail ana@example.com"},
		"another address where one said no":   {question{ways: []way{cheap, mail}, refused: map[string]bool{"tel:+2": true}}, "cheap +1"},
		"another way where all have said no":  {question{ways: []way{cheap, mail}, refused: map[string]bool{"tel:+2": true, "tel:+1": true}}, "mail ana@example.com"},
		"what the customer prefers":           {question{ways: []way{cheap, mail}, prefers: []string{"mailto"}}, "mail ana@example.com"},
		"a preference opens no way":           {question{ways: []way{cheap, closed(mail)}, prefers: []string{"mailto"}}, "cheap +2"},
		"nothing, where there is none":        {question{ways: []way{talk, closed(cheap), closed(mail)}}, ""},
		"nothing that is not in the chain":    {question{ways: []way{cheap, mail}, chain: &holdfast.ChainSaved{Legs: []holdfast.Leg{{Kind: "talk"}}}}, ""},
		"not by a kind without any addresses": {question{ways: []way{talk, mail}, chain: &holdfast.ChainSaved{Legs: []holdfast.Leg{{Kind: "talk"}, letters}}}, "mail ana@example.com"},
	} {
		q := c.q
		if q.chain == nil {
			q.chain = &holdfast.ChainSaved{Legs: []holdfast.Leg{sms, letters}}
		}
		q.addresses = addresses
		got := ""
		if to, ok := q.next(); ok {
			got = to.way.Name + " " + to.address.Value
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestCustomersAreToldInTheirLanguage(t *testing.T) {
	talk, sms := &Account{Scheme: "visitor"}, &Account{Scheme: "tel"}
	own := &Account{Scheme: "x", Name: "X", Titles: map[string]string{"en": "Messenger", "ru": "Мессенджер", "fa": "پیام‌رسان"}}
	if got := line("en", whyCut, talk, sms); got != "Sent by SMS because the chat cannot be reached" {
		t.Errorf("%q", got)
	}
	for _, lang := range holdfast.Languages {
		for _, why := range []string{whyCut, whyOpen, whyFailed, whyLate} {
			for _, from := range []*Account{talk, own} {
				if got := line(lang, why, from, sms); got == "" || strings.ContainsAny(got, "{}") || lang != "en" && strings.Contains(got, "Sent") {
					t.Errorf("%s %s: %q", lang, why, got)
				}
			}
		}
		if phraseIn(lang).files == "" {
			t.Errorf("%s has no word for files", lang)
		}
	}
}

func TestAChainThatMakesNoSenseIsRefused(t *testing.T) {
	a := Account{ID: holdfast.NewID(), Kind: "sms"}
	for code, c := range map[string]holdfast.ChainSaved{
		"":                    {First: 600, Legs: []holdfast.Leg{{Kind: "sms"}, {Channel: a.ID, Wait: 60}}},
		"chain.leg_unclear":   {Legs: []holdfast.Leg{{}}},
		"channel.missing":     {Legs: []holdfast.Leg{{Channel: holdfast.NewID()}}},
		"chain.leg_twice":     {Legs: []holdfast.Leg{{Kind: "sms"}, {Kind: "sms", Wait: 5}}},
		"chain.wait_invalid":  {First: -1},
		"chain.too_long":      {Legs: make([]holdfast.Leg, 9)},
		"chain.price_invalid": {Legs: []holdfast.Leg{{Kind: "sms", MaxPrice: -1}}},
	} {
		if err := check(c, []Account{a}); holdfast.CodeOf(err) != code && !(code == "" && err == nil) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestOnlyOurLinksOpenAFile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		in := inbox.New(db)
		opened := 0
		f := New(Deps{DB: db, Inbox: in, Log: slog.New(slog.DiscardHandler), Key: []byte(strings.Repeat("k", 32)), PublicURL: "https://desk.example",
			Open: func(context.Context, string) (io.ReadCloser, error) {
				opened++
				return io.NopCloser(strings.NewReader("<script>")), nil
			}})
		ws, message, file := holdfast.NewID(), holdfast.NewID(), holdfast.NewID()
		files := []holdfast.Attachment{{ID: file, Name: "bill.html", Type: "text/html", Size: 8, Hash: "h"}}
		e := &holdfast.Entry{LSN: 1, Origin: holdfast.NewID(), Clock: 1 << 16, At: time.Now(), Workspace: ws, Subject: holdfast.NewID(), Kind: "message.queued",
			Body: &holdfast.MessageQueued{Message: message, Customer: holdfast.NewID(), Text: "x", Attachments: files}}
		if err := db.Write(ctx, func(tx *store.Tx) error { return in.Apply(tx, e) }); err != nil {
			t.Fatal(err)
		}
		said := f.filesLine(ws, message, "en", files)
		name, link, _ := strings.Cut(said, ": ")
		if name != "bill.html" || !strings.HasPrefix(link, "https://desk.example/sent-file/") {
			t.Fatalf("%q", said)
		}
		ask := func(method, path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			f.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			return w
		}
		path := strings.TrimPrefix(link, "https://desk.example")
		w := ask("GET", path)
		if h := w.Header(); w.Code != 200 || w.Body.String() != "<script>" || h.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
			t.Errorf("%d %v", w.Code, h)
		}
		if w := ask("POST", path); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST gives %d", w.Code)
		}
		opened = 0
		old := "/sent-file/" + f.ticket(ws, message, file, time.Now().Add(-time.Minute))
		other := New(Deps{DB: db, Key: []byte(strings.Repeat("x", 32))})
		for _, bad := range []string{"/sent-file/", path[:len(path)-1], path + "A", old, "/sent-file/" + other.ticket(ws, message, file, time.Now().Add(time.Hour)),
			"/sent-file/" + f.ticket(holdfast.NewID(), message, file, time.Now().Add(time.Hour)), "/sent-file/" + f.ticket(ws, message, holdfast.NewID(), time.Now().Add(time.Hour))} {
			if w := ask("GET", bad); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", bad, w.Code)
			}
		}
		if opened != 0 {
			t.Error("a file was opened for a link that is not ours")
		}
		f.PublicURL = ""
		if got := f.filesLine(ws, message, "en", files); got != fmt.Sprint("Files that could not be sent this way: ", "bill.html") {
			t.Errorf("%q", got)
		}
	})
}
