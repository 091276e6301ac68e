package desk

import (
	"context"

	"holdfast"
	"holdfast/inbox"
	"holdfast/journal"
)

// tagBatch is how many conversations change tags in one transaction: others write between two.
const tagBatch = 200

// Retag gives every conversation with one tag another in its place, which it may have
// already; an empty one only takes the first away. It returns how many there were. What
// was done when it fails stays done, and the same again does the rest. Errors: Invalid.
func (d *Desk) Retag(ctx context.Context, by By, from, to string) (int, error) {
	from, err := NormalTag(from)
	if err != nil {
		return 0, err
	}
	if to != "" {
		if to, err = NormalTag(to); err != nil {
			return 0, err
		}
		if to == from {
			return 0, nil
		}
	}
	n := 0
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		some, err := d.inbox.Tagged(ctx, by.Workspace, from, tagBatch)
		if err != nil || len(some) == 0 {
			return n, err
		}
		batch := by
		batch.Command = holdfast.ID{} // one command is one transaction, and these are many
		if _, err := d.do(ctx, batch, func(tx *journal.Tx) error {
			for _, id := range some {
				c := &inbox.Brief{ID: id}
				if to != "" {
					if err := d.addTag(tx, c, to); err != nil {
						return err
					}
				}
				if err := d.removeTag(tx, c, from); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return n, err
		}
		n += len(some)
	}
}
