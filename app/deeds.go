package app

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/plans"
	"holdfast/status"
)

// bannerLife is how long a plan's banner stays when nobody lowers it: a plan that
// was forgotten must not say for weeks that something is broken.
const bannerLife = 72

// deeds are what other rooms do for a plan's steps. What a run raises and opens has
// an id of that run, so that its later steps find it.
func (a *App) deeds() plans.Deeds {
	return plans.Deeds{
		Lanes:     plans.Work{Do: a.switchLanes, Undo: func(context.Context, plans.Errand, []byte) error { return nil }},
		Banner:    plans.Work{Do: a.raiseBanner, Undo: a.lowerBanner},
		Lower:     plans.Work{Do: func(ctx context.Context, e plans.Errand) ([]byte, error) { return nil, a.lowerBanner(ctx, e, nil) }},
		Note:      plans.Work{Do: a.noteIncident},
		Broadcast: plans.Work{Do: a.planBroadcast, Undo: a.cancelBroadcast},
		Lists:     plans.Work{Do: a.handOut, Undo: a.takeCallsBack},
		Pause:     plans.Work{Do: a.pauseBroadcasts, Undo: a.resumeBroadcasts},
		Paper:     plans.Work{Do: a.planPaper},
		Flush:     plans.Work{Do: a.flush},
		Reconcile: a.reconcile,
	}
}

func bannerOf(e plans.Errand) holdfast.ID   { return holdfast.DeriveID(e.Run, "banner") }
func incidentOf(e plans.Errand) holdfast.ID { return holdfast.DeriveID(e.Run, "incident") }

func (a *App) raiseBanner(ctx context.Context, e plans.Errand) ([]byte, error) {
	b := holdfast.BannerRaised{Severity: holdfast.Warning, Texts: holdfast.Texts(e.Texts), Until: a.DB.Now().Add(bannerLife * time.Hour)}
	if e.Recovery {
		b.Severity = holdfast.ForInformation
	}
	for _, p := range e.Step.Places {
		// The help centre has no place for banners on this desk.
		if in := holdfast.Audience(p); slices.Contains(holdfast.Audiences, in) {
			b.Audiences = append(b.Audiences, in)
		}
	}
	return nil, a.Status.RaiseBanner(ctx, access.System(e.Workspace), e.Key, bannerOf(e), b)
}

func (a *App) lowerBanner(ctx context.Context, e plans.Errand, _ []byte) error {
	err := a.Status.LowerBanner(ctx, access.System(e.Workspace), bannerOf(e))
	if holdfast.KindOf(err) == holdfast.NotFound {
		return nil // somebody has lowered it
	}
	return err
}

// noteIncident opens the run's incident on the status page, or adds to it.
func (a *App) noteIncident(ctx context.Context, e plans.Errand) ([]byte, error) {
	by, id := access.System(e.Workspace), incidentOf(e)
	word := status.NewUpdate{ID: e.Key, State: holdfast.IncidentIdentified, Texts: holdfast.Texts(e.Texts)}
	if e.Recovery {
		word.State = holdfast.IncidentResolved
	}
	_, err := a.Status.Incident(ctx, e.Workspace, id)
	if holdfast.KindOf(err) == holdfast.NotFound {
		lang, _, _, err := a.house(ctx, e.Workspace)
		if err != nil {
			return nil, err
		}
		_, err = a.Status.SaveIncident(ctx, by, e.Key, id, holdfast.IncidentSaved{Titles: holdfast.Texts{lang: e.Plan}}, &word)
		return nil, err
	}
	if err == nil {
		_, err = a.Status.UpdateIncident(ctx, by, id, word)
	}
	return nil, err
}

// broadcastRate is what a lane without a bound of its own is taken to carry in a minute.
const broadcastRate = 60

// planBroadcast tells all customers once of this run, by the step's channels or, where
// it names none, by those that carry broadcasts.
func (a *App) planBroadcast(ctx context.Context, e plans.Errand) ([]byte, error) {
	spec := holdfast.BroadcastSpec{Name: e.Plan, Incident: e.Run.String(), Purpose: string(holdfast.ForNotices), Texts: e.Texts}
	if !e.Step.AtNight {
		spec.Quiet = &holdfast.BroadcastQuiet{From: "22:00", To: "08:00"}
	}
	if e.Recovery {
		spec.Incident += " over"
	}
	ways := e.Step.Channels
	if len(ways) == 0 {
		lanes, err := a.broadcastLanes(ctx, e.Workspace)
		if err != nil {
			return nil, err
		}
		for _, l := range lanes {
			ways = append(ways, l.ID)
		}
	}
	for _, id := range ways {
		rate := a.perMinute(ctx, e.Workspace, id)
		if rate == 0 {
			rate = broadcastRate
		}
		spec.Ways = append(spec.Ways, holdfast.BroadcastWay{Channel: id, PerMinute: rate})
	}
	id, err := a.Broadcasts.Start(ctx, e.Workspace, spec, e.Key.String())
	return []byte(id.String()), err
}

func (a *App) cancelBroadcast(ctx context.Context, e plans.Errand, undo []byte) error {
	id, err := holdfast.ParseID(string(undo))
	if err != nil {
		return err
	}
	err = a.Broadcasts.Cancel(ctx, e.Workspace, holdfast.System, id)
	if holdfast.KindOf(err) == holdfast.Conflict {
		return nil // it has ended
	}
	return err
}

// pauseBroadcasts pauses those that run and that this run has not begun; which they
// were is what resumes them.
func (a *App) pauseBroadcasts(ctx context.Context, e plans.Errand) ([]byte, error) {
	list, _, err := a.Broadcasts.List(ctx, e.Workspace, "", 200)
	if err != nil {
		return nil, err
	}
	paused := []string{}
	for _, b := range list {
		if b.State != holdfast.BroadcastRunning || b.Incident == e.Run.String() {
			continue
		}
		if err := a.Broadcasts.Pause(ctx, e.Workspace, holdfast.System, b.ID); err != nil && holdfast.KindOf(err) != holdfast.Conflict {
			return nil, err
		}
		paused = append(paused, b.ID.String())
	}
	return json.Marshal(paused)
}

func (a *App) resumeBroadcasts(ctx context.Context, e plans.Errand, undo []byte) error {
	var paused []string
	if err := json.Unmarshal(undo, &paused); err != nil {
		return err
	}
	for _, s := range paused {
		id, err := holdfast.ParseID(s)
		if err != nil {
			return err
		}
		if err := a.Broadcasts.Resume(ctx, e.Workspace, holdfast.System, id); err != nil && holdfast.KindOf(err) != holdfast.Conflict {
			return err
		}
	}
	return nil
}

func (a *App) planPaper(ctx context.Context, e plans.Errand) ([]byte, error) {
	_, err := a.Paper.Make(ctx, access.System(e.Workspace), holdfast.DeriveID(e.Key, "sheet"))
	return nil, err
}

// flush makes every lane of the workspace look at once for what waits.
func (a *App) flush(ctx context.Context, e plans.Errand) ([]byte, error) {
	list, err := a.Setup.Channels(ctx, e.Workspace)
	for _, c := range list {
		a.Outbox.Look(c.ID)
	}
	return nil, err
}

// reconcile compares what was held, went another way and was keyed in from paper with
// what has become of it.
func (a *App) reconcile(ctx context.Context, workspace holdfast.ID, from, to time.Time) (*plans.Balance, error) {
	found, err := a.Continuity.Balance(ctx, workspace, from, to)
	if err != nil {
		return nil, err
	}
	b := &plans.Balance{Held: found.Held, Gone: found.Gone, Rerouted: found.Rerouted, Back: found.Back, Counts: []plans.Unmatched{}, Items: []plans.Mismatch{}}
	for _, c := range found.Counts {
		b.Counts = append(b.Counts, plans.Unmatched(c))
	}
	for _, m := range found.Items {
		b.Items = append(b.Items, plans.Mismatch(m))
	}
	b.Keyed, err = a.Paper.Keyed(ctx, workspace, from, to)
	return b, err
}

// switchLanes makes sure that a step's channels are there. That they are sent by follows
// from the step itself, for as long as the run lasts and has not begun to recover: a desk
// that is killed meanwhile has nothing to put back.
func (a *App) switchLanes(ctx context.Context, e plans.Errand) ([]byte, error) {
	have, err := a.planChannels(ctx, e.Workspace)
	if err != nil {
		return nil, err
	}
	for _, id := range e.Step.Channels {
		if !slices.ContainsFunc(have, func(l plans.Lane) bool { return l.ID == id }) {
			return nil, holdfast.Errorf(holdfast.Conflict, "channel.missing", "a channel that the step sends by is off or gone").WithNext("Choose another one in the plan.")
		}
	}
	return nil, nil
}
