package outbox

import (
	"testing"
	"time"

	"holdfast/channel"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func temporary(code string) *channel.Failure {
	return &channel.Failure{Reason: channel.Temporary, Code: code, Text: "no"}
}

func (b *breaker) mustBe(t *testing.T, state string) {
	t.Helper()
	if got := b.state().State; got != state {
		t.Fatalf("the breaker is %s, want %s", got, state)
	}
}

func TestFiveTransportFailuresInARowOpenIt(t *testing.T) {
	var b breaker
	for range 4 {
		b.result(start, temporary("503"), false)
	}
	b.result(start, nil, false)
	for range 4 {
		b.result(start, temporary("503"), false)
	}
	b.mustBe(t, "closed")
	b.result(start, temporary("connect"), false)
	b.mustBe(t, "open")
	if s := b.state(); s.Code != "connect" || s.Reason != "no" || !s.Until.Equal(start.Add(30*time.Second)) {
		t.Errorf("state %+v", s)
	}
}

func TestRecipientsNeverOpenIt(t *testing.T) {
	var b breaker
	for range 100 {
		b.result(start, temporary("450"), false)
		b.result(start, &channel.Failure{Reason: channel.Permanent, Code: "550"}, false)
		b.result(start, &channel.Failure{Reason: channel.Blocked, Code: "403"}, false)
		b.result(start, &channel.Failure{Reason: channel.Throttled, Code: "429"}, false)
	}
	b.mustBe(t, "closed")
}

func TestHalfOfTwentyInAMinuteOpensIt(t *testing.T) {
	for _, c := range []struct {
		gap  time.Duration
		want string
	}{{time.Second, "open"}, {10 * time.Second, "closed"}} {
		var b breaker
		for i := range 20 {
			var f *channel.Failure
			if i%2 == 1 {
				f = temporary("503")
			}
			b.result(start.Add(time.Duration(i)*c.gap), f, false)
		}
		b.mustBe(t, c.want)
	}
}

func TestProbesDoubleToTenMinutesAndOneSuccessCloses(t *testing.T) {
	var b breaker
	for range 5 {
		b.result(start, temporary("503"), false)
	}
	now := start
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
		n, wait := b.slots(now)
		if n != 0 || wait != want {
			t.Fatalf("%d slots and a wait of %v, want none and %v", n, wait, want)
		}
		now = now.Add(want)
		if n, _ := b.slots(now); n != 1 {
			t.Fatalf("%d slots for the probe", n)
		}
		if !b.begin() {
			t.Fatal("the message is not the probe")
		}
		b.mustBe(t, "probing")
		b.result(now, temporary("503"), true)
	}
	b.begin()
	b.result(now, nil, true)
	b.mustBe(t, "closed")
	// The stream grows again slowly.
	for _, want := range []int{1, 2, 4, 4} {
		if n, _ := b.slots(now); n != want {
			t.Fatalf("%d slots, want %d", n, want)
		}
		b.result(now, nil, false)
	}
}

func TestABrokenAccountOpensItAtOnce(t *testing.T) {
	var b breaker
	b.result(start, &channel.Failure{Reason: channel.Broken, Code: "invalid_grant", Text: "The token was revoked."}, false)
	b.mustBe(t, "open")
	if s := b.state(); s.Reason != "The token was revoked." || s.Until.Sub(start) < 5*time.Minute {
		t.Errorf("state %+v", s)
	}
}

func TestTwoThrottledInARowPauseTheLane(t *testing.T) {
	var b breaker
	f := &channel.Failure{Reason: channel.Throttled, Code: "429", RetryAfter: 40 * time.Second}
	b.result(start, f, false)
	if n, _ := b.slots(start); n != 1 {
		t.Errorf("%d slots after one 429, want 1", n)
	}
	b.result(start, f, false)
	if n, wait := b.slots(start); n != 0 || wait != 40*time.Second {
		t.Errorf("%d slots, wait %v", n, wait)
	}
	b.mustBe(t, "closed")
}

func TestBackOffStaysWithinItsBounds(t *testing.T) {
	for n, want := range map[int]time.Duration{0: 15 * time.Second, 1: 15 * time.Second, 2: 30 * time.Second, 5: 4 * time.Minute, 7: 15 * time.Minute, 60: 15 * time.Minute, 100: 15 * time.Minute} {
		for range 200 {
			if d := backoff(n); d < want*8/10 || d > min(want*12/10, 15*time.Minute) {
				t.Fatalf("attempt %d waits %v, want %v ± 20 %%", n, d, want)
			}
		}
	}
}
