package presets

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

// Field is the definition of a custom field.
type Field struct {
	ID        holdfast.ID            `json:"id"`
	Of        string                 `json:"of" enum:"customer,conversation"`
	Key       string                 `json:"key"`
	Labels    map[string]string      `json:"labels"`
	Type      holdfast.FieldType     `json:"type" enum:"text,number,date,choice,bool"`
	Choices   []holdfast.FieldChoice `json:"choices"`
	Required  bool                   `json:"required" doc:"A value can be changed, but not taken away."`
	Position  int                    `json:"position"`
	ChangedAt time.Time              `json:"changed_at"`
}

// The subjects that have custom fields.
const (
	OfCustomer     = "customer"
	OfConversation = "conversation"
)

func decodeField(r row) (Field, error) {
	var b holdfast.FieldSaved
	err := decode(r.body, &b)
	f := Field{ID: r.id, Of: b.Of, Key: b.Key, Labels: b.Labels, Type: b.Type, Choices: b.Choices, Required: b.Required, Position: b.Position, ChangedAt: r.changed}
	if f.Choices == nil {
		f.Choices = []holdfast.FieldChoice{}
	}
	return f, err
}

// Fields lists the definitions, as they are to be shown.
func (p *Presets) Fields(ctx context.Context, by access.Identity) ([]Field, error) {
	l, err := list(ctx, p, by, field, decodeField)
	slices.SortFunc(l, func(a, b Field) int {
		return cmp.Or(strings.Compare(b.Of, a.Of), a.Position-b.Position, strings.Compare(a.Key, b.Key), strings.Compare(string(a.ID[:]), string(b.ID[:])))
	})
	return l, err
}

// Field reads one definition. The error is NotFound.
func (p *Presets) Field(ctx context.Context, by access.Identity, id holdfast.ID) (Field, error) {
	return one(ctx, p, by, field, id, decodeField)
}

var fieldKey = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

// SaveField writes a definition, whole. What it is of and its type cannot change,
// since values were given by them. Errors: Invalid; Forbidden; Conflict
// "field.key_taken", "field.type_fixed".
func (p *Presets) SaveField(ctx context.Context, by access.Identity, id holdfast.ID, b holdfast.FieldSaved) (Field, error) {
	bad := func(at, format string, args ...any) error {
		return holdfast.Errorf(holdfast.Invalid, "field.malformed", format, args...).WithField(at)
	}
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return Field{}, err
	}
	if b.Of != OfCustomer && b.Of != OfConversation {
		return Field{}, bad("of", "a field is of a customer or of a conversation")
	}
	if !fieldKey.MatchString(b.Key) {
		return Field{}, bad("key", "a key is small Latin letters, digits and _, at most 50")
	}
	labels := map[string]string{}
	for lang, label := range b.Labels {
		if strings.TrimSpace(label) == "" {
			continue
		}
		name, err := checkName(label, "labels")
		if err != nil || len(lang) > 8 {
			return Field{}, bad("labels", "a label has 1 to 100 characters on one line")
		}
		labels[lang] = name
	}
	if b.Labels = labels; len(labels) == 0 {
		return Field{}, bad("labels", "a field needs a label in some language")
	}
	switch b.Type {
	case holdfast.TextField, holdfast.NumberField, holdfast.DateField, holdfast.BoolField:
		b.Choices = nil
	case holdfast.ChoiceField:
		seen := map[string]bool{}
		for i, c := range b.Choices {
			v, err := checkName(c.Value, "choices")
			if err != nil || seen[v] {
				return Field{}, bad("choices", "each choice has a value of its own")
			}
			seen[v], b.Choices[i].Value = true, v
		}
		if len(b.Choices) == 0 || len(b.Choices) > 200 {
			return Field{}, bad("choices", "a choice has 1 to 200 values")
		}
	default:
		return Field{}, bad("type", "a field is text, number, date, choice or bool")
	}
	if b.Position < 0 || b.Position > 10000 {
		return Field{}, bad("position", "the position is 0 to 10000")
	}
	all, err := p.Fields(ctx, by)
	if err != nil {
		return Field{}, err
	}
	for _, f := range all {
		if f.ID == id && (f.Of != b.Of || f.Type != b.Type) {
			return Field{}, holdfast.Errorf(holdfast.Conflict, "field.type_fixed", "what a field is of and its type stay as they are").WithField("type").WithNext("Make another field.")
		}
		if f.ID != id && f.Of == b.Of && f.Key == b.Key {
			return Field{}, holdfast.Errorf(holdfast.Conflict, "field.key_taken", "there is a field with this key").WithField("key")
		}
	}
	if err := p.save(ctx, by, field, id, holdfast.Owner{}, &b, nil); err != nil {
		return Field{}, err
	}
	return p.Field(ctx, by, id)
}

// RemoveField takes a definition away, and with it its values from screens. Errors: NotFound, Forbidden.
func (p *Presets) RemoveField(ctx context.Context, by access.Identity, id holdfast.ID) error {
	if err := by.Require(holdfast.ManageWorkspace); err != nil {
		return err
	}
	return p.save(ctx, by, field, id, holdfast.Owner{}, nil, &holdfast.FieldRemoved{})
}

// SetFields gives a customer or a conversation values of custom fields, by key; an
// empty value takes one away. That the subject is in the workspace is checked by the
// caller. Values that are so already change nothing. Errors: Forbidden, Invalid.
func (p *Presets) SetFields(ctx context.Context, by access.Identity, of string, subject holdfast.ID, values map[string]string) error {
	need := holdfast.WriteConversations
	if of == OfCustomer {
		need = holdfast.WriteCustomers
	}
	if err := by.Require(need); err != nil {
		return err
	}
	all, err := p.Fields(ctx, by)
	if err != nil {
		return err
	}
	set := map[holdfast.ID]string{}
	for key, v := range values {
		i := slices.IndexFunc(all, func(f Field) bool { return f.Of == of && f.Key == key })
		if i < 0 {
			return holdfast.Errorf(holdfast.Invalid, "field.unknown", "there is no field %q", store.Text(key)).WithField(key).WithNext("Define it first.")
		}
		v, err := all[i].Clean(v)
		if err != nil {
			return err
		}
		if v == "" && all[i].Required {
			return holdfast.Errorf(holdfast.Invalid, "field.required", "the field %q cannot be left empty", key).WithField(key).WithNext("Give it a value.")
		}
		set[all[i].ID] = v
	}
	_, err = p.journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		had, err := given(tx.Query(valuesOf, by.Workspace, subject))
		if err != nil {
			return err
		}
		fresh := map[holdfast.ID]string{}
		for id, v := range set {
			if had[id] != v {
				fresh[id] = v
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		_, err = tx.Append(subject, &holdfast.FieldsSet{Of: of, Values: fresh})
		return err
	}})
	return err
}

const valuesOf = "SELECT field, value FROM field_value WHERE workspace = $1 AND subject = $2 AND value <> ''"

func given(rows *store.Rows, err error) (map[holdfast.ID]string, error) {
	type pair struct {
		field holdfast.ID
		value string
	}
	list, err := store.Collect(rows, err, func(r *store.Rows, p *pair) error { return r.Scan(&p.field, &p.value) })
	out := map[holdfast.ID]string{}
	for _, p := range list {
		out[p.field] = p.value
	}
	return out, err
}

// Values reads the values of a customer's or a conversation's custom fields, by
// key. Those of fields that are no longer defined are left out.
func (p *Presets) Values(ctx context.Context, by access.Identity, of string, subject holdfast.ID) (map[string]string, error) {
	all, err := p.Fields(ctx, by)
	if err != nil {
		return nil, err
	}
	had, err := given(p.db.Query(ctx, valuesOf, by.Workspace, subject))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, f := range all {
		if v, ok := had[f.ID]; ok && f.Of == of {
			out[f.Key] = v
		}
	}
	return out, nil
}

var decimal = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,9})?$`)

// Clean is a value as stored: trimmed, in the form of the field's type. Empty stays
// empty. The error is Invalid and names the field's key.
func (f Field) Clean(v string) (string, error) {
	v = strings.TrimSpace(store.Text(v))
	bad := func(text string) (string, error) {
		return "", holdfast.Errorf(holdfast.Invalid, "field.value_malformed", "%s", text).WithField(f.Key)
	}
	if v == "" {
		return "", nil
	}
	switch f.Type {
	case holdfast.NumberField:
		if v = latinDigits.Replace(v); !decimal.MatchString(v) {
			return bad("this is not a number")
		}
		if !strings.Contains(v, ".") {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return bad("this is not a number")
			}
			v = strconv.FormatInt(n, 10)
		}
	case holdfast.DateField:
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return bad("a date is written as 2026-11-30")
		}
	case holdfast.BoolField:
		if v != "yes" && v != "no" {
			return bad("the value is yes or no")
		}
	case holdfast.ChoiceField:
		if !slices.ContainsFunc(f.Choices, func(c holdfast.FieldChoice) bool { return c.Value == v }) {
			return bad("this is not one of the choices")
		}
	default:
		if len(v) > 4000 {
			return bad("a value may have at most 4000 bytes")
		}
	}
	return v, nil
}

// latinDigits writes Persian and Arabic digits and decimal points as Latin ones.
var latinDigits = strings.NewReplacer("۰", "0", "۱", "1", "۲", "2", "۳", "3", "۴", "4", "۵", "5", "۶", "6", "۷", "7", "۸", "8", "۹", "9",
	"٠", "0", "١", "1", "٢", "2", "٣", "3", "٤", "4", "٥", "5", "٦", "6", "٧", "7", "٨", "8", "٩", "9", "٫", ".", ",", ".")

// ValuesOf are the values that one field has of these customers or conversations, at
// most a thousand; one without a value is left out.
func (p *Presets) ValuesOf(ctx context.Context, workspace, field holdfast.ID, subjects []holdfast.ID) (map[holdfast.ID]string, error) {
	values := map[holdfast.ID]string{}
	if len(subjects) == 0 {
		return values, nil
	}
	args := []any{workspace, field}
	for _, s := range subjects {
		args = append(args, s)
	}
	type pair struct {
		id    holdfast.ID
		value string
	}
	rows, err := p.db.Unprepared(ctx, "SELECT subject, value FROM field_value WHERE workspace = $1 AND field = $2 AND value <> '' AND subject IN "+store.In(3, len(subjects)), args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, v *pair) error { return r.Scan(&v.id, &v.value) })
	for _, v := range list {
		values[v.id] = v.value
	}
	return values, err
}
