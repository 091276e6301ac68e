package status

import (
	"context"
	"slices"
	"sync"
	"time"

	"holdfast"
)

// history is how far back the world may look.
const history = 90 * 24 * time.Hour

// snapshot is what the world is told of a workspace at one moment.
type snapshot struct {
	workspace holdfast.ID
	at        time.Time // in the workspace's zone
	page      Page
	lang      string
	name      string
	channels  []Channel
	links     []Link
	open      []Incident
	past      []Incident
	banners   []Banner
}

// kept holds snapshots for a moment: however many look, the desk is asked once.
type kept struct {
	mu  sync.Mutex
	now map[holdfast.ID]snapshot
}

// keep is how old a snapshot may be.
const keep = 3 * time.Second

func (k *kept) get(workspace holdfast.ID, now time.Time) (snapshot, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.now[workspace]
	age := now.Sub(s.at)
	return s, ok && age >= 0 && age < keep
}

func (k *kept) put(s snapshot) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now == nil || len(k.now) > 1000 {
		k.now = map[holdfast.ID]snapshot{}
	}
	k.now[s.workspace] = s
}

func (k *kept) forget(workspace holdfast.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.now, workspace)
}

// look takes a snapshot, or the one that was taken a moment ago.
func (s *Status) look(ctx context.Context, workspace holdfast.ID) (snapshot, error) {
	now := time.Now()
	if v, ok := s.kept.get(workspace, now); ok {
		return v, nil
	}
	v := snapshot{workspace: workspace}
	var zone *time.Location
	var err error
	if v.lang, v.name, zone, err = s.House(ctx, workspace); err != nil {
		return v, err
	}
	v.at = now.In(zone)
	if v.page, err = s.Settings(ctx, workspace); err != nil {
		return v, err
	}
	all, err := s.Channels(ctx, workspace)
	if err != nil {
		return v, err
	}
	for _, c := range all {
		if !slices.Contains(v.page.Hidden, c.ID) {
			v.channels = append(v.channels, c)
		}
	}
	if v.page.Links && s.Links != nil {
		if v.links, err = s.Links(ctx); err != nil {
			return v, err
		}
	}
	incidents, err := s.Incidents(ctx, workspace, now.Add(-history))
	if err != nil {
		return v, err
	}
	for _, i := range incidents {
		if i.State == holdfast.IncidentResolved {
			v.past = append(v.past, i)
		} else {
			v.open = append(v.open, i)
		}
	}
	if v.banners, err = s.Banners(ctx, workspace, now); err != nil {
		return v, err
	}
	s.kept.put(v)
	return v, nil
}

// overall is "well", "some" or "bad": most channels are down.
func (v *snapshot) overall() string {
	down, ill := 0, 0
	for _, c := range v.channels {
		if c.State == holdfast.ChannelDown {
			down++
		}
		if c.State != holdfast.ChannelUp {
			ill++
		}
	}
	switch {
	case down > 0 && 2*down > len(v.channels):
		return "bad"
	case ill > 0 || len(v.open) > 0:
		return "some"
	}
	return "well"
}

// days counts the incidents of each of the last 90 days, today last.
func (v *snapshot) days() [90]int {
	var n [90]int
	today := time.Date(v.at.Year(), v.at.Month(), v.at.Day(), 0, 0, 0, 0, v.at.Location())
	for d := range n {
		from := today.AddDate(0, 0, d-len(n)+1)
		to := from.AddDate(0, 0, 1)
		for _, list := range [][]Incident{v.open, v.past} {
			for _, i := range list {
				if i.StartedAt.Before(to) && !i.StartedAt.After(v.at) && (i.EndedAt.IsZero() || i.EndedAt.After(from)) {
					n[d]++
				}
			}
		}
	}
	return n
}

// names are those of the channels that an incident concerns; empty: all, or none that may be named.
func (v *snapshot) names(scope []holdfast.ID) []string {
	var names []string
	for _, c := range v.channels {
		if slices.Contains(scope, c.ID) {
			names = append(names, c.Name)
		}
	}
	return names
}
