package traffic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"holdfast"
	"holdfast/store"
)

// Deps is what the room works with.
type Deps struct {
	DB  *store.DB
	Log *slog.Logger
	// Uplinks lists the ways out and how they are, always in the same order. It must be
	// quick and ask no database: it is asked when one falls.
	Uplinks func() []Uplink
	// Own are the ports that this desk is reached at.
	Own []Ports
	// UID is that of this process; below 0: not known.
	UID int
	// Virtual says that the uplinks are not this machine's, so that nothing is applied; nil: they are.
	Virtual func() bool
	// Audit notes what an administrator has changed.
	Audit func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, action string, subject holdfast.ID, detail any) error
}

// Traffic is the room. Make one with New and Run it.
type Traffic struct {
	Deps
	kernel Kernel
	kick   chan struct{}

	mu       sync.Mutex
	setting  Setting
	saved    bool
	loaded   bool
	marked   bool // the database says that something of ours may be in the kernel
	unlock   func()
	applied  []Thing // nil: nothing was looked at yet
	sorting  Sorting
	since    time.Time
	trouble  *Trouble
	printed  string // by a dry run
	complain string // said already
}

// Trouble is why something that should be applied is not.
type Trouble struct {
	Code   string `json:"code" doc:"not_capable, other_desk, virtual, failed."`
	Detail string `json:"detail"`
}

// New makes the room. It does no I/O.
func New(d Deps) *Traffic {
	return &Traffic{Deps: d, kick: make(chan struct{}, 1), setting: Defaults()}
}

// Moved tells the room that an uplink has changed. It never blocks.
func (t *Traffic) Moved() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

const (
	lookEvery = 5 * time.Second // while something is applied: devices come and go
	againSoon = time.Second     // after a failure
	undoTime  = 5 * time.Second
)

// Run keeps the kernel as the setting and the uplinks say, until ctx ends. Then it takes
// back all it has made.
func (t *Traffic) Run(ctx context.Context) error {
	for err := t.load(ctx); err != nil; err = t.load(ctx) {
		if ctx.Err() != nil {
			return nil
		}
		if holdfast.KindOf(err) != holdfast.Unavailable {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil
		}
	}
	for {
		wait := t.tend(ctx)
		var tick <-chan time.Time
		if wait > 0 {
			tick = time.After(wait)
		}
		select {
		case <-ctx.Done():
			last, done := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
			defer done()
			t.mu.Lock()
			defer t.mu.Unlock()
			t.loaded = false
			t.withdraw(last)
			return nil
		case <-t.kick:
		case <-tick:
		}
	}
}

// The names of what is kept.
const (
	keptSetting = "traffic"
	keptMark    = "traffic applied"
)

func (t *Traffic) load(ctx context.Context) error {
	s, saved, err := t.stored(ctx)
	if err != nil {
		return err
	}
	var raw []byte
	err = t.DB.QueryRow(ctx, "SELECT body FROM continuity_setting WHERE name = $1", keptMark).Scan(&raw)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setting, t.saved, t.marked, t.loaded = s, saved, err == nil, true
	return nil
}

func (t *Traffic) stored(ctx context.Context) (s Setting, saved bool, err error) {
	s = Defaults()
	var raw []byte
	err = t.DB.QueryRow(ctx, "SELECT body FROM continuity_setting WHERE name = $1", keptSetting).Scan(&raw)
	if errors.Is(err, store.ErrNoRows) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	return s, true, json.Unmarshal(raw, &s)
}

// mark keeps in the database that the kernel may have something of ours, so that the
// next start looks for it and a desk that was never allowed to never does.
func (t *Traffic) mark(ctx context.Context, on bool) error {
	if t.marked == on {
		return nil
	}
	err := t.DB.Write(ctx, func(tx *store.Tx) error {
		if !on {
			return tx.Exec("DELETE FROM continuity_setting WHERE name = $1", keptMark)
		}
		return tx.Exec("INSERT INTO continuity_setting (name, body) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", keptMark, []byte("{}"))
	})
	if err == nil {
		t.marked = on
	}
	return err
}

// plan is what should be by a setting now.
func (t *Traffic) plan(s Setting, f Facts) Plan {
	list := t.Uplinks()
	for i := range list {
		// So that the commands of virtual ones can be read all the same.
		if u := &list[i]; t.virtual() {
			u.Interface, u.Gateway = cmp.Or(u.Interface, fmt.Sprint("uplink", i+1)), cmp.Or(u.Gateway, fmt.Sprint("192.0.2.", i+1))
		}
	}
	return Make(Input{Setting: s, Uplinks: list, Facts: f, UID: t.UID, Own: t.Own})
}

// tend does what is to be done now and says when to look again; 0: when something moves.
func (t *Traffic) tend(ctx context.Context) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.setting.Mode {
	case On:
		t.apply(ctx)
		if t.trouble != nil && t.trouble.Code == "failed" {
			return againSoon
		}
		return lookEvery
	case DryRun:
		t.rehearse()
	}
	if !t.withdraw(ctx) {
		return lookEvery
	}
	return 0
}

// rehearse says what would be done, each time that it is something else.
func (t *Traffic) rehearse() {
	_, f, err := t.read()
	if err != nil {
		return
	}
	p := t.plan(t.setting, f)
	if s := strings.Join(print(Diff(nil, p.Things), p.Sorting), "\n"); s != t.printed {
		t.printed = s
		t.Log.Info("traffic would be led so; nothing was changed", "commands", s)
	}
}

// read is what the kernel has, where it may be asked.
func (t *Traffic) read() ([]Thing, Facts, error) {
	if t.virtual() {
		return nil, Facts{}, nil
	}
	return t.kernel.Read()
}

// apply makes the kernel have what is planned. t.mu is held.
func (t *Traffic) apply(ctx context.Context) {
	fail := func(code string, err error) {
		detail := ""
		if err != nil {
			detail = err.Error()
		}
		t.trouble = &Trouble{code, detail}
		if s := code + detail; s != t.complain {
			t.complain = s
			have, f, _ := t.read()
			p := t.plan(t.setting, f)
			t.Log.Warn("traffic is not led as it is set", "code", code, "err", detail, "commands", strings.Join(print(Diff(have, p.Things), p.Sorting), "\n"))
		}
	}
	switch {
	case t.virtual():
		fail("virtual", nil)
		return
	case !t.kernel.Capable():
		fail("not_capable", nil)
		return
	}
	if t.unlock == nil {
		unlock, err := t.kernel.Lock()
		if err != nil {
			fail("other_desk", err)
			return
		}
		t.unlock = unlock
	}
	if err := t.mark(ctx, true); err != nil {
		fail("failed", err)
		return
	}
	have, f, err := t.kernel.Read()
	if err != nil {
		fail("failed", err)
		return
	}
	p := t.plan(t.setting, f)
	steps := Diff(have, p.Things)
	err = t.do(steps, p.Sorting)
	if len(steps) > 0 {
		if have, _, rerr := t.kernel.Read(); rerr == nil {
			t.applied = have
		}
		t.sorting, t.since = p.Sorting, t.DB.Now()
	} else if t.applied == nil {
		t.applied, t.sorting, t.since = have, p.Sorting, t.DB.Now() // left by a run before this one, and still right
	}
	if err != nil {
		fail("failed", err)
		return
	}
	t.trouble, t.complain = nil, ""
	if len(steps) > 0 {
		t.Log.Info("traffic is led another way", "best", p.best(), "commands", strings.Join(print(steps, p.Sorting), "\n"))
	}
}

// do takes all steps; one that fails does not keep the others from being taken.
func (t *Traffic) do(steps []Step, s Sorting) error {
	var first error
	for _, x := range steps {
		if err := t.kernel.Do(x, s); err != nil && first == nil {
			first = errors.New(strings.Join(x.Commands(s)[:1], "") + ": " + err.Error())
			if errors.Is(err, syscall.EPERM) {
				return first
			}
		}
	}
	return first
}

// withdraw takes back whatever of ours is in the kernel, and reports whether nothing is
// left. t.mu is held.
func (t *Traffic) withdraw(ctx context.Context) bool {
	if t.setting.Mode != On {
		t.trouble, t.complain = nil, ""
	}
	if !t.marked {
		t.release()
		return true
	}
	if t.unlock == nil {
		unlock, err := t.kernel.Lock()
		if err != nil {
			return false // another desk of this machine's: what is there may be its own
		}
		t.unlock = unlock
	}
	have, _, err := t.kernel.Read()
	if err == nil {
		steps := Diff(have, nil)
		if err = t.do(steps, Sorting{}); err == nil && len(steps) > 0 {
			t.Log.Info("traffic is led as it was before", "commands", strings.Join(print(steps, Sorting{}), "\n"))
		}
	}
	if err == nil {
		t.applied, t.since = nil, time.Time{}
		err = t.mark(ctx, false)
	}
	if err != nil {
		if s := err.Error(); s != t.complain {
			t.complain = s
			t.Log.Warn("what was made for the traffic cannot be taken back now", "err", s)
		}
		t.trouble = &Trouble{"failed", err.Error()}
		return false
	}
	t.release()
	return true
}

func (t *Traffic) release() {
	if t.unlock != nil {
		t.unlock()
		t.unlock = nil
	}
}

// best is the name of the uplink that carries what does not say otherwise.
func (p *Plan) best() string {
	for _, l := range p.Places {
		if l.Best {
			return l.Uplink.Name
		}
	}
	return ""
}

// Save changes the setting and follows it at once. Errors: Invalid.
func (t *Traffic) Save(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, s Setting) error {
	if err := s.check(); err != nil {
		return err
	}
	known := t.Uplinks()
	unknown := func(id holdfast.ID) bool {
		return !slices.ContainsFunc(known, func(u Uplink) bool { return u.ID == id })
	}
	// An uplink that has been removed meanwhile is no mistake of who saves.
	s.Order = slices.DeleteFunc(append([]holdfast.ID{}, s.Order...), unknown)
	s.Capacities = slices.DeleteFunc(append([]Capacity{}, s.Capacities...), func(c Capacity) bool { return unknown(c.Uplink) })
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	err = t.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec("INSERT INTO continuity_setting (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = excluded.body", keptSetting, raw); err != nil || t.Audit == nil {
			return err
		}
		return t.Audit(tx, workspace, by, "link.traffic", holdfast.ID{}, s.said(known))
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.setting, t.saved = s, true
	running := t.loaded
	t.mu.Unlock()
	if running {
		t.tend(ctx)
	}
	return nil
}

// said is the setting as it is noted: names for ids.
func (s *Setting) said(known []Uplink) map[string]any {
	name := func(id holdfast.ID) string {
		i := slices.IndexFunc(known, func(u Uplink) bool { return u.ID == id })
		return known[i].Name
	}
	order, capacities := []string{}, []string{}
	for _, id := range s.Order {
		order = append(order, name(id))
	}
	for _, c := range s.Capacities {
		capacities = append(capacities, fmt.Sprintf("%s %d/%d kbit/s", name(c.Uplink), c.Up, c.Down))
	}
	return map[string]any{"mode": s.Mode, "order": order, "capacities": capacities, "telephony": s.Telephony, "desk": s.Desk, "rest": s.Rest}
}

func (t *Traffic) virtual() bool { return t.Virtual != nil && t.Virtual() }
