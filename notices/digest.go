package notices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"holdfast"
	"holdfast/inbox"
	"holdfast/store"
)

const (
	digestItems = 10 // of each sort; the rest is counted
	digestBatch = 100
	digestLife  = 12 * time.Hour
)

func (d *DigestPlan) check() error {
	switch d.Every {
	case "", "off":
		return nil
	case "daily", "weekly":
	default:
		return holdfast.Errorf(holdfast.Invalid, "notices.digest_invalid", "a digest comes daily, weekly or not at all").WithField("digest").WithNext("Use off, daily or weekly.")
	}
	if _, ok := minute(d.At); !ok {
		return holdfast.Errorf(holdfast.Invalid, "notices.hour_invalid", "write an hour as 22:00").WithField("digest")
	}
	if d.Day < 0 || d.Day > 6 {
		return holdfast.Errorf(holdfast.Invalid, "notices.digest_invalid", "a day of the week is 0 (Sunday) to 6").WithField("digest")
	}
	return nil
}

// next is when the next one is due after now, in now's zone; zero for never.
func (d *DigestPlan) next(now time.Time) time.Time {
	at, ok := minute(d.At)
	if !ok || d.Every != "daily" && d.Every != "weekly" {
		return time.Time{}
	}
	for days := range 8 {
		due := time.Date(now.Year(), now.Month(), now.Day()+days, at/60, at%60, 0, 0, now.Location())
		if due.After(now) && (d.Every == "daily" || int(due.Weekday()) == d.Day) {
			return due
		}
	}
	return time.Time{}
}

// SetDigest switches somebody's digest off, or on again as it was (daily, where
// there was none).
func (n *Notices) SetDigest(ctx context.Context, workspace, operator holdfast.ID, on bool) error {
	s, err := n.Settings(ctx, workspace, operator)
	if err != nil {
		return err
	}
	if has := s.Digest.Every == "daily" || s.Digest.Every == "weekly"; has == on {
		return nil
	}
	if s.Digest.Every = "off"; on {
		s.Digest.Every = "daily"
	}
	return n.SetSettings(ctx, workspace, operator, s)
}

// HasDigest reports whether somebody gets one, and the language they read.
func (n *Notices) HasDigest(ctx context.Context, workspace, operator holdfast.ID) (on bool, language string, err error) {
	s, err := n.Settings(ctx, workspace, operator)
	if err != nil {
		return false, "", err
	}
	r, err := n.reader(ctx, workspace, operator)
	if err != nil || r == nil {
		return false, "en", err
	}
	return s.Digest.Every == "daily" || s.Digest.Every == "weekly", r.language, nil
}

type dueDigest struct {
	workspace, operator holdfast.ID
	at                  time.Time
}

// mailDigests writes those that are due; one that was due while the desk was down
// is written late, and once.
func (n *Notices) mailDigests(ctx context.Context) error {
	rows, err := n.db.Query(ctx, "SELECT workspace, operator, digest_at FROM notice_mail WHERE digest_at > 0 AND digest_at <= $1 ORDER BY digest_at LIMIT $2", n.db.Now(), digestBatch)
	list, err := store.Collect(rows, err, func(r *store.Rows, d *dueDigest) error { return r.Scan(&d.workspace, &d.operator, &d.at) })
	if err != nil {
		return err
	}
	for _, d := range list {
		err = errors.Join(err, n.mailDigest(ctx, d))
	}
	return err
}

func (n *Notices) mailDigest(ctx context.Context, d dueDigest) error {
	s, err := n.Settings(ctx, d.workspace, d.operator)
	if err != nil {
		return err
	}
	plan := func(tx *store.Tx) error { return n.planMail(tx, d.workspace, d.operator, &s) }
	r, err := n.reader(ctx, d.workspace, d.operator)
	if err != nil {
		return err
	}
	if r == nil { // has left
		return n.db.Write(ctx, func(tx *store.Tx) error {
			return tx.Exec("UPDATE notice_mail SET digest_at = 0, unseen = FALSE WHERE workspace = $1 AND operator = $2", d.workspace, d.operator)
		})
	}
	sections, err := n.waits(ctx, d.workspace, r)
	if err != nil {
		return err
	}
	if len(sections) == 0 || r.box.IsZero() {
		return n.db.Write(ctx, plan)
	}
	link := n.mail.DigestLink(d.workspace, d.operator)
	l := n.letter(r, n.text(r.language, "digest."+s.Digest.Every), sections, n.text(r.language, "digest.foot")+" "+link)
	l.ID, l.Purpose, l.Life, l.Unsubscribe = holdfast.DeriveID(d.operator, fmt.Sprint("digest ", d.workspace, d.at.UnixMilli())), holdfast.Digest, digestLife, link
	if err := n.mail.Post(ctx, d.workspace, holdfast.System, l, plan); err != nil {
		return err
	}
	return n.db.Write(ctx, plan) // or a letter that was there already would be due for ever
}

// waits is what waits for somebody and what they have missed; nothing, when nothing does.
func (n *Notices) waits(ctx context.Context, workspace holdfast.ID, r *reader) ([]section, error) {
	me := r.member.ID
	var mine, unread []inbox.Item
	for cursor, pages := "", 0; pages < 5; pages++ {
		page, next, err := n.inbox.List(ctx, workspace, inbox.Filter{View: inbox.Mine, Asker: me, Cursor: cursor, Limit: 200})
		if err != nil {
			return nil, err
		}
		for _, i := range page {
			switch {
			case i.Unread:
				unread = append(unread, i)
			case i.PreviewDir == "in":
				mine = append(mine, i)
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	filter := holdfast.ViewFilter{Match: holdfast.MatchAll, Conditions: []holdfast.Condition{{Field: holdfast.ByMention, Test: holdfast.Is, Values: []string{"unread"}}}}
	mentions, _, err := n.inbox.ListView(ctx, workspace, filter, inbox.Asker{Operator: me, Teams: r.member.Teams}, "", 200)
	if err != nil {
		return nil, err
	}
	counts, err := n.inbox.Counts(ctx, workspace, me)
	if err != nil {
		return nil, err
	}
	var out []section
	for _, part := range []struct {
		key  string
		list []inbox.Item
	}{{"digest.unread", unread}, {"digest.mine", mine}, {"digest.mentions", mentions}} {
		if len(part.list) == 0 {
			continue
		}
		s := section{title: n.counted(r.language, part.key, len(part.list))}
		for _, i := range part.list[:min(len(part.list), digestItems)] {
			text := strings.ReplaceAll(n.text(r.language, "digest.item"), "{n}", digits(i.Number, r.language))
			if i.Customer.Name != "" {
				text += ": " + i.Customer.Name
			}
			s.items = append(s.items, item{text, n.place(i.ID)})
		}
		if more := len(part.list) - digestItems; more > 0 {
			s.items = append(s.items, item{n.counted(r.language, "digest.more", more), n.place(holdfast.ID{})})
		}
		out = append(out, s)
	}
	if counts.Unassigned > 0 && r.member.Role != holdfast.Observer {
		out = append(out, section{title: n.counted(r.language, "digest.unassigned", counts.Unassigned),
			items: []item{{n.text(r.language, "digest.open"), n.url + "/#/inbox/unassigned"}}})
	}
	return out, nil
}

// counted is a text with its number: "title: 3", which every language can say.
func (n *Notices) counted(language, key string, count int) string {
	return strings.ReplaceAll(n.text(language, key), "{n}", digits(int64(count), language))
}
