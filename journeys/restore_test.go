package journeys

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"holdfast"
)

// binary is the program, built when the first test needs a process.
var binary struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// TestMain lets four journeys run side by side unless -parallel says otherwise: they mostly
// wait for browsers, mail servers and clocks, whatever the number of processors.
func TestMain(m *testing.M) {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "test.parallel" })
	if !told {
		flag.Set("test.parallel", "4")
	}
	code := m.Run()
	if binary.dir != "" {
		os.RemoveAll(binary.dir)
	}
	os.Exit(code)
}

func program(t testing.TB) string {
	t.Helper()
	binary.once.Do(func() {
		if binary.dir, binary.err = os.MkdirTemp("", "holdfast-journeys"); binary.err != nil {
			return
		}
		binary.path = filepath.Join(binary.dir, "holdfast")
		if out, err := exec.Command("go", "build", "-o", binary.path, "holdfast/cmd/holdfast").CombinedOutput(); err != nil {
			binary.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatalf("the program cannot be built: %v", binary.err)
	}
	return binary.path
}

// run runs a command of the program on a data folder.
func run(t testing.TB, data string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "HOLDFAST_") }), "HOLDFAST_DATA="+data)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("holdfast %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestABackupMadeWhileServingIsRestoredAsAnotherIncarnation takes a backup while
// messages come in, loses the machine, and goes on elsewhere.
func TestABackupMadeWhileServingIsRestoredAsAnotherIncarnation(t *testing.T) {
	t.Parallel()
	old, fresh := t.TempDir(), t.TempDir()
	h := open(t, old)
	h.mailbox("help@desk.example", "")
	line := dial(t, h.smtp)
	var before []string
	for i := range 30 {
		subject := "Before " + string(rune('a'+i%26)) + holdfast.NewID().String()
		line.send("help@desk.example", goodMail(i, subject))
		before = append(before, subject)
	}
	origin := h.origins()
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		other := dial(t, h.smtp)
		for i := 1000; ; i++ {
			select {
			case <-stop:
				return
			default:
				other.send("help@desk.example", goodMail(i, "During "+holdfast.NewID().String()))
			}
		}
	})
	file := filepath.Join(t.TempDir(), "holdfast.backup")
	said := run(t, old, "backup", file)
	close(stop)
	busy.Wait()
	if !strings.Contains(said, file) {
		t.Errorf("backup says %q", said)
	}
	line.send("help@desk.example", goodMail(5000, "After the backup"))
	h.stop()

	// the words of the backup command: keep the key and the files with it
	copyTree(t, filepath.Join(old, "key"), filepath.Join(fresh, "key"))
	copyTree(t, filepath.Join(old, "files"), filepath.Join(fresh, "files"))
	if said := run(t, fresh, "restore", file); !strings.Contains(said, "incarnation") {
		t.Errorf("restore says %q", said)
	}
	n := open(t, fresh)
	subjects := map[string]int{}
	for _, c := range all[struct{ ID, Subject string }](n, "/conversations?view=all") {
		subjects[c.Subject]++
	}
	for _, s := range before {
		if subjects[s] != 1 {
			t.Errorf("%q is there %d times after the restore", s, subjects[s])
		}
	}
	if subjects["After the backup"] != 0 {
		t.Error("what came after the backup is in it")
	}
	for _, s := range n.inTray() { // every raw form is there, byte for byte
		if len(s) != 1 {
			t.Errorf("%q is there %d times", s[0].Subject, len(s))
		}
	}
	// It goes on: the same mail again is known, a new one comes in, under a new name of the node.
	again := dial(t, n.smtp)
	head := n.Journal.Head()
	again.send("help@desk.example", goodMail(0, before[0]))
	if n.Journal.Head() != head {
		t.Error("a mail from before the restore was taken in twice")
	}
	again.send("help@desk.example", goodMail(6000, "In the new house"))
	for _, o := range n.origins() {
		if !slices.Contains(origin, o) {
			return
		}
	}
	t.Errorf("the restored node writes as the old one: %v", origin)
}

// origins lists who has written into the journal.
func (h *house) origins() (list []string) {
	h.t.Helper()
	entries, err := h.Journal.After(context.Background(), 0, 100000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range entries {
		if o := e.Origin.String(); !slices.Contains(list, o) {
			list = append(list, o)
		}
	}
	return list
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestARebuildChangesNothingThatAnybodySees fills the lists anew from the journal,
// by the command, beside a desk that serves and takes in mail.
func TestARebuildChangesNothingThatAnybodySees(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	v := h.populate()
	line := dial(t, h.smtp)
	for i := range 20 {
		line.send("help@"+marker+".example", goodMail(i, "Mail "+marker+" "+string(rune('a'+i))))
	}
	views := []string{"/conversations?view=all&limit=200", "/customers?limit=200", "/arrivals?limit=200", "/tags", "/outbox?limit=200", "/search?q=" + marker,
		"/conversations/" + v.conversation.String(), "/conversations/" + v.conversation.String() + "/messages?limit=200", "/customers/" + v.customer.String()}
	look := func() (all []string) {
		for _, path := range views {
			all = append(all, path+" "+string(h.must("GET", path, nil, nil).body))
		}
		return all
	}
	before := look()
	if said := run(t, dir, "rebuild"); !strings.Contains(said, "inbox") || !strings.Contains(said, "search") {
		t.Errorf("rebuild says %q", said)
	}
	for i, now := range look() {
		if now != before[i] {
			t.Errorf("the rebuild changed what is seen:\nbefore %.2000s\nafter  %.2000s", before[i], now)
		}
	}
	line.send("help@"+marker+".example", goodMail(99, "After the rebuild "+marker))
	found := h.must("GET", "/search?q=rebuild", nil, nil)
	if !strings.Contains(string(found.body), "After the rebuild") {
		t.Errorf("what came after the rebuild is not found: %s", found.body)
	}
}
