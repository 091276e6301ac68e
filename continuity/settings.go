package continuity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
	"holdfast/links"
	"holdfast/store"
)

// Link is an uplink as an administrator has set it up.
type Link struct {
	ID        holdfast.ID `json:"id"`
	Name      string      `json:"name"`
	Kind      links.Kind  `json:"kind" enum:"fibre,cable,dsl,lte,satellite,other"`
	Interface string      `json:"interface" doc:"The device that its probes are bound to; empty: by the source address."`
	Source    string      `json:"source" doc:"The address that its probes come from, where no device is named."`
	Gateway   string      `json:"gateway" doc:"Its next hop; empty: as the routes say."`
	Metered   bool        `json:"metered" doc:"Each byte costs: probed sparingly while another uplink is up."`
	PriceMB   float64     `json:"price_mb" doc:"Of a megabyte, in the workspace's currency."`
	Manual    string      `json:"manual" doc:"An administrator's word on its state: up, down, or empty."`
}

func (l *Link) uplink() links.Uplink {
	return links.Uplink{ID: l.ID, Kind: l.Kind, Interface: l.Interface, Source: l.Source, Gateway: l.Gateway, Metered: l.Metered}
}

// same reports whether two are probed alike.
func (l *Link) same(o *Link) bool { return l.uplink() == o.uplink() }

// Equipment is something in the office that is watched.
type Equipment struct {
	ID      holdfast.ID `json:"id"`
	Name    string      `json:"name"`
	Kind    string      `json:"kind" enum:"router,access_point,pbx,printer,other"`
	Address string      `json:"address"`
	Port    int         `json:"port" doc:"Of tcp and http; 0: the usual one."`
	Probe   string      `json:"probe" enum:"auto,icmp,tcp,http"`
}

// Targets are what every uplink is probed at.
type Targets struct {
	Country string         `json:"country" doc:"ISO 3166; its defaults are RU's, IR's or the generic ones."`
	Items   []links.Target `json:"items"`
	Checks  links.Checks   `json:"checks"`
}

// settings are what is set up, and what was last known.
type settings struct {
	Targets   Targets
	version   string // of the targets
	links     map[holdfast.ID]Link
	equipment map[holdfast.ID]Equipment
	last      map[holdfast.ID]lastMark
}

type lastMark struct {
	state, code string
	at          time.Time
}

// The bounds of what can be set up.
const (
	mostLinks     = 8
	mostEquipment = 50
	leastTargets  = 3
	mostTargets   = 6
)

// load reads what is set up and what the ledger knew last.
func (c *Continuity) load(ctx context.Context) error {
	s := settings{links: map[holdfast.ID]Link{}, equipment: map[holdfast.ID]Equipment{}}
	list, err := c.Links(ctx)
	if err != nil {
		return err
	}
	for _, l := range list {
		s.links[l.ID] = l
	}
	things, err := c.Equipment(ctx)
	if err != nil {
		return err
	}
	for _, e := range things {
		s.equipment[e.ID] = e
	}
	if s.Targets, err = c.Targets(ctx); err != nil {
		return err
	}
	s.version = fmt.Sprint(s.Targets)
	if s.last, err = lastMarks(ctx, c.DB); err != nil {
		return err
	}
	needs := map[holdfast.ID]holdfast.Reach{}
	rows, err := c.DB.Query(ctx, "SELECT channel, reach FROM channel_need")
	type need struct {
		id    holdfast.ID
		reach holdfast.Reach
	}
	all, err := store.Collect(rows, err, func(r *store.Rows, n *need) error { return r.Scan(&n.id, &n.reach) })
	if err != nil {
		return err
	}
	for _, n := range all {
		needs[n.id] = n.reach
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settings, c.needs = s, needs
	if c.reach.told == "" {
		c.reach.told, c.reach.since = holdfast.International, c.DB.Now()
		if m, known := s.last[holdfast.ID{}]; known {
			c.reach.told, c.reach.since = holdfast.Reach(m.state), m.at
		}
	}
	return nil
}

// Links lists the uplinks, in the order in which they were added.
func (c *Continuity) Links(ctx context.Context) ([]Link, error) {
	rows, err := c.DB.Query(ctx, "SELECT id, body, manual FROM uplink ORDER BY created_at, id")
	return store.Collect(rows, err, func(r *store.Rows, l *Link) error {
		var id holdfast.ID
		var raw []byte
		var manual string
		if err := r.Scan(&id, &raw, &manual); err != nil {
			return err
		}
		err := json.Unmarshal(raw, l)
		l.ID, l.Manual = id, manual
		return err
	})
}

// Equipment lists what is watched in the office.
func (c *Continuity) Equipment(ctx context.Context) ([]Equipment, error) {
	rows, err := c.DB.Query(ctx, "SELECT id, body FROM equipment ORDER BY created_at, id")
	return store.Collect(rows, err, func(r *store.Rows, e *Equipment) error {
		var id holdfast.ID
		var raw []byte
		if err := r.Scan(&id, &raw); err != nil {
			return err
		}
		err := json.Unmarshal(raw, e)
		e.ID = id
		return err
	})
}

// Targets are what is probed: the generic defaults until somebody has said otherwise.
func (c *Continuity) Targets(ctx context.Context) (Targets, error) {
	var raw []byte
	err := c.DB.QueryRow(ctx, "SELECT body FROM continuity_setting WHERE name = 'targets'").Scan(&raw)
	if errors.Is(err, store.ErrNoRows) {
		d := links.DefaultsFor("")
		return Targets{Items: d.Targets, Checks: d.Checks}, nil
	}
	if err != nil {
		return Targets{}, err
	}
	return decode[Targets](raw)
}

func invalid(code, field, text string) error {
	return holdfast.Errorf(holdfast.Invalid, code, "%s", text).WithField(field)
}

func checkName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if n := utf8.RuneCountInString(s); n < 1 || n > 100 || strings.ContainsAny(s, "\n\r\x00") || !utf8.ValidString(s) {
		return "", invalid("continuity.name_invalid", "name", "a name has 1 to 100 characters on one line")
	}
	return s, nil
}

func checkAddress(s, field string, may bool) error {
	if s == "" && may {
		return nil
	}
	if _, err := netip.ParseAddr(s); err != nil {
		return invalid("continuity.address_invalid", field, "an address is an IP address: 192.0.2.1 or 2001:db8::1")
	}
	return nil
}

func (l *Link) check() (err error) {
	if l.Name, err = checkName(l.Name); err != nil {
		return err
	}
	if !slices.Contains(links.Kinds, l.Kind) {
		return invalid("continuity.kind_unknown", "kind", "an uplink is fibre, cable, dsl, lte, satellite or other")
	}
	if len(l.Interface) > 15 || strings.ContainsAny(l.Interface, "/ \t\n\x00") {
		return invalid("continuity.interface_invalid", "interface", "a device's name has up to 15 characters")
	}
	if l.PriceMB < 0 || l.PriceMB > 1e6 {
		return invalid("continuity.price_invalid", "price_mb", "a price is not negative")
	}
	if err := checkAddress(l.Source, "source", true); err != nil {
		return err
	}
	return checkAddress(l.Gateway, "gateway", true)
}

func (e *Equipment) check() (err error) {
	if e.Name, err = checkName(e.Name); err != nil {
		return err
	}
	if !slices.Contains([]string{"router", "access_point", "pbx", "printer", "other"}, e.Kind) {
		return invalid("continuity.kind_unknown", "kind", "equipment is a router, access_point, pbx, printer or other")
	}
	if e.Probe == "" {
		e.Probe = links.ByAuto
	}
	if !slices.Contains([]string{links.ByAuto, links.ByICMP, links.ByTCP, links.ByHTTP}, e.Probe) {
		return invalid("continuity.probe_unknown", "probe", "equipment is probed by auto, icmp, tcp or http")
	}
	if e.Port < 0 || e.Port > 65535 {
		return invalid("continuity.port_invalid", "port", "a port is 1 to 65535, or 0 for the usual one")
	}
	return checkAddress(e.Address, "address", false)
}

func (t *Targets) check() error {
	far := 0
	seen := map[string]bool{}
	for i := range t.Items {
		x := &t.Items[i]
		field := fmt.Sprintf("items[%d]", i)
		name, err := checkName(x.Name)
		if err != nil {
			return err
		}
		x.Name = name
		if err := checkAddress(x.Address, field+".address", false); err != nil {
			return err
		}
		if x.Probe == "" {
			x.Probe = links.ByAuto
		}
		if !slices.Contains(links.Ways, x.Probe) {
			return invalid("continuity.probe_unknown", field+".probe", "a target is probed by auto, icmp, tcp, dns, http or stamp")
		}
		if x.Port < 0 || x.Port > 65535 {
			return invalid("continuity.port_invalid", field+".port", "a port is 1 to 65535, or 0 for the usual one")
		}
		if seen[x.Address] {
			return invalid("continuity.target_twice", field+".address", "an address counts once: targets stand in different networks")
		}
		seen[x.Address] = true
		switch x.Place {
		case links.Abroad:
			far++
		case links.InCountry, links.Hub:
		default:
			return invalid("continuity.place_unknown", field+".place", "a target stands in the country, abroad, or is the hub")
		}
	}
	if len(t.Items) < leastTargets || len(t.Items) > mostTargets || far == 0 {
		return invalid("continuity.targets_few", "items", "three to six targets in different networks are needed, at least one of them abroad")
	}
	if len(t.Country) > 2 || len(t.Checks.Resolvers) > 6 || len(t.Checks.Canaries) > 4 || len(t.Checks.Portals) > 4 {
		return invalid("continuity.checks_invalid", "checks", "up to six name servers, four canaries and four pages are checked")
	}
	for _, r := range t.Checks.Resolvers {
		if err := checkAddress(r, "checks.resolvers", false); err != nil {
			return err
		}
	}
	for _, p := range t.Checks.Portals {
		if !strings.HasPrefix(p.URL, "http://") {
			return invalid("continuity.checks_invalid", "checks.portals", "a portal shows itself on http:// alone")
		}
	}
	return nil
}

// change writes settings, notes who did and has the watches follow.
func (c *Continuity) change(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, action string, subject holdfast.ID, detail any, write func(tx *store.Tx) error) error {
	err := c.DB.Write(ctx, func(tx *store.Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		if c.Audit == nil {
			return nil
		}
		return c.Audit(tx, workspace, by, action, subject, detail)
	})
	if err == nil {
		poke(c.reload)
	}
	return err
}

// SaveLink sets up an uplink, or changes one. Errors: Invalid.
func (c *Continuity) SaveLink(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, l Link) error {
	if err := l.check(); err != nil {
		return err
	}
	manual := l.Manual
	l.Manual = ""
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	l.Manual = manual
	return c.change(ctx, workspace, by, "link.saved", l.ID, l, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM uplink WHERE id <> $1", l.ID).Scan(&n); err != nil {
			return err
		}
		if n >= mostLinks {
			return invalid("continuity.too_many", "", "a node has up to eight uplinks and fifty things in the office that are watched")
		}
		return tx.Exec("INSERT INTO uplink (id, body, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET body = excluded.body", l.ID, raw, tx.Now)
	})
}

func errNoLink() error {
	return holdfast.Errorf(holdfast.NotFound, "continuity.no_link", "there is no such uplink")
}

// RemoveLink stops watching an uplink. Its ledger stays; an outage of it ends.
func (c *Continuity) RemoveLink(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, id holdfast.ID) error {
	c.mu.Lock()
	w := c.watches[id]
	down := w != nil && w.told == holdfast.LinkDown
	c.mu.Unlock()
	if down {
		if err := c.tellLink(ctx, &w.link, holdfast.LinkUp, holdfast.LinkDown, "", "removed"); err != nil {
			return err
		}
	}
	return c.change(ctx, workspace, by, "link.removed", id, nil, func(tx *store.Tx) error {
		n, err := tx.ExecN("DELETE FROM uplink WHERE id = $1", id)
		if err == nil && n == 0 {
			return errNoLink()
		}
		if err != nil {
			return err
		}
		return tx.Exec("DELETE FROM link_figure WHERE uplink = $1", id)
	})
}

// Override says how an uplink is, whatever the probes say; "" leaves it to them.
func (c *Continuity) Override(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, id holdfast.ID, state, reason string) error {
	if state != "" && state != "up" && state != "down" {
		return invalid("continuity.state_unknown", "state", "by hand an uplink is up or down, or left to itself")
	}
	return c.change(ctx, workspace, by, "link.overridden", id, map[string]string{"state": state, "reason": reason}, func(tx *store.Tx) error {
		n, err := tx.ExecN("UPDATE uplink SET manual = $2 WHERE id = $1", id, state)
		if err == nil && n == 0 {
			return errNoLink()
		}
		return err
	})
}

// SaveEquipment watches something in the office, or changes how. Errors: Invalid.
func (c *Continuity) SaveEquipment(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, e Equipment) error {
	if err := e.check(); err != nil {
		return err
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return c.change(ctx, workspace, by, "equipment.saved", e.ID, e, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM equipment WHERE id <> $1", e.ID).Scan(&n); err != nil {
			return err
		}
		if n >= mostEquipment {
			return invalid("continuity.too_many", "", "a node has up to eight uplinks and fifty things in the office that are watched")
		}
		return tx.Exec("INSERT INTO equipment (id, body, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET body = excluded.body", e.ID, raw, tx.Now)
	})
}

// RemoveEquipment stops watching something.
func (c *Continuity) RemoveEquipment(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, id holdfast.ID) error {
	return c.change(ctx, workspace, by, "equipment.removed", id, nil, func(tx *store.Tx) error {
		n, err := tx.ExecN("DELETE FROM equipment WHERE id = $1", id)
		if err == nil && n == 0 {
			return holdfast.Errorf(holdfast.NotFound, "continuity.no_equipment", "there is nothing of this kind that is watched")
		}
		return err
	})
}

// SetTargets says what is probed. Errors: Invalid.
func (c *Continuity) SetTargets(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, t Targets) error {
	if err := t.check(); err != nil {
		return err
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return c.change(ctx, workspace, by, "link.targets", holdfast.ID{}, t, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO continuity_setting (name, body) VALUES ('targets', $1) ON CONFLICT (name) DO UPDATE SET body = excluded.body", raw)
	})
}

// SetNeeds says what reach a channel account of a workspace needs; "" leaves it to its
// kind. Errors: NotFound, Invalid.
func (c *Continuity) SetNeeds(ctx context.Context, workspace holdfast.ID, by holdfast.Actor, channel holdfast.ID, reach holdfast.Reach) error {
	switch reach {
	case "", holdfast.International, holdfast.Domestic, holdfast.Local:
	default:
		return invalid("continuity.reach_unknown", "reach", "a channel needs international, domestic or local reach")
	}
	return c.change(ctx, workspace, by, "channel.needs", channel, map[string]holdfast.Reach{"reach": reach}, func(tx *store.Tx) error {
		var one int
		err := tx.QueryRow("SELECT 1 FROM channel_account WHERE id = $1 AND workspace = $2 AND NOT removed", channel, workspace).Scan(&one)
		if errors.Is(err, store.ErrNoRows) {
			return holdfast.Errorf(holdfast.NotFound, "channel.not_found", "there is no such channel")
		}
		if err != nil {
			return err
		}
		if reach == "" {
			return tx.Exec("DELETE FROM channel_need WHERE channel = $1", channel)
		}
		return tx.Exec("INSERT INTO channel_need (channel, workspace, reach) VALUES ($1, $2, $3) ON CONFLICT (channel) DO UPDATE SET reach = excluded.reach", channel, workspace, reach)
	})
}
