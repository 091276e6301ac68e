package search

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// script says which letters a word is made of; a mixed word has several bits.
type script uint8

const (
	latin script = 1 << iota
	cyrillic
	arabic
	digit
	foreign
)

// foldRune appends r as the index knows it: lower case, without diacritics, one
// form of each letter and digit. script 0 with nothing appended means that r is
// no part of a word, unless it is ignored: a mark that stands inside one.
func foldRune(dst []byte, r rune) (out []byte, s script, ignored bool) {
	switch {
	case r < 0x80:
		switch {
		case 'a' <= r && r <= 'z':
			return append(dst, byte(r)), latin, false
		case 'A' <= r && r <= 'Z':
			return append(dst, byte(r)+'a'-'A'), latin, false
		case '0' <= r && r <= '9':
			return append(dst, byte(r)), digit, false
		}
		return dst, 0, r == '\''
	case 0x400 <= r && r <= 0x52f:
		switch {
		case 0x410 <= r && r <= 0x42f:
			r += 0x20
		case r == 'ё' || r == 'Ё':
			r = 'е'
		case 0x430 <= r && r <= 0x44f:
		case 0x483 <= r && r <= 0x489:
			return dst, 0, true
		default: // other languages' letters: without their accents, as below
			r = unicode.ToLower(r)
			if d := norm.NFD.PropertiesString(string(r)).Decomposition(); len(d) > 0 {
				r, _ = utf8.DecodeRune(d)
			}
		}
		return utf8.AppendRune(dst, r), cyrillic, false
	case 0x300 <= r && r <= 0x36f:
		// A decomposed й is a letter of its own; other accents go.
		if r == 0x306 && len(dst) >= 2 && string(dst[len(dst)-2:]) == "и" {
			return append(dst[:len(dst)-2], "й"...), cyrillic, true
		}
		return dst, 0, true
	case 0x600 <= r && r <= 0x6ff:
		return foldArabic(dst, r)
	}
	switch r {
	case '’', 'ʼ', '\u00ad', '\u200b', '\u200d', '\u200e', '\u200f', '\u2060', '\ufeff':
		return dst, 0, true
	case 'ß', 'ẞ':
		return append(dst, "ss"...), latin, false
	case 'æ', 'Æ':
		return append(dst, "ae"...), latin, false
	case 'œ', 'Œ':
		return append(dst, "oe"...), latin, false
	case 'ø', 'Ø':
		return append(dst, 'o'), latin, false
	case 'đ', 'Đ', 'ð', 'Ð':
		return append(dst, 'd'), latin, false
	case 'ł', 'Ł':
		return append(dst, 'l'), latin, false
	case 'ı':
		return append(dst, 'i'), latin, false
	}
	if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
		return dst, 0, unicode.IsMark(r)
	}
	var whole [utf8.UTFMax]byte
	plain := norm.NFKD.Append(nil, whole[:utf8.EncodeRune(whole[:], r)]...)
	for len(plain) > 0 {
		p, n := utf8.DecodeRune(plain)
		plain = plain[n:]
		if p == r { // nothing to take apart
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
			s |= foreign
			continue
		}
		var more script
		dst, more, _ = foldRune(dst, p)
		s |= more
	}
	return dst, s, s == 0
}

// foldArabic brings Arabic letters to the Persian keyboard's.
func foldArabic(dst []byte, r rune) (out []byte, s script, ignored bool) {
	switch {
	case 0x6f0 <= r && r <= 0x6f9:
		return append(dst, byte('0'+r-0x6f0)), digit, false
	case 0x660 <= r && r <= 0x669:
		return append(dst, byte('0'+r-0x660)), digit, false
	case 0x610 <= r && r <= 0x61a, 0x64b <= r && r <= 0x65f, r == 0x670, 0x6d6 <= r && r <= 0x6dc, 0x6df <= r && r <= 0x6e8, 0x6ea <= r && r <= 0x6ed:
		return dst, 0, true // vowel signs
	case r == 0x640, r == 'ء':
		return dst, 0, true // the lengthening stroke, a hamza by itself
	}
	switch r {
	case 'ي', 'ى', 'ئ', 'ې':
		r = 'ی'
	case 'ك':
		r = 'ک'
	case 'أ', 'إ', 'آ', 'ٱ':
		r = 'ا'
	case 'ؤ':
		r = 'و'
	case 'ة', 'ۀ', 'ہ', 'ە', 'ۂ':
		r = 'ه'
	}
	if !unicode.IsLetter(r) {
		return dst, 0, false
	}
	return utf8.AppendRune(dst, r), arabic, false
}
