// Package unread follows a visitor who has left: what an operator answered in a
// site's chat and nobody has read there goes out by mail as well, when the visitor
// has given an address and the workspace has a mailbox. The answer to that mail
// lands in the same conversation.
//
// It refuses to send anything by itself (it queues a reply like any other), to mail
// one answer twice, to write to an address that wants no such mail, and to take one
// that a visitor claims for a proof of who he is.
package unread

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"holdfast"
	"holdfast/desk"
	"holdfast/inbox"
	"holdfast/mutes"
	"holdfast/store"
)

const (
	patience = 2 * time.Minute // an answer may lie unread
	window   = 2 * time.Hour   // what is older was dealt with, or missed for good
	every    = 15 * time.Second
	batch    = 200
)

// Deps is what it works with.
type Deps struct {
	DB    *store.DB
	Inbox *inbox.Inbox
	Desk  *desk.Desk
	Mutes *mutes.Mutes
	Log   *slog.Logger
	// Mailbox is the account that a workspace sends such mail from; zero for none.
	Mailbox func(ctx context.Context, workspace holdfast.ID) (holdfast.ID, error)
	// Language is a workspace's, and what it calls itself to customers.
	Language func(ctx context.Context, workspace holdfast.ID) (lang, name string, err error)
}

// Unread looks for what nobody has read. Make one with New and Run it.
type Unread struct{ Deps }

// New makes it. It does no I/O.
func New(d Deps) *Unread { return &Unread{d} }

// Run looks every few seconds until ctx ends.
func (u *Unread) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := u.Look(ctx, time.Now()); err != nil && ctx.Err() == nil {
			u.Log.Warn("unread answers cannot be mailed for now", "err", err)
		}
	}
}

type answer struct {
	workspace    holdfast.ID
	message      holdfast.ID
	conversation holdfast.ID
	address      string // of the visitor
	text         string
}

// Look mails what has lain unread for two minutes at a time now.
func (u *Unread) Look(ctx context.Context, now time.Time) error {
	rows, err := u.DB.Query(ctx, `SELECT o.workspace, o.message, o.conversation, o.address, m.text FROM outbox o JOIN message m ON m.id = o.message
		WHERE o.scheme = $1 AND o.state IN ('accepted', 'delivered') AND o.sent_lsn > 0 AND o.changed_at > $2 AND m.at > $2 AND m.at < $3 AND m.author IS NOT NULL
		ORDER BY o.lsn LIMIT $4`, "visitor", now.Add(-window), now.Add(-patience), batch)
	list, err := store.Collect(rows, err, func(r *store.Rows, a *answer) error {
		return r.Scan(&a.workspace, &a.message, &a.conversation, &a.address, &a.text)
	})
	if err != nil {
		return err
	}
	for i := range list {
		if err := u.mail(ctx, &list[i]); err != nil {
			switch holdfast.KindOf(err) {
			case holdfast.Unavailable, holdfast.Internal:
				return err
			}
			u.Log.Debug("an unread answer is not mailed", "message", list[i].message.String(), "err", err)
		}
	}
	return nil
}

func (u *Unread) mail(ctx context.Context, a *answer) error {
	id := holdfast.DeriveID(a.message, "by mail")
	if _, err := u.Inbox.Message(ctx, a.workspace, id); holdfast.KindOf(err) != holdfast.NotFound {
		return err // it went already
	}
	known, err := u.Inbox.MailAddresses(ctx, a.workspace, a.conversation, a.address)
	if err != nil || len(known) == 0 || strings.TrimSpace(a.text) == "" {
		return err
	}
	to := known[0]
	muted, err := u.Mutes.Muted(ctx, a.workspace, to, holdfast.Answers)
	if err != nil || muted {
		return err
	}
	box, err := u.Mailbox(ctx, a.workspace)
	if err != nil || box.IsZero() {
		return err
	}
	lang, name, err := u.Language(ctx, a.workspace)
	if err != nil {
		return err
	}
	c, err := u.Inbox.Conversation(ctx, a.workspace, a.conversation, holdfast.ID{})
	if err != nil {
		return err
	}
	if c.Person != nil && holdfast.KnownLanguage(c.Person.Language) {
		lang = c.Person.Language
	}
	w := words[lang]
	stop := u.Mutes.Link(a.workspace, to, holdfast.Answers)
	_, err = u.Desk.Reply(ctx, desk.By{Workspace: a.workspace, Actor: holdfast.System}, a.conversation, desk.Reply{
		ID: id, Channel: box, To: &to, Automatic: true, Subject: strings.ReplaceAll(w.subject, "{name}", name),
		Text: a.text + "\n\n" + strings.ReplaceAll(w.foot, "{name}", name) + "\n" + w.stop + " " + stop, Unsubscribe: stop,
	})
	return err
}

var words = map[string]struct{ subject, foot, stop string }{
	"en": {"An answer from {name}", "You asked this in the chat of {name} and had left before the answer came. You can simply reply to this mail.", "No more mail about chats you have left:"},
	"ru": {"Ответ от «{name}»", "Вы задали вопрос в чате «{name}» и ушли до того, как пришёл ответ. Можно просто ответить на это письмо.", "Больше не присылать ответы из чата на почту:"},
	"fa": {"پاسخ {name}", "این را در گفت‌وگوی {name} پرسیده بودید و پیش از رسیدن پاسخ رفته بودید. کافی است به همین ایمیل پاسخ دهید.", "برای اینکه پاسخ‌های گفت‌وگو دیگر ایمیل نشوند:"},
}
