package api

import (
	"context"

	"holdfast/access"
	"holdfast/notices"
)

// noticeView is how one is told of things, and on what.
type noticeView struct {
	Settings notices.Settings `json:"settings"`
	Devices  []notices.Device `json:"devices" doc:"That take pushes."`
	PushKey  string           `json:"push_key" doc:"The applicationServerKey of a browser's subscription."`
}

func (a *API) readNotices(ctx context.Context, id access.Identity, _ *struct{}) (*body[noticeView], error) {
	var v noticeView
	var err error
	if v.Settings, err = a.Notices.Settings(ctx, id.Workspace, id.Operator); err != nil {
		return nil, err
	}
	if v.Devices, err = a.Notices.Devices(ctx, id.Operator); err != nil {
		return nil, err
	}
	v.PushKey, err = a.Notices.PublicKey(ctx)
	return ok(v, err)
}

type noticesIn struct{ Body notices.Settings }

func (a *API) setNotices(ctx context.Context, id access.Identity, in *noticesIn) (*body[noticeView], error) {
	if in.Body.Digest.Every == "" { // a console from before there was one
		had, err := a.Notices.Settings(ctx, id.Workspace, id.Operator)
		if err != nil {
			return nil, err
		}
		in.Body.Digest, in.Body.Mail = had.Digest, had.Mail
	}
	if err := a.Notices.SetSettings(ctx, id.Workspace, id.Operator, in.Body); err != nil {
		return nil, err
	}
	return a.readNotices(ctx, id, nil)
}

type pushIn struct {
	Body struct {
		Endpoint string `json:"endpoint" maxLength:"2000"`
		Keys     struct {
			P256dh string `json:"p256dh" maxLength:"200"`
			Auth   string `json:"auth" maxLength:"100"`
		} `json:"keys"`
	}
}

func (a *API) addPushDevice(ctx context.Context, id access.Identity, in *pushIn) (*created[notices.Device], error) {
	s := notices.Subscription{Endpoint: in.Body.Endpoint, P256dh: in.Body.Keys.P256dh, Auth: in.Body.Keys.Auth}
	return made(a.Notices.Subscribe(ctx, id.Operator, s, id.Agent))
}

func (a *API) removePushDevice(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Notices.Unsubscribe(ctx, id.Operator, in.id()))
}

func (a *API) testPush(ctx context.Context, id access.Identity, _ *struct{}) (*body[notices.Tried], error) {
	return ok(a.Notices.Test(ctx, id.Workspace, id.Operator, id.Language))
}
