package traffic

import (
	"context"
	"fmt"
	"slices"
	"time"

	"holdfast"
)

// View is the setting, what follows from it and what stands.
type View struct {
	Setting  Setting     `json:"setting"`
	Saved    bool        `json:"saved" doc:"False: nobody has set it up; the setting is what is usual."`
	Capable  bool        `json:"capable" doc:"False: this process may not change the network, so that the commands are only printed."`
	Virtual  bool        `json:"virtual" doc:"The uplinks are not this machine's."`
	Uplinks  []UplinkNow `json:"uplinks" doc:"The preferred one first."`
	Commands []string    `json:"commands" doc:"What sets up all of it, from nothing."`
	Undo     []string    `json:"undo" doc:"What takes all of it back."`
	Applied  []string    `json:"applied" doc:"What stands now."`
	Since    time.Time   `json:"since,omitzero" doc:"Of the last change."`
	Problems []Problem   `json:"problems" doc:"Parts of the plan that cannot be: no_device, no_gateway, foreign_qdisc, of an uplink; foreign_rule, foreign_route, foreign_table, one_uplink."`
	Trouble  *Trouble    `json:"trouble" doc:"Why what is switched on is not applied; null where it is."`
}

// UplinkNow is an uplink in the plan.
type UplinkNow struct {
	ID       holdfast.ID        `json:"id"`
	Name     string             `json:"name"`
	Device   string             `json:"device"`
	State    holdfast.LinkState `json:"state" enum:"up,degraded,down"`
	Metered  bool               `json:"metered"`
	Best     bool               `json:"best" doc:"It carries what does not say otherwise, or would."`
	Mark     string             `json:"mark" doc:"Packets with this mark must take it."`
	Up       int                `json:"up_kbit"`
	Down     int                `json:"down_kbit"`
	CallsFit int                `json:"calls_fit" doc:"Of G.711, in three quarters of it; 0: its capacity is not known."`
}

// View is how it stands. A setting that nobody has saved is shown as the dry run that
// it would be.
func (t *Traffic) View(ctx context.Context) (View, error) {
	v := View{Uplinks: []UplinkNow{}, Problems: []Problem{}, Applied: []string{}}
	s, saved, err := t.stored(ctx)
	if err != nil {
		return v, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	v.Setting, v.Saved, v.Capable, v.Virtual, v.Since, v.Trouble = s, saved, t.kernel.Capable(), t.virtual(), t.since, t.trouble
	if t.virtual() {
		v.Trouble = &Trouble{Code: "virtual"}
	}
	_, f, err := t.read()
	if err != nil {
		return v, holdfast.Errorf(holdfast.Unavailable, "traffic.unread", "the system does not say how its network is set up: %w", err)
	}
	p := t.plan(s, f)
	for _, l := range p.Places {
		state := l.Uplink.State
		if state == "" {
			state = holdfast.LinkUp
		}
		c := s.capacity(l.Uplink.ID)
		v.Uplinks = append(v.Uplinks, UplinkNow{ID: l.Uplink.ID, Name: l.Uplink.Name, Device: l.Device, State: state, Metered: l.Uplink.Metered, Best: l.Best,
			Mark: fmt.Sprintf("0x%x", l.Mark), Up: c.Up, Down: c.Down, CallsFit: l.Calls})
	}
	v.Problems = append(v.Problems, p.Problems...)
	v.Commands = print(Diff(nil, p.Things), p.Sorting)
	v.Undo = print(Diff(p.Things, nil), p.Sorting)
	if t.applied != nil {
		stands := slices.Clone(t.applied)
		v.Applied = print(Diff(nil, stands), t.sorting)
	}
	return v, nil
}
