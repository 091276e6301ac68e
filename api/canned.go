package api

import (
	"context"

	"holdfast"
	"holdfast/access"
	"holdfast/inbox"
	"holdfast/presets"
)

// ownerIn says whose a preset is to be.
type ownerIn struct {
	Team     string `json:"team,omitempty" doc:"A team's."`
	Operator string `json:"operator,omitempty" doc:"One's own: \"me\" or one's id. With neither it is everybody's."`
}

func (in *ownerIn) owner(id access.Identity) (o holdfast.Owner, err error) {
	if in == nil {
		return o, nil
	}
	if o.Team, err = parseID(in.Team, "owner.team"); err != nil {
		return o, err
	}
	if in.Operator == "me" {
		if o.Operator = id.Operator; o.Operator.IsZero() {
			return o, holdfast.Errorf(holdfast.Invalid, "preset.no_operator", "only an operator has something of their own; a token has not").WithField("owner")
		}
	} else if o.Operator, err = parseID(in.Operator, "owner.operator"); err != nil {
		return o, err
	}
	if !o.Team.IsZero() && !o.Operator.IsZero() {
		return o, holdfast.Errorf(holdfast.Invalid, "preset.two_owners", "it is either a team's or one's own").WithField("owner")
	}
	return o, nil
}

func parseIDs(list []string, field string) ([]holdfast.ID, error) {
	var ids []holdfast.ID
	for _, s := range list {
		id, err := parseID(s, field)
		if err != nil {
			return nil, err
		}
		if !id.IsZero() {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (a *API) listCanned(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[presets.Canned]], error) {
	list, err := a.Presets.CannedReplies(ctx, id)
	return paged(list, "", err)
}

func (a *API) readCanned(ctx context.Context, id access.Identity, in *IDIn) (*body[presets.Canned], error) {
	return ok(a.Presets.CannedReply(ctx, id, in.id()))
}

type cannedIn struct {
	IDIn
	Body struct {
		Owner     *ownerIn          `json:"owner,omitempty"`
		Title     string            `json:"title" maxLength:"200"`
		Shortcut  string            `json:"shortcut,omitempty" maxLength:"64" doc:"Typed after a slash."`
		Texts     map[string]string `json:"texts" doc:"By language, or \"any\". Placeholders: {{customer.name}}, {{customer.first_name|friend}}, {{operator.name}}, {{conversation.number}}, {{conversation.subject}}, {{workspace.name}}."`
		Channels  []string          `json:"channels,omitempty" maxItems:"20" doc:"Kinds of channels it is for; empty: all."`
		Teams     []string          `json:"teams,omitempty" maxItems:"50"`
		Languages []string          `json:"languages,omitempty" maxItems:"20"`
	}
}

func (a *API) saveCanned(ctx context.Context, id access.Identity, in *cannedIn) (*body[presets.Canned], error) {
	b := holdfast.CannedSaved{Title: in.Body.Title, Shortcut: in.Body.Shortcut, Texts: in.Body.Texts, Channels: in.Body.Channels, Languages: in.Body.Languages}
	var err error
	if b.Owner, err = in.Body.Owner.owner(id); err != nil {
		return nil, err
	}
	if b.Teams, err = parseIDs(in.Body.Teams, "teams"); err != nil {
		return nil, err
	}
	for _, kind := range b.Channels {
		if _, err := a.Setup.Kind(kind); err != nil {
			return nil, err
		}
	}
	return ok(a.Presets.SaveCanned(ctx, id, in.id(), b))
}

func (a *API) removeCanned(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Presets.RemoveCanned(ctx, id, in.id()))
}

// ready is a canned reply as it would be sent in one conversation.
type readyReply struct {
	ID       holdfast.ID `json:"id"`
	Title    string      `json:"title"`
	Shortcut string      `json:"shortcut,omitempty"`
	Language string      `json:"language" doc:"Of the text; \"any\" when it serves for all."`
	Text     string      `json:"text" doc:"With its placeholders filled in."`
}

type readyIn struct {
	IDIn
	Language string `query:"language" maxLength:"8" doc:"Empty: the customer's."`
}

func (a *API) cannedFor(ctx context.Context, id access.Identity, in *readyIn) (*body[page[readyReply]], error) {
	c, err := a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator)
	if err != nil {
		return nil, err
	}
	s, facts, err := a.situation(ctx, id, c)
	if err != nil {
		return nil, err
	}
	if in.Language != "" {
		s.Language = in.Language
	}
	all, err := a.Presets.CannedReplies(ctx, id)
	if err != nil {
		return nil, err
	}
	list := []readyReply{}
	for _, r := range all {
		if r.Fits(s) {
			text, lang := r.Text(s)
			list = append(list, readyReply{ID: r.ID, Title: r.Title, Shortcut: r.Shortcut, Language: lang, Text: presets.Fill(text, facts)})
		}
	}
	return paged(list, "", nil)
}

// situation is what canned replies look at in a conversation, and what their
// placeholders stand for there.
func (a *API) situation(ctx context.Context, id access.Identity, c *inbox.Conversation) (presets.Situation, presets.Facts, error) {
	w, err := a.Setup.Workspace(ctx, id.Workspace)
	if err != nil {
		return presets.Situation{}, presets.Facts{}, err
	}
	s := presets.Situation{Team: c.Team, Language: w.Language, Fallback: w.Language}
	if ch, err := a.Setup.Channel(ctx, id.Workspace, c.Channel); err == nil {
		s.Channel = ch.Kind
	} else if holdfast.KindOf(err) != holdfast.NotFound {
		return s, presets.Facts{}, err
	}
	f := presets.Facts{Customer: c.Customer.Name, Number: c.Number, Subject: c.Subject, Workspace: w.Settings.PublicName}
	if f.Workspace == "" {
		f.Workspace = w.Name
	}
	if !id.Operator.IsZero() {
		f.Operator = id.Name
	}
	if c.Person != nil && c.Person.Language != "" {
		s.Language = c.Person.Language
	}
	return s, f, nil
}
