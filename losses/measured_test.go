package losses_test

import (
	"context"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/channel"
	"holdfast/inbox"
	"holdfast/intake"
	"holdfast/journal"
	"holdfast/losses"
	"holdfast/outbox"
	"holdfast/search"
	"holdfast/store"
	"holdfast/store/storetest"
)

// TestWhatCameMeanwhileIsMeasured has twelve people write every day at ten past nine
// for three weeks, cuts their channel for that hour one day, and lets three of them
// come at eleven instead.
func TestWhatCameMeanwhileIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
		defer db.Close()
		log := slog.New(slog.DiscardHandler)
		workspace, account := holdfast.NewID(), holdfast.NewID()
		j := journal.New(db, log, inbox.New(db), search.New(db), outbox.Table{}, losses.Table{})
		if err := j.Open(context.Background()); err != nil {
			t.Fatal(err)
		}
		sink := intake.New(j).Sink(intake.Account{ID: account, Workspace: workspace, Kind: &channel.Kind{}})
		writes := func(who int, text string) {
			t.Helper()
			_, err := sink.Accept(context.Background(), channel.Inbound{Key: holdfast.NewID().String(), From: holdfast.Address{Scheme: "visitor", Value: string(rune('a' + who))}, Text: text})
			if err != nil {
				t.Fatal(err)
			}
		}
		var cuts []losses.Cut
		l := losses.New(losses.Deps{DB: db, Journal: j,
			House: func(context.Context, holdfast.ID) (string, *time.Location, holdfast.Hours, error) {
				return "en", time.UTC, holdfast.Hours{}, nil
			},
			Cuts: func(context.Context, holdfast.ID, time.Time, time.Time) ([]losses.Cut, error) { return cuts, nil },
			Outage: func(context.Context, holdfast.ID, holdfast.ID) (from, to time.Time, channels []holdfast.ID, err error) {
				return
			},
			Channels: func(context.Context, holdfast.ID) (int, error) { return 1, nil },
			Staff:    func(context.Context, holdfast.ID) (int, error) { return 1, nil },
			Audit:    func(*store.Tx, holdfast.ID, holdfast.Actor, string, holdfast.ID, any) error { return nil }})
		weekly := 2400.
		if err := l.Assume(context.Background(), workspace, holdfast.System, holdfast.Assumptions{Weekly: &weekly}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now().Truncate(24 * time.Hour).Add(33*time.Hour + 10*time.Minute)
		for day := range 24 {
			time.Sleep(time.Until(begin.AddDate(0, 0, day)))
			for who := range 12 {
				writes(who, "Hello")
			}
		}
		at := begin.AddDate(0, 0, 24).Add(-10 * time.Minute)
		cuts = []losses.Cut{{Outage: holdfast.NewID(), Channel: account, From: at, To: at.Add(time.Hour)}}
		time.Sleep(time.Until(at.Add(80 * time.Minute)))
		for who := range 3 {
			writes(who, "Are you back?")
		}
		time.Sleep(2 * time.Hour)
		r, err := l.Of(context.Background(), workspace, at.Add(-time.Hour), time.Now())
		if err != nil || len(r.Episodes) != 1 {
			t.Fatalf("%+v %v", r, err)
		}
		e := r.Episodes[0]
		// All of a week's money comes in seven such hours: 2400 / 7. A quarter came back.
		want := weekly / 7
		if e.Basis.Of != "contacts" || e.Basis.Weeks != 3 || math.Abs(e.Expected-12) > 0.01 || math.Abs(e.Back-3) > 0.01 || e.Came != 0 ||
			math.Abs(e.Cost.AtRisk.Middle-want) > 0.5 || math.Abs(e.Cost.Returned.Middle-want/4) > 0.5 || math.Abs(e.Cost.Missed.Middle-want*3/4) > 0.5 || math.Abs(e.Unserved-9) > 0.01 {
			t.Errorf("%+v", e)
		}
		for _, f := range e.Factors {
			if f.Key == "recaptured" && (f.Source != losses.Measured || math.Abs(f.Value-0.25) > 0.01) {
				t.Errorf("recaptured: %+v", f)
			}
		}
		// What is said goes before what is measured, and that is still shown.
		all := 1.
		if err := l.Assume(context.Background(), workspace, holdfast.System, holdfast.Assumptions{Weekly: &weekly, Recaptured: &all}); err != nil {
			t.Fatal(err)
		}
		if r, err = l.Of(context.Background(), workspace, at.Add(-time.Hour), time.Now()); err != nil || r.Total.Missed.Middle > 0.01 {
			t.Errorf("all of it came back, somebody says: %+v %v", r.Total, err)
		}
		// A night costs nobody anything.
		night := losses.Case{From: at.Add(-6 * time.Hour), Hours: 3, Cut: 1, Assumptions: holdfast.Assumptions{Weekly: &weekly}}
		if c, err := l.Calculate(context.Background(), workspace, night); err != nil || c.Cost.AtRisk.Middle != 0 {
			t.Errorf("three hours of a night: %+v %v", c.Cost, err)
		}
	})
}
