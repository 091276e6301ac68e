package journeys

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"holdfast"
)

// TestLinksAreSeen pulls the plugs of the demo's virtual uplinks and watches the
// console's screens of links and reach in Chromium: by the keyboard, in two languages,
// and on a wall when the desk itself is gone.
func TestLinksAreSeen(t *testing.T) {
	t.Parallel()
	h := openDemo(t)
	control := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { h.stop() }))
	defer control.Close()
	play(t, "continuity.mjs", "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(h.newOperator(h.workspace, holdfast.Administrator, "network@desk.example")), "STOP="+control.URL)
}
