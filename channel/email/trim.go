package email

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Trim parts what a person wrote from the quotes and the signature below it.
// visible + rest is text, byte for byte. A text that is nothing but quotes, or a
// forwarded mail, is all visible: somebody sent it for a reason.
func Trim(text string) (visible, rest string) {
	t := &trimmer{text: text}
	t.split()
	cut := t.tail(t.hard())
	visible = strings.TrimRightFunc(text[:t.offset(cut)], unicode.IsSpace)
	if blank(visible) {
		visible = strings.TrimRightFunc(text, unicode.IsSpace)
	}
	return visible, text[len(visible):]
}

func blank(s string) bool {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || invisible(r) }) == ""
}

func invisible(r rune) bool {
	return r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x2069 || r == 0xfeff || r == 0xad
}

type trimmer struct {
	text  string
	lines []string // cleaned for matching: trimmed, no invisible marks
	at    []int    // where each begins
	quote []bool   // which are quoted
}

const longLine = 1000 // bytes; longer ones are nobody's quote header

func (t *trimmer) split() {
	at := 0
	for line := range strings.Lines(t.text) {
		t.at = append(t.at, at)
		at += len(line)
		if len(line) > longLine {
			line = "…" + clipText(line, longLine)
		}
		if !utf8.ValidString(line) || strings.ContainsFunc(line, invisible) {
			line = strings.Map(func(r rune) rune {
				if invisible(r) {
					return -1
				}
				return r
			}, line)
		}
		t.lines = append(t.lines, strings.TrimSpace(line))
	}
	t.quote = make([]bool, len(t.lines))
	for i, line := range t.lines {
		// a long quoted line that was broken has its rest between quoted lines
		broken := line != "" && i > 0 && t.quote[i-1] && len(t.lines[i-1]) >= 50 && i+1 < len(t.lines) && quoted(t.lines[i+1])
		t.quote[i] = quoted(line) || broken
	}
}

func (t *trimmer) offset(line int) int {
	if line < len(t.at) {
		return t.at[line]
	}
	return len(t.text)
}

// hard finds the first line from which on everything is somebody else's, quoted
// with marks or not. The number of lines when there is none.
func (t *trimmer) hard() int {
	own := false // something was written above
	for i := 0; i < len(t.lines); i++ {
		line := t.lines[i]
		switch {
		case line == "" || t.quote[i]:
			continue
		case forwarded.MatchString(line):
			return len(t.lines)
		case !own:
		case original.MatchString(line), replyAbove.MatchString(line):
			return i
		case separator.MatchString(line) && t.headerBlock(t.skipBlank(i+1), 2):
			return i
		case t.sentFrom(i):
			return i
		}
		if own && (quotedField(t.lines[i-1]) == "") && t.headerBlock(i, 3) {
			return i
		}
		if n := t.attribution(i); n > 0 && own {
			if next := t.skipBlank(i + n); next >= len(t.lines) || !quoted(t.lines[next]) {
				return i
			}
			i += n - 1
			continue
		}
		own = true
	}
	return len(t.lines)
}

// tail walks up from line end over what is quoted, empty or a signature.
func (t *trimmer) tail(end int) int {
	forward := len(t.lines)
	for i, line := range t.lines {
		if forwarded.MatchString(line) {
			forward = i
			break
		}
	}
	if forward < end {
		return end
	}
	for {
		was := end
		for end > 0 && (t.lines[end-1] == "" || t.quote[end-1]) {
			end--
		}
		if end < was && end < len(t.lines) {
			for n := min(4, end); n > 0; n-- {
				if t.attribution(end-n) >= n {
					end -= n
					break
				}
			}
		}
		if s := t.signature(end); s < end && t.own(s) {
			end = s
		}
		if end == was {
			return end
		}
	}
}

// own reports whether a person has written something above line end.
func (t *trimmer) own(end int) bool {
	for i, line := range t.lines[:end] {
		if line != "" && !t.quote[i] {
			return true
		}
	}
	return false
}

func (t *trimmer) skipBlank(i int) int {
	for i < len(t.lines) && t.lines[i] == "" {
		i++
	}
	return i
}

func quoted(line string) bool {
	return strings.HasPrefix(line, ">") || strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|") || strings.HasPrefix(line, "&gt;")
}

// attribution is how many lines, from i on, are one "On Monday Ana wrote:". The
// line may be wrapped by a mailer, but not by an empty line. 0 when it is none.
func (t *trimmer) attribution(i int) int {
	joined := ""
	for n := 0; n < 4 && i+n < len(t.lines); n++ {
		line := t.lines[i+n]
		if line == "" || quoted(line) && (n == 0 || !cutAddress.MatchString(line)) || len(joined) > 500 {
			return 0
		}
		if n > 0 {
			joined += " "
		}
		joined += line
		if !strings.HasSuffix(line, ":") && !strings.HasSuffix(line, "：") && !strings.HasSuffix(line, ":*") {
			continue
		}
		if isAttribution(joined, n > 0) {
			return n + 1
		}
		return 0
	}
	return 0
}

func isAttribution(s string, wrapped bool) bool {
	if len(s) > 500 || !dateLike.MatchString(s) && !strings.Contains(s, "@") {
		return false
	}
	if wrapped && !starter.MatchString(s) {
		return false
	}
	if wroteVerb.MatchString(s) {
		return dateLike.MatchString(s) || addressed.MatchString(s)
	}
	// Yandex and Mail.ru: a date, a time, an address and a colon, no verb
	return addressed.MatchString(s) && timeLike.MatchString(s)
}

// headerBlock reports whether lines from i on are the head of a quoted mail, as
// Outlook writes it: at least want kinds of fields among eight lines.
func (t *trimmer) headerBlock(i, want int) bool {
	if i >= len(t.lines) {
		return false
	}
	first := quotedField(t.lines[i])
	if first != "from" && first != "sent" {
		return false
	}
	seen := map[string]bool{}
	misses := 0
	for j := i; j < len(t.lines) && j < i+9 && misses < 2; j++ {
		if k := quotedField(t.lines[j]); k != "" {
			seen[k] = true
			misses = 0
		} else {
			misses++
		}
	}
	return len(seen) >= want
}

func quotedField(line string) string {
	line = strings.TrimLeft(line, "*_ ")
	at := strings.IndexAny(line, ":：")
	if at <= 0 || at > 60 {
		return ""
	}
	return quotedFields[strings.ToLower(strings.Trim(line[:at], "* _\u00a0"))]
}

// sentFrom reports whether line i is a device's advertisement that stands alone.
func (t *trimmer) sentFrom(i int) bool {
	line := strings.Trim(t.lines[i], "*_ ")
	if len(line) > 120 || !deviceLine.MatchString(line) || strings.ContainsAny(line, ",;:!?") || strings.HasSuffix(line, ".") && len(strings.Fields(line)) > 6 {
		return false
	}
	return len(strings.Fields(line)) <= 9 && (i == 0 || t.lines[i-1] == "" || signatureMark(t.lines[i-1])) && (i+1 >= len(t.lines) || t.lines[i+1] == "" || i+2 >= len(t.lines))
}

// signature is the first line of a signature that ends at line end, or end.
func (t *trimmer) signature(end int) int {
	const longest = 25 // lines
	for i := end - 1; i >= 0 && i >= end-longest; i-- {
		line := t.lines[i]
		if t.quote[i] {
			break
		}
		if signatureMark(line) {
			return i
		}
	}
	// the last paragraph alone
	i := end
	for i > 0 && t.lines[i-1] != "" && !t.quote[i-1] && end-i < 10 {
		i--
	}
	if i == end || i > 0 && t.lines[i-1] != "" && !t.quote[i-1] {
		return end
	}
	first := t.lines[i]
	switch {
	case listFooter.MatchString(first):
		return i
	case end-i <= 3 && dashName.MatchString(first):
		return i
	case end-i <= 2 && t.sentFrom(i):
		return i
	}
	return end
}

// signatureMark is the line that everyone agrees on, and what mailers make of it.
func signatureMark(line string) bool {
	switch line {
	case "--", "—", "– –", "-- ", "__":
		return true
	}
	return false
}

// NormalSubject is a subject without what mailers and people put in front of
// it, in lower case: "Ответ: Re[2]: Fwd: Счёт" and "счёт" are one.
func NormalSubject(subject string) string {
	s := strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, subject)
	for {
		was := s
		s = strings.TrimSpace(s)
		if at := replyPrefix.FindStringIndex(s); at != nil {
			s = s[at[1]:]
		}
		if at := listTag.FindStringIndex(s); at != nil && at[1] < len(s) {
			s = s[at[1]:]
		}
		if at := forwardTail.FindStringIndex(s); at != nil {
			s = s[:at[0]]
		}
		if s == was {
			break
		}
	}
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}

var (
	replyPrefix = regexp.MustCompile(`(?i)^(re|r|rép|rep|ref|rif|aw|antw|antwort|antwoord|sv|vs|vl|vá|va|ynt|odp|hal|atb|bls|res|resp|fw|fwd|fyi|wg|wtr|tr|i|rv|enc|doorst|pd|továbbítás|vb|ilt|fs|isl|ref|vidarebefordrat|trs|ha|на|отв|ответ|отв|пер|пересл|переслано|пересылка|відп|відповідь|پاسخ|ارسال|هدایت|باز ارسال|رد|إعادة توجيه|转发|轉寄|回复|回覆|答复|返信|転送|답장|전달|trả lời|chuyển tiếp|תגובה|העברה|σχετ|απ|πρθ)\s*(\[\d{1,4}\]|\(\d{1,4}\)|\*\d{1,4}|\^\d{1,4}|\d{1,2})?\s*[:：]\s*`)
	listTag     = regexp.MustCompile(`(?i)^\[(external|ext|внешнее|внешний|внешняя почта|spam|спам|fwd|fw|re)\]\s*`)
	forwardTail = regexp.MustCompile(`(?i)\s*\((fwd|fw|переслано)\)$`)
)
