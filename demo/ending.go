package demo

import (
	"context"
	"fmt"
	"mime"
	"strings"
	"time"

	"holdfast"
)

const (
	autoReplyMost = 8
	draftsMost    = 6
)

// end leaves the conversation as it stands now. rest is what an operator would
// have said next.
func (s *story) end(ctx context.Context, rest string) error {
	t := s.t
	if s.over {
		return nil
	}
	switch s.ending {
	case settled, reopened:
		at := s.lastAt.Add(t.cal.about(4*time.Minute, 0.7))
		if !s.resolved {
			t.diary.add(at, s.actor(), s.id, &holdfast.ConversationStatus{Status: holdfast.Resolved})
		}
		s.lastAt = at
		s.readByAll(at)
		if s.ending == reopened {
			_, lines := t.again[s.lang].perform(t.r)
			return s.receive(ctx, s.lately(at.Add(time.Hour)), s.words.say(lines[0], at))
		}
	case asleep:
		at := s.lastAt.Add(t.cal.about(2*time.Minute, 0.5))
		b := &holdfast.ConversationStatus{Status: holdfast.Snoozed}
		if t.r.IntN(5) > 0 {
			b.Until = t.cal.now.Add(time.Duration(2+t.r.IntN(100)) * time.Hour).UTC().Truncate(time.Hour)
		}
		t.diary.add(at, s.actor(), s.id, b)
		s.readByAll(at)
	case awaiting:
		s.readByAll(s.lastAt.Add(time.Minute))
	case unsolved:
		if !s.assigned && t.r.IntN(3) == 0 {
			s.take(s.lastAt.Add(t.cal.about(40*time.Second, 0.5)))
		}
		if s.assigned && rest != "" && t.drafts < draftsMost {
			// Somebody was called away in the middle of a sentence.
			half := strings.Fields(rest)
			half = half[:(len(half)+1)/2]
			if t.diary.add(s.lastAt.Add(t.cal.about(90*time.Second, 0.4)), s.actor(), s.id, &holdfast.DraftSaved{Operator: s.operator.id, Text: strings.Join(half, " ")}) {
				t.drafts++
			}
		}
	}
	return nil
}

// maybeClose closes most of what has been quiet for days.
func (s *story) maybeClose() {
	t := s.t
	at := s.lastAt.Add(30*time.Hour + time.Duration(t.r.Int64N(int64(60*time.Hour))))
	if s.over || t.r.IntN(10) < 3 {
		return
	}
	if t.diary.add(at, holdfast.System, s.id, &holdfast.ConversationStatus{Status: holdfast.Closed}) && !s.mail {
		s.p.free = at
	}
}

// bounce is the answer of a mail server that does not know our customer any more.
func (s *story) bounce(ctx context.Context) error {
	t := s.t
	at := s.lastAt.Add(6 * time.Second)
	reply := s.t.id("message %d.%d", s.number, s.next)
	why := "5.1.1 The mailbox " + s.p.mail + " is closed"
	raw := mailText(at, "Mail Delivery System <mailer-daemon@"+closedDomain+">", "Undelivered Mail Returned to Sender",
		"This is the mail system at host mx."+closedDomain+".\n\nYour message could not be delivered to one recipient.\n\n<"+s.p.mail+">: host mx."+closedDomain+" said: 550 "+why+" (in reply to RCPT TO command)\n")
	arrival := &holdfast.ArrivalRefused{Channel: t.acc.mail, Reason: "bounce", Detail: why, From: "mailer-daemon@" + closedDomain, Subject: "Undelivered Mail Returned to Sender",
		Message: reply, ExternalID: "<" + t.id("bounce %d", s.number).String() + "@" + closedDomain + ">", At: at.UTC()}
	if err := s.arrive(ctx, at, t.id("arrival bounce %d", s.number), arrival, raw); err != nil {
		return err
	}
	at = at.Add(time.Millisecond)
	t.diary.add(at, holdfast.System, s.id, &holdfast.MessageFailed{Message: reply, Code: "bounced", Reason: why})
	t.diary.add(at, holdfast.System, s.p.id, &holdfast.AddressFailing{Address: s.address(), Reason: why, Message: reply})
	return nil
}

var outOfOffice = map[string][2]string{
	"en": {"Automatic reply: ", "I am away until Monday and read mail only now and then. In urgent cases please call."},
	"ru": {"Автоответ: ", "Я в отпуске до понедельника, почту читаю редко. Если срочно, звоните."},
	"fa": {"پاسخ خودکار: ", "تا دوشنبه در مرخصی هستم و ایمیل را به‌ندرت می‌خوانم. اگر فوری است لطفاً تماس بگیرید."},
}

// autoReply is a customer's mail program answering ours; it opens nothing.
func (s *story) autoReply(ctx context.Context, at time.Time) error {
	t := s.t
	if !s.mail || t.autoReplies >= autoReplyMost || t.r.IntN(25) > 0 || s.p.domain() == closedDomain {
		return nil
	}
	t.autoReplies++
	at = at.Add(9 * time.Second)
	subject := outOfOffice[s.lang][0] + s.subject
	arrival := &holdfast.ArrivalRefused{Channel: t.acc.mail, Reason: "auto_reply", Detail: "Auto-Submitted: auto-replied", From: s.p.mail, Subject: subject,
		ExternalID: "<" + t.id("absence %d", s.number).String() + "@" + s.p.domain() + ">", At: at.UTC()}
	return s.arrive(ctx, at, t.id("arrival absence %d", s.number), arrival,
		mailText(at, mime.QEncoding.Encode("utf-8", s.p.name)+" <"+s.p.mail+">", subject, outOfOffice[s.lang][1]))
}

// arrive records what came in and is no message, with its raw form.
func (s *story) arrive(ctx context.Context, at time.Time, id holdfast.ID, a *holdfast.ArrivalRefused, raw string) (err error) {
	if a.Raw, err = s.t.keep.raw(ctx, raw); err != nil {
		return err
	}
	a.RawType = "message/rfc822"
	a.At = a.At.Truncate(time.Second)
	s.t.diary.add(at, holdfast.System, id, a)
	return nil
}

// mailText is a plain mail to the desk, as it would have come in.
func mailText(at time.Time, from, subject, text string) string {
	return fmt.Sprintf("From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n",
		from, SupportAddress, mime.QEncoding.Encode("utf-8", subject), at.Format(time.RFC1123Z), strings.ReplaceAll(text, "\n", "\r\n"))
}

// quote is what a mail program puts below an answer.
func quote(lang string, at time.Time, text string) string {
	var head string
	switch lang {
	case "ru":
		head = at.Format("02.01.2006, 15:04") + ", Northline <" + SupportAddress + "> пишет:"
	case "fa":
		head = "در " + at.Format("2006/01/02 15:04") + "، Northline <" + SupportAddress + "> نوشت:"
	default:
		head = "On " + at.Format("2 Jan 2006 at 15:04") + ", Northline <" + SupportAddress + "> wrote:"
	}
	return head + "\n> " + strings.ReplaceAll(text, "\n", "\n> ")
}
