package continuity_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/continuity"
	"holdfast/journal"
	"holdfast/links"
	"holdfast/store"
)

func insertAccount(id, workspace holdfast.ID) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO channel_account (id, workspace, kind, name, settings, created_at, changed_at) VALUES ($1, $2, 'test', 'Telegram', $3, 1, 1)", id, workspace, []byte{})
	}
}

func (n *node) append(workspace holdfast.ID, subject holdfast.ID, bodies ...holdfast.Body) {
	n.t.Helper()
	for _, b := range bodies {
		_, err := n.journal.Do(n.ctx, journal.Command{Workspace: workspace, Actor: holdfast.System, Run: func(tx *journal.Tx) error {
			_, err := tx.Append(subject, b)
			return err
		}})
		n.must(err)
	}
}

func TestTheLedgerIsReadFromTheJournal(t *testing.T) {
	eachDB(t, func(n *node) {
		ws, other := n.workspaces[0], n.workspaces[1]
		ch, link, conv := holdfast.NewID(), holdfast.NewID(), holdfast.NewID()
		n.must(n.db.Write(n.ctx, insertAccount(ch, ws)))
		queue := func() holdfast.ID {
			id := holdfast.NewID()
			n.append(ws, conv, &holdfast.MessageQueued{Message: id, Customer: holdfast.NewID(), Channel: ch, To: holdfast.Address{Scheme: "mailto", Value: "ana@customer.example"}, Text: "Hello", Author: holdfast.NewID()})
			return id
		}
		early := queue()
		n.append(ws, conv, &holdfast.MessageSent{Message: early, Attempt: 1})
		n.append(ws, link, &holdfast.LinkChanged{Link: link, Name: "Fibre", State: holdfast.LinkDegraded, Was: holdfast.LinkUp},
			&holdfast.LinkChanged{Link: link, Name: "Fibre", State: holdfast.LinkDown, Was: holdfast.LinkDegraded, Layer: "anchors", Reason: "no_answer"})
		n.append(ws, ws, &holdfast.ReachChanged{Reach: holdfast.Local, Was: holdfast.International})
		n.append(ws, ch, &holdfast.ChannelChanged{Channel: ch, State: holdfast.ChannelDown, Was: holdfast.ChannelUp, Via: "link", Code: "reach_short"})
		held, detoured := queue(), queue()
		n.append(ws, conv, &holdfast.MessageRequeued{Message: detoured, Channel: holdfast.NewID(), To: holdfast.Address{Scheme: "tel", Value: "+15550100"}})
		time.Sleep(2 * time.Millisecond)
		open, next, err := n.Outages(n.ctx, ws, time.Time{}, time.Time{}, "", 0)
		n.must(err)
		if len(open) != 3 || next != "" {
			t.Fatalf("%d outages, then %q", len(open), next)
		}
		for _, o := range open {
			if !o.EndedAt.IsZero() || o.Held != 1 || o.Rerouted != 1 || !slices.Equal(o.Channels, []holdfast.ID{ch}) || o.Reach != holdfast.Local {
				t.Errorf("while it lasts: %+v", o)
			}
		}
		if open[0].Scope != "channel" || open[0].What != "Telegram" || open[2].What != "Fibre" || open[2].Layer != "anchors" || open[2].Code != "no_answer" {
			t.Errorf("%+v", open)
		}
		n.append(ws, ws, &holdfast.ReachChanged{Reach: holdfast.Domestic, Was: holdfast.Local}, &holdfast.ReachChanged{Reach: holdfast.International, Was: holdfast.Domestic})
		n.append(ws, ch, &holdfast.ChannelChanged{Channel: ch, State: holdfast.ChannelUp, Was: holdfast.ChannelDown})
		n.append(ws, link, &holdfast.LinkChanged{Link: link, Name: "Fibre", State: holdfast.LinkUp, Was: holdfast.LinkDown})
		n.append(ws, conv, &holdfast.MessageSent{Message: held, Attempt: 1})
		after := queue()
		n.append(ws, conv, &holdfast.MessageSent{Message: after, Attempt: 1})
		n.append(ws, link, &holdfast.LinkChanged{Link: link, Name: "Fibre", State: holdfast.LinkDown, Was: holdfast.LinkUp})

		list := func(limit int) (out []continuity.Outage) {
			for cursor := ""; ; {
				page, next, err := n.Outages(n.ctx, ws, time.Time{}, time.Time{}, cursor, limit)
				n.must(err)
				out = append(out, page...)
				if cursor = next; next == "" {
					return out
				}
			}
		}
		all := list(50)
		if by1 := list(1); len(by1) != 4 || len(all) != 4 || by1[3].ID != all[3].ID {
			t.Errorf("%d outages page by page, %d at once", len(by1), len(all))
		}
		if o := all[1]; o.Scope != "channel" || o.EndedAt.IsZero() || o.Held != 1 {
			t.Errorf("the channel's outage, once over: %+v", o)
		}
		if o := all[2]; o.Scope != "reach" || o.Reach != holdfast.Local || o.EndedAt.IsZero() {
			t.Errorf("the reach's: %+v", o)
		}
		if o := all[0]; !o.EndedAt.IsZero() || o.Held != 0 || o.Rerouted != 0 || len(o.Channels) != 0 {
			t.Errorf("the new one: %+v", o)
		}
		one, err := n.Outage(n.ctx, ws, all[3].ID)
		n.must(err)
		if one.What != "Fibre" || one.Held != 1 || one.Rerouted != 1 {
			t.Errorf("%+v", one)
		}
		if _, err := n.Outage(n.ctx, other, all[3].ID); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("another workspace's outage: %v", err)
		}
		if theirs, _, err := n.Outages(n.ctx, other, time.Time{}, time.Time{}, "", 0); err != nil || len(theirs) != 0 {
			t.Errorf("another workspace sees %+v, %v", theirs, err)
		}
		if past, _, err := n.Outages(n.ctx, ws, time.Time{}, time.Now().Add(-time.Hour), "", 0); err != nil || len(past) != 0 {
			t.Errorf("an hour ago: %+v, %v", past, err)
		}
		if _, _, err := n.Outages(n.ctx, ws, time.Time{}, time.Time{}, "nonsense", 0); holdfast.CodeOf(err) != "cursor.malformed" {
			t.Errorf("%v", err)
		}
		before := strings.Join(names(all), ",")
		n.must(n.journal.Rebuild(n.ctx, "outages", nil))
		if again := strings.Join(names(list(50)), ","); again != before {
			t.Errorf("filled anew: %s, was %s", again, before)
		}
	})
}

func names(list []continuity.Outage) (out []string) {
	for _, o := range list {
		out = append(out, o.ID.String())
	}
	return out
}

func TestWhatIsSetUpIsChecked(t *testing.T) {
	eachDB(t, func(n *node) {
		ws := n.workspaces[0]
		good := links.DefaultsFor("IR").Targets
		for name, x := range map[string]struct {
			items []links.Target
			code  string
		}{
			"two":     {good[:2], "continuity.targets_few"},
			"none":    {nil, "continuity.targets_few"},
			"no far":  {append(slices.Clone(good[:2]), links.Target{Name: "x", Address: "192.0.2.1", Place: links.InCountry}), "continuity.targets_few"},
			"twice":   {append(slices.Clone(good[:3]), good[0]), "continuity.target_twice"},
			"a name":  {append(slices.Clone(good[:3]), links.Target{Name: "x", Address: "example.com", Place: links.Abroad}), "continuity.address_invalid"},
			"nowhere": {append(slices.Clone(good[:3]), links.Target{Name: "x", Address: "192.0.2.1", Place: "moon"}), "continuity.place_unknown"},
			"pigeon":  {append(slices.Clone(good[:3]), links.Target{Name: "x", Address: "192.0.2.1", Place: links.Abroad, Probe: "pigeon"}), "continuity.probe_unknown"},
		} {
			if err := n.SetTargets(n.ctx, ws, holdfast.System, continuity.Targets{Items: x.items}); holdfast.CodeOf(err) != x.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		n.must(n.SetTargets(n.ctx, ws, holdfast.System, continuity.Targets{Country: "IR", Items: good}))
		if got, err := n.Targets(n.ctx); err != nil || got.Country != "IR" || len(got.Items) != 4 {
			t.Errorf("%+v, %v", got, err)
		}
		for _, l := range []continuity.Link{{Name: "", Kind: links.Fibre}, {Name: "x", Kind: "string"}, {Name: "x", Kind: links.Fibre, Interface: "../eth0"}, {Name: "x", Kind: links.Fibre, Source: "nowhere"}, {Name: "x", Kind: links.Fibre, PriceMB: -1}} {
			l.ID = holdfast.NewID()
			if err := n.SaveLink(n.ctx, ws, holdfast.System, l); holdfast.KindOf(err) != holdfast.Invalid {
				t.Errorf("%+v: %v", l, err)
			}
		}
		for i := range 9 {
			err := n.SaveLink(n.ctx, ws, holdfast.System, continuity.Link{ID: holdfast.NewID(), Name: "L", Kind: links.DSL})
			if (err == nil) != (i < 8) {
				t.Errorf("uplink %d: %v", i+1, err)
			}
		}
		list, err := n.Links(n.ctx)
		n.must(err)
		l := list[0]
		l.Name, l.Metered = "Renamed", true
		n.must(n.SaveLink(n.ctx, ws, holdfast.System, l))
		if list, err = n.Links(n.ctx); err != nil || len(list) != 8 || list[0].Name != "Renamed" || !list[0].Metered {
			t.Errorf("%+v, %v", list, err)
		}
		n.must(n.RemoveLink(n.ctx, ws, holdfast.System, l.ID))
		if err := n.RemoveLink(n.ctx, ws, holdfast.System, l.ID); holdfast.KindOf(err) != holdfast.NotFound {
			t.Errorf("%v", err)
		}
		for _, e := range []continuity.Equipment{{Name: "x", Kind: "cat", Address: "192.0.2.1"}, {Name: "x", Kind: "pbx"}, {Name: "x", Kind: "pbx", Address: "192.0.2.1", Port: 70000}} {
			e.ID = holdfast.NewID()
			if err := n.SaveEquipment(n.ctx, ws, holdfast.System, e); holdfast.KindOf(err) != holdfast.Invalid {
				t.Errorf("%+v: %v", e, err)
			}
		}
		for _, c := range links.Countries() {
			d := links.DefaultsFor(c)
			if err := n.SetTargets(n.ctx, ws, holdfast.System, continuity.Targets{Country: c, Items: d.Targets, Checks: d.Checks}); err != nil {
				t.Errorf("the defaults of %q are refused: %v", c, err)
			}
		}
	})
}
