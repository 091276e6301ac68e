package channel

import (
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// Trace collects one exchange with a provider, for the administrator who asks
// what was said. Adapters add lines without secrets; Redact removes the ones
// they know all the same. A nil Trace drops everything.
type Trace struct {
	mu     sync.Mutex
	lines  []TraceLine
	secret []string
	size   int
}

// TraceLine is one thing said.
type TraceLine struct {
	At   time.Time `json:"at"`
	Dir  string    `json:"dir"` // ">" we said, "<" they said, "·" a remark
	Text string    `json:"text"`
}

const traceLimit = 32 << 10 // bytes; an exchange is evidence, not an archive

// Redact keeps the given values out of every line added from now on.
func (t *Trace) Redact(secrets ...string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= 3 {
			t.secret = append(t.secret, s)
		}
	}
}

// Said adds what we sent, Heard what the other side answered, Remark our own comment.
func (t *Trace) Said(text string)   { t.add(">", text) }
func (t *Trace) Heard(text string)  { t.add("<", text) }
func (t *Trace) Remark(text string) { t.add("·", text) }

func (t *Trace) add(dir, text string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size > traceLimit {
		return
	}
	for _, s := range t.secret {
		text = strings.ReplaceAll(text, s, "•••")
	}
	if len(text) > 4<<10 {
		text = strings.ToValidUTF8(text[:4<<10], "") + "…"
	}
	t.size += len(text)
	if t.size > traceLimit {
		text = "… (cut)"
	}
	t.lines = append(t.lines, TraceLine{At: time.Now().UTC(), Dir: dir, Text: text})
}

// Lines is what has been said so far.
func (t *Trace) Lines() []TraceLine {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]TraceLine(nil), t.lines...)
}

// JSON is the lines as stored.
func (t *Trace) JSON() []byte {
	b, _ := json.Marshal(t.Lines())
	return b
}
