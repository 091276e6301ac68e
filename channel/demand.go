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

// Single is an adapter that holds what only one can hold at a time, such as a
// serial port: it is tested by the one that runs, not by a second one.
type Single interface{ Single() bool }
