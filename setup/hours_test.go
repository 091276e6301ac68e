package setup_test

import (
	"context"
	"testing"

	"holdfast"
	"holdfast/access"
	"holdfast/setup"
)

func TestHoursBelongToOneWorkspaceAndATeamMayHaveItsOwn(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		make := func(name string) holdfast.ID {
			w, err := h.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: holdfast.NewID(), Name: name, Language: "fa", TimeZone: "Asia/Tehran"})
			h.must(err)
			return w.ID
		}
		ours, theirs := make("Ours"), make("Theirs")
		team, err := h.guard.CreateTeam(ctx, access.System(ours), holdfast.NewID(), "Night")
		h.must(err)

		var day, night holdfast.Hours
		day.Week[6] = []holdfast.Span{{From: "09:00", To: "17:00"}}
		day.Days = []holdfast.Day{{Date: "2026-03-21", Name: "نوروز"}}
		night.Week[0] = []holdfast.Span{{From: "22:00", To: "24:00"}}
		h.must(h.SetHours(ctx, access.System(ours), holdfast.ID{}, day))
		h.must(h.SetHours(ctx, access.System(ours), team.ID, night))

		for _, tc := range []struct {
			workspace, team holdfast.ID
			weekday         int
			set             bool
		}{{ours, holdfast.ID{}, 6, true}, {ours, team.ID, 0, true}, {ours, holdfast.NewID(), 6, true}, {theirs, holdfast.ID{}, 6, false}, {theirs, team.ID, 0, false}} {
			got, zone, err := h.HoursOf(ctx, tc.workspace, tc.team)
			h.must(err)
			if got.Set() != tc.set || len(got.Week[tc.weekday]) > 0 != tc.set || zone.String() != "Asia/Tehran" {
				t.Errorf("%s, team %s: %+v in %s", tc.workspace, tc.team, got, zone)
			}
		}

		if err := h.SetHours(ctx, access.System(theirs), team.ID, night); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another workspace's team got hours: %v", err)
		}
		bad := day
		bad.Week[1] = []holdfast.Span{{From: "17:00", To: "09:00"}}
		if err := h.SetHours(ctx, access.System(ours), holdfast.ID{}, bad); holdfast.CodeOf(err) != "hours.span_invalid" {
			t.Errorf("hours that end before they begin: %v", err)
		}
		h.must(h.SetHours(ctx, access.System(ours), team.ID, holdfast.Hours{}))
		list, err := h.Hours(ctx, ours)
		h.must(err)
		if len(list) != 1 || list[0].Week[6][0].To != "17:00" {
			t.Errorf("the team follows the workspace again, and the workspace's hours are unchanged: %+v", list)
		}
	})
}
