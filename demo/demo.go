// Package demo shows what the desk is for: it fills a workspace with the
// customers and conversations of an imaginary internet provider, and runs that
// provider's shop page and a mail server with two mailboxes, so that both ways
// to the desk, the chat and the mail, can be walked at once.
//
// It refuses to carry mail to the world outside, to touch a workspace that is
// not a demo, and to write anything but entries of the journal and settings: what
// it shows went the way that everything goes.
package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/blob"
	"holdfast/channel/chat"
	"holdfast/channel/email"
	"holdfast/journal"
	"holdfast/setup"
	"holdfast/store"
)

// Who is who in the demo. The domains are reserved for examples (RFC 2606).
const (
	Company         = "Northline"
	Domain          = "northline.example"
	SupportAddress  = "support@" + Domain
	CustomerAddress = "ana.petrova@example.com"
	CustomerName    = "Ana Petrova"
)

// DefaultSeed makes the demo that everybody sees.
const DefaultSeed = 20260301

// Deps are what Fill works with.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Guard   *access.Guard
	Setup   *setup.Setup
	Files   *blob.Files
	// Mail is the server that the e-mail account is connected to; nil leaves the
	// account switched off.
	Mail *Mail
	// Now is the moment that everything leads up to; zero means the present.
	Now time.Time
	// Seed makes another story; 0 means DefaultSeed.
	Seed uint64
	// Language is the workspace's; "" means en.
	Language string
	// Password lets all three operators sign in; "" means that only links do.
	Password string
	// Workspace goes on with a fill that was cut off; zero begins one.
	Workspace holdfast.ID
}

// Result says what Fill made.
type Result struct {
	Workspace     holdfast.ID
	Administrator holdfast.ID
	Chat          holdfast.ID // channel account
	Mail          holdfast.ID // channel account
}

// Of names the parts of a demo workspace, whether they are there or not.
func Of(workspace holdfast.ID) Result {
	return Result{Workspace: workspace, Administrator: staff(workspace)[0].id,
		Chat: holdfast.DeriveID(workspace, "chat account"), Mail: holdfast.DeriveID(workspace, "mail account")}
}

const space = "0b6e5f00-5eed-5000-8000-de3000000001"

// Fill makes a demo workspace. The same seed and time give the same entries.
// When it fails half-way, Fill with the same Workspace finishes it.
func Fill(ctx context.Context, d Deps) (Result, error) {
	if d.Now.IsZero() {
		d.Now = time.Now()
	}
	if d.Seed == 0 {
		d.Seed = DefaultSeed
	}
	if d.Language == "" {
		d.Language = "en"
	}
	d.Now = d.Now.UTC().Truncate(time.Millisecond)
	if d.Workspace.IsZero() {
		d.Workspace = holdfast.DeriveID(holdfast.MustID(space), fmt.Sprintf("%d at %d", d.Seed, d.Now.UnixMilli()))
	}
	res := Of(d.Workspace)
	w, err := d.Setup.CreateWorkspace(ctx, access.System(holdfast.ID{}), setup.NewWorkspace{ID: d.Workspace, Name: Company, Language: d.Language, TimeZone: "Europe/Istanbul", Demo: true})
	if err != nil {
		return res, err
	}
	if !w.Demo {
		return res, holdfast.Errorf(holdfast.Conflict, "demo.not_a_demo", "the workspace %s is not a demo", w.Name)
	}
	acc, err := d.arrange(ctx, res)
	if err != nil {
		return res, err
	}
	return res, d.write(ctx, w, acc)
}

// arrange sets up operators, teams and channels. Every step may be repeated.
func (d *Deps) arrange(ctx context.Context, res Result) (accounts, error) {
	by := access.System(d.Workspace)
	acc := accounts{mail: res.Mail, chat: res.Chat, mailScheme: email.Kind().Scheme, chatScheme: chat.Kind().Scheme,
		support: holdfast.DeriveID(d.Workspace, "team support"), sales: holdfast.DeriveID(d.Workspace, "team sales")}
	var everybody []holdfast.ID
	for _, o := range staff(d.Workspace) {
		if _, err := d.Guard.CreateOperator(ctx, by, access.NewOperator{ID: o.id, Email: o.email, Name: o.name, Language: o.lang, Role: o.role, Password: d.Password}); err != nil {
			return acc, err
		}
		everybody = append(everybody, o.id)
	}
	for _, t := range []struct {
		id      holdfast.ID
		name    string
		members []holdfast.ID
	}{{acc.support, "Support", everybody}, {acc.sales, "Sales", everybody[:2]}} {
		if _, err := d.Guard.CreateTeam(ctx, by, t.id, t.name); err != nil {
			return acc, err
		}
		for _, m := range t.members {
			if _, err := d.Guard.AddToTeam(ctx, by, t.id, m); err != nil {
				return acc, err
			}
		}
	}
	for team, h := range map[holdfast.ID]holdfast.Hours{{}: hours("07:00", "23:00", "09:00", "20:00"), acc.sales: hours("09:00", "18:00", "", "")} {
		if err := d.Setup.SetHours(ctx, by, team, h); err != nil {
			return acc, err
		}
	}
	look, err := json.Marshal(map[string]any{"heading": Company})
	if err != nil {
		return acc, err
	}
	box := d.Mail
	if box == nil {
		box = &Mail{}
	}
	server, err := json.Marshal(box.settings())
	if err != nil {
		return acc, err
	}
	for _, n := range []setup.NewChannel{
		{ID: res.Chat, Kind: chat.Kind().Name, Name: Company, Team: acc.support, Settings: look},
		{ID: res.Mail, Kind: email.Kind().Name, Name: SupportAddress, Team: acc.support, Settings: server, Disabled: d.Mail == nil},
	} {
		if _, err := d.Setup.CreateChannel(ctx, by, n); err != nil {
			return acc, err
		}
	}
	return acc, nil
}

// hours are those of a week, with other ones at its end or, without any, none.
func hours(from, to, restFrom, restTo string) (h holdfast.Hours) {
	for day := range h.Week {
		switch {
		case day != int(time.Saturday) && day != int(time.Sunday):
			h.Week[day] = []holdfast.Span{{From: from, To: to}}
		case restFrom != "":
			h.Week[day] = []holdfast.Span{{From: restFrom, To: restTo}}
		}
	}
	return h
}

// write tells the story into the journal, all of it or nothing.
func (d *Deps) write(ctx context.Context, w setup.Workspace, acc accounts) error {
	// The story comes from a node of its own, so that no real node's numbers are used.
	origin := holdfast.DeriveID(w.ID, "origin")
	done, err := d.written(ctx, w.ID)
	if err != nil || done {
		return err
	}
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(d.Seed, 60))
	t, err := newTeller(r, w.ID, origin, d.Now, zone, acc, keeper{files: d.Files, photos: map[string]holdfast.Attachment{}})
	if err != nil {
		return err
	}
	entries, err := t.tell(ctx, d.Seed)
	if err != nil {
		return err
	}
	_, err = d.Journal.Receive(ctx, entries)
	return err
}

// written reports whether the story of a workspace is in the journal.
func (d *Deps) written(ctx context.Context, workspace holdfast.ID) (bool, error) {
	var n int
	err := d.DB.QueryRow(ctx, "SELECT COUNT(*) FROM journal WHERE origin = $1 AND seq = 1", holdfast.DeriveID(workspace, "origin")).Scan(&n)
	return n > 0, err
}
