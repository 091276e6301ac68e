package inbox

import (
	"strings"
	"unicode"
)

// fold is text as filters compare it: lower case, Arabic letters and digits as
// Persian and Latin ones, ё as е, without marks and joiners.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); {
		case r == 'ё':
			return 'е'
		case r == 'ي', r == 'ى':
			return 'ی'
		case r == 'ك':
			return 'ک'
		case r >= '۰' && r <= '۹':
			return '0' + r - '۰'
		case r >= '٠' && r <= '٩':
			return '0' + r - '٠'
		case r == '\u200c', r == '\u200d', r == 'ـ', unicode.Is(unicode.Mn, r):
			return -1
		}
		return r
	}, s)
}
