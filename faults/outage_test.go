package faults

import (
	"testing"
	"time"

	"holdfast/desktest"
)

// Three days pass in a whole desk: every clock in it ticks a quarter of a million
// times. Beside other tests, and watched by the race detector, that takes minutes,
// so it is here and not with the other stories.
func TestAfterThreeDaysNothingIsLostAndTheOldIsSaid(t *testing.T) {
	desktest.Outage(t, 73*time.Hour, 20)
}
