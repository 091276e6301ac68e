package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
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

type keptIn struct {
	IDs []string `query:"ids" required:"true" minItems:"1" maxItems:"50" doc:"Ids of conversations, with commas."`
}

// keptMessages is how many messages of a conversation a device is given at once.
const keptMessages = 100

// listKept gives a device many conversations whole, so that filling it takes a few
// requests and not two for each.
func (a *API) listKept(ctx context.Context, id access.Identity, in *keptIn) (*body[page[inbox.Kept]], error) {
	ids, err := parseIDs(in.IDs, "ids")
	if err != nil {
		return nil, err
	}
	list, err := a.Inbox.Kept(ctx, id.Workspace, id.Operator, ids, keptMessages)
	return paged(list, "", err)
}
