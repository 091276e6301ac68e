package holdfast

// FieldType is what a custom field holds.
type FieldType string

// The types of custom fields. Values are text: a number in decimal, a date as
// 2026-11-30, a choice's value, "yes" or "no".
const (
	TextField   FieldType = "text"
	NumberField FieldType = "number"
	DateField   FieldType = "date"
	ChoiceField FieldType = "choice"
	BoolField   FieldType = "bool"
)

// FieldChoice is one value of a choice field.
type FieldChoice struct {
	Value  string            `json:"value"`
	Labels map[string]string `json:"labels,omitempty" doc:"By language; the value where there is none."`
}

// FieldSaved defines a custom field, whole. Subject of the entry: the field.
type FieldSaved struct {
	Of       string            `json:"of"`     // "customer" or "conversation"
	Key      string            `json:"key"`    // for programs
	Labels   map[string]string `json:"labels"` // by language
	Type     FieldType         `json:"type"`
	Choices  []FieldChoice     `json:"choices,omitempty"`
	Required bool              `json:"required,omitempty"` // a value, once given, is not taken away
	Position int               `json:"position,omitempty"`
}

// FieldRemoved takes a definition away; values that were given stay in the journal.
type FieldRemoved struct{}

// FieldsSet gives custom fields values, by the field's id; an empty value takes one
// away. Each field is a register of its own. Subject of the entry: the customer or
// the conversation.
type FieldsSet struct {
	Of     string        `json:"of"`
	Values map[ID]string `json:"values"`
}

func (*FieldSaved) EntryKind() EntryKind   { return "field.saved" }
func (*FieldRemoved) EntryKind() EntryKind { return "field.removed" }
func (*FieldsSet) EntryKind() EntryKind    { return "fields.set" }
