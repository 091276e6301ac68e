package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/traffic"
)

type trafficView struct {
	traffic.View
	MayChange bool `json:"may_change" doc:"False: the uplinks are those of workspaces, too, that you do not administer."`
}

func (a *API) readTraffic(ctx context.Context, id access.Identity, _ *struct{}) (*body[trafficView], error) {
	v, err := a.Traffic.View(ctx)
	if err != nil {
		return nil, err
	}
	err = a.Setup.MayManageNode(ctx, id)
	if err != nil && holdfast.KindOf(err) != holdfast.Forbidden {
		return nil, err
	}
	return ok(trafficView{v, err == nil}, nil)
}

type trafficIn struct{ Body traffic.Setting }

func (a *API) setTraffic(ctx context.Context, id access.Identity, in *trafficIn) (*nothing, error) {
	if err := a.Setup.MayManageNode(ctx, id); err != nil {
		return nil, err
	}
	return end(a.Traffic.Save(ctx, id.Workspace, id.Actor, in.Body))
}
