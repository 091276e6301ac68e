package access_test

import (
	"bytes"
	"context"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"holdfast"
	"holdfast/access"
)

// enrol turns ana's second factor on and returns its key and the recovery codes.
func enrol(h *house, id access.Identity) (key string, recovery []string) {
	h.Helper()
	e, err := h.EnrolTOTP(context.Background(), id)
	h.must(err)
	if _, err := png.Decode(bytes.NewReader(e.PNG)); err != nil || !strings.HasPrefix(e.URL, "otpauth://totp/Holdfast:") {
		h.Fatalf("enrolment %q, picture: %v", e.URL, err)
	}
	recovery, err = h.ConfirmTOTP(context.Background(), id, h.code(e.Key))
	h.must(err)
	return e.Key, recovery
}

func (h *house) code(key string) string {
	h.Helper()
	c, err := totp.GenerateCode(key, h.now)
	h.must(err)
	return c
}

func persian(s string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '۰' }, s)
}

func TestTheSecondFactor(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		id, _ := h.enters("ana", ws)
		_, elsewhere := h.enters("ana", ws)

		e, err := h.EnrolTOTP(ctx, id)
		h.must(err)
		_, err = h.ConfirmTOTP(ctx, id, "000000")
		h.refuses(err, "totp.wrong")
		h.enters("ana", ws) // not on before it is confirmed
		key, recovery := enrol(h, id)
		if key == e.Key || len(recovery) != 10 {
			h.Fatalf("%d recovery codes, key made anew: %v", len(recovery), key != e.Key)
		}
		h.refuses(h.authentic(elsewhere, ws), "session.unknown")
		_, err = h.EnrolTOTP(ctx, id)
		h.refuses(err, "totp.on")

		half := func() string {
			h.Helper()
			in, err := h.SignIn(ctx, "ana@example.com", good, "203.0.113.7", "Firefox")
			h.must(err)
			if !in.Half {
				h.Fatal("no second factor was asked for")
			}
			h.refuses(h.authentic(in.Secret, ws), "session.second_factor")
			return in.Secret
		}
		s := half()
		_, err = h.SecondFactor(ctx, s, h.code(key))
		h.refuses(err, "totp.wrong") // the step was used to confirm
		h.now = h.now.Add(31 * time.Second)
		old := h.code(key)
		h.now = h.now.Add(30 * time.Second) // one step late is in time
		in, err := h.SecondFactor(ctx, s, persian(old[:3])+" "+persian(old[3:]))
		h.must(err)
		if in.Half || in.Secret == s {
			h.Fatal("the whole session has a secret of its own")
		}
		h.must(h.authentic(in.Secret, ws))
		_, err = h.SecondFactor(ctx, s, h.code(key))
		h.refuses(err, "session.unknown")

		s = half()
		_, err = h.SecondFactor(ctx, s, old)
		h.refuses(err, "totp.wrong")
		h.now = h.now.Add(2 * time.Minute)
		_, err = h.SecondFactor(ctx, s, old)
		h.refuses(err, "totp.wrong")

		_, err = h.SecondFactor(ctx, s, strings.ToUpper(recovery[3]))
		h.must(err)
		s = half()
		_, err = h.SecondFactor(ctx, s, recovery[3])
		h.refuses(err, "totp.wrong")
		_, err = h.SecondFactor(ctx, s, recovery[4])
		h.must(err)

		s = half()
		h.now = h.now.Add(10 * time.Minute)
		_, err = h.SecondFactor(ctx, s, h.code(key))
		h.refuses(err, "session.unknown")

		h.refuses(h.DisableTOTP(ctx, id, "wrong password"), "password.wrong")
		h.now = h.now.Add(6 * time.Second) // the fifth failure from this address
		h.must(h.DisableTOTP(ctx, id, good))
		h.enters("ana", ws)
	})
}

func TestCodesCannotBeGuessed(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		id, _ := h.enters("ana", ws)
		key, _ := enrol(h, id)
		h.now = h.now.Add(time.Minute)
		var in access.SignedIn
		var err error
		for i := range 5 { // a fresh half session gives no fresh tries
			in, err = h.SignIn(ctx, "ana@example.com", good, "198.51.100."+string(rune('1'+i)), "")
			h.must(err)
			_, err = h.SecondFactor(ctx, in.Secret, "12345"+string(rune('0'+i)))
			h.refuses(err, "totp.wrong")
		}
		_, err = h.SecondFactor(ctx, in.Secret, h.code(key))
		h.refuses(err, "signin.too_many")
		h.now = h.now.Add(6 * time.Second)
		_, err = h.SecondFactor(ctx, in.Secret, h.code(key))
		h.must(err)
	})
}

func TestALostDevice(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		ben := h.hire(ws, "ben", holdfast.Operator)
		id, _ := h.enters("ben", ws)
		enrol(h, id)
		ana, _ := h.enters("ana", ws)
		h.refuses(h.DropTOTP(ctx, id, ana.Operator), "permission.missing")
		h.must(h.DropTOTP(ctx, ana, ben.ID))
		h.enters("ben", ws)
	})
}

func TestALinkOpensTheDoorOnce(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		ana := h.hire(ws, "ana", holdfast.Administrator)
		ben, err := h.CreateOperator(ctx, access.System(ws), access.NewOperator{Email: "ben@example.com", Name: "Ben", Role: holdfast.Operator})
		h.must(err)
		if ben.Password {
			h.Fatal("Ben has no password yet")
		}
		by, _ := h.enters("ana", ws)

		first, _, err := h.IssueLink(ctx, by, ben.ID, 0)
		h.must(err)
		secret, expires, err := h.IssueLink(ctx, by, ben.ID, 0)
		h.must(err)
		if !expires.Equal(h.now.Add(15 * time.Minute)) {
			h.Fatal("a link lasts 15 minutes, not until", expires)
		}
		h.refuses(h.authentic(secret, ws), "session.unknown")
		_, err = h.UseLink(ctx, first, "", "")
		h.refuses(err, "link.unknown")
		who, err := h.CheckLink(ctx, secret)
		h.must(err)
		if who != ben.ID {
			h.Fatal("whose link?", who)
		}
		in, err := h.UseLink(ctx, secret, "", "")
		h.must(err)
		_, err = h.UseLink(ctx, secret, "", "")
		h.refuses(err, "link.unknown")
		id, err := h.Authenticate(ctx, in.Secret, ws, "", "")
		h.must(err)
		h.must(h.ChangePassword(ctx, id, "", good))
		h.must(h.ChangePassword(ctx, id, "", better)) // the link is fresh: the old one is not asked for
		h.now = h.now.Add(16 * time.Minute)
		h.refuses(h.ChangePassword(ctx, id, "", good), "password.wrong")
		h.must(h.ChangePassword(ctx, id, better, good))
		h.enters("ben", ws)

		secret, _, err = h.IssueLink(ctx, by, ben.ID, 0)
		h.must(err)
		h.now = h.now.Add(15 * time.Minute)
		_, err = h.UseLink(ctx, secret, "", "")
		h.refuses(err, "link.unknown")

		// It stands for the password, not for the second factor.
		a, _ := h.enters("ana", ws)
		enrol(h, a)
		secret, _, err = h.IssueLink(ctx, access.System(ws), ana.ID, 0)
		h.must(err)
		in, err = h.UseLink(ctx, secret, "", "")
		h.must(err)
		if !in.Half {
			h.Fatal("a link went around the second factor")
		}

		_, _, err = h.IssueLink(ctx, by, holdfast.ID{}, 0)
		h.refuses(err, "operator.not_found")
		setup, expires, err := h.IssueLink(ctx, access.System(holdfast.ID{}), holdfast.ID{}, 48*time.Hour)
		h.must(err)
		if !expires.Equal(h.now.Add(24 * time.Hour)) {
			h.Fatal("no link lasts longer than a day")
		}
		_, err = h.UseLink(ctx, setup, "", "")
		h.refuses(err, "link.setup")
		_, err = h.CheckLink(ctx, setup)
		h.must(err)
	})
}

func TestWhatIsStoredOpensNothing(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		id, session := h.enters("ana", ws)
		key, recovery := enrol(h, id)
		register(h, id, newAuthenticator(h.T))
		h.must(h.RequireSecondFactor(ctx, id, []holdfast.Role{holdfast.Administrator}))
		tok, err := h.CreateToken(ctx, id, access.NewToken{Name: "t", Role: holdfast.Observer})
		h.must(err)
		link, _, err := h.IssueLink(ctx, id, id.Operator, 0)
		h.must(err)
		secrets := append([]string{good, session, key, tok.Secret, link, tok.Secret[3:], session[3:]}, recovery...)
		for _, r := range recovery {
			secrets = append(secrets, strings.ReplaceAll(r, "-", ""))
		}
		for table := range columns {
			all := strings.Join(h.dump(table, ""), "\n")
			if all == "" && table != "attempt" && !strings.HasPrefix(table, "team") {
				h.Fatal("nothing in", table)
			}
			for _, s := range secrets {
				if strings.Contains(all, s) {
					h.Fatalf("%s holds a secret", table)
				}
			}
		}
	})
}
