package email

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// The limits of one mail's structure. What goes beyond is kept in the raw form.
const (
	maxHeader = 1 << 20 // bytes of one entity's header
	maxDepth  = 30      // multiparts and messages inside each other
	maxParts  = 1000    // leaves
)

var errTooManyParts = errors.New("email: too many parts")

// part is one leaf of a mail's tree.
type part struct {
	header  header
	media   string // "text/plain"
	params  map[string]string
	disp    string // "attachment", "inline", ""
	name    string // file name, decoded, not cleaned
	parents []node // the multiparts it is in, outermost first
	path    []int  // its place in the tree, for tests
}

// node is a multipart around a part.
type node struct {
	media  string
	params map[string]string
	serial int // unique in one mail
}

// within reports whether a part stands inside a multipart of this subtype.
func (p *part) within(media string) bool {
	for _, n := range p.parents {
		if n.media == media {
			return true
		}
	}
	return false
}

// walker reads a mail line by line and hands its leaves out as streams. It is
// not built on a library: the known ones hold all parts decoded in memory and
// give up on mails that people do receive (see TestMime4jTree).
type walker struct {
	r       *bufio.Reader
	visit   func(p *part, body io.Reader) error
	descend bool // into message/rfc822, instead of handing it out

	line    []byte // the fragment last read
	unread  bool   // line is to be read again
	starts  bool   // line begins at the beginning of a line
	next    bool   // the fragment after line begins at the beginning of a line
	eol     []byte // line end that belongs to the boundary, if one follows
	stack   []string
	hit     int // 1 + level in stack of the boundary last met, 0 for none
	closing bool
	err     error // of the source, but io.EOF
	leaves  int
	serial  int
	broken  bool // structure had to be repaired
}

func newWalker(r io.Reader, visit func(*part, io.Reader) error) *walker {
	return &walker{r: bufio.NewReaderSize(r, 64<<10), visit: visit, next: true}
}

// read moves to the next fragment of a line, at most 64 KiB. False at the end,
// or at a boundary of the stack, which is then in hit.
func (w *walker) read() bool {
	if w.hit > 0 {
		return false
	}
	if w.unread {
		w.unread = false
		return true
	}
	line, err := w.r.ReadSlice('\n')
	if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
		w.err = err
	}
	if len(line) == 0 {
		return false
	}
	w.line, w.starts = line, w.next
	w.next = line[len(line)-1] == '\n'
	if w.starts && len(w.stack) > 0 && len(line) > 2 && line[0] == '-' && line[1] == '-' {
		w.match(bytes.TrimRight(line[2:], "\r\n"))
	}
	return w.hit == 0
}

// match looks for a boundary, innermost first. What stands behind it on the
// line is of no meaning (RFC 2046, 5.1.1), but must be apart from it: one
// boundary may be the beginning of another.
func (w *walker) match(s []byte) {
	for i := len(w.stack) - 1; i >= 0; i-- {
		if len(s) < len(w.stack[i]) || string(s[:len(w.stack[i])]) != w.stack[i] {
			continue
		}
		rest := s[len(w.stack[i]):]
		closing := bytes.HasPrefix(rest, []byte("--"))
		if closing {
			rest = rest[2:]
		}
		if len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' {
			w.hit, w.closing = i+1, closing
			return
		}
	}
}

// Read streams the undecoded body of the current part up to its boundary.
func (w *walker) Read(p []byte) (int, error) {
	for {
		if len(w.eol) > 0 {
			// held back until it is known not to belong to a boundary
			if !w.peek() {
				w.eol = nil
				return 0, w.end()
			}
			n := copy(p, w.eol)
			w.eol = w.eol[n:]
			return n, nil
		}
		if !w.read() {
			return 0, w.end()
		}
		body := w.line
		if w.next {
			cut := len(body) - 1
			if cut > 0 && body[cut-1] == '\r' {
				cut--
			}
			w.eol = append([]byte(nil), body[cut:]...)
			body = body[:cut]
		}
		if len(body) == 0 {
			continue
		}
		n := copy(p, body)
		if n < len(body) {
			// give the rest back as a fragment that begins no line
			w.line = body[n:]
			if w.next {
				w.line = append(append([]byte(nil), w.line...), w.eol...)
				w.eol = nil
			}
			w.starts, w.unread = false, true
		}
		return n, nil
	}
}

func (w *walker) end() error {
	if w.err != nil {
		return w.err
	}
	return io.EOF
}

// peek reads one fragment ahead and says whether the body goes on. At the very
// end of the mail a last line end is part of the body.
func (w *walker) peek() bool {
	if w.read() {
		w.unread = true
		return true
	}
	return w.hit == 0 && w.err == nil
}

// readHeader reads fields up to the empty line, a boundary, or a line that can
// be no field, which then is the body's first.
func (w *walker) readHeader() (h header) {
	size := 0
	first := true
	var value strings.Builder
	name := ""
	flush := func() {
		if name != "" {
			h = append(h, field{name, value.String()})
		}
		name = ""
		value.Reset()
	}
	defer func() { flush() }()
	for w.read() {
		line := w.line
		if w.next {
			line = bytes.TrimRight(line, "\r\n")
		}
		size += len(line)
		switch {
		case size > maxHeader:
			w.broken = true
			if w.starts {
				flush()
			}
			if w.starts && len(line) == 0 {
				return h
			}
			continue
		case !w.starts: // a very long line goes on
			value.Write(line)
			continue
		case len(line) == 0:
			return h
		case line[0] == ' ' || line[0] == '\t':
			if len(bytes.TrimSpace(line)) == 0 {
				// blanks alone: an empty line to most eyes, unless fields follow it
				if next := w.ahead(); len(next) > 0 && (next[0] == ' ' || next[0] == '\t') || w.fieldAhead() {
					continue
				}
				return h
			}
			value.WriteByte(' ')
			value.Write(bytes.TrimLeft(line, " \t"))
			continue
		}
		if first && (bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))) {
			continue // a mailbox file's separator
		}
		first = false
		k, v, ok := bytes.Cut(line, []byte(":"))
		k = bytes.TrimRight(k, " \t")
		if !ok || !fieldName(k) {
			w.broken = true
			if (len(h) > 0 || name != "") && w.fieldAhead() {
				continue // rubbish between fields
			}
			w.unread = true
			return h
		}
		flush()
		name = strings.ToLower(string(k))
		value.Write(bytes.TrimSpace(v))
		if !w.next { // only the beginning of a long line
			value.WriteByte(' ')
		}
	}
	return h
}

// ahead is the next line as far as it can be seen.
func (w *walker) ahead() []byte {
	w.line = bytes.Clone(w.line) // looking ahead moves the buffer
	next, _ := w.r.Peek(1000)
	next, _, _ = bytes.Cut(next, []byte("\n"))
	return next
}

// fieldAhead reports whether the next line looks like a field.
func (w *walker) fieldAhead() bool {
	k, _, ok := bytes.Cut(w.ahead(), []byte(":"))
	k = bytes.TrimRight(k, " \t")
	return ok && len(k) > 1 && fieldName(k)
}

func fieldName(k []byte) bool {
	if len(k) == 0 || len(k) > 200 {
		return false
	}
	for _, c := range k {
		if c <= ' ' || c >= 0x7f || c == ':' {
			return false
		}
	}
	return true
}

// walk reads the whole mail.
func (w *walker) walk() (header, error) {
	h := w.readHeader()
	err := w.entity(h, "text/plain", nil, []int{1})
	if err == nil {
		err = w.err
	}
	return h, err
}

// entity reads a body whose header has been read.
func (w *walker) entity(h header, byDefault string, parents []node, path []int) error {
	p := &part{header: h, parents: parents, path: path}
	p.media, p.params = params(h.get("content-type"))
	if p.media == "" || !strings.Contains(p.media, "/") {
		switch p.media {
		case "text":
			p.media = "text/plain"
		case "html":
			p.media = "text/html"
		default:
			p.media = byDefault
		}
	}
	disp, dps := params(h.get("content-disposition"))
	p.disp = disp
	p.name = fileName(dps["filename"], dps["name"], p.params["name"], p.params["filename"])
	deep := len(parents) >= maxDepth
	encoding := strings.ToLower(strings.TrimSpace(stripComments(h.get("content-transfer-encoding"))))
	switch {
	case strings.HasPrefix(p.media, "multipart/") && !deep:
		return w.multipart(p)
	case w.descend && !deep && (p.media == "message/rfc822" || p.media == "message/global"):
		return w.nested(p, encoding)
	}
	if w.leaves++; w.leaves > maxParts {
		return errTooManyParts
	}
	body := decodeTransfer(w, encoding)
	if err := w.visit(p, body); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, w)
	return err
}

// nested reads a message inside a message, through its transfer encoding.
func (w *walker) nested(p *part, encoding string) error {
	switch encoding {
	case "base64", "quoted-printable", "x-uuencode":
		in := newWalker(decodeTransfer(w, encoding), w.visit)
		in.descend, in.leaves, in.serial = true, w.leaves, w.serial
		h := in.readHeader()
		err := in.entity(h, "text/plain", append(p.parents[:len(p.parents):len(p.parents)], node{media: p.media}), append(p.path[:len(p.path):len(p.path)], 1))
		w.leaves, w.serial = in.leaves, in.serial
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, w)
		return err
	}
	h := w.readHeader()
	return w.entity(h, "text/plain", append(p.parents[:len(p.parents):len(p.parents)], node{media: p.media}), append(p.path[:len(p.path):len(p.path)], 1))
}

func (w *walker) multipart(p *part) error {
	boundary := p.params["boundary"]
	if boundary == "" {
		boundary = w.findBoundary()
		w.broken = true
	}
	if boundary == "" {
		// no way to tell the parts: it is one text
		p.media = "text/plain"
		w.leaves++
		if err := w.visit(p, decodeTransfer(w, p.header.get("content-transfer-encoding"))); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, w)
		return err
	}
	w.serial++
	inside := append(p.parents[:len(p.parents):len(p.parents)], node{p.media, p.params, w.serial})
	level := len(w.stack) + 1
	w.stack = append(w.stack, boundary)
	defer func() { w.stack = w.stack[:level-1] }()

	var preamble bytes.Buffer
	if _, err := io.Copy(&capped{&preamble, 1 << 20}, w); err != nil {
		return err
	}
	if w.hit == 0 || w.hit < level {
		// the boundary that was announced never came: what there is, is the text
		w.broken = true
		p.media = "text/plain"
		w.leaves++
		return w.visit(p, &preamble)
	}
	child := "text/plain"
	if p.media == "multipart/digest" {
		child = "message/rfc822"
	}
	for n := 1; w.hit == level && !w.closing; n++ {
		w.hit = 0
		w.eol = nil
		h := w.readHeader()
		if err := w.entity(h, child, inside, append(p.path[:len(p.path):len(p.path)], n)); err != nil {
			return err
		}
	}
	if w.hit != level {
		if w.hit == 0 {
			w.broken = true // cut off before the last boundary
		}
		return w.err
	}
	// the epilogue, up to a boundary of the multipart around this one. A further
	// part after the closing boundary is not discarded: some mailers write them.
	w.hit = 0
	for {
		w.eol = nil
		if _, err := io.Copy(io.Discard, w); err != nil {
			return err
		}
		if w.hit != level || w.closing {
			if w.hit == level {
				w.hit = 0
				continue
			}
			return nil
		}
		w.broken = true
		w.hit = 0
		h := w.readHeader()
		if err := w.entity(h, child, inside, append(p.path[:len(p.path):len(p.path)], 1000)); err != nil {
			return err
		}
		if w.hit == level {
			if w.closing {
				w.hit = 0
				continue
			}
			w.hit = 0
		}
	}
}

// findBoundary looks for the first line that could be one.
func (w *walker) findBoundary() string {
	w.line = bytes.Clone(w.line)
	ahead, _ := w.r.Peek(w.r.Size())
	for line := range bytes.Lines(ahead) {
		if s := bytes.TrimRight(line, " \t\r\n"); len(s) > 4 && bytes.HasPrefix(s, []byte("--")) && !bytes.ContainsAny(s, " \t") {
			return string(s[2:])
		}
	}
	return ""
}

// fileName is the first name given, decoded.
func fileName(names ...string) string {
	for _, n := range names {
		if n = printable(decodeWords(n)); n != "" {
			return n
		}
	}
	return ""
}

// capped writes up to n bytes and drops the rest.
type capped struct {
	w io.Writer
	n int
}

func (c *capped) Write(p []byte) (int, error) {
	if k := min(len(p), c.n); k > 0 {
		c.n -= k
		if _, err := c.w.Write(p[:k]); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
