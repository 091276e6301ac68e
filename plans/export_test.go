package plans

// CutAt has the room fail wherever f does: between every two writes.
func (p *Plans) CutAt(f func(where string) error) { p.point = f }

// Slot is the latest moment at which a drill was due.
var Slot = slot

// ToldByDrills is what a drill has in its hands.
var ToldByDrills any = drill{}

// Known are all deeds that there are.
var Known = deeds
