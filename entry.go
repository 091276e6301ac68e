package holdfast

import (
	"encoding/json"
	"fmt"
	"time"
)

// LSN is this node's commit order of entries, from 1. Screens and followers
// resume from it. It means nothing on another node.
type LSN int64

// Entry is one change, as the journal keeps it. Entries are never altered.
type Entry struct {
	LSN       LSN       `json:"lsn"`
	Origin    ID        `json:"origin"` // the node and its incarnation
	Seq       int64     `json:"seq"`    // gapless within origin, from 1
	Clock     Clock     `json:"clock"`
	At        time.Time `json:"at"` // the origin's wall clock, for people
	Workspace ID        `json:"workspace"`
	Subject   ID        `json:"subject"` // the conversation, customer, … that changed
	Kind      EntryKind `json:"kind"`
	Actor     Actor     `json:"actor"`
	Body      Body      `json:"body"`
}

// After orders two writes to one field: the later clock wins, the origin breaks ties.
func (e *Entry) After(clock Clock, origin ID) bool {
	if e.Clock != clock {
		return e.Clock > clock
	}
	return string(e.Origin[:]) > string(origin[:])
}

// History reports whether the entry was written down afterwards, by somebody who
// tells what happened elsewhere: an import, the demo. Its origin is a derived id
// (version 5), which no living node has. It is the past, and news to nobody.
func (e *Entry) History() bool { return e.Origin[6]>>4 == 5 }

// ActorKind says what sort of author a change has.
type ActorKind string

// The authors a change can have.
const (
	ActorOperator ActorKind = "operator"
	ActorCustomer ActorKind = "customer"
	ActorSystem   ActorKind = "system" // Holdfast itself: timers, recovery
	ActorToken    ActorKind = "token"  // a program with an API token
)

// Actor is who made a change. ID is zero for the system.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   ID        `json:"id,omitzero"`
}

// System is Holdfast itself as an author.
var System = Actor{Kind: ActorSystem}

// EntryKind names what an entry says. Kinds are append only: never renamed,
// never given another body; what must change gets a new name.
type EntryKind string

// Body is the typed content of an entry.
type Body interface{ EntryKind() EntryKind }

// Unknown is the body of a kind that this binary does not know (a newer node's).
// It is stored and forwarded as it came.
type Unknown struct {
	Kind EntryKind
	Raw  json.RawMessage
}

// EntryKind is the name the newer node gave.
func (u *Unknown) EntryKind() EntryKind { return u.Kind }

// MarshalJSON writes the body as it came.
func (u *Unknown) MarshalJSON() ([]byte, error) { return u.Raw, nil }

// newBody lists every kind of entry there is and the body it has.
var newBody = map[EntryKind]func() Body{
	"customer.created":         func() Body { return &CustomerCreated{} },
	"customer.changed":         func() Body { return &CustomerChanged{} },
	"address.added":            func() Body { return &AddressAdded{} },
	"address.failing":          func() Body { return &AddressFailing{} },
	"conversation.opened":      func() Body { return &ConversationOpened{} },
	"conversation.subject":     func() Body { return &ConversationSubject{} },
	"conversation.status":      func() Body { return &ConversationStatus{} },
	"conversation.assigned":    func() Body { return &ConversationAssigned{} },
	"conversation.prioritised": func() Body { return &ConversationPrioritised{} },
	"conversation.tagged":      func() Body { return &ConversationTagged{} },
	"conversation.untagged":    func() Body { return &ConversationUntagged{} },
	"conversation.read":        func() Body { return &ConversationRead{} },
	"draft.saved":              func() Body { return &DraftSaved{} },
	"message.received":         func() Body { return &MessageReceived{} },
	"message.queued":           func() Body { return &MessageQueued{} },
	"message.noted":            func() Body { return &MessageNoted{} },
	"message.sent":             func() Body { return &MessageSent{} },
	"message.retrying":         func() Body { return &MessageRetrying{} },
	"message.delivered":        func() Body { return &MessageDelivered{} },
	"message.seen":             func() Body { return &MessageSeen{} },
	"message.failed":           func() Body { return &MessageFailed{} },
	"message.unknown":          func() Body { return &MessageUnknown{} },
	"message.requeued":         func() Body { return &MessageRequeued{} },
	"message.held":             func() Body { return &MessageHeld{} },
	"message.cancelled":        func() Body { return &MessageCancelled{} },
	"arrival.refused":          func() Body { return &ArrivalRefused{} },
	"arrival.replayed":         func() Body { return &ArrivalReplayed{} },
	"setup.changed":            func() Body { return &SetupChanged{} },
	"canned.saved":             func() Body { return &CannedSaved{} },
	"canned.removed":           func() Body { return &CannedRemoved{} },
	"macro.saved":              func() Body { return &MacroSaved{} },
	"macro.removed":            func() Body { return &MacroRemoved{} },
	"view.saved":               func() Body { return &ViewSaved{} },
	"view.removed":             func() Body { return &ViewRemoved{} },
	"field.saved":              func() Body { return &FieldSaved{} },
	"field.removed":            func() Body { return &FieldRemoved{} },
	"fields.set":               func() Body { return &FieldsSet{} },
	"conversation.merged":      func() Body { return &ConversationMerged{} },
	"conversation.unmerged":    func() Body { return &ConversationUnmerged{} },
	"message.moved":            func() Body { return &MessageMoved{} },
	"conversation.surveyed":    func() Body { return &ConversationSurveyed{} },
	"conversation.rated":       func() Body { return &ConversationRated{} },
	"letter.queued":            func() Body { return &LetterQueued{} },
	"address.muted":            func() Body { return &AddressMuted{} },
	"link.changed":             func() Body { return &LinkChanged{} },
	"reach.changed":            func() Body { return &ReachChanged{} },
	"channel.changed":          func() Body { return &ChannelChanged{} },
	"chain.saved":              func() Body { return &ChainSaved{} },
	"message.rerouted":         func() Body { return &MessageRerouted{} },
	"message.stayed":           func() Body { return &MessageStayed{} },
	"lane.limited":             func() Body { return &LaneLimited{} },
	"way.preferred":            func() Body { return &WayPreferred{} },
	"consent.given":            func() Body { return &ConsentGiven{} },
	"consent.withdrawn":        func() Body { return &ConsentWithdrawn{} },
	"plan.saved":               func() Body { return &PlanSaved{} },
	"plan.removed":             func() Body { return &PlanRemoved{} },
	"plan.started":             func() Body { return &PlanStarted{} },
	"plan.step":                func() Body { return &PlanStepped{} },
	"plan.called":              func() Body { return &PlanCalled{} },
	"plan.heard":               func() Body { return &PlanHeard{} },
	"plan.recovering":          func() Body { return &PlanRecovering{} },
	"plan.ended":               func() Body { return &PlanEnded{} },
	"plan.action":              func() Body { return &PlanAction{} },
	"broadcast.saved":          func() Body { return &BroadcastSaved{} },
	"broadcast.asked":          func() Body { return &BroadcastAskedFor{} },
	"broadcast.started":        func() Body { return &BroadcastStarted{} },
	"broadcast.paused":         func() Body { return &BroadcastHeld{} },
	"broadcast.resumed":        func() Body { return &BroadcastResumed{} },
	"broadcast.cancelled":      func() Body { return &BroadcastStopped{} },
	"broadcast.finished":       func() Body { return &BroadcastEnded{} },
	"incident.saved":           func() Body { return &IncidentSaved{} },
	"incident.updated":         func() Body { return &IncidentUpdated{} },
	"incident.removed":         func() Body { return &IncidentRemoved{} },
	"banner.raised":            func() Body { return &BannerRaised{} },
	"banner.lowered":           func() Body { return &BannerLowered{} },
	"calls.assigned":           func() Body { return &CallsAssigned{} },
	"calls.made":               func() Body { return &CallMade{} },
	"calls.withdrawn":          func() Body { return &CallsWithdrawn{} },
	"assumptions.saved":        func() Body { return &AssumptionsSaved{} },
}

// EntryKinds lists the kinds this binary knows, in no order.
func EntryKinds() []EntryKind {
	kinds := make([]EntryKind, 0, len(newBody))
	for k := range newBody {
		kinds = append(kinds, k)
	}
	return kinds
}

// DecodeBody reads the stored body of an entry of this kind. A kind that is not
// known gives an Unknown, never an error.
func DecodeBody(kind EntryKind, raw []byte) (Body, error) {
	make, ok := newBody[kind]
	if !ok {
		return &Unknown{Kind: kind, Raw: append([]byte(nil), raw...)}, nil
	}
	b := make()
	if err := json.Unmarshal(raw, b); err != nil {
		return nil, fmt.Errorf("body of %s: %w", kind, err)
	}
	return b, nil
}

// UnmarshalJSON reads an entry as MarshalJSON of the plain struct wrote it.
func (e *Entry) UnmarshalJSON(b []byte) error {
	type plain Entry
	aux := struct {
		*plain
		Body json.RawMessage `json:"body"`
	}{plain: (*plain)(e)}
	if err := json.Unmarshal(b, &aux); err != nil {
		return err
	}
	body, err := DecodeBody(e.Kind, aux.Body)
	e.Body = body
	return err
}
