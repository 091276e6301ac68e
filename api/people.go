package api

import (
	"context"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/setup"
)

// operatorView is an operator and whether they have a console open.
type operatorView struct {
	access.Member
	Online bool       `json:"online"`
	Duty   setup.Duty `json:"duty"`
}

func (a *API) listOperators(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[operatorView]], error) {
	members, err := a.Guard.Operators(ctx, id.Workspace)
	if err != nil {
		return nil, err
	}
	duties, err := a.Setup.Duties(ctx, id.Workspace, time.Now())
	if err != nil {
		return nil, err
	}
	online := map[holdfast.ID]bool{}
	for _, p := range a.Hub.Online(id.Workspace) {
		online[p.ID] = true
	}
	list := make([]operatorView, 0, len(members))
	for _, m := range members {
		if !id.May(holdfast.ManageOperators) {
			m.Email = ""
		}
		list = append(list, operatorView{m, online[m.ID], duties[m.ID]})
	}
	return paged(list, "", nil)
}

type createOperatorIn struct {
	Body struct {
		ID       string `json:"id" format:"uuid"`
		Name     string `json:"name" maxLength:"200"`
		Email    string `json:"email" maxLength:"254"`
		Language string `json:"language,omitempty" enum:"en,ru,fa"`
		Role     string `json:"role" enum:"administrator,supervisor,operator,observer"`
		Password string `json:"password,omitempty" doc:"Empty: a sign-in link lets them in first."`
	}
}

func (a *API) createOperator(ctx context.Context, id access.Identity, in *createOperatorIn) (*created[access.Member], error) {
	oid, err := parseID(in.Body.ID, "id")
	if err != nil {
		return nil, err
	}
	return made(a.Guard.CreateOperator(ctx, id, access.NewOperator{ID: oid, Name: in.Body.Name, Email: in.Body.Email, Language: in.Body.Language,
		Role: holdfast.Role(in.Body.Role), Password: in.Body.Password}))
}

type changeOperatorIn struct {
	IDIn
	Body struct {
		Name     *string `json:"name,omitempty" maxLength:"200"`
		Email    *string `json:"email,omitempty" maxLength:"254"`
		Language *string `json:"language,omitempty" enum:"en,ru,fa"`
		Role     *string `json:"role,omitempty" enum:"administrator,supervisor,operator,observer"`
		Disabled *bool   `json:"disabled,omitempty"`
		Password *string `json:"password,omitempty"`
	}
}

func (a *API) changeOperator(ctx context.Context, id access.Identity, in *changeOperatorIn) (*body[access.Member], error) {
	b := &in.Body
	var err error
	if b.Name != nil || b.Email != nil || b.Language != nil {
		_, err = a.Guard.ChangeOperator(ctx, id, in.id(), access.Profile{Name: b.Name, Email: b.Email, Language: b.Language})
	}
	if err == nil && b.Role != nil {
		_, err = a.Guard.SetRole(ctx, id, in.id(), holdfast.Role(*b.Role))
	}
	if err == nil && b.Disabled != nil {
		_, err = a.Guard.Disable(ctx, id, in.id(), *b.Disabled)
	}
	if err == nil && b.Password != nil {
		err = a.Guard.SetPassword(ctx, id, in.id(), *b.Password)
	}
	if err != nil {
		return nil, err
	}
	return ok(a.Guard.Operator(ctx, id.Workspace, in.id()))
}

func (a *API) removeOperator(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Guard.RemoveMember(ctx, id, in.id()))
}

// link is a sign-in link, shown once.
type link struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}

func (a *API) linkOperator(ctx context.Context, id access.Identity, in *IDIn) (*created[link], error) {
	secret, expires, err := a.Guard.IssueLink(ctx, id, in.id(), 0)
	return made(link{URL: a.PublicURL + "/#/link?code=" + secret, Expires: expires}, err)
}

func (a *API) listTeams(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[access.Team]], error) {
	list, err := a.Guard.Teams(ctx, id.Workspace)
	return paged(list, "", err)
}

type teamIn struct {
	Body struct {
		ID   string `json:"id" format:"uuid"`
		Name string `json:"name" maxLength:"100"`
	}
}

func (a *API) createTeam(ctx context.Context, id access.Identity, in *teamIn) (*created[access.Team], error) {
	tid, err := parseID(in.Body.ID, "id")
	if err != nil {
		return nil, err
	}
	return made(a.Guard.CreateTeam(ctx, id, tid, in.Body.Name))
}

type renameTeamIn struct {
	IDIn
	Body struct {
		Name string `json:"name" maxLength:"100"`
	}
}

func (a *API) renameTeam(ctx context.Context, id access.Identity, in *renameTeamIn) (*body[access.Team], error) {
	return ok(a.Guard.RenameTeam(ctx, id, in.id(), in.Body.Name))
}

func (a *API) deleteTeam(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Guard.DeleteTeam(ctx, id, in.id()))
}

type teamMembersIn struct {
	IDIn
	Body struct {
		Operators []string `json:"operators" maxItems:"500"`
	}
}

func (a *API) setTeamMembers(ctx context.Context, id access.Identity, in *teamMembersIn) (*body[access.Team], error) {
	team, err := a.Guard.Team(ctx, id.Workspace, in.id())
	if err != nil {
		return nil, err
	}
	want := map[holdfast.ID]bool{}
	for _, s := range in.Body.Operators {
		op, err := parseID(s, "operators")
		if err != nil {
			return nil, err
		}
		want[op] = true
	}
	for _, m := range team.Members {
		if !want[m] {
			if _, err := a.Guard.RemoveFromTeam(ctx, id, in.id(), m); err != nil {
				return nil, err
			}
		}
		delete(want, m)
	}
	for m := range want {
		if _, err := a.Guard.AddToTeam(ctx, id, in.id(), m); err != nil {
			return nil, err
		}
	}
	return ok(a.Guard.Team(ctx, id.Workspace, in.id()))
}

func (a *API) listTokens(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[access.Token]], error) {
	list, err := a.Guard.Tokens(ctx, id)
	return paged(list, "", err)
}

type tokenIn struct {
	Body struct {
		ID        string    `json:"id" format:"uuid"`
		Name      string    `json:"name" maxLength:"100"`
		Role      string    `json:"role" enum:"administrator,supervisor,operator,observer"`
		Scopes    []string  `json:"scopes,omitempty" doc:"Permissions; empty: all that the role has."`
		ExpiresAt time.Time `json:"expires_at,omitempty" doc:"Empty: never."`
	}
}

func (a *API) createToken(ctx context.Context, id access.Identity, in *tokenIn) (*created[access.Token], error) {
	n := access.NewToken{Name: in.Body.Name, Role: holdfast.Role(in.Body.Role), ExpiresAt: in.Body.ExpiresAt}
	var err error
	if n.ID, err = parseID(in.Body.ID, "id"); err != nil {
		return nil, err
	}
	for _, s := range in.Body.Scopes {
		n.Scopes = append(n.Scopes, holdfast.Permission(s))
	}
	return made(a.Guard.CreateToken(ctx, id, n))
}

func (a *API) revokeToken(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Guard.RevokeToken(ctx, id, in.id()))
}

type auditIn struct {
	PageIn
	Installation bool `query:"installation" doc:"Also what concerns no workspace; for administrators of the first one."`
}

func (a *API) listAudit(ctx context.Context, id access.Identity, in *auditIn) (*body[page[access.AuditRow]], error) {
	before, err := parseNumber(in.Cursor)
	if err != nil {
		return nil, err
	}
	var list []access.AuditRow
	if in.Installation {
		list, err = a.Guard.AuditWithInstallation(ctx, id, before, in.Limit)
	} else {
		list, err = a.Guard.Audit(ctx, id.Workspace, before, in.Limit)
	}
	next := ""
	if err == nil && len(list) == in.Limit {
		next = number(list[len(list)-1].ID)
	}
	return paged(list, next, err)
}
