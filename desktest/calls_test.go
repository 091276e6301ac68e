package desktest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/status"
)

func (d *Desk) identity(name string) access.Identity {
	by := d.By(name)
	return access.Identity{Workspace: d.Workspace, Operator: by.Operator, Actor: by.Actor, Role: holdfast.Operator, Language: "en"}
}

// Three customers with a number and one without are handed to Joe and Ann in turn; each
// is told, works through their own, and what is said of a call is there once.
func TestAPlanHandsOutWhomToCall(t *testing.T) {
	onBoth(t, func(t *testing.T, d *Desk, _ *telephone) {
		joe, ann := d.identity("joe"), d.identity("ann")
		for i, name := range []string{"first", "second", "third", "mute"} {
			c := d.Contact(name)
			c.Writes("1", "My line is dead, says "+name)
			if name != "mute" {
				c.has("+7999000112" + string(rune('0'+i)))
			}
			d.Wait(time.Hour) // whoever waited longest comes first
		}
		by := access.System(d.Workspace)
		plan, run := holdfast.NewID(), holdfast.NewID()
		_, err := d.Plans.Save(t.Context(), by, plan, holdfast.Plan{Name: "No internet", Trigger: holdfast.PlanTrigger{On: holdfast.OnHand},
			Roles: []holdfast.PlanRole{{Key: "a", Name: "A", Operator: joe.Operator}, {Key: "b", Name: "B", Operator: ann.Operator}},
			Steps: []holdfast.PlanStep{{Key: "lists", Name: "Call them", Do: holdfast.DeedLists, Roles: []string{"a", "b"}}}, Recovery: []holdfast.PlanStep{{Key: "wait", Name: "Wait", Do: holdfast.DeedWait, Seconds: 1}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Plans.Start(t.Context(), by, plan, run, true); err != nil { // a drill first
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		if l, err := d.Calls.Lists(t.Context(), d.Workspace, joe.Operator); err != nil || len(l) != 0 {
			t.Fatalf("a drill hands out customers: %+v %v", l, err)
		}
		run = holdfast.NewID()
		if _, err := d.Plans.Start(t.Context(), by, plan, run, false); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		own := func(by access.Identity) (names []string, done int) {
			lists, err := d.Calls.Lists(t.Context(), d.Workspace, by.Operator)
			if err != nil || len(lists) != 1 {
				t.Fatalf("%+v %v", lists, err)
			}
			for _, c := range lists[0].Calls {
				names = append(names, c.Matters[0].Subject)
				if len(c.Numbers) != 1 {
					t.Errorf("%+v has no number", c)
				}
			}
			for _, p := range lists[0].People {
				done += p.Done
			}
			return names, done
		}
		if got, _ := own(joe); len(got) != 2 || got[0] != "My line is dead, says first" || got[1] != "My line is dead, says third" {
			t.Errorf("Joe calls %q", got)
		}
		if got, _ := own(ann); len(got) != 1 || got[0] != "My line is dead, says second" {
			t.Errorf("Ann calls %q", got)
		}
		if alerts, err := d.Plans.Alerts(t.Context(), ann); err != nil || len(alerts) == 0 || alerts[0].Run != run {
			t.Errorf("Ann is told: %+v %v", alerts, err)
		}
		lists, err := d.Calls.Lists(t.Context(), d.Workspace, ann.Operator)
		if err != nil {
			t.Fatal(err)
		}
		list, customer := lists[0].ID, lists[0].Calls[0].Customer
		for range 2 {
			if err := d.Calls.Made(t.Context(), ann, list, customer, holdfast.CallReached, "A technician comes at noon."); err != nil {
				t.Fatal(err)
			}
		}
		notes := 0
		said, _, err := d.Inbox.Messages(t.Context(), d.Workspace, d.Contact("second").Conversation().ID, 0, 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said {
			if m.Direction == holdfast.Note && m.Text == "A technician comes at noon." {
				notes++
			}
		}
		if _, done := own(ann); done != 1 || notes != 1 {
			t.Errorf("%d calls are done, with %d notes", done, notes)
		}
		other := ann
		other.Workspace = holdfast.NewID()
		if err := d.Calls.Made(t.Context(), other, list, customer, holdfast.CallReached, ""); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another workspace's call: %v", err)
		}
		if _, err := d.Plans.Answer(t.Context(), by, run, "lists", false, "undo"); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Second)
		if l, err := d.Calls.Lists(t.Context(), d.Workspace, joe.Operator); err != nil || len(l) != 0 {
			t.Errorf("taken back and still there: %+v %v", l, err)
		}
		if err := d.Calls.Made(t.Context(), ann, list, customer, holdfast.CallNoAnswer, ""); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("a call of a list that was taken back: %v", err)
		}
	})
}

// What a plan raises is read in the console, in the chat, on the status page and on the
// board of a shop, and nowhere any more once it recovers.
func TestAPlansBannerIsReadEverywhereAndLowered(t *testing.T) {
	Run(t, Options{}, func(t *testing.T, d *Desk) {
		by := access.System(d.Workspace)
		if err := d.Status.SetSettings(t.Context(), by, status.Page{Open: true, Slug: "shop", Board: true}); err != nil {
			t.Fatal(err)
		}
		full := func(s string) map[string]string { return map[string]string{"en": s, "ru": s, "fa": s} }
		plan, run := holdfast.NewID(), holdfast.NewID()
		_, err := d.Plans.Save(t.Context(), by, plan, holdfast.Plan{Name: "No internet", Trigger: holdfast.PlanTrigger{On: holdfast.OnHand},
			Steps:    []holdfast.PlanStep{{Key: "banner", Name: "Say so", Do: holdfast.DeedBanner, Text: "b", Places: []string{"console", "widget", "status", "board"}}},
			Recovery: []holdfast.PlanStep{{Key: "lower", Name: "Over", Do: holdfast.DeedLower}},
			Texts:    []holdfast.PlanText{{Key: "b", Texts: full("Our line is cut. {{affected}} {{works}} {{next}}")}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Plans.Start(t.Context(), by, plan, run, false); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		page, err := d.Status.Settings(t.Context(), d.Workspace)
		if err != nil {
			t.Fatal(err)
		}
		board, err := url.Parse(d.Status.BoardURL(d.Workspace, page))
		if err != nil {
			t.Fatal(err)
		}
		get := func(path string, h http.Handler) string {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			return w.Body.String()
		}
		for _, raised := range []bool{true, false} {
			if !raised {
				if _, err := d.Plans.Recover(t.Context(), by, run); err != nil {
					t.Fatal(err)
				}
				d.Wait(time.Minute)
			}
			banners, err := d.Status.Banners(t.Context(), d.Workspace, time.Now())
			if err != nil || slices.ContainsFunc(banners, func(b status.Banner) bool { return slices.Contains(b.Audiences, holdfast.InConsole) }) != raised {
				t.Errorf("raised %v, the console reads %+v %v", raised, banners, err)
			}
			if chat, err := d.Status.In(t.Context(), d.Workspace, holdfast.InWidget); err != nil || (len(chat) == 1) != raised {
				t.Errorf("raised %v, the chat reads %v %v", raised, chat, err)
			}
			if got := get("/status/shop?lang=en", d.Status); strings.Contains(got, "Our line is cut.") != raised {
				t.Errorf("raised %v, the status page reads %.300s", raised, got)
			}
			if got := get(board.Path+"?lang=en", http.HandlerFunc(d.Status.Board)); strings.Contains(got, "Our line is cut.") != raised || !strings.Contains(got, "<html") {
				t.Errorf("raised %v, the board reads %.300s", raised, got)
			}
		}
	})
}
