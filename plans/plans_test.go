package plans_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/plans"
	"holdfast/store"
	"holdfast/store/storetest"
)

var ctx = context.Background()

// world is what other rooms were asked to do, by the key of the deed.
type world struct {
	mu    sync.Mutex
	calls []string
	done  map[holdfast.ID]string
}

func (w *world) did(key holdfast.ID, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, what)
	w.done[key] = what // a room that honours keys does it once
}

type room struct {
	*plans.Plans
	j    *journal.Journal
	db   *store.DB
	ws   holdfast.ID
	by   access.Identity
	w    *world
	deps plans.Deps
}

func open(t *testing.T, db *store.DB) *room {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	j := journal.New(db, log, plans.Table{})
	if err := j.Open(ctx); err != nil {
		t.Fatal(err)
	}
	guard := access.New(db, nil, access.Options{Log: log, Cost: access.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}})
	r := &room{j: j, db: db, ws: holdfast.NewID(), w: &world{done: map[holdfast.ID]string{}}}
	if err := db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO workspace (id, name, language, time_zone, created_at) VALUES ($1, 'Shop', 'en', 'UTC', 0)", r.ws)
	}); err != nil {
		t.Fatal(err)
	}
	joe := holdfast.NewID()
	if _, err := guard.CreateOperator(ctx, access.System(r.ws), access.NewOperator{ID: joe, Name: "Joe", Email: "joe@desk.example", Language: "en", Role: holdfast.Supervisor}); err != nil {
		t.Fatal(err)
	}
	r.by = access.Identity{Actor: holdfast.Actor{Kind: holdfast.ActorOperator, ID: joe}, Operator: joe, Workspace: r.ws, Role: holdfast.Supervisor, Language: "en"}
	work := func(name string) plans.Work {
		return plans.Work{Do: func(_ context.Context, e plans.Errand) ([]byte, error) {
			r.w.did(e.Key, name+" "+e.Step.Key)
			return []byte(name), nil
		}, Undo: func(_ context.Context, e plans.Errand, undo []byte) error {
			r.w.did(holdfast.DeriveID(e.Key, "undo"), "undo "+string(undo))
			return nil
		}}
	}
	r.deps = plans.Deps{DB: db, Journal: j, Guard: guard, Log: log,
		House: func(context.Context, holdfast.ID) (string, string, *time.Location, error) {
			return "en", "Shop", time.UTC, nil
		},
		Channels: func(context.Context, holdfast.ID) ([]plans.Lane, error) { return nil, nil },
		OnDuty:   func(context.Context, holdfast.ID, holdfast.ID) (bool, error) { return true, nil },
		Mail: func(_ context.Context, to plans.Staff, c plans.Call) error {
			r.w.did(c.Key, "mail "+to.Address().Value)
			return nil
		},
		Webhook: func(_ context.Context, _, _, key holdfast.ID, _ []byte) error { r.w.did(key, "webhook"); return nil },
		Deeds:   plans.Deeds{Banner: work("banner"), Broadcast: work("broadcast"), Lower: work("lower"), Flush: work("flush")}}
	r.Plans = plans.New(r.deps)
	return r
}

func (r *room) plan() holdfast.Plan {
	full := func(s string) map[string]string { return map[string]string{"en": s, "ru": s, "fa": s} }
	return holdfast.Plan{Name: "Cut", Trigger: holdfast.PlanTrigger{On: holdfast.OnHand},
		Roles: []holdfast.PlanRole{{Key: "lead", Name: "Lead", Operator: r.by.Operator}},
		Steps: []holdfast.PlanStep{
			{Key: "tell", Name: "Tell", Do: holdfast.DeedTell, Roles: []string{"lead"}},
			{Key: "banner", Name: "Banner", Do: holdfast.DeedBanner, Text: "b", Places: []string{"widget"}},
			{Key: "hook", Name: "Hook", Do: holdfast.DeedWebhook, Webhook: holdfast.NewID()},
			{Key: "wait", Name: "Wait", Do: holdfast.DeedWait, Seconds: 30},
			{Key: "task", Name: "Task", Do: holdfast.DeedTask, Roles: []string{"lead"}, Timeout: 60},
			{Key: "cast", Name: "Cast", Do: holdfast.DeedBroadcast, Text: "c"},
		},
		Recovery: []holdfast.PlanStep{{Key: "lower", Name: "Lower", Do: holdfast.DeedLower}, {Key: "report", Name: "Report", Do: holdfast.DeedReport, Roles: []string{"lead"}}},
		Texts:    []holdfast.PlanText{{Key: "b", Texts: full("{{affected}} {{works}} {{next}}")}, {Key: "c", Texts: full("{{affected}} {{works}} {{next}} {{opt_out}}")}}}
}

// live runs the room until stop is called.
func (r *room) live() (stop func()) {
	run, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(run)
	}()
	return func() { cancel(); <-done }
}

// TestACutBetweenAnyTwoPointsRepeatsNothing cuts the room off at each point of a run
// in turn, starts another one on the same data, and sees that every deed was done
// under one key, that nothing is on record twice, and that the run ends well.
func TestACutBetweenAnyTwoPointsRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
		r := open(t, db)
		defer db.Close()
		id := holdfast.NewID()
		if _, err := r.Save(ctx, r.by, id, r.plan()); err != nil {
			t.Fatal(err)
		}
		var want map[string]int
		cuts := 0
		for n := 0; ; n++ {
			r.w.mu.Lock()
			r.w.calls, r.w.done = nil, map[holdfast.ID]string{}
			r.w.mu.Unlock()
			run := holdfast.NewID()
			at, cut := 0, make(chan string, 1)
			r.Plans = plans.New(r.deps)
			r.CutAt(func(where string) error {
				if at++; at == n {
					cut <- where
				}
				if n > 0 && at >= n {
					return errors.New("the power is out")
				}
				return nil
			})
			if _, err := r.Start(ctx, r.by, id, run, false); err != nil {
				t.Fatal(err)
			}
			stop := r.live()
			where := ""
			if n > 0 {
				for range 60 {
					time.Sleep(5 * time.Second)
					if synctest.Wait(); len(cut) > 0 {
						where = <-cut
						break
					}
				}
			}
			if n > 0 {
				stop()
				if where == "" {
					break // there are no more points
				}
				cuts++
				r.Plans = plans.New(r.deps)
				stop = r.live()
			}
			time.Sleep(5 * time.Minute)
			if _, err := r.Recover(ctx, r.by, run); err != nil && holdfast.CodeOf(err) != "plan.run_ended" {
				t.Fatalf("cut at %q: %v", where, err)
			}
			time.Sleep(5 * time.Minute)
			stop()
			got, err := r.One(ctx, r.ws, run)
			if err != nil || got.Outcome != holdfast.PlanFinished {
				t.Fatalf("cut at %q: ended %q %v", where, got.Outcome, err)
			}
			states := map[string]int{}
			for _, what := range r.w.done {
				states[what]++
			}
			for _, s := range got.Steps {
				states[s.Key+" "+string(s.State)]++
			}
			states["calls"] = len(got.Calls)
			if n == 0 {
				want = states
				if len(r.w.calls) != len(r.w.done) || states["webhook"] != 1 || states["broadcast cast"] != 1 || states["task failed"] != 1 {
					t.Fatalf("without a cut: %v of %v", states, r.w.calls)
				}
				continue
			}
			if !maps.Equal(states, want) {
				t.Errorf("cut at %q: %v, want %v", where, states, want)
			}
			if len(r.w.calls) > len(r.w.done)+1 {
				t.Errorf("cut at %q: %d calls of %d deeds", where, len(r.w.calls), len(r.w.done))
			}
		}
		if cuts < 20 {
			t.Errorf("only %d points", cuts)
		}
	})
}

func TestADrillReachesStaffAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
		r := open(t, db)
		defer db.Close()
		id, run := holdfast.NewID(), holdfast.NewID()
		if _, err := r.Save(ctx, r.by, id, r.plan()); err != nil {
			t.Fatal(err)
		}
		defer r.live()()
		if _, err := r.Start(ctx, r.by, id, run, true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		got, err := r.One(ctx, r.ws, run)
		if err != nil || got.Outcome != holdfast.PlanFinished {
			t.Fatalf("%+v %v", got, err)
		}
		for _, c := range r.w.calls {
			if c != "mail joe@desk.example" {
				t.Errorf("a drill did: %s", c)
			}
		}
		if len(r.w.calls) < 3 {
			t.Errorf("staff were told %v", r.w.calls)
		}
		for _, s := range got.Steps {
			if mine := s.Kind == holdfast.DeedTell || s.Kind == holdfast.DeedReport || s.Kind == holdfast.DeedWait || s.Kind == holdfast.DeedTask; s.State != holdfast.StepFailed && s.Rehearsed == mine {
				t.Errorf("%s: %s, rehearsed %v", s.Key, s.State, s.Rehearsed)
			}
		}
	})
}

// A drill's hands hold nothing that could take a customer's address.
func TestADrillHoldsNothingThatReachesACustomer(t *testing.T) {
	var walk func(v reflect.Type, path string)
	walk = func(v reflect.Type, path string) {
		switch v {
		case reflect.TypeFor[*journal.Journal](), reflect.TypeFor[*slog.Logger]():
			return
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i).Type, path+"."+v.Field(i).Name)
			}
		case reflect.Func:
			if v != reflect.TypeFor[func(context.Context, plans.Staff, plans.Call) error]() {
				t.Errorf("%s is a %v", path, v)
			}
		default:
			t.Errorf("%s is a %v: is it sure that it reaches nobody?", path, v)
		}
	}
	walk(reflect.TypeOf(plans.ToldByDrills), "drill")
	staff := reflect.TypeFor[plans.Staff]()
	for i := range staff.NumField() {
		if staff.Field(i).IsExported() {
			t.Errorf("anybody can make a Staff of %s", staff.Field(i).Name)
		}
	}
}

// The compiler refuses a drill that is given a customer's address.
func TestTheCompilerRefusesADrillThatWritesToACustomer(t *testing.T) {
	dir := t.TempDir()
	for name, line := range map[string]string{
		"an address": `drill{}.mail(nil, holdfast.Address{Scheme: "tel", Value: "+15550100"}, Call{})`,
		"the deeds":  `_ = drill{}.deeds`,
		"staff":      `drill{}.mail(nil, Staff{}, Call{})`,
	} {
		source := filepath.Join(dir, "cheat.go")
		if err := os.WriteFile(source, []byte("package plans\n\nimport \"holdfast\"\n\nvar _ holdfast.ID\n\nfunc cheat() {\n\t"+line+"\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		here, err := filepath.Abs("cheat.go")
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := json.Marshal(map[string]any{"Replace": map[string]string{here: source}})
		overlay := filepath.Join(dir, "overlay.json")
		if err := os.WriteFile(overlay, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("go", "build", "-overlay", overlay, "-o", os.DevNull, ".").CombinedOutput()
		if good := name == "staff"; good != (err == nil) || !good && !strings.Contains(string(out), "cheat.go:8") {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
}

func TestAPlanSaysWhatItLacks(t *testing.T) {
	db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
	r := open(t, db)
	defer db.Close()
	p := r.plan()
	p.Roles[0].Operator = holdfast.ID{}
	p.Texts[1].Texts["fa"] = "{{affected}} {{works}} {{next}}"
	delete(p.Texts[0].Texts, "ru")
	p.Steps[3].Seconds = 0
	p.Steps = append(p.Steps, holdfast.PlanStep{Key: "paper", Name: "Paper", Do: holdfast.DeedPaper})
	saved, err := r.Save(ctx, r.by, holdfast.NewID(), p)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range saved.Lacks {
		got = append(got, strings.TrimSpace(fmt.Sprintln(g.Code, g.Step, g.Name, g.Language)))
	}
	want := []string{"nobody  Lead", "language banner b ru", "seconds wait", "placeholder cast opt_out fa", "offered paper paper"}
	if !slices.Equal(got, want) {
		t.Errorf("it lacks %q, want %q", got, want)
	}
	if _, err := r.Start(ctx, r.by, saved.ID, holdfast.NewID(), false); holdfast.CodeOf(err) != "plan.incomplete" {
		t.Errorf("it starts: %v", err)
	}
	p.Enabled = true
	if _, err := r.Save(ctx, r.by, saved.ID, p); holdfast.CodeOf(err) != "plan.incomplete" {
		t.Errorf("it is switched on: %v", err)
	}
	for _, d := range r.Offered() {
		if d.Do == holdfast.DeedPaper || d.Do == holdfast.DeedLanes {
			t.Errorf("%s is offered, and nobody can do it", d.Do)
		}
	}
}

func TestReadyPlansAreWholeInThreeLanguages(t *testing.T) {
	db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
	r := open(t, db)
	defer db.Close()
	for _, lang := range plans.Languages {
		list := r.Ready(lang)
		if len(list) != 6 {
			t.Fatalf("%d ready plans", len(list))
		}
		for _, one := range list {
			for i := range one.Plan.Roles {
				one.Plan.Roles[i].Operator = r.by.Operator
			}
			saved, err := r.Save(ctx, r.by, holdfast.NewID(), one.Plan)
			if err != nil || len(saved.Lacks) > 0 {
				t.Errorf("%s in %s: %v %+v", one.Key, lang, err, saved.Lacks)
			}
			if !slices.Contains(one.Dropped, holdfast.DeedPaper) && one.Key == "power" {
				t.Errorf("%s does not say what it lost: %v", one.Key, one.Dropped)
			}
		}
	}
}

func TestUndoAndFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t, store.Options{Dir: storetest.Folder(t)})
		r := open(t, db)
		defer db.Close()
		p := r.plan()
		p.Steps = p.Steps[1:3]
		p.Steps[1].OnFailure, p.Steps[1].Timeout = holdfast.FailAsk, 30
		p.Recovery = nil
		down := true
		post := r.deps.Webhook
		r.deps.Webhook = func(ctx context.Context, a, b, c holdfast.ID, d []byte) error {
			if down {
				return holdfast.Errorf(holdfast.Unavailable, "webhook.refused", "503")
			}
			return post(ctx, a, b, c, d)
		}
		r.Plans = plans.New(r.deps)
		defer r.live()()
		id, run := holdfast.NewID(), holdfast.NewID()
		if _, err := r.Save(ctx, r.by, id, p); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Start(ctx, r.by, id, run, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		got, err := r.One(ctx, r.ws, run)
		if err != nil || got.Steps[1].State != holdfast.StepBlocking || got.Steps[1].Code != "webhook.refused" || got.State != "running" {
			t.Fatalf("%+v %v", got.Steps[1], err)
		}
		if _, err := r.Answer(ctx, r.by, run, "banner", false, plans.Undo); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		down = false
		if _, err := r.Answer(ctx, r.by, run, "hook", false, plans.Retry); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		got, err = r.One(ctx, r.ws, run)
		if err != nil || got.Outcome != holdfast.PlanFinished || got.Steps[0].State != holdfast.StepUndone || got.Steps[1].State != holdfast.StepDone {
			t.Fatalf("%+v %v", got, err)
		}
		if !slices.Equal(r.w.calls, []string{"banner banner", "undo banner", "webhook"}) {
			t.Errorf("%q", r.w.calls)
		}
	})
}

func TestDrillsAreDueInTheWorkspacesZone(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 31, 6, 29, 0, 0, time.UTC) // 9:59 in Tehran, a Tuesday
	weekly := holdfast.DrillSchedule{Every: "weekly", Day: 2, At: "10:00"}
	monthly := holdfast.DrillSchedule{Every: "monthly", Day: 28, At: "10:00"}
	for _, c := range []struct {
		got  time.Time
		want string
	}{
		{plans.NextDrill(weekly, zone, now), "2026-03-31 10:00"},
		{plans.Slot(weekly, zone, now), "2026-03-24 10:00"},
		{plans.Slot(weekly, zone, now.Add(time.Minute)), "2026-03-31 10:00"},
		{plans.NextDrill(monthly, zone, now), "2026-04-28 10:00"},
		{plans.Slot(monthly, zone, now), "2026-03-28 10:00"},
	} {
		if got := c.got.Format("2006-01-02 15:04"); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	if at := plans.NextDrill(holdfast.DrillSchedule{Every: "off", At: "10:00"}, zone, now); !at.IsZero() {
		t.Errorf("never is %v", at)
	}
}
