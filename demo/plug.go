package demo

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"holdfast"
	"holdfast/continuity"
	"holdfast/links"
)

// Plugs are what can be pulled in the demo: two uplinks, and the way abroad.
const (
	fibrePlug  = "fibre"
	ltePlug    = "lte"
	abroadPlug = "abroad"
)

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

// plugPage is the panel as it is now.
type plugPage struct {
	Reach holdfast.Reach `json:"reach"`
	Plugs []plugView     `json:"plugs"`
}

// plugView is one plug: whether it is pulled, and what the desk has found out.
type plugView struct {
	Plug   string             `json:"plug"`
	Pulled bool               `json:"pulled"`
	State  holdfast.LinkState `json:"state"` // "" for the way abroad, which is no link
}

func (d *Demo) plugPage(ctx context.Context) (*plugPage, error) {
	d.mu.Lock()
	workspace := d.parts.Workspace
	d.mu.Unlock()
	o, err := d.app.Continuity.Overview(ctx, workspace)
	if err != nil {
		return nil, err
	}
	p := &d.plugs
	p.mu.Lock()
	defer p.mu.Unlock()
	v := &plugPage{Reach: o.Reach}
	for _, plug := range []string{fibrePlug, ltePlug, abroadPlug} {
		x := plugView{Plug: plug, Pulled: p.pulled[plug]}
		for _, l := range o.Links {
			if p.links[l.ID] == plug {
				x.State = l.State
			}
		}
		v.Plugs = append(v.Plugs, x)
	}
	return v, nil
}

// plugged reports whether this desk has virtual uplinks.
func (d *Demo) plugged() bool {
	d.plugs.mu.Lock()
	defer d.plugs.mu.Unlock()
	return d.plugs.on
}

// plug shows the panel.
func (p *pages) plug(w http.ResponseWriter, r *http.Request) {
	if !p.demo.plugged() {
		http.Error(w, "This desk has real uplinks. Start \"holdfast demo\" to pull virtual ones.", http.StatusNotFound)
		return
	}
	v := p.page(r)
	var err error
	if v.Plug, err = p.demo.plugPage(r.Context()); err != nil {
		http.Error(w, "The desk does not say how its links are.", http.StatusServiceUnavailable)
		return
	}
	p.show(w, "plug.html", http.StatusOK, v)
}

// plugState is the same for the page's script.
func (p *pages) plugState(w http.ResponseWriter, r *http.Request) {
	if !p.demo.plugged() {
		http.NotFound(w, r)
		return
	}
	v, err := p.demo.plugPage(r.Context())
	if err != nil {
		http.Error(w, "not known", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// pull pulls a plug or puts it back.
func (p *pages) pull(w http.ResponseWriter, r *http.Request) {
	plug := r.FormValue("plug")
	if !p.demo.plugged() || plug != fibrePlug && plug != ltePlug && plug != abroadPlug {
		http.NotFound(w, r)
		return
	}
	p.demo.plugs.mu.Lock()
	p.demo.plugs.pulled[plug] = r.FormValue("pulled") == "1"
	p.demo.plugs.mu.Unlock()
	http.Redirect(w, r, "/demo/plug?lang="+language(r), http.StatusSeeOther)
}
