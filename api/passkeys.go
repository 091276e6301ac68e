package api

import (
	"context"
	"encoding/json"

	"holdfast"
	"holdfast/access"
)

// ceremony is a question for the browser's authenticator.
type ceremony struct {
	Ceremony string          `json:"ceremony" doc:"Goes back with the answer."`
	Options  json.RawMessage `json:"options" doc:"PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON."`
}

func asked(c access.Ceremony, err error) (*body[ceremony], error) {
	return ok(ceremony{c.Secret, c.Options}, err)
}

// answerIn is what the browser's authenticator said.
type answerIn struct {
	Body struct {
		Ceremony string          `json:"ceremony" maxLength:"16384"`
		Response json.RawMessage `json:"response" doc:"The credential as JSON (PublicKeyCredential.toJSON)."`
	}
}

func (a *API) askPasskey(context.Context, *struct{}) (*body[ceremony], error) {
	return asked(a.Guard.BeginPasskeySignIn())
}

func (a *API) signInByPasskey(ctx context.Context, in *answerIn) (*signed, error) {
	q := ctx.Value(requestKey{}).(*request)
	s, err := a.Guard.PasskeySignIn(ctx, in.Body.Ceremony, in.Body.Response, q.address, q.agent)
	return a.signed(ctx, s, err)
}

func (a *API) askSecondPasskey(ctx context.Context, _ *struct{}) (*body[ceremony], error) {
	q := ctx.Value(requestKey{}).(*request)
	return asked(a.Guard.BeginPasskeySecond(ctx, q.secret))
}

func (a *API) secondPasskey(ctx context.Context, in *answerIn) (*signed, error) {
	q := ctx.Value(requestKey{}).(*request)
	s, err := a.Guard.PasskeySecond(ctx, q.secret, in.Body.Ceremony, in.Body.Response)
	return a.signed(ctx, s, err)
}

func (a *API) readFactors(ctx context.Context, id access.Identity, _ *struct{}) (*body[access.Factors], error) {
	return ok(a.Guard.Factors(ctx, id))
}

// proofIn says the password once more, where a session is no longer fresh.
type proofIn struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"1024" doc:"Needed when one signed in more than ten minutes ago."`
	}
}

func (a *API) renewRecovery(ctx context.Context, id access.Identity, in *proofIn) (*created[recovery], error) {
	codes, err := a.Guard.RenewRecovery(ctx, id, in.Body.Password)
	return made(recovery{codes}, err)
}

func (a *API) askNewPasskey(ctx context.Context, id access.Identity, in *proofIn) (*body[ceremony], error) {
	return asked(a.Guard.BeginPasskey(ctx, id, in.Body.Password))
}

type newPasskeyIn struct {
	Body struct {
		Ceremony string          `json:"ceremony" maxLength:"16384"`
		Response json.RawMessage `json:"response" doc:"The credential as JSON (PublicKeyCredential.toJSON)."`
		Name     string          `json:"name" maxLength:"200"`
	}
}

// newPasskey is a passkey that was added, with recovery codes when it is the first second factor.
type newPasskey struct {
	access.Passkey
	Recovery []string `json:"recovery,omitempty" doc:"Each is good once, when the device is lost. Shown once."`
}

func (a *API) addPasskey(ctx context.Context, id access.Identity, in *newPasskeyIn) (*created[newPasskey], error) {
	key, codes, err := a.Guard.AddPasskey(ctx, id, in.Body.Ceremony, in.Body.Name, in.Body.Response)
	return made(newPasskey{key, codes}, err)
}

type renamePasskeyIn struct {
	IDIn
	Body struct {
		Name string `json:"name" maxLength:"200"`
	}
}

func (a *API) renamePasskey(ctx context.Context, id access.Identity, in *renamePasskeyIn) (*nothing, error) {
	return end(a.Guard.RenamePasskey(ctx, id, in.id(), in.Body.Name))
}

func (a *API) removePasskey(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Guard.RemovePasskey(ctx, id, in.id()))
}

func (a *API) dropSecondFactor(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Guard.DropTOTP(ctx, id, in.id()))
}

// factorRule is which roles of a workspace must have a second factor.
type factorRule struct {
	Roles []holdfast.Role `json:"roles" maxItems:"4" enum:"administrator,supervisor,operator,observer"`
}

type factorRuleIn struct{ Body factorRule }

func (a *API) readFactorRule(ctx context.Context, id access.Identity, _ *struct{}) (*body[factorRule], error) {
	roles, err := a.Guard.SecondFactorRoles(ctx, id.Workspace)
	return ok(factorRule{roles}, err)
}

func (a *API) setFactorRule(ctx context.Context, id access.Identity, in *factorRuleIn) (*body[factorRule], error) {
	if err := a.Guard.RequireSecondFactor(ctx, id, in.Body.Roles); err != nil {
		return nil, err
	}
	return a.readFactorRule(ctx, id, nil)
}
