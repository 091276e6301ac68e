package desktest

import (
	"context"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/inbox"
	"holdfast/setup"
)

// telephone is a second way to customers, by short messages.
type telephone struct {
	*loop.Provider
	kind    *channel.Kind
	account holdfast.ID
}

func newTelephone(resend channel.Resend) *telephone {
	p := loop.New().Called("phone", "tel")
	k := p.Kind(resend)
	k.Limits.Attachments = 0
	return &telephone{Provider: p, kind: k}
}

// plug connects the telephone and makes it the way after the loop.
func (p *telephone) plug(t *testing.T, d *Desk, change func(*holdfast.ChainSaved)) {
	t.Helper()
	v, err := d.Setup.CreateChannel(t.Context(), access.System(d.Workspace), setup.NewChannel{ID: holdfast.NewID(), Kind: "phone", Name: "Phone"})
	if err != nil {
		t.Fatal(err)
	}
	p.account = v.ID
	d.Wait(time.Second)
	chain := holdfast.ChainSaved{Sort: holdfast.SortReply, First: 600, Legs: []holdfast.Leg{{Kind: "phone", Wait: 600}}}
	if change != nil {
		change(&chain)
	}
	if err := d.Fallback.SaveChain(t.Context(), access.System(d.Workspace), chain); err != nil {
		t.Fatal(err)
	}
	d.Wait(0)
}

func (p *telephone) writes(t *testing.T, number, key, text string, marks ...string) channel.Accepted {
	t.Helper()
	got, err := p.Deliver(t.Context(), p.account, channel.Inbound{Key: key, Text: text, From: holdfast.Address{Scheme: "tel", Value: number}, Marks: marks})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// has gives a customer a telephone number.
func (c *Contact) has(number string) {
	c.d.t.Helper()
	if _, err := c.d.App.Desk.AddAddress(context.Background(), c.d.By("joe"), c.Conversation().Customer.ID, holdfast.Address{Scheme: "tel", Value: number}); err != nil {
		c.d.t.Fatal(err)
	}
}

func (d *Desk) message(id holdfast.ID) *inbox.Message {
	d.t.Helper()
	m, err := d.Inbox.Message(context.Background(), d.Workspace, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}
