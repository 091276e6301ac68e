package desktest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/desk"
	"holdfast/desktest"
	"holdfast/inbox"
	"holdfast/search"
)

var ctx = context.Background()

func TestReplyIsSentOnceAfterAFlakyProvider(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("m-1", "Where is my order?")
		if again := ana.Writes("m-1", "Where is my order?"); !again.Duplicate { // the provider delivers twice
			t.Error("a second delivery was taken for a new message")
		}
		d.Loop.FailNext(&channel.Failure{Reason: channel.Temporary, Code: "503", Text: "busy"})
		d.Replies("Joe", ana, "On its way.")
		ana.HasReceived()
		d.Wait(5 * time.Minute)
		ana.HasReceived("On its way.")
		d.Saw("customer.created", "conversation.opened", "message.received", "message.queued", "message.retrying", "message.sent")
		if got := ana.Messages(); !slices.Equal(got, []string{"in: Where is my order?", "out: On its way."}) {
			t.Errorf("operators see %q", got)
		}
	})
}

func TestOneCustomersMessagesStayInOneConversationUntilItIsClosed(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		ana.Writes("2", "Anybody there?")
		if n := len(ana.Conversations()); n != 1 {
			t.Fatalf("two messages made %d conversations", n)
		}
		first := ana.Conversation()
		if err := d.App.Desk.SetStatus(ctx, d.By("Joe"), first.ID, holdfast.Resolved, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if got := ana.Conversation().State; got != holdfast.Resolved {
			t.Fatalf("it is %s after it was resolved", got)
		}
		d.Wait(time.Hour)
		ana.Writes("3", "It broke again")
		if c := ana.Conversation(); c.ID != first.ID || c.State != holdfast.Open {
			t.Errorf("a message to a resolved conversation left it %s (same one: %v)", c.State, c.ID == first.ID)
		}
		if err := d.App.Desk.SetStatus(ctx, d.By("Joe"), first.ID, holdfast.Closed, time.Time{}); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Hour)
		ana.Writes("4", "Another matter")
		if c := ana.Conversation(); c.ID == first.ID {
			t.Error("a message to a closed conversation went into it")
		}
		if c, _ := d.Inbox.Conversation(ctx, d.Workspace, first.ID, holdfast.ID{}); c.State != holdfast.Closed {
			t.Errorf("the closed conversation is %s now", c.State)
		}
	})
}

func TestASnoozedConversationComesBackAtItsTimeOrWithTheNextMessage(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana, bob := d.Contact("ana@example.com"), d.Contact("bob@example.com")
		ana.Writes("1", "Tomorrow, please")
		bob.Writes("1", "I will write again")
		by := d.By("Joe")
		for _, c := range []*desktest.Contact{ana, bob} {
			if err := d.App.Desk.SetStatus(ctx, by, c.Conversation().ID, holdfast.Snoozed, time.Now().Add(24*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		d.Wait(23 * time.Hour)
		if s := ana.Conversation().State; s != holdfast.Snoozed {
			t.Errorf("an hour early it is %s", s)
		}
		bob.Writes("2", "Here I am")
		if s := bob.Conversation().State; s != holdfast.Open {
			t.Errorf("after a new message it is %s", s)
		}
		d.Wait(61 * time.Minute)
		if s := ana.Conversation().State; s != holdfast.Open {
			t.Errorf("after its time it is %s", s)
		}
	})
}

func TestTheFirstToAnswerHasItAndEveryFieldShows(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		joe, eva := d.By("Joe"), d.By("Eva")
		d.Replies("Joe", ana, "Hello Ana")
		c := ana.Conversation()
		if c.Operator != joe.Operator || c.State != holdfast.Waiting {
			t.Errorf("after Joe's reply it is %s and assigned to %v", c.State, c.Operator)
		}
		d.Replies("Eva", ana, "Me too")
		if c := ana.Conversation(); c.Operator != joe.Operator {
			t.Error("a second operator's reply took it away from the first")
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(d.App.Desk.Assign(ctx, joe, c.ID, eva.Operator, holdfast.ID{}))
		must(d.App.Desk.SetPriority(ctx, joe, c.ID, holdfast.Urgent))
		must(d.App.Desk.SetSubject(ctx, joe, c.ID, "  Router   lights "))
		must(d.App.Desk.Tag(ctx, joe, c.ID, "VIP"))
		must(d.App.Desk.Tag(ctx, joe, c.ID, "vip"))
		must(d.App.Desk.Tag(ctx, joe, c.ID, "outage"))
		must(d.App.Desk.Untag(ctx, eva, c.ID, "outage"))
		must(d.App.Desk.SaveDraft(ctx, eva, c.ID, "Dear Ana,", false))
		if _, err := d.App.Desk.Note(ctx, eva, c.ID, desk.NoteIn{ID: holdfast.NewID(), Text: "She called before"}); err != nil {
			t.Fatal(err)
		}
		c = ana.Conversation()
		if c.Operator != eva.Operator || c.Priority != holdfast.Urgent || c.Subject != "Router lights" || !slices.Equal(c.Tags, []string{"vip"}) {
			t.Errorf("the conversation shows %+v", c.Item)
		}
		ana.HasReceived("Hello Ana", "Me too") // and never the note
		hers, err := d.Inbox.Conversation(ctx, d.Workspace, c.ID, eva.Operator)
		must(err)
		if hers.Draft == nil || hers.Draft.Text != "Dear Ana," || !hers.Unread {
			t.Errorf("Eva sees draft %+v, unread %v", hers.Draft, hers.Unread)
		}
		his, err := d.Inbox.Conversation(ctx, d.Workspace, c.ID, joe.Operator)
		must(err)
		if his.Draft != nil {
			t.Error("Joe sees Eva's draft")
		}
		must(d.App.Desk.Read(ctx, eva, c.ID, 0, false))
		if hers, _ = d.Inbox.Conversation(ctx, d.Workspace, c.ID, eva.Operator); hers.Unread {
			t.Error("it is unread after Eva has read it")
		}
		must(d.App.Desk.Read(ctx, eva, c.ID, 0, true))
		if hers, _ = d.Inbox.Conversation(ctx, d.Workspace, c.ID, eva.Operator); !hers.Unread {
			t.Error("marking it unread did nothing")
		}
		d.Replies("Eva", ana, "Dear Ana, it works now.")
		if hers, _ = d.Inbox.Conversation(ctx, d.Workspace, c.ID, eva.Operator); hers.Draft != nil {
			t.Error("the draft outlived its reply")
		}
		n, err := d.Inbox.Counts(ctx, d.Workspace, eva.Operator)
		must(err)
		if n.Waiting != 1 || n.Open != 0 || n.Mine != 0 {
			t.Errorf("counts are %+v", n)
		}
	})
}

func TestTheSameReplyTwiceIsSentOnce(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		r := desk.Reply{ID: holdfast.NewID(), Text: "Once"}
		for range 3 { // an operator's browser tries again over a weak link
			if _, err := d.App.Desk.Reply(ctx, d.By("Joe"), ana.Conversation().ID, r); err != nil {
				t.Fatal(err)
			}
		}
		d.Wait(time.Minute)
		ana.HasReceived("Once")
		if err := d.App.Desk.SetStatus(ctx, d.By("Joe"), ana.Conversation().ID, holdfast.Closed, time.Time{}); err != nil {
			t.Fatal(err)
		}
		_, err := d.App.Desk.Reply(ctx, d.By("Joe"), ana.Conversation().ID, desk.Reply{ID: holdfast.NewID(), Text: "Too late"})
		if holdfast.CodeOf(err) != "conversation.closed" {
			t.Errorf("a reply to a closed conversation gave %v", err)
		}
		d.Wait(time.Minute)
		ana.HasReceived("Once")
	})
}

func TestAMessageThatMayHaveBeenSentWaitsForAnOperator(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		d.Loop.FailNext(&channel.Failure{Reason: channel.Unknown, Code: "timeout", Text: "no answer"})
		m := d.Replies("Joe", ana, "Maybe")
		d.Wait(24 * time.Hour)
		if s := d.State(m.ID); s != holdfast.Parked {
			t.Fatalf("it is %s", s)
		}
		if n := d.Loop.Asked(m.ID); n != 1 {
			t.Errorf("the provider was asked %d times", n)
		}
		if _, err := d.Outbox.Retry(ctx, d.Workspace, d.By("Joe").Actor, holdfast.NewID(), m.ID); err != nil {
			t.Fatal(err)
		}
		d.Wait(time.Minute)
		ana.HasReceived("Maybe")
		got, err := d.Inbox.Message(ctx, d.Workspace, m.ID)
		if err != nil || !got.Delivery.Doubled {
			t.Errorf("it is not marked as possibly doubled: %+v, %v", got.Delivery, err)
		}
	})
}

func TestWhatWasWrittenBeforeARestartIsThereAfterIt(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Before")
		d.Loop.Down(&channel.Failure{Reason: channel.Temporary, Code: "down", Text: "no route"})
		d.Replies("Joe", ana, "While the link is down")
		d.Wait(time.Hour)
		d.Restart()
		ana.Writes("1", "Before") // the provider, unsure, delivers again
		ana.Writes("2", "After")
		d.Wait(time.Hour)
		ana.HasReceived()
		d.Loop.Down(nil)
		d.Wait(time.Hour)
		ana.HasReceived("While the link is down")
		if got := ana.Messages(); !slices.Equal(got, []string{"in: Before", "out: While the link is down", "in: After"}) {
			t.Errorf("operators see %q", got)
		}
	})
}

func TestWhatIsNoMessageIsOnRecordWithItsReason(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		m := d.Replies("Joe", ana, "Hello Ana")
		for range 2 {
			_, err := d.Loop.Deliver(ctx, d.Account, channel.Inbound{Key: "bounce-1", From: holdfast.Address{Scheme: "loop", Value: "daemon"},
				Refuse: &channel.Refusal{Reason: "bounce", Permanent: true, Code: "5.1.1", Detail: "no such user", Answers: []holdfast.ID{m.ID},
					Address: holdfast.Address{Scheme: "loop", Value: "ana@example.com"}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		d.Wait(0)
		if s := d.State(m.ID); s != holdfast.Failed {
			t.Errorf("the bounced message is %s", s)
		}
		if p := ana.Conversation().Person; len(p.Addresses) != 1 || p.Addresses[0].Failing == "" {
			t.Errorf("the address is not marked: %+v", p.Addresses)
		}
		list, err := d.Inbox.Arrivals(ctx, d.Workspace, "", 0, 10)
		if err != nil || len(list) != 1 || list[0].Reason != "bounce" || list[0].Message != m.ID {
			t.Errorf("arrivals: %+v, %v", list, err)
		}
		if n := len(d.Contact("daemon").Conversations()); n != 0 {
			t.Errorf("a bounce opened %d conversations", n)
		}
		// A stranger's bounce about nobody's message marks no address.
		_, err = d.Loop.Deliver(ctx, d.Account, channel.Inbound{Key: "bounce-2", From: holdfast.Address{Scheme: "loop", Value: "mallory"},
			Refuse: &channel.Refusal{Reason: "bounce", Permanent: true, Address: holdfast.Address{Scheme: "loop", Value: "bob@example.com"}}})
		if err != nil {
			t.Fatal(err)
		}
		bob := d.Contact("bob@example.com")
		bob.Writes("1", "I am well")
		if p := bob.Conversation().Person; p.Addresses[0].Failing != "" {
			t.Error("a forged bounce marked an address")
		}
	})
}

func TestWorkspacesDoNotSeeEachOther(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "a secret of this workspace")
		c := ana.Conversation()
		other := holdfast.NewID()
		if _, err := d.Inbox.Conversation(ctx, other, c.ID, holdfast.ID{}); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another workspace reads the conversation: %v", err)
		}
		if list, _, err := d.Inbox.List(ctx, other, inbox.Filter{View: inbox.All}); err != nil || len(list) != 0 {
			t.Errorf("another workspace lists %d conversations, %v", len(list), err)
		}
		if res, err := d.Search.Search(ctx, search.Query{Workspace: other, Text: "secret"}); err != nil || len(res.Messages) != 0 {
			t.Errorf("another workspace finds %d messages, %v", len(res.Messages), err)
		}
		if res, err := d.Search.Search(ctx, search.Query{Workspace: d.Workspace, Text: "secret"}); err != nil || len(res.Messages) != 1 {
			t.Errorf("its own workspace finds %d messages, %v", len(res.Messages), err)
		}
		by := d.By("Joe")
		by.Workspace = other
		if _, err := d.App.Desk.Reply(ctx, by, c.ID, desk.Reply{ID: holdfast.NewID(), Text: "hi"}); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another workspace replies: %v", err)
		}
		if err := d.App.Desk.Tag(ctx, by, c.ID, "mine"); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another workspace tags: %v", err)
		}
		d.Wait(time.Minute)
		ana.HasReceived()
	})
}
