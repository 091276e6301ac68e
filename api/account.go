package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"holdfast"
	"holdfast/access"
	"holdfast/setup"
)

func number(n int64) string { return strconv.FormatInt(n, 10) }

func parseNumber(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, holdfast.Errorf(holdfast.Invalid, "cursor.malformed", "this cursor was not made here").WithField("cursor")
	}
	return n, nil
}

// signed is the answer to a sign-in.
type signed struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		SignedIn     bool `json:"signed_in"`
		SecondFactor bool `json:"second_factor,omitempty" doc:"A second factor is needed now: one of the next two, or a recovery code."`
		TOTP         bool `json:"totp,omitempty" doc:"A code of the authenticator app will do."`
		Passkey      bool `json:"passkey,omitempty" doc:"A passkey will do."`
	}
}

func (a *API) signed(ctx context.Context, in access.SignedIn, err error) (*signed, error) {
	if err != nil {
		return nil, err
	}
	out := &signed{SetCookie: sessionCookieFor(ctx, in)}
	out.Body.SignedIn, out.Body.SecondFactor = !in.Half, in.Half
	out.Body.TOTP, out.Body.Passkey = in.TOTP, in.Passkey
	return out, nil
}

func sessionCookieFor(ctx context.Context, in access.SignedIn) http.Cookie {
	q := ctx.Value(requestKey{}).(*request)
	return http.Cookie{Name: sessionCookie, Value: in.Secret, Path: "/", HttpOnly: true, Secure: q.secure, SameSite: http.SameSiteLaxMode, Expires: in.Expires}
}

type signInIn struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1024"`
	}
}

func (a *API) signIn(ctx context.Context, in *signInIn) (*signed, error) {
	q := ctx.Value(requestKey{}).(*request)
	s, err := a.Guard.SignIn(ctx, in.Body.Email, in.Body.Password, q.address, q.agent)
	return a.signed(ctx, s, err)
}

type codeIn struct {
	Body struct {
		Code string `json:"code" maxLength:"200"`
	}
}

func (a *API) secondFactor(ctx context.Context, in *codeIn) (*signed, error) {
	q := ctx.Value(requestKey{}).(*request)
	s, err := a.Guard.SecondFactor(ctx, q.secret, in.Body.Code)
	return a.signed(ctx, s, err)
}

func (a *API) signInByLink(ctx context.Context, in *codeIn) (*signed, error) {
	q := ctx.Value(requestKey{}).(*request)
	s, err := a.Guard.UseLink(ctx, in.Body.Code, q.address, q.agent)
	return a.signed(ctx, s, err)
}

type signedOut struct {
	Status    int
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (a *API) signOut(ctx context.Context, _ *struct{}) (*signedOut, error) {
	q := ctx.Value(requestKey{}).(*request)
	if q.secret != "" {
		if err := a.Guard.Forget(ctx, q.secret); err != nil && holdfast.KindOf(err) != holdfast.Unauthenticated {
			return nil, err
		}
	}
	return &signedOut{Status: http.StatusNoContent, SetCookie: http.Cookie{Name: sessionCookie, Path: "/", HttpOnly: true, MaxAge: -1, SameSite: http.SameSiteLaxMode}}, nil
}

// me is who asks and what they may do.
type me struct {
	Operator struct {
		ID          holdfast.ID     `json:"id"`
		Name        string          `json:"name"`
		Email       string          `json:"email,omitempty"`
		Language    string          `json:"language"`
		Preferences json.RawMessage `json:"preferences"`
		TOTPOn      bool            `json:"totp_on"`
		Password    bool            `json:"password"`
	} `json:"operator"`
	Workspace   setup.Workspace       `json:"workspace"`
	Workspaces  []workspaceOf         `json:"workspaces"`
	Role        holdfast.Role         `json:"role"`
	Permissions []holdfast.Permission `json:"permissions"`
	LSN         holdfast.LSN          `json:"lsn" doc:"Where the live stream may begin."`
}

type workspaceOf struct {
	ID   holdfast.ID   `json:"id"`
	Name string        `json:"name"`
	Role holdfast.Role `json:"role"`
}

func (a *API) readMe(ctx context.Context, id access.Identity, _ *struct{}) (*body[me], error) {
	m := me{Role: id.Role, LSN: a.Journal.Head(), Workspaces: []workspaceOf{}}
	m.Operator.ID, m.Operator.Name, m.Operator.Language = id.Operator, id.Name, id.Language
	m.Operator.Preferences = json.RawMessage("{}")
	for _, p := range id.Role.Permissions() {
		if id.May(p) {
			m.Permissions = append(m.Permissions, p)
		}
	}
	var err error
	if m.Workspace, err = a.Setup.Workspace(ctx, id.Workspace); err != nil {
		return nil, err
	}
	if id.Operator.IsZero() {
		return ok(m, nil)
	}
	self, err := a.Guard.Operator(ctx, id.Workspace, id.Operator)
	if err != nil {
		return nil, err
	}
	m.Operator.Email, m.Operator.TOTPOn, m.Operator.Password = self.Email, self.TOTP, self.Password
	if len(self.Preferences) > 0 {
		m.Operator.Preferences = self.Preferences
	}
	list, err := a.Guard.Memberships(ctx, id.Operator)
	for _, w := range list {
		m.Workspaces = append(m.Workspaces, workspaceOf{w.Workspace, w.Name, w.Role})
	}
	return ok(m, err)
}

type changeMeIn struct {
	Body struct {
		Name        *string         `json:"name,omitempty" maxLength:"200"`
		Language    *string         `json:"language,omitempty" enum:"en,ru,fa"`
		Preferences json.RawMessage `json:"preferences,omitempty" doc:"An object of at most 16 KiB, for the console's use."`
	}
}

func (a *API) changeMe(ctx context.Context, id access.Identity, in *changeMeIn) (*body[me], error) {
	if _, err := a.Guard.ChangeSelf(ctx, id, access.Profile{Name: in.Body.Name, Language: in.Body.Language, Preferences: in.Body.Preferences}); err != nil {
		return nil, err
	}
	return a.readMe(ctx, id, nil)
}

type passwordIn struct {
	Body struct {
		Old string `json:"old,omitempty" maxLength:"1024"`
		New string `json:"new" maxLength:"1024"`
	}
}

func (a *API) changePassword(ctx context.Context, id access.Identity, in *passwordIn) (*nothing, error) {
	return end(a.Guard.ChangePassword(ctx, id, in.Body.Old, in.Body.New))
}

type enrolment struct {
	Secret string `json:"secret"`
	URL    string `json:"url"`
	PNG    []byte `json:"png" doc:"The QR code."`
}

func (a *API) enrolTOTP(ctx context.Context, id access.Identity, _ *struct{}) (*created[enrolment], error) {
	e, err := a.Guard.EnrolTOTP(ctx, id)
	return made(enrolment{Secret: e.Key, URL: e.URL, PNG: e.PNG}, err)
}

type recovery struct {
	Recovery []string `json:"recovery" doc:"Each is good once, when the phone is lost. Shown once."`
}

func (a *API) confirmTOTP(ctx context.Context, id access.Identity, in *codeIn) (*body[recovery], error) {
	codes, err := a.Guard.ConfirmTOTP(ctx, id, in.Body.Code)
	return ok(recovery{codes}, err)
}

type disableTOTPIn struct {
	Body struct {
		Password string `json:"password" maxLength:"1024"`
	}
}

func (a *API) disableTOTP(ctx context.Context, id access.Identity, in *disableTOTPIn) (*nothing, error) {
	return end(a.Guard.DisableTOTP(ctx, id, in.Body.Password))
}

func (a *API) listSessions(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[access.Session]], error) {
	list, err := a.Guard.Sessions(ctx, id)
	return paged(list, "", err)
}

type sessionIn struct {
	ID string `path:"id" maxLength:"128"`
}

func (a *API) endSession(ctx context.Context, id access.Identity, in *sessionIn) (*nothing, error) {
	if in.ID == "others" {
		_, err := a.Guard.EndOtherSessions(ctx, id)
		return end(err)
	}
	return end(a.Guard.EndSession(ctx, id, in.ID))
}
