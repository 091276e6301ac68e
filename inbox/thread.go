package inbox

import (
	"bytes"
	"encoding/json"
	"slices"

	"holdfast"
	"holdfast/store"
)

// joined keeps a merger of two conversations or its end, and works out anew as
// which one each of them, and whatever hangs on them, is shown.
func joined(tx *store.Tx, e *holdfast.Entry, with holdfast.ID, removed bool) error {
	a, b := e.Subject, with
	if a == b || a.IsZero() || b.IsZero() {
		return nil
	}
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	found(tx, oddity{merged: true})
	err := tx.Exec(`INSERT INTO {conversation_edge} (workspace, a, b, removed, stamp) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (workspace, a, b) DO UPDATE SET removed = excluded.removed, stamp = excluded.stamp
		WHERE excluded.stamp > {conversation_edge}.stamp`, e.Workspace, a, b, removed, store.Stamp(e))
	if err != nil {
		return err
	}
	one, err := component(tx, e.Workspace, a)
	if err != nil {
		return err
	}
	groups := [][]holdfast.ID{one}
	if !slices.Contains(one, b) {
		other, err := component(tx, e.Workspace, b)
		if err != nil {
			return err
		}
		groups = append(groups, other)
	}
	for _, group := range groups {
		for i, id := range group {
			var shown holdfast.ID
			if i > 0 {
				shown = group[0]
			}
			if err := tx.Exec(`INSERT INTO {conversation} (id, workspace, merged) VALUES ($1, $2, $3)
				ON CONFLICT (id) DO UPDATE SET merged = excluded.merged WHERE {conversation}.workspace = excluded.workspace`, id, e.Workspace, shown); err != nil {
				return err
			}
		}
	}
	// Only now, since a sum goes by who is shown as whom.
	for _, id := range slices.Concat(groups...) {
		if err := sumUp(tx, e.Workspace, id); err != nil {
			return err
		}
	}
	return nil
}

// component is every conversation that mergers join to one, the smallest id first.
func component(tx *store.Tx, workspace, from holdfast.ID) ([]holdfast.ID, error) {
	found := []holdfast.ID{from}
	for i := 0; i < len(found); i++ {
		rows, err := tx.Query(`SELECT CASE WHEN a = $2 THEN b ELSE a END FROM {conversation_edge} WHERE workspace = $1 AND (a = $2 OR b = $2) AND NOT removed`, workspace, found[i])
		next, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
		if err != nil {
			return nil, err
		}
		for _, id := range next {
			if !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	slices.SortFunc(found, func(a, b holdfast.ID) int { return bytes.Compare(a[:], b[:]) })
	return found, nil
}

// moved puts a message into another conversation, unless a later word has.
func moved(tx *store.Tx, e *holdfast.Entry, b *holdfast.MessageMoved) error {
	found(tx, oddity{moved: true})
	stamp := store.Stamp(e)
	n, err := tx.ExecN(`INSERT INTO {message_fate} (message, workspace, conversation, stamp) VALUES ($1, $2, $3, $4)
		ON CONFLICT (message) DO UPDATE SET conversation = excluded.conversation, stamp = excluded.stamp
		WHERE {message_fate}.workspace = excluded.workspace AND ({message_fate}.stamp IS NULL OR excluded.stamp > {message_fate}.stamp)`,
		b.Message, e.Workspace, e.Subject, stamp)
	if err != nil || n == 0 {
		return err
	}
	home, ok, err := homeOf(tx, e.Workspace, b.Message)
	if err != nil || !ok || home == e.Subject {
		return err
	}
	if err := tx.Exec("UPDATE {message} SET conversation = $3 WHERE id = $1 AND workspace = $2", b.Message, e.Workspace, e.Subject); err != nil {
		return err
	}
	return sumUpShown(tx, e.Workspace, home, e.Subject)
}

// withdrawn takes a message that was never sent out of its conversation's sums: it
// was no reply.
func withdrawn(tx *store.Tx, e *holdfast.Entry, b *holdfast.MessageCancelled) error {
	err := tx.Exec(`INSERT INTO {message_fate} (message, workspace, withdrawn) VALUES ($1, $2, TRUE)
		ON CONFLICT (message) DO UPDATE SET withdrawn = TRUE WHERE {message_fate}.workspace = excluded.workspace`, b.Message, e.Workspace)
	if err != nil {
		return err
	}
	home, ok, err := homeOf(tx, e.Workspace, b.Message)
	if err != nil || !ok {
		return err
	}
	return sumUpShown(tx, e.Workspace, home)
}

// homeOf is the conversation that a message is in; ok is false while it has not come.
func homeOf(tx *store.Tx, workspace, message holdfast.ID) (id holdfast.ID, ok bool, err error) {
	rows, err := tx.Query("SELECT conversation FROM {message} WHERE id = $1 AND workspace = $2", message, workspace)
	list, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	if err != nil || len(list) == 0 {
		return id, false, err
	}
	return list[0], true, nil
}

// sumUpShown is sumUp of conversations and of those that they are shown as.
func sumUpShown(tx *store.Tx, workspace holdfast.ID, ids ...holdfast.ID) error {
	for _, id := range ids {
		if err := sumUp(tx, workspace, id); err != nil {
			return err
		}
		rows, err := tx.Query("SELECT merged FROM {conversation} WHERE id = $1 AND workspace = $2 AND merged IS NOT NULL", id, workspace)
		shown, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
		if err != nil {
			return err
		}
		for _, s := range shown {
			if err := sumUp(tx, workspace, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// spoken is what a message adds to its conversation's sums.
type spoken struct {
	message   holdfast.ID
	clock     holdfast.Clock
	at        int64
	direction holdfast.Direction
	reply     bool
}

// sumUp works a conversation's sums out anew from its messages and those of the
// conversations that are shown as it: the same that received and queued come to,
// one message at a time.
func sumUp(tx *store.Tx, workspace, id holdfast.ID) error {
	rows, err := tx.Query("SELECT id FROM {conversation} WHERE merged = $1 AND workspace = $2", id, workspace)
	parts, err := store.Collect(rows, err, func(r *store.Rows, id *holdfast.ID) error { return r.Scan(id) })
	if err != nil {
		return err
	}
	args := []any{workspace, id}
	for _, part := range parts {
		args = append(args, part)
	}
	rows, err = tx.Query(`SELECT m.id, m.clock, m.at, m.direction, m.author, m.extra, m.forwarded FROM {message} m
		WHERE m.workspace = $1 AND m.conversation IN `+store.In(2, len(args)-1)+` AND m.direction <> 'note'
			AND NOT EXISTS (SELECT 1 FROM {message_fate} f WHERE f.message = m.id AND f.withdrawn) ORDER BY m.clock`, args...)
	list, err := store.Collect(rows, err, func(r *store.Rows, s *spoken) error {
		var author, forwarded holdfast.ID
		var raw []byte
		if err := r.Scan(&s.message, &s.clock, &s.at, &s.direction, &author, &raw, &forwarded); err != nil {
			return err
		}
		var x extra
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &x); err != nil {
				return err
			}
		}
		s.reply = answers(author, x.Automatic, forwarded)
		return nil
	})
	if err != nil {
		return err
	}
	var firstIn, firstReply int64
	var lastIn, lastOut holdfast.Clock
	for _, s := range list {
		switch s.direction {
		case holdfast.Inbound:
			lastIn = max(lastIn, s.clock)
			if firstIn == 0 || s.at < firstIn {
				firstIn = s.at
			}
		case holdfast.Outbound:
			lastOut = max(lastOut, s.clock)
			if s.reply && (firstReply == 0 || s.at < firstReply) {
				firstReply = s.at
			}
		}
	}
	var text, dir string
	if n := len(list); n > 0 {
		if text, err = previewOf(tx, list[n-1].message); err != nil {
			return err
		}
		dir = string(list[n-1].direction)
	}
	last := max(lastIn, lastOut)
	return tx.Exec(`INSERT INTO {conversation} (id, workspace, first_in_at, last_in_clock, first_reply_at, last_out_clock, last_clock, preview, preview_dir)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET first_in_at = excluded.first_in_at, last_in_clock = excluded.last_in_clock, first_reply_at = excluded.first_reply_at,
			last_out_clock = excluded.last_out_clock, preview = excluded.preview, preview_dir = excluded.preview_dir,
			last_clock = CASE WHEN excluded.last_clock > {conversation}.opened_clock THEN excluded.last_clock ELSE {conversation}.opened_clock END,
			state = CASE WHEN {conversation}.status NOT IN ('open', 'closed') AND excluded.last_in_clock > {conversation}.status_clock THEN 'open' ELSE {conversation}.status END
		WHERE {conversation}.workspace = excluded.workspace`,
		id, workspace, firstIn, lastIn, firstReply, lastOut, last, text, dir)
}

func previewOf(tx *store.Tx, message holdfast.ID) (string, error) {
	var text string
	var raw []byte
	if err := tx.QueryRow("SELECT text, extra FROM {message} WHERE id = $1", message).Scan(&text, &raw); err != nil {
		return "", err
	}
	var x extra
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &x); err != nil {
			return "", err
		}
	}
	return preview(text, x.Attachments), nil
}
