package demo

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"holdfast"
)

// TestScriptsAreParallel keeps the three languages at the same matters, turn by
// turn, so that no language is a poorer demo than another.
func TestScriptsAreParallel(t *testing.T) {
	all := map[string][]*script{}
	for _, lang := range holdfast.Languages {
		list, err := readScripts(lang)
		if err != nil {
			t.Fatalf("%s: %v", lang, err)
		}
		all[lang] = list
	}
	for _, lang := range holdfast.Languages[1:] {
		if len(all[lang]) != len(all["en"]) {
			t.Fatalf("%d matters in %s, %d in en", len(all[lang]), lang, len(all["en"]))
		}
		for i, s := range all[lang] {
			e := all["en"][i]
			if s.topic != e.topic || s.weight != e.weight || s.sales != e.sales || s.priority != e.priority || strings.Join(s.tags, ",") != strings.Join(e.tags, ",") || len(s.turns) != len(e.turns) {
				t.Fatalf("matter %d of %s is not that of en: %s, %s", i, lang, s.topic, e.topic)
			}
			for k, turn := range s.turns {
				o := e.turns[k]
				if turn.who != o.who || turn.optional != o.optional || turn.free != o.free || turn.later != o.later || !turn.free && len(turn.texts) != len(o.texts) {
					t.Errorf("%s [%s], turn %d differs from en: %+v", lang, s.topic, k, turn)
				}
			}
		}
	}
}

func TestScriptsUseOnlyWordsThatExist(t *testing.T) {
	slot := regexp.MustCompile(`\{[^}]*\}`)
	for _, lang := range holdfast.Languages {
		list, err := readScripts(lang)
		if err != nil {
			t.Fatal(err)
		}
		p := &person{name: "A B", first: "A", lang: lang, street: streets[lang][0], number: 1, flat: 2, contract: 100001}
		w := newWords(rand.New(rand.NewPCG(1, 1)), p, staff(holdfast.ID{})[0], false, time.Now(), time.Now(), "")
		for _, s := range list {
			if len(s.turns) == 0 || s.turns[0].who != customerSays || s.turns[0].optional || len(s.subjects) == 0 {
				t.Errorf("%s [%s] does not begin with the customer", lang, s.topic)
			}
			for _, turn := range s.turns {
				for _, text := range turn.texts {
					for _, name := range slot.FindAllString(text, -1) {
						if _, known := w.fixed[strings.Trim(name, "{}")]; !known && name != "{hi}" && name != "{hello}" && name != "{photo}" && name != "{file}" {
							t.Errorf("%s [%s]: %s is no word: %s", lang, s.topic, name, text)
						}
					}
					if i := strings.Index(text, "{hello}"); i > 0 {
						t.Errorf("%s [%s] greets in the middle: %s", lang, s.topic, text)
					}
				}
			}
		}
	}
}

// TestEveryCourseCanBePlayed plays each matter often: it begins with the
// customer, and what an operator says has a question before it.
func TestEveryCourseCanBePlayed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, lang := range holdfast.Languages {
		list, err := readScripts(lang)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			for range 200 {
				subject, lines := s.perform(r)
				if subject == "" || len(lines) == 0 || lines[0].who != customerSays {
					t.Fatalf("%s [%s]: %q %+v", lang, s.topic, subject, lines)
				}
				for _, l := range lines {
					if text := choose(r, l.text); text == "" || strings.ContainsAny(text, "<>|") {
						t.Fatalf("%s [%s]: %q", lang, s.topic, text)
					}
				}
			}
		}
	}
}

func TestScriptsThatAreBrokenAreRefused(t *testing.T) {
	for _, text := range []string{"in: too early", "[", "[x] weight=much", "[x] colour=red", "[x]\nin without a colon", "[x]\nsomebody: text"} {
		if list, err := parseScripts(text); err == nil {
			t.Errorf("%q was read as %+v", text, list)
		}
	}
}

func FuzzParseScripts(f *testing.F) {
	f.Add("[a] tags=b weight=2\nsubject: s\nin: x | <y/z>\nout?*: {hello} q")
	f.Add("[a]\nin*+: x")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseScripts(text)
		r := rand.New(rand.NewPCG(1, 2))
		for _, s := range list {
			if err == nil && len(s.turns) > 0 && len(s.subjects) > 0 {
				if _, lines := s.perform(r); len(lines) > len(s.turns) {
					t.Fatalf("%d lines of %d turns", len(lines), len(s.turns))
				}
			}
		}
		choose(r, text)
	})
}
