package desktest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
	"holdfast/desktest"
	"holdfast/inbox"
	"holdfast/presets"
)

// who is an operator as the access room sees one.
func who(t *testing.T, d *desktest.Desk, name string, role holdfast.Role) access.Identity {
	t.Helper()
	id := d.Operator(name)
	if role != holdfast.Operator {
		if _, err := d.Guard.SetRole(ctx, access.System(d.Workspace), id, role); err != nil {
			t.Fatal(err)
		}
	}
	return access.Identity{Actor: holdfast.Actor{Kind: holdfast.ActorOperator, ID: id}, Operator: id, Workspace: d.Workspace, Role: role, Name: name, Language: "en"}
}

func wants(t *testing.T, err error, kind holdfast.Kind, code string) {
	t.Helper()
	if holdfast.KindOf(err) != kind || holdfast.CodeOf(err) != code {
		t.Errorf("got %v, want %s %s", err, kind, code)
	}
}

func titles(list []presets.Canned) (s []string) {
	for _, c := range list {
		s = append(s, c.Title)
	}
	return s
}

func TestCannedRepliesAreSeenByWhomTheyAreFor(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		joe, ann, boss := who(t, d, "Joe", holdfast.Operator), who(t, d, "Ann", holdfast.Operator), who(t, d, "Boss", holdfast.Supervisor)
		team, err := d.Guard.CreateTeam(ctx, access.System(d.Workspace), holdfast.NewID(), "Sales")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Guard.AddToTeam(ctx, access.System(d.Workspace), team.ID, joe.Operator); err != nil {
			t.Fatal(err)
		}
		reply := func(title string, o holdfast.Owner) holdfast.CannedSaved {
			return holdfast.CannedSaved{Title: title, Owner: o, Texts: map[string]string{"any": "Hello {{customer.first_name|friend}}"}}
		}
		screen, err := d.Hub.Join(ctx, d.Workspace, ann.Operator, 0)
		if err != nil {
			t.Fatal(err)
		}
		own, teams, all := holdfast.NewID(), holdfast.NewID(), holdfast.NewID()
		if _, err := d.Presets.SaveCanned(ctx, joe, own, reply("Own", holdfast.Owner{Operator: joe.Operator})); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Presets.SaveCanned(ctx, joe, teams, reply("Team", holdfast.Owner{Team: team.ID})); err != nil {
			t.Fatal(err)
		}
		_, err = d.Presets.SaveCanned(ctx, joe, all, reply("All", holdfast.Owner{}))
		wants(t, err, holdfast.Forbidden, "permission.missing")
		if _, err := d.Presets.SaveCanned(ctx, boss, all, reply("All", holdfast.Owner{})); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			by   access.Identity
			want []string
		}{{joe, []string{"All", "Own", "Team"}}, {ann, []string{"All"}}, {boss, []string{"All", "Team"}}} {
			if list, err := d.Presets.CannedReplies(ctx, c.by); err != nil || !slices.Equal(titles(list), c.want) {
				t.Errorf("%s sees %q %v, want %q", c.by.Name, titles(list), err, c.want)
			}
		}
		// Screens hear that there is one, and not what it says.
		d.Wait(0)
		told := 0
		for len(screen.Frames()) > 0 {
			f := string(<-screen.Frames())
			if strings.Contains(f, "canned.saved") {
				told++
			}
			if strings.Contains(f, "friend") || strings.Contains(f, `"Own"`) {
				t.Errorf("Ann's screen is sent %s", f)
			}
		}
		if told != 3 {
			t.Errorf("Ann's screen is told of %d", told)
		}
		d.Hub.Leave(screen)
		// What must not happen: changing or removing what is another's.
		_, err = d.Presets.SaveCanned(ctx, ann, own, reply("Mine now", holdfast.Owner{Operator: ann.Operator}))
		wants(t, err, holdfast.NotFound, "canned.missing")
		wants(t, d.Presets.RemoveCanned(ctx, boss, own), holdfast.NotFound, "canned.missing")
		wants(t, d.Presets.RemoveCanned(ctx, ann, all), holdfast.Forbidden, "permission.missing")
		_, err = d.Presets.SaveCanned(ctx, ann, teams, reply("x", holdfast.Owner{Operator: ann.Operator}))
		wants(t, err, holdfast.NotFound, "canned.missing")
		stranger := boss
		stranger.Workspace = holdfast.NewID()
		if _, err := d.Presets.CannedReply(ctx, stranger, all); err == nil {
			t.Error("another workspace reads a canned reply")
		}
		// Saving the same again writes nothing; removing takes it away for good.
		head := d.Journal.Head()
		if _, err := d.Presets.SaveCanned(ctx, boss, all, reply("All", holdfast.Owner{})); err != nil || d.Journal.Head() != head {
			t.Errorf("the same again wrote %d entries, %v", d.Journal.Head()-head, err)
		}
		if err := d.Presets.RemoveCanned(ctx, boss, all); err != nil {
			t.Fatal(err)
		}
		if list, _ := d.Presets.CannedReplies(ctx, ann); len(list) != 0 {
			t.Errorf("it is still there: %q", titles(list))
		}
		rows, err := d.Guard.Audit(ctx, d.Workspace, 0, 100)
		if err != nil || !slices.ContainsFunc(rows, func(r access.AuditRow) bool { return r.Action == "canned.removed" && r.Subject == all }) {
			t.Errorf("the audit does not know the removal: %v", err)
		}
		if slices.ContainsFunc(rows, func(r access.AuditRow) bool { return r.Subject == own }) {
			t.Error("the audit tells of somebody's own")
		}
		if err := d.Journal.Rebuild(ctx, "presets", nil); err != nil {
			t.Fatal(err)
		}
		if list, err := d.Presets.CannedReplies(ctx, joe); err != nil || !slices.Equal(titles(list), []string{"Own", "Team"}) {
			t.Errorf("after a rebuild Joe sees %q %v", titles(list), err)
		}
		d.Saw("canned.saved", "canned.removed")
	})
}

func TestAMacroIsDoneWholeAndOnce(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Where is my order?")
		c := ana.Conversation()
		by := d.By("Joe")
		by.Command = holdfast.NewID()
		actions := []holdfast.Action{
			{Do: holdfast.DoReply, Text: "It is on its way.", Then: holdfast.Waiting}, {Do: holdfast.DoNote, Text: "told her"},
			{Do: holdfast.DoTag, Tag: "delivery"}, {Do: holdfast.DoPriority, Priority: holdfast.High}, {Do: holdfast.DoAssign, Me: true}, {Do: holdfast.DoSnooze, Minutes: 60},
		}
		for range 2 { // the answer to the first was lost
			if err := d.App.Desk.Act(ctx, by, c.ID, actions, 0); err != nil {
				t.Fatal(err)
			}
		}
		d.Wait(0)
		ana.HasReceived("It is on its way.")
		if got := ana.Messages(); !slices.Equal(got, []string{"in: Where is my order?", "out: It is on its way.", "note: told her"}) {
			t.Errorf("operators see %q", got)
		}
		c = ana.Conversation()
		if c.State != holdfast.Snoozed || c.Priority != holdfast.High || c.Operator != by.Operator || !slices.Equal(c.Tags, []string{"delivery"}) {
			t.Errorf("the conversation is %+v", c.Item)
		}

		// One step that cannot be done, and none is.
		by.Command = holdfast.NewID()
		if err := d.App.Desk.SetStatus(ctx, d.By("Joe"), c.ID, holdfast.Closed, time.Time{}); err != nil {
			t.Fatal(err)
		}
		err := d.App.Desk.Act(ctx, by, c.ID, []holdfast.Action{{Do: holdfast.DoTag, Tag: "half"}, {Do: holdfast.DoReply, Text: "again"}}, 0)
		wants(t, err, holdfast.Conflict, "conversation.closed")
		d.Wait(time.Minute)
		ana.HasReceived("It is on its way.")
		if c := ana.Conversation(); slices.Contains(c.Tags, "half") {
			t.Error("half of a macro was done")
		}
	})
}

func TestAWithdrawnReplyNeverGoes(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		c := ana.Conversation()
		send := func(who, text string, undo time.Duration) *inbox.Message {
			m, err := d.App.Desk.Reply(ctx, d.By(who), c.ID, desk.Reply{ID: holdfast.NewID(), Text: text, Then: holdfast.Resolved, Undo: undo})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		oops := send("Joe", "You are an idiot", 10*time.Second)
		d.Wait(9 * time.Second)
		ana.HasReceived()
		_, err := d.App.Desk.Withdraw(ctx, d.By("Ann"), oops.ID)
		wants(t, err, holdfast.Forbidden, "outbox.not_yours")
		m, err := d.App.Desk.Withdraw(ctx, d.By("Joe"), oops.ID)
		if err != nil || m.Delivery.State != holdfast.Cancelled {
			t.Fatalf("%+v %v", m, err)
		}
		if _, err := d.App.Desk.Withdraw(ctx, d.By("Joe"), oops.ID); err != nil {
			t.Errorf("taking it back twice: %v", err)
		}
		d.Wait(5 * time.Minute)
		ana.HasReceived()
		got, err := d.Inbox.Conversation(ctx, d.Workspace, c.ID, d.Operator("Joe"))
		if err != nil {
			t.Fatal(err)
		}
		if got.State != holdfast.Open || got.Preview != "Hello" || !got.FirstReplyAt.IsZero() || got.Draft == nil || got.Draft.Text != "You are an idiot" {
			t.Errorf("after the withdrawal it is %+v, draft %+v", got.Item, got.Draft)
		}

		// Order is kept: what is not held back waits for what is.
		first := send("Joe", "First", 10*time.Second)
		send("Ann", "Second", 0)
		d.Wait(5 * time.Second)
		ana.HasReceived()
		d.Wait(10 * time.Second)
		ana.HasReceived("First", "Second")
		_, err = d.App.Desk.Withdraw(ctx, d.By("Joe"), first.ID)
		wants(t, err, holdfast.Conflict, "outbox.too_late")
		// Put off for longer than a message otherwise waits, it is not given up before it is due.
		later := d.Inbox.Now().Add(7 * 24 * time.Hour)
		put, err := d.App.Desk.Reply(ctx, d.By("Joe"), c.ID, desk.Reply{ID: holdfast.NewID(), Text: "Next week", NotBefore: later})
		if err != nil {
			t.Fatal(err)
		}
		var due, expires time.Time
		if err := d.DB.QueryRow(ctx, "SELECT due_at, expires_at FROM outbox WHERE message = $1", put.ID).Scan(&due, &expires); err != nil || !due.Equal(later) || !expires.After(due.Add(time.Hour)) {
			t.Errorf("it is due %v and expires %v, %v", due, expires, err)
		}
		d.Wait(time.Minute)
		ana.HasReceived("First", "Second")
		if err := d.Journal.Rebuild(ctx, "inbox", nil); err != nil {
			t.Fatal(err)
		}
		again, err := d.Inbox.Conversation(ctx, d.Workspace, c.ID, d.Operator("Joe"))
		if err != nil || again.Preview != "Next week" || again.FirstReplyAt.IsZero() || !again.FirstReplyAt.After(got.OpenedAt) {
			t.Errorf("after a rebuild it is %+v %v", again.Item, err)
		}
	})
}

func TestAReplyOnTopOfWhatItsAuthorHasNotSeenIsAskedAbout(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		c := ana.Conversation()
		seen := d.Journal.Head()
		d.Replies("Ann", ana, "We are on it.")
		ana.Writes("2", "Never mind")
		r := desk.Reply{ID: holdfast.NewID(), Text: "What is it?", Seen: seen}
		_, err := d.App.Desk.Reply(ctx, d.By("Joe"), c.ID, r)
		wants(t, err, holdfast.Conflict, "conversation.changed")
		var changed *desk.Changed
		if !errors.As(err, &changed) || len(changed.Since) != 2 || changed.Since[0].Text != "We are on it." || changed.Since[1].Text != "Never mind" {
			t.Errorf("what changed: %+v", changed)
		}
		d.Wait(time.Minute)
		ana.HasReceived("We are on it.")
		// One's own replies and notes are no news.
		if _, err := d.App.Desk.Note(ctx, d.By("Ann"), c.ID, desk.NoteIn{ID: holdfast.NewID(), Text: "a note"}); err != nil {
			t.Fatal(err)
		}
		seen = d.Journal.Head()
		if _, err := d.App.Desk.Reply(ctx, d.By("Joe"), c.ID, desk.Reply{ID: holdfast.NewID(), Text: "One", Seen: seen}); err != nil {
			t.Error(err)
		}
		if _, err := d.App.Desk.Reply(ctx, d.By("Joe"), c.ID, desk.Reply{ID: holdfast.NewID(), Text: "Two", Seen: seen}); err != nil {
			t.Errorf("one's own reply counts as somebody else's: %v", err)
		}
		r.Anyway = true
		if _, err := d.App.Desk.Reply(ctx, d.By("Joe"), c.ID, r); err != nil {
			t.Error(err)
		}
		d.Wait(time.Minute)
		ana.HasReceived("We are on it.", "One", "Two", "What is it?")
	})
}

func TestViewsFindWhatTheySay(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		number := map[int64]string{}
		begin := func(name, text string) *inbox.Conversation {
			d.Contact(name).Writes("1", text)
			c := d.Contact(name).Conversation()
			number[c.Number] = name
			d.Wait(time.Hour)
			return c
		}
		a, b, c := begin("ana", "one"), begin("bob", "two"), begin("cyd", "three")
		joe := d.By("Joe")
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(d.App.Desk.Assign(ctx, joe, a.ID, joe.Operator, holdfast.ID{}))
		must(d.App.Desk.SetPriority(ctx, joe, b.ID, holdfast.Urgent))
		must(d.App.Desk.Tag(ctx, joe, b.ID, "vip"))
		must(d.App.Desk.SetSubject(ctx, joe, c.ID, "Счёт за Ёлку 100%"))
		must(d.App.Desk.SetStatus(ctx, joe, c.ID, holdfast.Resolved, time.Time{}))
		must(d.App.Desk.Read(ctx, joe, c.ID, 0, false))
		_, err := d.App.Desk.Note(ctx, d.By("Ann"), c.ID, desk.NoteIn{ID: holdfast.NewID(), Text: "@Joe look", Mentions: []holdfast.ID{joe.Operator}})
		must(err)
		asker := inbox.Asker{Operator: joe.Operator, Now: d.Inbox.Now()}
		find := func(f holdfast.ViewFilter, limit int) (names []string) {
			t.Helper()
			for cursor := ""; ; {
				list, next, err := d.Inbox.ListView(ctx, d.Workspace, f, asker, cursor, limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range list {
					names = append(names, number[i.Number])
				}
				if cursor = next; cursor == "" {
					return names
				}
			}
		}
		one := func(field holdfast.Field, test holdfast.Test, values ...string) holdfast.ViewFilter {
			return holdfast.ViewFilter{Conditions: []holdfast.Condition{{Field: field, Test: test, Values: values}}}
		}
		filters, want := []holdfast.ViewFilter{}, []string{}
		for _, v := range []struct {
			f    holdfast.ViewFilter
			want string
		}{
			{holdfast.ViewFilter{}, "cyd bob ana"},
			{holdfast.ViewFilter{Order: holdfast.OldestFirst}, "ana bob cyd"},
			{holdfast.ViewFilter{Order: holdfast.NewestFirst}, "cyd bob ana"},
			{holdfast.ViewFilter{Order: holdfast.PriorityFirst}, "bob cyd ana"},
			{one(holdfast.ByState, holdfast.Is, "open", "waiting"), "bob ana"},
			{one(holdfast.ByState, holdfast.IsNot, "open"), "cyd"},
			{one(holdfast.ByAssignee, holdfast.Is, "me"), "ana"},
			{one(holdfast.ByAssignee, holdfast.IsNot, "me"), "cyd bob"},
			{one(holdfast.ByAssignee, holdfast.Is, "me", "nobody"), "cyd bob ana"},
			{one(holdfast.ByTeam, holdfast.Is, "mine"), ""},
			{one(holdfast.ByTeam, holdfast.Is, "none"), "cyd bob ana"},
			{one(holdfast.ByChannel, holdfast.Is, d.Account.String()), "cyd bob ana"},
			{one(holdfast.ByTag, holdfast.Is, "vip"), "bob"},
			{one(holdfast.ByTag, holdfast.IsNot, "vip"), "cyd ana"},
			{one(holdfast.ByPriority, holdfast.AtLeast, "2"), "bob"},
			{one(holdfast.ByPriority, holdfast.IsNot, "3"), "cyd ana"},
			{one(holdfast.ByCustomer, holdfast.Is, b.Customer.ID.String()), "bob"},
			{one(holdfast.BySubject, holdfast.Has, "елк"), "cyd"},
			{one(holdfast.BySubject, holdfast.Has, "100%"), "cyd"},
			{one(holdfast.BySubject, holdfast.Has, "1_0"), ""},
			{one(holdfast.BySubject, holdfast.Has, "' OR 1=1 --"), ""},
			{one(holdfast.ByLanguage, holdfast.IsNot, "fa"), "cyd bob ana"},
			{one(holdfast.ByUnread, holdfast.Is, "yes"), "bob ana"},
			{one(holdfast.ByUnread, holdfast.Is, "no"), "cyd"},
			{one(holdfast.ByMention, holdfast.Is, "me"), "cyd"},
			{one(holdfast.ByMention, holdfast.Is, "unread"), "cyd"},
			{one(holdfast.ByOpened, holdfast.After, "-90m"), "cyd"},
			{one(holdfast.ByActivity, holdfast.Before, "-90m"), "bob ana"},
			{holdfast.ViewFilter{Match: holdfast.MatchAny, Conditions: []holdfast.Condition{
				{Field: holdfast.ByTag, Test: holdfast.Is, Values: []string{"vip"}}, {Field: holdfast.ByAssignee, Test: holdfast.Is, Values: []string{"me"}}}}, "bob ana"},
			{holdfast.ViewFilter{Conditions: []holdfast.Condition{
				{Field: holdfast.ByTag, Test: holdfast.Is, Values: []string{"vip"}}, {Field: holdfast.ByAssignee, Test: holdfast.Is, Values: []string{"me"}}}}, ""},
		} {
			for _, limit := range []int{1, 50} {
				if got := strings.Join(find(v.f, limit), " "); got != v.want {
					t.Errorf("%+v by %d finds %q, want %q", v.f, limit, got, v.want)
				}
			}
			filters, want = append(filters, v.f), append(want, v.want)
		}
		counts, partial, err := d.Inbox.CountViews(ctx, d.Workspace, filters, asker)
		must(err)
		for i := range counts {
			if counts[i] != len(strings.Fields(want[i])) || partial[i] {
				t.Errorf("%+v counts %d, want %q", filters[i], counts[i], want[i])
			}
		}
		if n, err := d.Inbox.Counts(ctx, d.Workspace, joe.Operator); err != nil || n.Mentions != 1 {
			t.Errorf("unread mentions: %d %v", n.Mentions, err)
		}
		must(d.App.Desk.Read(ctx, joe, c.ID, 0, false))
		if n, err := d.Inbox.Counts(ctx, d.Workspace, joe.Operator); err != nil || n.Mentions != 0 {
			t.Errorf("unread mentions after reading: %d %v", n.Mentions, err)
		}
		if list, _, err := d.Inbox.List(ctx, d.Workspace, inbox.Filter{View: inbox.Mentions, Asker: joe.Operator}); err != nil || len(list) != 1 {
			t.Errorf("mentions: %d %v", len(list), err)
		}
		if list, _, err := d.Inbox.ListView(ctx, holdfast.NewID(), holdfast.ViewFilter{}, asker, "", 50); err != nil || len(list) != 0 {
			t.Errorf("another workspace sees %d, %v", len(list), err)
		}
	})
}
