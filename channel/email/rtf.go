package email

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
)

// rtfDictionary is what every compressed RTF is compressed against (MS-OXRTFCP).
const rtfDictionary = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

var errRTF = errors.New("email: not compressed RTF")

// unpackRTF undoes the compression of MS-OXRTFCP. The result is at most 16 MiB.
func unpackRTF(b []byte) ([]byte, error) {
	if len(b) < 16 {
		return nil, errRTF
	}
	size := int(binary.LittleEndian.Uint32(b[4:]))
	kind := binary.LittleEndian.Uint32(b[8:])
	b = b[16:]
	if size < 0 || size > 16<<20 {
		return nil, errRTF
	}
	switch kind {
	case 0x414c454d: // MELA: stored
		return b[:min(size, len(b))], nil
	case 0x75465a4c: // LZFu
	default:
		return nil, errRTF
	}
	var dict [4096]byte
	copy(dict[:], rtfDictionary)
	at := len(rtfDictionary)
	out := make([]byte, 0, min(size, 1<<20))
	put := func(c byte) {
		out = append(out, c)
		dict[at] = c
		at = (at + 1) % len(dict)
	}
	for len(b) > 0 && len(out) < size {
		flags := b[0]
		b = b[1:]
		for bit := 0; bit < 8 && len(b) > 0 && len(out) < size; bit++ {
			if flags>>bit&1 == 0 {
				put(b[0])
				b = b[1:]
				continue
			}
			if len(b) < 2 {
				return out, nil
			}
			ref := int(b[0])<<8 | int(b[1])
			b = b[2:]
			from, n := ref>>4, ref&15+2
			if from == at {
				return out, nil
			}
			for range n {
				put(dict[from])
				from = (from + 1) % len(dict)
			}
		}
	}
	return out, nil
}

// rtfText is the words of an RTF text. In RTF that was made of HTML the tags,
// which stand in groups of their own, are left out.
func rtfText(b []byte, charset string) string {
	var out strings.Builder
	var pending []byte // bytes in charset
	var units []uint16
	flush := func() {
		if len(pending) > 0 {
			out.WriteString(decodeCharset(pending, charset))
			pending = nil
		}
		if len(units) > 0 {
			out.WriteString(string(utf16.Decode(units)))
			units = nil
		}
	}
	type state struct {
		skip bool
		uc   int
	}
	cur := state{uc: 1}
	var stack []state
	hide, ignore := false, 0
	for i := 0; i < len(b) && out.Len() < maxText; i++ {
		switch c := b[i]; c {
		case '{':
			if len(stack) < 1000 {
				stack = append(stack, cur)
			}
		case '}':
			if n := len(stack); n > 0 {
				cur = stack[n-1]
				stack = stack[:n-1]
			}
		case '\r', '\n':
		case '\\':
			if i++; i >= len(b) {
				break
			}
			switch c := b[i]; {
			case c == '\'':
				if i+2 < len(b) && unhex(b[i+1]) >= 0 && unhex(b[i+2]) >= 0 {
					v := byte(unhex(b[i+1])<<4 | unhex(b[i+2]))
					i += 2
					if ignore > 0 {
						ignore--
					} else if !cur.skip && !hide {
						if len(units) > 0 {
							flush()
						}
						pending = append(pending, v)
					}
				}
			case c == '*':
				cur.skip = true
			case c|0x20 >= 'a' && c|0x20 <= 'z':
				j := i
				for j < len(b) && b[j]|0x20 >= 'a' && b[j]|0x20 <= 'z' {
					j++
				}
				word := string(b[i:j])
				k := j
				if k < len(b) && b[k] == '-' {
					k++
				}
				for k < len(b) && b[k] >= '0' && b[k] <= '9' && k-j < 10 {
					k++
				}
				num, _ := strconv.Atoi(string(b[j:k]))
				if k < len(b) && b[k] == ' ' {
					k++
				}
				i = k - 1
				switch word {
				case "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer":
					cur.skip = true
				case "htmlrtf":
					hide = !(j < len(b) && b[j] == '0')
				case "uc":
					cur.uc = min(max(num, 0), 10)
				case "u":
					if !cur.skip && !hide {
						if len(pending) > 0 {
							flush()
						}
						units = append(units, uint16(num))
						ignore = cur.uc
					}
				case "par", "line", "row":
					if !cur.skip && !hide {
						flush()
						out.WriteByte('\n')
					}
				case "tab", "cell":
					if !cur.skip && !hide {
						flush()
						out.WriteByte('\t')
					}
				}
			case c == '~':
				if !cur.skip && !hide {
					pending = append(pending, ' ')
				}
			case c == '\\' || c == '{' || c == '}':
				if !cur.skip && !hide {
					pending = append(pending, c)
				}
			}
		default:
			if ignore > 0 {
				ignore--
			} else if !cur.skip && !hide {
				if len(units) > 0 {
					flush()
				}
				pending = append(pending, c)
			}
		}
	}
	flush()
	return strings.TrimSpace(out.String())
}
