package blob

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// nameMax is the length of a file's name in bytes that every file system takes,
// with room for a " (2)".
const nameMax = 200

// CleanName is a stranger's file name as it may be shown and saved: no path, no
// control or direction-changing characters, nothing that a file system refuses,
// at most 200 bytes with its extension kept. What is left empty becomes "file".
func CleanName(name string) string {
	name = norm.NFC.String(strings.ToValidUTF8(name, "_"))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c' || r == '\u200d': // joiners are letters' business in Persian, and emoji's
			return r
		case r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Zs, r) || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r):
			return -1 // among them the marks that turn "fdp.exe" round
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	name = strings.Trim(name, ". \u200c\u200d")
	if len(name) > nameMax {
		ext := ""
		if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 32 {
			ext = name[i:]
		}
		stem := name[:nameMax-len(ext)]
		for len(stem) > 0 && !utf8.RuneStart(name[len(stem)]) {
			stem = stem[:len(stem)-1]
		}
		name = strings.TrimRight(stem, ". ") + ext
	}
	if stem, _, _ := strings.Cut(name, "."); reserved[strings.ToLower(stem)] {
		name = "_" + name
	}
	if name == "" {
		return "file"
	}
	return name
}

// reserved are names that open a device on Windows.
var reserved = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
}
