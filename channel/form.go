package channel

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	"holdfast"
)

// Texts are a kind's words: language → key → text. Keys: "title", "about", a
// settings field's JSON name, that name + ".help", "section.NAME", "option.VALUE", "check.NAME".
type Texts map[string]map[string]string

// ParseTexts reads an embedded texts.json; it panics on a broken one, since
// that is a fault of the build.
func ParseTexts(b []byte) Texts {
	var t Texts
	if err := json.Unmarshal(b, &t); err != nil {
		panic("channel: texts.json: " + err.Error())
	}
	return t
}

// Secret is a setting that must not be shown or logged. It is sealed at rest
// with the rest of an account's settings.
type Secret string

// String hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "•••"
}

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Field is one input of a settings form.
type Field struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"` // text, secret, number, bool, select, lines
	Section  string   `json:"section,omitempty"`
	Required bool     `json:"required,omitempty"`
	Options  []string `json:"options,omitempty"`
	// Show is "field=value" or "field=a|b": the input is asked for only then, and
	// only while that field is asked for itself.
	Show    string `json:"show,omitempty"`
	Default any    `json:"default,omitempty"`
}

// Form describes the settings of a kind from its struct's tags:
//
//	Port int `json:"imap_port" form:"section=imap,required,show=imap_security=tls|starttls"`
//	Mode string `json:"mode" form:"options=idle;poll"`
//
// Strings are text, Secret secret, ints number, bools bool, []string lines.
func (k *Kind) Form() []Field {
	v := reflect.ValueOf(k.Settings()).Elem()
	var fields []Field
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		f := Field{Name: name}
		switch {
		case sf.Type == reflect.TypeFor[Secret]():
			f.Type = "secret"
		case sf.Type.Kind() == reflect.Bool:
			f.Type = "bool"
		case sf.Type.Kind() == reflect.Int || sf.Type.Kind() == reflect.Int64:
			f.Type = "number"
		case sf.Type.Kind() == reflect.Slice:
			f.Type = "lines"
		default:
			f.Type = "text"
		}
		for part := range strings.SplitSeq(sf.Tag.Get("form"), ",") {
			key, val, _ := strings.Cut(part, "=")
			switch key {
			case "section":
				f.Section = val
			case "required":
				f.Required = true
			case "options":
				f.Type, f.Options = "select", strings.Split(val, ";")
			case "show":
				f.Show = val
			}
		}
		if f.Type != "secret" && !v.Field(i).IsZero() {
			f.Default = v.Field(i).Interface()
		}
		fields = append(fields, f)
	}
	return fields
}

// Decode reads settings from JSON over the kind's defaults. Unknown fields,
// missing required ones and values outside the options are Invalid and name the field.
func (k *Kind) Decode(raw []byte) (any, error) {
	s := k.Settings()
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if len(raw) > 0 {
		if err := dec.Decode(s); err != nil {
			return nil, holdfast.Errorf(holdfast.Invalid, "channel.settings_invalid", "settings: %v", err).WithField("settings")
		}
	}
	values := map[string]any{}
	flat, _ := json.Marshal(s)
	if err := json.Unmarshal(flat, &values); err != nil {
		return nil, err
	}
	form := k.Form()
	for _, f := range form {
		v := values[f.Name]
		text := strings.TrimSpace(fmt.Sprint(v))
		empty := v == nil || text == "" || (f.Type == "number" && text == "0") || (f.Type == "lines" && text == "[]")
		if f.Required && empty && shown(form, &f, values, len(form)) {
			return nil, holdfast.Errorf(holdfast.Invalid, "channel.setting_missing", "%s is required", f.Name).WithField("settings." + f.Name)
		}
		if len(f.Options) > 0 && !empty && !contains(f.Options, text) {
			return nil, holdfast.Errorf(holdfast.Invalid, "channel.setting_option", "%s must be one of %s", f.Name, strings.Join(f.Options, ", ")).WithField("settings." + f.Name)
		}
	}
	return s, nil
}

// shown reports whether f is asked for. deep ends a form whose fields show each other.
func shown(form []Field, f *Field, values map[string]any, deep int) bool {
	if f.Show == "" || deep == 0 {
		return true
	}
	name, want, _ := strings.Cut(f.Show, "=")
	if !contains(strings.Split(want, "|"), fmt.Sprint(values[name])) {
		return false
	}
	for i := range form {
		if form[i].Name == name {
			return shown(form, &form[i], values, deep-1)
		}
	}
	return true
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
