package broadcasts

import (
	"encoding/json"

	"holdfast"
	"holdfast/store"
)

// Table is the projection: one row per broadcast, the latest word on each of its parts.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "broadcasts" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"broadcast"} }

// Apply keeps what was said last. A broadcast that was begun in one workspace is
// touched by no entry of another.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	var state holdfast.BroadcastState
	switch e.Body.(type) {
	case *holdfast.BroadcastSaved:
		state = holdfast.BroadcastDraft
	case *holdfast.BroadcastAskedFor:
		state = holdfast.BroadcastAsked
	case *holdfast.BroadcastStarted, *holdfast.BroadcastResumed:
		state = holdfast.BroadcastRunning
	case *holdfast.BroadcastHeld:
		state = holdfast.BroadcastPaused
	case *holdfast.BroadcastStopped:
		state = holdfast.BroadcastCancelled
	case *holdfast.BroadcastEnded:
		state = holdfast.BroadcastFinished
	default:
		return nil
	}
	if err := tx.Exec(`INSERT INTO {broadcast} (id, workspace, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at WHERE {broadcast}.workspace = excluded.workspace AND excluded.created_at < {broadcast}.created_at`,
		e.Subject, e.Workspace, e.At); err != nil {
		return err
	}
	stamp := store.Stamp(e)
	const mine = " WHERE id = $1 AND workspace = $2 AND "
	err := tx.Exec("UPDATE {broadcast} SET state = $3, state_at = $4, state_stamp = $5"+mine+"(state_stamp IS NULL OR state_stamp < $5)",
		e.Subject, e.Workspace, state, e.At, stamp)
	if err != nil {
		return err
	}
	switch body := e.Body.(type) {
	case *holdfast.BroadcastSaved:
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		return tx.Exec("UPDATE {broadcast} SET body = $3, saved_kind = $4, saved_by = $5, saved_at = $6, saved_stamp = $7"+mine+"(saved_stamp IS NULL OR saved_stamp < $7)",
			e.Subject, e.Workspace, raw, e.Actor.Kind, e.Actor.ID, e.At, stamp)
	case *holdfast.BroadcastAskedFor:
		return tx.Exec("UPDATE {broadcast} SET asked_kind = $3, asked_by = $4, asked_at = $5, asked_count = $6, asked_stamp = $7"+mine+"(asked_stamp IS NULL OR asked_stamp < $7)",
			e.Subject, e.Workspace, e.Actor.Kind, e.Actor.ID, e.At, body.Count, stamp)
	case *holdfast.BroadcastStarted:
		return tx.Exec("UPDATE {broadcast} SET started_kind = $3, started_by = $4, started_at = $5, started_stamp = $6"+mine+"(started_stamp IS NULL OR started_stamp < $6)",
			e.Subject, e.Workspace, e.Actor.Kind, e.Actor.ID, e.At, stamp)
	}
	return nil
}
