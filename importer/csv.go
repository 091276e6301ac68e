package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast"
)

const (
	longestRow  = 1 << 20 // bytes
	longestCell = 256 << 10
	groupRows   = 500 // of one conversation in one record
)

// table reads a file of comma-separated values: each row a message with its
// conversation and customer, or a conversation, or a customer alone.
type table struct {
	path     string
	settings *Settings
	zone     *time.Location
}

// errRow is why a row cannot be read as one.
type errRow struct{ code, detail string }

func (e *errRow) Error() string { return e.code + ": " + e.detail }

// rows cuts a file into rows of cells, none longer than longestRow.
type rows struct {
	in    *opened
	comma byte
	n     int64 // rows read, the header included
}

// next reads one row. The error is io.EOF at the end, or an *errRow after which
// reading goes on.
func (t *rows) next() ([]string, error) {
	for size := 16 << 10; ; size = min(size*4, longestRow+1) {
		b, err := t.in.Peek(size)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if len(b) == 0 {
			return nil, io.EOF
		}
		ended := err != nil
		cells, used, whole := split(b, t.comma, ended)
		if !whole && !ended && size <= longestRow {
			continue
		}
		t.n++
		if !whole || used > longestRow {
			// A quote that was never closed, or a row without an end: only its first line
			// is given up, since the rows after it may be sound.
			return nil, t.skip(b)
		}
		if _, err := t.in.Discard(used); err != nil {
			return nil, err
		}
		return cells, nil
	}
}

// skip passes the first line of what could not be read.
func (t *rows) skip(b []byte) error {
	bad := &errRow{"import.row_too_long", "a row has at most " + strconv.Itoa(longestRow) + " bytes, or a quotation mark is not closed"}
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		if _, err := t.in.Discard(i + 1); err != nil {
			return err
		}
		return bad
	}
	for {
		switch _, err := t.in.ReadSlice('\n'); {
		case err == nil || errors.Is(err, io.EOF):
			return bad
		case !errors.Is(err, errBufferFull):
			return err
		}
	}
}

// split reads the first row of b: its cells, how many bytes it takes, and whether
// it is whole. ended says that nothing comes after b.
func split(b []byte, comma byte, ended bool) (cells []string, used int, whole bool) {
	var cell []byte
	quoted := false // within quotation marks
	begun := false  // something of this cell has been read
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted && c == '"':
			if i+1 < len(b) && b[i+1] == '"' {
				cell = append(cell, '"')
				i++
			} else if i+1 == len(b) && !ended {
				return nil, 0, false
			} else {
				quoted = false
			}
		case quoted:
			cell = append(cell, c)
		case c == '"' && !begun:
			quoted, begun = true, true
		case c == comma:
			cells = append(cells, string(cell))
			cell, begun = cell[:0], false
		case c == '\n':
			cell = bytes.TrimSuffix(cell, []byte("\r"))
			return append(cells, string(cell)), i + 1, true
		default:
			cell, begun = append(cell, c), true
		}
	}
	if ended && !quoted {
		cell = bytes.TrimSuffix(cell, []byte("\r"))
		return append(cells, string(cell)), len(b), true
	}
	return nil, 0, false
}

// delimiter is what separates the cells of a header: the sign that is there most often.
func delimiter(head []byte) byte {
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		head = head[:i]
	}
	best, most := byte(','), 0
	for _, c := range []byte(",;\t|") {
		if n := bytes.Count(head, []byte{c}); n > most {
			best, most = c, n
		}
	}
	return best
}

// rowsDone is how many rows of a file an earlier walk has taken, from its place.
func rowsDone(place string) (int64, error) {
	if place == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(place, 10, 64)
	if err != nil {
		return 0, holdfast.Errorf(holdfast.Internal, "import.place", "the place where the import stopped cannot be read: %w", err)
	}
	return n, nil
}

func (t *table) read(ctx context.Context, place string, take func(record) error) error {
	done, err := rowsDone(place)
	if err != nil {
		return err
	}
	in, err := openText(t.path, t.settings.Encoding, longestRow+1)
	if err != nil {
		return err
	}
	defer in.Close()
	tr := &rows{in: in}
	if t.settings.Delimiter != "" {
		tr.comma = t.settings.Delimiter[0]
	} else {
		head, _ := in.Peek(16 << 10)
		tr.comma = delimiter(head)
	}
	header, err := tr.next()
	var bad *errRow
	if errors.Is(err, io.EOF) || errors.As(err, &bad) || len(header) > maxColumns || err == nil && strings.TrimSpace(strings.Join(header, "")) == "" {
		return errNoHeader()
	}
	if err != nil {
		return err
	}
	columns, err := columnsOf(header, t.settings.Columns)
	if err != nil {
		return err
	}
	g := &group{take: take, in: in}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		cells, err := tr.next()
		if errors.Is(err, io.EOF) {
			return g.flush(tr.n)
		}
		if err != nil && !errors.As(err, &bad) {
			return err
		}
		if tr.n <= done {
			continue
		}
		r := record{what: "row", ref: "row " + strconv.FormatInt(tr.n, 10)}
		if err != nil {
			r.refused, r.detail = bad.code, bad.detail
		} else if len(cells) == 1 && strings.TrimSpace(cells[0]) == "" {
			continue
		} else {
			r = t.record(r, columns, cells, tr.n)
		}
		if err := g.add(r, tr.n); err != nil {
			return err
		}
	}
}

// group puts rows of one conversation that lie together into one record.
type group struct {
	take func(record) error
	in   *opened
	held *record
	upto int64 // the last row that is held or taken
}

func (g *group) add(r record, row int64) error {
	if g.held != nil && g.held.conversation != nil && r.conversation != nil && r.refused == "" && g.held.conversation.id == r.conversation.id && len(g.held.conversation.messages) < groupRows {
		into, c := g.held.conversation, r.conversation
		into.messages = append(into.messages, c.messages...)
		if c.status != "" {
			into.status = c.status
		}
		if c.updated.After(into.updated) {
			into.updated = c.updated
		}
		if into.assignee == nil {
			into.assignee = c.assignee
		}
		if c.priority != nil {
			into.priority = c.priority
		}
		into.tags = append(into.tags, c.tags...)
		g.upto = row
		return nil
	}
	if err := g.flush(g.upto); err != nil {
		return err
	}
	g.held, g.upto = &r, row
	return nil
}

// flush hands over what is held; after it, reading can go on behind row upto.
func (g *group) flush(upto int64) error {
	r := record{}
	if g.held != nil {
		r = *g.held
		g.held = nil
	} else if upto == 0 {
		return nil
	}
	r.place = strconv.FormatInt(upto, 10)
	r.done, r.total, r.unit = min(g.in.counter.n, g.in.size), g.in.size, "bytes"
	return g.take(r)
}

var (
	formulaCall = regexp.MustCompile(`^\s*[=+\-@]\s*(?:[A-Za-z_][A-Za-z0-9_.]*\s*\(|[A-Za-z]+\s*\||'?[A-Za-z0-9_ ]+'?!)`)
	formulaSum  = regexp.MustCompile(`^\s*=\s*(?:\$?[A-Za-z]{1,3}\$?[0-9]+\s*(?:$|[-+*/:&])|[0-9.]+\s*[-+*/^&])`)
)

// sound is why a cell must not be taken; "" when it may.
func sound(cell string) (code, detail string) {
	switch {
	case len(cell) > longestCell:
		return "import.cell_too_long", "a cell has at most " + strconv.Itoa(longestCell) + " bytes"
	case strings.IndexByte(cell, 0) >= 0:
		return "import.nul", "a cell holds zero bytes"
	case !utf8.ValidString(cell) || strings.ContainsRune(cell, utf8.RuneError):
		return "import.encoding", "a cell is not in the encoding of the file"
	case formulaCall.MatchString(cell) || formulaSum.MatchString(cell):
		return "import.formula", "a cell is a formula"
	}
	return "", ""
}

// record makes a record of a row.
func (t *table) record(r record, columns, cells []string, n int64) record {
	v := map[string]string{}
	for i, cell := range cells {
		if code, detail := sound(cell); code != "" {
			r.refused, r.detail = code, detail
			return r
		}
		if i < len(columns) && columns[i] != "" {
			v[columns[i]] = strings.TrimSpace(cell)
		}
	}
	bad := func(code, detail string) record {
		r.refused, r.detail = code, detail
		return r
	}
	address := mail(v["mail"], v["name"])
	if v["mail"] != "" && address.Value == "" {
		return bad("import.mail", clip(v["mail"], 80)+" is no e-mail address")
	}
	c := &customer{id: v["customer"], name: v["name"], addresses: reach(address, phone(v["phone"])), company: v["company"], about: v["about"], language: v["language"]}
	if c.key() == "" {
		return bad("import.nobody", "it names nobody: no id, no name, no address")
	}
	created, ok := t.when(v["created"])
	if !ok {
		return bad("import.date", clip(v["created"], 40)+" is no date")
	}
	c.created = created
	updated, ok := t.when(v["updated"])
	if !ok {
		return bad("import.date", clip(v["updated"], 40)+" is no date")
	}
	if v["text"] == "" && v["html"] == "" && v["conversation"] == "" && v["subject"] == "" && v["attachment"] == "" {
		r.what, r.customer = "customer", c
		return r
	}
	status, ok := statusOf(v["status"])
	if !ok {
		return bad("import.status", clip(v["status"], 40)+" is no status")
	}
	level, ok := priorityOf(v["priority"])
	if !ok {
		return bad("import.priority", clip(v["priority"], 40)+" is no priority")
	}
	way, ok := directionOf(v["direction"])
	if !ok {
		return bad("import.direction", clip(v["direction"], 40)+" does not say who wrote")
	}
	talk := &conversation{id: v["conversation"], customer: c, subject: v["subject"], status: status, priority: level, created: created, updated: updated}
	for tag := range strings.FieldsFuncSeq(v["tags"], func(r rune) bool { return r == ',' || r == ';' || r == '|' || r == '،' }) {
		talk.tags = append(talk.tags, strings.TrimSpace(tag))
	}
	if a := mail(v["assignee"], ""); a.Value != "" {
		talk.assignee = &person{email: a.Value}
	}
	if talk.id == "" { // all that a customer and a subject have in common
		talk.id = "of " + c.key() + " " + strings.ToLower(talk.subject)
	}
	r.conversation = talk
	if v["text"] == "" && v["html"] == "" && v["attachment"] == "" {
		r.what = "conversation"
		return r
	}
	date := v["date"]
	if date == "" {
		date = v["created"]
	}
	at, ok := t.when(date)
	if !ok || at.IsZero() {
		return bad("import.date", "nothing says when it was")
	}
	m := message{id: v["message"], direction: way, at: at, order: int(n), text: v["text"], html: v["html"], externalID: v["message_id"]}
	if way == "" {
		m.direction = holdfast.Inbound
	}
	if m.direction != holdfast.Inbound && (v["author"] != "" || v["author_name"] != "") {
		m.author = &person{email: v["author"], name: v["author_name"]}
		if a := mail(v["author_name"], ""); a.Value != "" && m.author.email == "" {
			m.author = &person{email: a.Value}
		}
	}
	for link := range strings.FieldsFuncSeq(v["attachment"], func(r rune) bool { return r == ' ' || r == '\n' || r == '|' || r == ';' }) {
		f := file{url: link}
		if u, err := url.Parse(link); err == nil {
			f.name = u.Path
		}
		m.files = append(m.files, f)
	}
	talk.messages = []message{m}
	return r
}

// when reads a date; "" is the zero time, and ok.
func (t *table) when(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	return parseTime(s, t.zone)
}
