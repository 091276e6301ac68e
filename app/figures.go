package app

import (
	"fmt"
	"io"

	"github.com/VictoriaMetrics/metrics"
)

// figures are this desk's own metrics. The set belongs to the App, so that two
// desks in one process do not count for each other.
func (a *App) figures() *metrics.Set {
	s := metrics.NewSet()
	gauge := func(name string, f func() float64) { s.NewGauge(name, f) }
	gauge("holdfast_store_commits_total", func() float64 { c, _ := a.DB.Stats(); return float64(c) })
	gauge("holdfast_store_writes_total", func() float64 { _, w := a.DB.Stats(); return float64(w) })
	gauge("holdfast_store_queue", func() float64 { return float64(a.DB.Queue()) })
	gauge("holdfast_store_accepting", func() float64 {
		if a.DB.Err() != nil {
			return 0
		}
		return 1
	})
	gauge("holdfast_journal_head", func() float64 { return float64(a.Journal.Head()) })
	gauge("holdfast_live_screens", func() float64 { return float64(a.Hub.Screens()) })
	gauge("holdfast_live_visitors", func() float64 { return float64(a.Hub.FarEnds()) })
	return s
}

// writeFigures writes the metrics that change with the channels, one line an account.
func (a *App) writeFigures(w io.Writer, set *metrics.Set) {
	set.WritePrometheus(w)
	for id, b := range a.Outbox.Breakers() {
		open := 0
		if b.State == "open" || b.State == "probing" {
			open = 1
		}
		fmt.Fprintf(w, "holdfast_outbox_breaker_open{account=%q} %d\n", id.String(), open)
	}
	for id, h := range a.Channels.States() {
		for _, state := range []string{"up", "down"} {
			is := 0
			if h.State == state {
				is = 1
			}
			fmt.Fprintf(w, "holdfast_channel_%s{account=%q} %d\n", state, id.String(), is)
		}
		if !h.LastOK.IsZero() {
			fmt.Fprintf(w, "holdfast_channel_last_success_timestamp_seconds{account=%q} %d\n", id.String(), h.LastOK.Unix())
		}
	}
	metrics.WriteProcessMetrics(w)
}
