package desktest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/desk"
	"holdfast/desktest"
	"holdfast/inbox"
)

// talk is what a conversation shows, oldest first.
func talk(t *testing.T, d *desktest.Desk, id holdfast.ID) string {
	t.Helper()
	list, _, err := d.Inbox.Messages(ctx, d.Workspace, id, 0, 200)
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, m := range list {
		s = append(s, m.Text)
	}
	return strings.Join(s, " | ")
}

// twice gives a customer with two conversations: the first closed, so that the
// second begins, and then open again. The one with the smaller id comes first.
func twice(t *testing.T, d *desktest.Desk) (ana *desktest.Contact, stays, goes *inbox.Conversation) {
	t.Helper()
	ana = d.Contact("ana@example.com")
	ana.Writes("1", "one")
	first := ana.Conversation()
	if err := d.App.Desk.SetStatus(ctx, d.By("Joe"), first.ID, holdfast.Closed, time.Time{}); err != nil {
		t.Fatal(err)
	}
	d.Wait(time.Minute)
	ana.Writes("2", "two")
	second := ana.Conversation()
	if first.ID == second.ID {
		t.Fatal("there is only one conversation")
	}
	if err := d.App.Desk.SetStatus(ctx, d.By("Joe"), first.ID, holdfast.Resolved, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if slices.Compare(first.ID[:], second.ID[:]) > 0 {
		first, second = second, first
	}
	return ana, first, second
}

func TestMergedConversationsAreOneUntilTheyAreNot(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana, first, second := twice(t, d)
		if err := d.App.Desk.Tag(ctx, d.By("Joe"), second.ID, "vip"); err != nil {
			t.Fatal(err)
		}
		merged, err := d.App.Desk.Merge(ctx, d.By("Joe"), second.ID, first.ID)
		if err != nil {
			t.Fatal(err)
		}
		if merged.ID != first.ID || merged.State != holdfast.Open || !slices.Equal(merged.Merged, []holdfast.ID{second.ID}) || !slices.Equal(merged.Tags, []string{"vip"}) || merged.Preview != "two" {
			t.Errorf("merged it is %+v of %v", merged.Item, merged.Merged)
		}
		head := d.Journal.Head()
		if _, err := d.App.Desk.Merge(ctx, d.By("Joe"), first.ID, second.ID); err != nil || d.Journal.Head() != head {
			t.Errorf("merging again wrote something: %v", err)
		}
		if list := ana.Conversations(); len(list) != 1 || list[0].ID != first.ID || !list[0].Unread {
			t.Errorf("lists show %+v", list)
		}
		if got := talk(t, d, first.ID); got != "one | two" {
			t.Errorf("it shows %q", got)
		}
		// What comes in and what is said through the old id go to the one that stays.
		d.Wait(time.Minute)
		ana.Writes("3", "three")
		if _, err := d.App.Desk.Reply(ctx, d.By("Joe"), second.ID, desk.Reply{ID: holdfast.NewID(), Text: "answer", Then: holdfast.Waiting}); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		ana.HasReceived("answer")
		if got := talk(t, d, first.ID); got != "one | two | three | answer" {
			t.Errorf("it shows %q", got)
		}
		if n, err := d.Inbox.Counts(ctx, d.Workspace, d.Operator("Joe")); err != nil || n.Waiting != 1 || n.Open != 0 {
			t.Errorf("counts %+v %v", n, err)
		}
		bob := d.Contact("bob@example.com")
		bob.Writes("1", "hi")
		_, err = d.App.Desk.Merge(ctx, d.By("Joe"), first.ID, bob.Conversation().ID)
		wants(t, err, holdfast.Conflict, "conversation.other_customer")
		_, err = d.App.Desk.Merge(ctx, d.By("Joe"), first.ID, first.ID)
		wants(t, err, holdfast.Invalid, "conversation.merge_itself")

		back, err := d.App.Desk.Unmerge(ctx, d.By("Joe"), second.ID)
		if err != nil || back.ID != second.ID || back.Preview != second.Preview || len(ana.Conversations()) != 2 {
			t.Errorf("unmerged it is %+v %v", back, err)
		}
		if got := talk(t, d, first.ID) + " / " + talk(t, d, second.ID); got != first.Preview+" | three | answer / "+second.Preview {
			t.Errorf("they show %q", got)
		}
		_, err = d.App.Desk.Unmerge(ctx, d.By("Joe"), second.ID)
		wants(t, err, holdfast.Conflict, "conversation.not_merged")
		if err := d.Journal.Rebuild(ctx, "inbox", nil); err != nil {
			t.Fatal(err)
		}
		if got := talk(t, d, first.ID) + " / " + talk(t, d, second.ID); got != first.Preview+" | three | answer / "+second.Preview {
			t.Errorf("after a rebuild they show %q", got)
		}
	})
}

func TestASplitTakesMessagesToTheirOwnConversation(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		first := ana.Writes("1", "the invoice is wrong")
		d.Wait(time.Minute)
		ana.Writes("2", "and the router blinks")
		c := ana.Conversation()
		second, _, err := d.Inbox.Messages(ctx, d.Workspace, c.ID, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.App.Desk.Split(ctx, d.By("Joe"), c.ID, desk.Split{ID: holdfast.NewID(), Messages: []holdfast.ID{first.Message, second[0].ID}})
		wants(t, err, holdfast.Conflict, "split.all")
		s := desk.Split{ID: holdfast.NewID(), Messages: []holdfast.ID{second[0].ID}, Subject: "Router"}
		for range 2 {
			if _, err := d.App.Desk.Split(ctx, d.By("Joe"), c.ID, s); err != nil {
				t.Fatal(err)
			}
		}
		old, err := d.Inbox.Conversation(ctx, d.Workspace, c.ID, holdfast.ID{})
		if err != nil || old.Preview != "the invoice is wrong" || talk(t, d, c.ID) != "the invoice is wrong" {
			t.Errorf("the old one is %+v %v", old.Item, err)
		}
		fresh, err := d.Inbox.Conversation(ctx, d.Workspace, s.ID, holdfast.ID{})
		if err != nil || fresh.Preview != "and the router blinks" || fresh.Subject != "Router" || fresh.State != holdfast.Open || fresh.Customer.ID != c.Customer.ID || fresh.Number == c.Number {
			t.Errorf("the new one is %+v %v", fresh.Item, err)
		}
		if _, err := d.App.Desk.Reply(ctx, d.By("Joe"), s.ID, desk.Reply{ID: holdfast.NewID(), Text: "Turn it off and on"}); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		ana.HasReceived("Turn it off and on")
		// and back again
		if _, err := d.App.Desk.Split(ctx, d.By("Joe"), s.ID, desk.Split{ID: c.ID, Messages: []holdfast.ID{second[0].ID}}); err != nil {
			t.Fatal(err)
		}
		if got := talk(t, d, c.ID); got != "the invoice is wrong | and the router blinks" {
			t.Errorf("put back it shows %q", got)
		}
		bob := d.Contact("bob@example.com")
		bob.Writes("1", "hi")
		_, err = d.App.Desk.Split(ctx, d.By("Joe"), c.ID, desk.Split{ID: bob.Conversation().ID, Messages: []holdfast.ID{first.Message}})
		wants(t, err, holdfast.Conflict, "conversation.other_customer")
		if err := d.Journal.Rebuild(ctx, "inbox", nil); err != nil {
			t.Fatal(err)
		}
		if got := talk(t, d, c.ID) + " / " + talk(t, d, s.ID); got != "the invoice is wrong | and the router blinks / Turn it off and on" {
			t.Errorf("after a rebuild they show %q", got)
		}
	})
}

func TestAForwardedMessageGoesToSomebodyElseAndIsNoReply(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		in := ana.Writes("1", "My router is broken")
		c := ana.Conversation()
		f := desk.Forward{ID: holdfast.NewID(), To: holdfast.Address{Scheme: "loop", Value: "repair@shop.example"}, Text: "Can you look?", Language: "en"}
		m, err := d.App.Desk.Forward(ctx, d.By("Joe"), in.Message, f)
		if err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		ana.HasReceived() // she is not told what we say about her
		got := d.Loop.Received("repair@shop.example")
		if len(got) != 1 || !strings.HasPrefix(got[0].Text, "Can you look?\n\n---------- Forwarded message ----------\nFrom: ana@example.com\nDate: ") || !strings.HasSuffix(got[0].Text, "\n\nMy router is broken") {
			t.Errorf("the shop has received %+v", got)
		}
		if m.Forwarded != in.Message || m.Conversation != c.ID {
			t.Errorf("it is stored as %+v", m)
		}
		after := ana.Conversation()
		if !after.FirstReplyAt.IsZero() || !after.Operator.IsZero() {
			t.Errorf("a forwarded message counts as a reply: %+v", after.Item)
		}
		note, err := d.App.Desk.Note(ctx, d.By("Joe"), c.ID, desk.NoteIn{ID: holdfast.NewID(), Text: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		f.ID = holdfast.NewID()
		_, err = d.App.Desk.Forward(ctx, d.By("Joe"), note.ID, f)
		wants(t, err, holdfast.Invalid, "forward.note")
		// A reply goes to the customer still.
		d.Replies("Joe", ana, "We have asked the shop.")
		ana.HasReceived("We have asked the shop.")
		_, err = d.App.Desk.Reply(ctx, d.By("Joe"), c.ID, desk.Reply{ID: holdfast.NewID(), Text: "x", CC: []string{"bob@example.com"}})
		wants(t, err, holdfast.Invalid, "reply.no_copies")
	})
}
