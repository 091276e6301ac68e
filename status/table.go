package status

import (
	"encoding/json"

	"holdfast"
	"holdfast/store"
)

// Table is the projection: a row for each incident, each word on one, and each banner.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "status" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"incident", "incident_update", "banner"} }

// Apply keeps the latest word on what an incident is called and on a banner, and every
// update, in whatever order they come.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	switch b := e.Body.(type) {
	case *holdfast.IncidentSaved:
		return putIncident(tx, e, b)
	case *holdfast.IncidentRemoved:
		return putIncident(tx, e, nil)
	case *holdfast.IncidentUpdated:
		raw, err := json.Marshal(b.Texts)
		if err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO {incident_update} (workspace, incident, id, state, body, at, stamp) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (workspace, incident, id) DO UPDATE SET state = excluded.state, body = excluded.body, at = excluded.at, stamp = excluded.stamp
			WHERE excluded.stamp < {incident_update}.stamp`, e.Workspace, e.Subject, b.Update, b.State, raw, e.At, store.Stamp(e))
	case *holdfast.BannerRaised:
		return putBanner(tx, e, b)
	case *holdfast.BannerLowered:
		return putBanner(tx, e, nil)
	}
	return nil
}

func putIncident(tx *store.Tx, e *holdfast.Entry, b *holdfast.IncidentSaved) error {
	var raw []byte
	at := e.At
	if b != nil {
		at = b.StartedAt
		var err error
		if raw, err = json.Marshal(b); err != nil {
			return err
		}
	}
	return tx.Exec(`INSERT INTO {incident} (workspace, id, body, started_at, stamp) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (workspace, id) DO UPDATE SET body = excluded.body, started_at = excluded.started_at, stamp = excluded.stamp
		WHERE excluded.stamp > {incident}.stamp`, e.Workspace, e.Subject, raw, at, store.Stamp(e))
}

func putBanner(tx *store.Tx, e *holdfast.Entry, b *holdfast.BannerRaised) error {
	var raw []byte
	if b != nil {
		var err error
		if raw, err = json.Marshal(b); err != nil {
			return err
		}
	}
	return tx.Exec(`INSERT INTO {banner} (workspace, id, body, changed_at, stamp) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (workspace, id) DO UPDATE SET body = excluded.body, changed_at = excluded.changed_at, stamp = excluded.stamp
		WHERE excluded.stamp > {banner}.stamp`, e.Workspace, e.Subject, raw, e.At, store.Stamp(e))
}
