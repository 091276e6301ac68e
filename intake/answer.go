package intake

import (
	"slices"

	"holdfast"
	"holdfast/channel"
	"holdfast/inbox"
	"holdfast/journal"
)

// otherWay lets an answer to what was sent another way continue the conversation
// that it was sent in, also from an address that the customer has only claimed:
// whoever answers there has what was said, and learns nothing that was not sent to
// that address. The address is not taken for proved by it.
func (s *Sink) otherWay(tx *journal.Tx, place *inbox.Place, m *channel.Inbound) error {
	conversation, customer, err := inbox.FindAnswered(tx.Tx, s.account.Workspace, s.account.ID, m.From, place.Conversation)
	if err != nil || conversation.IsZero() {
		return err
	}
	// Somebody whom we know by this address answers for himself alone.
	if !place.Customer.IsZero() && place.Customer != customer {
		return nil
	}
	place.Customer, place.Conversation = customer, conversation
	return nil
}

// consent keeps, with the message, that somebody wants to hear no more, or again.
// It counts for service and notices; marketing and calls need a word of their own.
func (s *Sink) consent(tx *journal.Tx, customer, message holdfast.ID, m *channel.Inbound) error {
	address := holdfast.Address{Scheme: m.From.Scheme, Value: m.From.Value}
	by := holdfast.Actor{Kind: holdfast.ActorCustomer, ID: customer}
	switch {
	case slices.Contains(m.Marks, holdfast.MarkOptOut):
		_, err := tx.AppendAs(by, customer, &holdfast.ConsentWithdrawn{Address: address, Via: "message", Message: message})
		return err
	case slices.Contains(m.Marks, holdfast.MarkOptIn):
		for _, p := range []holdfast.ConsentPurpose{holdfast.ForService, holdfast.ForNotices} {
			if _, err := tx.AppendAs(by, customer, &holdfast.ConsentGiven{Address: address, Purpose: p, Via: "message", Message: message}); err != nil {
				return err
			}
		}
	}
	return nil
}

// failed notes that this channel did not bring a message to the customer, unless
// the message has been sent another way since: then this says nothing about it.
func (s *Sink) failed(tx *journal.Tx, w inbox.Where, code, reason string) error {
	if left, err := inbox.HasLeft(tx.Tx, w.Message, s.account.ID); err != nil || left {
		return err
	}
	_, err := tx.Append(w.Conversation, &holdfast.MessageFailed{Message: w.Message, Code: code, Reason: reason})
	return err
}
