package api

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/desk"
	"holdfast/inbox"
)

type listConversationsIn struct {
	PageIn
	View     string `query:"view" maxLength:"36" default:"open" doc:"mine, unassigned, unread, mentions, open, waiting, snoozed, resolved, closed, all, or a saved view's id, which the other filters do not narrow."`
	Filter   string `query:"filter" maxLength:"16384" doc:"Instead of a view: the filter of one as JSON, to try it before it is saved."`
	Team     string `query:"team"`
	Operator string `query:"operator"`
	Channel  string `query:"channel"`
	Customer string `query:"customer"`
	Tag      string `query:"tag"`
}

func (a *API) listConversations(ctx context.Context, id access.Identity, in *listConversationsIn) (*body[page[inbox.Item]], error) {
	if in.Filter != "" {
		return a.tryFilter(ctx, id, in.Filter, in.Cursor, in.Limit)
	}
	if view, err := holdfast.ParseID(in.View); err == nil {
		return a.listView(ctx, id, view, in.Cursor, in.Limit)
	}
	f := inbox.Filter{View: inbox.View(in.View), Asker: id.Operator, Tag: in.Tag, Cursor: in.Cursor, Limit: in.Limit}
	for _, p := range []struct {
		to    *holdfast.ID
		value string
		field string
	}{{&f.Team, in.Team, "team"}, {&f.Operator, in.Operator, "operator"}, {&f.Channel, in.Channel, "channel"}, {&f.Customer, in.Customer, "customer"}} {
		v, err := parseID(p.value, p.field)
		if err != nil {
			return nil, err
		}
		*p.to = v
	}
	return paged(a.Inbox.List(ctx, id.Workspace, f))
}

func (a *API) countConversations(ctx context.Context, id access.Identity, _ *struct{}) (*body[inbox.Counts], error) {
	return ok(a.Inbox.Counts(ctx, id.Workspace, id.Operator))
}

func (a *API) readConversation(ctx context.Context, id access.Identity, in *IDIn) (*body[*inbox.Conversation], error) {
	return ok(a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator))
}

type messagesIn struct {
	IDIn
	Before string `query:"before" doc:"Clock of the oldest message seen; empty: the newest page."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (a *API) listMessages(ctx context.Context, id access.Identity, in *messagesIn) (*body[page[inbox.Message]], error) {
	before, err := parseClock(in.Before, "before")
	if err != nil {
		return nil, err
	}
	c, err := a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator)
	if err != nil {
		return nil, err
	}
	list, more, err := a.Inbox.Messages(ctx, id.Workspace, c.ID, before, in.Limit)
	next := ""
	if more {
		next = strconv.FormatInt(int64(list[0].Clock), 10)
	}
	return paged(list, next, err)
}

func parseClock(s, field string) (holdfast.Clock, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, holdfast.Errorf(holdfast.Invalid, "clock.malformed", "%s is not a clock stamp", field).WithField(field)
	}
	return holdfast.Clock(n), nil
}

type timelineIn struct {
	IDIn
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// event is one entry of the journal as a timeline shows it.
type event struct {
	LSN   holdfast.LSN       `json:"lsn"`
	At    time.Time          `json:"at"`
	Kind  holdfast.EntryKind `json:"kind"`
	Actor holdfast.Actor     `json:"actor"`
	Body  any                `json:"body"`
}

func (a *API) readTimeline(ctx context.Context, id access.Identity, in *timelineIn) (*body[page[event]], error) {
	before, err := parseClock(in.Cursor, "cursor")
	if err != nil {
		return nil, err
	}
	c, err := a.Inbox.Conversation(ctx, id.Workspace, in.id(), id.Operator)
	if err != nil {
		return nil, err
	}
	entries, err := a.about(ctx, id.Workspace, append([]holdfast.ID{c.ID}, c.Merged...), holdfast.LSN(before), in.Limit)
	if err != nil {
		return nil, err
	}
	list := make([]event, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		switch b := e.Body.(type) {
		case *holdfast.MessageReceived:
			b.Text, b.Rest, b.HTML = "", "", ""
		case *holdfast.MessageQueued:
			b.Text, b.HTML = "", ""
		case *holdfast.MessageNoted:
			b.Text = ""
		case *holdfast.DraftSaved, *holdfast.ConversationRead:
			continue
		}
		list = append(list, event{e.LSN, e.At, e.Kind, e.Actor, e.Body})
	}
	next := ""
	if len(entries) == in.Limit {
		next = strconv.FormatInt(int64(entries[len(entries)-1].LSN), 10)
	}
	return paged(list, next, nil)
}

// about lists what happened to several conversations that are shown as one, the
// newest first.
func (a *API) about(ctx context.Context, workspace holdfast.ID, subjects []holdfast.ID, before holdfast.LSN, limit int) ([]holdfast.Entry, error) {
	var all []holdfast.Entry
	for _, s := range subjects {
		some, err := a.Journal.About(ctx, workspace, s, before, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b holdfast.Entry) int { return cmp.Compare(b.LSN, a.LSN) })
	return all[:min(len(all), limit)], nil
}

// addressIn is an address in a request.
type addressIn struct {
	Scheme string `json:"scheme" maxLength:"20"`
	Value  string `json:"value" maxLength:"320"`
	Name   string `json:"name,omitempty" maxLength:"200"`
}

func (in *addressIn) address() *holdfast.Address {
	if in == nil || in.Value == "" {
		return nil
	}
	return &holdfast.Address{Scheme: in.Scheme, Value: in.Value, Name: in.Name}
}

type ReplyBody struct {
	ID          string                `json:"id" format:"uuid" doc:"Made by you; the same one again is the same reply."`
	Text        string                `json:"text"`
	HTML        string                `json:"html,omitempty"`
	Subject     string                `json:"subject,omitempty" maxLength:"500"`
	Channel     string                `json:"channel,omitempty" doc:"Empty: where the conversation began."`
	To          *addressIn            `json:"to,omitempty" doc:"Empty: who wrote last."`
	CC          []string              `json:"cc,omitempty" maxItems:"50"`
	BCC         []string              `json:"bcc,omitempty" maxItems:"50"`
	Attachments []holdfast.Attachment `json:"attachments,omitempty" maxItems:"50" doc:"As POST /attachments returned them."`
	Then        string                `json:"then,omitempty" enum:"open,waiting,resolved,closed" doc:"Status that this reply sets; empty leaves it."`
	NotBefore   time.Time             `json:"not_before,omitempty" doc:"Send later."`
	Undo        int                   `json:"undo,omitempty" minimum:"0" maximum:"60" doc:"Seconds for which it is held back and its author can take it back."`
	SeenLSN     int64                 `json:"seen_lsn,omitempty" minimum:"0" doc:"The newest entry you have seen. When a customer or a colleague has written since, the answer is 409 conversation.changed, with what they wrote."`
	Anyway      bool                  `json:"anyway,omitempty" doc:"Send it although something has changed."`
}

func (a *API) reply(ctx context.Context, in *ReplyBody) (desk.Reply, error) {
	r := desk.Reply{Text: in.Text, Subject: in.Subject, CC: in.CC, BCC: in.BCC, Then: holdfast.Status(in.Then), NotBefore: in.NotBefore, To: in.To.address(),
		Undo: time.Duration(in.Undo) * time.Second, Seen: holdfast.LSN(in.SeenLSN), Anyway: in.Anyway}
	var err error
	if r.ID, err = parseID(in.ID, "id"); err != nil {
		return r, err
	}
	if r.Channel, err = parseID(in.Channel, "channel"); err != nil {
		return r, err
	}
	if r.Attachments, err = a.attachments(ctx, in.Attachments); err != nil {
		return r, err
	}
	if in.HTML != "" {
		r.HTML = a.cleanHTML(in.HTML)
	}
	return r, checkCopies(in.CC, in.BCC)
}

type replyIn struct {
	IDIn
	Body ReplyBody
}

func (a *API) sendReply(ctx context.Context, id access.Identity, in *replyIn) (*created[*inbox.Message], error) {
	r, err := a.reply(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	return made(a.Desk.Reply(ctx, by(ctx, id), in.id(), r))
}

type noteIn struct {
	IDIn
	Body struct {
		ID          string                `json:"id" format:"uuid"`
		Text        string                `json:"text"`
		Attachments []holdfast.Attachment `json:"attachments,omitempty" maxItems:"50"`
		Mentions    []string              `json:"mentions,omitempty" maxItems:"50"`
	}
}

func (a *API) addNote(ctx context.Context, id access.Identity, in *noteIn) (*created[*inbox.Message], error) {
	n := desk.NoteIn{Text: in.Body.Text}
	var err error
	if n.ID, err = parseID(in.Body.ID, "id"); err != nil {
		return nil, err
	}
	if n.Attachments, err = a.attachments(ctx, in.Body.Attachments); err != nil {
		return nil, err
	}
	for _, m := range in.Body.Mentions {
		op, err := parseID(m, "mentions")
		if err != nil {
			return nil, err
		}
		if _, err := a.Guard.Operator(ctx, id.Workspace, op); err != nil {
			return nil, err
		}
		n.Mentions = append(n.Mentions, op)
	}
	return made(a.Desk.Note(ctx, by(ctx, id), in.id(), n))
}

type startIn struct {
	Body struct {
		ReplyBody
		MessageID string `json:"message_id" format:"uuid"`
		Customer  string `json:"customer,omitempty" doc:"Who, if known; else \"to\"."`
	}
}

func (a *API) startConversation(ctx context.Context, id access.Identity, in *startIn) (*created[*inbox.Conversation], error) {
	r, err := a.reply(ctx, &in.Body.ReplyBody)
	if err != nil {
		return nil, err
	}
	s := desk.Start{ID: r.ID, To: r.To, Reply: r}
	if s.Reply.ID, err = parseID(in.Body.MessageID, "message_id"); err != nil {
		return nil, err
	}
	if s.Customer, err = parseID(in.Body.Customer, "customer"); err != nil {
		return nil, err
	}
	return made(a.Desk.Start(ctx, by(ctx, id), s))
}

type statusIn struct {
	IDIn
	Body struct {
		Status string    `json:"status" enum:"open,waiting,snoozed,resolved,closed"`
		Until  time.Time `json:"until,omitempty" doc:"For snoozed; empty: until the customer writes."`
	}
}

func (a *API) setStatus(ctx context.Context, id access.Identity, in *statusIn) (*nothing, error) {
	return end(a.Desk.SetStatus(ctx, by(ctx, id), in.id(), holdfast.Status(in.Body.Status), in.Body.Until))
}

type assignmentIn struct {
	IDIn
	Body struct {
		Operator string `json:"operator" doc:"Empty: nobody."`
		Team     string `json:"team" doc:"Empty: none."`
	}
}

func (a *API) setAssignment(ctx context.Context, id access.Identity, in *assignmentIn) (*nothing, error) {
	operator, err := parseID(in.Body.Operator, "operator")
	if err != nil {
		return nil, err
	}
	team, err := parseID(in.Body.Team, "team")
	if err != nil {
		return nil, err
	}
	if err := a.assignable(ctx, id, operator, team); err != nil {
		return nil, err
	}
	return end(a.Desk.Assign(ctx, by(ctx, id), in.id(), operator, team))
}

// assignable checks that conversations can be handed to an operator and a team;
// zero ids always can.
func (a *API) assignable(ctx context.Context, id access.Identity, operator, team holdfast.ID) error {
	if !operator.IsZero() {
		m, err := a.Guard.Operator(ctx, id.Workspace, operator)
		if err != nil {
			return err
		}
		if m.Disabled || !m.Role.May(holdfast.WriteConversations) {
			return holdfast.Errorf(holdfast.Conflict, "assignment.cannot_answer", "%s cannot answer conversations", m.Name).WithField("operator").
				WithNext("Choose an operator who is active here.")
		}
	}
	if !team.IsZero() {
		if _, err := a.Guard.Team(ctx, id.Workspace, team); err != nil {
			return err
		}
	}
	return nil
}

type priorityIn struct {
	IDIn
	Body struct {
		Priority int `json:"priority" minimum:"0" maximum:"3" doc:"0 low, 1 normal, 2 high, 3 urgent."`
	}
}

func (a *API) setPriority(ctx context.Context, id access.Identity, in *priorityIn) (*nothing, error) {
	return end(a.Desk.SetPriority(ctx, by(ctx, id), in.id(), holdfast.Priority(in.Body.Priority)))
}

type subjectIn struct {
	IDIn
	Body struct {
		Subject string `json:"subject"`
	}
}

func (a *API) setSubject(ctx context.Context, id access.Identity, in *subjectIn) (*nothing, error) {
	return end(a.Desk.SetSubject(ctx, by(ctx, id), in.id(), in.Body.Subject))
}

type tagIn struct {
	IDIn
	Tag string `path:"tag"`
}

func (in *tagIn) tag() string {
	if s, err := url.PathUnescape(in.Tag); err == nil {
		return s
	}
	return in.Tag
}

func (a *API) addTag(ctx context.Context, id access.Identity, in *tagIn) (*nothing, error) {
	return end(a.Desk.Tag(ctx, by(ctx, id), in.id(), in.tag()))
}

func (a *API) removeTag(ctx context.Context, id access.Identity, in *tagIn) (*nothing, error) {
	return end(a.Desk.Untag(ctx, by(ctx, id), in.id(), in.tag()))
}

func (a *API) listTags(ctx context.Context, id access.Identity, _ *struct{}) (*body[page[inbox.Tag]], error) {
	list, err := a.Inbox.Tags(ctx, id.Workspace)
	return paged(list, "", err)
}

type readIn struct {
	IDIn
	Body struct {
		Upto string `json:"upto,omitempty" doc:"Clock of the last message read; empty: all."`
	}
}

func (a *API) markRead(ctx context.Context, id access.Identity, in *readIn) (*nothing, error) {
	upto, err := parseClock(in.Body.Upto, "upto")
	if err != nil {
		return nil, err
	}
	if err := a.Desk.Read(ctx, by(ctx, id), in.id(), upto, false); err != nil {
		return nil, err
	}
	a.seen(ctx, id, in.id())
	return done, nil
}

// seen tells a customer whose channel can show it that an operator has read what
// they wrote. It is of the moment: nobody waits for it and nothing is stored.
func (a *API) seen(ctx context.Context, id access.Identity, conversation holdfast.ID) {
	if a.Hub.FarEnds() == 0 {
		return
	}
	c, err := a.Inbox.Conversation(ctx, id.Workspace, conversation, id.Operator)
	if err != nil || c.Person == nil {
		return
	}
	last := int64(a.Journal.Head())
	for _, addr := range c.Person.Addresses {
		a.Hub.SignalTo(id.Workspace, addr.Scheme, addr.Value, holdfast.Signal{Seen: last})
	}
}

func (a *API) markUnread(ctx context.Context, id access.Identity, in *IDIn) (*nothing, error) {
	return end(a.Desk.Read(ctx, by(ctx, id), in.id(), 0, true))
}

type draftIn struct {
	IDIn
	Body struct {
		Text string `json:"text"`
		Note bool   `json:"note,omitempty"`
	}
}

func (a *API) saveDraft(ctx context.Context, id access.Identity, in *draftIn) (*nothing, error) {
	return end(a.Desk.SaveDraft(ctx, by(ctx, id), in.id(), in.Body.Text, in.Body.Note))
}
