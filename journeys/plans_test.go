package journeys

import (
	"testing"

	"holdfast"
)

// TestPlansAndDrills plays somebody in charge in Chromium, in two languages: a plan from a
// ready one, what it lacks, a start by hand, a step that waits for a yes, the end and its
// report, and a drill.
func TestPlansAndDrills(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	lead := h.newOperator(h.workspace, holdfast.Supervisor, "lead@desk.example")
	play(t, "plans.mjs", "HOLDFAST_URL="+h.base, "LEAD="+h.link(lead))
	// Nothing but the console was told: this desk has no mailbox, and a drill reaches no customer.
	if n := h.count("SELECT COUNT(*) FROM outbox"); n != 0 {
		t.Errorf("%d things went out", n)
	}
	if n := h.count("SELECT COUNT(*) FROM plan_turn WHERE turn = 'ended'"); n != 4 {
		t.Errorf("%d runs ended, want two plans and two drills", n)
	}
}
