package demo

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"holdfast"
	"holdfast/continuity"
	"holdfast/links"
)

// Plugs are what can be pulled in the demo: two uplinks, the way abroad, and the one
// messenger that a government may block.
const (
	fibrePlug     = "fibre"
	ltePlug       = "lte"
	abroadPlug    = "abroad"
	messengerPlug = "messenger"
)

var plugNames = []string{fibrePlug, ltePlug, abroadPlug, messengerPlug}

// plugs are the virtual uplinks of the demo and what has been pulled of them. Nothing
// of it leaves this program: a probe over one is a wait.
type plugs struct {
	mu     sync.Mutex
	on     bool // they are this desk's uplinks
	links  map[holdfast.ID]string
	pulled map[string]bool
}

var errPulled = errors.New("the plug is pulled")

// prober answers as an uplink of a small office does: by fibre at once, by radio later
// and less evenly.
func (p *plugs) prober(u links.Uplink) links.Prober {
	return func(ctx context.Context, t links.Target) (time.Duration, error) {
		p.mu.Lock()
		plug := p.links[u.ID]
		silent := plug != "" && (p.pulled[plug] || t.Place == links.Abroad && p.pulled[abroadPlug])
		p.mu.Unlock()
		if silent {
			<-ctx.Done()
			return 0, errPulled
		}
		wait := time.Millisecond // a device in the office
		switch plug {
		case fibrePlug:
			wait = 9*time.Millisecond + rand.N(4*time.Millisecond)
		case ltePlug:
			wait = 38*time.Millisecond + rand.N(25*time.Millisecond)
		}
		if t.Place == links.Abroad {
			wait += 30 * time.Millisecond
		}
		began := time.Now()
		select {
		case <-time.After(wait):
			return time.Since(began), nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// abroad reports whether the messenger, which stands abroad, can be reached now.
func (p *plugs) abroad() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !(p.pulled[fibrePlug] && p.pulled[ltePlug]) && !p.pulled[abroadPlug] && !p.pulled[messengerPlug]
}

// The addresses are those of documentation (RFC 5737): nobody has them.
var plugTargets = []links.Target{
	{Name: "Northline exchange", Address: "192.0.2.53", Probe: links.ByAuto, Place: links.InCountry},
	{Name: "A bank in the country", Address: "198.51.100.7", Probe: links.ByAuto, Place: links.InCountry},
	{Name: "Abroad, east", Address: "203.0.113.20", Probe: links.ByAuto, Place: links.Abroad},
	{Name: "Abroad, west", Address: "203.0.113.140", Probe: links.ByAuto, Place: links.Abroad},
}

func plugLinks(workspace holdfast.ID) map[string]continuity.Link {
	return map[string]continuity.Link{
		fibrePlug: {ID: holdfast.DeriveID(workspace, "demo fibre"), Name: "Fibre", Kind: links.Fibre},
		ltePlug:   {ID: holdfast.DeriveID(workspace, "demo lte"), Name: "LTE", Kind: links.LTE, Metered: true, PriceMB: 0.01},
	}
}

// setPlugs gives the desk its virtual uplinks, or takes them from a desk that is no
// demo any more: over the real network nobody would answer for them. It is called
// before the desk runs.
func (d *Demo) setPlugs(ctx context.Context, workspace holdfast.ID, on bool) error {
	c := d.app.Continuity
	have, err := c.Links(ctx)
	if err != nil {
		return err
	}
	is := map[holdfast.ID]bool{}
	for _, l := range have {
		is[l.ID] = true
	}
	ours := plugLinks(workspace)
	if !on {
		for _, l := range ours {
			if is[l.ID] {
				if err := c.RemoveLink(ctx, workspace, holdfast.System, l.ID); err != nil {
					return err
				}
			}
		}
		return nil
	}
	p := &d.plugs
	p.mu.Lock()
	p.on, p.links, p.pulled = true, map[holdfast.ID]string{}, map[string]bool{}
	for plug, l := range ours {
		p.links[l.ID] = plug
	}
	p.mu.Unlock()
	c.Prober = p.prober
	if len(have) > 0 {
		return nil // somebody has set it up
	}
	for _, plug := range []string{fibrePlug, ltePlug} {
		if err := c.SaveLink(ctx, workspace, holdfast.System, ours[plug]); err != nil {
			return err
		}
	}
	return c.SetTargets(ctx, workspace, holdfast.System, continuity.Targets{Items: plugTargets})
}

// plugged reports whether this desk has virtual uplinks.
func (d *Demo) plugged() bool {
	d.plugs.mu.Lock()
	defer d.plugs.mu.Unlock()
	return d.plugs.on
}

// pull pulls a plug or puts it back.
func (p *pages) pull(w http.ResponseWriter, r *http.Request) {
	plug := r.FormValue("plug")
	if !p.demo.plugged() || !slices.Contains(plugNames, plug) {
		http.NotFound(w, r)
		return
	}
	p.demo.plugs.mu.Lock()
	p.demo.plugs.pulled[plug] = r.FormValue("pulled") == "1"
	p.demo.plugs.mu.Unlock()
	back(w, r, "/demo/plug")
}
