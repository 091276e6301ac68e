//go:build race

package links

// slower is how much less of a long simulation runs under the race detector, which
// finds nothing in a state machine of one goroutine.
const slower = 10
