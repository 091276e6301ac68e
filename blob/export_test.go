package blob

// For tests.
var (
	DiskFailed  = diskFailed
	Orientation = orientation
	Shrink      = shrink
	Sniff       = sniff
)
