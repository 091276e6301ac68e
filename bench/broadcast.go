package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/app"
	"holdfast/broadcasts"
	"holdfast/channel"
	"holdfast/channel/loop"
	"holdfast/journal"
	"holdfast/setup"
)

// toldRate is how many letters a second the broadcast is allowed.
const toldRate = 100

// broadcast measures how near to its allowed rate a broadcast goes, whether each
// customer is told once, and what it takes of memory meanwhile. The provider is the
// make-believe one, in this process.
func (r *run) broadcast(ctx context.Context, s storage) (err error) {
	r.say("%d customers are told at %d a second (%s)", r.Recipients, toldRate, s.name())
	p, err := s.fresh(ctx)
	if err != nil {
		return err
	}
	c := r.Config
	c.Data, c.DatabaseURL, c.Listen, c.PublicURL, c.SMTPListen, c.S3Endpoint = p.dir, p.url, "127.0.0.1:0", "", "", ""
	provider := loop.New()
	a := app.New(c, r.log)
	a.Kinds = []*channel.Kind{provider.Kind(channel.ResendPark)}
	if err := a.OpenRooms(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.DB.Close()) }()
	w, err := a.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: founded, Language: "en", TimeZone: "UTC"})
	if err != nil {
		return err
	}
	account, err := a.Setup.CreateChannel(ctx, access.System(w.ID), setup.NewChannel{ID: holdfast.NewID(), Kind: provider.Kind(channel.ResendPark).Name, Name: "Loop", Settings: json.RawMessage(`{}`)})
	if err != nil {
		return err
	}
	const batch = 500
	for from := 0; from < r.Recipients; from += batch {
		_, err := a.Journal.Do(ctx, journal.Command{Workspace: w.ID, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			for i := from; i < min(r.Recipients, from+batch); i++ {
				if _, err := tx.Append(holdfast.DeriveID(w.ID, fmt.Sprint("customer ", i)), &holdfast.CustomerCreated{Name: fmt.Sprint("Customer ", i), Addresses: []holdfast.Address{{Scheme: loop.Scheme, Value: fmt.Sprint(i)}}}); err != nil {
					return err
				}
			}
			return nil
		}})
		if err != nil {
			return err
		}
	}
	rooms, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.RunRooms(rooms) }()
	defer func() { stop(); err = errors.Join(err, <-done) }()
	if err := a.Broadcasts.SetSecondAbove(ctx, w.ID, r.Recipients); err != nil {
		return err
	}
	spec := holdfast.BroadcastSpec{Name: "Bench", Texts: map[string]string{"en": "{{customer.first_name|Dear customer}}, the line is cut."},
		// The lane's rate of which a broadcast's share is the one that is measured.
		Ways: []holdfast.BroadcastWay{{Channel: account.ID, PerMinute: int(math.Round(toldRate * 60 * 100 / broadcasts.Share))}}}
	began, heap := time.Now(), inUse()
	id, err := a.Broadcasts.Start(ctx, w.ID, spec, "bench")
	if err != nil {
		return err
	}
	most := heap
	for {
		v, err := a.Broadcasts.Read(ctx, w.ID, id)
		if err != nil {
			return err
		}
		most = max(most, inUse())
		if v.State == holdfast.BroadcastFinished {
			break
		}
		if time.Since(began) > time.Duration(3*r.Recipients/toldRate+30)*time.Second {
			return holdfast.Errorf(holdfast.Unavailable, "bench.slow", "after %v the broadcast is %s with %+v", time.Since(began), v.State, v.Totals)
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var first, last time.Time
	if err := a.DB.QueryRow(ctx, "SELECT MIN(told_at), MAX(told_at) FROM broadcast_recipient WHERE broadcast = $1", id).Scan(&first, &last); err != nil {
		return err
	}
	wrong := 0
	for i := range r.Recipients {
		if len(provider.Received(fmt.Sprint(i))) != 1 {
			wrong++
		}
	}
	rate := float64(r.Recipients) / max(last.Sub(first).Seconds(), 0.001)
	r.judge("broadcast", s.name(), "customers not told exactly once", float64(wrong), "", false, 0, fmt.Sprintf("of %d", r.Recipients))
	r.note("broadcast", s.name(), "told", rate, "/s", fmt.Sprintf("%d/s allowed, 70 %% of the lane; %v from the start to the end", toldRate, time.Since(began).Round(time.Second)))
	r.judge("broadcast", s.name(), "off the allowed rate", 100*math.Abs(rate/toldRate-1), "%", false, 3, "")
	r.note("broadcast", s.name(), "memory over the beginning, most", float64(most-heap)/(1<<20), "MB", "live objects, the provider's own record of each message among them")
	return nil
}

// inUse is what the program holds after what nobody needs is gone.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
