package app

import (
	"context"

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
		h := a.Channels.Health(v.ID)
		c := status.Channel{ID: v.ID, Name: v.Name, State: holdfast.ChannelState(h.State), Since: h.Since}
		if c.State == "" {
			c.State = holdfast.ChannelUp
		}
		shown = append(shown, c)
	}
	return shown, nil
}
