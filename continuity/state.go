package continuity

import (
	"bytes"
	"context"
	"slices"
	"time"

	"holdfast"
	"holdfast/journal"
	"holdfast/links"
	"holdfast/store"
)

// reachState is how far this node gets, and what was told of it.
type reachState struct {
	told  holdfast.Reach
	since time.Time
}

// channelState is how a channel account is, and what was told of it.
type channelState struct {
	Channel
	needs holdfast.Reach
	state holdfast.ChannelState
	via   string
	code  string
	why   string
	since time.Time

	called holdfast.ChannelState // as OnChannel has it; "" for up
	short  bool                  // it was told that the reach is what is missing
	told   holdfast.ChannelState // as the entries have it
	wish   holdfast.ChannelState // what its own probe says, and since when it says so
	wished time.Time
}

// What says that a channel is not up.
const (
	viaLink    = "link"
	viaBreaker = "breaker"
	viaProbe   = "probe"
)

// CodeReach says that the reach does not cover what a channel needs.
const CodeReach = "reach_short"

// patience is how long a channel's own probe must say the same before it counts: a
// reconnect is no outage.
const patience = 3 * time.Second

// reachOf follows from which targets answer over any uplink.
func reachOf(snapshots []links.Snapshot, office func() (any, some bool)) (reach holdfast.Reach, known bool) {
	domestic, waiting := false, false
	for _, s := range snapshots {
		if (s.Rounds == 0 || s.Asking) && !s.Manual && s.Reason != links.NoSignal {
			waiting = true
		}
		if s.State == holdfast.LinkDown {
			continue
		}
		for _, a := range s.Answers {
			if s.Manual && !a.Known { // up by hand: believed
				a.Up = true
			}
			switch {
			case a.Up && a.Place == links.Abroad:
				return holdfast.International, true
			case a.Up:
				domestic = true
			}
		}
	}
	if domestic {
		return holdfast.Domestic, !waiting
	}
	if some, any := office(); some && !any {
		return holdfast.Nowhere, !waiting
	}
	return holdfast.Local, !waiting
}

// office reports whether there is something in the office that would show its network
// works, and whether anything of it answers.
func (c *Continuity) office() (some, any bool) {
	for _, a := range c.equipment {
		if up, known := a.state(); known {
			some = true
			any = any || up
		}
	}
	for _, w := range c.watches {
		for _, l := range w.watch.Snapshot().Layers {
			if l.Name == links.LayerGateway && l.State != links.LayerUnknown && some {
				any = any || l.State == links.LayerOK
			}
		}
	}
	return some, any
}

// news is what has changed and must be told.
type news struct {
	links    []linkNews
	reach    *holdfast.ReachChanged
	channels []channelNews
}

type linkNews struct {
	w    *watched
	body holdfast.LinkChanged
	now  links.Verdict
}

type channelNews struct {
	s    *channelState
	body holdfast.ChannelChanged
}

// look compares how everything is with what was told of it, and tells the difference.
// What cannot be stored now is told at the next look.
func (c *Continuity) look(ctx context.Context) error {
	now := c.DB.Now()
	c.mu.Lock()
	if time.Since(c.began) < settleTime {
		c.mu.Unlock()
		return nil
	}
	n, calls := c.compare(ctx, now)
	c.mu.Unlock()
	for _, call := range calls {
		call()
	}
	if len(n.links) == 0 && n.reach == nil && len(n.channels) == 0 {
		return nil
	}
	workspaces, err := c.Workspaces(ctx)
	if err != nil {
		return err
	}
	err = c.DB.Write(ctx, func(stx *store.Tx) error {
		for _, ws := range workspaces {
			tx := c.Journal.In(stx, ws, holdfast.System)
			for i := range n.links {
				body := n.links[i].body
				if _, err := tx.Append(body.Link, &body); err != nil {
					return err
				}
			}
			if n.reach != nil {
				body := *n.reach
				if _, err := tx.Append(ws, &body); err != nil {
					return err
				}
			}
			for i := range n.channels {
				if n.channels[i].s.Workspace != ws {
					continue
				}
				body := n.channels[i].body
				if _, err := tx.Append(body.Channel, &body); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range n.links {
		x.w.told, x.w.toldVia = x.body.State, x.body.Reason
		x.w.since = now
		c.Log.Info("a link has changed", "link", x.body.Name, "state", string(x.body.State), "layer", x.body.Layer, "reason", x.body.Reason)
	}
	if n.reach != nil {
		c.reach.told, c.reach.since = n.reach.Reach, now
		c.Log.Info("the reach has changed", "reach", string(n.reach.Reach), "was", string(n.reach.Was))
	}
	for _, x := range n.channels {
		x.s.told = x.body.State
	}
	return nil
}

// compare finds what has changed. c.mu is held.
func (c *Continuity) compare(ctx context.Context, now time.Time) (n news, calls []func()) {
	var snapshots []links.Snapshot
	unmeteredDown := false
	for _, w := range c.watches {
		unmeteredDown = unmeteredDown || !w.link.Metered && w.watch.Snapshot().State == holdfast.LinkDown
	}
	for _, w := range c.watches {
		// Before anything is said of the reach: what a backup is known to reach is old.
		if w.link.Metered {
			w.watch.InUse(ctx, unmeteredDown)
		}
	}
	for _, w := range c.watches {
		s := w.watch.Snapshot()
		snapshots = append(snapshots, s)
		if s.State != w.told {
			n.links = append(n.links, linkNews{w, holdfast.LinkChanged{Link: w.link.ID, Name: w.link.Name, State: s.State, Was: w.told, Layer: s.Layer, Reason: s.Reason}, s.Verdict})
		}
	}
	if len(snapshots) > 0 {
		if reach, known := reachOf(snapshots, c.office); known && reach != c.reach.told {
			n.reach = &holdfast.ReachChanged{Reach: reach, Was: c.reach.told}
		}
	} else if c.reach.told != holdfast.International && len(c.settings.links) == 0 {
		// Nobody looks any more, so that nothing may be held back for it.
		n.reach = &holdfast.ReachChanged{Reach: holdfast.International, Was: c.reach.told}
	}
	reach := c.reach.told
	if n.reach != nil {
		reach = n.reach.Reach
	}
	if c.Channels == nil {
		return n, nil
	}
	running := map[holdfast.ID]bool{}
	for _, ch := range c.Channels() {
		running[ch.ID] = true
		s := c.channels[ch.ID]
		if s == nil {
			s = &channelState{state: holdfast.ChannelUp, told: holdfast.ChannelUp, since: now}
			if m, known := c.settings.last[ch.ID]; known {
				s.told, s.since = holdfast.ChannelState(m.state), m.at
				s.state, s.code = s.told, m.code
			}
			c.channels[ch.ID] = s
		}
		s.Channel = ch
		if s.needs = ch.Needs; c.needs[ch.ID] != "" {
			s.needs = c.needs[ch.ID]
		}
		c.judge(s, reach, now)
		// What is down by itself is cut all the same when its link goes, and let go when the
		// link is back, though it is down before and after.
		short := s.state == holdfast.ChannelDown && s.code == CodeReach
		if (s.called != s.state || s.short != short) && (s.called != "" || s.state != holdfast.ChannelUp) {
			s.called, s.short = s.state, short
			if c.OnChannel != nil {
				id, state, code, why := s.ID, s.state, s.code, s.why
				calls = append(calls, func() { c.OnChannel(id, state, code, why) })
			}
		}
		if s.state != s.told {
			n.channels = append(n.channels, channelNews{s, holdfast.ChannelChanged{Channel: s.ID, State: s.state, Was: s.told, Via: s.via, Code: s.code, Reason: s.why}})
		}
	}
	for id, s := range c.channels {
		if running[id] {
			continue
		}
		// Switched off or removed: nobody waits for it, and its outage is over.
		if s.told != holdfast.ChannelUp {
			n.channels = append(n.channels, channelNews{s, holdfast.ChannelChanged{Channel: s.ID, State: holdfast.ChannelUp, Was: s.told, Via: "manual", Code: "switched_off"}})
			s.state = holdfast.ChannelUp
			continue
		}
		delete(c.channels, id)
	}
	return n, calls
}

// judge says how a channel is: first what cuts it off, then its way out, then itself.
func (c *Continuity) judge(s *channelState, reach holdfast.Reach, now time.Time) {
	state, via, code, why := holdfast.ChannelUp, "", "", ""
	if !reach.Covers(s.needs) && s.needs != "" {
		state, via, code = holdfast.ChannelDown, viaLink, CodeReach
		why = "It needs " + string(s.needs) + " reach; the reach is " + string(reach) + "."
	} else if b := c.says(c.Breaker, s.ID); b.State == holdfast.ChannelDown || b.State == holdfast.ChannelDegraded {
		state, via, code, why = b.State, viaBreaker, b.Code, b.Reason
	} else {
		h := c.says(c.Health, s.ID)
		if t, known := c.tested[s.ID]; known && (h.State == "" || h.State == holdfast.ChannelUp) && t.failed >= testFailures {
			h = t.health
		}
		if h.State == "" {
			h.State = holdfast.ChannelUp
		}
		if h.State != s.wish {
			s.wish, s.wished = h.State, now
		}
		switch {
		case h.State == s.state || now.Sub(s.wished).Abs() >= patience || s.via == viaLink || s.via == viaBreaker:
			state, code, why = h.State, h.Code, h.Reason
			if state != holdfast.ChannelUp {
				via = viaProbe
			}
		default:
			return
		}
	}
	if state != s.state {
		s.since = now
	}
	s.state, s.via, s.code, s.why = state, via, code, why
}

func (c *Continuity) says(who func(holdfast.ID) Health, id holdfast.ID) Health {
	if who == nil {
		return Health{}
	}
	return who(id)
}

// tellLink writes one change of a link into every workspace.
func (c *Continuity) tellLink(ctx context.Context, l *Link, state, was holdfast.LinkState, layer, reason string) error {
	workspaces, err := c.Workspaces(ctx)
	if err != nil {
		return err
	}
	for _, ws := range workspaces {
		_, err := c.Journal.Do(ctx, journal.Command{Workspace: ws, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			_, err := tx.Append(l.ID, &holdfast.LinkChanged{Link: l.ID, Name: l.Name, State: state, Was: was, Layer: layer, Reason: reason})
			return err
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// Reach is how far this node gets now.
func (c *Continuity) Reach() holdfast.Reach {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reach.told
}

// Uplink is an uplink as it is set up, and its state.
type Uplink struct {
	Link
	State holdfast.LinkState
}

// Uplinks are those that are set up, by their ids. It asks no database.
func (c *Continuity) Uplinks() []Uplink {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Uplink, 0, len(c.settings.links))
	for id, l := range c.settings.links {
		u := Uplink{l, holdfast.LinkUp}
		if w := c.watches[id]; w != nil {
			u.State = w.watch.Snapshot().State
		}
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b Uplink) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return list
}

// Needs is the reach that an administrator has said an account needs; "" where none has.
func (c *Continuity) Needs(account holdfast.ID) holdfast.Reach {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.needs[account]
}

// ChannelState is how an account is now; up for one that is not known.
func (c *Continuity) ChannelState(account holdfast.ID) (state holdfast.ChannelState, code, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.channels[account]; s != nil {
		return s.state, s.code, s.why
	}
	return holdfast.ChannelUp, "", ""
}
