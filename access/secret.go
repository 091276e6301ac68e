package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"

	"holdfast"
)

// The sorts of secrets, told apart by how they begin.
const (
	tokenPrefix   = "hf_" // an API token
	sessionPrefix = "hs_" // a session, half or whole
	linkPrefix    = "hl_" // a sign-in link
)

// alphabet has no capitals and no digit that looks like a letter.
var alphabet = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// mint makes a secret: a prefix and 58 characters that hold 256 random bits and a
// checksum, so that a cut or mistyped one is known without asking the database.
func mint(prefix string) (secret string, hash []byte) {
	var b [36]byte
	if _, err := rand.Read(b[:32]); err != nil {
		panic(err) // crypto/rand never fails on the systems we run on
	}
	binary.BigEndian.PutUint32(b[32:], crc32.ChecksumIEEE(b[:32]))
	secret = prefix + alphabet.EncodeToString(b[:])
	return secret, digest(secret)
}

// parse checks a secret's form and returns its prefix and hash.
func parse(secret string) (prefix string, hash []byte, err error) {
	for _, p := range []string{sessionPrefix, tokenPrefix, linkPrefix} {
		rest, ok := strings.CutPrefix(secret, p)
		if !ok {
			continue
		}
		b, err := alphabet.DecodeString(rest)
		if err == nil && len(b) == 36 && crc32.ChecksumIEEE(b[:32]) == binary.BigEndian.Uint32(b[32:]) {
			return p, digest(secret), nil
		}
	}
	return "", nil, errUnknownSecret()
}

// digest is all that is stored of a secret: with 256 random bits in it, a
// slower hash would protect nothing more.
func digest(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

func errUnknownSecret() error {
	return holdfast.Errorf(holdfast.Unauthenticated, "session.unknown", "this session or token is not valid").
		WithNext("Sign in again, or use another token.")
}

// handle is how a session is named to its owner: its hash, which opens nothing.
func handle(hash []byte) string { return hex.EncodeToString(hash) }

func parseHandle(s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != sha256.Size {
		return nil, holdfast.Errorf(holdfast.NotFound, "session.not_found", "there is no such session")
	}
	return b, nil
}
