package outbox

import (
	"bytes"
	"errors"
	"time"

	"holdfast"
	"holdfast/store"
)

// lifetime is how long a message may wait when nobody has said otherwise.
const lifetime = 72 * time.Hour

// Table is the projection: one row per outbound message with how far it has come.
type Table struct{}

// Name is the projection's name.
func (Table) Name() string { return "outbox" }

// Version changes when the same entries must give other rows.
func (Table) Version() int { return 1 }

// Tables are the ones that only Apply writes.
func (Table) Tables() []string { return []string{"outbox", "leg", "lane_limit"} }

// Apply joins one entry into its message's row. The row is read, joined in Go
// and written back: four registers with an order of their own in one statement
// would be SQL that nobody checks.
func (Table) Apply(tx *store.Tx, e *holdfast.Entry) error {
	if b, ok := e.Body.(*holdfast.LaneLimited); ok {
		return limited(tx, e, b)
	}
	id := messageOf(e.Body)
	if id.IsZero() {
		return nil
	}
	r, err := readRow(tx, id)
	if errors.Is(err, store.ErrNoRows) {
		r = &row{message: id, workspace: e.Workspace, conversation: e.Subject, state: holdfast.Queued}
	} else if err != nil {
		return err
	}
	// An id of another workspace's message is no way to change that message.
	if r.workspace != e.Workspace {
		return nil
	}
	if b, ok := e.Body.(*holdfast.MessageRerouted); ok {
		if err := leg(tx, e, b); err != nil {
			return err
		}
	}
	if !r.join(e) {
		return nil
	}
	return r.write(tx)
}

func messageOf(b holdfast.Body) holdfast.ID {
	switch b := b.(type) {
	case *holdfast.MessageQueued:
		return b.Message
	case *holdfast.LetterQueued:
		return b.Message
	case *holdfast.MessageSent:
		return b.Message
	case *holdfast.MessageRetrying:
		return b.Message
	case *holdfast.MessageDelivered:
		return b.Message
	case *holdfast.MessageSeen:
		return b.Message
	case *holdfast.MessageFailed:
		return b.Message
	case *holdfast.MessageUnknown:
		return b.Message
	case *holdfast.MessageRequeued:
		return b.Message
	case *holdfast.MessageRerouted:
		return b.Message
	case *holdfast.MessageStayed:
		return b.Message
	case *holdfast.MessageHeld:
		return b.Message
	case *holdfast.MessageCancelled:
		return b.Message
	}
	return holdfast.ID{}
}

// row is a message's row. Every field is a register with a total order over its
// writers, a maximum, a minimum or an "ever", so that any order of entries and
// any repetition joins to the same row.
type row struct {
	message, workspace, conversation, customer, channel holdfast.ID

	scheme, address string
	lsn             holdfast.LSN // of the message.queued entry; 0 until that comes
	state           holdfast.Delivery
	ranks           ranks
	attempts        int
	dueAt           time.Time
	expiresAt       time.Time
	code, reason    string
	externalID      string
	doubled         bool
	bulk            bool
	sentLSN         holdfast.LSN // of the first message.sent
	changedAt       time.Time
}

// ranks are the winning stamps of the row's registers, one after another, as
// the column "stamp" keeps them. A rank is a class and a stamp: the higher
// class wins whatever the clocks say, the later stamp within one class.
type ranks []byte

const (
	stateRank = iota
	channelRank
	addressRank
	externalRank
	rankCount
	rankSize = 25
)

// The classes. What the customer's device said stands: a provider's report may
// overtake our own note that it accepted the message, and a message that has
// arrived after all must not be sent again.
const (
	said byte = iota
	arrived
	opened
)

// wins reports whether e is the latest word on a register, and notes it.
func (r *row) wins(register int, class byte, e *holdfast.Entry) bool {
	if len(r.ranks) != rankCount*rankSize {
		r.ranks = make(ranks, rankCount*rankSize)
	}
	rank := append([]byte{class}, store.Stamp(e)...)
	have := r.ranks[register*rankSize : (register+1)*rankSize]
	if bytes.Compare(rank, have) <= 0 {
		return false
	}
	copy(have, rank)
	return true
}

// join merges e into r. It reports false when nothing changed.
func (r *row) join(e *holdfast.Entry) bool {
	before, ranks := *r, bytes.Clone(r.ranks)
	switch b := e.Body.(type) {
	case *holdfast.MessageQueued:
		r.conversation, r.customer = e.Subject, b.Customer
		if r.lsn == 0 || e.LSN < r.lsn {
			r.lsn = e.LSN
		}
		expires := b.ExpiresAt
		if expires.IsZero() {
			expires = e.At.Add(lifetime)
		}
		r.expiresAt = later(r.expiresAt, expires)
		r.route(e, b.Channel, b.To)
		if b.ExternalID != "" && r.wins(externalRank, said, e) {
			r.externalID = clip(b.ExternalID, 998)
		}
		due := b.NotBefore
		if due.IsZero() {
			due = e.At
		}
		r.move(e, said, holdfast.Queued, due, "", "")
	case *holdfast.LetterQueued:
		r.conversation, r.customer, r.bulk = e.Subject, b.Customer, b.Bulk
		if r.lsn == 0 || e.LSN < r.lsn {
			r.lsn = e.LSN
		}
		expires := b.ExpiresAt
		if expires.IsZero() {
			expires = e.At.Add(lifetime)
		}
		r.expiresAt = later(r.expiresAt, expires)
		r.route(e, b.Channel, b.To)
		r.move(e, said, holdfast.Queued, e.At, "", "")
	case *holdfast.MessageSent:
		r.attempts = max(r.attempts, b.Attempt)
		r.doubled = r.doubled || b.Doubled
		if r.sentLSN == 0 || e.LSN < r.sentLSN {
			r.sentLSN = e.LSN
		}
		// What the provider calls it outranks what we had planned to call it.
		if b.ExternalID != "" && r.wins(externalRank, arrived, e) {
			r.externalID = clip(b.ExternalID, 998)
		}
		r.move(e, said, holdfast.Accepted, time.Time{}, "", "")
	case *holdfast.MessageRetrying:
		r.attempts = max(r.attempts, b.Attempt)
		r.doubled = r.doubled || b.Maybe
		r.move(e, said, holdfast.RetryWait, b.NextAt, b.Code, b.Reason)
	case *holdfast.MessageDelivered:
		r.move(e, arrived, holdfast.Delivered, time.Time{}, "", "")
	case *holdfast.MessageSeen:
		r.move(e, opened, holdfast.Seen, time.Time{}, "", "")
	case *holdfast.MessageFailed:
		r.move(e, said, holdfast.Failed, time.Time{}, b.Code, b.Reason)
	case *holdfast.MessageUnknown:
		r.move(e, said, holdfast.Parked, time.Time{}, b.Code, b.Reason)
	case *holdfast.MessageRequeued:
		due := b.NotBefore
		if due.IsZero() {
			due = e.At
		}
		r.expiresAt = later(r.expiresAt, due.Add(lifetime)) // or an expired one would fail again at once
		r.route(e, b.Channel, b.To)
		r.move(e, said, holdfast.Queued, due, "", "")
	case *holdfast.MessageRerouted:
		r.route(e, b.To, b.Address)
		r.move(e, said, holdfast.Queued, e.At, "", "")
	case *holdfast.MessageStayed:
		r.route(e, b.Channel, b.To)
		r.move(e, said, holdfast.Accepted, time.Time{}, "", "")
	case *holdfast.MessageHeld:
		r.move(e, said, holdfast.Held, time.Time{}, "", "")
	case *holdfast.MessageCancelled:
		r.move(e, said, holdfast.Cancelled, time.Time{}, "", "")
	}
	return !r.same(&before, ranks)
}

func (r *row) move(e *holdfast.Entry, class byte, state holdfast.Delivery, due time.Time, code, reason string) {
	if r.wins(stateRank, class, e) {
		r.state, r.dueAt, r.changedAt = state, trimmed(due), trimmed(e.At)
		r.code, r.reason = clip(code, 100), clip(reason, 1000)
	}
}

func (r *row) route(e *holdfast.Entry, channel holdfast.ID, to holdfast.Address) {
	if !channel.IsZero() && r.wins(channelRank, said, e) {
		r.channel = channel
	}
	if to.Value != "" && r.wins(addressRank, said, e) {
		r.scheme, r.address = clip(to.Scheme, 100), clip(to.Value, 998)
	}
}

func (r *row) same(o *row, ranks []byte) bool {
	return bytes.Equal(r.ranks, ranks) && r.lsn == o.lsn && r.sentLSN == o.sentLSN && r.attempts == o.attempts &&
		r.doubled == o.doubled && r.bulk == o.bulk && r.expiresAt.Equal(o.expiresAt) && r.customer == o.customer && r.conversation == o.conversation
}

func readRow(tx *store.Tx, id holdfast.ID) (*row, error) {
	r := &row{message: id}
	err := tx.QueryRow(`SELECT workspace, conversation, customer, channel, scheme, address, lsn, state, stamp, attempts, due_at, expires_at,
			code, reason, external_id, doubled, sent_lsn, changed_at, bulk FROM {outbox} WHERE message = $1`, id).
		Scan(&r.workspace, &r.conversation, &r.customer, &r.channel, &r.scheme, &r.address, &r.lsn, &r.state, &r.ranks, &r.attempts, &r.dueAt, &r.expiresAt,
			&r.code, &r.reason, &r.externalID, &r.doubled, &r.sentLSN, &r.changedAt, &r.bulk)
	return r, err
}

func (r *row) write(tx *store.Tx) error {
	return tx.Exec(`INSERT INTO {outbox} (message, workspace, conversation, customer, channel, scheme, address, lsn, state, stamp, attempts, due_at, expires_at,
			code, reason, external_id, doubled, sent_lsn, changed_at, bulk)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT (message) DO UPDATE SET conversation = excluded.conversation, customer = excluded.customer, channel = excluded.channel,
			scheme = excluded.scheme, address = excluded.address, lsn = excluded.lsn, state = excluded.state, stamp = excluded.stamp,
			attempts = excluded.attempts, due_at = excluded.due_at, expires_at = excluded.expires_at, code = excluded.code, reason = excluded.reason,
			external_id = excluded.external_id, doubled = excluded.doubled, sent_lsn = excluded.sent_lsn, changed_at = excluded.changed_at, bulk = excluded.bulk`,
		r.message, r.workspace, r.conversation, r.customer, r.channel, r.scheme, r.address, r.lsn, r.state, []byte(r.ranks), r.attempts, r.dueAt, r.expiresAt,
		r.code, r.reason, r.externalID, r.doubled, r.sentLSN, r.changedAt, r.bulk)
}

// trimmed is t as the database keeps it, so that a row joined in memory and one
// read back are equal.
func trimmed(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

func later(a, b time.Time) time.Time {
	if b = trimmed(b); b.After(a) {
		return b
	}
	return a
}

// clip shortens text to n bytes at a character's border.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
		for i := 0; i < 3 && len(s) > 0 && s[len(s)-1]&0xc0 == 0x80; i++ {
			s = s[:len(s)-1]
		}
		if len(s) > 0 && s[len(s)-1] >= 0xc0 {
			s = s[:len(s)-1]
		}
	}
	return store.Text(s)
}
