package presets

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"holdfast"
)

func TestFillPutsFactsInTheirPlace(t *testing.T) {
	// The console fills them in as well, for when it is cut off, and is tested with the same.
	b, err := os.ReadFile("testdata/fill.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Text, Want string
		Facts      Facts
	}
	if err := json.Unmarshal(b, &cases); err != nil || len(cases) < 12 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		if got := Fill(c.Text, c.Facts); got != c.Want {
			t.Errorf("%q gives %q, want %q", c.Text, got, c.Want)
		}
	}
}

func TestAnUnknownPlaceholderIsRefused(t *testing.T) {
	if err := CheckPlaceholders("{{customer.name}} {{workspace.name|us}} {braces} {{}}"); err != nil {
		t.Error(err)
	}
	if err := CheckPlaceholders("Hi {{customer.nmae}}"); holdfast.CodeOf(err) != "placeholder.unknown" {
		t.Errorf("a typing error is taken: %v", err)
	}
}

func FuzzFill(f *testing.F) {
	for _, s := range []string{"{{customer.name|x}}", "{{{{customer.name}}}}", "{{customer.name", "{{x|}}", "سلام {{customer.first_name|دوست}}", "}}{{|}}"} {
		f.Add(s, "Ana")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		got := Fill(text, Facts{Customer: name})
		if !strings.Contains(text, "{{") && got != text {
			t.Errorf("%q became %q", text, got)
		}
		if CheckPlaceholders(text) == nil && name == "" && strings.Contains(got, "{{customer.name}}") && !strings.Contains(text, "{{{{") && !strings.Contains(text, "|") {
			t.Errorf("%q keeps a placeholder: %q", text, got)
		}
	})
}

func TestCannedRepliesFitTheirSituation(t *testing.T) {
	team := holdfast.NewID()
	c := Canned{Texts: map[string]string{"en": "Hello", "ru": "Привет", "any": "Hi"}, Channels: []string{"loop"}, Teams: []holdfast.ID{team}, Languages: []string{"ru", "en"}}
	for _, x := range []struct {
		s    Situation
		want bool
	}{
		{Situation{Channel: "loop", Team: team, Language: "ru"}, true},
		{Situation{Channel: "other", Team: team, Language: "ru"}, false},
		{Situation{Channel: "loop", Language: "ru"}, false},
		{Situation{Channel: "loop", Team: team, Language: "fa"}, false},
	} {
		if c.Fits(x.s) != x.want {
			t.Errorf("%+v: %v", x.s, !x.want)
		}
	}
	if !(Canned{}).Fits(Situation{Channel: "loop"}) {
		t.Error("one without conditions is not offered")
	}
	for _, x := range []struct{ lang, fallback, want string }{{"ru", "en", "Привет"}, {"fa", "en", "Hi"}} {
		if got, _ := c.Text(Situation{Language: x.lang, Fallback: x.fallback}); got != x.want {
			t.Errorf("%s gets %q", x.lang, got)
		}
	}
	delete(c.Texts, "any")
	if got, lang := c.Text(Situation{Language: "fa", Fallback: "en"}); got != "Hello" || lang != "en" {
		t.Errorf("without one for any it is %q in %s", got, lang)
	}
}

func TestFieldValuesAreKeptInOneForm(t *testing.T) {
	choice := Field{Key: "plan", Type: holdfast.ChoiceField, Choices: []holdfast.FieldChoice{{Value: "gold"}}}
	for _, c := range []struct {
		f        Field
		in, want string
		ok       bool
	}{
		{Field{Type: holdfast.NumberField}, " ۱۲٫۵ ", "12.5", true}, {Field{Type: holdfast.NumberField}, "007", "7", true}, {Field{Type: holdfast.NumberField}, "12a", "", false},
		{Field{Type: holdfast.NumberField}, "1e9", "", false}, {Field{Type: holdfast.DateField}, "2026-02-29", "", false}, {Field{Type: holdfast.DateField}, "2028-02-29", "2028-02-29", true},
		{Field{Type: holdfast.BoolField}, "yes", "yes", true}, {Field{Type: holdfast.BoolField}, "true", "", false}, {choice, "gold", "gold", true}, {choice, "silver", "", false},
		{Field{Type: holdfast.TextField}, " any\x00thing ", "anything", true}, {Field{Type: holdfast.DateField}, "", "", true},
	} {
		got, err := c.f.Clean(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%s %q gives %q, %v", c.f.Type, c.in, got, err)
		}
	}
}
