package hooks

import (
	"context"
	"time"

	"holdfast"
	"holdfast/store"
)

// Delivery is one entry for one webhook, as an administrator sees it.
type Delivery struct {
	ID        holdfast.ID        `json:"id"`
	Webhook   holdfast.ID        `json:"webhook"`
	LSN       holdfast.LSN       `json:"lsn"`
	Kind      holdfast.EntryKind `json:"kind"`
	State     string             `json:"state" doc:"due, sent or failed."`
	Attempts  int                `json:"attempts"`
	DueAt     time.Time          `json:"due_at,omitzero"`
	Status    int                `json:"status,omitempty" doc:"The receiver's last HTTP status."`
	Error     string             `json:"error,omitempty"`
	CreatedAt time.Time          `json:"created_at"`
}

// List reads a page of a webhook's deliveries, the newest entry first, before an
// LSN (0: the newest), of one state or ("") any.
func (h *Hooks) List(ctx context.Context, workspace, webhook holdfast.ID, state string, before holdfast.LSN, limit int) ([]Delivery, error) {
	switch state {
	case "", "due", "sent", "failed":
	default:
		return nil, holdfast.Errorf(holdfast.Invalid, "webhook.state_unknown", "there is no such state of a delivery").
			WithField("state").WithNext("Use due, sent or failed.")
	}
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	if before <= 0 {
		before = 1<<62 - 1
	}
	query := `SELECT id, webhook, lsn, kind, state, attempts, due_at, status, error, created_at FROM webhook_delivery
		WHERE webhook = $1 AND workspace = $2 AND lsn < $3`
	args := []any{webhook, workspace, before, limit}
	if state != "" {
		query += " AND state = $5"
		args = append(args, state)
	}
	rows, err := h.db.Query(ctx, query+" ORDER BY lsn DESC LIMIT $4", args...)
	return store.Collect(rows, err, func(r *store.Rows, d *Delivery) error {
		return r.Scan(&d.ID, &d.Webhook, &d.LSN, &d.Kind, &d.State, &d.Attempts, &d.DueAt, &d.Status, &d.Error, &d.CreatedAt)
	})
}

// Replay posts a delivery again, whatever became of it, with a fresh day of
// attempts. The receiver gets the same event id. The error is NotFound.
func (h *Hooks) Replay(ctx context.Context, workspace, id holdfast.ID) error {
	err := h.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecN("UPDATE webhook_delivery SET state = 'due', attempts = 0, due_at = 0, status = 0, error = '' WHERE id = $1 AND workspace = $2", id, workspace)
		if err == nil && n == 0 {
			return holdfast.Errorf(holdfast.NotFound, "webhook.delivery_missing", "there is no such delivery in this workspace")
		}
		return err
	})
	if err == nil {
		h.poke()
	}
	return err
}

// Forget drops deliveries that were made or given up and are older than a time.
func (h *Hooks) Forget(ctx context.Context, before time.Time) error {
	return h.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("DELETE FROM webhook_delivery WHERE state <> 'due' AND created_at < $1", before)
	})
}
