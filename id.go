package holdfast

import (
	"crypto/rand"
	"crypto/sha1"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// ID is a UUID (RFC 9562). Whoever creates a thing makes its id, the browser
// included, so that a retry is the same thing. The zero ID means "none".
type ID [16]byte

var lastID struct {
	sync.Mutex
	ms  uint64
	seq uint16
}

// NewID returns a version 7 UUID: 48 bits of milliseconds, then a counter that
// keeps ids of one process strictly increasing, then random bits.
func NewID() ID {
	var id ID
	if _, err := rand.Read(id[8:]); err != nil {
		panic(err) // crypto/rand never fails on the systems we run on
	}
	ms := uint64(time.Now().UnixMilli())
	lastID.Lock()
	if ms <= lastID.ms {
		ms = lastID.ms
		lastID.seq++
		if lastID.seq > 0xfff {
			ms++
			lastID.seq = 0
		}
	} else {
		lastID.seq = 0
	}
	lastID.ms = ms
	seq := lastID.seq
	lastID.Unlock()
	binary.BigEndian.PutUint64(id[:8], ms<<16|uint64(seq))
	id[6] = 0x70 | byte(seq>>8)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// DeriveID returns the version 5 UUID of name within space, so that two nodes
// that receive one thing from a provider store one row.
func DeriveID(space ID, name string) ID {
	h := sha1.New()
	h.Write(space[:])
	h.Write([]byte(name))
	var id ID
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}

// DeriveIDAt is DeriveID with the moment of another id before the hash, which
// makes it version 8: what arrives together then lies together in an index. Of an
// id that says no moment it is DeriveID.
func DeriveIDAt(of, space ID, name string) ID {
	id := DeriveID(space, name)
	if v := of[6] >> 4; v == 7 || v == 8 {
		copy(id[:6], of[:6])
		id[6] = id[6]&0x0f | 0x80
	}
	return id
}

// ParseID reads the canonical 36-character form. The error is Invalid.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, Errorf(Invalid, "id.malformed", "%q is not an id", clip(s, 64)).WithNext("Send a UUID such as 0197a3f0-1c2d-7abc-8def-0123456789ab.")
	}
	var packed [32]byte
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '-' {
			if n == 32 {
				return ID{}, Errorf(Invalid, "id.malformed", "%q is not an id", s)
			}
			packed[n] = s[i]
			n++
		}
	}
	if _, err := hex.Decode(id[:], packed[:n]); err != nil || n != 32 {
		return ID{}, Errorf(Invalid, "id.malformed", "%q is not an id", s)
	}
	return id, nil
}

// MustID is ParseID for constants in tests and fixtures; it panics on bad input.
func MustID(s string) ID {
	id, err := ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// IsZero reports whether id means "none".
func (id ID) IsZero() bool { return id == ID{} }

// Time is the moment a version 7 id was made, to the millisecond; the zero time for others.
func (id ID) Time() time.Time {
	if id[6]>>4 != 7 {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16))
}

// String is the canonical form, or "" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	b[8] = '-'
	hex.Encode(b[9:13], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:], id[10:])
	return string(b[:])
}

// MarshalText writes the canonical form; the zero ID is empty.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the canonical form; empty text is the zero ID.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	got, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = got
	return nil
}

// Value stores an id as 16 bytes, the zero ID as NULL.
func (id ID) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return append([]byte(nil), id[:]...), nil
}

// Scan reads what Value wrote.
func (id *ID) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*id = ID{}
		return nil
	case []byte:
		if len(v) == 16 {
			copy(id[:], v)
			return nil
		}
	case string:
		if len(v) == 16 {
			copy(id[:], v)
			return nil
		}
	}
	return fmt.Errorf("holdfast: cannot read an id from %T", src)
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
