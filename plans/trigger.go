package plans

import (
	"context"
	"time"

	"holdfast"
	"holdfast/store"
)

// history is how many changes of one sort are looked back on. A link that flaps more
// often than that within one outage is counted from the oldest of them.
const history = 2000

type conditionKey struct {
	cause holdfast.PlanCause
	about holdfast.ID
}

type change struct {
	state string
	at    time.Time
}

// conditions are the changes of links, channels and reach, the latest first.
type conditions map[conditionKey][]change

func (p *Plans) conditions(ctx context.Context, workspace holdfast.ID) (conditions, error) {
	c := conditions{}
	type row struct {
		conditionKey
		change
	}
	for _, cause := range []holdfast.PlanCause{holdfast.OnReach, holdfast.OnChannel, holdfast.OnLink} {
		rows, err := p.db.Query(ctx, "SELECT cause, about, state, at FROM plan_condition WHERE workspace = $1 AND cause = $2 ORDER BY stamp DESC LIMIT $3", workspace, cause, history)
		list, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.cause, &v.about, &v.state, &v.at) })
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			c[r.conditionKey] = append(c[r.conditionKey], r.change)
		}
	}
	return c, nil
}

// state is how something is; "" where nothing was ever said of it.
func (c conditions) state(cause holdfast.PlanCause, about holdfast.ID) string {
	if l := c[conditionKey{cause, about}]; len(l) > 0 {
		return l[0].state
	}
	return ""
}

// bad reports whether a state is one that the trigger waits for.
func bad(t holdfast.PlanTrigger, state string) bool {
	switch t.On {
	case holdfast.OnReach:
		return t.Reach.Covers(holdfast.Reach(state))
	case holdfast.OnChannel:
		return state == string(holdfast.ChannelDown)
	case holdfast.OnLink:
		return state == string(holdfast.LinkDown)
	}
	return false
}

// outage is something that a trigger waits for and that is so.
type outage struct {
	about holdfast.ID
	since time.Time
}

// outages are those that hold now, whichever of the channels or links it is.
func (c conditions) outages(t holdfast.PlanTrigger) (list []outage) {
	for k, changes := range c {
		if k.cause != t.On || t.On == holdfast.OnChannel && !t.Channel.IsZero() && t.Channel != k.about || t.On == holdfast.OnLink && !t.Link.IsZero() && t.Link != k.about {
			continue
		}
		if !bad(t, changes[0].state) {
			continue
		}
		since := changes[0].at
		for _, ch := range changes[1:] {
			if !bad(t, ch.state) {
				break
			}
			since = ch.at
		}
		list = append(list, outage{k.about, since})
	}
	return list
}

// wellSince is since when what a run was started by is over; zero while it is not.
func (c conditions) wellSince(t holdfast.PlanTrigger, about holdfast.ID) (since time.Time) {
	for _, ch := range c[conditionKey{t.On, about}] {
		if bad(t, ch.state) {
			break
		}
		since = ch.at
	}
	return since
}

// slot is the latest moment at or before now when a drill was due; zero for none.
func slot(d holdfast.DrillSchedule, zone *time.Location, now time.Time) time.Time {
	at, err := time.Parse("15:04", d.At)
	if err != nil || d.Every != "weekly" && d.Every != "monthly" {
		return time.Time{}
	}
	now = now.In(zone)
	for back := range 62 {
		day := time.Date(now.Year(), now.Month(), now.Day()-back, at.Hour(), at.Minute(), 0, 0, zone)
		if day.After(now) || d.Every == "weekly" && int(day.Weekday()) != d.Day || d.Every == "monthly" && day.Day() != d.Day {
			continue
		}
		return day
	}
	return time.Time{}
}

// NextDrill is when a plan is rehearsed next by its schedule; zero for never.
func NextDrill(d holdfast.DrillSchedule, zone *time.Location, now time.Time) time.Time {
	at, err := time.Parse("15:04", d.At)
	if err != nil || d.Every != "weekly" && d.Every != "monthly" {
		return time.Time{}
	}
	now = now.In(zone)
	for ahead := range 63 {
		day := time.Date(now.Year(), now.Month(), now.Day()+ahead, at.Hour(), at.Minute(), 0, 0, zone)
		if day.After(now) && (d.Every == "weekly" && int(day.Weekday()) == d.Day || d.Every == "monthly" && day.Day() == d.Day) {
			return day
		}
	}
	return time.Time{}
}
