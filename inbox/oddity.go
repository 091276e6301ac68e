package inbox

import "holdfast/store"

// oddity says what a message that is being put in its place must reckon with.
// Most desks have next to none of it, and every message would pay for looking.
type oddity struct {
	moved  bool // some message is or will be in another conversation than it was written into
	merged bool // some conversation is or was shown as another
}

type oddityKey struct{ suffix string }

// oddities asks once a transaction. What it says may be out of date in one way
// only: that a thing is there which is not.
func oddities(tx *store.Tx) (*oddity, error) {
	v, err := tx.Local(oddityKey{tx.Suffix()}, func() (any, error) {
		var o oddity
		err := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM {message_fate} WHERE conversation IS NOT NULL), EXISTS (SELECT 1 FROM {conversation_edge})`).Scan(&o.moved, &o.merged)
		return &o, err
	})
	if err != nil {
		return nil, err
	}
	return v.(*oddity), nil
}

// found tells the rest of the transaction what an entry of it brought.
func found(tx *store.Tx, what oddity) {
	if o, ok := tx.Kept(oddityKey{tx.Suffix()}).(*oddity); ok {
		o.moved, o.merged = o.moved || what.moved, o.merged || what.merged
	}
}

// statement is one that puts a message in its place, in two forms.
type statement struct{ here, placed string }

// placing is a statement in whose middle stands a conversation: the parameter of
// the one that the message was written into, or where else it was moved to.
func placing(before, message, conversation, after string) statement {
	return statement{
		here:   before + conversation + after,
		placed: before + "COALESCE((SELECT f.conversation FROM {message_fate} f WHERE f.message = " + message + " AND f.conversation IS NOT NULL), " + conversation + ")" + after,
	}
}

func (o *oddity) of(s statement) string {
	if o.moved {
		return s.placed
	}
	return s.here
}
