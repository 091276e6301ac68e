package continuity

import (
	"cmp"
	"context"
	"slices"
	"time"

	"holdfast"
	"holdfast/links"
)

// Overview is how this node is connected now, for a workspace.
type Overview struct {
	Reach     holdfast.Reach  `json:"reach" enum:"international,domestic,local,none"`
	Since     time.Time       `json:"since"`
	Watched   bool            `json:"watched" doc:"False: no uplink is set up, so that nothing is probed and the reach is assumed."`
	Links     []LinkView      `json:"links"`
	Channels  []ChannelView   `json:"channels"`
	Equipment []EquipmentView `json:"equipment"`
	Outage    *Outage         `json:"outage" doc:"The one that matters most of those that last; null for none."`
}

// LinkView is an uplink and how it is.
type LinkView struct {
	ID        holdfast.ID        `json:"id"`
	Name      string             `json:"name"`
	Kind      links.Kind         `json:"kind"`
	Interface string             `json:"interface"`
	Metered   bool               `json:"metered"`
	State     holdfast.LinkState `json:"state" enum:"up,degraded,down"`
	Since     time.Time          `json:"since"`
	Layer     string             `json:"layer"`
	Reason    string             `json:"reason"`
	Manual    bool               `json:"manual"`
	RTT       float64            `json:"rtt_ms"`
	Jitter    float64            `json:"jitter_ms"`
	Loss      float64            `json:"loss" doc:"Of the last half minute, 0 to 1."`
	MOS       float64            `json:"mos" doc:"What a call would be worth, 1 to 4.5; 0: not known."`
	Spark     []Spark            `json:"spark" doc:"The last minute by the second, the oldest first."`
	Layers    []links.Layer      `json:"layers"`
}

// Spark is one second of a link.
type Spark struct {
	At   time.Time `json:"at"`
	RTT  float64   `json:"rtt_ms"`
	Loss float64   `json:"loss"`
}

// ChannelView is a channel account and whether it carries messages.
type ChannelView struct {
	ID     holdfast.ID           `json:"id"`
	Name   string                `json:"name"`
	Kind   string                `json:"kind"`
	Needs  holdfast.Reach        `json:"needs" enum:"international,domestic,local"`
	State  holdfast.ChannelState `json:"state" enum:"up,degraded,down"`
	Since  time.Time             `json:"since"`
	Via    string                `json:"via"`
	Code   string                `json:"code"`
	Reason string                `json:"reason"`
	Held   int                   `json:"held"`
}

// EquipmentView is something in the office and whether it answers.
type EquipmentView struct {
	ID      holdfast.ID           `json:"id"`
	Name    string                `json:"name"`
	Kind    string                `json:"kind"`
	Address string                `json:"address"`
	State   holdfast.ChannelState `json:"state" enum:"up,down,unknown"`
	Since   time.Time             `json:"since,omitzero"`
	RTT     float64               `json:"rtt_ms"`
}

const sparkSeconds = 60

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// Overview is how everything is now.
func (c *Continuity) Overview(ctx context.Context, workspace holdfast.ID) (Overview, error) {
	v := Overview{Links: []LinkView{}, Channels: []ChannelView{}, Equipment: []EquipmentView{}}
	list, err := c.Links(ctx)
	if err != nil {
		return v, err
	}
	held, err := c.held(ctx, workspace)
	if err != nil {
		return v, err
	}
	things, err := c.Equipment(ctx)
	if err != nil {
		return v, err
	}
	if v.Outage, err = c.current(ctx, workspace); err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.Reach, v.Since = c.reach.told, c.reach.since; v.Reach == "" {
		v.Reach = holdfast.International // it has not begun to look
	}
	v.Watched = len(list) > 0
	for _, l := range list {
		x := LinkView{ID: l.ID, Name: l.Name, Kind: l.Kind, Interface: l.Interface, Metered: l.Metered, State: holdfast.LinkUp, Spark: []Spark{}, Layers: []links.Layer{}}
		if w := c.watches[l.ID]; w != nil {
			s := w.watch.Snapshot()
			x.State, x.Layer, x.Reason, x.Manual, x.Since = s.State, s.Layer, s.Reason, s.Manual, w.since
			x.RTT, x.Jitter, x.Loss, x.MOS, x.Layers = millis(s.RTT), millis(s.Jitter), s.Loss, s.MOS, s.Layers
			for _, f := range w.figures.last(sparkSeconds) {
				x.Spark = append(x.Spark, Spark{f.At, f.RTT, f.Loss})
			}
		}
		v.Links = append(v.Links, x)
	}
	for _, s := range c.channels {
		if s.Workspace == workspace {
			v.Channels = append(v.Channels, ChannelView{ID: s.ID, Name: s.Name, Kind: s.Kind, Needs: s.needs, State: s.state, Since: s.since, Via: s.via, Code: s.code, Reason: s.why, Held: held[s.ID]})
		}
	}
	slices.SortFunc(v.Channels, func(a, b ChannelView) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	for _, e := range things {
		x := EquipmentView{ID: e.ID, Name: e.Name, Kind: e.Kind, Address: e.Address, State: "unknown"}
		if a := c.equipment[e.ID]; a != nil {
			a.mu.Lock()
			if a.known {
				x.State, x.Since, x.RTT = holdfast.ChannelDown, a.since, millis(a.rtt)
				if a.up {
					x.State = holdfast.ChannelUp
				}
			}
			a.mu.Unlock()
		}
		v.Equipment = append(v.Equipment, x)
	}
	return v, nil
}

// Trial is what came of trying an uplink now.
type Trial struct {
	Bound   string        `json:"bound" doc:"How its probes are kept to it: device, address, or empty, where the system chooses the way."`
	Targets []TrialTarget `json:"targets"`
	Layers  []links.Layer `json:"layers"`
}

// TrialTarget is one target's answer.
type TrialTarget struct {
	Name  string      `json:"name"`
	Place links.Place `json:"place"`
	OK    bool        `json:"ok"`
	RTT   float64     `json:"rtt_ms"`
	Error string      `json:"error,omitempty"`
}

// Probe tries an uplink now: each target once, and every layer. Errors: NotFound.
func (c *Continuity) Probe(ctx context.Context, id holdfast.ID) (Trial, error) {
	c.mu.Lock()
	w, l, t := c.watches[id], c.settings.links[id], c.settings.Targets
	c.mu.Unlock()
	if w == nil {
		return Trial{}, errNoLink()
	}
	probe, look := links.Prober(nil), func(context.Context) []links.Layer { return w.watch.Snapshot().Layers }
	v := Trial{Targets: make([]TrialTarget, len(t.Items)), Layers: []links.Layer{}}
	bound := func() string { return "" }
	if c.Prober != nil {
		probe = c.Prober(l.uplink())
	} else {
		n := links.NewNetwork(l.uplink())
		defer n.Close()
		checks := t.Checks
		checks.Own = c.OwnName
		probe, bound = n.Probe, n.Bound
		look = func(ctx context.Context) []links.Layer { return n.Look(ctx, checks) }
	}
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	done := make(chan struct{})
	for i, x := range t.Items {
		go func() {
			one, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			rtt, err := probe(one, x)
			v.Targets[i] = TrialTarget{Name: x.Name, Place: x.Place, OK: err == nil, RTT: millis(rtt)}
			if err != nil {
				v.Targets[i].Error, v.Targets[i].RTT = err.Error(), 0
			}
			done <- struct{}{}
		}()
	}
	answered := 0
	for range t.Items {
		<-done
	}
	for _, x := range v.Targets {
		if x.OK {
			answered++
		}
	}
	anchors := links.Layer{Name: links.LayerAnchors, State: links.LayerOK}
	if answered < 2 {
		anchors.State, anchors.Text = links.LayerBad, links.NoAnswer
	}
	for _, x := range look(ctx) {
		if x.Name == links.LayerDNS {
			v.Layers = append(v.Layers, anchors)
		}
		if x.Name != links.LayerAnchors {
			v.Layers = append(v.Layers, x)
		}
	}
	v.Bound = bound()
	return v, nil
}
