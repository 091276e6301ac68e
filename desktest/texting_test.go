package desktest

import (
	"context"
	"testing"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/sms"
	"holdfast/intake"
)

// A text from a number that is proved to be somebody's joins their talk; from one
// that somebody merely named it does not, and neither after they have long parted.
func TestATextJoinsTheTalkOfWhoeverProvedTheNumber(t *testing.T) {
	Each(t, func(t *testing.T, d *Desk) {
		account := holdfast.NewID()
		sink := d.Intake.Sink(intake.Account{ID: account, Workspace: d.Workspace, Kind: sms.Kind(), Language: "en"})
		texts := func(key, from, text string) channel.Accepted {
			t.Helper()
			got, err := sink.Accept(context.Background(), channel.Inbound{Key: key, Text: text, From: holdfast.Address{Scheme: "tel", Value: from, Verified: true}})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		chats := func(key, who string, also, claims []holdfast.Address) {
			t.Helper()
			if _, err := d.Loop.Deliver(context.Background(), d.Account, channel.Inbound{Key: key, Text: "Where is my order?", Also: also, Claims: claims,
				From: holdfast.Address{Scheme: "loop", Value: who, Name: who}}); err != nil {
				t.Fatal(err)
			}
		}
		tel := func(n string, verified bool) []holdfast.Address {
			return []holdfast.Address{{Scheme: "tel", Value: n, Verified: verified}}
		}
		ana, bob := d.Contact("ana"), d.Contact("bob")
		chats("1", "ana", tel("+79120000001", true), nil)
		chats("2", "bob", nil, tel("+79120000002", false))

		if got := texts("a", "+79120000001", "I am off-line, text me"); got.Conversation != ana.Conversation().ID {
			t.Errorf("Ana's text is in %s, her talk is %s", got.Conversation, ana.Conversation().ID)
		}
		if got := texts("b", "+79120000002", "Hello"); got.Conversation == bob.Conversation().ID {
			t.Error("a number that Bob merely named let somebody into his talk")
		}
		stranger := texts("c", "+79120000003", "Hello")
		if got := texts("d", "+79120000003", "Are you there?"); got.Conversation != stranger.Conversation {
			t.Error("a stranger's second text begins a second conversation")
		}
	})
}
