package holdfast

import (
	"strconv"
	"time"
)

// Match says how a filter's conditions combine.
type Match string

// All of them must hold, or any.
const (
	MatchAll Match = "all"
	MatchAny Match = "any"
)

// Field is what a condition looks at.
type Field string

// The fields of conditions.
const (
	ByState    Field = "state"    // is, is_not: statuses
	ByAssignee Field = "assignee" // is, is_not: operators, "me", "nobody"
	ByTeam     Field = "team"     // is, is_not: teams, "mine", "none"
	ByChannel  Field = "channel"  // is, is_not: channel accounts
	ByTag      Field = "tag"      // is, is_not: tags
	ByPriority Field = "priority" // is, is_not, at_least: "0" to "3"
	ByLanguage Field = "language" // is, is_not: the customer's
	ByCustomer Field = "customer" // is, is_not: customers
	BySubject  Field = "subject"  // has, has_not: a part of it
	ByUnread   Field = "unread"   // is: "yes", "no"
	ByMention  Field = "mention"  // is: "me", "unread": notes that mention me, or those of them not read
	ByOpened   Field = "opened"   // before, after: a time, or one relative to now
	ByActivity Field = "activity" // before, after: of the last message
)

// Test is how a condition compares.
type Test string

// The tests.
const (
	Is      Test = "is" // one of the values
	IsNot   Test = "is_not"
	AtLeast Test = "at_least"
	Has     Test = "has"
	HasNot  Test = "has_not"
	Before  Test = "before"
	After   Test = "after"
)

// Condition is one line of a filter.
type Condition struct {
	Field  Field    `json:"field" enum:"state,assignee,team,channel,tag,priority,language,customer,subject,unread,mention,opened,activity"`
	Test   Test     `json:"test" enum:"is,is_not,at_least,has,has_not,before,after"`
	Values []string `json:"values" doc:"Ids, words or one time: RFC 3339, or relative to now such as -30m, -12h, -7d."`
}

// Order is how a view is sorted.
type Order string

// The orders. Each ends with the id, so that no two conversations tie.
const (
	LatestFirst   Order = "latest" // by the last message
	OldestFirst   Order = "oldest"
	NewestFirst   Order = "newest"   // by when it was opened
	PriorityFirst Order = "priority" // then by the last message
)

// ViewFilter is which conversations a view shows and in which order.
type ViewFilter struct {
	Match      Match       `json:"match" enum:"all,any"`
	Conditions []Condition `json:"conditions"`
	Order      Order       `json:"order,omitempty" enum:"latest,oldest,newest,priority"`
}

// tests are what each field can be asked.
var tests = map[Field][]Test{
	ByState: {Is, IsNot}, ByAssignee: {Is, IsNot}, ByTeam: {Is, IsNot}, ByChannel: {Is, IsNot}, ByTag: {Is, IsNot}, ByPriority: {Is, IsNot, AtLeast},
	ByLanguage: {Is, IsNot}, ByCustomer: {Is, IsNot}, BySubject: {Has, HasNot}, ByUnread: {Is}, ByMention: {Is}, ByOpened: {Before, After}, ByActivity: {Before, After},
}

// The most that a filter has.
const (
	MaxConditions = 20
	MaxValues     = 50
)

// Check fills in what was left out and reports what is wrong. The error is Invalid.
func (f *ViewFilter) Check() error {
	bad := func(format string, args ...any) error {
		return Errorf(Invalid, "view.malformed", format, args...).WithField("filter")
	}
	if f.Match == "" {
		f.Match = MatchAll
	}
	if f.Order == "" {
		f.Order = LatestFirst
	}
	if f.Match != MatchAll && f.Match != MatchAny {
		return bad("conditions combine by all or any")
	}
	if f.Order != LatestFirst && f.Order != OldestFirst && f.Order != NewestFirst && f.Order != PriorityFirst {
		return bad("%q is not an order", clip(string(f.Order), 32))
	}
	if len(f.Conditions) > MaxConditions {
		return bad("a view has at most %d conditions", MaxConditions)
	}
	if f.Conditions == nil {
		f.Conditions = []Condition{}
	}
	for _, c := range f.Conditions {
		allowed, known := tests[c.Field]
		ok := false
		for _, t := range allowed {
			ok = ok || t == c.Test
		}
		switch {
		case !known:
			return bad("%q is not something to filter by", clip(string(c.Field), 32))
		case !ok:
			return bad("%s cannot be tested with %q", c.Field, clip(string(c.Test), 32))
		case len(c.Values) == 0 || len(c.Values) > MaxValues:
			return bad("%s needs 1 to %d values", c.Field, MaxValues)
		case len(c.Values) > 1 && c.Test != Is && c.Test != IsNot:
			return bad("%s takes one value", c.Field)
		}
		for _, v := range c.Values {
			if !c.Field.takes(v) {
				return bad("%q is no value for %s", clip(v, 64), c.Field)
			}
		}
	}
	return nil
}

// takes reports whether v is a value of the field.
func (f Field) takes(v string) bool {
	isID := func() bool { _, err := ParseID(v); return err == nil }
	switch f {
	case ByState:
		_, err := ParseStatus(v)
		return err == nil
	case ByAssignee:
		return v == "me" || v == "nobody" || isID()
	case ByTeam:
		return v == "mine" || v == "none" || isID()
	case ByChannel, ByCustomer:
		return isID()
	case ByPriority:
		n, err := strconv.Atoi(v)
		return err == nil && Priority(n) >= Low && Priority(n) <= Urgent
	case ByTag, BySubject:
		return v != "" && len(v) <= 200
	case ByLanguage:
		return v != "" && len(v) <= 8
	case ByUnread:
		return v == "yes" || v == "no"
	case ByMention:
		return v == "me" || v == "unread"
	case ByOpened, ByActivity:
		_, ok := Moment(v, time.Unix(0, 0))
		return ok
	}
	return false
}

// Moment reads a time of a condition: RFC 3339, or minutes, hours, days or weeks
// before now ("-30m", "-12h", "-7d", "-2w").
func Moment(v string, now time.Time) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t, true
	}
	if len(v) < 3 || v[0] != '-' {
		return time.Time{}, false
	}
	unit, known := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[v[len(v)-1]]
	n, err := strconv.ParseUint(v[1:len(v)-1], 10, 32)
	if !known || err != nil || n > 100_000 {
		return time.Time{}, false
	}
	return now.Add(-time.Duration(n) * unit), true
}
