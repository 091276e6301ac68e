package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/channel"
)

const (
	atLineLimit = 4 << 10 // bytes; the longest honest line is a PDU of 360
	atHeldLimit = 256     // what came by itself and nobody has looked at
	ctrlZ       = "\x1a"
	escape      = "\x1b"
)

var (
	errSilent = errors.New("the modem does not answer")
	errGone   = errors.New("the modem is gone")
)

// atError is a modem's refusal of a command.
type atError struct {
	kind string // "CMS", "CME" or "" for a bare ERROR
	code int    // -1 where the modem gave words instead of a number
	text string
}

func (e *atError) Error() string {
	if e.kind == "" {
		return e.text
	}
	return "+" + e.kind + " ERROR: " + e.text
}

// news is what a modem said by itself: the line, and for a message or a report
// that it hands over at once the line with its PDU.
type news struct {
	line, pdu string
}

// at is the conversation with a modem: one command at a time, its answer told
// apart from an echo, from what belongs to nobody and from what the modem says
// by itself. A command that is not answered ends it, since the late answer would
// be taken for the next one's.
type at struct {
	port io.ReadWriteCloser
	turn chan struct{} // holds one token: whose command it is
	gone chan struct{} // closed when the port has ended

	cusd chan string   // the newest answer of the network to a code
	bell chan struct{} // one token when there is news

	mu      sync.Mutex
	held    []news
	asked   *asked
	after   string // the line that a PDU on the next line belongs to
	between int    // lines that came instead of it
	open    string // a line whose quotes are not closed yet
	dead    bool
}

// asked is the command under way.
type asked struct {
	command string
	want    string // the prefix of the lines that answer it; "" takes any
	pdus    bool   // a PDU follows each of them
	patient bool   // silence is no reason to give the conversation up
	trace   *channel.Trace
	lines   []string
	prompt  chan struct{} // a token when the modem waits for the PDU
	done    chan error    // one answer
}

// newAT begins to read from port. Close ends it.
func newAT(port io.ReadWriteCloser) *at {
	a := &at{port: port, turn: make(chan struct{}, 1), gone: make(chan struct{}), bell: make(chan struct{}, 1), cusd: make(chan string, 1)}
	a.turn <- struct{}{}
	go a.read()
	return a
}

// Close lets go of the port; whoever waits for an answer is told.
func (a *at) Close() error {
	a.mu.Lock()
	a.dead = true
	a.mu.Unlock()
	return a.port.Close()
}

func (a *at) alive() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.dead
}

func (a *at) read() {
	defer func() {
		a.port.Close()
		a.mu.Lock()
		a.dead = true
		if a.asked != nil {
			a.asked.done <- errGone
			a.asked = nil
		}
		a.mu.Unlock()
		close(a.gone)
	}()
	var line []byte
	buf := make([]byte, 512)
	for {
		n, err := a.port.Read(buf)
		for _, c := range buf[:n] {
			switch {
			case c == '\n' || c == '\r':
				if len(line) > 0 {
					a.heard(strings.TrimSpace(string(line)))
				}
				line = line[:0]
			case c == '>' && len(strings.TrimSpace(string(line))) == 0 && a.prompted():
				line = line[:0]
			case len(line) < atLineLimit && c != 0:
				line = append(line, c)
			}
		}
		if err != nil {
			return
		}
	}
}

// prompted notes that the modem waits for a PDU, where somebody has one.
func (a *at) prompted() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil || a.asked.prompt == nil {
		return false
	}
	select {
	case a.asked.prompt <- struct{}{}:
		return true
	default:
		return false
	}
}

// byItself are the beginnings of what a modem says without being asked.
var byItself = []string{"+CMTI:", "+CDSI:", "+CMT:", "+CDS:", "+CUSD:"}

// heard sorts one line.
func (a *at) heard(line string) {
	if line == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open != "" {
		// The text of the network's answer may have several lines.
		line, a.open = a.open+"\n"+line, ""
	}
	if a.after != "" {
		if isHex(line) {
			a.note(news{line: a.after, pdu: line})
			a.after = ""
			return
		}
		if a.between++; a.between > 2 {
			a.after = ""
		}
	}
	for _, p := range byItself {
		if !strings.HasPrefix(line, p) || a.asked != nil && strings.HasPrefix(a.asked.command, "AT"+strings.TrimSuffix(p, ":")+"?") {
			continue
		}
		switch {
		case p == "+CMT:" || p == "+CDS:" && !strings.Contains(line, "\""):
			a.after, a.between = line, 0
		case p == "+CUSD:" && strings.Count(line, "\"")%2 == 1 && len(line) < atLineLimit:
			a.open = line
		case p == "+CUSD:":
			select {
			case <-a.cusd:
			default:
			}
			a.cusd <- line
		default:
			a.note(news{line: line})
		}
		return
	}
	q := a.asked
	if q == nil {
		return // boot messages, and answers that came too late
	}
	if final, err := verdict(line); final {
		q.trace.Heard(line)
		a.asked = nil
		q.done <- err
		return
	}
	switch {
	case line == q.command: // an echo
	case q.pdus && len(q.lines)%2 == 1 && isHex(line):
		q.lines = append(q.lines, line)
	case q.pdus && len(q.lines)%2 == 1:
		// Something in between; a next header means that the last one had no PDU.
		if strings.HasPrefix(line, q.want) {
			q.lines[len(q.lines)-1] = line
		}
	case strings.HasPrefix(line, q.want) && (q.want != "" || !strings.HasPrefix(line, "^")) && len(q.lines) < 4096:
		q.trace.Heard(line)
		q.lines = append(q.lines, line)
	}
}

func (a *at) note(n news) {
	if len(a.held) < atHeldLimit {
		a.held = append(a.held, n)
	}
	select {
	case a.bell <- struct{}{}:
	default:
	}
}

// news takes what the modem said by itself.
func (a *at) news() []news {
	a.mu.Lock()
	defer a.mu.Unlock()
	held := a.held
	a.held = nil
	return held
}

// verdict reports whether a line ends an answer, and how.
func verdict(line string) (final bool, err error) {
	if line == "OK" {
		return true, nil
	}
	for _, kind := range []string{"CMS", "CME"} {
		if rest, ok := strings.CutPrefix(line, "+"+kind+" ERROR:"); ok {
			e := &atError{kind: kind, text: strings.TrimSpace(rest), code: -1}
			if n, err := strconv.Atoi(e.text); err == nil && n >= 0 {
				e.code = n
			}
			return true, e
		}
	}
	switch line {
	case "ERROR", "COMMAND NOT SUPPORT", "TOO MANY PARAMETERS", "NO CARRIER":
		return true, &atError{code: -1, text: line}
	}
	return false, nil
}

// do gives a command ("+CSQ") and returns the lines of its answer that begin with
// want. The error is an *atError, errSilent, errGone or ctx's.
func (a *at) do(ctx context.Context, wait time.Duration, command, want string) ([]string, error) {
	return a.exchange(ctx, wait, &asked{command: "AT" + command, want: want}, nil)
}

// list gives a command whose answer is lines with a PDU each: header, PDU, header, PDU.
func (a *at) list(ctx context.Context, wait time.Duration, command, want string) ([]string, error) {
	return a.exchange(ctx, wait, &asked{command: "AT" + command, want: want, pdus: true}, nil)
}

// errUnsent marks a failure before the PDU was written: it has surely not gone.
var errUnsent = errors.New("the modem did not take the message")

// submit hands a PDU over and returns the reference that the modem gave it, -1 for
// none. An error that is not errUnsent came after the PDU was written.
func (a *at) submit(ctx context.Context, wait time.Duration, octets int, pdu string, trace *channel.Trace) (int, error) {
	q := &asked{command: "AT+CMGS=" + strconv.Itoa(octets), want: "+CMGS:", prompt: make(chan struct{}, 1), trace: trace}
	wrote := false
	lines, err := a.exchange(ctx, wait, q, func() error {
		select {
		case <-q.prompt:
		case err := <-q.done:
			q.done <- err
			return nil
		case <-time.After(min(wait, promptWait)):
			io.WriteString(a.port, escape) // a prompt that comes late must find nothing
			return fmt.Errorf("%w: %w", errUnsent, errSilent)
		case <-ctx.Done():
			io.WriteString(a.port, escape)
			return fmt.Errorf("%w: %w", errUnsent, ctx.Err())
		}
		wrote = true
		trace.Said(pdu)
		if _, err := io.WriteString(a.port, pdu+ctrlZ); err != nil {
			return errGone
		}
		return nil
	})
	if err != nil {
		if !wrote && !errors.Is(err, errUnsent) {
			err = fmt.Errorf("%w: %w", errUnsent, err)
		}
		return 0, err
	}
	for _, line := range lines {
		if f := atFields(line); len(f) > 0 {
			if mr, err := strconv.Atoi(f[0]); err == nil {
				return mr & 0xff, nil
			}
		}
	}
	return -1, nil
}

const promptWait = 10 * time.Second

func (a *at) exchange(ctx context.Context, wait time.Duration, q *asked, more func() error) (lines []string, err error) {
	select {
	case <-a.turn:
	case <-a.gone:
		return nil, errGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { a.turn <- struct{}{} }()
	q.done = make(chan error, 1)
	a.mu.Lock()
	if a.dead {
		a.mu.Unlock()
		return nil, errGone
	}
	a.asked = q
	a.mu.Unlock()
	q.trace.Said(hidePIN(q.command))
	answered := false
	defer func() {
		a.mu.Lock()
		if a.asked == q {
			a.asked = nil
		}
		a.mu.Unlock()
		if !answered && !q.patient {
			a.Close() // its answer may still come, and would be the next command's
		}
	}()
	if _, err := io.WriteString(a.port, q.command+"\r"); err != nil {
		return nil, errGone
	}
	if more != nil {
		if err := more(); err != nil {
			return nil, err
		}
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case err := <-q.done:
		answered = true
		return q.lines, err
	case <-t.C:
		q.trace.Remark("no answer")
		return nil, errSilent
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func hidePIN(command string) string {
	if strings.HasPrefix(command, "AT+CPIN=") {
		return "AT+CPIN=•••"
	}
	return command
}

// atFields are the values after a line's colon: quotes are removed, and what
// stands in them is not taken apart.
func atFields(line string) []string {
	_, rest, ok := strings.Cut(line, ":")
	if !ok {
		return nil
	}
	var fields []string
	var b strings.Builder
	quoted := false
	for _, r := range strings.TrimSpace(rest) {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ',' && !quoted:
			fields = append(fields, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	return append(fields, strings.TrimSpace(b.String()))
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return len(s) > 0 && len(s)%2 == 0
}
