package plans

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
)

// Deed is a kind of step, as the editor offers it.
type Deed struct {
	Do    holdfast.PlanDeed `json:"do"`
	Needs []string          `json:"needs" doc:"What it is told: \"text\", \"roles\", \"seconds\", \"webhook\", \"places\", \"channels\", \"at_night\"."`
	Undo  bool              `json:"undo" doc:"Whether it can be undone."`
	// customers marks what customers read: their texts say more.
	customers bool
}

func (d Deed) needs(what string) bool { return slices.Contains(d.Needs, what) }

// says lists the placeholders without which a text for customers says too little.
func (d Deed) says(recovery bool) []string {
	switch {
	case !d.customers:
		return nil
	case recovery && d.Do == holdfast.DeedBroadcast:
		return []string{"opt_out"}
	case recovery:
		return nil
	case d.Do == holdfast.DeedBroadcast:
		return []string{"affected", "works", "next", "opt_out"}
	}
	return []string{"affected", "works", "next"}
}

// deeds are all there are, in the order in which they are offered.
var deeds = []Deed{
	{Do: holdfast.DeedTell, Needs: []string{"roles", "text"}},
	{Do: holdfast.DeedTask, Needs: []string{"roles", "text"}},
	{Do: holdfast.DeedAsk, Needs: []string{"roles", "text"}},
	{Do: holdfast.DeedWait, Needs: []string{"seconds"}},
	{Do: holdfast.DeedLanes, Needs: []string{"channels"}},
	{Do: holdfast.DeedBanner, Needs: []string{"places", "text"}, customers: true},
	{Do: holdfast.DeedBroadcast, Needs: []string{"channels", "text", "at_night"}, customers: true},
	{Do: holdfast.DeedNote, Needs: []string{"text"}, customers: true},
	{Do: holdfast.DeedLists, Needs: []string{"roles"}},
	{Do: holdfast.DeedPause, Needs: []string{}},
	{Do: holdfast.DeedPaper, Needs: []string{}},
	{Do: holdfast.DeedWebhook, Needs: []string{"webhook", "text"}},
	{Do: holdfast.DeedLower, Needs: []string{}},
	{Do: holdfast.DeedFlush, Needs: []string{}},
	{Do: holdfast.DeedReconcile, Needs: []string{}},
	{Do: holdfast.DeedReport, Needs: []string{"roles"}},
}

// Errand is a step that another room carries out. The same key twice is one deed.
type Errand struct {
	Workspace holdfast.ID
	Run       holdfast.ID
	Plan      string    // its name
	Began     time.Time // the outage, or else the run
	Now       time.Time
	Key       holdfast.ID
	Step      holdfast.PlanStep
	// Recovery tells a step of the way back from one of the way out.
	Recovery bool
	// Texts are what it says, filled in, by language.
	Texts map[string]string
	// ByKind are those of the kinds of channels that have their own.
	ByKind map[string]map[string]string
	// Staff are the operators of its roles who are there now.
	Staff []holdfast.ID
}

// Work is what another room does for a step, and how it takes it back: Undo is given
// what Do has returned, and nil is a deed that cannot be undone. What such a one returns is
// kept with the step. An error is tried
// again until the step's time is up.
type Work struct {
	Do   func(ctx context.Context, e Errand) (undo []byte, err error)
	Undo func(ctx context.Context, e Errand, undo []byte) error
}

// Deeds are what other rooms can do. A deed whose Do is nil is not offered.
type Deeds struct {
	Lanes, Banner, Lower, Broadcast, Note, Lists, Pause, Paper, Flush Work
	// Reconcile compares what became of messages since a run began. What it finds stands in
	// the run's report as it was then.
	Reconcile func(ctx context.Context, workspace holdfast.ID, from, to time.Time) (*Balance, error)
}

func (d *Deeds) work(do holdfast.PlanDeed) (w Work, ours bool) {
	switch do {
	case holdfast.DeedLanes:
		return d.Lanes, false
	case holdfast.DeedBanner:
		return d.Banner, false
	case holdfast.DeedLower:
		return d.Lower, false
	case holdfast.DeedBroadcast:
		return d.Broadcast, false
	case holdfast.DeedNote:
		return d.Note, false
	case holdfast.DeedLists:
		return d.Lists, false
	case holdfast.DeedPause:
		return d.Pause, false
	case holdfast.DeedPaper:
		return d.Paper, false
	case holdfast.DeedFlush:
		return d.Flush, false
	case holdfast.DeedReconcile:
		return d.reconcile(), false
	}
	return Work{}, true
}

func (d *Deeds) reconcile() (w Work) {
	if d.Reconcile != nil {
		w.Do = func(ctx context.Context, e Errand) ([]byte, error) {
			b, err := d.Reconcile(ctx, e.Workspace, e.Began, e.Now)
			if err != nil {
				return nil, err
			}
			return json.Marshal(b)
		}
	}
	return w
}

// offer says how a deed is offered on this desk, and whether it is.
func (p *Plans) offer(do holdfast.PlanDeed) (Deed, bool) {
	for _, d := range deeds {
		if d.Do != do {
			continue
		}
		w, ours := p.deps.Deeds.work(do)
		d.Undo = w.Undo != nil
		return d, w.Do != nil || ours && (do != holdfast.DeedWebhook || p.deps.Webhook != nil)
	}
	return Deed{}, false
}

// Offered lists the kinds of steps that this desk can do.
func (p *Plans) Offered() []Deed {
	list := []Deed{}
	for _, d := range deeds {
		if d, ok := p.offer(d.Do); ok {
			list = append(list, d)
		}
	}
	return list
}

// Staff is somebody who works here. Only this room makes one, and only of an
// operator's account, so that what takes nothing but Staff reaches no customer.
type Staff struct {
	operator              holdfast.ID
	name, email, language string
}

func staffOf(m *access.Member) Staff {
	s := Staff{m.ID, m.Name, m.Email, m.Language}
	if !holdfast.KnownLanguage(s.language) {
		s.language = "en"
	}
	return s
}

// Operator is who it is.
func (s Staff) Operator() holdfast.ID { return s.operator }

// Address is where they are mailed; without a value for who has none.
func (s Staff) Address() holdfast.Address {
	return holdfast.Address{Scheme: "mailto", Value: s.email, Name: s.name}
}

// Language is the one that they read.
func (s Staff) Language() string { return s.language }

// Call is what somebody is told by a step. The same key twice is one call.
type Call struct {
	Key       holdfast.ID
	Workspace holdfast.ID
	Run       holdfast.ID
	Subject   string
	Text      string
	Open      string // what stands above the link to the run
}

// caller tells staff, and nobody else: by mail here, by the console and pushes
// through the entry.
type caller struct {
	journal *journal.Journal
	mail    func(ctx context.Context, to Staff, c Call) error
	log     *slog.Logger
}

// tell tells each once, and remembers that. texts are by language.
func (c caller) tell(ctx context.Context, r *Run, s *holdfast.PlanStep, recovery, asks bool, to []Staff, texts, subjects map[string]string) error {
	called := &holdfast.PlanCalled{Name: r.Name, Drill: r.Drill, Step: s.Key, Recovery: recovery, Asks: asks, Texts: texts}
	command := holdfast.DeriveID(r.ID, "call "+stepName(s.Key, recovery)+asking(asks))
	for _, one := range to {
		called.Operators = append(called.Operators, one.operator)
		if c.mail == nil || one.email == "" {
			continue
		}
		err := c.mail(ctx, one, Call{Key: holdfast.DeriveID(command, one.operator.String()), Workspace: r.workspace, Run: r.ID,
			Subject: subjects[one.language], Text: texts[one.language], Open: words[one.language]["open"]})
		if err != nil && ctx.Err() == nil {
			c.log.Warn("somebody is not mailed about a plan; the console tells them", "run", r.ID.String(), "operator", one.operator.String(), "err", err)
		}
	}
	if len(to) == 0 {
		return holdfast.Errorf(holdfast.Conflict, "plan.nobody", "nobody of the step's roles is there")
	}
	_, err := c.journal.Do(ctx, journal.Command{Workspace: r.workspace, Actor: holdfast.System, ID: command, Run: func(tx *journal.Tx) error {
		_, err := tx.Append(r.ID, called)
		return err
	}})
	return err
}

func asking(asks bool) string {
	if asks {
		return " asks"
	}
	return ""
}

func stepName(step string, recovery bool) string {
	if recovery {
		return "recovery/" + step
	}
	return "main/" + step
}

// result is what came of a deed.
type result struct {
	undo      []byte
	rehearsed bool
}

// hands carry out the steps of a run: those of a real one, or those of a drill.
type hands interface {
	do(ctx context.Context, r *Run, s *Step, to []Staff, texts, subjects map[string]string) (result, error)
	undo(ctx context.Context, r *Run, s *Step, undo []byte) error
}

// real does what the plan says.
type real struct {
	caller
	now     func() time.Time
	deeds   *Deeds
	webhook func(ctx context.Context, workspace, webhook, key holdfast.ID, body []byte) error
}

func (h real) errand(r *Run, s *Step, to []Staff, texts map[string]string) Errand {
	e := Errand{Workspace: r.workspace, Run: r.ID, Plan: r.Name, Began: r.began(), Now: h.now(), Key: r.key(s), Step: s.step, Recovery: s.Recovery, Texts: texts, ByKind: s.byKind}
	for _, one := range to {
		e.Staff = append(e.Staff, one.operator)
	}
	return e
}

func (h real) do(ctx context.Context, r *Run, s *Step, to []Staff, texts, subjects map[string]string) (result, error) {
	switch s.step.Do {
	case holdfast.DeedTell, holdfast.DeedReport:
		return result{}, h.tell(ctx, r, &s.step, s.Recovery, false, to, texts, subjects)
	case holdfast.DeedWait, holdfast.DeedTask, holdfast.DeedAsk:
		return result{}, nil
	case holdfast.DeedWebhook:
		body, err := json.Marshal(map[string]any{"id": r.key(s), "kind": "plan.step", "workspace": r.workspace, "run": r.ID, "plan": r.Of, "name": r.Name, "step": s.Key, "recovery": s.Recovery, "texts": texts})
		if err != nil {
			return result{}, err
		}
		return result{}, h.webhook(ctx, r.workspace, s.step.Webhook, r.key(s), body)
	}
	w, _ := h.deeds.work(s.step.Do)
	if w.Do == nil {
		return result{}, holdfast.Errorf(holdfast.Conflict, "plan.not_offered", "this desk cannot do that step")
	}
	undo, err := w.Do(ctx, h.errand(r, s, to, texts))
	if err == nil && s.step.Do == holdfast.DeedLists {
		err = h.tell(ctx, r, &s.step, s.Recovery, false, to, texts, subjects) // they have calls to make
	}
	return result{undo: undo}, err
}

func (h real) undo(ctx context.Context, r *Run, s *Step, undo []byte) error {
	w, _ := h.deeds.work(s.step.Do)
	if w.Undo == nil {
		return holdfast.Errorf(holdfast.Conflict, "plan.no_undo", "that step cannot be undone")
	}
	return w.Undo(ctx, h.errand(r, s, nil, nil), undo)
}

// drill rehearses. It holds nothing but a caller, which takes nothing but Staff: there
// is no way from here to a customer, a banner or another program.
type drill struct{ caller }

func (h drill) do(ctx context.Context, r *Run, s *Step, to []Staff, texts, subjects map[string]string) (result, error) {
	switch s.step.Do {
	case holdfast.DeedTell, holdfast.DeedReport:
		return result{}, h.tell(ctx, r, &s.step, s.Recovery, false, to, texts, subjects)
	case holdfast.DeedWait, holdfast.DeedTask, holdfast.DeedAsk:
		return result{}, nil
	}
	return result{rehearsed: true}, nil
}

func (h drill) undo(context.Context, *Run, *Step, []byte) error { return nil }
