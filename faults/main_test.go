package faults

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// binary is the program under test, built once per run.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "holdfast-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "desk")
	build := exec.Command("go", "build", "-race=false", "-o", binary, "./desk")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "the desk does not build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// required says that a test that cannot run must fail.
func required() bool { return os.Getenv("HOLDFAST_TEST_REQUIRE") == "all" }

// missing skips a test whose outside part is absent, or fails it when all must run.
func missing(t *testing.T, why string) {
	t.Helper()
	if required() {
		t.Fatal(why)
	}
	t.Skip(why)
}

// kills is how often the program is killed.
func kills(t *testing.T) int {
	t.Helper()
	if s := os.Getenv("HOLDFAST_FAULTS_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("HOLDFAST_FAULTS_KILLS is %q", s)
		}
		return n
	}
	switch {
	case testing.Short():
		return 5
	case required():
		return 200
	}
	return 25
}
