package feedback

import (
	"holdfast"
	"holdfast/store"
)

// Table is the projection: one row for each conversation and kind of question.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "feedback" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"rating"} }

// Apply keeps the first time that somebody was asked and the latest word of the
// answer, in whatever order they come.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	switch b := e.Body.(type) {
	case *holdfast.ConversationSurveyed:
		return tx.Exec(`INSERT INTO {rating} (workspace, conversation, kind, asked_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (workspace, conversation, kind) DO UPDATE SET asked_at =
				CASE WHEN {rating}.asked_at = 0 OR excluded.asked_at < {rating}.asked_at THEN excluded.asked_at ELSE {rating}.asked_at END`,
			e.Workspace, e.Subject, b.Kind, e.At)
	case *holdfast.ConversationRated:
		return tx.Exec(`INSERT INTO {rating} (workspace, conversation, kind, score, comment, via, rated_at, stamp) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (workspace, conversation, kind) DO UPDATE SET score = excluded.score, comment = excluded.comment, via = excluded.via,
				rated_at = excluded.rated_at, stamp = excluded.stamp
			WHERE {rating}.stamp IS NULL OR excluded.stamp > {rating}.stamp`,
			e.Workspace, e.Subject, b.Kind, b.Score, store.Text(b.Comment), b.Via, e.At, store.Stamp(e))
	}
	return nil
}
