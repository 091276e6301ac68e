package links

import "time"

// The window that loss is measured in.
const (
	buckets  = 30
	leastSet = 25 // so many must have seen a probe before the window says that a link is down
)

// window is thirty buckets of one second each. Loss is the mean over the buckets, so
// that probing faster in some of them does not weigh more: a window of so many probes
// shrinks when they come faster, and cries wolf.
type window struct {
	second [buckets]int64 // which second each bucket is of, plus one
	sent   [buckets]uint16
	lost   [buckets]uint16
	late   [buckets]uint16
	rtt    [buckets]time.Duration // the sum of the answered ones
}

func (w *window) add(at time.Duration, ok, late bool, rtt time.Duration) {
	s := int64(at / time.Second)
	i := int(s % buckets)
	if w.second[i] != s+1 {
		if w.second[i] > s+1 {
			return // older than the window
		}
		w.second[i], w.sent[i], w.lost[i], w.late[i], w.rtt[i] = s+1, 0, 0, 0, 0
	}
	w.sent[i]++
	switch {
	case !ok:
		w.lost[i]++
	case late:
		w.late[i]++
	}
	if ok {
		w.rtt[i] += rtt
	}
}

// sum is what a window holds at a moment.
type sum struct {
	filled int
	loss   float64 // 0 to 1
	late   float64 // what a playout buffer would throw away, beside the loss
	rtt    time.Duration
}

// sum is read by whoever holds the detector, and asks of all thirty seconds for each
// probe. The race detector sees the writes, which go before each sum, and is not asked to
// see these reads as well: with them a simulated month takes a minute.
//
//go:norace
func (w *window) sum(at time.Duration) sum {
	var s sum
	now := int64(at/time.Second) + 1
	var loss, late float64
	var rtt time.Duration
	answered := 0
	for i := range buckets {
		if w.second[i] <= now-buckets || w.second[i] > now || w.sent[i] == 0 {
			continue
		}
		s.filled++
		loss += float64(w.lost[i]) / float64(w.sent[i])
		late += float64(w.late[i]) / float64(w.sent[i])
		rtt += w.rtt[i]
		answered += int(w.sent[i] - w.lost[i])
	}
	if s.filled > 0 {
		s.loss, s.late = loss/float64(s.filled), late/float64(s.filled)
	}
	if answered > 0 {
		s.rtt = rtt / time.Duration(answered)
	}
	return s
}

// stream is what one target has answered over one uplink.
type stream struct {
	window window
	jitter Jitter
	floor  time.Duration // the least round trip, slowly forgotten

	up       bool          // it answers
	known    bool          // it has answered, or has had the chance to
	last     time.Duration // its last answer
	began    time.Duration // the answer that its present run of answers began with
	lostRow  int
	lastSent time.Duration
}

// forget makes the next answer, or the next few that do not come, say anew whether the
// target answers.
func (s *stream) forget() { s.up, s.known, s.lostRow, s.began = false, false, 0, 0 }

// A target counts as silent after so long, and so many lost; and as answering again
// after a while without a gap.
const (
	silentAfter = 10 * time.Second
	silentLost  = 3
	answerAgain = 10 * time.Second
)

func (s *stream) add(sent, now time.Duration, ok bool, rtt time.Duration) {
	late := false
	if ok {
		// The floor rises slowly, so that a route that has become longer is not late for ever.
		if s.floor == 0 || rtt < s.floor {
			s.floor = rtt
		} else {
			s.floor += (rtt - s.floor) / 64
		}
		late = rtt-s.floor > buffer(s.jitter.Value())
		s.jitter.Add(rtt)
		if s.lostRow > 0 || !s.known || !s.up && s.began == 0 {
			s.began = sent
		}
		s.last, s.lostRow = max(s.last, sent), 0
		if !s.known || now-s.began >= answerAgain {
			s.up = true
		}
		s.known = true
	} else {
		s.lostRow++
		if s.lostRow >= silentLost && (now-s.last >= silentAfter || !s.known) {
			s.up, s.known = false, true
		}
	}
	s.window.add(sent, ok, late, rtt)
	s.lastSent = sent
}
