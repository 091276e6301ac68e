package status

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/journal"
	"holdfast/store"
)

// Incident is something that went wrong, as people are told of it.
type Incident struct {
	ID        holdfast.ID            `json:"id"`
	Titles    holdfast.Texts         `json:"titles"`
	Scope     []holdfast.ID          `json:"scope" doc:"Channel accounts that it concerns; empty: everything."`
	State     holdfast.IncidentState `json:"state" doc:"Of its latest update."`
	StartedAt time.Time              `json:"started_at"`
	EndedAt   time.Time              `json:"ended_at,omitzero"`
	Updates   []Update               `json:"updates" doc:"The latest first."`
}

// Update is one word on an incident.
type Update struct {
	ID    holdfast.ID            `json:"id"`
	State holdfast.IncidentState `json:"state"`
	Texts holdfast.Texts         `json:"texts"`
	At    time.Time              `json:"at"`
}

// changed is when something was last said of it.
func (i *Incident) changed() time.Time {
	if len(i.Updates) > 0 {
		return i.Updates[0].At
	}
	return i.StartedAt
}

const (
	titleMax   = 200  // characters
	textMax    = 2000 // of an update
	bannerMax  = 300
	updatesMax = 200 // of one incident
	openMax    = 100 // incidents or banners that are open
)

// Incidents lists those of a workspace that began since a moment or are still open,
// the latest first.
func (s *Status) Incidents(ctx context.Context, workspace holdfast.ID, since time.Time) ([]Incident, error) {
	type row struct {
		id   holdfast.ID
		body []byte
	}
	rows, err := s.DB.Query(ctx, `SELECT i.id, i.body FROM incident i WHERE i.workspace = $1 AND i.body IS NOT NULL AND (i.started_at >= $2
		OR COALESCE((SELECT u.state FROM incident_update u WHERE u.workspace = i.workspace AND u.incident = i.id ORDER BY u.stamp DESC LIMIT 1), '') <> $3
		OR (SELECT MAX(u.at) FROM incident_update u WHERE u.workspace = i.workspace AND u.incident = i.id) >= $2)`, workspace, since, holdfast.IncidentResolved)
	stored, err := store.Collect(rows, err, func(r *store.Rows, v *row) error { return r.Scan(&v.id, &v.body) })
	if err != nil {
		return nil, err
	}
	list := make([]Incident, 0, len(stored))
	for _, r := range stored {
		i, err := s.whole(ctx, workspace, r.id, r.body)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b Incident) int {
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), slices.Compare(b.ID[:], a.ID[:]))
	})
	return list, nil
}

// Incident reads one. The error is NotFound.
func (s *Status) Incident(ctx context.Context, workspace, id holdfast.ID) (Incident, error) {
	var raw []byte
	err := s.DB.QueryRow(ctx, "SELECT body FROM incident WHERE workspace = $1 AND id = $2 AND body IS NOT NULL", workspace, id).Scan(&raw)
	if errors.Is(err, store.ErrNoRows) {
		return Incident{}, missingIncident()
	}
	if err != nil {
		return Incident{}, err
	}
	return s.whole(ctx, workspace, id, raw)
}

func missingIncident() error {
	return holdfast.Errorf(holdfast.NotFound, "incident.missing", "there is no such incident")
}

func (s *Status) whole(ctx context.Context, workspace, id holdfast.ID, raw []byte) (Incident, error) {
	var b holdfast.IncidentSaved
	if err := json.Unmarshal(raw, &b); err != nil {
		return Incident{}, err
	}
	i := Incident{ID: id, Titles: b.Titles, Scope: b.Scope, StartedAt: b.StartedAt, State: holdfast.IncidentInvestigating, Updates: []Update{}}
	if i.Scope == nil {
		i.Scope = []holdfast.ID{}
	}
	rows, err := s.DB.Query(ctx, "SELECT id, state, body, at FROM incident_update WHERE workspace = $1 AND incident = $2 ORDER BY stamp DESC", workspace, id)
	i.Updates, err = store.Collect(rows, err, func(r *store.Rows, u *Update) error {
		var raw []byte
		if err := r.Scan(&u.ID, &u.State, &raw, &u.At); err != nil {
			return err
		}
		return json.Unmarshal(raw, &u.Texts)
	})
	if err != nil {
		return i, err
	}
	if i.Updates == nil {
		i.Updates = []Update{}
	}
	if len(i.Updates) > 0 {
		if i.State = i.Updates[0].State; i.State == holdfast.IncidentResolved {
			i.EndedAt = i.Updates[0].At
		}
	}
	return i, nil
}

// NewUpdate is a word on an incident; its id is made by whoever says it, so that it is
// said once.
type NewUpdate struct {
	ID    holdfast.ID
	State holdfast.IncidentState
	Texts holdfast.Texts
}

// SaveIncident says what an incident is called and concerns, whole; with first, its
// first update is said along with it. A zero StartedAt is now, or stays as it was. key
// makes a plan's step one (zero: the ids alone do). Errors: Forbidden, Invalid, Conflict.
func (s *Status) SaveIncident(ctx context.Context, by access.Identity, key, id holdfast.ID, b holdfast.IncidentSaved, first *NewUpdate) (Incident, error) {
	if err := by.Require(holdfast.ManageStatus); err != nil {
		return Incident{}, err
	}
	if id.IsZero() {
		return Incident{}, holdfast.Errorf(holdfast.Invalid, "id.missing", "it needs an id").WithField("id")
	}
	var err error
	if b.Titles, err = checkTexts(b.Titles, "titles", titleMax, true); err != nil {
		return Incident{}, err
	}
	if len(b.Scope) > openMax {
		return Incident{}, holdfast.Errorf(holdfast.Invalid, "incident.scope_too_wide", "it concerns at most %d channels", openMax).WithField("scope").WithNext("Name none: then it concerns everything.")
	}
	if first != nil {
		if err := first.check(); err != nil {
			return Incident{}, err
		}
	}
	_, err = s.Journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, ID: key, Run: func(tx *journal.Tx) error {
		b := b
		var had []byte
		err := tx.QueryRow("SELECT body FROM incident WHERE workspace = $1 AND id = $2", by.Workspace, id).Scan(&had)
		switch {
		case errors.Is(err, store.ErrNoRows):
			if err := s.room(tx.Tx, by.Workspace, "incident", id); err != nil {
				return err
			}
		case err != nil:
			return err
		case had == nil:
			return missingIncident() // an id that was removed does not come back
		}
		var was holdfast.IncidentSaved
		if had != nil {
			if err := json.Unmarshal(had, &was); err != nil {
				return err
			}
		}
		if b.StartedAt.IsZero() {
			if b.StartedAt = was.StartedAt; had == nil {
				b.StartedAt = tx.Now
			}
		}
		b.StartedAt = b.StartedAt.UTC().Truncate(time.Second)
		if b.StartedAt.After(tx.Now.Add(time.Minute)) {
			return holdfast.Errorf(holdfast.Invalid, "incident.not_yet", "an incident that has not begun cannot be told").WithField("started_at").WithNext("Raise a banner that announces it.")
		}
		raw, err := json.Marshal(&b)
		if err != nil {
			return err
		}
		if string(raw) != string(had) {
			if _, err := tx.Append(id, &b); err != nil {
				return err
			}
		}
		if first == nil {
			return nil
		}
		return say(tx, by.Workspace, id, *first)
	}})
	s.kept.forget(by.Workspace)
	if err != nil {
		return Incident{}, err
	}
	return s.Incident(ctx, by.Workspace, id)
}

func (u *NewUpdate) check() (err error) {
	if u.ID.IsZero() {
		return holdfast.Errorf(holdfast.Invalid, "id.missing", "it needs an id").WithField("id")
	}
	if u.State, err = holdfast.ParseIncidentState(string(u.State)); err != nil {
		return err
	}
	u.Texts, err = checkTexts(u.Texts, "texts", textMax, true)
	return err
}

// say appends an update that was not said before.
func say(tx *journal.Tx, workspace, incident holdfast.ID, u NewUpdate) error {
	var same, all int
	if err := tx.QueryRow("SELECT COUNT(*) FROM incident_update WHERE workspace = $1 AND incident = $2 AND id = $3", workspace, incident, u.ID).Scan(&same); err != nil || same > 0 {
		return err
	}
	if err := tx.QueryRow("SELECT COUNT(*) FROM incident_update WHERE workspace = $1 AND incident = $2", workspace, incident).Scan(&all); err != nil {
		return err
	}
	if all >= updatesMax {
		return holdfast.Errorf(holdfast.Conflict, "incident.too_many_updates", "an incident has at most %d updates", updatesMax).WithNext("Write a new incident.")
	}
	_, err := tx.Append(incident, &holdfast.IncidentUpdated{Update: u.ID, State: u.State, Texts: u.Texts})
	return err
}

// UpdateIncident says one more word on an incident. Errors: Forbidden, Invalid, NotFound, Conflict.
func (s *Status) UpdateIncident(ctx context.Context, by access.Identity, id holdfast.ID, u NewUpdate) (Incident, error) {
	if err := by.Require(holdfast.ManageStatus); err != nil {
		return Incident{}, err
	}
	if err := u.check(); err != nil {
		return Incident{}, err
	}
	_, err := s.Journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM incident WHERE workspace = $1 AND id = $2 AND body IS NOT NULL", by.Workspace, id).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return missingIncident()
		}
		return say(tx, by.Workspace, id, u)
	}})
	s.kept.forget(by.Workspace)
	if err != nil {
		return Incident{}, err
	}
	return s.Incident(ctx, by.Workspace, id)
}

// RemoveIncident takes one away that should not have been written. Errors: Forbidden, NotFound.
func (s *Status) RemoveIncident(ctx context.Context, by access.Identity, id holdfast.ID) error {
	return s.remove(ctx, by, "incident", id, &holdfast.IncidentRemoved{}, missingIncident())
}

func (s *Status) remove(ctx context.Context, by access.Identity, table string, id holdfast.ID, b holdfast.Body, missing error) error {
	if err := by.Require(holdfast.ManageStatus); err != nil {
		return err
	}
	defer s.kept.forget(by.Workspace)
	_, err := s.Journal.Do(ctx, journal.Command{Workspace: by.Workspace, Actor: by.Actor, Run: func(tx *journal.Tx) error {
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM "+table+" WHERE workspace = $1 AND id = $2 AND body IS NOT NULL", by.Workspace, id).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return missing
		}
		if _, err := tx.Append(id, b); err != nil {
			return err
		}
		return access.Record(tx.Tx, by, string(b.EntryKind()), id, nil)
	}})
	return err
}

// room sees that there is room for one more, and that its id is nobody else's.
func (s *Status) room(tx *store.Tx, workspace holdfast.ID, table string, id holdfast.ID) error {
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM "+table+" WHERE id = $1 AND workspace <> $2", id, workspace).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		if table == "banner" {
			return missingBanner()
		}
		return missingIncident()
	}
	query := "SELECT COUNT(*) FROM banner WHERE workspace = $1 AND body IS NOT NULL"
	if table == "incident" {
		query = `SELECT COUNT(*) FROM incident i WHERE i.workspace = $1 AND i.body IS NOT NULL AND
			COALESCE((SELECT u.state FROM incident_update u WHERE u.workspace = i.workspace AND u.incident = i.id ORDER BY u.stamp DESC LIMIT 1), '') <> 'resolved'`
	}
	if err := tx.QueryRow(query, workspace).Scan(&n); err != nil {
		return err
	}
	if n >= openMax {
		return holdfast.Errorf(holdfast.Conflict, "status.too_many", "at most %d of these are open at once", openMax).WithNext("Close some first.")
	}
	return nil
}
