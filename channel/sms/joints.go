package sms

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
)

const (
	jointsKey = "joints"
	// jointWait is how long a text waits for its parts. Networks bring them within
	// seconds, and after a telephone was off within the hour.
	jointWait = time.Hour
	// jointMemory is how long the parts of a finished text are known again.
	jointMemory = 24 * time.Hour
	jointLimit  = 256 // texts in the making or remembered; a flood drops remembered ones first
)

// joint is a text of which parts have come.
type joint struct {
	From  string         `json:"from"`
	To    string         `json:"to"`
	Ref   int            `json:"ref"`
	Total int            `json:"total"`
	At    time.Time      `json:"at,omitzero"` // by the network's clock
	First time.Time      `json:"first"`       // when the first part came
	Parts map[int]string `json:"parts"`
	Done  bool           `json:"done,omitempty"`
}

func (g *joint) full() bool { return len(g.Parts) == g.Total }

// key is the same whichever part came last.
func (g *joint) key() string {
	return digest("parts", g.From, g.To, strconv.Itoa(g.Ref), strconv.Itoa(g.Total), g.First.UTC().Format(time.RFC3339Nano))
}

// text has a mark where a part is missing.
func (g *joint) text() string {
	var b strings.Builder
	for i := 1; i <= g.Total; i++ {
		part, ok := g.Parts[i]
		if !ok {
			part = "[…]"
			if g.missing(i - 1) {
				continue
			}
		}
		b.WriteString(part)
	}
	return b.String()
}

func (g *joint) missing(i int) bool {
	_, ok := g.Parts[i]
	return i >= 1 && !ok
}

func (g *joint) marks() []string {
	if g.full() {
		return nil
	}
	return []string{markIncomplete}
}

// joints keeps the parts of texts on disk until each text is whole.
type joints struct {
	state channel.State
	now   func() time.Time

	mu   sync.Mutex
	read bool
	list []*joint
}

func newJoints(env channel.Env) *joints { return &joints{state: env.State, now: env.Now} }

// add keeps a part. It returns the text when it is whole, nil while it is not, and
// after it was handed on.
func (j *joints) add(ctx context.Context, m incoming) (*joint, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.load(ctx); err != nil {
		return nil, err
	}
	if m.piece.number < 1 || m.piece.number > m.piece.total || m.piece.total > 255 {
		return nil, holdfast.Errorf(holdfast.Invalid, "sms.part_invalid", "part %d of %d", m.piece.number, m.piece.total)
	}
	g := j.find(m)
	if g == nil {
		g = &joint{From: m.from, To: m.to, Ref: m.piece.ref, Total: m.piece.total, First: j.now(), At: m.at, Parts: map[int]string{}}
		j.list = append(j.list, g)
	}
	if g.Done {
		return nil, nil // this part was acknowledged, and the network has not heard it
	}
	if _, again := g.Parts[m.piece.number]; !again {
		g.Parts[m.piece.number] = m.text
		if err := j.save(ctx); err != nil {
			delete(g.Parts, m.piece.number)
			if len(g.Parts) == 0 {
				j.list = slices.DeleteFunc(j.list, func(x *joint) bool { return x == g })
			}
			return nil, err
		}
	}
	if !g.full() {
		return nil, nil
	}
	return g.copy(), nil
}

// find is the text that a part belongs to. A part that stands there with another
// text is of a later message, for references are few and come again.
func (j *joints) find(m incoming) *joint {
	for i := len(j.list) - 1; i >= 0; i-- {
		g := j.list[i]
		if g.From != m.from || g.To != m.to || g.Ref != m.piece.ref || g.Total != m.piece.total {
			continue
		}
		have, ok := g.Parts[m.piece.number]
		if ok && have == m.text || !ok && !g.Done {
			return g
		}
	}
	return nil
}

// drop forgets the text of g but not that its parts have come.
func (j *joints) drop(ctx context.Context, g *joint) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, x := range j.list {
		if x.key() == g.key() {
			x.Done = true
		}
	}
	return j.save(ctx)
}

// overdue lists the texts that have waited long enough, and those that were whole
// when the program stopped.
func (j *joints) overdue(ctx context.Context) ([]*joint, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.load(ctx); err != nil {
		return nil, err
	}
	var list []*joint
	for _, g := range j.list {
		if !g.Done && (g.full() || j.now().Sub(g.First) >= jointWait) {
			list = append(list, g.copy())
		}
	}
	return list, nil
}

func (j *joints) load(ctx context.Context) error {
	if j.read {
		return nil
	}
	b, err := j.state.Get(ctx, jointsKey)
	if err != nil {
		return err
	}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &j.list); err != nil {
			return err
		}
	}
	j.read = true
	return nil
}

func (j *joints) save(ctx context.Context) error {
	now := j.now()
	j.list = slices.DeleteFunc(j.list, func(g *joint) bool { return g.Done && now.Sub(g.First) > jointMemory })
	for len(j.list) > jointLimit {
		i := slices.IndexFunc(j.list, func(g *joint) bool { return g.Done })
		if i < 0 {
			return holdfast.Errorf(holdfast.TooMany, "sms.parts_waiting", "%d texts wait for their parts", len(j.list))
		}
		j.list = slices.Delete(j.list, i, i+1)
	}
	b, err := json.Marshal(j.list)
	if err != nil {
		return err
	}
	return j.state.Put(ctx, jointsKey, b)
}

func (g *joint) copy() *joint {
	c := *g
	c.Parts = map[int]string{}
	for i, t := range g.Parts {
		c.Parts[i] = t
	}
	return &c
}
