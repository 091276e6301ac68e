package email

import (
	"encoding/base64"
	"net/mail"
	"strings"
	"time"
	"unicode"
)

// header is the fields of one entity, in order, as they were written.
type header []field

type field struct {
	name string // lower case
	raw  string // unfolded, undecoded, without the line end
}

// get is the undecoded value of the first field called name (lower case).
func (h header) get(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.raw
		}
	}
	return ""
}

// all are the undecoded values of every field called name.
func (h header) all(name string) []string {
	var vs []string
	for _, f := range h {
		if f.name == name {
			vs = append(vs, f.raw)
		}
	}
	return vs
}

func (h header) has(name string) bool {
	for _, f := range h {
		if f.name == name {
			return true
		}
	}
	return false
}

// text is a field's value for a person: words decoded, control characters gone.
func (h header) text(name string) string { return printable(decodeWords(h.get(name))) }

// printable makes one line of s: no control characters, single spaces at folds.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// decodeWords reads RFC 2047 words wherever they are, also where the standard
// forbids them: inside quotes, beside other text, with spaces in them, with a
// letter split between two words. Bytes outside of words get their charset guessed.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return rawText(s)
	}
	var out strings.Builder
	var pending []byte // decoded bytes of adjacent words of one charset
	charset, gap := "", ""
	flush := func() {
		if charset != "" {
			out.WriteString(decodeCharset(pending, charset))
			pending, charset = nil, ""
		}
	}
	for len(s) > 0 {
		at := strings.Index(s, "=?")
		if at < 0 {
			break
		}
		label, raw, n, ok := encodedWord(s[at:])
		if !ok {
			flush()
			out.WriteString(gap + rawText(s[:at+2]))
			gap, s = "", s[at+2:]
			continue
		}
		before := s[:at]
		if charset != "" && strings.TrimSpace(before) == "" {
			// the space between two words is only there to part them
			if cleanLabel(label) != charset {
				flush()
			}
		} else {
			flush()
			out.WriteString(rawText(before))
		}
		charset = cleanLabel(label)
		if charset == "" {
			charset = "us-ascii"
		}
		pending = append(pending, raw...)
		s = s[at+n:]
	}
	flush()
	out.WriteString(rawText(s))
	return out.String()
}

func rawText(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return guessCharset([]byte(s))
		}
	}
	if strings.Contains(s, "\x1b$") {
		return decodeCharset([]byte(s), "iso-2022-jp")
	}
	return s
}

// encodedWord reads one word at the start of s and says how long it is.
func encodedWord(s string) (charset string, raw []byte, n int, ok bool) {
	rest := s[2:]
	q := strings.IndexByte(rest, '?')
	if q <= 0 || q > 60 || len(rest) < q+3 || rest[q+2] != '?' || strings.ContainsAny(rest[:q], " \t\r\n=") {
		return "", nil, 0, false
	}
	body := rest[q+3:]
	end := strings.Index(body, "?=")
	if end < 0 {
		return "", nil, 0, false
	}
	// "?=" may be the "?" that ends a word whose text ends in "=": =?x?Q?a?==
	charset = rest[:q]
	n = 2 + q + 3 + end + 2
	text := body[:end]
	switch rest[q+1] {
	case 'q', 'Q':
		return charset, decodeQ(text), n, true
	case 'b', 'B':
		return charset, looseBase64(text), n, true
	}
	return "", nil, 0, false
}

func decodeQ(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			out = append(out, ' ')
		case c == '=' && i+2 < len(s)+0 && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		case c == '\r' || c == '\n':
		default:
			out = append(out, c)
		}
	}
	return out
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// looseBase64 decodes what can be decoded: foreign characters are skipped and
// padding is optional.
func looseBase64(s string) []byte {
	var out, group []byte
	take := func() {
		for len(group) > 0 && len(group)%4 == 1 {
			group = group[:len(group)-1]
		}
		if b, err := base64.RawStdEncoding.DecodeString(string(group)); err == nil {
			out = append(out, b...)
		}
		group = group[:0]
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
			group = append(group, c)
		case c == '=':
			take()
		}
	}
	take()
	return out
}

// params splits a structured value such as Content-Type into its first word,
// lower case, and its parameters with RFC 2231 continuations and charsets undone.
func params(raw string) (value string, ps map[string]string) {
	ps = map[string]string{}
	pieces := splitParams(raw)
	if len(pieces) == 0 {
		return "", ps
	}
	value = strings.ToLower(strings.TrimSpace(stripComments(pieces[0])))
	if i := strings.IndexAny(value, " \t\""); i >= 0 && strings.Contains(value[:i], "/") {
		value = value[:i]
	}
	type chunk struct {
		text    string
		encoded bool
	}
	split := map[string]map[int]chunk{}
	for _, p := range pieces[1:] {
		k, v, ok := strings.Cut(p, "=")
		if !ok {
			continue
		}
		k = strings.ToLower(strings.TrimSpace(stripComments(k)))
		v = unquote(strings.TrimSpace(v))
		encoded := strings.HasSuffix(k, "*")
		k = strings.TrimSuffix(k, "*")
		name, num, numbered := strings.Cut(k, "*")
		if !numbered && !encoded {
			if _, dup := ps[name]; !dup {
				ps[name] = v
			}
			continue
		}
		at := 0
		for i := 0; i < len(num) && num[i] >= '0' && num[i] <= '9' && at < 1000; i++ {
			at = at*10 + int(num[i]-'0')
		}
		if split[name] == nil {
			split[name] = map[int]chunk{}
		}
		split[name][at] = chunk{v, encoded}
	}
	for name, chunks := range split {
		var raw []byte
		label := ""
		for i := range len(chunks) + 1 {
			c, ok := chunks[i]
			if !ok {
				continue
			}
			text := c.text
			if c.encoded {
				if a, rest, ok := strings.Cut(text, "'"); ok && label == "" && len(raw) == 0 {
					if _, val, ok := strings.Cut(rest, "'"); ok {
						label, text = a, val
					}
				}
				raw = append(raw, percent(text)...)
			} else {
				raw = append(raw, text...)
			}
		}
		s := decodeCharset(raw, label)
		if strings.Contains(s, "=?") {
			s = decodeWords(s)
		}
		ps[name] = s
	}
	return value, ps
}

// splitParams splits at the semicolons that are not inside quotes.
func splitParams(s string) []string {
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func unquote(s string) string {
	if len(s) == 0 || s[0] != '"' {
		s = stripComments(s)
		return strings.TrimSpace(s)
	}
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			// a path from Windows is meant as written; only quotes and backslashes are escaped
			if i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
				i++
			}
			out.WriteByte(s[i])
		case '"':
			return out.String()
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// stripComments takes (comments) out of an unquoted value.
func stripComments(s string) string {
	if !strings.Contains(s, "(") {
		return s
	}
	var out strings.Builder
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func percent(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return out
}

// messageIDs are the <ids> of a References or In-Reply-To value, in order, once each.
func messageIDs(raw string) []string {
	var ids []string
	seen := map[string]bool{}
	for len(ids) < 200 {
		a := strings.IndexByte(raw, '<')
		if a < 0 {
			break
		}
		b := strings.IndexByte(raw[a:], '>')
		if b < 0 {
			break
		}
		id := strings.Join(strings.Fields(raw[a:a+b+1]), "")
		raw = raw[a+b+1:]
		if len(id) > 4 && len(id) < 500 && !seen[id] {
			seen[id] = true
			ids = append(ids, strings.ToValidUTF8(id, ""))
		}
	}
	return ids
}

// parseDate reads the dates that mailers write; the zero time when it cannot.
func parseDate(raw string) time.Time {
	raw = strings.TrimSpace(stripComments(raw))
	if raw == "" {
		return time.Time{}
	}
	if t, err := mail.ParseDate(raw); err == nil {
		return t.UTC()
	}
	if _, rest, ok := strings.Cut(raw, ","); ok {
		raw = strings.TrimSpace(rest) // a weekday in some language
	}
	raw = strings.Join(strings.Fields(raw), " ")
	for _, layout := range []string{
		"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04 -0700",
		"2 Jan 06 15:04:05 -0700", "2 Jan 06 15:04:05 MST", "2 January 2006 15:04:05 -0700", "2-Jan-2006 15:04:05 -0700",
		"Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 MST 2006", "Mon Jan 2 15:04:05 -0700 2006",
		time.RFC3339, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05",
	} {
		if t, err := time.Parse(layout, raw); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
