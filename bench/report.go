package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"holdfast"
)

// Report is what a run found.
type Report struct {
	Version string    `json:"version"`
	Machine Machine   `json:"machine"`
	Folder  string    `json:"folder"` // the disk that was measured is the one it lies on
	Began   time.Time `json:"began"`
	Figures []Figure  `json:"figures"`
}

// Machine is what the figures depend on.
type Machine struct {
	CPUs   int    `json:"cpus"`
	System string `json:"system"` // "linux/amd64"
	Go     string `json:"go"`
	// Load is how many processes wanted a processor in the minute before; a busy
	// machine gives worse figures than its own. 0 where it is not known.
	Load float64 `json:"load"`
}

// Figure is one line of the report.
type Figure struct {
	Part  string  `json:"part"`
	Store string  `json:"store,omitempty"`
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Limit is what is to be reached; nil for figures that only explain others.
	Limit *float64 `json:"limit,omitempty"`
	// AtLeast says that more is better; else less is.
	AtLeast bool   `json:"at_least,omitempty"`
	Reached *bool  `json:"reached,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

func thisMachine() Machine {
	m := Machine{CPUs: runtime.GOMAXPROCS(0), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(b), " ")
		m.Load, _ = strconv.ParseFloat(first, 64)
	}
	return m
}

// note adds a figure that has no limit.
func (r *run) note(part, store, what string, value float64, unit, detail string) {
	r.report.Figures = append(r.report.Figures, Figure{Part: part, Store: store, What: what, Value: value, Unit: unit, Detail: detail})
	r.say("  %-60s %s", label(store, what), amount(value, unit))
}

// judge adds a figure that must be at least, or at most, its limit.
func (r *run) judge(part, store, what string, value float64, unit string, atLeast bool, limit float64, detail string) {
	reached := value <= limit
	if atLeast {
		reached = value >= limit
	}
	r.report.Figures = append(r.report.Figures, Figure{Part: part, Store: store, What: what, Value: value, Unit: unit, Limit: &limit, AtLeast: atLeast, Reached: &reached, Detail: detail})
	r.say("  %-60s %s", label(store, what), amount(value, unit))
}

func label(store, what string) string {
	if store == "" {
		return what
	}
	return what + " (" + store + ")"
}

func amount(v float64, unit string) string {
	digits := 0
	switch {
	case v != 0 && v < 1:
		digits = 3
	case v < 10:
		digits = 2
	case v < 100:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + unit
}

func (r *Report) write(w io.Writer, asJSON bool) error {
	r.Version = holdfast.Version
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	busy := ""
	if r.Machine.Load > 0.5 {
		busy = fmt.Sprintf(", which was busy: %.1f processes wanted a processor", r.Machine.Load)
	}
	fmt.Fprintf(w, "\nHoldfast %s, %s, %d processors%s. Disk: %s\n\n", r.Version, r.Machine.System, r.Machine.CPUs, busy, r.Folder)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tfigure\tlimit\treached\t")
	for _, f := range r.Figures {
		limit, reached := "", ""
		if f.Limit != nil {
			limit = "≤ " + amount(*f.Limit, f.Unit)
			if f.AtLeast {
				limit = "≥ " + amount(*f.Limit, f.Unit)
			}
			reached = "NO"
			if *f.Reached {
				reached = "yes"
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", label(f.Store, f.What), amount(f.Value, f.Unit), limit, reached, f.Detail)
	}
	return t.Flush()
}

// spread is how long something took, over many times. Milliseconds.
type spread struct {
	N                  int
	P50, P90, P99, Max float64
}

// spreadOf sorts list.
func spreadOf(list []time.Duration) spread {
	if len(list) == 0 {
		return spread{}
	}
	slices.Sort(list)
	at := func(q float64) float64 {
		return float64(list[min(len(list)-1, int(q*float64(len(list))))].Microseconds()) / 1000
	}
	return spread{N: len(list), P50: at(0.50), P90: at(0.90), P99: at(0.99), Max: at(1)}
}

func (s spread) String() string {
	return fmt.Sprintf("p50 %.2f, p90 %.2f, max %.1f ms of %d", s.P50, s.P90, s.Max, s.N)
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
