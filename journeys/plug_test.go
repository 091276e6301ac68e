package journeys

import (
	"testing"

	"holdfast"
)

// TestPullThePlug walks the demo's whole outage in Chromium, as somebody does who tries
// it. It takes as long as a link needs to be trusted again.
func TestPullThePlug(t *testing.T) {
	t.Parallel()
	h := openDemo(t)
	play(t, "plug.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(h.newOperator(h.workspace, holdfast.Administrator, "visitor@desk.example")))
	// Whatever was to go out did, each once, and nothing may have gone twice.
	if n := h.count("SELECT COUNT(*) FROM outbox WHERE state IN ('queued', 'sending', 'retry_wait', 'unknown')"); n != 0 {
		t.Errorf("%d messages are still under way, or nobody knows", n)
	}
	if n := h.count("SELECT COUNT(*) FROM (SELECT message FROM exchange WHERE outcome = 'accepted' GROUP BY message HAVING COUNT(*) > 1) AS twice"); n != 0 {
		t.Errorf("%d messages were accepted twice", n)
	}
}
