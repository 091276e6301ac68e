package links

import (
	"math"
	"time"
)

// Codec is how a voice codec stands loss (G.113 Appendix I).
type Codec struct {
	Ie, Bpl float64
}

// The codecs that a call is likely to have.
var (
	G711  = Codec{Ie: 0, Bpl: 25.1} // with concealment
	G729A = Codec{Ie: 11, Bpl: 19}  // with silence suppression
)

// packetisation is how long a voice packet waits to be filled.
const packetisation = 20 * time.Millisecond

// The least playout buffer that a phone has.
const leastBuffer = 20 * time.Millisecond

// delayImpairment is Idd of G.107: what mouth-to-ear delay costs.
func delayImpairment(ta time.Duration) float64 {
	if ta <= 100*time.Millisecond {
		return 0
	}
	x := math.Log2(float64(ta) / float64(100*time.Millisecond))
	return 25 * (math.Pow(1+math.Pow(x, 6), 1.0/6) - 3*math.Pow(1+math.Pow(x/3, 6), 1.0/6) + 2)
}

// R is the rating of a call by ITU-T G.107 without echo. ta is one way, mouth to ear;
// loss is a share (0 to 1), and burst how much longer than at random losses cluster (1:
// not at all).
func R(ta time.Duration, loss, burst float64, c Codec) float64 {
	ppl := 100 * min(max(loss, 0), 1)
	return 93.2 - delayImpairment(ta) - (c.Ie + (95-c.Ie)*ppl/(ppl/max(burst, 1)+c.Bpl))
}

// MOS is what a listener would say of a rating, 1 to 4.5.
func MOS(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

// CallMOS is what a G.711 call over a link would be worth: its round trip, jitter and
// loss, of which what the playout buffer throws away is a part.
func CallMOS(rtt, jitter time.Duration, loss float64) float64 {
	return MOS(R(rtt/2+buffer(jitter)+packetisation, loss, 1, G711))
}

// buffer is the playout buffer that a phone would choose for a jitter.
func buffer(jitter time.Duration) time.Duration { return max(leastBuffer, 2*jitter) }

// Jitter is the running estimate of RFC 3550. The zero value is ready to use.
type Jitter struct {
	last  time.Duration
	known bool
	j     float64
}

// Add takes in how long one more packet took.
func (j *Jitter) Add(transit time.Duration) {
	if j.known {
		j.j += (math.Abs(float64(transit-j.last)) - j.j) / 16
	}
	j.last, j.known = transit, true
}

// Value is the estimate.
func (j *Jitter) Value() time.Duration { return time.Duration(j.j) }
