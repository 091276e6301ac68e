package access

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"holdfast"
	"holdfast/store"
)

// AuditRow is one change: who made it, when, from where.
type AuditRow struct {
	ID      int64           `json:"id"`
	At      time.Time       `json:"at"`
	Actor   holdfast.Actor  `json:"actor"`
	Address string          `json:"address,omitempty"`
	Action  string          `json:"action"` // "operator.created"
	Subject holdfast.ID     `json:"subject,omitzero"`
	Detail  json.RawMessage `json:"detail,omitempty"`
	// Installation marks what concerns no workspace: the installation's tokens and
	// workspaces, guesses at accounts that nobody has.
	Installation bool `json:"installation,omitempty"`
}

// Record writes one audit row into the workspace of by, in the transaction of
// the change itself. Detail becomes JSON and must hold no secret; nil for none.
func Record(tx *store.Tx, by Identity, action string, subject holdfast.ID, detail any) error {
	return record(tx, by, by.Workspace, action, subject, detail)
}

func record(tx *store.Tx, by Identity, workspace holdfast.ID, action string, subject holdfast.ID, detail any) error {
	var raw any
	if detail != nil {
		b, err := json.Marshal(detail)
		if err != nil {
			return fmt.Errorf("audit of %s: %w", action, err)
		}
		raw = b
	}
	return tx.Exec(`INSERT INTO audit (workspace, at, actor_kind, actor, address, action, subject, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		workspace, tx.Now, by.Actor.Kind, by.Actor.ID, store.Text(by.Address), action, subject, raw)
}

const (
	auditColumns = "SELECT id, at, actor_kind, actor, address, action, subject, detail, workspace IS NULL FROM audit "
	auditOrder   = " AND id < $2 ORDER BY id DESC LIMIT $3"
)

// Audit lists a workspace's changes before a row (0: from the newest), newest first.
func (g *Guard) Audit(ctx context.Context, workspace holdfast.ID, before int64, limit int) ([]AuditRow, error) {
	return g.audit(ctx, auditColumns+"WHERE workspace = $1"+auditOrder, workspace, before, limit)
}

// AuditWithInstallation is Audit of by's workspace, and between its rows those that
// concern no workspace. They are for whoever answers for the whole installation:
// administrators of its first workspace, and its own tokens. Errors: Forbidden.
func (g *Guard) AuditWithInstallation(ctx context.Context, by Identity, before int64, limit int) ([]AuditRow, error) {
	if err := by.Require(holdfast.ReadAudit); err != nil {
		return nil, err
	}
	first, err := g.anyWorkspace(ctx, holdfast.ID{})
	if err != nil {
		return nil, err
	}
	if by.Role != holdfast.Administrator || !by.everywhere && by.Workspace != first {
		return nil, holdfast.Errorf(holdfast.Forbidden, "permission.missing", "what concerns the whole installation is shown to administrators of its first workspace").
			WithNext("Ask one of them, or list this workspace alone.")
	}
	return g.audit(ctx, auditColumns+"WHERE (workspace = $1 OR workspace IS NULL)"+auditOrder, by.Workspace, before, limit)
}

func (g *Guard) audit(ctx context.Context, query string, workspace holdfast.ID, before int64, limit int) ([]AuditRow, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	if limit <= 0 || limit > 500 {
		limit = 100
	}
	rows, err := g.db.Query(ctx, query, workspace, before, limit)
	return store.Collect(rows, err, func(r *store.Rows, a *AuditRow) error {
		var detail []byte
		err := r.Scan(&a.ID, &a.At, &a.Actor.Kind, &a.Actor.ID, &a.Address, &a.Action, &a.Subject, &detail, &a.Installation)
		a.Detail = detail
		return err
	})
}
