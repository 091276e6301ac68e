package access_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
)

func TestWhoLacksASecondFactorCanOnlySetOneUp(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws, free := h.workspace("Sky"), h.workspace("Earth")
		h.hire(ws, "ana", holdfast.Administrator)
		joe := h.hire(ws, "joe", holdfast.Operator)
		_, err := h.SetRole(ctx, access.System(free), joe.ID, holdfast.Operator)
		h.must(err)
		ana, _ := h.enters("ana", ws)
		joes, secret := h.enters("joe", ws)
		tok, err := h.CreateToken(ctx, ana, access.NewToken{Name: "robot", Role: holdfast.Operator})
		h.must(err)

		h.refuses(h.RequireSecondFactor(ctx, joes, nil), "permission.missing")
		h.refuses(h.RequireSecondFactor(ctx, ana, []holdfast.Role{"king"}), "role.unknown")
		h.refuses(h.RequireSecondFactor(ctx, ana, []holdfast.Role{holdfast.Administrator, holdfast.Operator}), "second_factor.yours_first")
		enrol(h, ana)
		h.must(h.RequireSecondFactor(ctx, ana, []holdfast.Role{holdfast.Operator, holdfast.Administrator, holdfast.Operator}))
		roles, err := h.SecondFactorRoles(ctx, ws)
		h.must(err)
		if !slices.Equal(roles, []holdfast.Role{holdfast.Administrator, holdfast.Operator}) {
			h.Fatalf("%v", roles)
		}
		if !slices.Contains(h.actions(ws), "workspace.second_factor") {
			h.Error("the rule is not in the audit")
		}

		// At once, and not only from the next sign-in on.
		joes, err = h.Authenticate(ctx, secret, ws, "203.0.113.7", "Firefox")
		h.must(err)
		for _, p := range holdfast.Administrator.Permissions() {
			if may := joes.May(p); may != (p == holdfast.OwnSecondFactor) {
				h.Errorf("without a second factor, %s: %v", p, may)
			}
		}
		h.refuses(joes.Require(holdfast.ReadConversations), "second_factor.required")
		h.refuses(joes.Require(holdfast.OwnAccount), "second_factor.required")
		h.must(joes.Require(holdfast.OwnSecondFactor))
		// elsewhere nobody asks for it, and a program has no phone
		there, err := h.Authenticate(ctx, secret, free, "", "")
		h.must(err)
		h.must(there.Require(holdfast.ReadConversations))
		robot, err := h.Authenticate(ctx, tok.Secret, ws, "", "")
		h.must(err)
		h.must(robot.Require(holdfast.ReadConversations))

		f, err := h.Factors(ctx, joes)
		h.must(err)
		if !f.Required || f.TOTP || len(f.Passkeys) != 0 || f.Recovery != 0 {
			h.Fatalf("%+v", f)
		}
		// A key that is not confirmed is not a second factor.
		_, err = h.EnrolTOTP(ctx, joes)
		h.must(err)
		joes, err = h.Authenticate(ctx, secret, ws, "", "")
		h.must(err)
		h.refuses(joes.Require(holdfast.ReadConversations), "second_factor.required")
		_, codes := enrol(h, joes)
		joes, err = h.Authenticate(ctx, secret, ws, "", "")
		h.must(err)
		h.must(joes.Require(holdfast.ReadConversations))

		// The last one stays, another takes its place.
		h.refuses(h.DisableTOTP(ctx, joes, good), "second_factor.kept")
		a := newAuthenticator(h.T)
		key := register(h, joes, a)
		h.must(h.DisableTOTP(ctx, joes, good))
		h.refuses(h.RemovePasskey(ctx, joes, key.ID), "second_factor.kept")
		joes, err = h.Authenticate(ctx, secret, ws, "", "")
		h.must(err)
		h.must(joes.Require(holdfast.ReadConversations))

		// The codes outlive the phone, each once, until new ones are made.
		half, err := h.SignIn(ctx, "joe@example.com", good, "203.0.113.7", "Firefox")
		h.must(err)
		_, err = h.SecondFactor(ctx, half.Secret, codes[0])
		h.must(err)
		fresh, err := h.RenewRecovery(ctx, joes, good)
		h.must(err)
		half, err = h.SignIn(ctx, "joe@example.com", good, "203.0.113.7", "Firefox")
		h.must(err)
		_, err = h.SecondFactor(ctx, half.Secret, codes[1])
		h.refuses(err, "totp.wrong")
		_, err = h.SecondFactor(ctx, half.Secret, fresh[0])
		h.must(err)
		if len(fresh) != 10 || slices.Contains(fresh, codes[1]) {
			h.Errorf("%v", fresh)
		}
		_, err = h.RenewRecovery(ctx, there, "not the password")
		h.refuses(err, "password.wrong")

		// A lost phone: an administrator lets Joe begin anew, and nothing more than that.
		h.now = h.now.Add(time.Hour)
		h.refuses(h.DropTOTP(ctx, ana, joe.ID), "operator.shared") // he works where she is nobody
		h.must(h.DropTOTP(ctx, access.System(ws), joe.ID))
		joes, secret = h.enters("joe", ws)
		h.refuses(joes.Require(holdfast.ReadConversations), "second_factor.required")
		h.must(h.RequireSecondFactor(ctx, ana, nil))
		h.must(h.authentic(secret, ws))
		joes, err = h.Authenticate(ctx, secret, ws, "", "")
		h.must(err)
		h.must(joes.Require(holdfast.ReadConversations))
		_, err = h.RenewRecovery(ctx, joes, good)
		h.refuses(err, "second_factor.none")
	})
}
