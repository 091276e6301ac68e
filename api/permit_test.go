package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"holdfast"
)

func TestAPermitIsSignedByThisDeskAlone(t *testing.T) {
	a, other := &API{Deps: Deps{AttachmentKey: []byte("one desk's secret, of 32 bytes..")}}, &API{Deps: Deps{AttachmentKey: []byte("another's secret, of 32 bytes....")}}
	p := permit{Operator: holdfast.NewID(), Workspace: holdfast.NewID(), From: 1, Until: 2}
	text, signer, err := a.sign(p)
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := a.sign(p)
	_, strange, err2 := other.sign(p)
	if err != nil || err2 != nil || again != signer || strange == signer {
		t.Errorf("the desk is %s, then %s; another is %s", signer, again, strange)
	}
	raw := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw(signer))
	if err != nil {
		t.Fatal(err)
	}
	body, signature, _ := strings.Cut(text, ".")
	sum, s := sha256.Sum256(raw(body)), raw(signature)
	if len(s) != 64 || !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:])) {
		t.Error("the signature does not fit")
	}
	var got permit
	if err := json.Unmarshal(raw(body), &got); err != nil || got != p {
		t.Errorf("it says %+v, %v", got, err)
	}
}
