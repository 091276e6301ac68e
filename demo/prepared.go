package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"holdfast"
	"holdfast/access"
	"holdfast/channel/sms"
	"holdfast/desk"
	"holdfast/setup"
	"holdfast/status"
	"holdfast/store"
)

// owner is a customer whose telephone the demo shows; the messenger on it knows them
// by its number.
type owner struct {
	ID     holdfast.ID
	Name   string
	Lang   string
	Number string
}

// planKey is the ready plan that the demo has armed: no backup is left.
const planKey = "no-backup"

// How soon the armed plan starts and ends: a visitor watches.
const (
	planAfter  = 2 // seconds
	planSettle = 1
	// smsRate is what the SMS account may send in a second.
	smsRate = 2
	// replyPatience is how long a reply may take on the way it was written for, in seconds.
	replyPatience = 20
)

func smsAccount(workspace holdfast.ID) holdfast.ID {
	return holdfast.DeriveID(workspace, "sms account")
}
func messengerAccountID(workspace holdfast.ID) holdfast.ID {
	return holdfast.DeriveID(workspace, "messenger account")
}
func armedPlan(workspace holdfast.ID) holdfast.ID {
	return holdfast.DeriveID(workspace, "armed plan")
}

// prepare makes the company ready for an outage, by the rooms that an administrator
// would use: SMS and the messenger, customers with telephones who agree to be told, the
// way after the messenger, a plan that is armed and a status page. On a desk that is no
// demo any more it switches off what cannot work there.
func (d *Demo) prepare(ctx context.Context, workspace holdfast.ID) error {
	by := access.System(workspace)
	if d.phones == nil {
		off := false
		for _, id := range []holdfast.ID{smsAccount(workspace), messengerAccountID(workspace)} {
			_, err := d.app.Setup.ChangeChannel(ctx, by, id, setup.ChannelChange{Enabled: &off})
			if err != nil && holdfast.KindOf(err) != holdfast.NotFound {
				return err
			}
		}
		return nil
	}
	if err := d.messenger.Open(); err != nil {
		return holdfast.Errorf(holdfast.Unavailable, "demo.messenger", "the demo's messenger cannot listen: %w", err)
	}
	if err := d.phones.Open(); err != nil {
		return holdfast.Errorf(holdfast.Unavailable, "demo.phones", "the demo's message centre cannot listen: %w", err)
	}
	d.messenger.hook = "http://" + d.app.Addr() + "/hooks/" + messengerKind + "/" + messengerAccountID(workspace).String()
	known, err := d.knownAccounts(ctx, by)
	if err != nil {
		return err
	}
	if !known {
		if err := d.arm(ctx, by); err != nil {
			return err
		}
	}
	owners, err := d.ownersOf(ctx, workspace)
	d.mu.Lock()
	d.owners = owners
	d.mu.Unlock()
	return err
}

// knownAccounts connects the accounts with the servers of this run, and reports whether
// everything was prepared before. One that somebody has removed stays so.
func (d *Demo) knownAccounts(ctx context.Context, by access.Identity) (known bool, err error) {
	team := holdfast.DeriveID(by.Workspace, "team support")
	on := true
	for _, a := range []struct {
		id         holdfast.ID
		kind, name string
		settings   map[string]any
	}{
		{messengerAccountID(by.Workspace), messengerKind, "Messenger", d.messenger.settings()},
		{smsAccount(by.Workspace), sms.Kind().Name, "SMS", d.phones.settings()},
	} {
		raw, err := json.Marshal(a.settings)
		if err != nil {
			return false, err
		}
		v, err := d.app.Setup.Channel(ctx, by.Workspace, a.id)
		switch {
		case holdfast.KindOf(err) == holdfast.NotFound:
			_, err = d.app.Setup.CreateChannel(ctx, by, setup.NewChannel{ID: a.id, Kind: a.kind, Name: a.name, Team: team, Settings: raw})
		case err == nil && !v.Removed:
			_, err = d.app.Setup.ChangeChannel(ctx, by, a.id, setup.ChannelChange{Settings: raw, Enabled: &on})
		}
		if err != nil {
			return false, err
		}
	}
	_, err = d.app.Plans.Plan(ctx, by.Workspace, armedPlan(by.Workspace))
	if holdfast.KindOf(err) == holdfast.NotFound {
		return false, nil
	}
	return err == nil, err
}

// arm does the rest, the plan last: where it is, all is. Each part may be repeated.
func (d *Demo) arm(ctx context.Context, by access.Identity) error {
	short := smsAccount(by.Workspace)
	// The message centre is reached over a line of its own, and not over the internet.
	if err := d.app.Continuity.SetNeeds(ctx, by.Workspace, holdfast.System, short, holdfast.Local); err != nil {
		return err
	}
	if err := d.app.Fallback.SetLimit(ctx, by, short, holdfast.LaneLimited{Count: smsRate, Per: "second"}); err != nil {
		return err
	}
	for _, sort := range []holdfast.MessageSort{holdfast.SortReply, holdfast.SortAutomatic} {
		chain := holdfast.ChainSaved{Sort: sort, First: replyPatience, Legs: []holdfast.Leg{{Channel: short}}}
		if err := d.app.Fallback.SaveChain(ctx, by, chain); err != nil {
			return err
		}
	}
	if err := d.givePhones(ctx, by); err != nil {
		return err
	}
	err := d.app.Status.SetSettings(ctx, by, status.Page{Open: true, Slug: "northline", Links: true, Board: true, SMS: officeNumber, About: holdfast.Texts{
		"en": "How our services are. This page is also there when the internet is not.", "ru": "Как работают наши услуги. Страница доступна и тогда, когда интернета нет.", "fa": "وضعیت سرویس‌های ما. این صفحه هنگام قطع اینترنت هم در دسترس است."}})
	if err != nil {
		return err
	}
	return d.armPlan(ctx, by)
}

// armPlan takes a ready plan and fills in what a company would: who plays which part,
// and that customers are told by SMS, without asking and at any hour.
func (d *Demo) armPlan(ctx context.Context, by access.Identity) error {
	language := "en"
	if w, err := d.app.Setup.Workspace(ctx, by.Workspace); err != nil {
		return err
	} else if holdfast.KnownLanguage(w.Language) {
		language = w.Language
	}
	for _, r := range d.app.Plans.Ready(language) {
		if r.Key != planKey {
			continue
		}
		plan := r.Plan
		plan.Enabled, plan.Trigger.Seconds, plan.Settle, plan.Every = true, planAfter, planSettle, 30
		people := staff(by.Workspace)
		for i := range plan.Roles {
			plan.Roles[i].Operator = people[i%len(people)].id
			plan.Roles[i].Deputies = []holdfast.ID{people[(i+1)%len(people)].id}
		}
		for _, part := range []*[]holdfast.PlanStep{&plan.Steps, &plan.Recovery} {
			// Sheets need a key, which nobody has here.
			*part = slices.DeleteFunc(*part, func(s holdfast.PlanStep) bool { return s.Do == holdfast.DeedPaper })
			for i := range *part {
				if s := &(*part)[i]; s.Do == holdfast.DeedBroadcast {
					s.Mode, s.AtNight, s.Channels = holdfast.StepAutomatic, true, []holdfast.ID{smsAccount(by.Workspace)}
				}
			}
		}
		_, err := d.app.Plans.Save(ctx, by, armedPlan(by.Workspace), plan)
		return err
	}
	return holdfast.Errorf(holdfast.Internal, "demo.plan", "there is no ready plan %s", planKey)
}

// givePhones gives some customers a telephone with the messenger on it: Ana, and those
// who wait for an answer, the most urgent first, in each language.
func (d *Demo) givePhones(ctx context.Context, by access.Identity) error {
	have, err := d.ownersOf(ctx, by.Workspace)
	if err != nil || len(have) > 0 {
		return err
	}
	rows, err := d.app.DB.Query(ctx, `SELECT c.id, c.name, c.language FROM customer c LEFT JOIN conversation v ON v.customer = c.id AND v.state = 'open' AND v.merged IS NULL AND v.last_in_clock > v.last_out_clock
		WHERE c.workspace = $1 GROUP BY c.id, c.name, c.language ORDER BY CASE WHEN c.name = $2 THEN 0 ELSE 1 END, COUNT(v.id) DESC, MAX(COALESCE(v.priority, -1)) DESC, c.id LIMIT $3`, by.Workspace, CustomerName, 3*phoneCount)
	list, err := store.Collect(rows, err, func(r *store.Rows, o *owner) error { return r.Scan(&o.ID, &o.Name, &o.Lang) })
	if err != nil {
		return err
	}
	who := desk.By{Workspace: by.Workspace, Actor: holdfast.System}
	for i, o := range alternate(list) {
		number := fmt.Sprintf("%s%02d", phoneNumber, firstPhone+i)
		tel := holdfast.Address{Scheme: sms.Kind().Scheme, Value: number}
		for _, a := range []holdfast.Address{tel, {Scheme: messengerKind, Value: number}} {
			if _, err := d.app.Desk.AddAddress(ctx, who, o.ID, a); err != nil {
				return err
			}
		}
		if err := d.app.Fallback.SetConsent(ctx, by, o.ID, tel, holdfast.ForNotices, true, "Ticked in the contract."); err != nil {
			return err
		}
	}
	return nil
}

// alternate takes as many as there are telephones, the languages in turn.
func alternate(list []owner) (chosen []owner) {
	for n := 0; len(chosen) < min(phoneCount, len(list)); n++ {
		lang := holdfast.Languages[n%len(holdfast.Languages)]
		if i := slices.IndexFunc(list, func(o owner) bool { return o.Lang == lang && !slices.Contains(chosen, o) }); i >= 0 {
			chosen = append(chosen, list[i])
		} else if n > 3*phoneCount {
			break
		}
	}
	return chosen
}

// ownersOf are the customers with the demo's telephones, in the order of their numbers.
func (d *Demo) ownersOf(ctx context.Context, workspace holdfast.ID) ([]owner, error) {
	rows, err := d.app.DB.Query(ctx, `SELECT c.id, c.name, c.language, a.value FROM address a JOIN customer c ON c.id = a.customer
		WHERE a.workspace = $1 AND a.scheme = $2 AND a.value LIKE $3 ORDER BY a.value`, workspace, messengerKind, phoneNumber+"%")
	return store.Collect(rows, err, func(r *store.Rows, o *owner) error { return r.Scan(&o.ID, &o.Name, &o.Lang, &o.Number) })
}
