package desktest_test

import (
	"maps"
	"testing"

	"holdfast"
	"holdfast/access"
	"holdfast/desktest"
	"holdfast/presets"
)

func TestCustomFieldsHoldWhatTheirTypeTakes(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		boss, joe := who(t, d, "Boss", holdfast.Administrator), who(t, d, "Joe", holdfast.Operator)
		ana := d.Contact("ana@example.com")
		ana.Writes("1", "Hello")
		c := ana.Conversation()
		contract := holdfast.FieldSaved{Of: presets.OfCustomer, Key: "contract", Labels: map[string]string{"en": "Contract", "fa": "قرارداد"}, Type: holdfast.NumberField}
		id, due := holdfast.NewID(), holdfast.NewID()
		_, err := d.Presets.SaveField(ctx, joe, id, contract)
		wants(t, err, holdfast.Forbidden, "permission.missing")
		if _, err := d.Presets.SaveField(ctx, boss, id, contract); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Presets.SaveField(ctx, boss, due, holdfast.FieldSaved{Of: presets.OfConversation, Key: "due", Labels: map[string]string{"en": "Due"}, Type: holdfast.DateField}); err != nil {
			t.Fatal(err)
		}
		_, err = d.Presets.SaveField(ctx, boss, holdfast.NewID(), contract)
		wants(t, err, holdfast.Conflict, "field.key_taken")
		contract.Type = holdfast.TextField
		_, err = d.Presets.SaveField(ctx, boss, id, contract)
		wants(t, err, holdfast.Conflict, "field.type_fixed")

		set := func(of string, subject holdfast.ID, v map[string]string) error {
			return d.Presets.SetFields(ctx, joe, of, subject, v)
		}
		if err := set(presets.OfCustomer, c.Customer.ID, map[string]string{"contract": "۴۲"}); err != nil {
			t.Fatal(err)
		}
		head := d.Journal.Head()
		if err := set(presets.OfCustomer, c.Customer.ID, map[string]string{"contract": "42"}); err != nil || d.Journal.Head() != head {
			t.Errorf("the same value again was written: %v", err)
		}
		wants(t, set(presets.OfCustomer, c.Customer.ID, map[string]string{"contract": "many"}), holdfast.Invalid, "field.value_malformed")
		wants(t, set(presets.OfCustomer, c.Customer.ID, map[string]string{"due": "2026-12-01"}), holdfast.Invalid, "field.unknown")
		if err := set(presets.OfConversation, c.ID, map[string]string{"due": "2026-12-01"}); err != nil {
			t.Fatal(err)
		}
		check := func(by access.Identity, of string, subject holdfast.ID, want map[string]string) {
			t.Helper()
			if got, err := d.Presets.Values(ctx, by, of, subject); err != nil || !maps.Equal(got, want) {
				t.Errorf("%s has %v %v, want %v", of, got, err, want)
			}
		}
		check(joe, presets.OfCustomer, c.Customer.ID, map[string]string{"contract": "42"})
		check(joe, presets.OfConversation, c.ID, map[string]string{"due": "2026-12-01"})
		if err := d.Journal.Rebuild(ctx, "presets", nil); err != nil {
			t.Fatal(err)
		}
		check(joe, presets.OfCustomer, c.Customer.ID, map[string]string{"contract": "42"})
		if err := set(presets.OfCustomer, c.Customer.ID, map[string]string{"contract": ""}); err != nil {
			t.Fatal(err)
		}
		check(joe, presets.OfCustomer, c.Customer.ID, map[string]string{})
		if err := d.Presets.RemoveField(ctx, boss, due); err != nil {
			t.Fatal(err)
		}
		check(joe, presets.OfConversation, c.ID, map[string]string{})
		d.Saw("field.saved", "fields.set", "field.removed")
	})
}
