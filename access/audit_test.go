package access_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
)

// What concerns no workspace is on record, too, and for those alone who answer for
// the whole installation.
func TestTheInstallationsOwnRecordIsItsOwners(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		first, second := h.workspace("Sky"), h.workspace("Sea")
		h.hire(first, "ana", holdfast.Administrator)
		h.hire(first, "sue", holdfast.Supervisor)
		h.hire(second, "bea", holdfast.Administrator)
		for range 5 { // guesses at somebody who is not here
			_, err := h.SignIn(ctx, "ghost@example.com", "wrong wrong wrong", "198.51.100.9", "a robot")
			h.refuses(err, "signin.refused")
		}
		h.now = h.now.Add(time.Hour)
		everywhere, err := h.CreateToken(ctx, access.System(holdfast.ID{}), access.NewToken{Name: "Installation", Role: holdfast.Administrator})
		h.must(err)
		reader, err := h.CreateToken(ctx, access.System(holdfast.ID{}), access.NewToken{Name: "Reader", Role: holdfast.Supervisor})
		h.must(err)
		who := func(secret string, ws holdfast.ID) access.Identity {
			id, err := h.Authenticate(ctx, secret, ws, "", "")
			h.must(err)
			return id
		}
		ana, _ := h.enters("ana", first)
		sue, _ := h.enters("sue", first)
		bea, _ := h.enters("bea", second)
		for name, by := range map[string]access.Identity{"the first administrator": ana, "the installation's token": who(everywhere.Secret, holdfast.ID{}), "that token in another workspace": who(everywhere.Secret, second)} {
			rows, err := h.AuditWithInstallation(ctx, by, 0, 500)
			h.must(err)
			var whole, own []string
			for i, r := range rows {
				if i > 0 && r.ID >= rows[i-1].ID {
					t.Errorf("%s: row %d is out of its place", name, r.ID)
				}
				if r.Installation {
					whole = append(whole, r.Action+" from "+r.Address)
				} else {
					own = append(own, r.Action)
				}
			}
			if strings.Join(whole, ", ") != "token.created from , token.created from , operator.sign_in_slowed from 198.51.100.9" {
				t.Errorf("%s sees of the installation %q", name, whole)
			}
			slices.Reverse(own)
			if !slices.Equal(own, h.actions(by.Workspace)) {
				t.Errorf("%s sees of the workspace %q", name, own)
			}
			older, err := h.AuditWithInstallation(ctx, by, rows[1].ID, 1)
			h.must(err)
			if len(older) != 1 || older[0].ID != rows[2].ID {
				t.Errorf("%s turns the page and sees %+v", name, older)
			}
		}
		for name, by := range map[string]access.Identity{"a supervisor": sue, "another workspace's administrator": bea, "the installation's reader": who(reader.Secret, holdfast.ID{})} {
			if rows, err := h.AuditWithInstallation(ctx, by, 0, 500); holdfast.KindOf(err) != holdfast.Forbidden || rows != nil {
				t.Errorf("%s is shown %d rows, %v", name, len(rows), err)
			}
		}
		for _, ws := range []holdfast.ID{first, second} { // and they are in nobody's ordinary list
			rows, err := h.Audit(ctx, ws, 0, 500)
			h.must(err)
			for _, r := range rows {
				if r.Installation || r.Address == "198.51.100.9" {
					t.Errorf("a workspace's list has %+v", r)
				}
			}
		}
	})
}
