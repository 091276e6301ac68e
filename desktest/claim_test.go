package desktest

import (
	"context"
	"testing"

	"holdfast"
	"holdfast/channel"
)

// Whoever says that a number is his is reached there, and is not taken for the one
// who writes from it.
func TestWhatSomebodySaysOfHimselfFindsNobody(t *testing.T) {
	Each(t, func(t *testing.T, d *Desk) {
		ana, bob := d.Contact("ana"), d.Contact("bob")
		claims := []holdfast.Address{{Scheme: "loop", Value: "bob"}, {Scheme: "tel", Value: "+989123456789"}}
		for _, key := range []string{"1", "2"} { // said twice, it is there once
			if _, err := d.Loop.Deliver(context.Background(), d.Account, channel.Inbound{Key: key, Text: "Call me", Claims: claims,
				From: holdfast.Address{Scheme: "loop", Value: "ana", Name: "Ana"}}); err != nil {
				t.Fatal(err)
			}
		}
		bob.Writes("1", "I am Bob")
		if a, b := ana.Conversation(), bob.Conversation(); a.Customer.ID == b.Customer.ID || a.ID == b.ID {
			t.Fatal("Bob was taken for Ana, who had claimed his address")
		}
		var tels, claimed int
		for _, a := range ana.Conversation().Person.Addresses {
			if a.Scheme == "tel" && a.Value == "+989123456789" && a.Claimed {
				tels++
			}
			if a.Claimed {
				claimed++
			}
		}
		if tels != 1 || claimed != 2 {
			t.Errorf("Ana's addresses are %+v", ana.Conversation().Person.Addresses)
		}
	})
}
