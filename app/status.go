package app

import (
	"context"
	"time"

	"holdfast"
	"holdfast/status"
)

// shownChannels are a workspace's channel accounts that are switched on, as the world
// may know them.
func (a *App) shownChannels(ctx context.Context, workspace holdfast.ID) ([]status.Channel, error) {
	list, err := a.Setup.Channels(ctx, workspace)
	if err != nil {
		return nil, err
	}
	var shown []status.Channel
	for _, v := range list {
		if !v.Enabled || v.Removed {
			continue
		}
		state, _, _ := a.Continuity.ChannelState(v.ID)
		shown = append(shown, status.Channel{ID: v.ID, Name: v.Name, State: state, Since: a.Channels.Health(v.ID).Since})
	}
	return shown, nil
}

// shownLinks are the node's uplinks as they are now.
func (a *App) shownLinks(ctx context.Context) ([]status.Link, error) {
	v, err := a.Continuity.Overview(ctx, holdfast.ID{})
	var shown []status.Link
	for _, l := range v.Links {
		shown = append(shown, status.Link{Name: l.Name, State: l.State, RTT: time.Duration(l.RTT * float64(time.Millisecond)), LossPC: 100 * l.Loss})
	}
	return shown, err
}
