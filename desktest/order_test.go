package desktest_test

import (
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/desktest"
)

// Calls, sheets and broadcasts go in one order, in which what a customer brings in
// counts where the workspace has written it down.
func TestCustomersAreCalledInTheOrderInWhichTheyAreTold(t *testing.T) {
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		by := access.System(d.Workspace)
		late := d.Contact("late")
		late.Writes("1", "Hello?")
		d.Wait(25 * time.Hour)
		ids := map[string]holdfast.ID{"late": late.Conversation().Customer.ID}
		for _, name := range []string{"plain", "rich", "poor"} {
			c := d.Contact(name)
			c.Writes("1", "Hello")
			ids[name] = c.Conversation().Customer.ID
		}
		field := holdfast.NewID()
		if _, err := d.Presets.SaveField(ctx, by, field, holdfast.FieldSaved{Of: "customer", Key: "lifetime_value", Labels: map[string]string{"en": "Lifetime value"}, Type: holdfast.NumberField}); err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]string{"rich": "90000", "poor": "5"} {
			if err := d.Presets.SetFields(ctx, by, "customer", ids[name], map[string]string{"lifetime_value": v}); err != nil {
				t.Fatal(err)
			}
		}
		stranger := holdfast.NewID()
		got, err := d.Paper.Order(ctx, d.Workspace, []holdfast.ID{stranger, ids["plain"], ids["poor"], ids["rich"], ids["late"]})
		if err != nil || len(got) != 4 {
			t.Fatalf("%v %v", got, err)
		}
		for i, name := range []string{"late", "rich", "poor", "plain"} {
			if got[i] != ids[name] {
				t.Errorf("number %d is not %s", i+1, name)
			}
		}
		if again, err := d.Broadcasts.Order(ctx, holdfast.NewID(), got); err != nil || len(again) != 0 {
			t.Errorf("another workspace's: %v %v", again, err)
		}
	})
}
