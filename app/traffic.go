package app

import (
	"net/netip"
	"os"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
	"holdfast/traffic"
)

// newTraffic wires which uplink carries what.
func (a *App) newTraffic() *traffic.Traffic {
	var own []traffic.Ports
	for _, listen := range []string{a.Config.Listen, a.Config.SMTPListen} {
		if at, err := netip.ParseAddrPort(listen); err == nil && at.Port() > 0 {
			own = append(own, traffic.Ports{From: at.Port(), To: at.Port()})
		}
	}
	return traffic.New(traffic.Deps{DB: a.DB, Log: a.Log, Uplinks: a.uplinks, Own: own, UID: os.Getuid(), Virtual: func() bool { return a.Continuity.Prober != nil },
		Audit: func(tx *store.Tx, workspace holdfast.ID, by holdfast.Actor, action string, subject holdfast.ID, detail any) error {
			return access.Record(tx, access.Identity{Workspace: workspace, Actor: by}, action, subject, detail)
		}})
}

// uplinks are the ways out as the links know them.
func (a *App) uplinks() []traffic.Uplink {
	var list []traffic.Uplink
	for _, l := range a.Continuity.Uplinks() {
		list = append(list, traffic.Uplink{ID: l.ID, Name: l.Name, Interface: l.Interface, Source: l.Source, Gateway: l.Gateway, Radio: l.Kind.Radio(), Metered: l.Metered, Price: l.PriceMB, State: l.State})
	}
	return list
}
