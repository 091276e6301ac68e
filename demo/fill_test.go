package demo_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/blob"
	"holdfast/channel"
	"holdfast/channel/all"
	"holdfast/demo"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/outbox"
	"holdfast/search"
	"holdfast/setup"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

// room is a desk without channels running: what a fill writes into.
type room struct {
	demo.Deps
	inbox  *inbox.Inbox
	search *search.Index
}

func newRoom(t testing.TB, now time.Time) *room {
	t.Helper()
	return newRoomOn(t, "", now)
}

// newRoomOn is a room on a PostgreSQL database; an empty url is an embedded one.
func newRoomOn(t testing.TB, url string, now time.Time) *room {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	seal, err := store.OpenSealer(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(ctx, store.Options{Dir: dir, URL: url, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	r := &room{inbox: inbox.New(db), search: search.New(db)}
	j := journal.New(db, log, r.inbox, r.search, outbox.Table{})
	if err := j.Open(ctx); err != nil {
		t.Fatal(err)
	}
	changed := func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, what string, id holdfast.ID, action string) error {
		_, err := j.In(tx, workspace, by).Append(id, &holdfast.SetupChanged{What: what, ID: id, Action: action})
		return err
	}
	guard := access.New(db, seal, access.Options{Log: log, Changed: changed, Cost: access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}})
	s := setup.New(db, seal, guard, all.Kinds(), setup.Options{Changed: changed, Validate: func(a channel.Account, k *channel.Kind) error {
		_, err := k.New(a, channel.Env{Log: log, Now: time.Now, Key: make([]byte, 32)})
		return err
	}})
	r.Deps = demo.Deps{DB: db, Journal: j, Guard: guard, Setup: s, Files: blob.NewFiles(blob.NewDisk(dir+"/files"), 0, log), Now: now}
	return r
}

// story is everything that a fill wrote of its own, in the journal's order.
func (r *room) story(t testing.TB) []holdfast.Entry {
	t.Helper()
	var list []holdfast.Entry
	var at holdfast.LSN
	for {
		page, err := r.Journal.After(ctx, at, 5000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return list
		}
		for _, e := range page {
			if e.Origin != r.Journal.Origin() {
				list = append(list, e)
			}
		}
		at = page[len(page)-1].LSN
	}
}

// aThursday is a working day at noon; what is made up must not depend on it.
var aThursday = time.Date(2026, 3, 5, 12, 7, 0, 0, time.UTC)

func TestTheDemoLooksLikeACompany(t *testing.T) {
	for _, now := range []time.Time{aThursday, time.Date(2026, 11, 1, 3, 30, 0, 0, time.UTC)} {
		t.Run(now.Format("Mon 15h"), func(t *testing.T) {
			r := newRoom(t, now)
			began := time.Now()
			res, err := demo.Fill(ctx, r.Deps)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("filled in %s, %d entries", time.Since(began), r.Journal.Head())
			checkStory(t, r, res, now)
			checkOutfit(t, r, res)
			checkLists(t, r, res)
		})
	}
}

func checkStory(t *testing.T, r *room, res demo.Result, now time.Time) {
	type talk struct {
		customer holdfast.ID
		channel  holdfast.ID
		at       time.Time
		messages int
	}
	customers, languages, talks := map[holdfast.ID]bool{}, map[string]int{}, map[holdfast.ID]*talk{}
	queued, sent := map[holdfast.ID]bool{}, map[holdfast.ID]bool{}
	var numbers, files, notes, drafts, bounces, away int
	var texts = map[string]bool{}
	var clock holdfast.Clock
	for i, e := range r.story(t) {
		if e.Workspace != res.Workspace || e.Seq != int64(i+1) || e.Clock <= clock || !e.At.Before(now) || now.Sub(e.At) > 61*24*time.Hour {
			t.Fatalf("entry %d is out of its place: %+v after %d", i, e, clock)
		}
		clock = e.Clock
		switch b := e.Body.(type) {
		case *holdfast.CustomerCreated:
			customers[e.Subject] = true
			languages[b.Language]++
			if b.Name == "" || len(b.Addresses) == 0 {
				t.Errorf("a customer without a name or an address: %+v", b)
			}
		case *holdfast.ConversationOpened:
			if numbers++; b.Number != int64(numbers) || !customers[b.Customer] || talks[e.Subject] != nil {
				t.Fatalf("conversation %d opened as number %d of %s", numbers, b.Number, b.Customer)
			}
			talks[e.Subject] = &talk{customer: b.Customer, channel: b.Channel, at: e.At}
		case *holdfast.MessageReceived:
			c := talks[e.Subject]
			if c == nil || c.customer != b.Customer || c.channel != b.Channel {
				t.Fatalf("message %s belongs to nothing", b.Message)
			}
			c.messages++
			checkText(t, b.Text, b.Attachments)
			texts[b.Text] = true
			files += len(b.Attachments)
		case *holdfast.MessageQueued:
			c := talks[e.Subject]
			if c == nil || c.messages == 0 || b.To.Value == "" {
				t.Fatalf("an answer before any question: %+v", b)
			}
			checkText(t, b.Text, b.Attachments)
			queued[b.Message] = true
			files += len(b.Attachments)
		case *holdfast.MessageSent:
			sent[b.Message] = true
		case *holdfast.MessageNoted:
			notes++
			checkText(t, b.Text, nil)
		case *holdfast.DraftSaved:
			drafts++
		case *holdfast.ArrivalRefused:
			if b.Reason == "bounce" {
				bounces++
				if !queued[b.Message] {
					t.Error("a bounce of nothing")
				}
			} else {
				away++
			}
			f, err := r.Files.Open(ctx, b.Raw)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	if len(customers) != 400 || len(talks) != 600 {
		t.Errorf("%d customers and %d conversations; want 400 and 600", len(customers), len(talks))
	}
	for _, lang := range holdfast.Languages {
		if languages[lang] < 133 || languages[lang] > 134 {
			t.Errorf("%d customers speak %s; a third was wanted", languages[lang], lang)
		}
	}
	if len(queued) < 600 || len(queued) != len(sent) {
		t.Errorf("%d answers, %d of them sent", len(queued), len(sent))
	}
	if len(texts) < 700 {
		t.Errorf("only %d different texts of customers", len(texts))
	}
	for what, n := range map[string]int{"files": files, "notes": notes, "drafts": drafts, "bounces": bounces, "automatic replies": away} {
		if n == 0 {
			t.Errorf("there are no %s", what)
		}
	}
	empty := 0
	for _, c := range talks {
		if c.messages == 0 {
			empty++
		}
	}
	if empty > 0 {
		t.Errorf("%d conversations begin without a message", empty)
	}
}

// checkText fails on what a reader would stumble over.
func checkText(t *testing.T, text string, files []holdfast.Attachment) {
	t.Helper()
	if strings.ContainsAny(text, "{}<>|") || text == "" && len(files) == 0 || strings.TrimSpace(text) != text {
		t.Errorf("a text is not finished: %q", text)
	}
	for _, f := range files {
		if f.Hash == "" || f.Size == 0 || f.ID.IsZero() || f.Type == "image/png" && f.Thumb == "" || f.Type != "image/png" && f.Type != "application/pdf" {
			t.Errorf("a file is not whole: %+v", f)
		}
	}
}

func checkLists(t *testing.T, r *room, res demo.Result) {
	n, err := r.inbox.Counts(ctx, res.Workspace, res.Administrator)
	if err != nil {
		t.Fatal(err)
	}
	for what, in := range map[string][3]int{"open": {n.Open, 50, 75}, "waiting": {n.Waiting, 20, 60}, "snoozed": {n.Snoozed, 10, 16}, "resolved": {n.Resolved, 80, 330},
		"closed": {n.Closed, 150, 420}, "mine": {n.Mine, 4, 40}, "unassigned": {n.Unassigned, 4, 30}, "unread": {n.Unread, 20, 75}} {
		if in[0] < in[1] || in[0] > in[2] {
			t.Errorf("%d conversations are %s; want %d to %d", in[0], what, in[1], in[2])
		}
	}
	if sum := n.Open + n.Waiting + n.Snoozed + n.Resolved + n.Closed; sum != 599 { // two are one
		t.Errorf("the views add up to %d", sum)
	}
	t.Logf("%+v", n)
	items, _, err := r.inbox.List(ctx, res.Workspace, inbox.Filter{View: inbox.OpenView, Asker: res.Administrator, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	langs := map[string]bool{}
	for _, i := range items {
		if i.Customer.Name == "" || i.Preview == "" {
			t.Errorf("an empty line in the list: %+v", i)
		}
		switch r := []rune(i.Customer.Name)[0]; {
		case r < 0x250:
			langs["en"] = true
		case r < 0x530:
			langs["ru"] = true
		default:
			langs["fa"] = true
		}
	}
	if len(langs) != 3 {
		t.Errorf("the open list has only %v", langs)
	}
	var due int
	if err := r.DB.QueryRow(ctx, "SELECT COUNT(*) FROM outbox WHERE state NOT IN ('accepted', 'delivered', 'seen', 'failed')").Scan(&due); err != nil {
		t.Fatal(err)
	}
	if due != 0 {
		t.Errorf("%d answers of the story would be sent to somebody", due)
	}
	for _, q := range []string{"router", "роутер", "مودم", "Ana Petrova"} {
		found, err := r.search.Search(ctx, search.Query{Workspace: res.Workspace, Text: q, Notes: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Messages)+len(found.Customers) == 0 || q == "Ana Petrova" && len(found.Customers) == 0 {
			t.Errorf("nothing is found for %q", q)
		}
	}
	tags, err := r.inbox.Tags(ctx, res.Workspace)
	if err != nil || len(tags) < 10 {
		t.Errorf("%d tags, %v", len(tags), err)
	}
}

func TestTwoFillsTellTheSameStory(t *testing.T) {
	tell := func(change func(*demo.Deps)) []string {
		r := newRoom(t, aThursday)
		change(&r.Deps)
		if _, err := demo.Fill(ctx, r.Deps); err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, e := range r.story(t) {
			e.LSN = 0 // what this node called it
			b, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, string(b))
		}
		return list
	}
	one, two := tell(func(*demo.Deps) {}), tell(func(*demo.Deps) {})
	if len(one) != len(two) {
		t.Fatalf("%d and %d entries", len(one), len(two))
	}
	for i := range one {
		if one[i] != two[i] {
			t.Fatalf("entry %d differs:\n%s\n%s", i, one[i], two[i])
		}
	}
	other := tell(func(d *demo.Deps) { d.Seed = 7 })
	if len(other) == len(one) && strings.Join(other, "") == strings.Join(one, "") {
		t.Error("another seed tells the same story")
	}
}

func TestEachDatabaseHoldsTheSameDemo(t *testing.T) {
	held := func(url string) map[string]int {
		r := newRoomOn(t, url, aThursday)
		res, err := demo.Fill(ctx, r.Deps)
		if err != nil {
			t.Fatal(err)
		}
		checkStory(t, r, res, aThursday)
		checkLists(t, r, res)
		list := map[string]int{}
		for _, table := range []string{"journal", "customer", "address", "conversation", "message", "outbox", "tag", "arrival", "draft", "operator", "member", "team", "team_member", "channel_account", "audit"} {
			var n int
			if err := r.DB.QueryRow(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			list[table] = n
		}
		views, err := r.inbox.Counts(ctx, res.Workspace, res.Administrator)
		if err != nil {
			t.Fatal(err)
		}
		list["open"], list["waiting"], list["snoozed"], list["resolved"], list["closed"] = views.Open, views.Waiting, views.Snoozed, views.Resolved, views.Closed
		list["mine"], list["unassigned"], list["unread"] = views.Mine, views.Unassigned, views.Unread
		return list
	}
	url := storetest.PostgresURL(t)
	one, two := held(""), held(url)
	if one["message"] < 1200 || one["customer"] < 400 {
		t.Errorf("the demo holds only %v", one)
	}
	for what, n := range one {
		if two[what] != n {
			t.Errorf("%s: %d in the embedded database and %d in the other", what, n, two[what])
		}
	}
}

func TestAFillThatWasCutOffIsFinished(t *testing.T) {
	r := newRoom(t, aThursday)
	res, err := demo.Fill(ctx, r.Deps)
	if err != nil {
		t.Fatal(err)
	}
	head := r.Journal.Head()
	again := r.Deps
	again.Workspace, again.Now = res.Workspace, aThursday.Add(time.Hour)
	if second, err := demo.Fill(ctx, again); err != nil || second != res {
		t.Fatal(second, err)
	}
	if r.Journal.Head() != head {
		t.Errorf("finishing a finished fill wrote %d entries", r.Journal.Head()-head)
	}
}

func TestAWorkspaceThatIsNoDemoIsLeftAlone(t *testing.T) {
	r := newRoom(t, aThursday)
	w, err := r.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: "Real", Language: "en", TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	head := r.Journal.Head()
	r.Workspace = w.ID
	if _, err := demo.Fill(ctx, r.Deps); holdfast.CodeOf(err) != "demo.not_a_demo" {
		t.Errorf("a real desk was filled: %v", err)
	}
	if r.Journal.Head() != head {
		t.Error("something was written to it")
	}
}

func BenchmarkFill(b *testing.B) {
	for range b.N {
		r := newRoom(b, aThursday)
		if _, err := demo.Fill(ctx, r.Deps); err != nil {
			b.Fatal(err)
		}
	}
}
