package presets

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"holdfast"
)

// Placeholders are the names that a text may have in double braces, as in
// {{customer.first_name|friend}}: what stands after the bar is for when there is none.
var Placeholders = []string{"customer.name", "customer.first_name", "operator.name", "operator.first_name", "conversation.number", "conversation.subject", "workspace.name"}

var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_.]+)\s*(?:\|([^{}]*))?\}\}`)

// CheckPlaceholders reports a placeholder that nothing fills. The error is Invalid.
func CheckPlaceholders(text string) error {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(Placeholders, m[1]) {
			return holdfast.Errorf(holdfast.Invalid, "placeholder.unknown", "nothing fills the placeholder %s", m[1]).
				WithNext("Use one of " + strings.Join(Placeholders, ", ") + ".")
		}
	}
	return nil
}

// Facts are what placeholders stand for.
type Facts struct {
	Customer  string // their name, or an address where there is no name
	Operator  string // empty for a program
	Number    int64  // of the conversation
	Subject   string
	Workspace string
}

// Fill puts the facts in the place of a text's placeholders. One without a fact
// becomes what stands after its bar, or nothing; what is no placeholder stays.
func Fill(text string, f Facts) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	known := map[string]string{"customer.name": f.Customer, "customer.first_name": firstName(f.Customer), "operator.name": f.Operator,
		"operator.first_name": firstName(f.Operator), "conversation.subject": f.Subject, "workspace.name": f.Workspace}
	if f.Number > 0 {
		known["conversation.number"] = strconv.FormatInt(f.Number, 10)
	}
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		value, ok := known[m[1]]
		switch {
		case value != "":
			return value
		case ok || slices.Contains(Placeholders, m[1]):
			return strings.TrimSpace(m[2])
		}
		return s
	})
}

// firstName is the first word of a name. An address or a number is no name.
func firstName(name string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	if strings.ContainsAny(first, "@0123456789۰۱۲۳۴۵۶۷۸۹") {
		return ""
	}
	return strings.Trim(first, ",")
}
