package journeys

import (
	"testing"

	"holdfast"
)

// TestEveryScreenIsAccessible asks axe about every screen of the console by the rules
// of WCAG 2.2 A and AA, in each language, light and dark, wide and narrow.
func TestEveryScreenIsAccessible(t *testing.T) {
	inTwo(t, "../web/test/axe.mjs")
}

// inTwo has two readers share the screens: the longest journeys are half as long.
func inTwo(t *testing.T, script string) {
	t.Helper()
	for _, part := range []string{"1/2", "2/2"} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			h := openDemo(t)
			play(t, script, "PART="+part, "HOLDFAST_URL="+h.base, "HOLDFAST_LINK="+h.link(h.newOperator(h.workspace, holdfast.Administrator, "reader@desk.example")))
		})
	}
}

// TestTheConsoleWithoutAMouse walks the screens with the keyboard alone, and reads them
// with letters of twice the size, with more contrast and with forced colours.
func TestTheConsoleWithoutAMouse(t *testing.T) {
	inTwo(t, "../web/test/axe_keys.mjs")
}
