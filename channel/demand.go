package channel

import "holdfast"

// Needing is an adapter whose least reach depends on its settings; without it the
// kind's Needs counts.
type Needing interface{ Needs() holdfast.Reach }

// NeedsOf is the least reach that an account of a kind works within; a may be nil.
func NeedsOf(k *Kind, a Adapter) holdfast.Reach {
	if n, ok := a.(Needing); ok {
		return n.Needs()
	}
	return k.Needs
}

// Receipting is an adapter whose provider says, or does not, when a message has
// reached the customer, as its settings have it; without it the kind's Receipts counts.
type Receipting interface{ Receipts() bool }

// ReceiptsOf reports whether an account's provider says when a message has arrived; a
// may be nil.
func ReceiptsOf(k *Kind, a Adapter) bool {
	if r, ok := a.(Receipting); ok {
		return r.Receipts()
	}
	return k.Receipts
}

// Single is an adapter that holds what only one can hold at a time, such as a
// serial port: it is tested by the one that runs, not by a second one.
type Single interface{ Single() bool }
