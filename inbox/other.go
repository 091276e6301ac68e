package inbox

import (
	"errors"
	"time"

	"holdfast"
	"holdfast/store"
)

// OtherWay is how a message came to go another way than it was written for.
type OtherWay struct {
	From     holdfast.ID `json:"from" doc:"The channel that it was taken from."`
	Why      string      `json:"why" enum:"cut,open,failed,late" doc:"That way is cut; it did not work; this message failed on it; nobody got it there in time."`
	Code     string      `json:"code,omitempty"`
	Reason   string      `json:"reason,omitempty"`
	Line     string      `json:"line,omitempty" doc:"What the customer reads of it."`
	Accepted bool        `json:"accepted,omitempty" doc:"The way left behind has it, too."`
	At       time.Time   `json:"at"`
}

// otherWay joins the leg that a message is on, if it is not the first.
const otherWay = ` LEFT JOIN leg g ON g.message = m.id AND g.channel = o.channel AND g.stamp = (SELECT h.stamp FROM leg h WHERE h.message = m.id ORDER BY h.stamp DESC LIMIT 1)`

const otherWayColumns = `g.from_channel, COALESCE(g.why, ''), COALESCE(g.code, ''), COALESCE(g.reason, ''), COALESCE(g.line, ''), COALESCE(g.accepted, FALSE), COALESCE(g.at, 0)`

func (w *OtherWay) fields() []any {
	return []any{&w.From, &w.Why, &w.Code, &w.Reason, &w.Line, &w.Accepted, &w.At}
}

// answerTime is how long what somebody writes from an address counts as the answer
// to what was sent there another way.
const answerTime = 14 * 24 * time.Hour

// answersTo is the conversation that a message was last sent in to address $4 of
// channel $2, when it went there another way than it was written for.
const answersTo = `(SELECT g.conversation FROM leg g WHERE g.workspace = $1 AND g.channel = $2 AND g.scheme = $3 AND g.address = $4 ORDER BY g.at DESC LIMIT 1)`

// FindAnswered is the conversation, as it is shown, that what somebody writes from
// an address continues: the one that a message came to them from another way,
// unless something has been said on this channel by itself since. Zero for none.
func FindAnswered(tx *store.Tx, workspace, channel holdfast.ID, a holdfast.Address, running holdfast.ID) (conversation, customer holdfast.ID, err error) {
	var since time.Time
	err = tx.QueryRow(`SELECT COALESCE(c.merged, c.id), c.customer, g.at FROM leg g JOIN conversation c ON c.id = g.conversation
		WHERE g.workspace = $1 AND g.channel = $2 AND g.scheme = $3 AND g.address = $4 AND g.at > $5
			AND COALESCE((SELECT k.state FROM conversation k WHERE k.id = c.merged), c.state) <> 'closed'
		ORDER BY g.at DESC LIMIT 1`, workspace, channel, a.Scheme, a.Value, tx.Now.Add(-answerTime)).Scan(&conversation, &customer, &since)
	if errors.Is(err, store.ErrNoRows) {
		return holdfast.ID{}, holdfast.ID{}, nil
	}
	if err != nil || running.IsZero() || running == conversation {
		return conversation, customer, err
	}
	var last int64
	err = tx.QueryRow("SELECT COALESCE(MAX(clock), 0) FROM message WHERE conversation = $1 AND workspace = $2 AND channel = $3 AND direction <> 'note'", running, workspace, channel).Scan(&last)
	if err == nil && holdfast.Clock(last) > holdfast.ClockAt(since) {
		return holdfast.ID{}, holdfast.ID{}, nil
	}
	return conversation, customer, err
}

// HasLeft reports whether an outbound message was on a channel account and goes by another now.
func HasLeft(tx *store.Tx, message, channel holdfast.ID) (left bool, err error) {
	err = tx.QueryRow("SELECT EXISTS (SELECT 1 FROM leg g JOIN outbox o ON o.message = g.message WHERE g.message = $1 AND g.from_channel = $2 AND o.channel <> $2)", message, channel).Scan(&left)
	return left, err
}
