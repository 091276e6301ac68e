package store

import (
	"fmt"
	"strings"
	"time"

	"holdfast"
)

type millis time.Time

// Scan reads Unix milliseconds.
func (m *millis) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m = millis{}
	case int64:
		if v == 0 {
			*m = millis{}
		} else {
			*m = millis(time.UnixMilli(v).UTC())
		}
	default:
		return fmt.Errorf("store: cannot read a time from %T", src)
	}
	return nil
}

type text string

// Scan reads text, NULL as "".
func (t *text) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = ""
	case string:
		*t = text(v)
	case []byte:
		*t = text(v)
	default:
		return fmt.Errorf("store: cannot read text from %T", src)
	}
	return nil
}

// Stamp orders two writes to one field, as bytes that compare: clock, then origin.
func Stamp(e *holdfast.Entry) []byte {
	b := make([]byte, 24)
	c := uint64(e.Clock)
	for i := range 8 {
		b[i] = byte(c >> (56 - 8*i))
	}
	copy(b[8:], e.Origin[:])
	return b
}

// Text is s as both databases can store it: valid UTF-8 without NUL.
func Text(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// In writes "(from, from+1, …)" placeholders for n values, for IN lists.
func In(from, n int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", from+i)
	}
	b.WriteByte(')')
	return b.String()
}
