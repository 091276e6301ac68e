package app

import (
	"context"
	"time"

	"holdfast"
	"holdfast/journal"
)

// lookEvery is how often the channels are asked how they are.
const lookEvery = 10 * time.Second

// alarms tells people when a channel has gone down and when it works again: an
// entry reaches every screen and webhook at once, where a state that one must ask
// for is seen by whoever happens to look. What is only slow or trying again is no
// alarm; the channel itself says when it has given up hope.
func (a *App) alarms(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	down := map[holdfast.ID]bool{}
	for {
		select {
		case <-tick.C:
			a.look(ctx, down)
		case <-ctx.Done():
			return nil
		}
	}
}

// look compares how the running channels are with what was told of them, and tells
// the difference. What cannot be stored now is told at the next look.
func (a *App) look(ctx context.Context, down map[holdfast.ID]bool) {
	states := a.Channels.States()
	for id := range down {
		if _, runs := states[id]; !runs {
			delete(down, id) // switched off or removed, which is told by itself
		}
	}
	for id, h := range states {
		r := a.Channels.get(id)
		if r == nil || (h.State == "down") == down[id] || h.State == "degraded" {
			continue
		}
		action := "up"
		if h.State == "down" {
			action = "down"
		}
		_, err := a.Journal.Do(ctx, journal.Command{Workspace: r.Workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			_, err := tx.Append(id, &holdfast.SetupChanged{What: "channel", ID: id, Action: action})
			return err
		}})
		if err != nil {
			if ctx.Err() == nil {
				a.Log.Warn("the screens were not told how a channel is", "channel", r.Name, "state", h.State, "err", err)
			}
			continue
		}
		if down[id] = h.State == "down"; down[id] {
			a.Log.Error("a channel is down", "channel", r.Name, "account", id.String(), "since", h.Since, "reason", h.Reason)
		} else {
			a.Log.Info("a channel works again", "channel", r.Name, "account", id.String())
		}
	}
}
