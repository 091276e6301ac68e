package app

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/channel"
	"holdfast/continuity"
	"holdfast/store"
)

// continuity wires the room of links and reach.
func (a *App) continuity() *continuity.Continuity {
	return continuity.New(continuity.Deps{DB: a.DB, Journal: a.Journal, Log: a.Log, Prober: a.Prober, OwnName: a.ownName(),
		Workspaces: func(ctx context.Context) ([]holdfast.ID, error) {
			list, err := a.Setup.Workspaces(ctx, access.System(holdfast.ID{}))
			ids := make([]holdfast.ID, len(list))
			for i := range list {
				ids[i] = list[i].ID
			}
			return ids, err
		},
		Channels: a.Channels.accounts, Health: a.Channels.ownHealth, Test: a.Channels.ownTest, Breaker: a.breaker,
		Told: a.Broadcasts.Told, Moved: func() { a.Traffic.Moved() },
		OnChannel: func(account holdfast.ID, state holdfast.ChannelState, code, reason string) {
			// What the outbox has found out itself it also mends itself: only a link cuts a lane.
			if state == holdfast.ChannelDown && code == continuity.CodeReach {
				a.Outbox.Cut(account, code, reason)
			} else {
				a.Outbox.Restore(account)
			}
			for _, told := range a.OnChannel {
				told(account, state, code, reason)
			}
		},
		Audit: func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, action string, subject holdfast.ID, detail any) error {
			return access.Record(tx, access.Identity{Workspace: workspace, Actor: by}, action, subject, detail)
		}})
}

// ownName is the host that customers reach this desk at; "" where that is no name of
// the internet's.
func (a *App) ownName() string {
	u, err := url.Parse(a.URL())
	if err != nil {
		return ""
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".example") {
		return ""
	}
	return host
}

// breaker is what the outbox has found out about an account's way out.
func (a *App) breaker(account holdfast.ID) continuity.Health {
	b, ok := a.Outbox.Breakers()[account]
	if !ok || b.State != "open" && b.State != "probing" {
		return continuity.Health{}
	}
	return continuity.Health{State: holdfast.ChannelDown, Code: b.Code, Reason: b.Reason}
}

// accounts lists those that run.
func (c *Channels) accounts() []continuity.Channel {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]continuity.Channel, 0, len(c.running))
	for id, r := range c.running {
		list = append(list, continuity.Channel{ID: id, Workspace: r.Workspace, Name: r.Name, Kind: r.kind.Name, Needs: channel.NeedsOf(r.kind, r.adapter)})
	}
	return list
}

// ownHealth is how an account says it is, without its breaker.
func (c *Channels) ownHealth(id holdfast.ID) continuity.Health {
	r := c.get(id)
	if r == nil {
		return continuity.Health{}
	}
	r.mu.Lock()
	h := r.health
	r.mu.Unlock()
	if w, ok := r.adapter.(channel.Watched); ok {
		h = w.Health()
	}
	return continuity.Health{State: holdfast.ChannelState(h.State), Reason: h.Reason}
}

// ownTest tries the service of an account that does not watch itself.
func (c *Channels) ownTest(ctx context.Context, id holdfast.ID) (h continuity.Health, known bool) {
	r := c.get(id)
	if r == nil {
		return h, false
	}
	t, ok := r.adapter.(channel.Tester)
	if _, watched := r.adapter.(channel.Watched); !ok || watched {
		return h, false
	}
	ctx, cancel := context.WithTimeout(ctx, 25*time.Second)
	defer cancel()
	for _, check := range t.Test(ctx) {
		if !check.OK {
			return continuity.Health{State: holdfast.ChannelDown, Code: "test_failed", Reason: check.Text}, true
		}
	}
	return continuity.Health{State: holdfast.ChannelUp}, true
}
