package holdfast

// ConsentPurpose is what an address may be written to, or called, for.
type ConsentPurpose string

// The purposes. Service and notices may be sent until somebody says no; marketing
// and automatic calls need a yes.
const (
	ForService   ConsentPurpose = "service"
	ForNotices   ConsentPurpose = "notice"
	ForMarketing ConsentPurpose = "marketing"
	ForCalls     ConsentPurpose = "calls"
)

// ConsentPurposes lists them.
var ConsentPurposes = []ConsentPurpose{ForService, ForNotices, ForMarketing, ForCalls}

// NeedsYes reports whether silence is a no.
func (p ConsentPurpose) NeedsYes() bool { return p == ForMarketing || p == ForCalls }

// Marks of an inbound message by which a channel's adapter says that the person at
// the address it came from wants to hear no more, or wants to hear again.
const (
	MarkOptOut = "opt_out"
	MarkOptIn  = "opt_in"
)

// ConsentGiven says that the person at an address may be written to, or called, for
// a purpose. Subject of the entry: the customer.
type ConsentGiven struct {
	Address Address        `json:"address"`
	Purpose ConsentPurpose `json:"purpose"`
	Proof   string         `json:"proof,omitempty"` // what shows it, for a person who doubts
	Via     string         `json:"via"`             // "message" (their own), "operator", "import"
	Message ID             `json:"message,omitzero"`
}

// ConsentWithdrawn takes it back: of one purpose, or of all ("").
type ConsentWithdrawn struct {
	Address Address        `json:"address"`
	Purpose ConsentPurpose `json:"purpose,omitempty"`
	Proof   string         `json:"proof,omitempty"`
	Via     string         `json:"via"`
	Message ID             `json:"message,omitzero"`
}

func (*ConsentGiven) EntryKind() EntryKind     { return "consent.given" }
func (*ConsentWithdrawn) EntryKind() EntryKind { return "consent.withdrawn" }
