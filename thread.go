package holdfast

// ConversationMerged says that two conversations are one matter. They are shown as
// the smallest id of all that are joined so. Subject of the entry: the one that
// stays on screens as far as its author knew.
type ConversationMerged struct {
	With ID `json:"with"`
}

// ConversationUnmerged takes a merger of the same two back.
type ConversationUnmerged struct {
	With ID `json:"with"`
}

// MessageMoved puts a message into another conversation; the latest word counts.
// Subject of the entry: the conversation that it belongs to from here on.
type MessageMoved struct {
	Message ID `json:"message"`
	From    ID `json:"from"`
}

func (*ConversationMerged) EntryKind() EntryKind   { return "conversation.merged" }
func (*ConversationUnmerged) EntryKind() EntryKind { return "conversation.unmerged" }
func (*MessageMoved) EntryKind() EntryKind         { return "message.moved" }
