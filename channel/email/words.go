package email

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

func newBuffered(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 8<<10) }

// clipText cuts s to at most n bytes, not inside a letter.
func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

var metaTag = regexp.MustCompile(`(?i)<meta[^>]{0,200}charset\s*=\s*["']?([a-z0-9_:.-]{2,40})`)

// metaCharset is the charset that a page declares about itself.
func metaCharset(page []byte) string {
	if m := metaTag.FindSubmatch(page[:min(len(page), 4<<10)]); m != nil {
		return string(m[1])
	}
	return ""
}

// unflow undoes RFC 3676: lines that end in a space go on in the next.
func unflow(s string, delSp bool) string {
	var out strings.Builder
	depth, open := 0, false
	for i, line := range strings.Split(s, "\n") {
		d := 0
		for d < len(line) && line[d] == '>' {
			d++
		}
		quote, rest := line[:d], strings.TrimPrefix(line[d:], " ")
		more := strings.HasSuffix(rest, " ") && rest != "-- "
		if more && delSp {
			rest = rest[:len(rest)-1]
		}
		switch {
		case open && d == depth && rest != "-- ":
			out.WriteString(rest)
		default:
			if i > 0 {
				out.WriteByte('\n')
			}
			out.WriteString(quote)
			if d > 0 && rest != "" {
				out.WriteByte(' ')
			}
			out.WriteString(rest)
		}
		depth, open = d, more
	}
	return out.String()
}

var richTag = regexp.MustCompile(`(?is)<param>.*?</param>|<(/?)([a-z0-9-]+)>`)

// unrich takes the mark-up out of text/enriched (RFC 1896).
func unrich(s string) string {
	s = strings.ReplaceAll(s, "<<", "\x01")
	s = richTag.ReplaceAllStringFunc(s, func(tag string) string {
		if strings.EqualFold(tag, "<nl>") || strings.EqualFold(tag, "</paragraph>") {
			return "\n"
		}
		return ""
	})
	return strings.ReplaceAll(s, "\x01", "<")
}

var icsLine = regexp.MustCompile(`(?i)^(SUMMARY|DTSTART|DTEND|LOCATION|DESCRIPTION)(;[^:]*)?:(.*)$`)

// calendarText is what an invitation says, for mails that have no other text.
func calendarText(raw []byte) string {
	s := strings.ReplaceAll(decodeCharset(raw, "utf-8"), "\r\n", "\n")
	s = strings.NewReplacer("\n ", "", "\n\t", "").Replace(s) // RFC 5545 folding
	var lines []string
	inside := false
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.EqualFold(line, "BEGIN:VEVENT"):
			inside = true
		case strings.EqualFold(line, "END:VEVENT"):
			return strings.Join(lines, "\n")
		case inside:
			if m := icsLine.FindStringSubmatch(line); m != nil && len(lines) < 20 {
				lines = append(lines, strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(m[3]))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// invite keeps a calendar object as a file and reads it for its words.
func (m *parser) invite(p *part, r io.Reader) error {
	m.mark("calendar")
	var head bytes.Buffer
	if p.name == "" {
		p.name = "invite.ics"
	}
	if err := m.file(p, io.TeeReader(r, &capped{&head, 64 << 10}), "calendar"); err != nil {
		return err
	}
	if m.calendar == "" {
		m.calendar = calendarText(head.Bytes())
	}
	return nil
}
