package setup_test

import (
	"context"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/setup"
)

// Sunday 1 March 2026: Ann works as the desk does, Bob by shifts of his own, Kim at night with her team.
func TestWhoIsOnDuty(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		w, err := h.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: "Ours", Language: "en", TimeZone: "Asia/Tehran"})
		h.must(err)
		by := access.System(w.ID)
		hire := func(name string) holdfast.ID {
			m, err := h.guard.CreateOperator(ctx, by, access.NewOperator{ID: holdfast.NewID(), Name: name, Email: name + "@ours.example", Role: holdfast.Operator})
			h.must(err)
			return m.ID
		}
		ann, bob, kim := hire("ann"), hire("bob"), hire("kim")
		tehran, err := time.LoadLocation("Asia/Tehran")
		h.must(err)
		at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, tehran) }
		duty := func(who holdfast.ID, when time.Time) setup.Duty {
			all, err := h.Duties(ctx, w.ID, when)
			h.must(err)
			if len(all) != 3 {
				t.Fatalf("%d duties of 3 operators", len(all))
			}
			return all[who]
		}
		on := func(who holdfast.ID, when, next time.Time) {
			t.Helper()
			if d := duty(who, when); !d.On || d.Away || !d.Next.Equal(next) || !d.Back.IsZero() {
				t.Errorf("at %s, on duty until %s: %+v", when, next, d)
			}
		}
		off := func(who holdfast.ID, when, back time.Time) {
			t.Helper()
			if d := duty(who, when); d.On || !d.Back.Equal(back) {
				t.Errorf("at %s, off duty until %s: %+v", when, back, d)
			}
		}

		on(ann, at(1, 3), time.Time{}) // no hours are set: whoever is there works

		var desk, night, late holdfast.Hours
		for d := range 5 {
			desk.Week[d] = []holdfast.Span{{From: "09:00", To: "17:00"}}
			night.Week[d] = []holdfast.Span{{From: "00:00", To: "06:00"}, {From: "22:00", To: "24:00"}}
		}
		late.Week[0] = []holdfast.Span{{From: "14:00", To: "20:00"}}
		team, err := h.guard.CreateTeam(ctx, by, holdfast.NewID(), "Night")
		h.must(err)
		_, err = h.guard.SetTeam(ctx, by, team.ID, []holdfast.ID{kim})
		h.must(err)
		h.must(h.SetHours(ctx, by, holdfast.ID{}, desk))
		h.must(h.SetHours(ctx, by, team.ID, night))
		h.must(h.SetShifts(ctx, by, bob, late))

		on(ann, at(1, 10), at(1, 17))
		off(ann, at(1, 18), at(2, 9))
		off(bob, at(1, 10), at(1, 14))
		on(bob, at(1, 19), at(1, 20))
		off(bob, at(1, 21), at(8, 14))
		off(kim, at(1, 10), at(1, 22))
		on(kim, at(1, 23), at(2, 6)) // over midnight without a gap

		// Ann goes to lunch, Kim falls ill in the evening until the morning after next.
		me := access.Identity{Actor: holdfast.Actor{Kind: holdfast.ActorOperator, ID: ann}, Operator: ann, Workspace: w.ID, Role: holdfast.Operator}
		h.now = at(1, 12)
		h.must(h.SetAway(ctx, me, ann, true, at(1, 13)))
		off(ann, at(1, 12), at(1, 13))
		on(ann, at(1, 13), at(1, 17)) // back by herself
		h.must(h.SetAway(ctx, me, ann, true, time.Time{}))
		if d := duty(ann, at(3, 12)); d.On || !d.Away || !d.Back.IsZero() {
			t.Errorf("nobody knows when Ann comes back: %+v", d)
		}
		h.must(h.SetAway(ctx, me, ann, false, time.Time{}))
		on(ann, at(1, 13), at(1, 17))
		h.must(h.SetAway(ctx, by, kim, true, at(3, 10)))
		off(kim, at(1, 23), at(3, 22))

		if err := h.SetAway(ctx, me, bob, true, time.Time{}); holdfast.KindOf(err) != holdfast.Forbidden {
			t.Errorf("an operator sent a colleague away: %v", err)
		}
		if err := h.SetShifts(ctx, me, ann, late); holdfast.KindOf(err) != holdfast.Forbidden {
			t.Errorf("an operator gave herself shifts: %v", err)
		}
		if err := h.SetAway(ctx, me, ann, true, at(1, 11)); holdfast.CodeOf(err) != "away.past" {
			t.Errorf("away until a time that has passed: %v", err)
		}
		h.must(h.SetShifts(ctx, by, bob, holdfast.Hours{}))
		on(bob, at(1, 10), at(1, 17)) // as the desk again
	})
}
