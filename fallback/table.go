package fallback

import (
	"encoding/json"
	"strings"

	"holdfast"
	"holdfast/store"
)

// Table is the projection: chains, preferences and consents.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "fallback" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"chain", "way_preferred", "consent"} }

// Apply keeps the latest word on each.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	switch b := e.Body.(type) {
	case *holdfast.ChainSaved:
		raw, err := json.Marshal(b)
		if err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO {chain} (workspace, sort, rule, stamp) VALUES ($1, $2, $3, $4)
			ON CONFLICT (workspace, sort) DO UPDATE SET rule = excluded.rule, stamp = excluded.stamp WHERE excluded.stamp > {chain}.stamp`,
			e.Workspace, b.Sort, raw, store.Stamp(e))
	case *holdfast.WayPreferred:
		return tx.Exec(`INSERT INTO {way_preferred} (customer, workspace, schemes, stamp) VALUES ($1, $2, $3, $4)
			ON CONFLICT (customer) DO UPDATE SET schemes = excluded.schemes, stamp = excluded.stamp
			WHERE {way_preferred}.workspace = excluded.workspace AND excluded.stamp > {way_preferred}.stamp`,
			e.Subject, e.Workspace, store.Text(strings.Join(b.Schemes, " ")), store.Stamp(e))
	case *holdfast.ConsentGiven:
		return agreed(tx, e, b.Address, b.Purpose, true, b.Proof, b.Via, b.Message)
	case *holdfast.ConsentWithdrawn:
		purposes := []holdfast.ConsentPurpose{b.Purpose}
		if b.Purpose == "" {
			purposes = holdfast.ConsentPurposes
		}
		for _, p := range purposes {
			if err := agreed(tx, e, b.Address, p, false, b.Proof, b.Via, b.Message); err != nil {
				return err
			}
		}
	}
	return nil
}

func agreed(tx *store.Tx, e *holdfast.Entry, a holdfast.Address, p holdfast.ConsentPurpose, given bool, proof, via string, message holdfast.ID) error {
	return tx.Exec(`INSERT INTO {consent} (workspace, scheme, value, purpose, given, proof, via, message, at, stamp) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (workspace, scheme, value, purpose) DO UPDATE SET given = excluded.given, proof = excluded.proof, via = excluded.via, message = excluded.message,
			at = excluded.at, stamp = excluded.stamp WHERE excluded.stamp > {consent}.stamp`,
		e.Workspace, a.Scheme, store.Text(a.Value), p, given, store.Text(proof), store.Text(via), message, e.At, store.Stamp(e))
}
