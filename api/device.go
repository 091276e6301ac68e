package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"holdfast"
	"holdfast/access"
)

type deviceKey struct {
	Key string `json:"key" doc:"64 hexadecimal digits, the same every time."`
}

// readDeviceKey gives an operator the key that opens what their own devices keep
// while the desk is out of reach. It is derived and not stored, so that work sealed
// on a device can be opened after any sign-in; whoever is not signed in as that
// operator does not get it, and so a lost device tells nothing.
func (a *API) readDeviceKey(_ context.Context, id access.Identity, _ *struct{}) (*body[deviceKey], error) {
	if id.Operator.IsZero() {
		return nil, holdfast.Errorf(holdfast.Forbidden, "device.operator_needed", "only an operator has devices").WithNext("Sign in as an operator instead of using a token.")
	}
	mac := hmac.New(sha256.New, a.AttachmentKey)
	mac.Write([]byte("what an operator's devices keep"))
	mac.Write(id.Operator[:])
	return ok(deviceKey{hex.EncodeToString(mac.Sum(nil))}, nil)
}
