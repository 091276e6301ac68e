package holdfast

import "time"

// LetterQueued is something on its way to an address that is no message of a
// conversation: a transcript, a digest. What it says is not in the journal, only
// that it goes; the outbox has the words. Subject of the entry: the conversation
// that it is about, or the letter itself.
type LetterQueued struct {
	Message   ID        `json:"message"` // what the outbox and every entry about its way know it by
	Purpose   Purpose   `json:"purpose"`
	Channel   ID        `json:"channel"`
	To        Address   `json:"to"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Customer is whom it is for, where that is a customer: only then is there
	// another way to send it.
	Customer ID `json:"customer,omitzero"`
	// Bulk is one of very many: it leaves a part of its channel to one-to-one service.
	Bulk bool `json:"bulk,omitempty"`
}

// Purpose is what a letter is for.
type Purpose string

// The purposes there are.
const (
	Transcript Purpose = "transcript" // a conversation, for who had it
	Digest     Purpose = "digest"     // what an operator has missed
	Alarm      Purpose = "alarm"      // for who is on duty, when nothing else reached anybody
	Broadcast  Purpose = "broadcast"  // what many customers are told at once
)

// EntryKind is the entry's name.
func (*LetterQueued) EntryKind() EntryKind { return "letter.queued" }

// AddressMuted says that nobody wants, or wants again, mail of one sort at an
// address. Subject of the entry: the customer, where one has the address.
type AddressMuted struct {
	Address Address `json:"address"`
	Topic   Topic   `json:"topic"`
	Again   bool    `json:"again,omitempty"` // it is wanted after all
	Via     string  `json:"via"`             // "link", "mail program" or "operator"
}

// Topic is a sort of mail that can be refused by itself.
type Topic string

// Answers is the mail that follows a visitor who has left a chat.
const Answers Topic = "answers"

// EntryKind is the entry's name.
func (*AddressMuted) EntryKind() EntryKind { return "address.muted" }
