package access_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/store"
	"holdfast/store/storetest"
)

// desk is where the houses of these tests are open.
const desk = "https://desk.example"

var b64 = base64.RawURLEncoding

// authenticator is a device with one key, as a browser would speak for it.
type authenticator struct {
	key     *ecdsa.PrivateKey
	id      []byte
	handle  []byte
	counter uint32
	origin  string
	party   string
	flags   byte // what it says of its owner: present and verified
}

func newAuthenticator(t *testing.T) *authenticator {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 24)
	rand.Read(id)
	return &authenticator{key: key, id: id, origin: desk, party: "desk.example", flags: 0x05}
}

type options struct {
	Challenge string
	RPID      string `json:"rpId"`
	RP        struct{ ID string }
	User      struct{ ID string }
	Allow     []struct{ ID string } `json:"allowCredentials"`
}

func (a *authenticator) read(t *testing.T, c access.Ceremony) options {
	t.Helper()
	var o options
	if err := json.Unmarshal(c.Options, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func (a *authenticator) client(kind, challenge string) []byte {
	b, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	return b
}

func (a *authenticator) data(flags byte) []byte {
	party := sha256.Sum256([]byte(a.party))
	b := append(party[:], flags)
	return binary.BigEndian.AppendUint32(b, a.counter)
}

// cborBytes is a byte string of less than 256 bytes.
func cborBytes(b []byte) []byte {
	if len(b) < 24 {
		return append([]byte{0x40 | byte(len(b))}, b...)
	}
	return append([]byte{0x58, byte(len(b))}, b...)
}

func cborText(s string) []byte { return append([]byte{0x60 | byte(len(s))}, s...) }

// register answers BeginPasskey.
func (a *authenticator) register(t *testing.T, c access.Ceremony) []byte {
	t.Helper()
	o := a.read(t, c)
	if o.RP.ID != "desk.example" {
		t.Fatalf("registered for %q", o.RP.ID)
	}
	a.handle, _ = b64.DecodeString(o.User.ID)
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	// {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
	cose := slices.Concat([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21}, cborBytes(point[1:33]), []byte{0x22}, cborBytes(point[33:]))
	auth := slices.Concat(a.data(a.flags|0x40), make([]byte, 16), []byte{0, byte(len(a.id))}, a.id, cose)
	object := slices.Concat([]byte{0xa3}, cborText("fmt"), cborText("none"), cborText("attStmt"), []byte{0xa0}, cborText("authData"), cborBytes(auth))
	return a.answer(map[string]any{"clientDataJSON": b64.EncodeToString(a.client("webauthn.create", o.Challenge)), "attestationObject": b64.EncodeToString(object)})
}

// sign answers BeginPasskeySignIn and BeginPasskeySecond.
func (a *authenticator) sign(t *testing.T, c access.Ceremony) []byte {
	t.Helper()
	o := a.read(t, c)
	a.counter++
	client := a.client("webauthn.get", o.Challenge)
	data, hash := a.data(a.flags), sha256.Sum256(client)
	digest := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return a.answer(map[string]any{"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(data),
		"signature": b64.EncodeToString(signature), "userHandle": b64.EncodeToString(a.handle)})
}

func (a *authenticator) answer(response map[string]any) []byte {
	b, _ := json.Marshal(map[string]any{"id": b64.EncodeToString(a.id), "rawId": b64.EncodeToString(a.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	return b
}

// register gives an operator a passkey.
func register(h *house, id access.Identity, a *authenticator) access.Passkey {
	h.Helper()
	c, err := h.BeginPasskey(context.Background(), id, good)
	h.must(err)
	key, _, err := h.AddPasskey(context.Background(), id, c.Secret, "Laptop", a.register(h.T, c))
	h.must(err)
	return key
}

func (h *house) byPasskey(a *authenticator) (access.SignedIn, error) {
	h.Helper()
	c, err := h.BeginPasskeySignIn()
	h.must(err)
	return h.PasskeySignIn(context.Background(), c.Secret, a.sign(h.T, c), "203.0.113.7", "Firefox")
}

func TestAPasskeyOpensWithoutAPassword(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Administrator)
		id, _ := h.enters("ana", ws)
		_, elsewhere := h.enters("ana", ws)
		a := newAuthenticator(h.T)
		c, err := h.BeginPasskey(ctx, id, "")
		h.must(err)
		answer := a.register(h.T, c)
		key, recovery, err := h.AddPasskey(ctx, id, c.Secret, "Laptop", answer)
		h.must(err)
		if len(recovery) != 10 {
			h.Fatalf("%d recovery codes with the first second factor", len(recovery))
		}
		h.refuses(h.authentic(elsewhere, ws), "session.unknown")
		_, _, err = h.AddPasskey(ctx, id, c.Secret, "Laptop", answer)
		h.refuses(err, "passkey.late") // one question, one answer

		in, err := h.byPasskey(a)
		h.must(err)
		if in.Half || in.Operator != id.Operator {
			h.Fatalf("signed in as %v, half %v", in.Operator, in.Half)
		}
		h.must(h.authentic(in.Secret, ws))

		// what must not open
		c, err = h.BeginPasskeySignIn()
		h.must(err)
		answer = a.sign(h.T, c)
		_, err = h.PasskeySignIn(ctx, c.Secret, answer, "203.0.113.7", "Firefox")
		h.must(err)
		_, err = h.PasskeySignIn(ctx, c.Secret, answer, "203.0.113.7", "Firefox")
		h.refuses(err, "passkey.late")
		other, err := h.BeginPasskeySignIn()
		h.must(err)
		_, err = h.PasskeySignIn(ctx, other.Secret, a.sign(h.T, c), "203.0.113.7", "Firefox")
		h.refuses(err, "passkey.refused")
		_, err = h.PasskeySignIn(ctx, c.Secret+"x", answer, "203.0.113.7", "Firefox")
		h.refuses(err, "passkey.late")
		late, err := h.BeginPasskeySignIn()
		h.must(err)
		answer = a.sign(h.T, late)
		h.now = h.now.Add(6 * time.Minute)
		_, err = h.PasskeySignIn(ctx, late.Secret, answer, "203.0.113.7", "Firefox")
		h.refuses(err, "passkey.late")
		for what, spoil := range map[string]func(*authenticator){
			"another site":       func(a *authenticator) { a.origin = "https://desk.example.evil" },
			"another party":      func(a *authenticator) { a.party = "evil.example" },
			"an unverified user": func(a *authenticator) { a.flags = 0x01 },
			"another's handle":   func(a *authenticator) { a.handle = bytes.Repeat([]byte{7}, 16) },
			"no such key":        func(a *authenticator) { a.id = []byte("no such key") },
			"another key":        func(a *authenticator) { a.key = newAuthenticator(h.T).key },
			"a copy's counter":   func(a *authenticator) { a.counter = 0 },
		} {
			bad := *a
			spoil(&bad)
			if _, err := h.byPasskey(&bad); holdfast.CodeOf(err) != "passkey.refused" {
				h.Errorf("%s: %v", what, err)
			}
			h.now = h.now.Add(20 * time.Minute)
		}
		if !slices.Contains(h.actions(ws), "operator.passkey_copied") {
			h.Error("a copied key leaves no trace in the audit")
		}
		h.now = h.now.Add(2 * time.Hour)
		_, err = h.byPasskey(a) // the owner's own device still opens
		h.must(err)

		_, err = h.Disable(ctx, access.System(ws), h.hire(ws, "bob", holdfast.Administrator).ID, false)
		h.must(err)
		_, err = h.Disable(ctx, access.System(ws), id.Operator, true)
		h.must(err)
		_, err = h.byPasskey(a)
		h.refuses(err, "passkey.refused")
		_, err = h.Disable(ctx, access.System(ws), id.Operator, false)
		h.must(err)
		h.must(h.RemovePasskey(ctx, id, key.ID))
		_, err = h.byPasskey(a)
		h.refuses(err, "passkey.refused")
		h.enters("ana", ws) // the password alone is enough again
	})
}

func TestAPasskeyIsASecondFactor(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		ws := h.workspace("Sky")
		h.hire(ws, "ana", holdfast.Operator)
		h.hire(ws, "bob", holdfast.Operator)
		ana, _ := h.enters("ana", ws)
		bob, _ := h.enters("bob", ws)
		hers, his := newAuthenticator(h.T), newAuthenticator(h.T)
		key := register(h, ana, hers)
		register(h, bob, his)
		h.refuses(h.RemovePasskey(ctx, bob, key.ID), "passkey.not_found")
		h.refuses(h.RenamePasskey(ctx, bob, key.ID, "Mine"), "passkey.not_found")
		h.must(h.RenamePasskey(ctx, ana, key.ID, "Old laptop"))
		f, err := h.Factors(ctx, ana)
		h.must(err)
		if len(f.Passkeys) != 1 || f.Passkeys[0].Name != "Old laptop" || f.Recovery != 10 || f.TOTP {
			h.Fatalf("%+v", f)
		}

		in, err := h.SignIn(ctx, "ana@example.com", good, "203.0.113.7", "Firefox")
		h.must(err)
		if !in.Half || !in.Passkey || in.TOTP {
			h.Fatalf("a password alone: %+v", in)
		}
		h.refuses(h.authentic(in.Secret, ws), "session.second_factor")
		_, err = h.SecondFactor(ctx, in.Secret, "000000")
		h.refuses(err, "totp.wrong")
		c, err := h.BeginPasskeySecond(ctx, in.Secret)
		h.must(err)
		_, err = h.PasskeySecond(ctx, in.Secret, c.Secret, his.sign(h.T, c))
		h.refuses(err, "passkey.refused")
		// an answer to one question is none to another
		_, err = h.PasskeySignIn(ctx, c.Secret, hers.sign(h.T, c), "203.0.113.7", "Firefox")
		h.refuses(err, "passkey.late")
		whole, err := h.PasskeySecond(ctx, in.Secret, c.Secret, hers.sign(h.T, c))
		h.must(err)
		h.must(h.authentic(whole.Secret, ws))
		_, err = h.PasskeySecond(ctx, in.Secret, c.Secret, hers.sign(h.T, c))
		h.refuses(err, "session.unknown")

		// somebody who finds an open session of yesterday adds no key of their own
		h.now = h.now.Add(time.Hour)
		_, err = h.BeginPasskey(ctx, ana, "")
		h.refuses(err, "password.needed")
		_, err = h.BeginPasskey(ctx, ana, "not the password")
		h.refuses(err, "password.wrong")
		_, err = h.BeginPasskey(ctx, ana, good)
		h.must(err)
		// a lost device
		h.must(h.DropTOTP(ctx, access.System(ws), ana.Operator))
		_, err = h.byPasskey(hers)
		h.refuses(err, "passkey.refused")
		h.enters("ana", ws)
	})
}

func FuzzPasskeyAnswers(f *testing.F) {
	f.Add([]byte("{}"), "")
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}`), "AAAA")
	db := storetest.Open(f, store.Options{Dir: f.TempDir()})
	seal, err := store.OpenSealer(f.TempDir(), strings.Repeat("ab", 32))
	if err != nil {
		f.Fatal(err)
	}
	g := access.New(db, seal, access.Options{PublicURL: desk, AddressFailures: 1 << 30})
	f.Fuzz(func(t *testing.T, answer []byte, secret string) {
		if _, err := g.PasskeySignIn(context.Background(), secret, answer, "", ""); err == nil {
			t.Fatal("it opened")
		}
		c, err := g.BeginPasskeySignIn()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.PasskeySignIn(context.Background(), c.Secret, answer, "", ""); holdfast.KindOf(err) != holdfast.Unauthenticated {
			t.Fatalf("%v", err)
		}
	})
}
