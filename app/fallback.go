package app

import (
	"context"

	"holdfast"
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
		Stay:     a.Outbox.Stay,
		Limit:    a.Outbox.SetLimit,
		Language: a.speaks,
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
		ways = append(ways, fallback.Account{ID: v.ID, Name: v.Name, Kind: k.Name, Titles: titles, Scheme: k.Scheme, Needs: k.Needs, Enabled: v.Enabled, Receipts: k.Receipts,
			Carry: fallback.Carry{Text: k.Limits.Text, Attachments: k.Limits.Attachments, AttachmentBytes: k.Limits.AttachmentBytes, Subject: k.Limits.Subject}})
	}
	return ways, nil
}
