package access_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
)

func TestOperatorsAreMadeOnce(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws, other := h.workspace("Sky"), h.workspace("Sea")
		h.hire(ws, "ana", holdfast.Administrator)
		h.hire(other, "eve", holdfast.Administrator)
		by, _ := h.enters("ana", ws)
		h.told = nil
		n := access.NewOperator{ID: holdfast.NewID(), Email: "Ben@Example.com", Name: " Бен ", Language: "ru", Role: holdfast.Operator}
		for range 2 {
			m, err := h.CreateOperator(ctx, by, n)
			h.must(err)
			if m.ID != n.ID || m.Email != "ben@example.com" || m.Name != "Бен" || m.Language != "ru" || m.Role != holdfast.Operator || m.Disabled {
				h.Fatalf("%+v", m)
			}
		}
		if !slices.Equal(h.told, []string{"operator added"}) {
			h.Fatal("the screens were told", h.told)
		}
		n.ID = holdfast.NewID()
		_, err := h.CreateOperator(ctx, by, n)
		h.refuses(err, "operator.email_taken")
		for code, bad := range map[string]access.NewOperator{
			"operator.email_invalid": {Email: "ben", Name: "Ben", Role: holdfast.Operator},
			"name.invalid":           {Email: "c@example.com", Name: "two\nlines", Role: holdfast.Operator},
			"language.unknown":       {Email: "c@example.com", Name: "C", Language: "de", Role: holdfast.Operator},
			"role.unknown":           {Email: "c@example.com", Name: "C", Role: "owner"},
			"password.short":         {Email: "c@example.com", Name: "C", Role: holdfast.Operator, Password: "short"},
		} {
			_, err := h.CreateOperator(ctx, by, bad)
			h.refuses(err, code)
		}
		list, err := h.Operators(ctx, ws)
		h.must(err)
		if len(list) != 2 {
			h.Fatalf("%d operators, want Ana and Ben", len(list))
		}

		want := []string{"operator.created", "session.began", "operator.created"}
		if got := h.actions(ws); !slices.Equal(got, want) {
			h.Fatalf("audit %v, want %v", got, want)
		}
		rows, err := h.Audit(ctx, ws, 0, 1)
		h.must(err)
		if r := rows[0]; r.Actor != by.Actor || r.Address != "203.0.113.7" || r.Subject == (holdfast.ID{}) || !r.At.Equal(h.now) || !strings.Contains(string(r.Detail), "ben@example.com") {
			h.Fatalf("%+v", r)
		}
		older, err := h.Audit(ctx, ws, rows[0].ID, 10)
		h.must(err)
		if len(older) != 2 || older[0].ID >= rows[0].ID {
			h.Fatalf("older: %+v", older)
		}
	})
}

func TestTheLastAdministratorStays(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		ana := h.hire(ws, "ana", holdfast.Administrator)
		by, _ := h.enters("ana", ws)
		const code = "operator.last_administrator"
		for range 2 {
			_, err := h.SetRole(ctx, by, ana.ID, holdfast.Operator)
			h.refuses(err, code)
			_, err = h.Disable(ctx, by, ana.ID, true)
			h.refuses(err, code)
			h.refuses(h.RemoveMember(ctx, by, ana.ID), code)
			// A second one who cannot sign in does not count.
			zoe := h.hire(ws, "zoe"+string(rune('a'+len(h.told))), holdfast.Administrator)
			_, err = h.Disable(ctx, by, zoe.ID, true)
			h.must(err)
		}
		yan := h.hire(ws, "yan", holdfast.Administrator)
		_, err := h.SetRole(ctx, by, ana.ID, holdfast.Supervisor)
		h.must(err)
		if now, err := h.Authenticate(ctx, h.secret("ana"), ws, "", ""); err != nil || now.May(holdfast.ManageOperators) {
			h.Fatal("a demoted administrator still manages", err)
		}
		h.refuses(h.RemoveMember(ctx, access.System(ws), yan.ID), code)
	})
}

func (h *house) secret(name string) string {
	h.Helper()
	in, err := h.SignIn(context.Background(), name+"@example.com", good, "", "")
	h.must(err)
	return in.Secret
}

func TestAChangeIsFeltAtTheNextRequest(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		ben := h.hire(ws, "ben", holdfast.Operator)
		by, _ := h.enters("ana", ws)
		_, secret := h.enters("ben", ws)
		for _, role := range []holdfast.Role{holdfast.Observer, holdfast.Supervisor} {
			h.must(h.authentic(secret, ws)) // remembered now
			_, err := h.SetRole(ctx, by, ben.ID, role)
			h.must(err)
			id, err := h.Authenticate(ctx, secret, ws, "", "")
			h.must(err)
			if id.Role != role {
				h.Fatalf("still %s", id.Role)
			}
		}
		name := "Benedict"
		_, err := h.ChangeOperator(ctx, by, ben.ID, access.Profile{Name: &name})
		h.must(err)
		id, err := h.Authenticate(ctx, secret, ws, "", "")
		h.must(err)
		if id.Name != name {
			h.Fatal("still called", id.Name)
		}
		h.must(h.SetPassword(ctx, by, ben.ID, better))
		h.refuses(h.authentic(secret, ws), "session.unknown")
		_, err = h.SignIn(ctx, "ben@example.com", good, "", "")
		h.refuses(err, "signin.refused")
		in, err := h.SignIn(ctx, "ben@example.com", better, "", "")
		h.must(err)
		h.must(h.authentic(in.Secret, ws))
		_, err = h.Disable(ctx, by, ben.ID, true)
		h.must(err)
		h.refuses(h.authentic(in.Secret, ws), "session.unknown")
		_, err = h.Disable(ctx, by, ben.ID, false)
		h.must(err)
		h.refuses(h.authentic(in.Secret, ws), "session.unknown") // the old session stays shut
	})
}

// A request that read the old role and remembers it late must not bring it back.
func TestASlowReadDoesNotUndoAChange(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		ben := h.hire(ws, "ben", holdfast.Operator)
		_, secret := h.enters("ben", ws)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_ = h.authentic(secret, ws)
					}
				}
			})
		}
		for i := range 60 {
			role := []holdfast.Role{holdfast.Observer, holdfast.Operator}[i%2]
			_, err := h.SetRole(ctx, access.System(ws), ben.ID, role)
			h.must(err)
			for range 20 {
				id, err := h.Authenticate(ctx, secret, ws, "", "")
				h.must(err)
				if id.Role != role {
					h.Errorf("change %d: still %s", i, id.Role)
				}
			}
		}
		close(stop)
		wg.Wait()
	})
}

func TestAnotherNodesChangeIsFeltInFiveSeconds(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		ben := h.hire(ws, "ben", holdfast.Operator)
		_, secret := h.enters("ben", ws)
		there := access.New(h.db, h.seal, access.Options{Cost: cheap})
		_, err := there.Disable(ctx, access.System(ws), ben.ID, true)
		h.must(err)
		h.now = h.now.Add(5 * time.Second)
		h.refuses(h.authentic(secret, ws), "session.unknown")
	})
}

func TestWhoLeavesMayComeBack(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		ben := h.hire(ws, "ben", holdfast.Operator)
		by, _ := h.enters("ana", ws)
		_, secret := h.enters("ben", ws)
		team, err := h.CreateTeam(ctx, by, holdfast.ID{}, "Night")
		h.must(err)
		_, err = h.AddToTeam(ctx, by, team.ID, ben.ID)
		h.must(err)
		h.must(h.RemoveMember(ctx, by, ben.ID))
		h.refuses(h.authentic(secret, ws), "workspace.not_found")
		h.refuses(h.authentic(secret, holdfast.ID{}), "operator.no_workspace")
		h.refuses(h.RemoveMember(ctx, by, ben.ID), "operator.not_found")
		h.refuses(h.SetPassword(ctx, by, ben.ID, better), "operator.not_found")
		_, err = h.AddToTeam(ctx, by, team.ID, ben.ID)
		h.refuses(err, "operator.not_found")
		m, err := h.Operator(ctx, ws, ben.ID)
		h.must(err)
		if !m.Former || !m.Disabled || m.Name != "ben" || len(m.Teams) != 0 {
			h.Fatalf("a former member keeps the name alone: %+v", m)
		}
		_, err = h.CreateOperator(ctx, by, access.NewOperator{Email: "ben@example.com", Name: "Ben", Role: holdfast.Operator})
		h.refuses(err, "operator.former")
		_, err = h.CreateOperator(ctx, by, access.NewOperator{ID: ben.ID, Email: "ben@example.com", Name: "Ben", Role: holdfast.Operator})
		h.refuses(err, "operator.former")
		_, err = h.CreateOperator(ctx, by, access.NewOperator{ID: ben.ID, Email: "b@example.com", Name: "Ben", Role: holdfast.Operator})
		h.refuses(err, "operator.id_taken")
		m, err = h.SetRole(ctx, by, ben.ID, holdfast.Observer)
		h.must(err)
		if m.Former || m.Role != holdfast.Observer {
			h.Fatalf("%+v", m)
		}
		h.must(h.authentic(secret, ws))
	})
}

// An account is one for all workspaces: whoever administers one of them must not
// enter another by changing it.
func TestAnAdministratorOfOneWorkspaceDoesNotOwnASharedAccount(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		sky, sea := h.workspace("Sky"), h.workspace("Sea")
		h.hire(sky, "ana", holdfast.Administrator)
		bea := h.hire(sea, "bea", holdfast.Administrator)
		ana, _ := h.enters("ana", sky)

		_, err := h.SetRole(ctx, ana, bea.ID, holdfast.Operator) // cannot even be reached
		h.refuses(err, "operator.not_found")
		_, err = h.SetRole(ctx, access.System(sky), bea.ID, holdfast.Operator)
		h.must(err)

		h.refuses(h.SetPassword(ctx, ana, bea.ID, better), "operator.shared")
		_, err = h.Disable(ctx, ana, bea.ID, true)
		h.refuses(err, "operator.shared")
		_, _, err = h.IssueLink(ctx, ana, bea.ID, 0)
		h.refuses(err, "operator.shared")
		h.refuses(h.DropTOTP(ctx, ana, bea.ID), "operator.shared")
		mail := "ana2@example.com"
		_, err = h.ChangeOperator(ctx, ana, bea.ID, access.Profile{Email: &mail})
		h.refuses(err, "operator.shared")
		// What is of this workspace is hers.
		_, err = h.SetRole(ctx, ana, bea.ID, holdfast.Observer)
		h.must(err)
		h.enters("bea", sea)

		// Whoever administers both may.
		_, err = h.SetRole(ctx, access.System(sea), ana.Operator, holdfast.Administrator)
		h.must(err)
		h.must(h.SetPassword(ctx, ana, bea.ID, better))
		for _, ws := range []holdfast.ID{sky, sea} {
			if got := h.actions(ws); got[len(got)-1] != "operator.password" {
				h.Fatalf("the audit of both says so, not %v", got)
			}
		}
		list, err := h.Memberships(ctx, bea.ID)
		h.must(err)
		if len(list) != 2 || list[0].Name != "Sky" || list[0].Role != holdfast.Observer || list[1].Role != holdfast.Administrator {
			h.Fatalf("%+v", list)
		}
		h.must(h.RemoveMember(ctx, ana, bea.ID))
		if list, _ := h.Memberships(ctx, bea.ID); len(list) != 1 || list[0].Workspace != sea {
			h.Fatalf("%+v", list)
		}
	})
}

func TestOnesOwnProfile(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Observer)
		id, _ := h.enters("ana", ws)
		name, lang, mail := "Анна", "ru", "boss@example.com"
		m, err := h.ChangeSelf(ctx, id, access.Profile{Name: &name, Language: &lang, Email: &mail, Preferences: json.RawMessage(`{"theme":"dark"}`)})
		h.must(err)
		if m.Name != name || m.Language != lang || string(m.Preferences) != `{"theme":"dark"}` {
			h.Fatalf("%+v", m)
		}
		if m.Email != "ana@example.com" {
			h.Fatal("an observer gave herself another address")
		}
		for _, bad := range []string{`[]`, `null`, `{`, `"x"`, `{"x":"` + strings.Repeat("x", 17<<10) + `"}`} {
			_, err := h.ChangeSelf(ctx, id, access.Profile{Preferences: json.RawMessage(bad)})
			h.refuses(err, "preferences.invalid")
		}
		_, err = h.ChangeOperator(ctx, id, id.Operator, access.Profile{Name: &name})
		h.refuses(err, "permission.missing")
	})
}

func TestTeams(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		ana, ben := h.hire(ws, "ana", holdfast.Administrator), h.hire(ws, "ben", holdfast.Operator)
		by, _ := h.enters("ana", ws)
		id := holdfast.NewID()
		for range 2 {
			_, err := h.CreateTeam(ctx, by, id, "Night")
			h.must(err)
		}
		_, err := h.CreateTeam(ctx, by, holdfast.ID{}, "Night")
		h.refuses(err, "team.name_taken")
		team, err := h.SetTeam(ctx, by, id, []holdfast.ID{ben.ID, ana.ID, ben.ID})
		h.must(err)
		if !slices.Equal(team.Members, []holdfast.ID{ana.ID, ben.ID}) {
			h.Fatalf("%+v", team)
		}
		team, err = h.SetTeam(ctx, by, id, []holdfast.ID{ben.ID})
		h.must(err)
		if !slices.Equal(team.Members, []holdfast.ID{ben.ID}) {
			h.Fatalf("%+v", team)
		}
		_, err = h.SetTeam(ctx, by, id, []holdfast.ID{ana.ID, holdfast.NewID()})
		h.refuses(err, "operator.not_found")
		m, err := h.Operator(ctx, ws, ben.ID)
		h.must(err)
		if !slices.Equal(m.Teams, []holdfast.ID{id}) {
			h.Fatalf("%+v", m)
		}
		team, err = h.RemoveFromTeam(ctx, by, id, ben.ID)
		h.must(err)
		if len(team.Members) != 0 {
			h.Fatalf("%+v", team)
		}
		_, err = h.RenameTeam(ctx, by, id, "Day")
		h.must(err)
		h.must(h.DeleteTeam(ctx, by, id))
		h.refuses(h.DeleteTeam(ctx, by, id), "team.not_found")
		list, err := h.Teams(ctx, ws)
		h.must(err)
		if len(list) != 0 {
			h.Fatalf("%+v", list)
		}
	})
}
