// Package gsm writes texts the way the telephone network carries them: the GSM
// 03.38 alphabet with its extension table, UCS-2, and the parts of a long text.
//
// It refuses to change a text: a letter that the small alphabet lacks makes the
// whole text UCS-2, and is never replaced by another. It does no I/O.
package gsm

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Alphabet is how a text is written down.
type Alphabet string

// The two alphabets that every telephone reads.
const (
	GSM7 Alphabet = "gsm7" // 7 bits a letter, 14 in the extension table
	UCS2 Alphabet = "ucs2" // 16 bits a letter, 32 outside the basic plane
)

const escape = 0x1b

// basic is the default alphabet of 3GPP TS 23.038 in the order of its codes.
// 0x1b is the escape to the extension table and no letter.
const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

var (
	letters   [128]rune         // code → letter
	codes     = map[rune]byte{} // letter → code
	extension = map[byte]rune{0x0a: '\f', 0x14: '^', 0x28: '{', 0x29: '}', 0x2f: '\\', 0x3c: '[', 0x3d: '~', 0x3e: ']', 0x40: '|', 0x65: '€'}
	extended  = map[rune]byte{} // letter → code after the escape
)

func init() {
	i := 0
	for _, r := range basic {
		letters[i] = r
		if r != escape {
			codes[r] = byte(i)
		}
		i++
	}
	for code, r := range extension {
		extended[r] = code
	}
}

// width is how many septets a letter takes; 0 when the alphabet lacks it.
func width(r rune) int {
	if _, ok := codes[r]; ok {
		return 1
	}
	if _, ok := extended[r]; ok {
		return 2
	}
	return 0
}

// Encode7 writes a text with one septet in each byte. ok is false when a letter is missing.
func Encode7(text string) (septets []byte, ok bool) {
	septets = make([]byte, 0, len(text))
	for _, r := range text {
		if code, has := codes[r]; has {
			septets = append(septets, code)
		} else if code, has := extended[r]; has {
			septets = append(septets, escape, code)
		} else {
			return nil, false
		}
	}
	return septets, true
}

// Decode7 reads septets, one in each byte. An escape before a code that the
// extension table lacks is a space, as the standard asks; so is one at the end.
func Decode7(septets []byte) string {
	var b strings.Builder
	for i := 0; i < len(septets); i++ {
		code := septets[i] & 0x7f
		if code != escape {
			b.WriteRune(letters[code])
			continue
		}
		if i+1 < len(septets) {
			if r, ok := extension[septets[i+1]&0x7f]; ok {
				b.WriteRune(r)
				i++
				continue
			}
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// Pack puts septets together, eight in seven bytes, after fill bits that stay 0
// (the rest of the septet in which a user data header ends).
func Pack(septets []byte, fill int) []byte {
	out := make([]byte, (len(septets)*7+fill+7)/8)
	bit := fill
	for _, s := range septets {
		v := uint16(s&0x7f) << (bit % 8)
		out[bit/8] |= byte(v)
		if v > 0xff {
			out[bit/8+1] |= byte(v >> 8)
		}
		bit += 7
	}
	return out
}

// Unpack takes n septets out of packed bytes after fill bits; fewer when the bytes end before.
func Unpack(b []byte, n, fill int) []byte {
	out := make([]byte, 0, max(0, min(n, len(b)*8/7)))
	for bit := fill; len(out) < n && bit+7 <= len(b)*8; bit += 7 {
		v := uint16(b[bit/8])
		if bit/8+1 < len(b) {
			v |= uint16(b[bit/8+1]) << 8
		}
		out = append(out, byte(v>>(bit%8))&0x7f)
	}
	return out
}

// EncodeUCS2 writes a text big-endian, letters outside the basic plane as pairs.
func EncodeUCS2(text string) []byte {
	units := utf16.Encode([]rune(text))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

// DecodeUCS2 reads big-endian units; a byte order mark is obeyed and dropped. What
// is half of a pair becomes U+FFFD, a last odd byte is dropped.
func DecodeUCS2(b []byte) string {
	little := false
	if len(b) >= 2 && (b[0] == 0xfe && b[1] == 0xff || b[0] == 0xff && b[1] == 0xfe) {
		little, b = b[0] == 0xff, b[2:]
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		if little {
			units = append(units, uint16(b[i+1])<<8|uint16(b[i]))
		} else {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
	}
	return string(utf16.Decode(units))
}

// Of is the alphabet a text needs.
func Of(text string) Alphabet {
	for _, r := range text {
		if width(r) == 0 {
			return UCS2
		}
	}
	return GSM7
}

// Culprit is the one letter for which a text is not GSM-7; "" when it is, or when
// two or more different letters are missing there.
func Culprit(text string) string {
	found := rune(-1)
	for _, r := range text {
		if width(r) > 0 || r == found {
			continue
		}
		if found >= 0 {
			return ""
		}
		found = r
	}
	if found < 0 || found == utf8.RuneError {
		return ""
	}
	return string(found)
}
