package holdfast

// Reach is how far this node can get at a moment, and how far a channel needs it to get.
type Reach string

// From the whole world down to this device alone.
const (
	International Reach = "international"
	Domestic      Reach = "domestic"
	Local         Reach = "local"
	Nowhere       Reach = "none"
)
