package sms

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/warthog618/sms/encoding/gsm7"
)

// ussd is what the network answered to a code such as *100#.
type ussd struct {
	state int // 0 done, 1 it waits for an answer, 2 ended by the network, 4 not supported, 5 time-out
	text  string
}

// parseUSSD reads a +CUSD line. Modems give the text plainly, as packed GSM-7 in
// hex or as UCS-2 in hex; the coding scheme says which, where it tells the truth.
func parseUSSD(line string) ussd {
	f := atFields(line)
	u := ussd{state: -1}
	if len(f) > 0 {
		if n, err := strconv.Atoi(f[0]); err == nil {
			u.state = n
		}
	}
	if len(f) < 2 {
		return u
	}
	scheme := 15
	if len(f) > 2 {
		if n, err := strconv.Atoi(f[2]); err == nil {
			scheme = n
		}
	}
	u.text = strings.TrimSpace(ussdText(f[1], scheme))
	return u
}

func ussdText(s string, scheme int) string {
	plain := strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, s), "")
	if !isHex(s) {
		return plain
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return plain
	}
	ucs2, packed := fromUCS2(b), fromPacked(b)
	// 17 and the schemes 01xx10xx say UCS-2; the rest is tried in the order in
	// which a wrong guess shows.
	saysUCS2 := scheme == 17 || scheme&0xcc == 0x48
	switch {
	case saysUCS2 && readable(ucs2):
		return ucs2
	case len(s) < 8: // a balance of "1234" is no hex
		return plain
	case readable(ucs2) && oneScript(b):
		return ucs2
	case readable(packed):
		return packed
	}
	return plain
}

func fromUCS2(b []byte) string {
	if len(b) == 0 || len(b)%2 == 1 {
		return ""
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	return string(utf16.Decode(units))
}

func fromPacked(b []byte) string {
	text, err := gsm7.Decode(gsm7.Unpack7BitUSSD(b, 0))
	if err != nil {
		return ""
	}
	return string(text)
}

func readable(s string) bool {
	if strings.TrimSpace(s) == "" {
		return false
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' && r != '\u200c' {
			return false
		}
	}
	return true
}

// oneScript reports whether b looks like UCS-2: its high bytes are few and of the
// scripts that our networks write.
func oneScript(b []byte) bool {
	for i := 0; i+1 < len(b); i += 2 {
		switch b[i] {
		case 0x00, 0x04, 0x06, 0x20, 0x21, 0xfb, 0xfe:
		default:
			return false
		}
	}
	return true
}

// packUSSD is a code as packed GSM-7 in hex.
func packUSSD(code string) string {
	septets, err := gsm7.Encode([]byte(code))
	if err != nil {
		return code
	}
	return strings.ToUpper(hex.EncodeToString(gsm7.Pack7BitUSSD(septets, 0)))
}
