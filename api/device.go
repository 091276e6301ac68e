package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
)

type deviceKey struct {
	Key    string `json:"key" doc:"64 hexadecimal digits, the same every time."`
	Permit string `json:"permit" doc:"What the device may go on by while the desk is away: base64url of JSON {operator, workspace, from, until}, a dot, and base64url of its signature (ECDSA, P-256, SHA-256)."`
	Signer string `json:"signer" doc:"The public key of this desk, base64url of the uncompressed point."`
}

type deviceKeyIn struct {
	Clock int64 `query:"clock" minimum:"0" maximum:"253402300799999" doc:"The device's own time, in milliseconds: the permit is by that clock, which may be wrong. 0: this desk's."`
}

// outage is how long a device goes on without the desk.
const outage = 12 * time.Hour

// permit is what a device may go on by: who, where, and from when until when by its own clock.
type permit struct {
	Operator  holdfast.ID `json:"operator"`
	Workspace holdfast.ID `json:"workspace"`
	From      int64       `json:"from"`
	Until     int64       `json:"until"`
}

// sign writes a permit down and signs it with a key of this desk alone, which is
// derived and not stored. A device can tell that nobody stretched it; it opens nothing.
func (a *API) sign(p permit) (text, signer string, err error) {
	var key *ecdsa.PrivateKey
	for n := byte(0); key == nil; n++ { // hardly ever is a number too great to be a key
		mac := hmac.New(sha256.New, a.AttachmentKey)
		mac.Write([]byte{'p', 'e', 'r', 'm', 'i', 't', 's', n})
		if key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), mac.Sum(nil)); err != nil && n > 8 {
			return "", "", err
		}
	}
	body, err := json.Marshal(p)
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(body)
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", "", err
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return "", "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return b64(body) + "." + b64(signature), b64(public), nil
}

// readDeviceKey gives an operator the key that opens what their own devices keep
// while the desk is out of reach. It is derived and not stored, so that work sealed
// on a device can be opened after any sign-in; whoever is not signed in as that
// operator does not get it, and so a lost device tells nothing. With it comes the
// permit by which the device goes on for a while when this desk is away.
func (a *API) readDeviceKey(_ context.Context, id access.Identity, in *deviceKeyIn) (*body[deviceKey], error) {
	if id.Operator.IsZero() {
		return nil, holdfast.Errorf(holdfast.Forbidden, "device.operator_needed", "only an operator has devices").WithNext("Sign in as an operator instead of using a token.")
	}
	mac := hmac.New(sha256.New, a.AttachmentKey)
	mac.Write([]byte("what an operator's devices keep"))
	mac.Write(id.Operator[:])
	from := in.Clock
	if from == 0 {
		from = time.Now().UnixMilli()
	}
	text, signer, err := a.sign(permit{Operator: id.Operator, Workspace: id.Workspace, From: from, Until: from + outage.Milliseconds()})
	return ok(deviceKey{Key: hex.EncodeToString(mac.Sum(nil)), Permit: text, Signer: signer}, err)
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
