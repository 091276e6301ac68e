package holdfast

import "time"

// Plan is what a desk has agreed to do when something breaks: what starts it, who
// does what in which order, and in which words.
type Plan struct {
	Name     string        `json:"name"`
	Enabled  bool          `json:"enabled"` // starts by itself; by hand it always can be
	Trigger  PlanTrigger   `json:"trigger"`
	Roles    []PlanRole    `json:"roles"`
	Steps    []PlanStep    `json:"steps"`
	Recovery []PlanStep    `json:"recovery"` // once what started it is over
	Texts    []PlanText    `json:"texts"`
	Every    int           `json:"every"`     // minutes from one notice to the next
	Settle   int           `json:"settle"`    // seconds that things must be well again before the recovery begins
	StopLate int           `json:"stop_late"` // minutes after which a run ends by itself; 0 is never
	Drills   DrillSchedule `json:"drills"`
}

// PlanTrigger is what starts a plan by itself.
type PlanTrigger struct {
	On      PlanCause `json:"on"`
	Reach   Reach     `json:"reach,omitempty"`   // fell to this or below
	Channel ID        `json:"channel,omitzero"`  // zero is any
	Link    ID        `json:"link,omitzero"`     // zero is any
	Seconds int       `json:"seconds,omitempty"` // for how long it must have been so
}

// PlanCause is what a plan is started by.
type PlanCause string

// The causes there are.
const (
	OnReach    PlanCause = "reach"
	OnChannel  PlanCause = "channel"
	OnLink     PlanCause = "link"
	OnHand     PlanCause = "hand"
	OnSchedule PlanCause = "schedule" // of a drill
)

// PlanRole is a part somebody plays in a plan, and who steps in for them.
type PlanRole struct {
	Key      string `json:"key"`
	Name     string `json:"name"`
	Operator ID     `json:"operator,omitzero"`
	Deputies []ID   `json:"deputies"`
}

// PlanStep is one thing to do.
type PlanStep struct {
	Key       string      `json:"key"` // names it within its plan
	Name      string      `json:"name"`
	Do        PlanDeed    `json:"do"`
	Mode      PlanMode    `json:"mode"`
	Timeout   int         `json:"timeout,omitempty"` // seconds; 0 is the deed's own
	OnFailure PlanFailing `json:"on_failure"`
	Roles     []string    `json:"roles,omitempty"` // who confirms it, does it or is told
	Text      string      `json:"text,omitempty"`  // the key of a text
	Webhook   ID          `json:"webhook,omitzero"`
	Seconds   int         `json:"seconds,omitempty"`  // of a wait
	Places    []string    `json:"places,omitempty"`   // of a banner
	Channels  []ID        `json:"channels,omitempty"` // in the order of preference
	AtNight   bool        `json:"at_night,omitempty"` // of a broadcast: nobody's night is spared
}

// PlanDeed is what a step does.
type PlanDeed string

// The deeds there are. The first ones are done by the plan itself, the others by
// the rooms that know how.
const (
	DeedTell      PlanDeed = "tell"      // staff, and waits for nobody
	DeedTask      PlanDeed = "task"      // given to somebody, who says when it is done
	DeedAsk       PlanDeed = "ask"       // somebody whether to go on
	DeedWait      PlanDeed = "wait"      //
	DeedWebhook   PlanDeed = "webhook"   //
	DeedReport    PlanDeed = "report"    // what the run came to, to staff
	DeedLanes     PlanDeed = "lanes"     // sends by other channels
	DeedBanner    PlanDeed = "banner"    // raised; undone by lowering it
	DeedLower     PlanDeed = "lower"     // lowers what this run has raised
	DeedBroadcast PlanDeed = "broadcast" //
	DeedLists     PlanDeed = "lists"     // of whom to call, handed to people
	DeedPause     PlanDeed = "pause"     // campaigns and promises
	DeedPaper     PlanDeed = "paper"     // prints the sheets
	DeedNote      PlanDeed = "note"      // on the status page
	DeedFlush     PlanDeed = "flush"     // what was held goes out
	DeedReconcile PlanDeed = "reconcile" //
)

// PlanMode is how far a step goes by itself.
type PlanMode string

// The modes there are.
const (
	StepAutomatic PlanMode = "automatic"
	StepConfirm   PlanMode = "confirm" // waits for a yes
	StepHand      PlanMode = "hand"    // somebody does it and says so
)

// PlanFailing is what becomes of a run when a step fails.
type PlanFailing string

// What can become of it.
const (
	FailGoOn PlanFailing = "go_on"
	FailStop PlanFailing = "stop"
	FailAsk  PlanFailing = "ask"
)

// PlanText is one of a plan's texts in every language, for one kind of channel or,
// with an empty one, for all that have none of their own.
type PlanText struct {
	Key     string            `json:"key"`
	Channel string            `json:"channel,omitempty"`
	Texts   map[string]string `json:"texts"`
}

// DrillSchedule is when a plan is rehearsed, in the workspace's time zone.
type DrillSchedule struct {
	Every string `json:"every" enum:"off,weekly,monthly"`
	Day   int    `json:"day"` // 0 is Sunday; of a month 1 to 28
	At    string `json:"at"`  // "10:00"
}

// PlanSaved is a plan, whole. Subject of the entry: the plan.
type PlanSaved struct{ Plan }

// EntryKind is the entry's name.
func (*PlanSaved) EntryKind() EntryKind { return "plan.saved" }

// PlanRemoved says that a plan is gone. Its runs stay. Subject of the entry: the plan.
type PlanRemoved struct{}

// EntryKind is the entry's name.
func (*PlanRemoved) EntryKind() EntryKind { return "plan.removed" }

// PlanStarted is the beginning of a run, with the plan as it was then. Subject of
// the entry: the run, as of all that follow.
type PlanStarted struct {
	Of    ID        `json:"of"`
	Drill bool      `json:"drill,omitempty"`
	Cause PlanCause `json:"cause"`
	About ID        `json:"about,omitzero"` // the channel or link
	Since time.Time `json:"since,omitzero"` // since when it was so
	Plan  Plan      `json:"plan"`
}

// EntryKind is the entry's name.
func (*PlanStarted) EntryKind() EntryKind { return "plan.started" }

// StepState is how far a step of a run is.
type StepState string

// The states of a step.
const (
	StepPending  StepState = "pending"
	StepAsked    StepState = "asked"    // it waits for somebody
	StepBegan    StepState = "began"    // on disk before it is done
	StepDone     StepState = "done"     //
	StepFailed   StepState = "failed"   //
	StepSkipped  StepState = "skipped"  //
	StepUndoing  StepState = "undoing"  // on disk before it is undone
	StepUndone   StepState = "undone"   //
	StepBlocking StepState = "blocking" // failed, and somebody must say what now
)

// Over reports whether the run goes on behind such a step.
func (s StepState) Over() bool {
	return s == StepDone || s == StepFailed || s == StepSkipped || s == StepUndone
}

// PlanStepped says how far a step of a run has come.
type PlanStepped struct {
	Recovery  bool      `json:"recovery,omitempty"` // a step of the second part
	Step      string    `json:"step"`
	State     StepState `json:"state"`
	Undo      []byte    `json:"undo,omitempty"` // what undoing it needs
	Code      string    `json:"code,omitempty"` // why it failed or was skipped
	Reason    string    `json:"reason,omitempty"`
	Rehearsed bool      `json:"rehearsed,omitempty"` // in a drill: nothing left the desk
}

// EntryKind is the entry's name.
func (*PlanStepped) EntryKind() EntryKind { return "plan.step" }

// PlanCalled says that operators were told something by a step of a run.
type PlanCalled struct {
	Name      string `json:"name"` // the plan's
	Drill     bool   `json:"drill,omitempty"`
	Step      string `json:"step"`
	Recovery  bool   `json:"recovery,omitempty"`
	Asks      bool   `json:"asks,omitempty"` // they are to do or decide something
	Operators []ID   `json:"operators"`
	// Texts are what they are told, by language.
	Texts map[string]string `json:"texts,omitempty"`
}

// EntryKind is the entry's name.
func (*PlanCalled) EntryKind() EntryKind { return "plan.called" }

// PlanHeard says that an operator has seen what they were told.
type PlanHeard struct {
	Operator ID `json:"operator"`
}

// EntryKind is the entry's name.
func (*PlanHeard) EntryKind() EntryKind { return "plan.heard" }

// PlanRecovering says that what a run was started by is over.
type PlanRecovering struct{}

// EntryKind is the entry's name.
func (*PlanRecovering) EntryKind() EntryKind { return "plan.recovering" }

// PlanEnded is the end of a run.
type PlanEnded struct {
	Outcome PlanOutcome `json:"outcome"`
	Step    string      `json:"step,omitempty"` // that it stopped at
}

// EntryKind is the entry's name.
func (*PlanEnded) EntryKind() EntryKind { return "plan.ended" }

// PlanOutcome is how a run ended.
type PlanOutcome string

// The outcomes there are.
const (
	PlanFinished PlanOutcome = "finished"
	PlanStopped  PlanOutcome = "stopped" // by somebody
	PlanBroken   PlanOutcome = "broken"  // a step failed and the plan says to stop then
	PlanTooLate  PlanOutcome = "late"    // it was to end by now
)

// PlanAction is something to do after a run, so that the next one goes better.
// Subject of the entry: the run.
type PlanAction struct {
	ID      ID     `json:"id"`
	Text    string `json:"text,omitempty"`
	Owner   ID     `json:"owner,omitzero"`
	Due     string `json:"due,omitempty"` // a date
	Done    bool   `json:"done,omitempty"`
	Removed bool   `json:"removed,omitempty"`
}

// EntryKind is the entry's name.
func (*PlanAction) EntryKind() EntryKind { return "plan.action" }
