package app

import (
	"context"

	"holdfast"
	"holdfast/channel"
	"holdfast/fallback"
	"holdfast/outbox"
)

// newFallback makes the room that moves messages on to another way.
func (a *App) newFallback() *fallback.Fallback {
	return fallback.New(fallback.Deps{DB: a.DB, Journal: a.Journal, Inbox: a.Inbox, Log: a.Log, Accounts: a.accounts,
		Gates: func() map[holdfast.ID]fallback.Gate {
			gates := map[holdfast.ID]fallback.Gate{}
			for id, b := range a.Outbox.Breakers() {
				gates[id] = fallback.Gate{State: b.State, Code: b.Code, Reason: b.Reason, Since: b.Since}
			}
			return gates
		},
		Turns: a.Outbox.Turns,
		Reroute: func(ctx context.Context, workspace holdfast.ID, m fallback.Move) (bool, error) {
			return a.Outbox.Reroute(ctx, workspace, outbox.Move(m))
		},
		Stay:  a.Outbox.Stay,
		Limit: a.Outbox.SetLimit,
		Reach: func() holdfast.Reach { return a.Continuity.Reach() },
		Price: func(_ context.Context, _, account holdfast.ID, text string) (price float64, currency string, known bool) {
			e := a.Channels.Estimate(account, text)
			if e == nil || e.Currency == "" {
				return 0, "", false
			}
			return e.Price(), e.Currency, true
		},
		Language: a.speaks,
		InForce:  a.inForce,
		Key:      a.Seal.Derive("file links", holdfast.ID{}), PublicURL: a.Config.PublicURL, Open: a.Files.Open})
}

// accounts are a workspace's channel accounts as ways to customers.
func (a *App) accounts(ctx context.Context, workspace holdfast.ID) ([]fallback.Account, error) {
	list, err := a.Setup.Channels(ctx, workspace)
	if err != nil {
		return nil, err
	}
	ways := make([]fallback.Account, 0, len(list))
	for _, v := range list {
		k, err := a.Setup.Kind(v.Kind)
		if err != nil || v.Removed {
			continue // of a kind that this build does not have
		}
		titles := map[string]string{}
		for lang, texts := range k.Texts {
			titles[lang] = texts["title"]
		}
		ways = append(ways, fallback.Account{ID: v.ID, Name: v.Name, Kind: k.Name, Titles: titles, Scheme: k.Scheme, Needs: a.needs(v.ID, k), Enabled: v.Enabled, Receipts: a.receipts(v.ID, k),
			Carry: fallback.Carry{Text: k.Limits.Text, Attachments: k.Limits.Attachments, AttachmentBytes: k.Limits.AttachmentBytes, Subject: k.Limits.Subject}})
	}
	return ways, nil
}

// receipts reports whether an account's provider says when a message has arrived.
func (a *App) receipts(account holdfast.ID, k *channel.Kind) bool {
	if r := a.Channels.get(account); r != nil {
		return channel.ReceiptsOf(k, r.adapter)
	}
	return k.Receipts
}

// needs is the least reach that an account works within, as its settings and the
// administrator have it.
func (a *App) needs(account holdfast.ID, k *channel.Kind) holdfast.Reach {
	if r := a.Continuity.Needs(account); r != "" {
		return r
	}
	if r := a.Channels.get(account); r != nil {
		return channel.NeedsOf(k, r.adapter)
	}
	return k.Needs
}

// inForce are the channels that a plan sends by now; where it names none, all that carry
// letters, SMS first.
func (a *App) inForce(ctx context.Context, workspace holdfast.ID) ([]holdfast.ID, error) {
	list, on, err := a.Plans.InForce(ctx, workspace)
	if err != nil || !on || len(list) > 0 {
		return list, err
	}
	lanes, err := a.broadcastLanes(ctx, workspace)
	for _, l := range lanes {
		list = append(list, l.ID)
	}
	return list, err
}
