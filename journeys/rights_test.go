package journeys

import (
	"context"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
)

// Whoever loses the right to look loses the stream with it: at once, and not when
// the rights are next looked at by the clock, which is every half minute.
func TestWhoMayLookNoMoreIsShutOutAtOnce(t *testing.T) {
	h := open(t, t.TempDir())
	joe := h.newOperator(h.workspace, holdfast.Operator, "joe@desk.example")
	kim := h.newOperator(h.workspace, holdfast.Operator, "kim@desk.example")
	made, err := h.Guard.CreateToken(context.Background(), access.System(h.workspace), access.NewToken{ID: holdfast.NewID(), Name: "screen", Role: holdfast.Observer})
	if err != nil {
		t.Fatal(err)
	}
	stays := h.follow(h.token, 0, "ws")
	removed, ended, revoked := h.follow(h.session(joe), 0, "ws"), h.follow(h.session(kim), 0, "events"), h.follow(made.Secret, 0, "events")
	if err := h.Guard.RemoveMember(context.Background(), access.System(h.workspace), joe); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{h.session(kim)} { // another session of Kim's ends the first
		if a := h.ask(context.Background(), caller{session: secret}, "DELETE", "/api/v1/me/sessions/others", nil); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	h.must("DELETE", "/tokens/"+made.ID.String(), nil, nil)
	limit := time.After(25 * time.Second)
	for what, s := range map[string]*screen{"an operator who was removed": removed, "a session that was ended": ended, "a token that was revoked": revoked} {
		select {
		case <-s.done:
		case <-limit:
			t.Fatalf("%s still looks", what)
		}
	}
	select {
	case <-stays.done:
		t.Error("somebody whose rights are as they were was shut out")
	default:
	}
}
