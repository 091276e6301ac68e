package journal

import (
	"encoding/json"
	"fmt"

	"holdfast"
	"holdfast/store"
)

// Preparer is a projection that can work out some of an entry's rows from its body
// alone. All writes wait for one writer: what is worked out before a write begins
// takes nobody else's time.
type Preparer interface {
	Projection
	// Prepare is called beside the writer, by many at once. It reads no table.
	Prepare(workspace holdfast.ID, body holdfast.Body) any
	// ApplyPrepared is Apply with what Prepare has said of the same body, which may
	// be nil. Both give the same rows.
	ApplyPrepared(tx *store.Tx, e *holdfast.Entry, ready any) error
}

// Prepared is a body with everything worked out that can be before a write begins.
// It may be appended by one command, as often as that runs.
type Prepared struct {
	body  holdfast.Body
	raw   []byte
	ready []any // of the projections, in their order
}

// Prepare works out what can be before a command appends a body, which must not be
// changed any more.
func (j *Journal) Prepare(workspace holdfast.ID, body holdfast.Body) (*Prepared, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("body of %s: %w", body.EntryKind(), err)
	}
	p := &Prepared{body: body, raw: raw, ready: make([]any, len(j.projections))}
	for i, projection := range j.projections {
		if can, ok := projection.(Preparer); ok {
			p.ready[i] = can.Prepare(workspace, body)
		}
	}
	return p, nil
}

// AppendPrepared is AppendAs of a body that was prepared for the command's workspace.
func (tx *Tx) AppendPrepared(actor holdfast.Actor, subject holdfast.ID, p *Prepared) (*holdfast.Entry, error) {
	return tx.append(actor, subject, p.body, p)
}
