package email

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"holdfast"
)

// Outlook's own envelope, MS-OXTNEF: a signature, a key, then attributes of
// level, id, length, data and checksum.
const (
	tnefSignature = 0x223e9f78

	attBody        = 0x0002800c
	attTitle       = 0x00018010 // of an attachment
	attData        = 0x0006800f
	attRendering   = 0x00069002 // begins an attachment
	attMapi        = 0x00069003 // properties of the message
	attAttachment  = 0x00069005 // properties of an attachment
	attCodepage    = 0x00069007
	tnefSmall      = 4 << 20 // bytes of an attribute that is read into memory
	maxTnefObjects = 200
)

var errTnef = errors.New("email: not TNEF")

// tnefFile is one file inside; its content is not read yet.
type tnefFile struct {
	name, media, cid string
	data             bool // it has an attData attribute
}

// tnefIndex is what a winmail.dat holds, but for the files' contents.
type tnefIndex struct {
	files    []tnefFile
	text     string
	html     string
	embedded bool // holds a message or an OLE object, which we leave inside
	codepage string
}

// readTnef reads the structure from r. When each is not nil it is called with
// the content of every file, in order. It ends with what it has at the first
// thing that is wrong.
func readTnef(r io.Reader, each func(i int, content io.Reader) error) (tnefIndex, error) {
	var x tnefIndex
	var head [6]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || binary.LittleEndian.Uint32(head[:]) != tnefSignature {
		return x, errTnef
	}
	x.codepage = "windows-1252"
	for len(x.files) < maxTnefObjects {
		var a [9]byte
		if _, err := io.ReadFull(r, a[:]); err != nil {
			return x, nil
		}
		id, n := binary.LittleEndian.Uint32(a[1:]), int64(binary.LittleEndian.Uint32(a[5:]))
		body := io.LimitReader(r, n)
		switch {
		case id == attData:
			if len(x.files) == 0 {
				x.files = append(x.files, tnefFile{})
			}
			x.files[len(x.files)-1].data = true
			if each != nil {
				if err := each(len(x.files)-1, body); err != nil {
					return x, err
				}
			}
		case n <= tnefSmall:
			data, err := io.ReadAll(body)
			if err != nil {
				return x, err
			}
			x.attribute(id, data)
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return x, err
		}
		if _, err := io.ReadFull(r, a[:2]); err != nil {
			return x, nil
		}
	}
	return x, nil
}

func (x *tnefIndex) attribute(id uint32, data []byte) {
	switch id {
	case attCodepage:
		if len(data) >= 4 {
			x.codepage = fmt.Sprintf("windows-%d", binary.LittleEndian.Uint32(data))
			if strings.HasSuffix(x.codepage, "-65001") {
				x.codepage = "utf-8"
			}
		}
	case attRendering:
		x.files = append(x.files, tnefFile{})
	case attTitle:
		if len(x.files) > 0 && x.files[len(x.files)-1].name == "" {
			x.files[len(x.files)-1].name = x.string(data)
		}
	case attBody:
		if x.text == "" {
			x.text = x.string(data)
		}
	case attMapi:
		x.properties(data, func(id, kind uint16, v []byte) {
			switch id {
			case 0x1000: // PR_BODY
				if s := x.value(kind, v); s != "" {
					x.text = s
				}
			case 0x1013: // PR_BODY_HTML
				x.html = x.value(kind, v)
			case 0x1009: // PR_RTF_COMPRESSED
				if rtf, err := unpackRTF(v); err == nil && x.text == "" {
					x.text = rtfText(rtf, x.codepage)
				}
			}
		})
	case attAttachment:
		if len(x.files) == 0 {
			x.files = append(x.files, tnefFile{})
		}
		f := &x.files[len(x.files)-1]
		x.properties(data, func(id, kind uint16, v []byte) {
			switch s := x.value(kind, v); id {
			case 0x3707: // PR_ATTACH_LONG_FILENAME
				f.name = s
			case 0x3001, 0x3704:
				if f.name == "" {
					f.name = s
				}
			case 0x370e:
				f.media = s
			case 0x3712:
				f.cid = s
			case 0x3701:
				if kind == 0x000d {
					x.embedded = true
				}
			}
		})
	}
}

func (x *tnefIndex) string(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return strings.ReplaceAll(decodeCharset(b, x.codepage), "\r\n", "\n")
}

func (x *tnefIndex) value(kind uint16, v []byte) string {
	switch kind {
	case 0x001f: // UTF-16
		return strings.TrimRight(strings.ReplaceAll(decodeWith(charsets["utf-16le"], v), "\r\n", "\n"), "\x00")
	case 0x001e, 0x0102:
		return x.string(v)
	}
	return ""
}

// properties walks a list of MAPI properties; it stops at the first that does
// not fit into the data.
func (x *tnefIndex) properties(b []byte, f func(id, kind uint16, value []byte)) {
	u16 := func() uint16 {
		if len(b) < 2 {
			b = nil
			return 0
		}
		v := binary.LittleEndian.Uint16(b)
		b = b[2:]
		return v
	}
	u32 := func() int {
		if len(b) < 4 {
			b = nil
			return 0
		}
		v := binary.LittleEndian.Uint32(b)
		b = b[4:]
		return int(v)
	}
	skip := func(n int) []byte {
		if n < 0 || n > len(b) {
			b = nil
			return nil
		}
		v := b[:n]
		b = b[n:]
		return v
	}
	for count := min(u32(), 10_000); count > 0 && len(b) > 0; count-- {
		kind, id := u16(), u16()
		if id >= 0x8000 { // a named property: GUID, then a number or a name
			skip(16)
			if u32() == 0 {
				skip(4)
			} else {
				skip((u32() + 3) &^ 3)
			}
		}
		many := kind&0x1000 != 0
		kind &^= 0x1000
		variable := kind == 0x1e || kind == 0x1f || kind == 0x102 || kind == 0x0d
		values := 1
		if many || variable {
			values = u32()
		}
		for ; values > 0 && len(b) > 0; values-- {
			var v []byte
			switch kind {
			case 0x1e, 0x1f, 0x102, 0x0d:
				n := u32()
				v = skip(n)
				skip((4 - n%4) % 4)
			case 0x02, 0x03, 0x04, 0x0a, 0x0b, 0x01:
				v = skip(4)
			case 0x05, 0x06, 0x07, 0x14, 0x40:
				v = skip(8)
			case 0x48:
				v = skip(16)
			default:
				return
			}
			f(id, kind, v)
		}
	}
}

// tnef opens a winmail.dat: its files become attachments and its text the mail's,
// when the mail has no other. It is kept as it is when it cannot be read whole.
// It is read twice, since a file's name comes after its content.
func (m *parser) tnef(p *part, r io.Reader) error {
	hash, _, err := m.blobs.Put(m.ctx, r, m.o.Limit)
	if err != nil {
		return fmt.Errorf("keep winmail.dat: %w", err)
	}
	open := func(f func(io.Reader) error) error {
		rc, err := m.blobs.Open(m.ctx, hash)
		if err != nil {
			return fmt.Errorf("read winmail.dat back: %w", err)
		}
		defer rc.Close()
		return f(newBuffered(rc))
	}
	var x tnefIndex
	whole := true
	err = open(func(r io.Reader) (err error) {
		if x, err = readTnef(r, nil); errors.Is(err, errTnef) {
			whole, err = false, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if !whole || x.embedded || len(x.files) == 0 && x.text == "" && x.html == "" {
		if err := open(func(r io.Reader) error { return m.file(p, r, "") }); err != nil {
			return err
		}
	}
	if len(x.files) > 0 {
		err = open(func(r io.Reader) error {
			_, err := readTnef(r, func(i int, content io.Reader) error {
				if i >= len(x.files) {
					return nil
				}
				f := x.files[i]
				inner := &part{media: strings.ToLower(f.media), name: printable(f.name)}
				if inner.media == "" {
					inner.media = "application/octet-stream"
				}
				if f.cid != "" {
					inner.header = header{{"content-id", f.cid}}
				}
				return m.file(inner, content, "")
			})
			return err
		})
		if err != nil && holdfast.KindOf(err) != holdfast.Internal || err != nil && !errors.Is(err, errTnef) {
			return err
		}
	}
	m.addTnefText(x)
	return nil
}

func (m *parser) addTnefText(x tnefIndex) {
	for _, b := range m.bodies {
		if strings.TrimSpace(b.text) != "" {
			return // the mail says the same in the open
		}
	}
	const group = -1
	if x.text != "" {
		m.bodies = append(m.bodies, body{text: clipText(x.text, maxText), group: group})
	}
	if x.html != "" {
		m.bodies = append(m.bodies, body{html: true, text: clipText(x.html, maxText), group: group})
	}
}
