package broadcasts

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/outbox"
	"holdfast/store"
	"holdfast/store/storetest"
)

// machine is what outlives a crash: the disk and the provider.
type machine struct {
	t         testing.TB
	db        *store.DB
	journal   *journal.Journal
	inbox     *inbox.Inbox
	loop      *loop.Provider
	kind      *channel.Kind
	workspace holdfast.ID
	account   holdfast.ID

	mu    sync.Mutex
	point func(name string) // called wherever the engine asks something of another room
}

func newMachine(t testing.TB, o store.Options) *machine {
	m := &machine{t: t, db: storetest.Open(t, o), loop: loop.New(), workspace: holdfast.NewID(), account: holdfast.NewID()}
	m.loop.Idempotent(true)
	m.kind = m.loop.Kind(channel.ResendSame)
	m.inbox = inbox.New(m.db)
	m.journal = journal.New(m.db, slog.New(slog.DiscardHandler), m.inbox, outbox.Table{}, Table{})
	if err := m.journal.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *machine) people(n int) {
	for from := 0; from < n; from += 500 {
		_, err := m.journal.Do(context.Background(), journal.Command{Workspace: m.workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			for i := from; i < min(n, from+500); i++ {
				if _, err := tx.Append(holdfast.DeriveID(m.workspace, fmt.Sprint(i)), &holdfast.CustomerCreated{Name: fmt.Sprint("C", i), Addresses: []holdfast.Address{{Scheme: "loop", Value: fmt.Sprint(i)}}}); err != nil {
					return err
				}
			}
			return nil
		}})
		if err != nil {
			m.t.Fatal(err)
		}
	}
}

// at is where a process asks something of another room.
func (m *machine) at(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.point != nil {
		m.point(name)
	}
}

// points has a function called at each such place; nil: none.
func (m *machine) points(f func(name string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.point = f
}

// process is a run of the program that ends only by being killed.
type process struct {
	*Broadcasts
	kill context.CancelFunc
	done chan struct{}
}

func (m *machine) start() *process {
	log := slog.New(slog.DiscardHandler)
	ctx, kill := context.WithCancel(context.Background())
	adapter, err := m.kind.New(channel.Account{ID: m.account, Workspace: m.workspace, Settings: m.kind.Settings()}, channel.Env{Log: log, Now: time.Now})
	if err != nil {
		m.t.Fatal(err)
	}
	out := outbox.New(m.journal, m.db, m.inbox, func(context.Context, holdfast.ID) (channel.Adapter, *channel.Kind, error) {
		return adapter, m.kind, nil
	}, nil, log)
	p := &process{kill: kill, done: make(chan struct{}), Broadcasts: New(Deps{DB: m.db, Journal: m.journal, Inbox: m.inbox, Outbox: out, Log: log,
		House: func(context.Context, holdfast.ID) (string, string, *time.Location, error) {
			m.at("house")
			return "en", "Shop", time.UTC, ctx.Err()
		},
		Lanes: func(context.Context, holdfast.ID) ([]Lane, error) {
			m.at("lanes")
			return []Lane{{ID: m.account, Name: "Loop", Scheme: "loop"}}, ctx.Err()
		},
		Fill: func(text, customer, _ string) string {
			m.at("fill")
			return strings.ReplaceAll(text, "NAME", customer)
		},
		Check: func(string) error { return nil },
		Refused: func(context.Context, holdfast.ID, string, []holdfast.Address) (map[holdfast.Address]string, error) {
			m.at("refused")
			return nil, ctx.Err()
		}})}
	go func() {
		defer close(p.done)
		running := make(chan struct{})
		go func() { defer close(running); _ = out.Run(ctx) }()
		_ = p.Run(ctx)
		<-running
	}()
	return p
}

func (p *process) die() { p.kill(); <-p.done }

func (m *machine) begin(p *process, perMinute int) holdfast.ID {
	id := holdfast.NewID()
	ctx, boss := context.Background(), holdfast.Actor{Kind: holdfast.ActorOperator, ID: holdfast.NewID()}
	if err := p.SetSecondAbove(ctx, m.workspace, 1_000_000); err != nil {
		m.t.Fatal(err)
	}
	if err := p.Save(ctx, m.workspace, boss, id, holdfast.BroadcastSpec{Name: "Cut", Texts: map[string]string{"en": "NAME, the line is cut."}, Ways: []holdfast.BroadcastWay{{Channel: m.account, PerMinute: perMinute}}}); err != nil {
		m.t.Fatal(err)
	}
	if err := p.Begin(ctx, m.workspace, boss, id); err != nil {
		m.t.Fatal(err)
	}
	return id
}

// each checks that everybody was told once, and nobody a second time.
func (m *machine) each(n int) {
	m.t.Helper()
	for i := range n {
		if got := m.loop.Received(fmt.Sprint(i)); len(got) != 1 || got[0].Text != fmt.Sprintf("C%d, the line is cut.", i) {
			m.t.Errorf("customer %d was told %d times: %v", i, len(got), got)
			return
		}
	}
}

func (m *machine) finished(id holdfast.ID) bool {
	var state holdfast.BroadcastState
	if err := m.db.QueryRow(context.Background(), "SELECT state FROM broadcast WHERE id = $1", id).Scan(&state); err != nil {
		m.t.Fatal(err)
	}
	return state == holdfast.BroadcastFinished
}

// Five thousand customers through three crashes, at random moments and with sends
// under way: each once, in time, and never faster than allowed.
func TestThousandsAreToldOnceThroughThreeCrashes(t *testing.T) {
	const n, rate = thousands, 100
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, store.Options{Dir: dir})
		m.people(n)
		for range n + 100 {
			m.loop.Next(loop.Slow(20 * time.Millisecond))
		}
		p := m.start()
		id := m.begin(p, rate*60*100/Share+1)
		began := time.Now()
		for range 3 {
			time.Sleep(time.Duration(n+rand.IntN(n)) * time.Millisecond)
			p.die()
			p = m.start()
		}
		for range 120 {
			if time.Sleep(time.Second); m.finished(id) {
				break
			}
		}
		took := time.Since(began)
		v, err := p.Read(t.Context(), m.workspace, id)
		if err != nil || v.State != holdfast.BroadcastFinished || v.Totals.Told != n {
			t.Errorf("%+v, %v", v, err)
		}
		p.die()
		m.each(n)
		// The moments at which the outbox got them say how fast it was.
		rows, err := m.db.Query(t.Context(), "SELECT told_at, count(*) FROM broadcast_recipient WHERE broadcast = $1 GROUP BY told_at ORDER BY told_at", id)
		type burst struct {
			at time.Time
			n  int
		}
		list, err := store.Collect(rows, err, func(r *store.Rows, b *burst) error { return r.Scan(&b.at, &b.n) })
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			sum := 0
			for _, b := range list[i:] {
				if b.at.Sub(list[i].at) >= 10*time.Second {
					break
				}
				sum += b.n
			}
			if sum > rate*10*103/100+rate/5 {
				t.Fatalf("%d in ten seconds from %v at %d a second", sum, list[i].at, rate)
			}
		}
		if least := time.Duration(n/rate) * time.Second; took < least*97/100 || took > least*103/100+8*time.Second {
			t.Errorf("it took %v, and %v is what the rate says", took, least)
		}
	})
}

// A crash wherever the engine has anything to do with another room loses nobody
// and doubles nobody.
func TestACrashBetweenAnyTwoPointsChangesNothing(t *testing.T) {
	const n = 7
	for k := range 60 {
		dir := t.TempDir()
		hit := false
		synctest.Test(t, func(t *testing.T) {
			m := newMachine(t, store.Options{Dir: dir})
			m.people(n)
			p := m.start()
			id := m.begin(p, 120) // 1.4 a second: several batches
			count := 0
			dead := make(chan struct{})
			kill := p.kill
			m.points(func(string) {
				if count++; count == k+1 {
					hit = true
					close(dead)
					kill()
				}
			})
			for range 30 {
				time.Sleep(time.Second)
				select {
				case <-dead:
					<-p.done
					m.points(nil)
					p = m.start()
					dead = make(chan struct{})
				default:
				}
				if m.finished(id) {
					break
				}
			}
			if !m.finished(id) {
				t.Errorf("killed at point %d, it is not finished", k)
			}
			p.die()
			m.each(n)
		})
		if !hit {
			if k < 10 {
				t.Errorf("there are only %d points", k)
			}
			return
		}
	}
}

// Any order and repetition of what nodes have said gives one state.
func TestTheTableIsTheSameInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		j := journal.New(db, slog.New(slog.DiscardHandler), Table{})
		if err := j.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		dump := func(t *rapid.T) string {
			rows, err := db.Unprepared(context.Background(), `SELECT COALESCE(id, workspace), created_at, COALESCE(body, id), saved_kind, saved_at, state, state_at, asked_kind, asked_at, asked_count, started_kind, started_at FROM broadcast ORDER BY id`)
			list, err := store.Collect(rows, err, func(r *store.Rows, s *string) error {
				var id, body []byte
				var a [9]any
				var into []any
				for i := range a {
					into = append(into, &a[i])
				}
				if err := r.Scan(append([]any{&id, new(int64), &body}, into...)...); err != nil {
					return err
				}
				*s = fmt.Sprintf("%x %s %v", id, body, a)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(list, "\n")
		}
		empty := func(t *rapid.T) {
			if err := db.Write(context.Background(), func(tx *store.Tx) error {
				if err := tx.Exec("DELETE FROM journal"); err != nil {
					return err
				}
				return tx.Exec("DELETE FROM broadcast")
			}); err != nil {
				t.Fatal(err)
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			var list []*holdfast.Entry
			ws := holdfast.MustID("00000000-0000-7000-8000-000000000001")
			clock := holdfast.ClockAt(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
			seq := map[int]int64{}
			for i := range rapid.IntRange(1, 15).Draw(t, "entries") {
				origin := rapid.IntRange(0, 2).Draw(t, "origin")
				seq[origin]++
				clock += holdfast.Clock(rapid.Int64Range(1, 1<<20).Draw(t, "step"))
				body := []holdfast.Body{&holdfast.BroadcastSaved{BroadcastSpec: holdfast.BroadcastSpec{Name: fmt.Sprint(i)}}, &holdfast.BroadcastAskedFor{Count: i}, &holdfast.BroadcastStarted{}, &holdfast.BroadcastHeld{}, &holdfast.BroadcastResumed{}, &holdfast.BroadcastStopped{}, &holdfast.BroadcastEnded{}}[rapid.IntRange(0, 6).Draw(t, "kind")]
				list = append(list, &holdfast.Entry{Origin: holdfast.DeriveID(ws, fmt.Sprint("o", origin)), Seq: seq[origin], Clock: clock, At: clock.Time().UTC(), Workspace: ws,
					Subject: holdfast.DeriveID(ws, fmt.Sprint("b", rapid.IntRange(0, 1).Draw(t, "of"))), Kind: body.EntryKind(), Actor: holdfast.System, Body: body})
			}
			empty(t)
			if _, err := j.Receive(context.Background(), list); err != nil {
				t.Fatal(err)
			}
			want := dump(t)
			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
			other := append(append([]*holdfast.Entry{}, list...), list[:len(list)/2]...)
			r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
			empty(t)
			if _, err := j.Receive(context.Background(), other); err != nil {
				t.Fatal(err)
			}
			if got := dump(t); got != want {
				t.Fatalf("in order:\n%s\nshuffled:\n%s", want, got)
			}
		})
	})
}
