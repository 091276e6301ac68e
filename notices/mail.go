package notices

import (
	"context"
	"errors"
	"fmt"
	"html"
	"strings"
	"time"

	"holdfast"
	"holdfast/access"
	"holdfast/outbox"
	"holdfast/store"
)

// Mail is the second way, and the digest's: without Post nobody is mailed.
type Mail struct {
	Post func(ctx context.Context, workspace holdfast.ID, actor holdfast.Actor, l outbox.Letter, also func(tx *store.Tx) error) error
	// Mailbox is the account that a workspace sends such mail from; zero for none.
	Mailbox func(ctx context.Context, workspace holdfast.ID) (holdfast.ID, error)
	// DigestLink is where an operator's digest is refused with one click.
	DigestLink func(workspace, operator holdfast.ID) string
	// Online reports whether an operator has a console open.
	Online func(workspace, operator holdfast.ID) bool
	// OnDuty reports whether an operator works now.
	OnDuty func(ctx context.Context, workspace, operator holdfast.ID) (bool, error)
}

const (
	mailEvery     = 30 * time.Second
	mailPatience  = 10 * time.Minute // a notice may lie unseen
	mailPause     = time.Hour        // between two such mails to one person
	mailForgotten = 3 * time.Hour    // what is older is the digest's
	mailLife      = 2 * time.Hour    // a mailbox may be away
)

// planMail stores what the clock must know of somebody's settings.
func (n *Notices) planMail(tx *store.Tx, workspace, operator holdfast.ID, s *Settings) error {
	var zone string
	err := tx.QueryRow("SELECT time_zone FROM workspace WHERE id = $1", workspace).Scan(&zone)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return err
	}
	var due int64
	if at := s.Digest.next(tx.Now.In(s.zone(zone))); !at.IsZero() {
		due = at.UnixMilli()
	}
	return tx.Exec(`INSERT INTO notice_mail (workspace, operator, unseen, digest_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace, operator) DO UPDATE SET unseen = excluded.unseen, digest_at = excluded.digest_at`, workspace, operator, s.Mail, due)
}

// keepUnseen notes what somebody on duty is mailed of unless it reaches them first.
func (n *Notices) keepUnseen(ctx context.Context, e *holdfast.Entry, c *concern, m *access.Member) error {
	if n.mail.Post == nil || n.mail.Online(e.Workspace, m.ID) {
		return nil
	}
	if on, err := n.mail.OnDuty(ctx, e.Workspace, m.ID); err != nil || !on {
		return err
	}
	return n.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec(`INSERT INTO notice_unseen (operator, lsn, workspace, kind, conversation, number, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (operator, lsn) DO NOTHING`, m.ID, e.LSN, e.Workspace, c.kind, c.conversation, c.number, tx.Now)
	})
}

// mails writes what is due by the clock until ctx ends.
func (n *Notices) mails(ctx context.Context) {
	if n.mail.Post == nil {
		return
	}
	tick := time.NewTicker(mailEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := n.Mail(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("operators cannot be told by mail for now", "err", err)
		}
	}
}

// Mail writes the letters that are due now; Run does so every half minute.
func (n *Notices) Mail(ctx context.Context) error {
	return errors.Join(n.mailUnseen(ctx), n.mailDigests(ctx))
}

type unseen struct {
	workspace, operator, conversation holdfast.ID
	lsn                               holdfast.LSN
	kind                              Kind
	number                            int64
	mailed                            time.Time
	gone                              bool // seen, pushed, taken by somebody else or settled
}

// mailUnseen mails what has reached its person in no way for a while, in one letter.
func (n *Notices) mailUnseen(ctx context.Context) error {
	now := n.db.Now()
	rows, err := n.db.Query(ctx, `SELECT u.workspace, u.operator, u.lsn, u.kind, u.conversation, u.number, COALESCE(s.mailed_at, 0),
			COALESCE(c.state <> 'open', FALSE) OR COALESCE(r.upto >= c.last_in_clock AND u.kind <> 'mention', FALSE) OR COALESCE(s.unseen, FALSE) = FALSE
			OR (u.kind = 'new' AND c.operator IS NOT NULL) OR (u.kind IN ('assigned', 'reply') AND COALESCE(c.operator <> u.operator, FALSE))
			OR EXISTS (SELECT 1 FROM push_delivery d JOIN push_subscription p ON p.id = d.subscription WHERE d.lsn = u.lsn AND p.operator = u.operator AND d.state = 'done')
		FROM notice_unseen u LEFT JOIN notice_mail s ON s.workspace = u.workspace AND s.operator = u.operator
			LEFT JOIN conversation c ON c.id = u.conversation LEFT JOIN read_mark r ON r.operator = u.operator AND r.conversation = u.conversation
		WHERE u.at <= $1 ORDER BY u.workspace, u.operator, u.lsn LIMIT 500`, now.Add(-mailPatience))
	list, err := store.Collect(rows, err, func(r *store.Rows, u *unseen) error {
		return r.Scan(&u.workspace, &u.operator, &u.lsn, &u.kind, &u.conversation, &u.number, &u.mailed, &u.gone)
	})
	if err != nil {
		return err
	}
	for len(list) > 0 {
		of := 1
		for of < len(list) && list[of].operator == list[0].operator && list[of].workspace == list[0].workspace {
			of++
		}
		if err := n.mailOne(ctx, now, list[:of]); err != nil {
			return err
		}
		list = list[of:]
	}
	return n.db.Write(ctx, func(tx *store.Tx) error {
		return tx.Exec("DELETE FROM notice_unseen WHERE at < $1", now.Add(-mailForgotten))
	})
}

// mailOne mails one person of all that is theirs, and drops what was.
func (n *Notices) mailOne(ctx context.Context, now time.Time, list []unseen) error {
	workspace, operator, last := list[0].workspace, list[0].operator, list[len(list)-1].lsn
	drop := func(tx *store.Tx) error {
		return tx.Exec("DELETE FROM notice_unseen WHERE workspace = $1 AND operator = $2 AND lsn <= $3", workspace, operator, last)
	}
	var left []unseen
	for _, u := range list {
		if !u.gone {
			left = append(left, u)
		}
	}
	if len(left) == 0 || n.mail.Online(workspace, operator) {
		return n.db.Write(ctx, drop)
	}
	if now.Sub(list[0].mailed).Abs() < mailPause {
		return nil // the next one says it
	}
	r, err := n.reader(ctx, workspace, operator)
	if err != nil {
		return err
	}
	if r == nil || r.box.IsZero() {
		return n.db.Write(ctx, drop)
	}
	var lines []item
	for _, u := range left {
		text := strings.ReplaceAll(n.text(r.language, string(u.kind)), "{n}", digits(u.number, r.language))
		lines = append(lines, item{text, n.place(u.conversation)})
	}
	l := n.letter(r, n.text(r.language, "mail.unseen"), []section{{n.text(r.language, "mail.unseen.about"), lines}}, n.text(r.language, "mail.unseen.foot"))
	l.ID, l.Purpose, l.Life = holdfast.DeriveID(operator, fmt.Sprint("unseen ", workspace, last)), holdfast.Alarm, mailLife
	return n.mail.Post(ctx, workspace, holdfast.System, l, func(tx *store.Tx) error {
		if err := tx.Exec("UPDATE notice_mail SET mailed_at = $3 WHERE workspace = $1 AND operator = $2", workspace, operator, now); err != nil {
			return err
		}
		return drop(tx)
	})
}

// reader is whom a letter is for.
type reader struct {
	member         *access.Member
	language, name string // name is the workspace's
	box            holdfast.ID
	zone           string
}

// reader finds them; nil for one who has left or is disabled.
func (n *Notices) reader(ctx context.Context, workspace, operator holdfast.ID) (*reader, error) {
	members, err := n.guard.Operators(ctx, workspace)
	if err != nil {
		return nil, err
	}
	for i := range members {
		if m := &members[i]; m.ID == operator && !m.Disabled && !m.Former && m.Email != "" {
			r := &reader{member: m, language: m.Language}
			if !holdfast.KnownLanguage(r.language) {
				r.language = "en"
			}
			if err := n.db.QueryRow(ctx, "SELECT name, time_zone FROM workspace WHERE id = $1", workspace).Scan(&r.name, &r.zone); err != nil {
				return nil, err
			}
			r.box, err = n.mail.Mailbox(ctx, workspace)
			return r, err
		}
	}
	return nil, nil
}

// place is where a conversation is read.
func (n *Notices) place(conversation holdfast.ID) string {
	if conversation.IsZero() {
		return n.url + "/#/"
	}
	return n.url + "/#/inbox/all/" + conversation.String()
}

type item struct{ text, link string }

type section struct {
	title string
	items []item
}

// letter writes sections as a mail in the reader's language.
func (n *Notices) letter(r *reader, subject string, sections []section, foot string) outbox.Letter {
	var plain, page strings.Builder
	dir := "ltr"
	if r.language == "fa" {
		dir = "rtl"
	}
	fmt.Fprintf(&page, `<div dir="%s" lang="%s">`, dir, r.language)
	for _, s := range sections {
		plain.WriteString(s.title + "\n")
		fmt.Fprintf(&page, "<p><b>%s</b></p>", html.EscapeString(s.title))
		if len(s.items) > 0 {
			page.WriteString("<ul>")
		}
		for _, i := range s.items {
			plain.WriteString("- " + i.text + "\n  " + i.link + "\n")
			fmt.Fprintf(&page, `<li><a href="%s">%s</a></li>`, html.EscapeString(i.link), html.EscapeString(i.text))
		}
		if len(s.items) > 0 {
			page.WriteString("</ul>")
		}
		plain.WriteString("\n")
	}
	plain.WriteString(foot)
	fmt.Fprintf(&page, "<p>%s</p></div>", html.EscapeString(foot))
	return outbox.Letter{Channel: r.box, To: holdfast.Address{Scheme: "mailto", Value: r.member.Email, Name: r.member.Name},
		Subject: strings.ReplaceAll(subject, "{name}", r.name), Text: plain.String(), HTML: page.String()}
}
