package email

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-msgauth/dkim"

	"holdfast"
	"holdfast/channel"
)

// letter is one mail ready to be written. Writing it twice gives the same bytes,
// so that it can be signed in one pass and sent in the next, and so that a mail
// sent again is the same mail.
type letter struct {
	head       []string // "Name: value", folded, without the line end
	boundary   string
	text, page string
	inline     []holdfast.Attachment
	files      []holdfast.Attachment
	from       string   // of the envelope
	to         []string // of the envelope: the recipient, then copies
}

// compose turns m into a letter. The error is a *channel.Failure.
func (a *adapter) compose(m *channel.Outbound) (*letter, error) {
	own, _ := wireAddress(a.set.Address)
	l := &letter{from: own}
	invalid := func(s string) error {
		return &channel.Failure{Reason: channel.Blocked, Code: "5.1.3", Text: fmt.Sprintf("%q is not an e-mail address", clipText(printable(s), 100))}
	}
	to, ok := wireAddress(m.To.Value)
	if !ok {
		return nil, invalid(m.To.Value)
	}
	l.to = []string{to}
	var cc []string
	for _, list := range []struct {
		who    []string
		hidden bool
	}{{m.CC, false}, {m.BCC, true}} {
		for _, entry := range list.who {
			people := parseAddresses(entry)
			if len(people) != 1 || strings.ContainsFunc(entry, unicode.IsControl) {
				return nil, invalid(entry)
			}
			wire, ok := wireAddress(people[0].email)
			if !ok {
				return nil, invalid(entry)
			}
			l.to = append(l.to, wire)
			if !list.hidden {
				cc = append(cc, mailbox(people[0].name, wire))
			}
		}
	}
	at := m.At
	if at.IsZero() {
		at = a.env.Now()
	}
	id := m.ExternalID
	if ids := messageIDs(id); len(ids) == 1 {
		id = ids[0]
	} else {
		id = ExternalID(m.ID, a.set.Address)
	}
	sum := sha256.Sum256([]byte(id))
	l.boundary = "hf-" + hex.EncodeToString(sum[:12])

	l.add("Date", at.UTC().Format(time.RFC1123Z))
	l.add("From", mailbox(a.fromName(m), own))
	l.add("To", mailbox(m.To.Name, to))
	if len(cc) > 0 {
		l.add("Cc", strings.Join(cc, ", "))
	}
	if a.set.PlusAddressing && !m.Conversation.IsZero() {
		if plus := plusAddress(own, a.env.Key, m.Conversation); plus != own {
			l.add("Reply-To", mailbox(a.set.plainName(), plus))
		}
	}
	l.add("Subject", encodeText(printable(m.Subject)))
	l.add("Message-ID", id)
	var thread []string
	for _, ref := range m.Thread {
		thread = append(thread, messageIDs(ref)...)
	}
	if n := len(thread); n > 0 {
		l.add("In-Reply-To", thread[n-1])
		if n > 20 { // the first and the nearest are what threading needs
			thread = append(thread[:1:1], thread[n-19:]...)
		}
		l.add("References", strings.Join(thread, " "))
	}
	if m.Automatic {
		l.add("Auto-Submitted", "auto-replied")
		l.add("Precedence", "auto_reply")
		l.add("X-Auto-Response-Suppress", "All")
	}
	if strings.HasPrefix(m.Unsubscribe, "https://") || strings.HasPrefix(m.Unsubscribe, "http://") {
		l.head = append(l.head, "List-Unsubscribe: <"+strings.Map(graphic, m.Unsubscribe)+">") // never folded: it would be broken
		l.add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	l.add(loopHeader, own)
	l.add("MIME-Version", "1.0")

	l.bodies(a.set, m)
	for _, f := range m.Attachments {
		if f.CID != "" && strings.Contains(l.page, "cid:"+f.CID) {
			l.inline = append(l.inline, f)
		} else {
			l.files = append(l.files, f)
		}
	}
	return l, nil
}

// fromName is the name beside our address. "{author}" in the setting stands for
// the operator; without one, what is left of the setting.
func (a *adapter) fromName(m *channel.Outbound) string {
	name := a.set.Name
	if name == "" {
		name = a.account.Name
	}
	if !strings.Contains(name, "{author}") {
		return name
	}
	if m.Author == "" {
		return (&Settings{Name: name}).plainName()
	}
	return strings.ReplaceAll(name, "{author}", m.Author)
}

func (s *Settings) plainName() string {
	return strings.Trim(strings.ReplaceAll(s.Name, "{author}", ""), " ,-–—|/·")
}

// bodies makes both forms of the text, each with the signature.
func (l *letter) bodies(s *Settings, m *channel.Outbound) {
	text, page := strings.ReplaceAll(m.Text, "\r\n", "\n"), m.HTML
	if strings.TrimSpace(text) == "" && page != "" {
		text = htmlText(page)
	}
	if page == "" {
		page = textHTML(text)
	} else {
		page = `<div dir="auto">` + page + "</div>"
	}
	// Some mail programs show a page that names no font in one that nobody chose.
	page = `<div style="` + letterStyle + `">` + "\n" + page
	if sig := strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(s.Signature, "\r\n", "\n"), "{author}", m.Author)); sig != "" {
		text = strings.TrimRight(text, "\n ") + "\n\n-- \n" + sig
		page += "\n<p dir=\"auto\">-- <br>\n" + lines(sig) + "</p>"
	}
	page += "\n</div>"
	l.text = strings.TrimRight(text, "\n") + "\n"
	l.page = "<!doctype html>\n<html><head><meta charset=\"utf-8\"></head><body>\n" + page + "\n</body></html>\n"
}

// letterStyle is of fonts that are there where mail is read, and that have Cyrillic
// and Persian letters. It says no colour, so that a dark screen may choose its own.
const letterStyle = "font-family: 'Segoe UI', Roboto, 'Helvetica Neue', Tahoma, Arial, sans-serif; font-size: 15px; line-height: 1.5"

// add appends a field, folded at spaces. Nothing in value can begin another
// field: line ends do not survive.
func (l *letter) add(name, value string) {
	value = strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return -1
		}
		return r
	}, value)
	l.head = append(l.head, fold(name+": "+value))
}

// graphic drops what cannot stand in an address between angle brackets.
func graphic(r rune) rune {
	if r <= ' ' || r >= 0x7f || r == '<' || r == '>' {
		return -1
	}
	return r
}

func fold(line string) string {
	var out strings.Builder
	width := 0
	for i, word := range strings.Split(line, " ") {
		if i > 0 {
			if width+1+len(word) > 76 && width > 1 {
				out.WriteString("\r\n ")
				width = 1
			} else {
				out.WriteByte(' ')
				width++
			}
		}
		out.WriteString(word)
		width += len(word)
	}
	return out.String()
}

// encodeText is s as RFC 2047 words when it needs them.
func encodeText(s string) string {
	if isASCII(s) && !strings.Contains(s, "=?") && longestWord(s) < 900 {
		return s
	}
	ascii := 0
	for _, r := range s {
		if r < 0x80 {
			ascii++
		}
	}
	if ascii*2 > len([]rune(s)) {
		return mime.QEncoding.Encode("utf-8", s)
	}
	return mime.BEncoding.Encode("utf-8", s)
}

func longestWord(s string) int {
	n := 0
	for _, w := range strings.Fields(s) {
		n = max(n, len(w))
	}
	return n
}

func mailbox(name, address string) string {
	name = printable(strings.ToValidUTF8(name, ""))
	switch {
	case name == "":
		return "<" + address + ">"
	case !isASCII(name) || strings.Contains(name, "=?"):
		return encodeText(name) + " <" + address + ">"
	case strings.IndexFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' ' }) >= 0:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `" <` + address + ">"
	}
	return name + " <" + address + ">"
}

// write writes the letter with CRLF line ends; files come from blobs as streams.
func (l *letter) write(ctx context.Context, w io.Writer, blobs channel.Blobs) error {
	e := &mimeWriter{w: w}
	for _, f := range l.head {
		e.line(f)
	}
	switch {
	case len(l.files) > 0:
		e.open("multipart/mixed", l.boundary+"-m", "")
		e.part(l.boundary + "-m")
		l.related(ctx, e, blobs)
		for _, f := range l.files {
			e.part(l.boundary + "-m")
			e.file(ctx, f, "attachment", blobs)
		}
		e.close(l.boundary + "-m")
	default:
		l.related(ctx, e, blobs)
	}
	return e.err
}

func (l *letter) related(ctx context.Context, e *mimeWriter, blobs channel.Blobs) {
	if len(l.inline) == 0 {
		l.alternative(e)
		return
	}
	e.open("multipart/related", l.boundary+"-r", `; type="multipart/alternative"`)
	e.part(l.boundary + "-r")
	l.alternative(e)
	for _, f := range l.inline {
		e.part(l.boundary + "-r")
		e.file(ctx, f, "inline", blobs)
	}
	e.close(l.boundary + "-r")
}

func (l *letter) alternative(e *mimeWriter) {
	e.open("multipart/alternative", l.boundary+"-a", "")
	e.part(l.boundary + "-a")
	e.text("text/plain", l.text)
	e.part(l.boundary + "-a")
	e.text("text/html", l.page)
	e.close(l.boundary + "-a")
}

// sign is the DKIM-Signature field of the letter, with its line end; empty
// without a key.
func (a *adapter) sign(ctx context.Context, l *letter) (string, error) {
	if a.dkim == nil {
		return "", nil
	}
	keys := []string{"From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Reply-To", "MIME-Version", "Content-Type"}
	for _, line := range l.head {
		if name, _, _ := strings.Cut(line, ":"); strings.HasPrefix(name, "List-Unsubscribe") {
			keys = append(keys, name) // RFC 8058 wants them signed; absent ones a mailing list may add
		}
	}
	s, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: a.set.DKIMDomain, Selector: a.set.DKIMSelector, Signer: a.dkim,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: keys,
	})
	if err != nil {
		return "", err
	}
	if err := l.write(ctx, s, a.env.Blobs); err != nil {
		s.Close()
		return "", err
	}
	if err := s.Close(); err != nil {
		return "", err
	}
	return s.Signature(), nil
}

// mimeWriter keeps the first error, so that the caller need not look after each line.
type mimeWriter struct {
	w   io.Writer
	err error
}

func (e *mimeWriter) raw(s string) {
	if e.err == nil {
		_, e.err = io.WriteString(e.w, s)
	}
}

func (e *mimeWriter) line(s string) { e.raw(s + "\r\n") }

func (e *mimeWriter) open(media, boundary, more string) {
	e.line("Content-Type: " + media + `; boundary="` + boundary + `"` + more)
	e.line("")
}

func (e *mimeWriter) part(boundary string)  { e.line("\r\n--" + boundary) }
func (e *mimeWriter) close(boundary string) { e.line("\r\n--" + boundary + "--") }

func (e *mimeWriter) text(media, s string) {
	high := 0
	for i := range len(s) {
		if s[i] >= 0x80 {
			high++
		}
	}
	e.line("Content-Type: " + media + "; charset=utf-8")
	if high*4 > len(s) {
		e.line("Content-Transfer-Encoding: base64\r\n")
		e.base64(strings.NewReader(strings.ReplaceAll(s, "\n", "\r\n")))
		return
	}
	e.line("Content-Transfer-Encoding: quoted-printable\r\n")
	if e.err != nil {
		return
	}
	q := quotedprintable.NewWriter(e.w)
	if _, e.err = io.WriteString(q, strings.ReplaceAll(s, "\n", "\r\n")); e.err == nil {
		e.err = q.Close()
	}
}

func (e *mimeWriter) file(ctx context.Context, f holdfast.Attachment, disposition string, blobs channel.Blobs) {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '/' || r == '\\' || r == '"' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(f.Name, ""))
	if name == "" {
		name = "file"
	}
	media := f.Type
	if t, _, err := mime.ParseMediaType(media); err != nil || strings.HasPrefix(t, "multipart/") || strings.HasPrefix(t, "message/") {
		media = "application/octet-stream" // base64 is not allowed for composite types
	} else {
		media = t
	}
	// the encoded word is against the standard and what older Outlooks read
	e.line(fold("Content-Type: " + media + "; name=\"" + encodeText(name) + "\""))
	e.line("Content-Transfer-Encoding: base64")
	e.line("Content-Disposition: " + disposition + ";" + fileNameParam(name))
	if f.CID != "" {
		e.line("Content-ID: <" + strings.Map(func(r rune) rune {
			if r <= ' ' || r >= 0x7f || r == '<' || r == '>' {
				return -1
			}
			return r
		}, f.CID) + ">")
	}
	e.line("")
	if e.err != nil {
		return
	}
	r, err := blobs.Open(ctx, f.Hash)
	if err != nil {
		e.err = fmt.Errorf("attachment %s: %w", name, err)
		return
	}
	defer r.Close()
	e.base64(r)
}

// fileNameParam is the RFC 2231 form of a name, split when it is long.
func fileNameParam(name string) string {
	if isASCII(name) && len(name) < 60 {
		return ` filename="` + name + `"`
	}
	var out strings.Builder
	chunk := "utf-8''"
	n := 0
	flush := func() {
		fmt.Fprintf(&out, "\r\n filename*%d*=%s;", n, chunk)
		n++
		chunk = ""
	}
	for _, r := range name {
		enc := ""
		for _, b := range []byte(string(r)) {
			if b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' || b == '.' || b == '-' || b == '_' {
				enc += string([]byte{b})
			} else {
				enc += fmt.Sprintf("%%%02X", b)
			}
		}
		if len(chunk)+len(enc) > 60 {
			flush()
		}
		chunk += enc
	}
	flush()
	return strings.TrimSuffix(out.String(), ";")
}

// base64 streams r in lines of 76 characters.
func (e *mimeWriter) base64(r io.Reader) {
	if e.err != nil {
		return
	}
	var in [57 * 64]byte
	for {
		n, err := io.ReadFull(r, in[:])
		var out strings.Builder
		for at := 0; at < n; at += 57 {
			out.WriteString(base64.StdEncoding.EncodeToString(in[at:min(at+57, n)]))
			out.WriteString("\r\n")
		}
		e.raw(out.String())
		if err == io.EOF || err == io.ErrUnexpectedEOF || e.err != nil {
			return
		}
		if err != nil {
			e.err = err
			return
		}
	}
}
