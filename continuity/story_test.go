package continuity_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/continuity"
	"holdfast/links"
	"holdfast/store"
)

func TestNothingIsProbedUntilSomebodySetsUpAnUplink(t *testing.T) {
	story(t, func(n *node) {
		n.channel(0, "Telegram", holdfast.International)
		n.wait(time.Hour)
		if n.probed != 0 {
			t.Errorf("%d probes were sent unasked", n.probed)
		}
		v := n.overview(0)
		if v.Watched || v.Reach != holdfast.International || len(v.Channels) != 1 || v.Channels[0].State != holdfast.ChannelUp || v.Outage != nil {
			t.Errorf("%+v", v)
		}
		n.saidIs(0)
	})
}

// The fibre is cut, the backup carries on; the backup goes, too, and only the office
// is left; both come back.
func TestTheReachFollowsTheLinks(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		fibre, lte := n.link("Fibre", links.Fibre, false), n.link("LTE", links.LTE, true)
		n.channel(0, "Telegram", holdfast.International)
		n.channel(0, "Phone", holdfast.Local)
		n.channel(1, "Mail", holdfast.Domestic)
		n.wait(time.Minute)
		n.saidIs(0)
		v := n.overview(0)
		if len(v.Links) != 2 || v.Links[0].State != holdfast.LinkUp || v.Links[0].MOS < 4 || v.Links[0].RTT != 10 || len(v.Links[0].Spark) < 50 || v.Links[0].Loss != 0 || len(v.Channels) != 2 || v.Outage != nil {
			t.Errorf("all is well: %+v", v)
		}
		n.set(func() { n.pulled[fibre] = true })
		n.wait(6500 * time.Millisecond)
		n.saidIs(0, "Fibre degraded", "Fibre down")
		if v := n.overview(0); v.Reach != holdfast.International || v.Outage == nil || v.Outage.Scope != continuity.ScopeLink || v.Outage.What != "Fibre" || len(v.Outage.Channels) != 0 {
			t.Errorf("on the backup: %+v, %+v", v, v.Outage)
		}
		n.wait(time.Minute)
		n.set(func() { n.pulled[lte] = true })
		n.wait(10 * time.Second) // in use it is probed every second
		n.saidIs(0, "Fibre degraded", "Fibre down", "LTE degraded", "LTE down", "reach local", "Telegram down link")
		n.saidIs(1, "Fibre degraded", "Fibre down", "LTE degraded", "LTE down", "reach local", "Mail down link")
		if !slices.Equal(n.calls, []string{"down reach_short", "down reach_short"}) {
			t.Errorf("the outbox was told %q", n.calls)
		}
		v = n.overview(0)
		if v.Reach != holdfast.Local || v.Outage == nil || v.Outage.Scope != continuity.ScopeReach || v.Outage.Reach != holdfast.Local || len(v.Outage.Channels) != 1 {
			t.Errorf("both cut: %+v", v.Outage)
		}
		for _, c := range v.Channels {
			if (c.Name == "Phone") != (c.State == holdfast.ChannelUp) || c.Name == "Telegram" && (c.Code != continuity.CodeReach || c.Via != "link" || c.Reason == "") {
				t.Errorf("%+v", c)
			}
		}
		n.set(func() { n.pulled[fibre] = false })
		n.wait(time.Minute)
		n.set(func() { n.pulled[lte] = false })
		n.wait(3 * time.Minute)
		n.saidIs(0, "Fibre degraded", "Fibre down", "LTE degraded", "LTE down", "reach local", "Telegram down link", "Fibre up", "reach international", "Telegram up", "LTE up")
		if v := n.overview(0); v.Outage != nil || v.Reach != holdfast.International {
			t.Errorf("after it: %+v", v)
		}
		list, _, err := n.Outages(n.ctx, n.workspaces[0], time.Time{}, time.Time{}, "", 0)
		n.must(err)
		var got []string
		for _, o := range list {
			got = append(got, o.Scope+" "+o.What+" "+string(o.Reach))
			if o.EndedAt.IsZero() || !o.EndedAt.After(o.StartedAt) {
				t.Errorf("%+v has not ended", o)
			}
		}
		if strings.Join(got, ", ") != "channel Telegram local, reach  local, link LTE local, link Fibre local" && strings.Join(got, ", ") != "channel  local, reach  local, link LTE local, link Fibre local" {
			t.Errorf("the ledger: %q", got)
		}
	})
}

// The way abroad was cut and is back; a backup that is probed every ten seconds has not
// found that out yet when it has to carry the traffic. Nobody is told that only the
// country is reached.
func TestABackupIsAskedBeforeTheReachIsSaidToFall(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		fibre := n.link("Fibre", links.Fibre, false)
		n.link("LTE", links.LTE, true)
		n.wait(time.Minute)
		n.set(func() { n.cutOff = true })
		n.wait(2 * time.Minute)
		n.saidIs(0, "reach domestic")
		n.set(func() { n.cutOff = false })
		n.wait(15 * time.Second) // the fibre has found out
		n.saidIs(0, "reach domestic", "reach international")
		n.set(func() { n.pulled[fibre] = true })
		n.wait(30 * time.Second)
		n.saidIs(0, "reach domestic", "reach international", "Fibre degraded", "Fibre down")
		// Where the backup does not get abroad either, it is said.
		n.set(func() { n.cutOff = true })
		n.wait(30 * time.Second)
		n.saidIs(0, "reach domestic", "reach international", "Fibre degraded", "Fibre down", "reach domestic")
	})
}

// A national shut-down: the links are up, and only what is in the country answers.
func TestACountryThatIsCutOffIsSeen(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		n.link("Fibre", links.Fibre, false)
		n.channel(0, "Telegram", holdfast.International)
		vk := n.channel(0, "VK", holdfast.International)
		n.must(n.db.Write(n.ctx, insertAccount(vk, n.workspaces[0])))
		n.must(n.SetNeeds(n.ctx, n.workspaces[0], holdfast.System, vk, holdfast.Domestic))
		n.wait(time.Minute)
		n.set(func() { n.cutOff = true })
		n.wait(30 * time.Second)
		n.saidIs(0, "reach domestic", "Telegram down link")
		if v := n.overview(0); v.Links[0].State != holdfast.LinkUp || v.Reach != holdfast.Domestic || v.Outage == nil || v.Outage.Reach != holdfast.Domestic {
			t.Errorf("%+v", v)
		}
		n.set(func() { n.cutOff = false })
		n.wait(time.Minute)
		n.saidIs(0, "reach domestic", "Telegram down link", "reach international", "Telegram up")
		if err := n.SetNeeds(n.ctx, n.workspaces[1], holdfast.System, vk, holdfast.Local); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another workspace's channel: %v", err)
		}
	})
}

func TestAChannelsOwnTroubleIsNoLinks(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		n.link("Fibre", links.Fibre, false)
		ch := n.channel(0, "Telegram", holdfast.International)
		n.wait(time.Minute)
		blink := func(d time.Duration) {
			n.set(func() {
				n.health[ch] = continuity.Health{State: holdfast.ChannelDown, Code: "refused", Reason: "connection refused"}
			})
			n.wait(d)
			n.set(func() { n.health[ch] = continuity.Health{} })
			n.wait(time.Minute)
		}
		blink(1500 * time.Millisecond) // a reconnect
		n.saidIs(0)
		blink(time.Minute)
		n.saidIs(0, "Telegram down probe", "Telegram up")
		n.set(func() {
			n.breaker[ch] = continuity.Health{State: holdfast.ChannelDown, Code: "timeout", Reason: "no answer"}
		})
		n.wait(2 * time.Second)
		n.saidIs(0, "Telegram down probe", "Telegram up", "Telegram down breaker")
		v := n.overview(0)
		if v.Reach != holdfast.International || v.Links[0].State != holdfast.LinkUp || v.Outage == nil || v.Outage.Scope != continuity.ScopeChannel || v.Outage.Code != "timeout" {
			t.Errorf("%+v %+v", v, v.Outage)
		}
		n.set(func() { n.channels = nil }) // switched off
		n.wait(5 * time.Second)
		if v := n.overview(0); v.Outage != nil || len(v.Channels) != 0 {
			t.Errorf("nobody waits for it: %+v", v.Outage)
		}
		if !slices.Equal(n.calls, []string{"down refused", "up ", "down timeout"}) {
			t.Errorf("the outbox was told %q", n.calls)
		}
	})
}

// A service is down by itself when its link goes, too: nothing may be tried over the
// link, and the service is tried again when only the service is down.
func TestAChannelInTroubleIsCutWithItsLink(t *testing.T) {
	for name, set := range map[string]func(n *node, ch holdfast.ID, h continuity.Health){
		"probe":   func(n *node, ch holdfast.ID, h continuity.Health) { n.health[ch] = h },
		"breaker": func(n *node, ch holdfast.ID, h continuity.Health) { n.breaker[ch] = h },
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(n *node) {
				n.targets()
				fibre := n.link("Fibre", links.Fibre, false)
				ch := n.channel(0, "Telegram", holdfast.International)
				n.wait(time.Minute)
				n.set(func() {
					set(n, ch, continuity.Health{State: holdfast.ChannelDown, Code: "refused", Reason: "connection refused"})
				})
				n.wait(time.Minute)
				n.set(func() { n.pulled[fibre] = true })
				n.wait(time.Minute)
				n.set(func() { n.pulled[fibre] = false })
				n.wait(3 * time.Minute)
				if want := []string{"down refused", "down reach_short", "down refused"}; !slices.Equal(n.calls, want) {
					t.Errorf("the outbox was told %q, want %q", n.calls, want)
				}
				n.set(func() { set(n, ch, continuity.Health{}) })
				n.wait(time.Minute)
				if want := []string{"down refused", "down reach_short", "down refused", "up "}; !slices.Equal(n.calls, want) {
					t.Errorf("in the end the outbox was told %q, want %q", n.calls, want)
				}
				// It was down all the time: one outage, told once.
				n.saidIs(0, "Telegram down "+name, "Fibre degraded", "Fibre down", "reach local", "Fibre up", "reach international", "Telegram up")
			})
		})
	}
}

func TestAnHourOfTheWallClockChangesNothing(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		n.link("Fibre", links.Fibre, false)
		n.channel(0, "Telegram", holdfast.International)
		n.wait(time.Minute)
		for _, d := range []time.Duration{time.Hour, -time.Hour} {
			n.set(func() { n.shift = d })
			n.wait(5 * time.Minute)
		}
		n.saidIs(0)
		if v := n.overview(0); v.Links[0].State != holdfast.LinkUp {
			t.Errorf("%+v", v.Links)
		}
	})
}

func TestTheAdministratorsWordWinsAndIsKept(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		id := n.link("Fibre", links.Fibre, false)
		n.wait(time.Minute)
		n.must(n.Override(n.ctx, n.workspaces[0], holdfast.System, id, "down", "works on the mast"))
		n.wait(2 * time.Second)
		n.saidIs(0, "Fibre down", "reach local")
		if v := n.overview(0); !v.Links[0].Manual || v.Links[0].Reason != links.ByHand {
			t.Errorf("%+v", v.Links)
		}
		n.must(n.Override(n.ctx, n.workspaces[0], holdfast.System, id, "", ""))
		n.wait(5 * time.Second)
		n.saidIs(0, "Fibre down", "reach local", "Fibre up", "reach international")
		if err := n.Override(n.ctx, n.workspaces[0], holdfast.System, id, "sideways", ""); holdfast.KindOf(err) != holdfast.Invalid {
			t.Errorf("%v", err)
		}
		if err := n.Override(n.ctx, n.workspaces[0], holdfast.System, holdfast.NewID(), "up", ""); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("%v", err)
		}
	})
}

// A node that stops during an outage and starts after it ends the outage, once.
func TestARestartForgetsNothing(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		id := n.link("Fibre", links.Fibre, false)
		n.channel(0, "Telegram", holdfast.International)
		n.wait(time.Minute)
		n.set(func() { n.pulled[id] = true })
		n.wait(time.Minute)
		want := []string{"Fibre degraded", "Fibre down", "reach local", "Telegram down link"}
		n.saidIs(0, want...)
		again := build(t, n.db, n.world, n.workspaces...)
		n.set(func() { n.calls = nil })
		stop := again.run() // beside the one that hangs: it tells nothing twice
		n.wait(time.Minute)
		n.saidIs(0, want...)
		if !slices.Equal(n.calls, []string{"down reach_short"}) {
			t.Errorf("after a restart the outbox was told %q", n.calls)
		}
		stop()
	})
}

func TestALinkThatIsRemovedHoldsNothingBack(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		id := n.link("Fibre", links.Fibre, false)
		n.channel(0, "Telegram", holdfast.International)
		n.wait(time.Minute)
		n.set(func() { n.pulled[id] = true })
		n.wait(time.Minute)
		n.must(n.RemoveLink(n.ctx, n.workspaces[0], holdfast.System, id))
		n.wait(5 * time.Second)
		n.saidIs(0, "Fibre degraded", "Fibre down", "reach local", "Telegram down link", "Fibre up", "reach international", "Telegram up")
		before := n.probed
		n.wait(time.Minute)
		if n.probed != before {
			t.Error("it is probed still")
		}
		if v := n.overview(0); v.Outage != nil || v.Watched || len(v.Links) != 0 {
			t.Errorf("%+v", v)
		}
	})
}

func TestEquipmentIsWatchedApart(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		fibre := n.link("Fibre", links.Fibre, false)
		n.must(n.SaveEquipment(n.ctx, n.workspaces[0], holdfast.System, continuity.Equipment{ID: holdfast.NewID(), Name: "PBX", Kind: "pbx", Address: "192.0.2.5"}))
		n.wait(time.Minute)
		if v := n.overview(0); len(v.Equipment) != 1 || v.Equipment[0].State != holdfast.ChannelUp || v.Equipment[0].RTT != 10 {
			t.Errorf("%+v", v.Equipment)
		}
		n.set(func() { n.silent["192.0.2.5"] = true })
		n.wait(time.Minute)
		if v := n.overview(0); v.Equipment[0].State != holdfast.ChannelDown || v.Reach != holdfast.International {
			t.Errorf("%+v", v)
		}
		n.saidIs(0)
		n.set(func() { n.pulled[fibre] = true })
		n.wait(time.Minute)
		if v := n.overview(0); v.Reach != holdfast.Nowhere {
			t.Errorf("nothing answers at all, and the reach is %s", v.Reach)
		}
		n.set(func() { n.silent = map[string]bool{} })
		n.wait(time.Minute)
		if v := n.overview(0); v.Reach != holdfast.Local {
			t.Errorf("the office answers, and the reach is %s", v.Reach)
		}
	})
}

func TestWhatWasMeasuredIsKeptByTheStep(t *testing.T) {
	story(t, func(n *node) {
		n.targets()
		id := n.link("Fibre", links.Fibre, false)
		n.wait(62*time.Minute + 30*time.Second)
		now := time.Now()
		figures := func(step string, back time.Duration) []continuity.Figure {
			list, err := n.Figures(n.ctx, id, continuity.Steps[step], now.Add(-back), now)
			n.must(err)
			return list
		}
		if s := figures("1s", 24*time.Hour); len(s) != 3600 || s[0].At.After(s[1].At) || s[3599].RTT != 10 || s[3599].MOS < 4.3 {
			t.Errorf("%d seconds: %+v", len(s), s[max(0, len(s)-1)])
		}
		if m := figures("1m", time.Hour-time.Second); len(m) < 59 || len(m) > 60 || m[0].RTT != 10 || m[0].State != holdfast.LinkUp {
			t.Errorf("%d minutes", len(m))
		}
		if q := figures("15m", 24*time.Hour); len(q) < 4 || len(q) > 5 {
			t.Errorf("%d quarters", len(q))
		}
		if _, err := n.Figures(n.ctx, holdfast.NewID(), time.Minute, now, now); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("of no link: %v", err)
		}
		// What is old goes, each at its age.
		n.must(n.db.Write(n.ctx, func(tx *store.Tx) error {
			for _, days := range []int{1, 29, 31, 729, 731} {
				for _, step := range []time.Duration{time.Minute, 15 * time.Minute} {
					if err := tx.Exec("INSERT INTO link_figure (uplink, step, at, seconds, rtt, jitter, loss, mos, worst) VALUES ($1, $2, $3, 1, 7000, 0, 0, 0, 2)",
						id, step, now.AddDate(0, 0, -days)); err != nil {
						return err
					}
				}
			}
			return nil
		}))
		n.wait(time.Hour)
		old := func(step string) (days []int) {
			for _, f := range figures(step, 3*365*24*time.Hour) {
				if f.RTT == 7 && f.State == holdfast.LinkDown {
					days = append(days, int(now.Sub(f.At).Round(time.Hour)/(24*time.Hour)))
				}
			}
			return days
		}
		if m, q := old("1m"), old("15m"); !slices.Equal(m, []int{29, 1}) || !slices.Equal(q, []int{729, 31, 29, 1}) {
			t.Errorf("kept are minutes of %v and quarters of %v days ago", m, q)
		}
	})
}
