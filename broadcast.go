package holdfast

import "time"

// BroadcastSpec says what is told to whom, by which ways and how fast. It is fixed
// once the broadcast has started.
type BroadcastSpec struct {
	Name     string            `json:"name"`
	Incident string            `json:"incident,omitempty" doc:"A customer is told once of one incident, whichever broadcast it is; empty: of this broadcast."`
	Purpose  string            `json:"purpose,omitempty" enum:"service,notice,marketing" doc:"The consent that it needs; notice when missing."`
	Segment  BroadcastSegment  `json:"segment"`
	First    []string          `json:"first,omitempty" maxItems:"50" doc:"Tags: customers with a conversation of one of these come before all others."`
	Ways     []BroadcastWay    `json:"ways" maxItems:"20" doc:"In their order: a customer is told by the first that has an address of theirs."`
	Texts    map[string]string `json:"texts" doc:"By language; placeholders are filled."`
	Subjects map[string]string `json:"subjects,omitempty" doc:"By language, where a way has subjects."`
	Quiet    *BroadcastQuiet   `json:"quiet,omitempty" doc:"When nobody is told, in the customer's own time; missing: at any hour."`
}

// BroadcastSegment narrows the customers of a workspace; empty fields do not.
type BroadcastSegment struct {
	Tags       []string         `json:"tags,omitempty" maxItems:"50" doc:"A conversation of theirs has one of these."`
	NotTags    []string         `json:"not_tags,omitempty" maxItems:"50" doc:"No conversation of theirs has any of these."`
	Fields     []BroadcastField `json:"fields,omitempty" maxItems:"20" doc:"Custom fields that have these values, all of them."`
	Languages  []string         `json:"languages,omitempty" maxItems:"20"`
	Schemes    []string         `json:"schemes,omitempty" maxItems:"20" doc:"They have an address of one of these kinds."`
	Companies  []string         `json:"companies,omitempty" maxItems:"200"`
	Open       bool             `json:"open,omitempty" doc:"They have an open conversation."`
	SeenAfter  time.Time        `json:"seen_after,omitzero" doc:"They have written since then."`
	SeenBefore time.Time        `json:"seen_before,omitzero" doc:"They have not written since then."`
}

// BroadcastField is a custom field of customers and the value it must have.
type BroadcastField struct {
	Field ID     `json:"field"`
	Value string `json:"value"`
}

// BroadcastWay is a channel account and how much it may carry.
type BroadcastWay struct {
	Channel   ID  `json:"channel"`
	PerMinute int `json:"per_minute" minimum:"1" maximum:"600000" doc:"What the account may send in a minute; a broadcast takes 70 percent of it."`
}

// BroadcastQuiet is a part of the day, over midnight where From is the later one.
type BroadcastQuiet struct {
	From string `json:"from"` // "21:00"
	To   string `json:"to"`   // "09:00"
}

// BroadcastState is where a broadcast stands.
type BroadcastState string

// The states of a broadcast.
const (
	BroadcastDraft     BroadcastState = "draft"
	BroadcastAsked     BroadcastState = "asked" // waits for a second person
	BroadcastRunning   BroadcastState = "running"
	BroadcastPaused    BroadcastState = "paused"
	BroadcastCancelled BroadcastState = "cancelled"
	BroadcastFinished  BroadcastState = "finished"
)

// BroadcastSaved writes a draft, whole; one that waits for a second person is a
// draft again. Subject of this entry and the next ones: the broadcast.
type BroadcastSaved struct{ BroadcastSpec }

// BroadcastAskedFor says that its author wants it to start and a second person must agree.
type BroadcastAskedFor struct {
	Count int `json:"count"` // whom it would have told then
}

// BroadcastStarted says that it goes to its recipients from here on.
type BroadcastStarted struct {
	Count int `json:"count,omitempty"`
}

// BroadcastHeld pauses it: what the outbox has of it is held, and nothing follows.
type BroadcastHeld struct{}

// BroadcastResumed lets it go on.
type BroadcastResumed struct{}

// BroadcastStopped ends it for good: who has not been told is not.
type BroadcastStopped struct{}

// BroadcastEnded says that nobody is left to be told.
type BroadcastEnded struct {
	Told    int `json:"told"`
	Refused int `json:"refused"`
	Failed  int `json:"failed"`
}

func (*BroadcastSaved) EntryKind() EntryKind    { return "broadcast.saved" }
func (*BroadcastAskedFor) EntryKind() EntryKind { return "broadcast.asked" }
func (*BroadcastStarted) EntryKind() EntryKind  { return "broadcast.started" }
func (*BroadcastHeld) EntryKind() EntryKind     { return "broadcast.paused" }
func (*BroadcastResumed) EntryKind() EntryKind  { return "broadcast.resumed" }
func (*BroadcastStopped) EntryKind() EntryKind  { return "broadcast.cancelled" }
func (*BroadcastEnded) EntryKind() EntryKind    { return "broadcast.finished" }
