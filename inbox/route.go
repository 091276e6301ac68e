package inbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"holdfast"
	"holdfast/store"
)

// The questions that a command asks inside its transaction.

// Where is a message's place, for commands.
type Where struct {
	Message      holdfast.ID
	Conversation holdfast.ID
	Customer     holdfast.ID
	LSN          holdfast.LSN
	Direction    holdfast.Direction
}

// FindMessage finds a message by its id in any workspace state; ok is false when there is none.
func FindMessage(tx *store.Tx, workspace, id holdfast.ID) (w Where, ok bool, err error) {
	err = tx.QueryRow("SELECT id, conversation, customer, lsn, direction FROM message WHERE id = $1 AND workspace = $2", id, workspace).
		Scan(&w.Message, &w.Conversation, &w.Customer, &w.LSN, &w.Direction)
	if errors.Is(err, store.ErrNoRows) {
		return w, false, nil
	}
	return w, err == nil, err
}

// FindExternal finds a message, theirs or ours, by the provider's id of it.
func FindExternal(tx *store.Tx, workspace holdfast.ID, external string) (w Where, ok bool, err error) {
	err = tx.QueryRow(`SELECT id, conversation, customer, lsn, direction FROM message WHERE workspace = $1 AND external_id = $2 ORDER BY lsn LIMIT 1`, workspace, external).
		Scan(&w.Message, &w.Conversation, &w.Customer, &w.LSN, &w.Direction)
	if errors.Is(err, store.ErrNoRows) {
		return FindSent(tx, workspace, external)
	}
	return w, err == nil, err
}

// FindArrival reports whether an arrival is on record.
func FindArrival(tx *store.Tx, workspace, id holdfast.ID) (reason string, ok bool, err error) {
	err = tx.QueryRow("SELECT reason FROM arrival WHERE id = $1 AND workspace = $2 AND NOT replayed", id, workspace).Scan(&reason)
	if errors.Is(err, store.ErrNoRows) {
		return "", false, nil
	}
	return reason, err == nil, err
}

// Place is what intake must know to place a message.
type Place struct {
	Customer     holdfast.ID
	Verified     bool
	Conversation holdfast.ID // the latest one with this customer on the channel that is not closed
}

// running is a customer's latest conversation on channel $2 that a message may
// join, as it is shown: one that was merged is as open as what it was merged into.
const running = `(SELECT COALESCE(c.merged, c.id) FROM conversation c WHERE c.customer = a.customer AND c.workspace = $1 AND c.channel = $2
			AND COALESCE((SELECT k.state FROM conversation k WHERE k.id = c.merged), c.state) <> 'closed'
			ORDER BY c.last_clock DESC LIMIT 1)`

// first holds of the customer who had an address before anybody else. Sorting the
// one row that there nearly always is would cost a third of the whole question.
const first = `NOT a.claimed AND NOT EXISTS (SELECT 1 FROM address b WHERE b.workspace = $1 AND b.scheme = $3 AND b.value = $4
			AND NOT b.claimed AND b.customer <> a.customer AND b.stamp < a.stamp)`

// FindPlace finds who writes from an address and their latest conversation on a
// channel that a message may join; zero ids where there is none.
func FindPlace(tx *store.Tx, workspace, channel holdfast.ID, a holdfast.Address) (p Place, err error) {
	err = tx.QueryRow(`SELECT a.customer, a.verified, `+running+`
		FROM address a WHERE a.workspace = $1 AND a.scheme = $3 AND a.value = $4 AND `+first,
		workspace, channel, a.Scheme, a.Value).Scan(&p.Customer, &p.Verified, &p.Conversation)
	if errors.Is(err, store.ErrNoRows) {
		return Place{}, nil
	}
	return p, err
}

// FindRunning finds a customer's latest conversation on any channel, in which
// something was said since a time and that is not closed; zero when there is none.
func FindRunning(tx *store.Tx, workspace, customer holdfast.ID, since time.Time) (id holdfast.ID, err error) {
	err = tx.QueryRow(`SELECT COALESCE(c.merged, c.id) FROM conversation c WHERE c.customer = $1 AND c.workspace = $2 AND c.last_clock >= $3
			AND COALESCE((SELECT k.state FROM conversation k WHERE k.id = c.merged), c.state) <> 'closed'
		ORDER BY c.last_clock DESC LIMIT 1`, customer, workspace, holdfast.ClockAt(since)).Scan(&id)
	if errors.Is(err, store.ErrNoRows) {
		return holdfast.ID{}, nil
	}
	return id, err
}

// Location is FindMessage and FindPlace in one question, which every message that
// comes in begins with.
type Location struct {
	Question store.Question
	// Here asks for the message only, where the place is known.
	Here  store.Question
	Had   Where // the message, when it is here already
	Again bool  // it is
	Place Place
	// Other is a conversation that went to this address another way; see FindAnswered.
	Other holdfast.ID
}

// Locate asks whether a message is here already, and for the place of one from an
// address on a channel.
func Locate(workspace, channel holdfast.ID, a holdfast.Address, message holdfast.ID) *Location {
	l := &Location{}
	l.Question = store.Question{
		Query: `SELECT m.id, m.conversation, m.customer, COALESCE(m.lsn, 0), COALESCE(m.direction, ''), a.customer, COALESCE(a.verified, FALSE),
			` + running + `, ` + answersTo + `
		FROM (SELECT 1 AS one) AS o
			LEFT JOIN address a ON a.workspace = $1 AND a.scheme = $3 AND a.value = $4 AND ` + first + `
			LEFT JOIN message m ON m.id = $5 AND m.workspace = $1`,
		Args: []any{workspace, channel, a.Scheme, a.Value, message},
		Read: func(r *store.Row) error {
			l.Had, l.Place, l.Other = Where{}, Place{}, holdfast.ID{}
			err := r.Scan(&l.Had.Message, &l.Had.Conversation, &l.Had.Customer, &l.Had.LSN, &l.Had.Direction, &l.Place.Customer, &l.Place.Verified, &l.Place.Conversation, &l.Other)
			l.Again = !l.Had.Message.IsZero()
			return err
		},
	}
	l.Here = store.Question{
		Query: "SELECT id, conversation, customer, lsn, direction FROM message WHERE id = $1 AND workspace = $2",
		Args:  []any{message, workspace},
		Read: func(r *store.Row) error {
			l.Had = Where{}
			err := r.Scan(&l.Had.Message, &l.Had.Conversation, &l.Had.Customer, &l.Had.LSN, &l.Had.Direction)
			if errors.Is(err, store.ErrNoRows) {
				err = nil
			}
			l.Again = !l.Had.Message.IsZero()
			return err
		},
	}
	return l
}

// Brief is what a command must know about a conversation.
type Brief struct {
	ID       holdfast.ID
	Number   int64
	Customer holdfast.ID
	Channel  holdfast.ID
	Subject  string
	State    holdfast.Status
	Status   holdfast.Status
	Operator holdfast.ID
	Team     holdfast.ID
	Priority holdfast.Priority
	Until    time.Time
	LastIn   holdfast.Clock
	// StatusClock is the entry's that set the status.
	StatusClock holdfast.Clock
}

// FindConversation reads a conversation in a command; of one that was merged, what
// it is shown as. The error is NotFound.
func FindConversation(tx *store.Tx, workspace, id holdfast.ID) (*Brief, error) {
	var b Brief
	err := tx.QueryRow(`SELECT id, number, customer, channel, subject, state, status, operator, team, priority, snooze_until, last_in_clock, status_clock
		FROM conversation WHERE workspace = $1 AND id = `+shown("$2"), workspace, id).
		Scan(&b.ID, &b.Number, &b.Customer, &b.Channel, &b.Subject, &b.State, &b.Status, &b.Operator, &b.Team, &b.Priority, &b.Until, &b.LastIn, &b.StatusClock)
	if errors.Is(err, store.ErrNoRows) {
		return nil, notFound("conversation")
	}
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// FindBySubject finds a sender's conversation on a channel with this subject, active since a time.
func FindBySubject(tx *store.Tx, workspace, channel, customer holdfast.ID, normal func(string) string, subject string, since time.Time) (holdfast.ID, error) {
	want := normal(subject)
	if want == "" {
		return holdfast.ID{}, nil
	}
	rows, err := tx.Query(`SELECT COALESCE(c.merged, c.id), c.subject FROM conversation c WHERE c.customer = $1 AND c.workspace = $2 AND c.channel = $3 AND c.last_clock >= $4
			AND COALESCE((SELECT k.state FROM conversation k WHERE k.id = c.merged), c.state) <> 'closed'
		ORDER BY c.last_clock DESC LIMIT 50`, customer, workspace, channel, holdfast.ClockAt(since))
	if err != nil {
		return holdfast.ID{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var id holdfast.ID
		var s string
		if err := rows.Scan(&id, &s); err != nil {
			return holdfast.ID{}, err
		}
		if normal(s) == want {
			return id, nil
		}
	}
	return holdfast.ID{}, rows.Err()
}

type numberKey struct{ workspace holdfast.ID }

// NextNumber is the next conversation number of a workspace. Who asks opens that
// conversation in the same transaction.
func NextNumber(tx *store.Tx, workspace holdfast.ID) (int64, error) {
	last, err := tx.Local(numberKey{workspace}, func() (any, error) {
		n := new(int64)
		return n, tx.QueryRow("SELECT COALESCE(MAX(number), 0) FROM conversation WHERE workspace = $1", workspace).Scan(n)
	})
	if err != nil {
		return 0, err
	}
	n := last.(*int64)
	*n++
	return *n, nil
}

// FindCustomer reports whether a customer is in the workspace.
func FindCustomer(tx *store.Tx, workspace, id holdfast.ID) error {
	var one int
	err := tx.QueryRow("SELECT 1 FROM customer WHERE id = $1 AND workspace = $2", id, workspace).Scan(&one)
	if errors.Is(err, store.ErrNoRows) {
		return notFound("customer")
	}
	return err
}

// HasAddress reports whether a customer has an address, claimed or not.
func HasAddress(tx *store.Tx, workspace, customer holdfast.ID, a holdfast.Address) (has bool, err error) {
	err = tx.QueryRow("SELECT EXISTS (SELECT 1 FROM address WHERE workspace = $1 AND scheme = $2 AND value = $3 AND customer = $4)", workspace, a.Scheme, a.Value, customer).Scan(&has)
	return has, err
}

// Last is the customer's latest message in a conversation.
type Last struct {
	From    holdfast.Address
	Subject string
	Clock   holdfast.Clock
	Channel holdfast.ID
}

// Members are a conversation and those that are shown as it.
func Members(tx *store.Tx, workspace, conversation holdfast.ID) ([]holdfast.ID, error) {
	rows, err := tx.Query("SELECT id FROM conversation WHERE merged = $1 AND workspace = $2", conversation, workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	return append([]holdfast.ID{conversation}, list...), err
}

// LastInbound finds the customer's latest message in a conversation on a channel (zero:
// any); zero when there is none. What somebody wrote to whom we had only passed a
// message on is not the customer's.
func LastInbound(tx *store.Tx, workspace, conversation, channel holdfast.ID) (l Last, err error) {
	members, err := Members(tx, workspace, conversation)
	if err != nil {
		return l, err
	}
	for _, id := range members {
		var one Last
		var raw []byte
		err := tx.QueryRow(`SELECT m.address, m.address_name, m.subject, m.extra, m.clock, m.channel FROM message m
			WHERE m.conversation = $1 AND m.workspace = $2 AND m.channel = COALESCE($3, m.channel) AND m.direction = 'in'
				AND NOT EXISTS (SELECT 1 FROM message f WHERE f.conversation = m.conversation AND f.forwarded IS NOT NULL AND f.address = m.address AND f.customer <> m.customer)
			ORDER BY m.clock DESC LIMIT 1`, id, workspace, channel).
			Scan(&one.From.Value, &one.From.Name, &one.Subject, &raw, &one.Clock, &one.Channel)
		if errors.Is(err, store.ErrNoRows) {
			continue
		}
		if err != nil {
			return l, err
		}
		if one.Clock < l.Clock {
			continue
		}
		var x extra
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &x); err != nil {
				return l, err
			}
		}
		one.From.Scheme = x.Scheme
		l = one
	}
	return l, nil
}

// AddressFor is a customer's first address of a scheme that does not fail, or one
// that does; zero when there is none.
func AddressFor(tx *store.Tx, workspace, customer holdfast.ID, scheme string) (a holdfast.Address, err error) {
	err = tx.QueryRow(`SELECT scheme, value, name, verified FROM address WHERE customer = $1 AND workspace = $2 AND scheme = $3
		ORDER BY failing <> '', stamp LIMIT 1`, customer, workspace, scheme).Scan(&a.Scheme, &a.Value, &a.Name, &a.Verified)
	if errors.Is(err, store.ErrNoRows) {
		return holdfast.Address{}, nil
	}
	return a, err
}

// ReadUpto is how far an operator has read a conversation.
func ReadUpto(tx *store.Tx, operator, conversation holdfast.ID) (upto holdfast.Clock, err error) {
	err = tx.QueryRow("SELECT upto FROM read_mark WHERE operator = $1 AND conversation = $2", operator, conversation).Scan(&upto)
	if errors.Is(err, store.ErrNoRows) {
		return 0, nil
	}
	return upto, err
}

// LastClock is the clock of the newest message of a conversation, notes included.
func LastClock(tx *store.Tx, workspace, conversation holdfast.ID) (last holdfast.Clock, err error) {
	err = tx.QueryRow(`SELECT COALESCE(MAX(m.clock), 0) FROM message m WHERE m.workspace = $1
		AND m.conversation IN (SELECT k.id FROM conversation k WHERE k.id = $2 OR k.merged = $2)`, workspace, conversation).Scan(&last)
	return last, err
}

// Thread lists the provider ids of a conversation's messages on one channel, the
// oldest first and at most max: the first one and the latest others.
func Thread(tx *store.Tx, workspace, conversation, channel holdfast.ID, max int) ([]string, error) {
	members, err := Members(tx, workspace, conversation)
	if err != nil {
		return nil, err
	}
	type named struct {
		id    string
		clock holdfast.Clock
	}
	var list []named
	for _, member := range members {
		rows, err := tx.Query(`SELECT COALESCE(m.external_id, o.external_id, ''), m.clock FROM message m LEFT JOIN outbox o ON o.message = m.id
			WHERE m.conversation = $1 AND m.workspace = $2 AND m.channel = $3 AND m.direction <> 'note' AND m.forwarded IS NULL ORDER BY m.clock DESC LIMIT 200`, member, workspace, channel)
		some, err := store.Collect(rows, err, func(r *store.Rows, n *named) error { return r.Scan(&n.id, &n.clock) })
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, func(a, b named) int { return cmp.Compare(b.clock, a.clock) })
	var ids []string
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].id != "" {
			ids = append(ids, list[i].id)
		}
	}
	if len(ids) > max {
		ids = append(ids[:1], ids[len(ids)-max+1:]...)
	}
	return ids, nil
}

// DeliveryOf is how far an outbound message has come; "" when it is not in the outbox.
func DeliveryOf(tx *store.Tx, message holdfast.ID) (state holdfast.Delivery, err error) {
	err = tx.QueryRow("SELECT state FROM outbox WHERE message = $1", message).Scan(&state)
	if errors.Is(err, store.ErrNoRows) {
		return "", nil
	}
	return state, err
}

// FindSent finds a message of ours by the id that the provider gave it.
func FindSent(tx *store.Tx, workspace holdfast.ID, external string) (w Where, ok bool, err error) {
	if external == "" {
		return w, false, nil
	}
	err = tx.QueryRow(`SELECT m.id, m.conversation, m.customer, m.lsn, m.direction FROM outbox o JOIN message m ON m.id = o.message
		WHERE o.workspace = $1 AND o.external_id = $2 AND o.external_id <> '' LIMIT 1`, workspace, external).Scan(&w.Message, &w.Conversation, &w.Customer, &w.LSN, &w.Direction)
	if errors.Is(err, store.ErrNoRows) {
		if w, ok, err = scanLetter(tx.QueryRow(letterPlace+"o.external_id = $2 LIMIT 1", workspace, external)); err != nil || ok {
			return w, ok, err
		}
		// What a way called it that was left behind.
		err = tx.QueryRow(`SELECT m.id, m.conversation, m.customer, m.lsn, m.direction FROM leg g JOIN message m ON m.id = g.message
			WHERE g.workspace = $1 AND g.external_id = $2 AND g.external_id <> '' LIMIT 1`, workspace, external).Scan(&w.Message, &w.Conversation, &w.Customer, &w.LSN, &w.Direction)
		if errors.Is(err, store.ErrNoRows) {
			return w, false, nil
		}
	}
	return w, err == nil, err
}

// FindLetter finds what was sent by a mailbox and is no message of a conversation;
// its Conversation is the one that it is about, or its own id.
func FindLetter(tx *store.Tx, workspace, id holdfast.ID) (w Where, ok bool, err error) {
	return scanLetter(tx.QueryRow(letterPlace+"o.message = $2", workspace, id))
}

const letterPlace = "SELECT o.message, o.conversation, o.lsn FROM letter t JOIN outbox o ON o.message = t.message WHERE o.workspace = $1 AND "

func scanLetter(r *store.Row) (w Where, ok bool, err error) {
	err = r.Scan(&w.Message, &w.Conversation, &w.LSN)
	if errors.Is(err, store.ErrNoRows) {
		return Where{}, false, nil
	}
	w.Direction = holdfast.Outbound
	return w, err == nil, err
}

// TagsOf lists the tags of one conversation.
func TagsOf(tx *store.Tx, workspace, conversation holdfast.ID) ([]string, error) {
	rows, err := tx.Query("SELECT DISTINCT tag FROM tag WHERE workspace = $1 AND conversation = $2 AND NOT removed ORDER BY tag", workspace, conversation)
	return store.Collect(rows, err, func(r *store.Rows, s *string) error { return r.Scan(s) })
}

// Edges lists what a conversation was itself merged with, the smallest id first.
func Edges(tx *store.Tx, workspace, conversation holdfast.ID) ([]holdfast.ID, error) {
	rows, err := tx.Query(`SELECT CASE WHEN a = $2 THEN b ELSE a END AS other FROM conversation_edge
		WHERE workspace = $1 AND (a = $2 OR b = $2) AND NOT removed ORDER BY other`, workspace, conversation)
	return store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
}

// CountMessages is how many messages a conversation shows, notes included.
func CountMessages(tx *store.Tx, workspace, conversation holdfast.ID) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM message m WHERE m.workspace = $1
		AND m.conversation IN (SELECT k.id FROM conversation k WHERE k.id = $2 OR k.merged = $2)`, workspace, conversation).Scan(&n)
	return n, err
}
