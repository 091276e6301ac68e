// Package desktest is a whole desk inside a test, spoken in people and messages:
// Ana writes, Joe replies, five minutes pass, Ana has received. Everything in it
// is real but the clock, which testing/synctest turns, and the customers' end,
// which is the loop channel.
//
// It refuses to mock a part of the desk, and to be used outside tests.
package desktest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/desk"
	"holdfast/inbox"
	"holdfast/setup"
	"holdfast/store"
	"holdfast/store/storetest"
)

// Desk is a running desk in a test's bubble.
type Desk struct {
	t testing.TB
	*app.App
	Loop      *loop.Provider
	Workspace holdfast.ID
	Account   holdfast.ID // the loop channel's

	options   Options
	operators map[string]holdfast.ID
	kinds     []holdfast.EntryKind
	seen      holdfast.LSN
	stop      func()
}

// Options of Run.
type Options struct {
	Resend channel.Resend // of the loop channel; "" means ResendPark
	URL    string         // PostgreSQL; "" means SQLite
	// More are kinds of channels beside the loop.
	More []*channel.Kind
}

// Each tells a story to a desk on each database this machine has.
func Each(t *testing.T, story func(t *testing.T, d *Desk)) {
	t.Run("sqlite", func(t *testing.T) { Run(t, Options{}, story) })
	t.Run("postgres", func(t *testing.T) { Run(t, Options{URL: storetest.PostgresURL(t)}, story) })
}

// Run tells a story to a desk whose time is turned by the story alone.
func Run(t *testing.T, o Options, story func(t *testing.T, d *Desk)) {
	t.Helper()
	dir := storetest.Folder(t)
	synctest.Test(t, func(t *testing.T) {
		d := &Desk{t: t, options: o, operators: map[string]holdfast.ID{}}
		d.start(dir)
		defer func() { d.stop() }()
		story(t, d)
	})
}

// start opens the desk on a folder, sets it up the first time, and runs what
// runs but the sockets: in a bubble there is no network.
func (d *Desk) start(dir string) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if d.options.Resend == "" {
		d.options.Resend = channel.ResendPark
	}
	if d.Loop == nil {
		d.Loop = loop.New()
	}
	d.App = app.New(app.Config{Listen: "127.0.0.1:0", Data: dir, DatabaseURL: d.options.URL, AttachmentLimit: 1 << 20}, slog.New(slog.DiscardHandler))
	d.App.Kinds = append([]*channel.Kind{d.Loop.Kind(d.options.Resend)}, d.options.More...)
	d.App.PasswordCost = access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}
	if err := d.App.OpenRooms(ctx); err != nil {
		d.t.Fatal(err)
	}
	if d.Workspace.IsZero() {
		w, err := d.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: "Test", Language: "en", TimeZone: "UTC"})
		if err != nil {
			d.t.Fatal(err)
		}
		d.Workspace = w.ID
		v, err := d.Setup.CreateChannel(ctx, access.System(w.ID), setup.NewChannel{ID: holdfast.NewID(), Kind: "loop", Name: "Loop"})
		if err != nil {
			d.t.Fatal(err)
		}
		d.Account = v.ID
	}
	done := make(chan error, 1)
	go func() { done <- d.App.RunRooms(ctx) }()
	synctest.Wait()
	d.stop = func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
		d.App.DB.Close()
	}
}

// Restart stops the desk and starts it on the same data.
func (d *Desk) Restart() {
	d.t.Helper()
	d.stop()
	d.start(d.App.Config.Data)
}

// Wait lets time pass, and everything that is due in it happen.
func (d *Desk) Wait(t time.Duration) {
	time.Sleep(t)
	synctest.Wait()
}

// Operator is the id of an operator, hired when first named.
func (d *Desk) Operator(name string) holdfast.ID {
	d.t.Helper()
	if id, ok := d.operators[name]; ok {
		return id
	}
	id := holdfast.NewID()
	_, err := d.Guard.CreateOperator(context.Background(), access.System(d.Workspace), access.NewOperator{ID: id, Name: name, Email: strings.ToLower(name) + "@desk.example", Language: "en", Role: holdfast.Operator})
	if err != nil {
		d.t.Fatal(err)
	}
	d.operators[name] = id
	return id
}

// By is an operator as the author of a wish.
func (d *Desk) By(name string) desk.By {
	id := d.Operator(name)
	return desk.By{Workspace: d.Workspace, Operator: id, Actor: holdfast.Actor{Kind: holdfast.ActorOperator, ID: id}}
}

// Contact is a customer's end of the loop channel.
type Contact struct {
	d    *Desk
	addr string
}

// Contact names a customer by their address.
func (d *Desk) Contact(addr string) *Contact { return &Contact{d, addr} }

// Writes sends a message with the provider's key and expects the desk to take it.
func (c *Contact) Writes(key, text string) channel.Accepted {
	c.d.t.Helper()
	got, err := c.Tries(key, text)
	if err != nil {
		c.d.t.Fatalf("%s wrote %q and was refused: %v", c.addr, text, err)
	}
	return got
}

// Tries sends a message and returns what the desk says.
func (c *Contact) Tries(key, text string) (channel.Accepted, error) {
	got, err := c.d.Loop.Deliver(context.Background(), c.d.Account, channel.Inbound{Key: c.addr + ":" + key, Text: text,
		From: holdfast.Address{Scheme: "loop", Value: c.addr, Name: c.addr}})
	synctest.Wait()
	return got, err
}

// HasReceived checks what the provider handed to the customer, in order.
func (c *Contact) HasReceived(texts ...string) {
	c.d.t.Helper()
	synctest.Wait()
	var got []string
	for _, m := range c.d.Loop.Received(c.addr) {
		got = append(got, m.Text)
	}
	if !slices.Equal(got, texts) {
		c.d.t.Errorf("%s has received %q, want %q", c.addr, got, texts)
	}
}

// Conversation is the customer's latest conversation.
func (c *Contact) Conversation() *inbox.Conversation {
	c.d.t.Helper()
	list := c.Conversations()
	if len(list) == 0 {
		c.d.t.Fatalf("%s has no conversation", c.addr)
	}
	full, err := c.d.Inbox.Conversation(context.Background(), c.d.Workspace, list[0].ID, holdfast.ID{})
	if err != nil {
		c.d.t.Fatal(err)
	}
	return full
}

// Conversations lists the customer's conversations, the latest first.
func (c *Contact) Conversations() []inbox.Item {
	c.d.t.Helper()
	customer, _, err := c.d.Inbox.TalkOf(context.Background(), c.d.Workspace, c.d.Account, holdfast.Address{Scheme: "loop", Value: c.addr})
	if err != nil {
		c.d.t.Fatal(err)
	}
	if customer.IsZero() {
		return nil
	}
	list, _, err := c.d.Inbox.List(context.Background(), c.d.Workspace, inbox.Filter{View: inbox.All, Customer: customer})
	if err != nil {
		c.d.t.Fatal(err)
	}
	return list
}

// Messages lists the texts of the customer's latest conversation as operators see it.
func (c *Contact) Messages() []string {
	c.d.t.Helper()
	list, _, err := c.d.Inbox.Messages(context.Background(), c.d.Workspace, c.Conversation().ID, 0, 200)
	if err != nil {
		c.d.t.Fatal(err)
	}
	var texts []string
	for _, m := range list {
		texts = append(texts, string(m.Direction)+": "+m.Text)
	}
	return texts
}

// Replies lets an operator answer a customer's latest conversation.
func (d *Desk) Replies(operator string, c *Contact, text string) *inbox.Message {
	d.t.Helper()
	m, err := d.App.Desk.Reply(context.Background(), d.By(operator), c.Conversation().ID, desk.Reply{ID: holdfast.NewID(), Text: text, Then: holdfast.Waiting})
	if err != nil {
		d.t.Fatalf("%s could not reply %q: %v", operator, text, err)
	}
	synctest.Wait()
	return m
}

// State is how far a message of ours has come.
func (d *Desk) State(message holdfast.ID) holdfast.Delivery {
	d.t.Helper()
	m, err := d.Inbox.Message(context.Background(), d.Workspace, message)
	if err != nil {
		d.t.Fatal(err)
	}
	return m.Delivery.State
}

// Saw checks that these kinds of entries were written since it was last asked, in
// this order, others between them allowed.
func (d *Desk) Saw(kinds ...holdfast.EntryKind) {
	d.t.Helper()
	synctest.Wait()
	entries, err := d.Journal.After(context.Background(), d.seen, 10000)
	if err != nil {
		d.t.Fatal(err)
	}
	var all []string
	i := 0
	for _, e := range entries {
		d.seen = e.LSN
		all = append(all, string(e.Kind))
		if i < len(kinds) && e.Kind == kinds[i] {
			i++
		}
	}
	if i < len(kinds) {
		d.t.Errorf("the journal has no %s where it should; it has %s", kinds[i], fmt.Sprint(all))
	}
}

// Write reaches around the desk into its database, for faults that a story needs.
func (d *Desk) Write(fn func(tx *store.Tx) error) {
	d.t.Helper()
	if err := d.DB.Write(context.Background(), fn); err != nil {
		d.t.Fatal(err)
	}
}
