package feedback

import (
	"context"
	"html"
	"strconv"
	"strings"
	"time"

	"holdfast"
	"holdfast/desk"
	"holdfast/inbox"
	"holdfast/journal"
)

// Run asks by itself where a workspace wants it, until ctx ends.
func (f *Feedback) Run(ctx context.Context) error {
	return f.Journal.Follow(ctx, journal.Follower{Name: "feedback", Handle: f.handle})
}

func (f *Feedback) handle(ctx context.Context, e *holdfast.Entry) error {
	switch b := e.Body.(type) {
	case *holdfast.ConversationStatus:
		if b.Status != holdfast.Resolved {
			return nil
		}
	case *holdfast.MessageQueued:
		if b.Then != holdfast.Resolved || b.Automatic {
			return nil
		}
	default:
		return nil
	}
	s, err := f.Settings(ctx, e.Workspace)
	if err != nil || s.CSAT == "off" && s.NPS == "off" {
		return err
	}
	c, err := f.Inbox.Conversation(ctx, e.Workspace, e.Subject, holdfast.ID{})
	switch {
	case holdfast.KindOf(err) == holdfast.NotFound:
		return nil
	case err != nil:
		return err
	case c.FirstReplyAt.IsZero() || c.State != holdfast.Resolved:
		return nil // nobody answered, or it is open again
	}
	kind, err := f.due(ctx, s, e.Workspace, c)
	if err != nil || kind == "" {
		return err
	}
	err = f.ask(ctx, s, e.Workspace, e.Subject, kind, holdfast.System)
	switch holdfast.KindOf(err) {
	case holdfast.NotFound, holdfast.Conflict, holdfast.Invalid, holdfast.TooLarge:
		f.Log.Debug("a customer cannot be asked to rate", "conversation", e.Subject.String(), "err", err)
		return nil
	}
	return err
}

// due is what a customer whose matter is resolved is asked by itself: one question
// about a conversation, and whether they would recommend us not more often than set.
func (f *Feedback) due(ctx context.Context, s Settings, workspace holdfast.ID, c *inbox.Conversation) (holdfast.RatingKind, error) {
	had, err := f.Of(ctx, workspace, c.ID)
	if err != nil {
		return "", err
	}
	for _, r := range had {
		if !r.AskedAt.IsZero() {
			return "", nil
		}
	}
	if s.NPS == "resolved" && c.Person != nil {
		var last time.Time
		err := f.DB.QueryRow(ctx, `SELECT COALESCE(MAX(r.asked_at), 0) FROM rating r JOIN conversation c ON c.id = r.conversation
			WHERE r.workspace = $1 AND r.kind = $2 AND c.customer = $3`, workspace, holdfast.NPS, c.Person.ID).Scan(&last)
		if err != nil {
			return "", err
		}
		if f.DB.Now().Sub(last) >= time.Duration(s.NPSEvery)*24*time.Hour {
			return holdfast.NPS, nil
		}
	}
	if s.CSAT == "off" {
		return "", nil
	}
	return holdfast.CSAT, nil
}

// Ask asks a conversation's customer now. Errors: Conflict "survey.asked" when it
// was asked already, and a reply's own.
func (f *Feedback) Ask(ctx context.Context, workspace, conversation holdfast.ID, kind holdfast.RatingKind, actor holdfast.Actor) error {
	s, err := f.Settings(ctx, workspace)
	if err != nil {
		return err
	}
	had, err := f.Of(ctx, workspace, conversation)
	if err != nil {
		return err
	}
	for _, r := range had {
		if r.Kind == kind && !r.AskedAt.IsZero() {
			return holdfast.Errorf(holdfast.Conflict, "survey.asked", "this customer was asked already").WithNext("Each customer is asked once about a conversation.")
		}
	}
	return f.ask(ctx, s, workspace, conversation, kind, actor)
}

// ask sends the question once: its id follows from the conversation, so a second
// try, or another node's, is the same message.
func (f *Feedback) ask(ctx context.Context, s Settings, workspace, conversation holdfast.ID, kind holdfast.RatingKind, actor holdfast.Actor) error {
	had, err := f.Of(ctx, workspace, conversation)
	if err != nil {
		return err
	}
	for _, r := range had {
		if r.Kind == kind && !r.AskedAt.IsZero() {
			return nil
		}
	}
	c, err := f.Inbox.Conversation(ctx, workspace, conversation, holdfast.ID{})
	if err != nil {
		return err
	}
	lang, name, err := f.Language(ctx, workspace)
	if err != nil {
		return err
	}
	if c.Person != nil && holdfast.KnownLanguage(c.Person.Language) {
		lang = c.Person.Language
	}
	a := asked{workspace: workspace, conversation: conversation, kind: kind, thumbs: s.CSAT == "thumbs" && kind == holdfast.CSAT}
	message := holdfast.DeriveID(conversation, "survey:"+string(kind))
	w := wordsIn(lang)
	text, formatted := question(w, lang, s.question(w, lang, name, kind), a, f.link(a))
	by := desk.By{Workspace: workspace, Actor: actor}
	if _, err := f.Desk.Reply(ctx, by, conversation, desk.Reply{ID: message, Text: text, HTML: formatted, Automatic: true}); err != nil {
		return err
	}
	_, err = f.Journal.Do(ctx, journal.Command{Workspace: workspace, Actor: actor, ID: holdfast.DeriveID(message, "asked"), Run: func(tx *journal.Tx) error {
		_, err := tx.Append(conversation, &holdfast.ConversationSurveyed{Kind: kind, Message: message})
		return err
	}})
	return err
}

// question is what a customer is sent: words and one link; where a channel carries
// formatted text, a link for each score.
func question(w *words, lang, ask string, a asked, link string) (text, formatted string) {
	var b strings.Builder
	dir := "ltr"
	if lang == "fa" {
		dir = "rtl"
	}
	b.WriteString(`<div dir="` + dir + `"><p>` + html.EscapeString(ask) + `</p><p>`)
	for _, o := range w.options(a) {
		b.WriteString(`<a href="` + html.EscapeString(link+"?score="+strconv.Itoa(o.Score)) + `">` + html.EscapeString(o.Label) + `</a> &nbsp; `)
	}
	b.WriteString("</p></div>")
	return ask + "\n" + link, b.String()
}
