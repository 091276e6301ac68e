package importer

import (
	"context"
	"encoding/json"
	"slices"
	"sort"
	"strings"
	"time"

	"holdfast"
	"holdfast/store"
)

const (
	batchEntries = 500
	batchRecords = 250
	batchBytes   = 8 << 20
	batchTime    = 2 * time.Second
	// remembered bounds what one walk keeps in memory of what it has seen.
	remembered = 50_000
	maxText    = 256 << 10 // bytes of one message, as everywhere on the desk
	maxTags    = 100
)

// numberRoom is left free between the numbers of this desk's own conversations
// and a batch's: customers may write between the look and the write.
const numberRoom = 8

// earliest is the date before which nothing was said on any desk.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// writer turns records into entries of a journal that only tells of the past,
// and writes them batch by batch, each with everything that belongs to a record.
type writer struct {
	im     *Importer
	run    *run
	space  holdfast.ID // ids are derived in it
	staff  *staff
	routes map[string]holdfast.ID // scheme → channel account

	// origin is this walk as a node of the journal. Being derived (version 5), it
	// cannot be mistaken for a node that lives.
	origin holdfast.ID
	seq    int64

	entries []*holdfast.Entry
	opened  []*holdfast.ConversationOpened // of this batch, to be numbered
	lines   []Line
	records int
	began   time.Time
	place   string
	counts  Counts // with what is in the batch
	// What was counted and said up to place: what comes after it comes again when
	// the walk is cut off.
	upto      Counts
	uptoLines int
	uptoSeq   int64
	// The newest entry of an earlier walk that was met and counted, now and up to place.
	met, uptoMet holdfast.LSN
	bytes        int                  // of texts in the batch
	staged       map[holdfast.ID]bool // messages in the batch

	people memory[holdfast.ID] // by the id that a customer of theirs would have here
	owners memory[holdfast.ID] // by the address's id
	talks  memory[*matter]
}

func (im *Importer) writer(ctx context.Context, r *run) (*writer, error) {
	w := &writer{im: im, run: r, counts: r.Counts, upto: r.Counts, place: r.place, began: time.Now(), staged: map[holdfast.ID]bool{},
		routes: map[string]holdfast.ID{}}
	w.space = holdfast.DeriveID(r.Workspace, "import "+r.Source+" "+r.settings.origin(r.kind))
	w.origin = holdfast.DeriveID(r.ID, "walk "+holdfast.NewID().String())
	var err error
	if w.staff, err = im.staff(ctx, w); err != nil {
		return nil, err
	}
	accounts, err := im.Setup.Channels(ctx, r.Workspace)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		k, err := im.Setup.Kind(a.Kind)
		if err == nil && a.Enabled && !a.Removed && w.routes[k.Scheme].IsZero() {
			w.routes[k.Scheme] = a.ID
		}
	}
	return w, nil
}

func (w *writer) id(kind, theirs string) holdfast.ID {
	return holdfast.DeriveID(w.space, kind+" "+theirs)
}

// take takes one record into the batch.
func (w *writer) take(ctx context.Context, r record) error {
	if err := w.absorb(ctx, &r); err != nil {
		return err
	}
	w.records++
	if r.place != "" {
		w.place, w.upto, w.uptoLines, w.uptoSeq = r.place, w.counts, len(w.lines), w.seq+int64(len(w.entries))
		w.uptoMet = w.met
	}
	if r.total > 0 || r.done > 0 {
		w.run.Done, w.run.Total, w.run.Unit = r.done, r.total, r.unit
	}
	if len(w.entries) >= batchEntries || w.records >= batchRecords || w.bytes >= batchBytes || time.Since(w.began) >= batchTime {
		return w.flush(ctx)
	}
	return nil
}

// absorb makes a record's entries. Its error is the database's; what is wrong
// with the record becomes a line of the report.
func (w *writer) absorb(ctx context.Context, r *record) error {
	if r.refused != "" {
		w.refuse(r, r.refused, r.detail)
		return nil
	}
	if r.customer != nil {
		_, fault, err := w.customer(ctx, r.customer, r.ref, true)
		if err != nil {
			return err
		}
		if fault != nil {
			w.refuse(r, fault.code, fault.detail)
			return nil
		}
	}
	if r.conversation == nil {
		return nil
	}
	fault, err := w.talk(ctx, r)
	if err != nil {
		return err
	}
	if fault != nil {
		w.refuse(r, fault.code, fault.detail)
	}
	return nil
}

// fault is why a record cannot be taken.
type fault struct{ code, detail string }

func (w *writer) refuse(r *record, code, detail string) {
	what := r.what
	if what == "" {
		what = "row"
	}
	w.counts.Refused++
	w.line("refused", what, r.ref, code, detail)
}

func (w *writer) line(outcome, what, ref, code, detail string) {
	w.lines = append(w.lines, Line{Outcome: outcome, What: what, Ref: clip(ref, 200), Code: code, Detail: clip(detail, 500)})
}

// tell notes in a dry run what would become of a record.
func (w *writer) tell(outcome, what, ref, detail string) {
	if w.run.Dry {
		w.line(outcome, what, ref, "", detail)
	}
}

// add notes that actor did something in the past. last is the newest stamp of the
// same subject in this record, so that they stay in order.
func (w *writer) add(at time.Time, order int, last *holdfast.Clock, actor holdfast.Actor, subject holdfast.ID, body holdfast.Body) {
	at = at.UTC().Truncate(time.Millisecond)
	clock := holdfast.ClockAt(at) + holdfast.Clock(order&0x7fff)
	if clock <= *last {
		clock = *last + 1
	}
	*last = clock
	w.entries = append(w.entries, &holdfast.Entry{Origin: w.origin, Clock: clock, At: at, Workspace: w.run.Workspace, Subject: subject, Kind: body.EntryKind(), Actor: actor, Body: body})
}

// flush writes the batch: the entries, then how far that is. Cut off between the
// two, the same records come again and are found to be here.
func (w *writer) flush(ctx context.Context) error {
	if len(w.entries) > 0 && !w.run.Dry {
		if err := w.number(ctx); err != nil {
			return err
		}
		for _, e := range w.entries {
			w.seq++
			e.Seq = w.seq
		}
		if _, err := w.im.Journal.Receive(ctx, w.entries); err != nil {
			return err
		}
		if w.uptoSeq > 0 {
			var upto holdfast.LSN
			if err := w.im.DB.QueryRow(ctx, "SELECT lsn FROM journal WHERE origin = $1 AND seq = $2", w.origin, w.uptoSeq).Scan(&upto); err != nil {
				return err
			}
			w.run.upto = max(w.run.upto, upto)
		}
	}
	counts, lines, rest := w.upto, w.lines[:w.uptoLines], w.lines[w.uptoLines:]
	// A message is not taken twice, so what became of its files is said once.
	counts.FilesMade, counts.FilesLost, counts.OperatorsMade = w.counts.FilesMade, w.counts.FilesLost, w.counts.OperatorsMade
	var later []Line
	for _, l := range rest {
		if l.Outcome == "lost" {
			lines = append(slices.Clip(lines), l)
		} else {
			later = append(later, l)
		}
	}
	written := w.run.lines
	w.run.upto = max(w.run.upto, w.uptoMet)
	raw, err := json.Marshal(counts)
	if err != nil {
		return err
	}
	mine := false
	err = w.im.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecN("UPDATE import_run SET place = $3, counts = $4, done = $5, total = $6, unit = $7, beat_at = $8, upto_lsn = $9 WHERE id = $1 AND runner = $2 AND state = 'running'",
			w.run.ID, w.im.me, w.place, raw, w.run.Done, w.run.Total, w.run.Unit, tx.Now, w.run.upto)
		if mine = n == 1; err != nil || !mine {
			return err
		}
		for i, l := range lines {
			l.N = written + int64(i) + 1
			if err := tx.Exec("INSERT INTO import_line (import, n, workspace, outcome, what, ref, code, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (import, n) DO NOTHING",
				w.run.ID, l.N, w.run.Workspace, l.Outcome, l.What, l.Ref, l.Code, l.Detail); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !mine {
		return errTaken
	}
	w.run.Counts, w.run.place, w.run.lines = counts, w.place, written+int64(len(lines))
	w.lines, w.uptoLines = later, 0
	w.entries, w.opened, w.records, w.bytes, w.began = nil, nil, 0, 0, time.Now()
	clear(w.staged)
	w.people.trim()
	w.owners.trim()
	w.talks.trim()
	return nil
}

// number gives this batch's conversations their numbers.
func (w *writer) number(ctx context.Context) error {
	if len(w.opened) == 0 {
		return nil
	}
	var last int64
	if err := w.im.DB.QueryRow(ctx, "SELECT COALESCE(MAX(number), 0) FROM conversation WHERE workspace = $1", w.run.Workspace).Scan(&last); err != nil {
		return err
	}
	for i, b := range w.opened {
		b.Number = last + numberRoom + int64(i) + 1
	}
	return nil
}

// route is the channel account that a conversation with an address goes on over.
func (w *writer) route(a holdfast.Address) holdfast.ID {
	if !w.run.settings.Channel.IsZero() {
		return w.run.settings.Channel
	}
	return w.routes[a.Scheme]
}

// dated is when something happened, if that can be: not before there were desks,
// and not in the future.
func (w *writer) dated(at time.Time) (time.Time, bool) {
	if at.Before(earliest) {
		return at, false
	}
	if now := time.Now(); at.After(now) {
		if at.Sub(now) > 48*time.Hour {
			return at, false
		}
		return now.Add(-time.Second), true // their clock is ahead
	}
	return at, true
}

// memory is what a walk remembers by id. Between batches, past a bound, it
// forgets everything and asks again.
type memory[T any] struct{ known map[holdfast.ID]T }

func (m *memory[T]) get(id holdfast.ID) (T, bool) { v, ok := m.known[id]; return v, ok }

func (m *memory[T]) put(id holdfast.ID, v T) {
	if m.known == nil {
		m.known = map[holdfast.ID]T{}
	}
	m.known[id] = v
}

func (m *memory[T]) trim() {
	if len(m.known) > remembered {
		m.known = nil
	}
}

// age is when something that is here was made, as an import counts.
type age int

const (
	old     age = iota // before this import began
	counted            // by this import, and counted
	young              // by this import, after what is counted: it was cut off
)

// aged is the age of an entry.
func (w *writer) aged(lsn holdfast.LSN) age {
	switch {
	case w.run.Dry || lsn <= w.run.since:
		return old
	case lsn <= w.run.upto:
		return counted
	}
	w.met = max(w.met, lsn)
	return young
}

// ageOf is the age of a thing by its first entry.
func (w *writer) ageOf(ctx context.Context, subject holdfast.ID) (age, error) {
	var first holdfast.LSN
	err := w.im.DB.QueryRow(ctx, "SELECT COALESCE(MIN(lsn), 0) FROM journal WHERE subject = $1", subject).Scan(&first)
	return w.aged(first), err
}

// ordered sorts messages by time, keeping the other desk's order within a moment.
func ordered(list []message) {
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
}

// cut is text as the desk takes it, and whether it was longer.
func cut(s string) (string, bool) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], ""), true
	}
	return store.Text(s), false
}
