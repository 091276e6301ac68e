package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/outbox"
	"holdfast/store"
)

// desk is just enough of one to send: store, journal, inbox, outbox and a provider.
type desk struct {
	t         *testing.T
	db        *store.DB
	journal   *journal.Journal
	inbox     *inbox.Inbox
	provider  *loop.Provider
	kind      *channel.Kind
	mu        sync.Mutex
	adapter   channel.Adapter
	missing   error // what looking the adapter up gives instead
	workspace holdfast.ID
	account   holdfast.ID
	operator  holdfast.Actor
	worker    *outbox.Worker
	ended     chan struct{}
	crash     context.CancelFunc
	numbers   int64
}

var ctx = context.Background()

func newDesk(t *testing.T, policy channel.Resend) *desk {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(ctx, store.Options{Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return newDeskOn(t, db, policy)
}

func newDeskOn(t *testing.T, db *store.DB, policy channel.Resend) *desk {
	t.Helper()
	d := &desk{t: t, db: db, inbox: inbox.New(db), provider: loop.New(), workspace: holdfast.NewID(), account: holdfast.NewID(),
		operator: holdfast.Actor{Kind: holdfast.ActorOperator, ID: holdfast.NewID()}}
	d.kind = d.provider.Kind(policy)
	d.provider.Idempotent(policy == channel.ResendSame)
	d.journal = journal.New(db, slog.New(slog.DiscardHandler), d.inbox, outbox.Table{})
	if err := d.journal.Open(ctx); err != nil {
		t.Fatal(err)
	}
	d.adapter = d.newAdapter(d.account)
	d.addAccount(d.account, d.workspace)
	t.Cleanup(func() {
		d.kill()
		db.Close()
	})
	return d
}

func (d *desk) newAdapter(account holdfast.ID) channel.Adapter {
	d.t.Helper()
	a, err := d.kind.New(channel.Account{ID: account, Settings: d.kind.Settings()}, channel.Env{})
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

func (d *desk) addAccount(id, workspace holdfast.ID) {
	d.t.Helper()
	err := d.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec(`INSERT INTO channel_account (id, workspace, kind, name, settings, created_at, changed_at) VALUES ($1, $2, $3, 'test', $4, $5, $5)`,
			id, workspace, d.kind.Name, []byte("{}"), tx.Now)
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) lookUp(context.Context, holdfast.ID) (channel.Adapter, *channel.Kind, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.adapter, d.kind, d.missing
}

// has changes what looking the adapter up gives.
func (d *desk) has(a channel.Adapter, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.adapter, d.missing = a, err
}

// starts runs a new worker over the same database.
func (d *desk) starts() {
	run, crash := context.WithCancel(ctx)
	d.worker = outbox.New(d.journal, d.db, d.inbox, d.lookUp, func(holdfast.ID) string { return "Joe" }, slog.New(slog.DiscardHandler))
	d.crash, d.ended = crash, make(chan struct{})
	w, ended := d.worker, d.ended
	go func() {
		defer close(ended)
		w.Run(run)
	}()
}

// kill is kill -9 as far as the outbox can tell.
func (d *desk) kill() {
	if d.crash != nil {
		d.crash()
		<-d.ended
		d.crash = nil
	}
}

func (d *desk) do(bodies ...func(conversation holdfast.ID) holdfast.Body) holdfast.ID {
	d.t.Helper()
	conversation := holdfast.NewID()
	d.doIn(conversation, bodies...)
	return conversation
}

func (d *desk) doIn(conversation holdfast.ID, bodies ...func(conversation holdfast.ID) holdfast.Body) {
	d.t.Helper()
	_, err := d.journal.Do(ctx, journal.Command{Workspace: d.workspace, Actor: d.operator, Run: func(tx *journal.Tx) error {
		for _, b := range bodies {
			if _, err := tx.Append(conversation, b(conversation)); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		d.t.Fatal(err)
	}
}

// talk opens a conversation.
func (d *desk) talk() holdfast.ID {
	d.numbers++
	return d.do(func(holdfast.ID) holdfast.Body {
		return &holdfast.ConversationOpened{Number: d.numbers, Customer: holdfast.NewID(), Channel: d.account}
	})
}

// replies queues a message to a customer and returns its id.
func (d *desk) replies(conversation holdfast.ID, to, text string, change ...func(*holdfast.MessageQueued)) holdfast.ID {
	d.t.Helper()
	m := &holdfast.MessageQueued{Message: holdfast.NewID(), Customer: holdfast.NewID(), Channel: d.account,
		To: holdfast.Address{Scheme: loop.Scheme, Value: to}, Text: text, Author: d.operator.ID, Thread: []string{"in-1"}}
	for _, f := range change {
		f(m)
	}
	d.doIn(conversation, func(holdfast.ID) holdfast.Body { return m })
	return m.Message
}

// says queues a message in a conversation of its own.
func (d *desk) says(to, text string, change ...func(*holdfast.MessageQueued)) holdfast.ID {
	d.t.Helper()
	return d.replies(d.talk(), to, text, change...)
}

// passes lets time pass and everything come to rest.
func (d *desk) passes(t time.Duration) {
	if t > 0 {
		time.Sleep(t)
	}
	synctest.Wait()
}

func (d *desk) state(message holdfast.ID) *inbox.DeliveryState {
	d.t.Helper()
	m, err := d.inbox.Message(ctx, d.workspace, message)
	if err != nil {
		d.t.Fatal(err)
	}
	return m.Delivery
}

func (d *desk) is(message holdfast.ID, want holdfast.Delivery) {
	d.t.Helper()
	if got := d.state(message); got.State != want {
		d.t.Fatalf("the message is %s (%s: %s), want %s", got.State, got.Code, got.Reason, want)
	}
}

// got checks exactly what a customer received, in order.
func (d *desk) got(to string, want ...string) {
	d.t.Helper()
	var have []string
	for _, m := range d.provider.Received(to) {
		have = append(have, m.Text)
	}
	if fmt.Sprint(have) != fmt.Sprint(want) {
		d.t.Fatalf("%s received %q, want %q", to, have, want)
	}
}

func (d *desk) leases() (n int) {
	d.t.Helper()
	if err := d.db.QueryRow(ctx, "SELECT count(*) FROM lease").Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

func (d *desk) outcomes(message holdfast.ID) (list []string) {
	d.t.Helper()
	xs, err := d.worker.Exchanges(ctx, d.workspace, message)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, x := range xs {
		list = append(list, x.Outcome)
	}
	return list
}

func failure(r channel.Reason, code string) *channel.Failure {
	return &channel.Failure{Reason: r, Code: code, Text: "the provider said " + code}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if holdfast.CodeOf(err) != code {
		t.Fatalf("error %v, want %s", err, code)
	}
}
