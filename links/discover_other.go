//go:build !linux

package links

import "context"

// Discover finds nothing here: uplinks are configured by hand.
func Discover() ([]Found, error) { return []Found{}, nil }

func carrier(string) (on, known bool) { return false, false }

func gatewayOf(string) string { return "" }

// Carriers waits: this system does not tell of devices, and lost probes do.
func Carriers(ctx context.Context, _ func(device string, on bool)) error {
	<-ctx.Done()
	return nil
}
