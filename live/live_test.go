package live_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/bus"
	"holdfast/inbox"
	"holdfast/journal"
	"holdfast/live"
	"holdfast/store"
	"holdfast/store/storetest"
)

type rig struct {
	t   *testing.T
	j   *journal.Journal
	hub *live.Hub
	ws  holdfast.ID
}

// run gives a test a hub that follows a journal, in a bubble whose clock stands
// still while anything happens.
func run(t *testing.T, test func(r *rig)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t, store.Options{Dir: dir})
		defer db.Close()
		log := slog.New(slog.DiscardHandler)
		j := journal.New(db, log, inbox.New(db))
		if err := j.Open(context.Background()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		hub := live.New(j, bus.New(), log)
		var wg sync.WaitGroup
		wg.Go(func() { hub.Run(ctx) })
		defer wg.Wait()
		defer cancel()
		synctest.Wait()
		test(&rig{t, j, hub, holdfast.NewID()})
	})
}

func (r *rig) write(n int, ws holdfast.ID) {
	r.t.Helper()
	for range n {
		_, err := r.j.Do(context.Background(), journal.Command{Workspace: ws, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			_, err := tx.Append(holdfast.NewID(), &holdfast.ConversationSubject{Subject: "x"})
			return err
		}})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	synctest.Wait()
}

func (r *rig) join(after holdfast.LSN) *live.Screen {
	r.t.Helper()
	s, err := r.hub.Join(context.Background(), r.ws, holdfast.NewID(), after)
	if err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
	return s
}

type heard struct {
	lsns   []holdfast.LSN
	reset  bool
	closed bool
}

// hear takes everything that waits for a screen.
func hear(s *live.Screen) (h heard) {
	for {
		select {
		case b, open := <-s.Frames():
			if !open {
				h.closed = true
				return h
			}
			var f struct {
				Type  string
				Entry struct{ LSN holdfast.LSN }
			}
			json.Unmarshal(b, &f)
			switch f.Type {
			case "entry":
				h.lsns = append(h.lsns, f.Entry.LSN)
			case "reset":
				h.reset = true
			}
		default:
			return h
		}
	}
}

func (r *rig) wants(h heard, from, to holdfast.LSN) {
	r.t.Helper()
	want := from
	for _, lsn := range h.lsns {
		if lsn != want {
			r.t.Fatalf("a screen heard entry %d where %d comes next", lsn, want)
		}
		want++
	}
	if want != to+1 {
		r.t.Fatalf("a screen heard up to %d, want %d", want-1, to)
	}
}

func TestAScreenThatComesBackHearsWhatItMissedOnce(t *testing.T) {
	run(t, func(r *rig) {
		r.write(5, r.ws)
		s := r.join(5)
		r.write(3, r.ws)
		r.wants(hear(s), 6, 8)
		r.hub.Leave(s)
		r.write(4, r.ws)
		s = r.join(8)
		r.wants(hear(s), 9, 12)
		r.write(1, r.ws)
		r.wants(hear(s), 13, 13)
	})
}

func TestAScreenHearsNothingOfOtherWorkspaces(t *testing.T) {
	run(t, func(r *rig) {
		s := r.join(0)
		r.write(3, holdfast.NewID())
		if h := hear(s); len(h.lsns) != 0 {
			t.Errorf("it heard %v", h.lsns)
		}
		other, err := r.hub.Join(context.Background(), holdfast.NewID(), holdfast.NewID(), 0)
		if err != nil {
			t.Fatal(err)
		}
		hear(s)
		r.hub.Typing(r.ws, holdfast.NewID(), holdfast.NewID(), holdfast.ID{}, "")
		synctest.Wait()
		for {
			select {
			case b := <-other.Frames():
				var f struct{ Type string }
				json.Unmarshal(b, &f)
				if f.Type == "typing" {
					t.Error("typing reached another workspace")
				}
				continue
			default:
			}
			break
		}
	})
}

func TestASlowScreenIsCutOffAndTheOthersAreNotHeldUp(t *testing.T) {
	run(t, func(r *rig) {
		slow, quick := r.join(0), r.join(0)
		var got []holdfast.LSN
		for range 40 {
			r.write(10, r.ws)
			got = append(got, hear(quick).lsns...)
		}
		r.wants(heard{lsns: got}, 1, 400)
		h := hear(slow)
		if !h.closed {
			t.Fatal("a screen that never read was not cut off")
		}
		// It comes back with the last number it has, and is told to fetch anew or given the rest.
		last := holdfast.LSN(0)
		if n := len(h.lsns); n > 0 {
			r.wants(h, 1, h.lsns[n-1])
			last = h.lsns[n-1]
		}
		back := hear(r.join(last))
		if !back.reset {
			r.wants(back, last+1, 400)
		}
	})
}

func TestAScreenFarBehindIsToldToFetchAnew(t *testing.T) {
	run(t, func(r *rig) {
		r.write(300, r.ws)
		if h := hear(r.join(1)); !h.reset || len(h.lsns) > 0 {
			t.Errorf("299 entries behind it heard %d of them, reset %v", len(h.lsns), h.reset)
		}
	})
}

func TestHeartbeatsComeWhileNothingHappens(t *testing.T) {
	run(t, func(r *rig) {
		s := r.join(0)
		hear(s)
		time.Sleep(12 * time.Second)
		synctest.Wait()
		pings := 0
		for {
			select {
			case b := <-s.Frames():
				var f struct{ Type string }
				json.Unmarshal(b, &f)
				if f.Type == "ping" {
					pings++
				}
				continue
			default:
			}
			break
		}
		if pings < 2 {
			t.Errorf("%d heartbeats in 12 seconds", pings)
		}
	})
}

func TestPresenceSaysWhoIsThereAndWhatTheyLookAt(t *testing.T) {
	run(t, func(r *rig) {
		a := r.join(0)
		conv := holdfast.NewID()
		r.hub.View(a, conv)
		list := r.hub.Online(r.ws)
		if len(list) != 1 || list[0].Viewing != conv {
			t.Errorf("present: %+v", list)
		}
		r.hub.Leave(a)
		if list := r.hub.Online(r.ws); len(list) != 0 {
			t.Errorf("after leaving: %+v", list)
		}
	})
}
