package app

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"

	"holdfast"
	"holdfast/access"
	"holdfast/broadcasts"
	"holdfast/presets"
)

// zoneKey is the custom field of customers that holds their time zone, by its IANA name.
const zoneKey = "time_zone"

// worthKey is the custom field of customers that holds what they have brought in, a number.
const worthKey = "lifetime_value"

// ofTalks finds placeholders of a conversation, which a broadcast is not.
var ofTalks = regexp.MustCompile(`\{\{\s*(operator|conversation)\.[a-z_]+`)

func (a *App) broadcasts() *broadcasts.Broadcasts {
	return broadcasts.New(broadcasts.Deps{DB: a.DB, Journal: a.Journal, Inbox: a.Inbox, Outbox: a.Outbox, Log: a.Log, House: a.house, Worth: a.worth, Lanes: a.broadcastLanes, Refused: a.refusals, Estimate: a.textEstimate,
		Fill: func(text, customer, workspace string) string {
			return presets.Fill(text, presets.Facts{Customer: customer, Workspace: workspace})
		},
		Check: func(text string) error {
			if bad := ofTalks.FindString(text); bad != "" {
				return holdfast.Errorf(holdfast.Invalid, "placeholder.unknown", "nothing fills the placeholder %s", bad).WithNext("Use customer.name, customer.first_name or workspace.name.")
			}
			return presets.CheckPlaceholders(text)
		},
		ZoneField: func(ctx context.Context, workspace holdfast.ID) (holdfast.ID, error) {
			list, err := a.Presets.Fields(ctx, access.System(workspace))
			for _, f := range list {
				if f.Of == presets.OfCustomer && f.Key == zoneKey {
					return f.ID, err
				}
			}
			return holdfast.ID{}, err
		}})
}

// broadcastLanes are the running accounts that can carry a letter: SMS first, then
// what needs the least of the internet. A visitor of a site's chat reads a
// conversation, and a letter is none.
func (a *App) broadcastLanes(ctx context.Context, workspace holdfast.ID) ([]broadcasts.Lane, error) {
	list, err := a.Setup.Channels(ctx, workspace)
	if err != nil {
		return nil, err
	}
	type lane struct {
		broadcasts.Lane
		needs holdfast.Reach
	}
	var lanes []lane
	for _, v := range list {
		k, err := a.Setup.Kind(v.Kind)
		if err != nil || !v.Enabled || v.Removed || k.Scheme == "visitor" {
			continue
		}
		lanes = append(lanes, lane{broadcasts.Lane{ID: v.ID, Name: v.Name, Scheme: k.Scheme, PerMinute: a.perMinute(ctx, workspace, v.ID), Subject: k.Limits.Subject, Limit: k.Limits.Text}, a.needs(v.ID, k)})
	}
	place := func(l lane) int {
		if l.Scheme == "tel" {
			return 0
		}
		return 1 + slices.Index([]holdfast.Reach{holdfast.Local, holdfast.Domestic, holdfast.International}, l.needs)
	}
	slices.SortStableFunc(lanes, func(x, y lane) int { return cmp.Compare(place(x), place(y)) })
	out := make([]broadcasts.Lane, len(lanes))
	for i := range lanes {
		out[i] = lanes[i].Lane
	}
	return out, nil
}

// perMinute is how many messages an account may send in a minute; 0 for no bound.
func (a *App) perMinute(ctx context.Context, workspace, account holdfast.ID) int {
	l, err := a.Outbox.Limit(ctx, workspace, account)
	if err != nil || l.Count == 0 {
		return 0
	}
	return int(float64(l.Count) / l.Window().Minutes())
}

// refusals are the addresses that want nothing for a purpose.
func (a *App) refusals(ctx context.Context, workspace holdfast.ID, purpose string, list []holdfast.Address) (map[holdfast.Address]string, error) {
	no, err := a.Fallback.Refused(ctx, workspace, holdfast.ConsentPurpose(cmp.Or(purpose, string(holdfast.ForNotices))), list)
	refused := map[holdfast.Address]string{}
	for i := range no {
		if no[i] {
			refused[list[i]] = "consent"
		}
	}
	return refused, err
}

// textEstimate is what a text comes to on an account.
func (a *App) textEstimate(_ context.Context, _, account holdfast.ID, text string) (broadcasts.Estimate, error) {
	e := a.Channels.Estimate(account, text)
	if e == nil {
		return broadcasts.Estimate{}, nil
	}
	return broadcasts.Estimate{Parts: e.Parts, Alphabet: e.Alphabet, Price: e.Price(), Currency: e.Currency}, nil
}

// worth is what customers have brought in, where a custom field says so.
func (a *App) worth(ctx context.Context, workspace holdfast.ID, customers []holdfast.ID) (map[holdfast.ID]float64, error) {
	list, err := a.Presets.Fields(ctx, access.System(workspace))
	if err != nil {
		return nil, err
	}
	worth := map[holdfast.ID]float64{}
	for _, f := range list {
		if f.Of != presets.OfCustomer || f.Key != worthKey || f.Type != holdfast.NumberField {
			continue
		}
		values, err := a.Presets.ValuesOf(ctx, workspace, f.ID, customers)
		if err != nil {
			return nil, err
		}
		for id, text := range values {
			if v, err := strconv.ParseFloat(text, 64); err == nil {
				worth[id] = v
			}
		}
	}
	return worth, nil
}
