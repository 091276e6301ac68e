package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"runtime/debug"
	"strings"

	"holdfast"
	"holdfast/channel"
)

// Options are what Parse must know about the account that a mail came to.
type Options struct {
	Address    string // ours
	Key        []byte // channel.Env.Key, for conversation tokens
	Recipient  string // of the SMTP envelope, when it is known
	NullSender bool   // the envelope had no sender: a bounce or an automatic answer
	Limit      int64  // bytes of the raw mail; 0 means 50 MiB
}

const (
	defaultLimit = 50 << 20
	maxText      = 1 << 20  // bytes kept of all text, and of all HTML
	maxBody      = 16 << 20 // bytes read of one text part
)

// Parse reads one mail. The raw form goes to blobs first and is read back from
// there, so that memory does not grow with the mail. What cannot be understood
// comes back as a Refuse with the reason "quarantined", never as an error: an
// error means that raw, blobs or ctx failed and the mail must be tried again.
func Parse(ctx context.Context, raw io.Reader, blobs channel.Blobs, o Options) (in channel.Inbound, err error) {
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	k := newKeyer()
	limited := &io.LimitedReader{R: raw, N: o.Limit}
	sum, _, err := blobs.Put(ctx, io.TeeReader(limited, k), o.Limit)
	if err != nil {
		return in, fmt.Errorf("keep the raw mail: %w", err)
	}
	var cut bool
	if limited.N == 0 {
		n, err := io.ReadFull(raw, make([]byte, 1))
		if cut = n > 0; !cut && err != io.EOF {
			return in, fmt.Errorf("read the mail: %w", err)
		}
	}
	in = channel.Inbound{Raw: sum, RawType: "message/rfc822", Key: "raw " + sum}
	defer func() {
		if v := recover(); v != nil {
			// one mail must not stop the others; the raw form shows what it was
			in = channel.Inbound{Raw: sum, RawType: "message/rfc822", Key: "raw " + sum, From: in.From, Subject: in.Subject,
				Refuse: &channel.Refusal{Reason: "quarantined", Detail: "the parser failed: " + firstLines(fmt.Sprint(v), debug.Stack())}}
			err = nil
		}
	}()
	rc, err := blobs.Open(ctx, sum)
	if err != nil {
		return in, fmt.Errorf("read the raw mail back: %w", err)
	}
	defer rc.Close()
	m := &parser{ctx: ctx, blobs: blobs, o: o, in: &in}
	w := newWalker(rc, m.part)
	m.header = w.readHeader()
	m.envelope(k)
	m.multipartMarks()
	err = w.entity(m.header, "text/plain", nil, []int{1})
	if err == nil {
		err = w.err
	}
	switch {
	case errors.Is(err, errTooManyParts):
		m.mark("truncated")
		err = nil
	case err != nil:
		return in, err
	}
	m.finish()
	if cut {
		m.mark("truncated")
		in.Refuse = &channel.Refusal{Reason: "quarantined", Detail: fmt.Sprintf("larger than %d bytes; the raw form is cut there", o.Limit)}
	}
	return in, nil
}

func firstLines(what string, stack []byte) string {
	lines := strings.SplitN(string(stack), "\n", 14)
	if len(lines) > 13 {
		lines = lines[7:13]
	}
	return what + " at " + strings.Join(lines, " ")
}

// keyer hashes what follows the header, with line ends and trailing blank lines
// left out: two deliveries of one mail differ in exactly these and in the header.
type keyer struct {
	body   hash.Hash
	inBody bool
	blank  int // line ends seen in a row, not hashed yet
}

func newKeyer() *keyer { return &keyer{body: sha256.New()} }

func (k *keyer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if k.inBody && k.blank == 0 {
			i := bytes.IndexAny(p, "\r\n")
			if i < 0 {
				i = len(p)
			}
			k.body.Write(p[:i])
			if p = p[i:]; len(p) == 0 {
				break
			}
		}
		switch c := p[0]; {
		case c == '\n':
			k.blank++
			if !k.inBody && k.blank == 2 {
				k.inBody, k.blank = true, 0
			}
		case c == '\r':
		default:
			if k.inBody {
				for range k.blank {
					k.body.Write([]byte("\n"))
				}
				k.body.Write(p[:1])
			}
			k.blank = 0
		}
		p = p[1:]
	}
	return n, nil
}

func (k *keyer) sum() string { return hex.EncodeToString(k.body.Sum(nil)) }

// parser gathers an Inbound from the parts of one mail.
type parser struct {
	ctx    context.Context
	blobs  channel.Blobs
	o      Options
	in     *channel.Inbound
	header header

	bodies    []body
	text      int // bytes of bodies
	uploads   int // files without a name so far
	status    []byte
	returned  header // of the mail that a bounce gives back
	returning bool
	calendar  string
	ownPlus   bool
	rawBody   []byte // the beginning of the first text, for plain bounces
}

// body is one part that a person reads.
type body struct {
	html  bool
	text  string
	group int // the multipart/alternative it stands in; 0 for none
}

func (m *parser) mark(s string) {
	for _, have := range m.in.Marks {
		if have == s {
			return
		}
	}
	m.in.Marks = append(m.in.Marks, s)
}

// envelope fills what the header says.
func (m *parser) envelope(k *keyer) {
	h, in := m.header, m.in
	in.Subject = clipText(h.text("subject"), 998)
	in.SentAt = parseDate(h.get("date"))
	if ids := messageIDs(h.get("message-id")); len(ids) > 0 {
		in.ExternalID = ids[0]
	} else if id := printable(h.get("message-id")); id != "" && len(id) < 400 && !strings.ContainsAny(id, " <>") {
		in.ExternalID = "<" + id + ">"
	}
	if in.ExternalID != "" {
		// the id alone would let a stranger pass a mail off as one that we have
		in.Key = in.ExternalID + " " + k.sum()
	}
	from := m.sender()
	if from.email != "" {
		in.From = holdfast.Address{Scheme: scheme, Value: canonical(from.email), Name: clipText(from.name, 200)}
	}
	for _, p := range m.people("to") {
		in.To = append(in.To, p.email)
	}
	for _, p := range m.people("cc") {
		in.CC = append(in.CC, p.email)
	}
	if lang := printable(h.get("content-language")); lang != "" {
		lang, _, _ = strings.Cut(lang, ",")
		if lang, _, _ = strings.Cut(strings.ToLower(lang), "-"); len(lang) == 2 {
			in.Language = lang
		}
	}
	m.thread()
}

// people are the mailboxes of a field, in however many fields it was written.
func (m *parser) people(name string) []person {
	return parseAddresses(strings.Join(m.header.all(name), ", "))
}

// sender is who wrote the mail. A form on a site writes in our own name and
// puts the visitor into Reply-To: there the visitor is the one to answer.
func (m *parser) sender() person {
	var own person
	for _, name := range []string{"from", "sender", "reply-to", "return-path"} {
		for _, p := range m.people(name) {
			if canonical(p.email) == "" {
				continue
			}
			if m.ours(p.email) && !m.header.has("x-holdfast-loop") {
				if own.email == "" {
					own = p
				}
				continue
			}
			return p
		}
		if own.email == "" || name == "from" {
			continue
		}
	}
	return own
}

func (m *parser) ours(address string) bool {
	own := canonical(m.o.Address)
	return own != "" && (canonical(address) == own || withoutPlus(canonical(address)) == own)
}

// thread fills what this mail answers.
func (m *parser) thread() {
	in, h := m.in, m.header
	ids := messageIDs(h.get("references"))
	for _, id := range messageIDs(h.get("in-reply-to")) {
		for i, have := range ids {
			if have == id {
				ids = append(ids[:i:i], ids[i+1:]...)
				break
			}
		}
		ids = append(ids, id)
	}
	if len(ids) > 50 {
		ids = append(ids[:1:1], ids[len(ids)-49:]...)
	}
	in.Thread = ids
	for _, id := range ids {
		if own, ok := ownMessage(id); ok {
			in.Answers = append(in.Answers, own)
		}
	}
	recipients := []string{m.o.Recipient}
	for _, name := range []string{"to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"} {
		for _, p := range m.people(name) {
			recipients = append(recipients, p.email)
		}
	}
	for _, r := range recipients {
		if id, ok := plusConversation(r, m.o.Key); ok {
			in.Conversation = id
			break
		}
	}
	in.BySubject = NormalSubject(in.Subject) != ""
}

// multipartMarks notes what the outermost type says about the whole mail.
func (m *parser) multipartMarks() {
	media, ps := params(m.header.get("content-type"))
	m.noteCrypto(media, ps)
}

func (m *parser) noteCrypto(media string, ps map[string]string) {
	switch media {
	case "multipart/signed":
		m.mark("signed")
	case "multipart/encrypted":
		m.mark("encrypted")
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		if t := strings.ToLower(ps["smime-type"]); t == "signed-data" {
			m.mark("signed")
		} else if t != "certs-only" {
			m.mark("encrypted")
		}
	case "application/pgp-encrypted":
		m.mark("encrypted")
	}
}

// part takes one leaf of the mail.
func (m *parser) part(p *part, r io.Reader) error {
	for _, n := range p.parents {
		m.noteCrypto(n.media, n.params)
	}
	m.noteCrypto(p.media, p.params)
	report := p.within("multipart/report")
	switch {
	case p.media == "message/delivery-status" || p.media == "message/global-delivery-status":
		m.status, _ = io.ReadAll(io.LimitReader(r, 64<<10))
		return nil
	case report && (p.media == "text/rfc822-headers" || p.media == "message/global-headers"):
		m.gaveBack(r)
		return nil
	case p.media == "message/rfc822" || p.media == "message/global" || p.media == "message/news":
		return m.message(p, r)
	case p.media == "application/ms-tnef" || p.media == "application/vnd.ms-tnef" || strings.EqualFold(p.name, "winmail.dat"):
		return m.tnef(p, r)
	case p.media == "text/calendar" && p.disp != "attachment" || p.media == "application/ics":
		return m.invite(p, r)
	case readable(p):
		return m.readable(p, r)
	}
	return m.file(p, r, "")
}

// readable reports whether a part is text for a person and no file.
func readable(p *part) bool {
	switch p.media {
	case "text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html":
		return p.disp != "attachment" && (p.name == "" || p.disp == "inline" && p.media == "text/html" && p.within("multipart/alternative"))
	}
	return false
}

func (m *parser) readable(p *part, r io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err != nil {
		return err
	}
	if len(raw) > maxBody {
		m.mark("truncated")
		raw = raw[:maxBody]
	}
	if p.media == "text/x-amp-html" || p.media == "text/watch-html" {
		return nil // a third form of what the others say
	}
	if m.rawBody == nil {
		m.rawBody = bytes.Clone(raw[:min(len(raw), 64<<10)])
	}
	if p.media == "text/plain" && bytes.Contains(raw, []byte("begin ")) {
		if raw, err = m.uuencoded(raw); err != nil {
			return err
		}
	}
	label := p.params["charset"]
	if p.media == "text/html" && label == "" {
		label = metaCharset(raw)
	}
	text := strings.ReplaceAll(strings.ReplaceAll(decodeCharset(raw, label), "\r\n", "\n"), "\r", "\n")
	text = strings.ReplaceAll(text, "\x00", "")
	b := body{html: p.media == "text/html", text: text}
	switch p.media {
	case "text/plain":
		if strings.EqualFold(p.params["format"], "flowed") {
			b.text = unflow(b.text, strings.EqualFold(p.params["delsp"], "yes"))
		}
		if strings.Contains(b.text, "-----BEGIN PGP MESSAGE-----") {
			m.mark("encrypted")
		} else if strings.Contains(b.text, "-----BEGIN PGP SIGNED MESSAGE-----") {
			m.mark("signed")
		}
	case "text/enriched", "text/richtext":
		b.text = unrich(b.text)
	}
	for _, n := range p.parents {
		if n.media == "multipart/alternative" {
			b.group = n.serial
		}
	}
	if room := 2*maxText - m.text; len(b.text) > room {
		b.text = clipText(b.text, max(room, 0))
		m.mark("truncated")
	}
	m.text += len(b.text)
	m.bodies = append(m.bodies, b)
	return nil
}

var uuBlock = regexp.MustCompile(`(?m)^begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n((?:[ -` + "`" + `]{0,90}\r?\n)+?)(?:` + "`" + `\r?\n)?end[ \t]*\r?$`)

// uuencoded takes the files out of a text of the time before MIME.
func (m *parser) uuencoded(raw []byte) ([]byte, error) {
	for range 50 {
		at := uuBlock.FindSubmatchIndex(raw)
		if at == nil {
			break
		}
		p := &part{media: "application/octet-stream", name: printable(rawText(string(raw[at[2]:at[3]])))}
		if err := m.file(p, &uuReader{r: newBuffered(bytes.NewReader(raw[at[0]:at[1]]))}, ""); err != nil {
			return nil, err
		}
		raw = append(bytes.Clone(raw[:at[0]]), bytes.TrimPrefix(bytes.TrimPrefix(raw[at[1]:], []byte("\r")), []byte("\n"))...)
	}
	return raw, nil
}

// file stores a part as an attachment.
func (m *parser) file(p *part, r io.Reader, kind string) error {
	cid := strings.Trim(printable(p.header.get("content-id")), "<> ")
	name := p.name
	if name == "" {
		m.uploads++
		name = namelessFile(p, m.uploads)
	}
	switch p.media {
	case "application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature":
		kind = "signature"
	}
	a, err := m.blobs.Attach(m.ctx, name, p.media, r)
	if holdfast.KindOf(err) == holdfast.TooLarge {
		m.mark("attachment_too_large")
		return nil
	}
	if err != nil {
		return fmt.Errorf("keep an attachment: %w", err)
	}
	a.CID, a.Kind = clipText(cid, 500), kind
	m.in.Attachments = append(m.in.Attachments, a)
	return nil
}

func namelessFile(p *part, n int) string {
	ext := map[string]string{
		"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/bmp": ".bmp", "image/tiff": ".tif",
		"application/pdf": ".pdf", "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/csv": ".csv", "text/x-vcard": ".vcf", "text/vcard": ".vcf",
		"message/rfc822": ".eml", "application/pkcs7-signature": ".p7s", "application/pkcs7-mime": ".p7m", "application/pgp-signature": ".asc", "application/zip": ".zip",
		"audio/mpeg": ".mp3", "audio/ogg": ".ogg", "audio/wav": ".wav", "video/mp4": ".mp4",
	}[p.media]
	base := "attachment"
	switch major, _, _ := strings.Cut(p.media, "/"); major {
	case "image", "audio", "video":
		base = major
	case "message":
		base = "message"
	}
	return fmt.Sprintf("%s-%d%s", base, n, ext)
}

// message keeps a mail inside this mail as a file, and notes whose it was.
func (m *parser) message(p *part, r io.Reader) error {
	var head bytes.Buffer
	r = io.TeeReader(r, &capped{&head, 64 << 10})
	if p.name == "" {
		// the name needs the inner subject, which is at the front
		ahead := newBuffered(r)
		if _, err := ahead.Peek(4 << 10); err != nil && err != io.EOF {
			return err
		}
		inner := newWalker(bytes.NewReader(bytes.Clone(head.Bytes())), nil).readHeader()
		if s := inner.text("subject"); s != "" {
			p.name = clipText(s, 80) + ".eml"
		}
		r = ahead
	}
	if err := m.file(p, r, "message"); err != nil {
		return err
	}
	if !m.returning {
		m.gaveBack(&head)
	}
	return nil
}

func (m *parser) gaveBack(r io.Reader) {
	m.returning = true
	m.returned = newWalker(io.LimitReader(r, 64<<10), nil).readHeader()
}

// finish makes the texts from the bodies and decides what the mail is.
func (m *parser) finish() {
	in := m.in
	text, page := m.compose()
	if text == "" && m.calendar != "" {
		text = m.calendar
	}
	if page != "" {
		in.HTML, in.Remote = Clean(clipText(page, maxText*2))
	}
	if len(text) > maxText {
		text = clipText(text, maxText)
		m.mark("truncated")
	}
	if in.Text, in.Rest = Trim(text); blank(in.Rest) {
		in.Rest = ""
	}
	in.Refuse = m.refuse(text)
	if in.Refuse == nil && in.From.Value == "" {
		detail := "no sender that could be answered"
		if len(m.header) == 0 {
			detail = "not a mail: it has no header"
		}
		in.Refuse = &channel.Refusal{Reason: "quarantined", Detail: detail}
	}
}

// compose joins the bodies: of a group of alternatives one form each.
func (m *parser) compose() (text, page string) {
	var texts, pages []string
	anyHTML := false
	done := map[int]bool{}
	for i, b := range m.bodies {
		plain, html := "", ""
		if b.group != 0 {
			if done[b.group] {
				continue
			}
			done[b.group] = true
			for _, other := range m.bodies[i:] {
				if other.group == b.group && other.html {
					html += other.text
				} else if other.group == b.group {
					plain += other.text
				}
			}
		} else if b.html {
			html = b.text
		} else {
			plain = b.text
		}
		if strings.TrimSpace(plain) == "" && html != "" {
			plain = htmlText(html)
		}
		if html != "" {
			anyHTML = true
		} else {
			html = textHTML(plain)
		}
		if strings.TrimSpace(plain) != "" {
			texts = append(texts, strings.Trim(plain, "\n"))
		}
		pages = append(pages, html)
	}
	text = strings.Join(texts, "\n\n")
	if anyHTML {
		page = strings.Join(pages, "\n")
	}
	return text, page
}
