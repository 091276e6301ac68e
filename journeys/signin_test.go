package journeys

import (
	"testing"

	"holdfast"
)

// TestSigningInByMoreThanAPassword walks what a workspace that asks for a second
// factor asks, in Chromium with an authenticator of its own, and in each language.
func TestSigningInByMoreThanAPassword(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	h.newOperator(h.workspace, holdfast.Administrator, "admin@desk.example")
	for _, language := range []string{"en", "ru", "fa"} {
		id := h.newOperator(h.workspace, holdfast.Operator, "joe-"+language+"@desk.example")
		h.must("PATCH", "/operators/"+id.String(), map[string]any{"language": language}, nil)
	}
	h.must("PUT", "/workspace/second-factor", map[string]any{"roles": []string{"operator"}}, nil)
	play(t, "signin.mjs", "HOLDFAST_URL="+h.base)
}
