package demo_test

import (
	"strings"
	"testing"

	"holdfast"
	"holdfast/channel/email"
	"holdfast/demo"
	"holdfast/presets"
)

// checkOutfit fails on what the desk itself would not have let anybody save, and on
// what a visitor of the demo would look for in vain.
func checkOutfit(t *testing.T, r *room, res demo.Result) {
	canned, fields := map[holdfast.ID]bool{}, map[holdfast.ID]*holdfast.FieldSaved{}
	known, said := map[holdfast.ID]bool{}, map[holdfast.ID]int{}
	var macros, views, values, merged, formatted, asked, comments int
	scores := map[holdfast.RatingKind][]int{}
	for _, e := range r.story(t) {
		switch b := e.Body.(type) {
		case *holdfast.CannedSaved:
			canned[e.Subject] = true
			for lang, text := range b.Texts {
				if err := presets.CheckPlaceholders(text); err != nil || !holdfast.KnownLanguage(lang) {
					t.Errorf("%s in %q: %v", b.Title, lang, err)
				}
			}
			if b.Owner.Operator.IsZero() && len(b.Texts) != 3 {
				t.Errorf("%s is not in three languages", b.Title)
			}
		case *holdfast.MacroSaved:
			macros++
			if err := holdfast.CheckActions(b.Actions); err != nil {
				t.Errorf("%s: %v", b.Name, err)
			}
			for _, a := range b.Actions {
				if !a.Canned.IsZero() && !canned[a.Canned] {
					t.Errorf("%s sends an answer that is not there", b.Name)
				}
				if err := presets.CheckPlaceholders(a.Text); err != nil {
					t.Error(err)
				}
			}
		case *holdfast.ViewSaved:
			views++
			if err := b.Filter.Check(); err != nil {
				t.Errorf("%s: %v", b.Name, err)
			}
		case *holdfast.FieldSaved:
			fields[e.Subject] = b
			if len(b.Labels) != 3 {
				t.Errorf("%s is labelled %v", b.Key, b.Labels)
			}
		case *holdfast.FieldsSet:
			for id, v := range b.Values {
				f := fields[id]
				if f == nil || f.Of != b.Of {
					t.Fatalf("%q is a value of %+v", v, f)
				}
				if clean, err := (presets.Field{Key: f.Key, Type: f.Type, Choices: f.Choices}).Clean(v); err != nil || clean != v || v == "" {
					t.Fatalf("%q is no value of %s: %v", v, f.Key, err)
				}
				values++
			}
		case *holdfast.ConversationOpened:
			known[e.Subject] = true
		case *holdfast.MessageReceived:
			said[e.Subject]++
			if b.HTML == "" {
				continue
			}
			formatted++
			clean, remote := email.Clean(strings.ReplaceAll(b.HTML, "data-remote-src", "src"))
			if clean != b.HTML || !remote || !b.Remote {
				t.Errorf("a formatted mail is not as it would have come in:\n%s\n%s", b.HTML, clean)
			}
			if last := b.Attachments[len(b.Attachments)-1]; last.CID == "" || !strings.Contains(b.HTML, "cid:"+last.CID+`"`) {
				t.Errorf("its picture is missing: %+v", last)
			}
		case *holdfast.ConversationMerged:
			if merged++; !known[e.Subject] || !known[b.With] || said[e.Subject]*said[b.With] == 0 || e.Subject == b.With {
				t.Errorf("%s and %s cannot be one", e.Subject, b.With)
			}
		case *holdfast.ConversationSurveyed:
			asked++
		case *holdfast.ConversationRated:
			if err := b.Kind.CheckScore(b.Score); err != nil || !known[e.Subject] {
				t.Errorf("%+v: %v", b, err)
			}
			scores[b.Kind] = append(scores[b.Kind], b.Score)
			if b.Comment != "" {
				comments++
			}
		}
	}
	rated := len(scores[holdfast.CSAT]) + len(scores[holdfast.NPS])
	if len(canned) < 6 || macros < 4 || views < 6 || len(fields) < 6 || values < 1200 || merged != 1 || formatted < 6 || asked < 100 || rated < asked/2 || rated == asked || comments < 10 || len(scores[holdfast.NPS]) < 10 {
		t.Errorf("%d prepared answers, %d macros, %d views, %d fields with %d values, %d merged, %d formatted, %d asked, ratings %v with %d comments", len(canned), macros, views, len(fields), values, merged, formatted, asked, scores, comments)
	}
	hours, err := r.Setup.Hours(ctx, res.Workspace)
	if err != nil || len(hours) != 2 {
		t.Errorf("%d working hours are set, %v", len(hours), err)
	}
}
