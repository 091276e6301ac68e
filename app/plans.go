package app

import (
	"context"
	"time"

	"holdfast"
	"holdfast/continuity"
	"holdfast/outbox"
	"holdfast/plans"
)

// newPlans wires what plans need. What other rooms can do for a step is given to
// them in Deeds; a deed that nobody can do is not offered.
func (a *App) newPlans() *plans.Plans {
	return plans.New(plans.Deps{DB: a.DB, Journal: a.Journal, Guard: a.Guard, Log: a.Log, House: a.house, Channels: a.planChannels, OnDuty: a.onDuty,
		Mail: a.mailStaff, Webhook: a.Hooks.Post,
		HasWebhook: func(ctx context.Context, workspace, webhook holdfast.ID) error {
			_, err := a.Setup.Webhook(ctx, workspace, webhook)
			return err
		},
		Ledger: func(ctx context.Context, workspace holdfast.ID, from, to time.Time) (plans.Ledger, error) {
			b, err := a.Continuity.Balance(ctx, workspace, from, to)
			if err != nil {
				return plans.Ledger{}, err
			}
			return plans.Ledger{Held: b.Held, Rerouted: b.Rerouted, Lost: b.Of(continuity.Expired) + b.Of(continuity.Lost), Doubled: b.Of(continuity.Doubled)}, nil
		},
		Cost: func(ctx context.Context, workspace holdfast.ID, from, to time.Time) (*plans.Cost, error) {
			r, err := a.Losses.Of(ctx, workspace, from, to)
			if err != nil {
				return nil, err
			}
			t := r.Total
			return &plans.Cost{Currency: r.Currency, Low: t.Total.Low, Middle: t.Total.Middle, High: t.Total.High, Kept: t.Kept.Middle, Missing: len(r.Missing) > 0}, nil
		},
		Deeds: a.deeds()})
}

// planChannels are a workspace's channel accounts in use.
func (a *App) planChannels(ctx context.Context, workspace holdfast.ID) ([]plans.Lane, error) {
	list, err := a.Setup.Channels(ctx, workspace)
	var lanes []plans.Lane
	for _, c := range list {
		if c.Enabled && !c.Removed {
			lanes = append(lanes, plans.Lane{ID: c.ID, Name: c.Name})
		}
	}
	return lanes, err
}

// staffMailLife is how long a mail about a plan is worth sending.
const staffMailLife = 6 * time.Hour

// mailStaff mails somebody who works here about a plan, where there is a mailbox.
func (a *App) mailStaff(ctx context.Context, to plans.Staff, c plans.Call) error {
	box, err := a.mailbox(ctx, c.Workspace)
	if err != nil || box.IsZero() {
		return err
	}
	return a.Outbox.Post(ctx, c.Workspace, holdfast.System, outbox.Letter{ID: c.Key, Purpose: holdfast.Alarm, Channel: box, To: to.Address(), Subject: c.Subject,
		Text: c.Text + "\n\n" + c.Open + "\n" + a.URL() + "/#/plans/run/" + c.Run.String(), Life: staffMailLife}, nil)
}
