package sms

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast"
	"holdfast/channel"
)

const (
	ledgerAge  = 8 * 24 * time.Hour // receipts come within the validity of a text, a week at most
	ledgerSlot = 8                  // texts or ids with one hash; the oldest goes
)

// ledger keeps which of our texts a receipt is about: by the number that we gave
// it, written down before it leaves, and by the ids that the centre gave its parts.
// It is on disk, since a receipt decides about a text that a crash or a cut left
// unknown. It is bounded: numbers and hashes of ids have 16 bits.
type ledger struct {
	state channel.State
	now   func() time.Time
	locks [64]sync.Mutex // one slot is written by one at a time
}

// sending is one text of ours.
type sending struct {
	Message holdfast.ID `json:"m"`
	To      string      `json:"to"`
	At      time.Time   `json:"at"`
	IDs     []string    `json:"ids"`  // the centre's, by part; "" for not taken as far as we know
	Took    []bool      `json:"took"` // the centre has the part
	Done    []bool      `json:"done"` // it was delivered
	ref     uint16
}

// alias is a centre's id.
type alias struct {
	ID      string      `json:"id"`
	Message holdfast.ID `json:"m"`
	At      time.Time   `json:"at"`
}

func newLedger(env channel.Env) *ledger { return &ledger{state: env.State, now: env.Now} }

// reference is the number of a text: user_message_reference.
func reference(message holdfast.ID) uint16 {
	h := fnv.New32a()
	h.Write(message[:])
	n := h.Sum32()
	return uint16(n>>16) ^ uint16(n)
}

func refKey(ref uint16) string { return fmt.Sprintf("sent.%04x", ref) }

func idKey(id string) string {
	h := fnv.New32a()
	h.Write([]byte(id))
	n := h.Sum32()
	return fmt.Sprintf("id.%04x", uint16(n>>16)^uint16(n))
}

func (l *ledger) lock(key string) *sync.Mutex {
	h := fnv.New32a()
	h.Write([]byte(key))
	return &l.locks[h.Sum32()%uint32(len(l.locks))]
}

// begin writes a text of some units down before it leaves. A text that got only halfway goes on
// where it stopped; one that was taken whole is sent anew.
func (l *ledger) begin(ctx context.Context, m sms, units int) (*sending, error) {
	ref := reference(m.id)
	var s *sending
	err := l.change(ctx, ref, func(list []*sending) []*sending {
		for _, x := range list {
			if x.Message == m.id && len(x.Took) == units && slices.Contains(x.Took, true) && slices.Contains(x.Took, false) && x.To == m.to {
				s = x
				return list
			}
		}
		list = slices.DeleteFunc(list, func(x *sending) bool { return x.Message == m.id })
		s = &sending{Message: m.id, To: m.to, At: l.now(), IDs: make([]string, units), Took: make([]bool, units), Done: make([]bool, units)}
		return append(list, s)
	})
	if err != nil {
		return nil, err
	}
	s.ref = ref
	return s, nil
}

// took notes that the centre has a part, and what it calls it.
func (l *ledger) took(ctx context.Context, s *sending, part int, id string) error {
	s.Took[part], s.IDs[part] = true, id
	err := l.change(ctx, s.ref, func(list []*sending) []*sending {
		for _, x := range list {
			if x.Message == s.Message && part < len(x.Took) {
				x.Took[part], x.IDs[part] = true, id
			}
		}
		return list
	})
	if err != nil || id == "" {
		return err
	}
	key := idKey(plainID(id))
	mu := l.lock(key)
	mu.Lock()
	defer mu.Unlock()
	list, err := load[alias](ctx, l.state, key)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(a alias) bool { return a.ID == plainID(id) && a.Message == s.Message || l.old(a.At) })
	list = append(list, alias{ID: plainID(id), Message: s.Message, At: l.now()})
	return save(ctx, l.state, key, list)
}

// outcome is what a receipt comes to for the whole text.
type outcome struct {
	message holdfast.ID
	state   holdfast.Delivery // "" while parts are on their way
}

// settle finds the text a receipt is about, and notes it. ref is -1 without a
// user_message_reference; ends are the numbers the receipt goes between. ok is
// false when it is about no text of ours.
func (l *ledger) settle(ctx context.Context, r receipt, ref int, ends ...string) (o outcome, ok bool, err error) {
	var message holdfast.ID
	slot := uint16(0)
	if ref >= 0 {
		slot = uint16(ref)
		list, err := load[*sending](ctx, l.state, refKey(slot))
		if err != nil {
			return o, false, err
		}
		for _, x := range list {
			if sameEnd(x.To, ends) && !l.old(x.At) {
				message = x.Message
			}
		}
	}
	if message.IsZero() {
		for _, id := range idForms(r.ID) {
			list, err := load[alias](ctx, l.state, idKey(id))
			if err != nil {
				return o, false, err
			}
			for i := len(list) - 1; i >= 0; i-- {
				if a := list[i]; a.ID == id && !l.old(a.At) && l.goesTo(ctx, a.Message, ends) {
					message, slot = a.Message, reference(a.Message)
					break
				}
			}
			if !message.IsZero() {
				break
			}
		}
	}
	if message.IsZero() {
		return o, false, nil
	}
	o.message, o.state = message, r.verdict()
	if o.state != holdfast.Delivered {
		return o, true, nil
	}
	err = l.change(ctx, slot, func(list []*sending) []*sending {
		for _, x := range list {
			if x.Message == message && !x.mark(r.ID) {
				o.state = ""
			}
		}
		return list
	})
	return o, true, err
}

// mark notes that a part was delivered, and reports whether all were.
func (s *sending) mark(id string) bool {
	forms := idForms(id)
	at := -1
	for i, have := range s.IDs {
		if have != "" && slices.Contains(forms, plainID(have)) {
			at = i
			break
		}
	}
	if at < 0 { // a part whose answer never reached us
		at = slices.IndexFunc(s.Done, func(d bool) bool { return !d })
		for i, have := range s.IDs {
			if have == "" && !s.Done[i] {
				at = i
				break
			}
		}
	}
	if at >= 0 {
		s.Done[at] = true
		if !s.Took[at] {
			s.Took[at], s.IDs[at] = true, id
		}
	}
	return !slices.Contains(s.Done, false)
}

// goesTo reports whether a text went to one of the ends. One that is not in the
// ledger any more did not.
func (l *ledger) goesTo(ctx context.Context, message holdfast.ID, ends []string) bool {
	list, err := load[*sending](ctx, l.state, refKey(reference(message)))
	if err != nil {
		return false
	}
	for _, x := range list {
		if x.Message == message {
			return sameEnd(x.To, ends)
		}
	}
	return false
}

// sameEnd compares the last digits: networks write one number in many ways.
func sameEnd(to string, ends []string) bool {
	for _, e := range ends {
		n := min(8, len(to), len(e))
		if n >= 3 && to[len(to)-n:] == e[len(e)-n:] {
			return true
		}
	}
	return false
}

func (l *ledger) old(at time.Time) bool { return l.now().Sub(at) > ledgerAge }

func (l *ledger) change(ctx context.Context, ref uint16, f func([]*sending) []*sending) error {
	key := refKey(ref)
	mu := l.lock(key)
	mu.Lock()
	defer mu.Unlock()
	list, err := load[*sending](ctx, l.state, key)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(x *sending) bool {
		n := len(x.IDs)
		return l.old(x.At) || len(x.Took) != n || len(x.Done) != n
	})
	return save(ctx, l.state, key, f(list))
}

func load[T any](ctx context.Context, state channel.State, key string) (list []T, err error) {
	b, err := state.Get(ctx, key)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	if json.Unmarshal(b, &list) != nil {
		return nil, nil // a receipt's slot that cannot be read is an empty one
	}
	return list, nil
}

func save[T any](ctx context.Context, state channel.State, key string, list []T) error {
	if len(list) > ledgerSlot {
		list = list[len(list)-ledgerSlot:]
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return state.Put(ctx, key, b)
}

// plainID is an id without what centres change about it between an answer and a receipt.
func plainID(id string) string {
	id = strings.ToLower(strings.TrimSpace(id))
	if t := strings.TrimLeft(id, "0"); t != "" {
		return t
	}
	return id
}

// idForms are the ways in which the id of a receipt may have been written in the
// answer: as it is, and in hexadecimal for decimal or the other way round.
func idForms(id string) []string {
	if id = plainID(id); id == "" {
		return nil
	}
	forms := []string{id}
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		forms = append(forms, plainID(strconv.FormatUint(n, 16)))
	}
	if n, err := strconv.ParseUint(id, 16, 64); err == nil {
		forms = append(forms, plainID(strconv.FormatUint(n, 10)))
	}
	return forms
}

// refValue is a number as the parameter carries it.
func refValue(ref uint16) []byte { return binary.BigEndian.AppendUint16(nil, ref) }
