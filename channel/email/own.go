package email

import (
	"context"
	"io"

	"holdfast/channel"
)

// Owns reports whether mail for a recipient belongs to this account: its own
// address, with any plus part. An account that takes no mail owns none.
func (a *adapter) Owns(recipient string) bool {
	if a.set.Receive == "none" {
		return false
	}
	own := canonical(a.set.Address)
	return canonical(recipient) == own || withoutPlus(canonical(recipient)) == own
}

// Replay reads a mail again that was put aside.
func (a *adapter) Replay(ctx context.Context, raw io.Reader) (channel.Inbound, error) {
	return Parse(ctx, raw, a.env.Blobs, a.options())
}
