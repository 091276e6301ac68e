// Package inbox is the projection that people look at: conversations, messages,
// customers, tags, drafts and read marks, and the queries over them.
//
// It refuses to write anything that is not in an entry of the journal, and to
// answer a question that names no workspace.
package inbox

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"holdfast"
	"holdfast/store"
)

// Inbox is the projection and its queries.
type Inbox struct{ db *store.DB }

// New returns the inbox over db.
func New(db *store.DB) *Inbox { return &Inbox{db: db} }

// Now is the desk's clock.
func (b *Inbox) Now() time.Time { return b.db.Now() }

// Name is the projection's name.
func (*Inbox) Name() string { return "inbox" }

// Version changes when the same entries must give other rows.
func (*Inbox) Version() int { return 2 }

// Tables are the ones that only Apply writes.
func (*Inbox) Tables() []string {
	return []string{"customer", "address", "conversation", "message", "tag", "read_mark", "draft", "arrival", "conversation_edge", "message_fate", "mention"}
}

// previewLength is how many characters of the last message a list shows.
const previewLength = 140

func preview(text string, attachments []holdfast.Attachment) string {
	if text == "" && len(attachments) > 0 {
		text = "📎 " + attachments[0].Name
	}
	n := 0
	for i := range text {
		if n == previewLength {
			return store.Text(text[:i]) + "…"
		}
		n++
	}
	return store.Text(text)
}

// extra is what few messages have; it is stored as JSON, and not at all when empty.
type extra struct {
	To          []string              `json:"to,omitempty"`
	CC          []string              `json:"cc,omitempty"`
	BCC         []string              `json:"bcc,omitempty"`
	Attachments []holdfast.Attachment `json:"attachments,omitempty"`
	Marks       []string              `json:"marks,omitempty"`
	Language    string                `json:"language,omitempty"`
	SentAt      time.Time             `json:"sent_at,omitzero"`
	Remote      bool                  `json:"remote,omitempty"`
	Thread      []string              `json:"thread,omitempty"`
	Mentions    []holdfast.ID         `json:"mentions,omitempty"`
	Automatic   bool                  `json:"automatic,omitempty"`
	Scheme      string                `json:"scheme,omitempty"`
}

func (x *extra) encode() []byte {
	b, err := json.Marshal(x)
	if err != nil || len(b) == 2 { // {}
		return nil
	}
	return b
}

// clip shortens text to n bytes at a character's border.
func clip(s string, n int) string {
	if len(s) <= n {
		return store.Text(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return store.Text(s[:n])
}
