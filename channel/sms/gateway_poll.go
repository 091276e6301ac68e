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
	waitingKey   = "http.waiting"
	waitingLimit = 1000 // texts whose arrival is asked for; the oldest give way
	cursorKey    = "http.cursor"
	pollTick     = 5 * time.Second
	inboxEvery   = time.Minute
	pollBatch    = 20 // questions in a tick
)

// askedAfter is when a text is asked for, again and again, after it has gone.
var askedAfter = []time.Duration{15 * time.Second, time.Minute, 3 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 8 * time.Hour, 24 * time.Hour, 48 * time.Hour, 72 * time.Hour}

// waitingText is a text that has gone and has not arrived.
type waitingText struct {
	ID       holdfast.ID `json:"id"`
	External string      `json:"external"`
	To       string      `json:"to"`
	At       time.Time   `json:"at"`
	Asked    int         `json:"asked,omitempty"` // times
}

func (t waitingText) due() time.Time {
	if t.Asked >= len(askedAfter) {
		return t.At
	}
	return t.At.Add(askedAfter[t.Asked])
}

// waiting lists them. It is on disk a few seconds later than in memory: what a crash
// in between forgets is the word "delivered" beside a text, not the text.
type waiting struct {
	state channel.State
	now   func() time.Time

	mu      sync.Mutex
	list    []waitingText
	changed bool
}

func (w *waiting) load(ctx context.Context) error {
	b, err := w.state.Get(ctx, waitingKey)
	if err != nil {
		return err
	}
	var list []waitingText
	if len(b) > 0 && json.Unmarshal(b, &list) != nil {
		list = nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range list {
		if !slices.ContainsFunc(w.list, func(x waitingText) bool { return x.External == t.External }) {
			w.list = append(w.list, t)
		}
	}
	return nil
}

func (w *waiting) add(t waitingText) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.At = w.now()
	w.list = append(w.list, t)
	if over := len(w.list) - waitingLimit; over > 0 {
		w.list = slices.Delete(w.list, 0, over)
	}
	w.changed = true
}

func (w *waiting) save(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.changed {
		return nil
	}
	b, err := json.Marshal(w.list)
	if err == nil {
		err = w.state.Put(ctx, waitingKey, b)
	}
	w.changed = err != nil
	return err
}

// due takes up to n texts to ask for.
func (w *waiting) due(n int) (list []waitingText) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	for _, t := range w.list {
		if len(list) < n && !t.due().After(now) {
			list = append(list, t)
		}
	}
	return list
}

// asked notes that a text was asked for; done, that it need not be again.
func (w *waiting) asked(t waitingText, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.list {
		if w.list[i].External != t.External || w.list[i].ID != t.ID {
			continue
		}
		w.list[i].Asked++
		if done || w.list[i].Asked >= len(askedAfter) {
			w.list = slices.Delete(w.list, i, i+1)
		}
		w.changed = true
		return
	}
}

// Listen asks for the state of texts and for what came in, where the provider is
// asked, until ctx ends.
func (w *web) Listen(ctx context.Context, in *inflow) error {
	polled := w.status != nil && w.set.HTTPWord == ""
	read := w.inbox != nil && w.set.HTTPWord == ""
	if !polled && !read {
		<-ctx.Done()
		return nil
	}
	if err := w.waiting.load(ctx); err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := w.waiting.save(end); err != nil {
			w.env.Log.Warn("the texts to ask for were not noted", "err", err)
		}
	}()
	var next time.Time
	t := time.NewTicker(pollTick)
	defer t.Stop()
	for {
		if now := w.env.Now(); read && !now.Before(next) {
			next = now.Add(inboxEvery)
			if err := w.fetch(ctx, in); err != nil && ctx.Err() == nil {
				w.env.Log.Warn("the gateway's inbox was not read", "err", err)
			}
		}
		if polled {
			w.poll(ctx, in)
		}
		if err := w.waiting.save(ctx); err != nil && ctx.Err() == nil {
			w.env.Log.Warn("the texts to ask for were not noted", "err", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// poll asks for the texts that are due.
func (w *web) poll(ctx context.Context, in *inflow) {
	for _, t := range w.waiting.due(pollBatch) {
		v := w.values()
		v["external"], v["id"], v["to"], v["to_digits"], v["to_iran"] = t.External, t.ID.String(), t.To, strings.TrimPrefix(t.To, "+"), toIran(t.To)
		status, a, f := w.do(ctx, *w.status, v, nil)
		if f != nil || status/100 != 2 {
			if ctx.Err() == nil {
				w.env.Log.Debug("the gateway does not say what became of a text", "status", status)
			}
			return // the rest would not be told either; the next tick asks again
		}
		r := channel.Report{Message: t.ID}
		done := w.settled(&r, w.state.find(a), "")
		if done {
			if err := in.reported(ctx, r); err != nil {
				w.env.Log.Warn("a delivery report was not taken in", "err", err)
				return
			}
		}
		w.waiting.asked(t, done)
	}
}

// fetch reads what came in since the last time.
func (w *web) fetch(ctx context.Context, in *inflow) error {
	b, err := w.env.State.Get(ctx, cursorKey)
	if err != nil {
		return err
	}
	cursor, _ := strconv.ParseInt(string(b), 10, 64)
	v := w.values()
	v["cursor"] = strconv.FormatInt(cursor, 10)
	status, a, f := w.do(ctx, w.inbox.call, v, nil)
	if f != nil {
		return f
	}
	list, ok := a.tree.([]any)
	if status/100 != 2 || !ok {
		return nil // SMSC.ru answers an empty inbox with a remark
	}
	field := func(x any, name string) string {
		v, _ := walk(x, []string{name})
		return scalar(v)
	}
	type entry struct {
		id int64
		m  incoming
	}
	var entries []entry
	for _, x := range list {
		e := entry{m: incoming{from: withPlus(field(x, w.inbox.from)), to: withPlus(field(x, w.inbox.to)), text: field(x, w.inbox.text)}}
		e.id, _ = strconv.ParseInt(field(x, w.inbox.id), 10, 64)
		if e.id <= cursor || e.m.from == "" || e.m.text == "" {
			continue
		}
		e.m.key = "inbox-" + strconv.FormatInt(e.id, 10)
		if at, err := time.ParseInLocation(w.inbox.layout, field(x, w.inbox.at), time.FixedZone("", w.inbox.zone)); err == nil {
			e.m.at = at.UTC()
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return int(min(max(a.id-b.id, -1), 1)) })
	for _, e := range entries {
		if err := in.arrived(ctx, e.m); err != nil {
			return err
		}
		if err := w.env.State.Put(ctx, cursorKey, []byte(strconv.FormatInt(e.id, 10))); err != nil {
			return err
		}
	}
	return nil
}
