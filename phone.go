package holdfast

import "strings"

// Phone is a telephone number as it is stored and dialled: "+" and digits (E.164)
// where its country is known, else the digits as they were written; "" when it is
// none. country is the calling code that a number without one is in ("98", "7");
// "" for not known. Digits may be Persian or Arabic ones.
func Phone(s, country string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '۰' && r <= '۹':
			b.WriteRune(r - '۰' + '0')
		case r >= '٠' && r <= '٩':
			b.WriteRune(r - '٠' + '0')
		case r == '+' && b.Len() == 0, r >= '0' && r <= '9':
			b.WriteRune(r)
		case strings.ContainsRune(" -().\u00a0\u200c\u200e\u200f\u2011\u2013", r):
		default:
			return ""
		}
	}
	n := b.String()
	switch {
	case strings.HasPrefix(n, "+"):
	case strings.HasPrefix(n, "00"):
		n = "+" + n[2:]
	case country == "7" && len(n) == 11 && n[0] == '8':
		n = "+7" + n[1:] // the Russian trunk code
	case country == "7" && len(n) == 10 && n[0] != '0':
		n = "+7" + n
	case country != "" && country != "7" && strings.HasPrefix(n, "0"):
		n = "+" + country + n[1:]
	case country != "" && len(n) >= 11 && strings.HasPrefix(n, country):
		n = "+" + n
	}
	if digits := len(strings.TrimPrefix(n, "+")); digits < 6 || digits > 15 {
		return ""
	}
	return n
}

// CallingCode is the calling code of most people who read a language, or "".
func CallingCode(language string) string {
	switch language {
	case "fa":
		return "98"
	case "ru":
		return "7"
	}
	return ""
}
