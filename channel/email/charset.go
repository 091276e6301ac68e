package email

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gogs/chardet"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	utf16enc "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// charsets are the labels that mailers write and the indexes do not know.
var charsets = map[string]encoding.Encoding{
	"cp1250": charmap.Windows1250, "cp1251": charmap.Windows1251, "cp1252": charmap.Windows1252,
	"cp1253": charmap.Windows1253, "cp1254": charmap.Windows1254, "cp1255": charmap.Windows1255,
	"cp1256": charmap.Windows1256, "cp1257": charmap.Windows1257, "cp1258": charmap.Windows1258,
	"win-1251": charmap.Windows1251, "win1251": charmap.Windows1251, "windows1251": charmap.Windows1251,
	"windows-cyrillic": charmap.Windows1251, "x-windows-1251": charmap.Windows1251,
	"koi8": charmap.KOI8R, "koi-8": charmap.KOI8R, "koi8r": charmap.KOI8R,
	"cp437": charmap.CodePage437, "ibm437": charmap.CodePage437, "cp850": charmap.CodePage850, "ibm850": charmap.CodePage850,
	"cp852": charmap.CodePage852, "cp855": charmap.CodePage855, "cp858": charmap.CodePage858, "cp865": charmap.CodePage865,
	"cp866": charmap.CodePage866, "cp-866": charmap.CodePage866, "ibm866": charmap.CodePage866,
	"latin1": charmap.Windows1252, "latin-1": charmap.Windows1252, "iso8859-1": charmap.Windows1252, "iso-8859-1": charmap.Windows1252,
	"iso8859-2": charmap.ISO8859_2, "iso8859-5": charmap.ISO8859_5, "iso8859-8": charmap.ISO8859_8, "iso-8859-8-i": charmap.ISO8859_8, "iso-8859-8-e": charmap.ISO8859_8,
	"iso8859-9": charmap.Windows1254, "iso8859-15": charmap.ISO8859_15, "iso-8859-6-i": charmap.ISO8859_6,
	"gb2312": simplifiedchinese.GB18030, "gbk": simplifiedchinese.GB18030, "gb18030": simplifiedchinese.GB18030, "cp936": simplifiedchinese.GB18030, "x-gbk": simplifiedchinese.GB18030,
	"hz-gb-2312": simplifiedchinese.HZGB2312, "hz": simplifiedchinese.HZGB2312,
	"utf-16": utf16enc.UTF16(utf16enc.BigEndian, utf16enc.UseBOM), "utf-16be": utf16enc.UTF16(utf16enc.BigEndian, utf16enc.IgnoreBOM),
	"utf-16le": utf16enc.UTF16(utf16enc.LittleEndian, utf16enc.IgnoreBOM),
	"utf-32":   utf32.UTF32(utf32.BigEndian, utf32.UseBOM), "utf-32be": utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
	"utf-32le": utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM),
}

// cyrillic are the encodings that Russian mail is mislabelled among.
var cyrillic = []encoding.Encoding{charmap.Windows1251, charmap.KOI8R, charmap.CodePage866, charmap.ISO8859_5, charmap.MacintoshCyrillic}

// lookupCharset is the encoding that label names, nil when it is unknown.
func lookupCharset(label string) encoding.Encoding {
	if e := charsets[label]; e != nil {
		return e
	}
	if e, err := htmlindex.Get(label); err == nil && e != encoding.Replacement {
		return e
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil && e != nil {
		return e
	}
	return nil
}

func cleanLabel(label string) string {
	label = strings.ToLower(strings.Trim(strings.TrimSpace(label), `"'`))
	label, _, _ = strings.Cut(label, "*") // RFC 2231: a language follows
	return strings.ReplaceAll(label, "_", "-")
}

// stateful reports whether text in this charset is made of ASCII bytes, or of
// units that are no bytes, so that looking at single bytes proves nothing.
func stateful(label string) bool {
	for _, p := range []string{"utf-7", "utf7", "unicode-1-1-utf-7", "iso-2022", "csiso2022", "hz", "utf-16", "utf-32", "unicode", "ucs-2", "x-utf-7", "imap4-utf-7"} {
		if strings.HasPrefix(label, p) {
			return true
		}
	}
	return false
}

// decodeCharset returns b as UTF-8. The label is a claim: when the bytes
// contradict it, the encoding is guessed from them. It never fails; what cannot
// be read becomes U+FFFD.
func decodeCharset(b []byte, label string) string {
	label = cleanLabel(label)
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return strings.ToValidUTF8(string(b[3:]), "\uFFFD")
	case len(b) >= 4 && bytes.HasPrefix(b, []byte("\xff\xfe")) && !strings.HasPrefix(label, "utf-32"), len(b) >= 4 && bytes.HasPrefix(b, []byte("\xfe\xff")):
		return decodeWith(utf16enc.UTF16(utf16enc.BigEndian, utf16enc.UseBOM), b)
	}
	if stateful(label) {
		if strings.Contains(label, "utf-7") || strings.Contains(label, "utf7") {
			return decodeUTF7(b)
		}
		if e := lookupCharset(label); e != nil {
			return decodeWith(e, b)
		}
	}
	high := 0
	for _, c := range b {
		if c >= 0x80 {
			high++
		}
	}
	if high == 0 {
		if bytes.Contains(b, []byte("\x1b$")) {
			return decodeWith(lookupCharset("iso-2022-jp"), b)
		}
		return string(b)
	}
	e := lookupCharset(label)
	if label == "utf-8" || label == "utf8" || label == "us-ascii" || e == nil || multibyte(label) {
		if utf8.Valid(b) && !multibyte(label) {
			return string(b)
		}
		if multibyte(label) {
			s := decodeWith(e, b)
			if bad(s) == 0 || !utf8.Valid(b) && bad(s)*20 < high {
				return s
			}
		}
		return guessCharset(b)
	}
	if utf8.Valid(b) {
		return string(b) // by chance, single-byte text is hardly ever valid UTF-8
	}
	s := decodeWith(e, b)
	if mistakable(label) {
		if better, ok := plausibleCyrillic(b, s); ok {
			return better
		}
	}
	if bad(s)*10 > high {
		return guessCharset(b)
	}
	return s
}

// mistakable reports whether mailers are known to put this label on Russian text
// of another encoding.
func mistakable(label string) bool {
	e := lookupCharset(label)
	for _, c := range append([]encoding.Encoding{charmap.Windows1252, charmap.KOI8U, charmap.ISO8859_15}, cyrillic...) {
		if e == c {
			return true
		}
	}
	return false
}

func multibyte(label string) bool {
	for _, p := range []string{"gb", "big5", "euc", "shift", "sjis", "x-sjis", "ks-c", "ks_c", "cp936", "cp949", "cp932", "windows-31j", "windows-949", "ksc", "korean", "x-gbk"} {
		if strings.HasPrefix(label, p) {
			return lookupCharset(label) != nil
		}
	}
	return false
}

func decodeWith(e encoding.Encoding, b []byte) string {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

func bad(s string) int { return strings.Count(s, "\uFFFD") }

// guessCharset reads bytes that nobody, or a liar, has labelled.
func guessCharset(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	if good, wrong := utf8Shape(b); good > 3*wrong {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	if s, ok := plausibleCyrillic(b, ""); ok {
		return s
	}
	sample := b
	if len(sample) > 16<<10 {
		sample = sample[:16<<10]
	}
	if r, err := chardet.NewTextDetector().DetectBest(sample); err == nil && r.Confidence >= 20 {
		if e := lookupCharset(cleanLabel(r.Charset)); e != nil {
			if s := decodeWith(e, b); bad(s) == 0 {
				return s
			}
		}
	}
	return decodeWith(charmap.Windows1252, b)
}

// utf8Shape counts the multi-byte sequences of b that are right and wrong.
func utf8Shape(b []byte) (good, wrong int) {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case n > 1:
			good++
		case r == utf8.RuneError:
			wrong++
		}
		b = b[n:]
	}
	return good, wrong
}

// plausibleCyrillic reads b in each Cyrillic encoding and reports the reading
// that looks like Russian, when it looks much more so than have does.
func plausibleCyrillic(b []byte, have string) (string, bool) {
	sample, high, letters := b, 0, 0
	if len(sample) > 8<<10 {
		sample = sample[:8<<10]
	}
	for _, c := range sample {
		if c >= 0x80 {
			high++
		} else if c|0x20 >= 'a' && c|0x20 <= 'z' {
			letters++
		}
	}
	if high < 4 || high*2 < letters {
		return "", false // some accents in a Latin text
	}
	current := -10.0
	if have != "" {
		current = russianScore(have)
	}
	var best encoding.Encoding
	score := max(current+1.5, 1.5)
	for _, e := range cyrillic {
		if s := russianScore(decodeWith(e, sample)); s > score {
			best, score = e, s
		}
	}
	if best == nil {
		return "", false
	}
	return decodeWith(best, b), true
}

// russianScore is how Russian a text looks: frequent letters count more, and
// what decoding with the wrong table leaves behind (capitals inside words, box
// drawing, other scripts) counts against it. About 4 for prose, below 1 for noise.
func russianScore(s string) float64 {
	const order = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
	var sum float64
	n := 0
	var prev rune
	small := false // the word began with a small letter
	for i, r := range s {
		if i > 8<<10 {
			break
		}
		if r < 0x80 {
			prev = r
			continue
		}
		n++
		low := unicode.ToLower(r)
		at := strings.IndexRune(order, low)
		switch {
		case at >= 0:
			sum += 6 - float64(at)/12 // two bytes a letter: 6 down to about 0.7
			if !unicode.IsLetter(prev) {
				small = unicode.IsLower(r)
			}
			if unicode.IsUpper(r) && small {
				sum -= 5 // KOI8 and Windows-1251 taken for each other swap the case
			}
			if unicode.IsUpper(r) && !unicode.IsLetter(prev) {
				sum -= 0.5
			}
		case strings.ContainsRune("іїєґўІЇЄҐЎ«»—–№“”„…\u00a0", r):
			sum += 1
		default:
			sum -= 6
		}
		prev = r
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// decodeUTF7 reads RFC 2152 text; a broken shift is kept as it is written.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] != '+' {
			out.WriteByte(b[i])
			continue
		}
		j := i + 1
		for j < len(b) && strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", b[j]) >= 0 {
			j++
		}
		if j == i+1 {
			out.WriteByte('+')
			if j < len(b) && b[j] == '-' {
				i = j
			}
			continue
		}
		code := b[i+1 : j]
		if len(code)%4 == 1 {
			code = code[:len(code)-1]
		}
		raw, err := base64.RawStdEncoding.DecodeString(string(code))
		if err != nil {
			out.Write(b[i:j])
		} else {
			units := make([]uint16, len(raw)/2)
			for k := range units {
				units[k] = uint16(raw[2*k])<<8 | uint16(raw[2*k+1])
			}
			out.WriteString(string(utf16.Decode(units)))
		}
		i = j - 1
		if j < len(b) && b[j] == '-' {
			i = j
		}
	}
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}
