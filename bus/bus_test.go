package bus_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast"
	"holdfast/bus"
)

func TestAWakeUpReachesEveryWatcherOfItsTopicAndNobodyElse(t *testing.T) {
	b := bus.New()
	a1, a2, other := b.Watch("a"), b.Watch("a"), b.Watch("b")
	defer other.Close()
	b.Wake("a")
	for _, w := range []*bus.Watch{a1, a2} {
		if s := <-w.C(); s != (holdfast.Signal{}) {
			t.Errorf("a wake-up came as %+v", s)
		}
	}
	select {
	case s := <-other.C():
		t.Errorf("another topic heard %+v", s)
	default:
	}
	a1.Close()
	a2.Close()
	if n := b.Watched(); n != 1 {
		t.Errorf("%d topics are watched after the watchers of one left", n)
	}
	b.Wake("a") // nobody: must not block or panic
}

func TestAWakeUpIsNeverLostBehindSignals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := bus.New()
		w := b.Watch("x")
		defer w.Close()
		owed := false
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				b.Signal("x", holdfast.Signal{Typing: true, Text: fmt.Sprint(i)})
			case 1:
				b.Wake("x")
				owed = true
			case 2:
				select {
				case s := <-w.C():
					if s == (holdfast.Signal{}) {
						owed = false
					}
				default:
					if owed {
						t.Fatal("the watcher was told to look again and finds nothing")
					}
				}
			}
		}
		for owed {
			select {
			case s := <-w.C():
				owed = s != (holdfast.Signal{})
			default:
				t.Fatal("a wake-up was lost")
			}
		}
	})
}

func TestManySpeakersNeverBlockOnASilentWatcher(t *testing.T) {
	b := bus.New()
	w := b.Watch("x")
	defer w.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				b.Wake("x")
				b.Signal("x", holdfast.Signal{Typing: true})
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("speaking to a watcher who does not listen blocks")
	}
}
