package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"holdfast"
)

// Sealer encrypts secrets before they are stored (AES-256-GCM). What is sealed
// for one purpose and subject does not open for another.
type Sealer struct{ root [32]byte }

// OpenSealer uses the given key (64 hex digits), or the file "key" in dir, which
// is made, readable by its owner alone, when there is none.
func OpenSealer(dir, key string) (*Sealer, error) {
	if key != "" {
		return newSealer(key)
	}
	path := filepath.Join(dir, "key")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		fresh := make([]byte, 32)
		if _, err := rand.Read(fresh); err != nil {
			return nil, err
		}
		b = []byte(hex.EncodeToString(fresh) + "\n")
		if err := writeDurably(path, b, 0o600); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	return newSealer(strings.TrimSpace(string(b)))
}

func newSealer(key string) (*Sealer, error) {
	raw, err := hex.DecodeString(key)
	if err != nil || len(raw) != 32 {
		return nil, holdfast.Errorf(holdfast.Invalid, "key.malformed", "the key must be 64 hexadecimal digits").
			WithNext("Put back the file \"key\" that belongs to this data folder, or set HOLDFAST_KEY.")
	}
	return &Sealer{root: [32]byte(raw)}, nil
}

// Derive returns 32 bytes that only this installation can compute, for a purpose and subject.
func (s *Sealer) Derive(purpose string, subject holdfast.ID) []byte {
	key, err := hkdf.Key(sha256.New, s.root[:], subject[:], "holdfast "+purpose, 32)
	if err != nil {
		panic(err) // only a length over 255 hashes fails
	}
	return key
}

// Seal encrypts plain for a purpose and subject.
func (s *Sealer) Seal(purpose string, subject holdfast.ID, plain []byte) []byte {
	aead := s.aead(purpose, subject)
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		panic(err)
	}
	return aead.Seal(nonce, nonce, plain, nil)
}

// Open decrypts what Seal made. It fails when the key, the purpose or the subject is another.
func (s *Sealer) Open(purpose string, subject holdfast.ID, sealed []byte) ([]byte, error) {
	aead := s.aead(purpose, subject)
	if len(sealed) < aead.NonceSize() {
		return nil, fmt.Errorf("sealed %s is too short", purpose)
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], nil)
	if err != nil {
		return nil, holdfast.Errorf(holdfast.Internal, "key.wrong", "a stored secret cannot be opened with this installation's key").
			WithNext("Put back the file \"key\" that belongs to this data folder.")
	}
	return plain, nil
}

func (s *Sealer) aead(purpose string, subject holdfast.ID) cipher.AEAD {
	block, err := aes.NewCipher(s.Derive("seal "+purpose, subject))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// writeDurably writes a file so that after a crash it is there whole or not at all.
func writeDurably(path string, b []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := tmp.Chmod(mode); err != nil {
		return err
	}
	if _, err := tmp.Write(b); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
