package access

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"holdfast"
	"holdfast/store"
)

// How guessing is slowed: after the free failures each one more doubles the wait.
const (
	freeFailures  = 5
	firstWait     = 5 * time.Second
	longestWait   = 15 * time.Minute
	forgetFailure = time.Hour // without another try
	dropAttempts  = 24 * time.Hour
)

// counter is one thing that guesses are counted by.
type counter struct {
	name string
	free int
}

func personCounter(email string) counter { return counter{"person:" + email, freeFailures} }

func secondCounter(operator holdfast.ID) counter {
	return counter{"second:" + operator.String(), freeFailures}
}

// addressCounter counts by network address. Whoever has one IPv6 address has its whole /64.
func (g *Guard) addressCounter(address string) counter {
	if ip, err := netip.ParseAddr(address); err == nil {
		if ip = ip.Unmap().WithZone(""); ip.Is6() {
			if p, err := ip.Prefix(64); err == nil {
				ip = p.Addr()
			}
		}
		address = ip.String()
	}
	return counter{"address:" + clip(address, 100), g.o.AddressFailures}
}

// wait is how long to wait after a number of failures.
func (c counter) wait(failures int) time.Duration {
	if failures < c.free {
		return 0
	}
	d := firstWait
	for range failures - c.free {
		if d *= 2; d >= longestWait {
			return longestWait
		}
	}
	return d
}

// claim counts a guess as failed before it is tried, so that a thousand guesses
// at once get no more tries than a thousand in a row. settle takes it back when
// the guess was right. A guess that must wait is TooMany and is not counted.
func (g *Guard) claim(ctx context.Context, operator holdfast.ID, by Identity, counters ...counter) error {
	return g.db.Write(ctx, func(tx *store.Tx) error {
		var wait time.Duration
		counts := make([]int, len(counters))
		for i, c := range counters {
			var last, until time.Time
			err := tx.QueryRow("SELECT failures, last_at, blocked_to FROM attempt WHERE name = $1", c.name).Scan(&counts[i], &last, &until)
			if err != nil && !errors.Is(err, store.ErrNoRows) {
				return err
			}
			// A clock that was set back must not make the longest wait longer.
			if left := min(until.Sub(tx.Now), longestWait); left > wait {
				wait = left
			}
			if tx.Now.Sub(last) > forgetFailure {
				counts[i] = 0
			}
		}
		if wait > 0 {
			return tooMany(wait)
		}
		if err := tx.Exec("DELETE FROM attempt WHERE last_at < $1", tx.Now.Add(-dropAttempts)); err != nil {
			return err
		}
		for i, c := range counters {
			var until time.Time
			if d := c.wait(counts[i] + 1); d > 0 {
				until = tx.Now.Add(d)
			}
			err := tx.Exec(`INSERT INTO attempt (name, failures, last_at, blocked_to) VALUES ($1, $2, $3, $4)
				ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, blocked_to = excluded.blocked_to`,
				c.name, counts[i]+1, tx.Now, until)
			if err != nil {
				return err
			}
		}
		if counts[0]+1 == counters[0].free {
			if operator.IsZero() { // a guess at an account that nobody has is of no workspace
				return record(tx, by, holdfast.ID{}, "operator.sign_in_slowed", operator, nil)
			}
			return eachWorkspace(tx, operator, func(ws holdfast.ID) error {
				return record(tx, by, ws, "operator.sign_in_slowed", operator, nil)
			})
		}
		return nil
	})
}

// settle forgets the failures of one counter and takes one back from the others.
func settle(tx *store.Tx, cleared counter, back ...counter) error {
	if err := tx.Exec("DELETE FROM attempt WHERE name = $1", cleared.name); err != nil {
		return err
	}
	return takeBack(tx, back...)
}

// takeBack uncounts one try. The wait that it had set goes, too: past the free
// failures only one try at a time is let in, so that no other's wait can be meant.
func takeBack(tx *store.Tx, counters ...counter) error {
	for _, c := range counters {
		if err := tx.Exec("UPDATE attempt SET failures = failures - 1, blocked_to = 0 WHERE name = $1 AND failures > 0", c.name); err != nil {
			return err
		}
	}
	return nil
}

// Wait is the cause of every "signin.too_many": how long to wait before the next try.
type Wait struct{ For time.Duration }

func (w Wait) Error() string { return "wait " + w.For.String() }

func tooMany(wait time.Duration) error {
	seconds := int64((wait + time.Second - 1) / time.Second)
	next := fmt.Sprintf("Try again in %d seconds.", seconds)
	if seconds == 1 {
		next = "Try again in 1 second."
	}
	err := holdfast.Errorf(holdfast.TooMany, "signin.too_many", "too many wrong attempts").WithNext(next)
	err.Err = Wait{time.Duration(seconds) * time.Second}
	return err
}
