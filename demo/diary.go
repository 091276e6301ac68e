package demo

import (
	"sort"
	"time"

	"holdfast"
)

// diary gathers what happened, in any order, and writes it down as the journal
// of another node would have it: numbered, with stamps that only grow.
type diary struct {
	workspace, origin holdfast.ID
	now               time.Time
	entries           []*holdfast.Entry
}

// add notes that actor did something at a time. What would be in the future has
// not happened: it reports false.
func (d *diary) add(at time.Time, actor holdfast.Actor, subject holdfast.ID, body holdfast.Body) bool {
	at = at.UTC().Truncate(time.Millisecond)
	if !at.Before(d.now) {
		return false
	}
	d.entries = append(d.entries, &holdfast.Entry{Origin: d.origin, At: at, Workspace: d.workspace, Subject: subject, Kind: body.EntryKind(), Actor: actor, Body: body})
	return true
}

// close puts everything in its order and numbers it.
func (d *diary) close() []*holdfast.Entry {
	sort.SliceStable(d.entries, func(i, j int) bool { return d.entries[i].At.Before(d.entries[j].At) })
	var last holdfast.Clock
	for i, e := range d.entries {
		e.Seq = int64(i + 1)
		if e.Clock = holdfast.ClockAt(e.At); e.Clock <= last {
			e.Clock = last + 1
		}
		last = e.Clock
	}
	return d.entries
}
