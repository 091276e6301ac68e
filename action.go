package holdfast

import "strings"

// Verb is what an action does.
type Verb string

// The verbs of macros and bulk actions.
const (
	DoReply    Verb = "reply"    // Text, or Canned; Then is the status it sets
	DoNote     Verb = "note"     // Text
	DoStatus   Verb = "status"   // Status, but snoozed
	DoSnooze   Verb = "snooze"   // Minutes; 0: until the customer writes
	DoAssign   Verb = "assign"   // Me, Operator, Team or nobody
	DoPriority Verb = "priority" // Priority
	DoTag      Verb = "tag"      // Tag
	DoUntag    Verb = "untag"    // Tag
	DoRead     Verb = "read"     // marks it read, for the operator who asks
)

// Action is one step on a conversation. What its verb does not name is empty.
type Action struct {
	Do       Verb     `json:"do" enum:"reply,note,status,snooze,assign,priority,tag,untag,read"`
	Canned   ID       `json:"canned,omitzero" doc:"reply: the canned reply to send, in the customer's language."`
	Text     string   `json:"text,omitempty" doc:"reply and note: placeholders are filled in."`
	Then     Status   `json:"then,omitempty" doc:"reply: the status it sets."`
	Status   Status   `json:"status,omitempty" doc:"status: open, waiting, resolved or closed."`
	Minutes  int      `json:"minutes,omitempty" doc:"snooze: for how long; 0: until the customer writes."`
	Me       bool     `json:"me,omitempty" doc:"assign: to whoever runs it."`
	Operator ID       `json:"operator,omitzero" doc:"assign."`
	Team     ID       `json:"team,omitzero" doc:"assign."`
	Priority Priority `json:"priority,omitempty" doc:"priority: 0 low to 3 urgent."`
	Tag      string   `json:"tag,omitempty" doc:"tag and untag."`
}

// MaxActions is how many steps one macro has.
const MaxActions = 20

const maxSnooze = 366 * 24 * 60 // minutes

// CheckActions reports what is wrong with a list of actions. The error is Invalid.
func CheckActions(list []Action) error {
	bad := func(format string, args ...any) error {
		return Errorf(Invalid, "action.malformed", format, args...).WithField("actions")
	}
	if len(list) == 0 || len(list) > MaxActions {
		return bad("there must be 1 to %d actions", MaxActions)
	}
	replies := 0
	for _, a := range list {
		switch a.Do {
		case DoReply:
			if replies++; replies > 1 {
				return bad("one reply at a time: two would reach the customer as two messages")
			}
			if a.Canned.IsZero() == (strings.TrimSpace(a.Text) == "") {
				return bad("a reply needs either a canned reply or a text")
			}
			if a.Then != "" {
				if _, err := ParseStatus(string(a.Then)); err != nil || a.Then == Snoozed {
					return bad("a reply cannot set the status %q", clip(string(a.Then), 32))
				}
			}
		case DoNote:
			if strings.TrimSpace(a.Text) == "" {
				return bad("a note needs a text")
			}
		case DoStatus:
			if _, err := ParseStatus(string(a.Status)); err != nil || a.Status == Snoozed {
				return bad("%q is not a status that can be set so", clip(string(a.Status), 32))
			}
		case DoSnooze:
			if a.Minutes < 0 || a.Minutes > maxSnooze {
				return bad("a snooze lasts at most a year")
			}
		case DoAssign:
			if a.Me && !a.Operator.IsZero() {
				return bad("assign either to whoever runs it or to a named operator")
			}
		case DoPriority:
			if a.Priority < Low || a.Priority > Urgent {
				return bad("%d is not a priority", a.Priority)
			}
		case DoTag, DoUntag:
			if strings.TrimSpace(a.Tag) == "" {
				return bad("the tag is missing")
			}
		case DoRead:
		default:
			return bad("%q is not something that can be done", clip(string(a.Do), 32))
		}
		if len(a.Text) > 64<<10 {
			return bad("a text may have at most %d bytes", 64<<10)
		}
	}
	return nil
}
