package holdfast

// CallsAssigned hands people customers to call, in the order in which to call them. Subject
// of this entry and the next ones: the list.
type CallsAssigned struct {
	Name  string `json:"name"`
	Run   ID     `json:"run,omitzero"` // of a plan
	Calls []Call `json:"calls"`
}

// Call is a customer and who is to call them.
type Call struct {
	Customer ID `json:"customer"`
	Operator ID `json:"operator"`
}

// CallMade says what came of a call; the latest word counts.
type CallMade struct {
	Customer ID          `json:"customer"`
	Outcome  CallOutcome `json:"outcome"`
	Text     string      `json:"text,omitempty"`
}

// CallsWithdrawn takes a list back: nobody need call any more.
type CallsWithdrawn struct{}

// CallOutcome is what came of a call.
type CallOutcome string

// What can come of one.
const (
	CallReached  CallOutcome = "reached"
	CallNoAnswer CallOutcome = "no_answer"
	CallLater    CallOutcome = "later" // they asked to be called again
	CallWrong    CallOutcome = "wrong" // the number is somebody else's
)

// CallOutcomes are all there are.
var CallOutcomes = []CallOutcome{CallReached, CallNoAnswer, CallLater, CallWrong}

func (*CallsAssigned) EntryKind() EntryKind  { return "calls.assigned" }
func (*CallMade) EntryKind() EntryKind       { return "calls.made" }
func (*CallsWithdrawn) EntryKind() EntryKind { return "calls.withdrawn" }
