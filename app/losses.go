package app

import (
	"context"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/losses"
	"holdfast/store"
)

// newLosses wires what works out the cost of an outage. This desk keeps no orders.
func (a *App) newLosses() *losses.Losses {
	return losses.New(losses.Deps{DB: a.DB, Journal: a.Journal,
		House: func(ctx context.Context, workspace holdfast.ID) (string, *time.Location, holdfast.Hours, error) {
			language, _, zone, err := a.house(ctx, workspace)
			if err != nil {
				return "", nil, holdfast.Hours{}, err
			}
			open, _, err := a.Setup.HoursOf(ctx, workspace, holdfast.ID{})
			return language, zone, open, err
		},
		Cuts: func(ctx context.Context, workspace holdfast.ID, from, to time.Time) ([]losses.Cut, error) {
			list, err := a.Continuity.Cuts(ctx, workspace, from, to)
			cuts := make([]losses.Cut, len(list))
			for i, c := range list {
				cuts[i] = losses.Cut{Outage: c.Outage, Channel: c.Channel, From: c.StartedAt, To: c.EndedAt}
			}
			return cuts, err
		},
		Outage: func(ctx context.Context, workspace, id holdfast.ID) (time.Time, time.Time, []holdfast.ID, error) {
			o, err := a.Continuity.Outage(ctx, workspace, id)
			return o.StartedAt, o.EndedAt, o.Channels, err
		},
		Channels: func(ctx context.Context, workspace holdfast.ID) (int, error) {
			list, err := a.planChannels(ctx, workspace)
			return len(list), err
		},
		Staff: func(ctx context.Context, workspace holdfast.ID) (n int, err error) {
			list, err := a.Guard.Operators(ctx, workspace)
			for _, m := range list {
				if !m.Disabled && !m.Former && m.Role.May(holdfast.WriteConversations) {
					n++
				}
			}
			return n, err
		},
		Audit: func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, action string, subject holdfast.ID, detail any) error {
			return access.Record(tx, access.Identity{Workspace: workspace, Actor: by}, action, subject, detail)
		}})
}
