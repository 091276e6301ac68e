package channeltest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"holdfast"
	"holdfast/channel"
)

var kindName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// checkKind: the desk can show the channel and knows what to expect of it.
func checkKind(t *testing.T, k *channel.Kind) {
	if !kindName.MatchString(k.Name) {
		t.Errorf("the name %q is not lower-case letters and digits", k.Name)
	}
	if k.Scheme == "" {
		t.Error("no address scheme")
	}
	switch k.Needs {
	case holdfast.International, holdfast.Domestic, holdfast.Local:
	default:
		t.Errorf("it needs %q, which is no reach", k.Needs)
	}
	switch k.Resend {
	case channel.ResendSame, channel.ResendOnce, channel.ResendPark:
	default:
		t.Errorf("the policy %q is none", k.Resend)
	}
	if k.New == nil || k.Settings == nil {
		t.Fatal("New or Settings is missing")
	}
	l := k.Limits
	if l.Text < 0 || l.Attachments < 0 || l.AttachmentBytes < 0 || (l.Attachments > 0) != (l.AttachmentBytes > 0) {
		t.Errorf("the limits contradict themselves: %+v", l)
	}
	if k.Mount != "" && (!strings.HasPrefix(k.Mount, "/") || strings.HasSuffix(k.Mount, "/")) {
		t.Errorf("the mount %q must begin and not end with a slash", k.Mount)
	}
	checkIcon(t, k.Icon)
	for _, lang := range holdfast.Languages {
		for _, key := range []string{"title", "about"} {
			if strings.TrimSpace(k.Texts[lang][key]) == "" {
				t.Errorf("no %s in %s", key, lang)
			}
		}
	}
}

// checkIcon: an SVG of 24 × 24 that cannot do anything.
func checkIcon(t *testing.T, icon string) {
	d := xml.NewDecoder(strings.NewReader(icon))
	depth := 0
	for {
		tok, err := d.Token()
		if tok == nil {
			break
		}
		if err != nil {
			t.Errorf("the icon is no XML: %v", err)
			return
		}
		el, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if depth++; depth == 1 {
			box := ""
			for _, a := range el.Attr {
				if a.Name.Local == "viewBox" {
					box = a.Value
				}
			}
			if el.Name.Local != "svg" || box != "0 0 24 24" {
				t.Errorf(`the icon is <%s viewBox=%q>, want an <svg viewBox="0 0 24 24">`, el.Name.Local, box)
			}
		}
		switch el.Name.Local {
		case "script", "image", "foreignObject", "use", "a", "style":
			t.Errorf("the icon holds a <%s>", el.Name.Local)
		}
		for _, a := range el.Attr {
			if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") || strings.Contains(a.Value, "url(") {
				t.Errorf("the icon has an active attribute %s", a.Name.Local)
			}
		}
	}
	if depth == 0 {
		t.Error("there is no icon")
	}
}

// looksSecret are names of settings that must be of type Secret.
var looksSecret = regexp.MustCompile(`(?i)password|secret|token$|api_?key|private_?key`)

// checkForm: every input can be labelled in every language, and every text has its translation.
func checkForm(t *testing.T, k *channel.Kind) {
	fields := k.Form()
	names := map[string]bool{}
	need := map[string]bool{}
	for _, f := range fields {
		if names[f.Name] {
			t.Errorf("two settings are called %s", f.Name)
		}
		names[f.Name] = true
		need[f.Name] = true
		if f.Section != "" {
			need["section."+f.Section] = true
		}
		for _, o := range f.Options {
			need["option."+o] = true
		}
		if looksSecret.MatchString(f.Name) && f.Type == "text" {
			t.Errorf("the setting %s looks like a secret and is plain text", f.Name)
		}
	}
	for _, f := range fields {
		if name, _, ok := strings.Cut(f.Show, "="); f.Show != "" && (!ok || !names[name]) {
			t.Errorf("the setting %s is shown by %q, which is no other setting", f.Name, f.Show)
		}
	}
	for key := range k.Texts["en"] {
		need[key] = true
	}
	for key := range need {
		for _, lang := range holdfast.Languages {
			text := k.Texts[lang][key]
			if strings.TrimSpace(text) == "" {
				t.Errorf("the text %q does not exist in %s", key, lang)
				continue
			}
			if lang == "ru" && !has(text, unicode.Cyrillic) && has(k.Texts["en"][key], unicode.Latin) && text != k.Texts["en"][key] ||
				lang == "fa" && !has(text, unicode.Arabic) && text != k.Texts["en"][key] {
				t.Errorf("the text %q in %s is not in that language: %q", key, lang, text)
			}
		}
	}
	for _, lang := range holdfast.Languages {
		for key := range k.Texts[lang] {
			if !need[key] {
				t.Errorf("the text %q exists in %s and not in en", key, lang)
			}
		}
	}
	for lang := range k.Texts {
		if !holdfast.KnownLanguage(lang) {
			t.Errorf("texts in the unknown language %q", lang)
		}
	}
}

func has(s string, script *unicode.RangeTable) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(script, r) })
}

// settings: they survive JSON, refuse what is not theirs, and never show a secret.
func (x *Exam) settings(t *testing.T) {
	k := x.Kind
	if _, err := k.Decode([]byte(`{"no_such_setting": 1}`)); holdfast.KindOf(err) != holdfast.Invalid {
		t.Errorf("an unknown setting gives %v, want Invalid", err)
	}
	a, b := k.Settings(), k.Settings()
	if reflect.ValueOf(a).Kind() != reflect.Pointer || a == b {
		t.Fatal("Settings must return a pointer to a fresh struct each time")
	}
	s := x.seat(t)
	raw, err := json.Marshal(s.Account.Settings)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := k.Decode(raw); err != nil || !reflect.DeepEqual(again, s.Account.Settings) {
		t.Errorf("settings do not survive being stored: %v", err)
	}
	var shown bytes.Buffer
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("", "account", fmt.Sprintf("%v %+v", s.Account, s.Account.Settings))
	v := reflect.ValueOf(s.Account.Settings).Elem()
	fmt.Fprintf(&shown, "%v %+v", v, v)
	for i := range v.NumField() {
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("", "setting", v.Field(i).Interface())
	}
	for _, f := range k.Form() {
		if f.Type == "secret" && f.Default != nil {
			t.Errorf("the form shows a default for the secret %s", f.Name)
		}
	}
	if found := leaks(shown.String(), x.Secrets); len(found) > 0 {
		t.Errorf("printing or logging the settings shows %q", found)
	}
	for _, secret := range x.Secrets {
		if !bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the secret %q is not among the settings that Setup gives, so the exam cannot look for it", secret)
		}
	}
	for _, f := range k.Form() {
		if f.Type == "secret" && len(x.Secrets) == 0 && x.Without["secrets"] == "" {
			t.Errorf("the setting %s is a secret: set it in Setup and name it in Secrets", f.Name)
		}
	}
}
