package desktest_test

import (
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/desk"
	"holdfast/desktest"
	"holdfast/inbox"
	"holdfast/setup"
)

func TestAMessageThatWaitsCanBePutOffAndLetGo(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		c := ana.Conversation()
		soon := d.Inbox.Now().Add(2 * time.Hour)
		send := func(text string, r desk.Reply) *inbox.Message {
			r.ID, r.Text = holdfast.NewID(), text
			m, err := d.App.Desk.Reply(ctx, d.By("Joe"), c.ID, r)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		put := func(who string, m *inbox.Message, until time.Time) (*inbox.Message, error) {
			return d.App.Desk.PutOff(ctx, d.By(who), m.ID, until)
		}
		m := send("Tomorrow", desk.Reply{NotBefore: soon})
		_, err := put("Ann", m, time.Time{})
		wants(t, err, holdfast.Forbidden, "outbox.not_yours")
		later := soon.Add(2 * time.Hour)
		got, err := put("Joe", m, later)
		if err != nil || !got.Delivery.DueAt.Equal(later) || got.Delivery.State != holdfast.Queued {
			t.Fatalf("%+v %v", got, err)
		}
		d.Wait(3 * time.Hour)
		ana.HasReceived()
		if _, err := put("Joe", m, time.Time{}); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		ana.HasReceived("Tomorrow")
		_, err = put("Joe", m, later)
		wants(t, err, holdfast.Conflict, "outbox.too_late")
		d.Wait(3 * time.Hour)
		ana.HasReceived("Tomorrow")

		// The wait that is for undoing can be cut short, and what was taken back stays back.
		quick := send("At once, please", desk.Reply{Undo: time.Minute})
		if _, err := put("Joe", quick, time.Time{}); err != nil {
			t.Fatal(err)
		}
		d.Wait(5 * time.Second)
		ana.HasReceived("Tomorrow", "At once, please")
		oops := send("Oops", desk.Reply{Undo: time.Minute})
		if _, err := d.App.Desk.Withdraw(ctx, d.By("Joe"), oops.ID); err != nil {
			t.Fatal(err)
		}
		_, err = put("Joe", oops, time.Time{})
		wants(t, err, holdfast.Conflict, "outbox.cancelled")
		d.Wait(time.Hour)
		ana.HasReceived("Tomorrow", "At once, please")

		// What goes with a forwarded message is no draft of an answer.
		var first holdfast.ID
		list, _, err := d.Inbox.Messages(ctx, d.Workspace, c.ID, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		first = list[0].ID
		if err := d.App.Desk.SaveDraft(ctx, d.By("Joe"), c.ID, "", false); err != nil {
			t.Fatal(err)
		}
		f, err := d.App.Desk.Forward(ctx, d.By("Joe"), first, desk.Forward{ID: holdfast.NewID(), To: holdfast.Address{Scheme: "loop", Value: "expert@shop.example"}, Text: "Look", Undo: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.App.Desk.Withdraw(ctx, d.By("Joe"), f.ID); err != nil {
			t.Fatal(err)
		}
		if now, err := d.Inbox.Conversation(ctx, d.Workspace, c.ID, d.Operator("Joe")); err != nil || now.Draft != nil {
			t.Errorf("the draft is %+v, %v", now.Draft, err)
		}
		d.Wait(time.Hour)
		d.Contact("expert@shop.example").HasReceived()
	})
}

func TestAReRoutedMessageIsShownWhereItGoes(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		other, err := d.Setup.CreateChannel(ctx, access.System(d.Workspace), setup.NewChannel{ID: holdfast.NewID(), Kind: "loop", Name: "Other way"})
		if err != nil {
			t.Fatal(err)
		}
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		d.Loop.FailNext(&channel.Failure{Reason: channel.Permanent, Code: "550"})
		m := d.Replies("Joe", ana, "Hello yourself")
		d.Wait(time.Second)
		if s := d.State(m.ID); s != holdfast.Failed {
			t.Fatalf("it is %s", s)
		}
		by := d.By("Joe")
		to := holdfast.Address{Scheme: "loop", Value: "ana@home.example"}
		if _, err := d.App.Outbox.Requeue(ctx, d.Workspace, by.Actor, holdfast.NewID(), m.ID, other.ID, to); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		d.Contact("ana@home.example").HasReceived("Hello yourself")
		ana.HasReceived()
		look := func(when string) {
			got, err := d.Inbox.Message(ctx, d.Workspace, m.ID)
			if err != nil || got.Channel != other.ID || got.Recipient == nil || got.Recipient.Value != to.Value {
				t.Errorf("%s it is shown on %v to %+v, %v", when, got.Channel, got.Recipient, err)
			}
			list, _, err := d.Inbox.Messages(ctx, d.Workspace, m.Conversation, 0, 10)
			if err != nil || list[0].Channel != d.Account || list[0].From.Value != "ana@example.com" || list[1].Channel != other.ID {
				t.Errorf("%s the conversation shows %+v, %v", when, list, err)
			}
		}
		look("after it went")
		for _, projection := range []string{"inbox", "outbox"} {
			if err := d.Journal.Rebuild(ctx, projection, nil); err != nil {
				t.Fatal(err)
			}
		}
		look("after a rebuild")
	})
}

func TestADraftGoesAlongWithTheConversation(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		c := ana.Conversation()
		if err := d.App.Desk.SaveDraft(ctx, d.By("Ann"), c.ID, "Dear Ana, we", false); err != nil {
			t.Fatal(err)
		}
		see := func(name, text, by string) {
			t.Helper()
			got, err := d.Inbox.Conversation(ctx, d.Workspace, c.ID, d.Operator(name))
			if err != nil {
				t.Fatal(err)
			}
			var draft inbox.Draft
			if got.Draft != nil {
				draft = *got.Draft
			}
			var who holdfast.ID
			if by != "" {
				who = d.Operator(by)
			}
			if draft.Text != text || draft.By != who {
				t.Errorf("%s sees the draft %q by %v", name, draft.Text, draft.By)
			}
			list, _, err := d.Inbox.List(ctx, d.Workspace, inbox.Filter{Asker: d.Operator(name)})
			if err != nil || len(list) != 1 || list[0].Drafting != (text != "" && by == "") {
				t.Errorf("%s's list says %+v, %v", name, list, err)
			}
		}
		see("Ann", "Dear Ana, we", "")
		see("Joe", "", "") // it is not theirs to read
		if err := d.App.Desk.Assign(ctx, d.By("Ann"), c.ID, d.Operator("Joe"), holdfast.ID{}); err != nil {
			t.Fatal(err)
		}
		see("Joe", "Dear Ana, we", "Ann")
		see("Eve", "", "")
		if err := d.App.Desk.SaveDraft(ctx, d.By("Joe"), c.ID, "Dear Ana, I", false); err != nil {
			t.Fatal(err)
		}
		see("Joe", "Dear Ana, I", "")
		d.Wait(time.Second)
		d.Replies("Joe", ana, "Dear Ana, I know.")
		see("Joe", "", "") // answered: what Ann had begun is of no use any more
	})
}
