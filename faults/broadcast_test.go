package faults

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/broadcasts"
	"holdfast/channel/sms/smsc"
	"holdfast/journal"
	"holdfast/setup"
)

// told is how many customers the broadcast through crashes has, and how many a second
// it may tell; HOLDFAST_FAULTS_TOLD=5000 makes it the whole one.
func told(t *testing.T) (n, rate int) {
	t.Helper()
	s := os.Getenv("HOLDFAST_FAULTS_TOLD")
	if s == "" {
		return 600, 300
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 100 {
		t.Fatalf("HOLDFAST_FAULTS_TOLD is %q", s)
	}
	return n, 100
}

// A broadcast over SMPP through three crashes of the program: the centre never takes a
// text twice, what a crash has left in doubt is shown to the operator, and after they
// have looked at it each customer has been told once.
func TestKillDuringABroadcastOverSMPP(t *testing.T) {
	n, rate := told(t)
	centre, err := smsc.Start("127.0.0.1:0", smsc.Options{})
	check(t, err)
	t.Cleanup(centre.Close)
	d := found(t, "", "", 0)
	account := d.texting(centre.Addr(), rate, n)
	d.start()
	check(t, d.api("PUT", "/broadcast-settings", map[string]any{"second_above": n}, nil))
	id := holdfast.NewID().String()
	check(t, d.api("PUT", "/broadcasts/"+id, holdfast.BroadcastSpec{Name: "Cut", Texts: map[string]string{"en": "The line is cut."},
		Ways: []holdfast.BroadcastWay{{Channel: account, PerMinute: int(math.Round(float64(rate) * 60 * 100 / broadcasts.Share))}}}, nil))
	check(t, d.api("POST", "/broadcasts/"+id+"/start", nil, nil))
	const crashes = 3
	memory := []int64{d.resident()}
	for k := range crashes {
		mark := n*(k+1)/(crashes+2) + rand.IntN(n/20)
		until(t, fmt.Sprintf("%d texts are taken", mark), 5*time.Minute, func() bool { got, _, _ := centre.Taken(); return got >= mark })
		memory = append(memory, d.resident())
		d.kill()
		if got, _, _ := centre.Taken(); got >= n {
			t.Errorf("crash %d came when all were told: that was no test", k+1)
		}
		d.start()
	}
	var b broadcasts.Broadcast
	until(t, "the broadcast has come to its end", 5*time.Minute, func() bool {
		return d.api("GET", "/broadcasts/"+id, nil, &b) == nil && b.State == holdfast.BroadcastFinished
	})
	memory = append(memory, d.resident())
	_, first, last := centre.Taken()
	accepts := func() map[string]int {
		m := map[string]int{}
		for _, p := range centre.Parts() {
			m[p.To]++
		}
		return m
	}
	taken := accepts()
	unsure := map[string]string{} // by number: the message, as the operator sees it
	for cursor := ""; ; {
		var page struct {
			Items []broadcasts.Recipient
			Next  string
		}
		check(t, d.api("GET", "/broadcasts/"+id+"/recipients?state=unsure&limit=200&cursor="+cursor, nil, &page))
		for _, r := range page.Items {
			unsure[strings.TrimPrefix(r.To.Value, "+")] = r.Message.String()
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	missing := 0
	for i := range n {
		to := digits(i)
		switch got := taken[to]; {
		case got > 1:
			t.Errorf("customer %d was told %d times", i, got)
		case got == 0 && unsure[to] == "":
			t.Errorf("customer %d was never told, and nobody is told of it", i)
		case got == 0:
			missing++
		}
	}
	if b.Totals.Told+b.Totals.Unsure != n || b.Totals.Unsure != len(unsure) {
		t.Errorf("the broadcast says %+v, and %d are shown as unsure", b.Totals, len(unsure))
	}
	// The operator asks the centre, and sends again what it does not have.
	for to, message := range unsure {
		if taken[to] == 0 {
			check(t, d.api("POST", "/outbox/"+message+"/retry", nil, nil))
		}
	}
	until(t, "the others are told", 30*time.Second, func() bool { return len(accepts()) == n })
	d.stop()
	if total, _, _ := centre.Taken(); total != n {
		t.Errorf("the centre took %d texts of %d customers", total, n)
	}
	t.Logf("%d customers in %v with %d crashes (%d a second allowed); %d left in doubt, of which %d had not gone; memory %d MB",
		n, last.Sub(first).Round(time.Millisecond), crashes, rate, len(unsure), missing, inMB(memory))
	if low, high := memory[1], memory[len(memory)-1]; high > low+low/2+32<<20 {
		t.Errorf("memory went from %d to %d MB", low>>20, high>>20)
	}
}

func digits(i int) string { return fmt.Sprintf("7999%07d", i) }

func inMB(list []int64) (mb []int64) {
	for _, n := range list {
		mb = append(mb, n>>20)
	}
	return mb
}

// texting gives a desk that does not run an SMS account at a centre, and n customers
// with a number each.
func (d *desk) texting(centre string, rate, n int) holdfast.ID {
	t := d.t
	t.Helper()
	a := app.New(app.Config{Data: d.dir, DatabaseURL: d.url, Listen: d.listen, LogLevel: "warn", AttachmentLimit: 1 << 20}, slog.New(slog.DiscardHandler))
	check(t, a.OpenData(ctx))
	host, port, err := net.SplitHostPort(centre)
	check(t, err)
	v, err := a.Setup.CreateChannel(ctx, access.System(d.space), setup.NewChannel{ID: holdfast.NewID(), Kind: "sms", Name: "Texts",
		Settings: json.RawMessage(fmt.Sprintf(`{"via":"smpp","smpp_host":%q,"smpp_port":%s,"smpp_security":"none","smpp_system_id":"desk","smpp_rate":%d,"smpp_window":10,"smpp_receipts":false}`, host, port, 2*rate))})
	check(t, err)
	for from := 0; from < n; from += 500 {
		_, err := a.Journal.Do(ctx, journal.Command{Workspace: d.space, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			for i := from; i < min(n, from+500); i++ {
				if _, err := tx.Append(holdfast.DeriveID(d.space, fmt.Sprint("customer ", i)), &holdfast.CustomerCreated{Name: fmt.Sprint("Customer ", i),
					Addresses: []holdfast.Address{{Scheme: "tel", Value: "+" + digits(i)}}}); err != nil {
					return err
				}
			}
			return nil
		}})
		check(t, err)
	}
	check(t, a.DB.Close())
	return v.ID
}
