package holdfast

// Owner says whose a preset is: an operator's own, a team's, or, with neither, everybody's.
type Owner struct {
	Team     ID `json:"team,omitzero"`
	Operator ID `json:"operator,omitzero"`
}

// Shared reports whether it belongs to the whole workspace.
func (o Owner) Shared() bool { return o.Team.IsZero() && o.Operator.IsZero() }

// AnyLanguage is the key of a text that serves where no other does.
const AnyLanguage = "any"

// CannedSaved is a canned reply, whole: the latest one of an id counts. Subject of
// the entry: the canned reply.
type CannedSaved struct {
	Owner    Owner             `json:"owner"`
	Title    string            `json:"title"`
	Shortcut string            `json:"shortcut,omitempty"` // typed after a slash
	Texts    map[string]string `json:"texts"`              // by language, or AnyLanguage
	// Where it is offered; an empty list means everywhere.
	Channels  []string `json:"channels,omitempty"` // kinds of channels
	Teams     []ID     `json:"teams,omitempty"`    // that the conversation is with
	Languages []string `json:"languages,omitempty"`
}

// CannedRemoved takes a canned reply away.
type CannedRemoved struct{}

// MacroSaved is a named list of actions, whole. Subject of the entry: the macro.
type MacroSaved struct {
	Owner   Owner    `json:"owner"`
	Name    string   `json:"name"`
	Actions []Action `json:"actions"`
}

// MacroRemoved takes a macro away.
type MacroRemoved struct{}

// ViewSaved is a saved view, whole. Subject of the entry: the view.
type ViewSaved struct {
	Owner    Owner      `json:"owner"`
	Name     string     `json:"name"`
	Filter   ViewFilter `json:"filter"`
	Position int        `json:"position,omitempty"` // among the views of the same owner, smallest first
}

// ViewRemoved takes a view away.
type ViewRemoved struct{}

func (*CannedSaved) EntryKind() EntryKind   { return "canned.saved" }
func (*CannedRemoved) EntryKind() EntryKind { return "canned.removed" }
func (*MacroSaved) EntryKind() EntryKind    { return "macro.saved" }
func (*MacroRemoved) EntryKind() EntryKind  { return "macro.removed" }
func (*ViewSaved) EntryKind() EntryKind     { return "view.saved" }
func (*ViewRemoved) EntryKind() EntryKind   { return "view.removed" }
