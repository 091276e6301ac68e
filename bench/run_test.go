package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/app"
	"holdfast/store/storetest"
)

// The bench starts itself again for the load; in a test, itself is the test.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "be-the-load") {
		if err := Load(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func options(t *testing.T, only ...string) (Options, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := app.Config{Data: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0", AttachmentLimit: 1 << 20}
	return Options{Config: c, Self: []string{self}, Loader: []string{"be-the-load"}, Only: only, Duration: 600 * time.Millisecond, Clients: 8, Out: &out, JSON: true}, &out
}

func figure(t *testing.T, r *Report, store, what string) Figure {
	t.Helper()
	for _, f := range r.Figures {
		if f.Store == store && strings.HasPrefix(f.What, what) {
			return f
		}
	}
	t.Fatalf("there is no figure %q on %q in %+v", what, store, r.Figures)
	return Figure{}
}

func TestWhatIsTakenInIsCountedAndFoundAgain(t *testing.T) {
	o, out := options(t, "throughput", "latency")
	stores := []string{"SQLite"}
	if o.PostgresURL = os.Getenv("HOLDFAST_TEST_POSTGRES"); o.PostgresURL != "" {
		stores = append(stores, "PostgreSQL")
	} else if os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" {
		storetest.Missing(t, "HOLDFAST_TEST_POSTGRES is not set: no PostgreSQL server to measure")
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stores {
		if f := figure(t, r, s, "messages acknowledged"); f.Value <= 0 {
			t.Errorf("%s: no message was acknowledged: %+v", s, f)
		}
		if f := figure(t, r, s, "raw limit"); f.Value <= 0 {
			t.Errorf("%s: the raw limit is nothing: %+v", s, f)
		}
		if f := figure(t, r, s, "acknowledged and not there once"); f.Value != 0 || strings.HasPrefix(f.Detail, "of 0") {
			t.Errorf("%s: %+v", s, f)
		}
		if f := figure(t, r, s, "acknowledged and not shown"); f.Value != 0 {
			t.Errorf("%s: an operator was not shown what was acknowledged: %+v", s, f)
		}
		if f := figure(t, r, s, "customer's POST to operator's screen, p50"); f.Value <= 0 {
			t.Errorf("%s: nothing was shown: %+v", s, f)
		}
	}
	var told Report
	if err := json.Unmarshal(out.Bytes(), &told); err != nil || len(told.Figures) != len(r.Figures) {
		t.Errorf("what was printed is not the report: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(o.Config.Data)); len(left) > 0 {
		t.Errorf("the bench left %v behind", left)
	}
}

func TestAMessageThatIsNotThereOnceIsToldAsLost(t *testing.T) {
	r := &run{Options: Options{Config: app.Config{AttachmentLimit: 1 << 20}, Progress: new(bytes.Buffer)}, folder: t.TempDir(), log: slog.New(slog.DiscardHandler)}
	d, err := r.openDesk(t.Context(), embedded{r.folder})
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	v := verifier{desk: d, acked: map[holdfast.ID]int{holdfast.NewID(): 0}}
	if err := v.verify(t.Context(), r, "SQLite"); holdfast.CodeOf(err) != "bench.lost" {
		t.Errorf("a message that was acknowledged is nowhere, and the bench says %v", err)
	}
}

func TestIdleVisitorsAreCountedWhileTheyWait(t *testing.T) {
	r := &run{Options: Options{Config: app.Config{AttachmentLimit: 1 << 20}, Progress: new(bytes.Buffer)}, folder: t.TempDir(), log: slog.New(slog.DiscardHandler)}
	d, err := r.openDesk(t.Context(), embedded{r.folder})
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	var open, most int
	say := func(v any) error {
		a := v.(answer)
		open = a.Open
		if a.Lost > 0 || a.FirstError != "" {
			return errors.New("lines broke: " + a.FirstError)
		}
		return nil
	}
	o := &order{Address: d.address, Channel: d.channel.String(), Visitors: 40}
	err = wait(t.Context(), o, say, func() error {
		// The desk greets a visitor before it begins to watch for him.
		for until := time.Now().Add(5 * time.Second); most < 40 && time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
			most = d.Hub.FarEnds()
		}
		return nil
	})
	if err != nil || open != 40 || most != 40 {
		t.Errorf("%d of 40 are connected, the desk knows %d: %v", open, most, err)
	}
}

func TestAFilledBaseIsReusedAndAStrangersFolderIsNotTouched(t *testing.T) {
	o, _ := options(t, "reads")
	o.Scale, o.ScaleMessages = true, 3000
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"inbox list", "open a conversation", "search"} {
		if f := figure(t, r, "SQLite", what); f.Value <= 0 {
			t.Errorf("%s took no time: %+v", what, f)
		}
	}
	mark := filepath.Join(o.Config.Data, markFile)
	before, err := os.Stat(mark)
	if err != nil {
		t.Fatal(err)
	}
	again := &run{Options: o}
	again.Progress = new(bytes.Buffer)
	if b, err := again.filled(t.Context(), embedded{t.TempDir()}); err != nil || b.Conversations == 0 {
		t.Fatalf("the base was not found again: %+v %v", b, err)
	}
	if after, err := os.Stat(mark); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the base was filled a second time: %v", err)
	}

	theirs := filepath.Join(t.TempDir(), "theirs")
	if err := os.MkdirAll(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(theirs, "holdfast.db"), []byte("a desk"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Config.Data = theirs
	if _, err := Run(t.Context(), o); holdfast.CodeOf(err) != "bench.not_ours" {
		t.Errorf("a folder that the bench did not make: %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(theirs, "holdfast.db")); err != nil || string(b) != "a desk" {
		t.Errorf("somebody's desk was written over: %q %v", b, err)
	}
}

func TestAnUnknownPartIsRefusedBeforeAnythingRuns(t *testing.T) {
	o, _ := options(t, "latence")
	if _, err := Run(t.Context(), o); holdfast.CodeOf(err) != "bench.part_unknown" {
		t.Error(err)
	}
}

func TestReadyIsReadFromTheProgramsOwnLine(t *testing.T) {
	r := &run{Options: Options{Self: []string{"sh", "-c", `trap 'exit 0' INT; echo "Holdfast is ready at http://localhost:1"; while :; do sleep 0.05; done`}}}
	p, err := r.launch(t.Context(), place{dir: t.TempDir()}, "serve")
	if err != nil {
		t.Fatal(err)
	}
	if p.ready <= 0 {
		t.Errorf("ready after %v", p.ready)
	}
	if err := p.end(); err != nil {
		t.Error(err)
	}
	r.Self = []string{"sh", "-c", "exit 3"}
	if _, err := r.launch(t.Context(), place{dir: t.TempDir()}, "serve"); err == nil {
		t.Error("a program that stops at once was taken for ready")
	}
}

func TestABroadcastKeepsToItsRate(t *testing.T) {
	o, _ := options(t, "broadcast")
	o.Recipients = 150
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if f := figure(t, r, "SQLite", "customers not told exactly once"); f.Value != 0 || f.Detail != "of 150" {
		t.Errorf("%+v", f)
	}
	if f := figure(t, r, "SQLite", "told"); f.Value <= 0 {
		t.Errorf("nobody was told: %+v", f)
	}
}

func TestWhatWaitsGoesBySMSAndProbingCostsLittle(t *testing.T) {
	o, _ := options(t, "fallback", "probing")
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if f := figure(t, r, "SQLite", "line down to the text accepted by the centre, slowest"); f.Value <= 0 {
		t.Errorf("%+v", f)
	}
	if f := figure(t, r, "", "a month of an idle metered backup by TCP"); f.Value <= 0 || !*f.Reached {
		t.Errorf("%+v", f)
	}
}
