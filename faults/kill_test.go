package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"holdfast"
	"holdfast/outbox"
	"holdfast/store/storetest"
)

// killed kills a desk under load n times, each time at another moment: now and
// then before it is ready.
func killed(d *desk, n int, c crowd, pause time.Duration, allowed ...string) *book {
	b := newBook()
	d.start()
	l := under(d, b, c, pause, allowed...)
	var starting time.Duration
	for i := range n {
		time.Sleep(20*time.Millisecond + rand.N(400*time.Millisecond))
		d.kill()
		if i%10 == 9 { // and again while it picks up what is left
			d.launch()
			time.Sleep(rand.N(400 * time.Millisecond))
			d.kill()
		}
		began := time.Now()
		d.start()
		starting = max(starting, time.Since(began))
	}
	time.Sleep(200 * time.Millisecond)
	l.stop()
	d.t.Logf("the slowest of %d starts took %v", n, starting.Round(time.Millisecond))
	return b
}

func TestKillUnderLoad(t *testing.T) {
	n := kills(t)
	d := found(t, "", "", 10*time.Millisecond)
	b := killed(d, n, everybody, 12*time.Millisecond)
	parked := d.settle(90 * time.Second)
	d.stop()
	d.audit(b, parked)
	d.figures(t, b, parked, fmt.Sprintf("killed %d times", n))
	if doubled, crashes := d.doubles(b, parked, "once"), n+n/10; doubled > crashes {
		t.Errorf("%d messages were doubled in %d crashes: more than one a crash", doubled, crashes)
	}
	if in, out := b.acknowledged(); in < 2*n || out < n {
		t.Errorf("only %d messages and %d replies were acknowledged: that was no load", in, out)
	}
}

func TestKillUnderLoadWithADatabaseServer(t *testing.T) {
	url := storetest.PostgresURL(t)
	n := max(2, kills(t)/10)
	d := found(t, "", url, 10*time.Millisecond)
	quit := make(chan struct{})
	cut := make(chan int, 1)
	go func() { cut <- cutter(d, quit) }()
	b := killed(d, n, everybody, 12*time.Millisecond, "store.unavailable")
	// Cut connections alone, without a kill that would explain everything.
	l := under(d, b, everybody, 12*time.Millisecond, "store.unavailable")
	time.Sleep(time.Duration(n) * 250 * time.Millisecond)
	l.stop()
	close(quit)
	cuts := <-cut
	parked := d.settle(90 * time.Second)
	d.stop()
	d.audit(b, parked)
	d.figures(t, b, parked, fmt.Sprintf("killed %d times, %d database connections cut", n, cuts))
	if cuts == 0 {
		t.Error("no connection was cut")
	}
}

// cutter ends the desk's database connections, the writer's among them, every
// now and then until quit; it returns how many.
func cutter(d *desk, quit chan struct{}) (cuts int) {
	c, err := pgx.Connect(ctx, d.url)
	if err != nil {
		d.t.Error(err)
		return 0
	}
	defer c.Close(ctx)
	for {
		select {
		case <-quit:
			return cuts
		case <-time.After(100*time.Millisecond + rand.N(500*time.Millisecond)):
		}
		var n int
		d.steady.Lock() // a start without its database gives up and says so
		err := c.QueryRow(ctx, "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()) AS cut").Scan(&n)
		d.steady.Unlock()
		if err != nil {
			d.t.Error(err)
			return cuts
		}
		cuts += n
	}
}

// A restart finds out what became of attempts that were cut off before all its
// channels run; what it may send again must not wait for a person because of that.
func TestRestartWithManyAccounts(t *testing.T) {
	d := found(t, "", "", 0)
	d.start()
	const accounts = 40
	d.provider.hold()
	b := newBook()
	ids := make([]string, accounts)
	for i := range ids {
		ids[i] = holdfast.NewID().String()
		check(t, d.api("POST", "/channels", map[string]any{"id": ids[i], "kind": "loop", "name": fmt.Sprint("same ", i),
			"settings": map[string]any{"url": d.provider.URL + "/same", "resend": "same", "idempotent": true}}, nil))
	}
	slices.Reverse(ids) // the last account that is started has the first attempt to look at
	for i, account := range ids {
		id := holdfast.NewID().String()
		b.offerOut(id, "same")
		check(t, d.api("POST", "/conversations", map[string]any{"id": holdfast.NewID().String(), "message_id": id, "text": fmt.Sprint("reply ", i),
			"channel": account, "to": map[string]string{"scheme": "loop", "value": fmt.Sprint("reader", i)}}, nil))
		b.ackOut(id, "same")
	}
	until(t, "all are being sent", 20*time.Second, func() bool {
		var totals outbox.Totals
		return d.api("GET", "/outbox/totals", nil, &totals) == nil && totals.Sending == accounts
	})
	d.kill()
	d.provider.release()
	d.start()
	parked := d.settle(30 * time.Second) // less than the minute after which a closed lane is looked at again
	d.stop()
	d.audit(b, parked)
}
