package email

import (
	"strings"
	"testing"

	"holdfast"
)

const ours = "<0197a3f0-1c2d-7abc-8def-0123456789ab@holdfast.example.com>"

func dashes(s string) string { return strings.ReplaceAll(strings.TrimPrefix(s, "\n"), "\n", "\r\n") }

func TestWhatNoPersonHasWritten(t *testing.T) {
	desk := Options{Address: "support@example.com"}
	for name, c := range map[string]struct {
		header string
		o      Options
		want   string
	}{
		"a person":              {"Subject: hello", desk, ""},
		"a person about leave":  {"Subject: Automatic reply does not work\nReturn-Path: <ana@example.org>", desk, ""},
		"no":                    {"Auto-Submitted: no", desk, ""},
		"auto-replied":          {"Auto-Submitted: auto-replied; owner=\"x\"", desk, "auto_reply"},
		"auto-generated":        {"Auto-Submitted: Auto-Generated", desk, "auto_reply"},
		"bulk":                  {"Precedence: bulk", desk, "auto_reply"},
		"precedence":            {"Precedence: Auto_Reply", desk, "auto_reply"},
		"x-autoreply":           {"X-Autoreply: yes", desk, "auto_reply"},
		"x-autorespond":         {"X-Autorespond: away", desk, "auto_reply"},
		"vacation by null path": {"Subject: =?utf-8?B?0JDQstGC0L7QvtGC0LLQtdGC?=: =?utf-8?B?0Y8g0LIg0L7RgtC/0YPRgdC60LU=?=\nReturn-Path: <>", desk, "auto_reply"},
		"fa vacation":           {"Subject: پاسخ خودکار: مرخصی", Options{Address: "support@example.com", NullSender: true}, "auto_reply"},
		"out of office":         {"Subject: Out of Office: hi", Options{Address: "support@example.com", NullSender: true}, "auto_reply"},
		"a list's letter":       {"List-Id: <users.example.net>\nPrecedence: list", desk, ""},
		"our group hands on":    {"List-Id: <support.example.com>\nList-Post: <mailto:support@example.com>\nPrecedence: list\nX-BeenThere: support@example.com", desk, ""},
		"a newsletter":          {"List-Id: <news.example.net>\nPrecedence: bulk", desk, "loop"},
		"ours came back":        {"X-Holdfast-Loop: support@example.com", desk, "loop"},
		"another desk's":        {"X-Holdfast-Loop: help@example.net", desk, ""},
		"a read receipt":        {"Content-Type: multipart/report; report-type=disposition-notification; boundary=b", desk, "auto_reply"},
	} {
		in, _ := parse(t, dashes("From: Ana <ana@example.org>\nTo: support@example.com\n"+c.header+"\n\nHello"), c.o)
		got := ""
		if in.Refuse != nil {
			got = in.Refuse.Reason
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q (%+v)", name, got, c.want, in.Refuse)
		}
	}
	for from, want := range map[string]string{
		"From: support@example.com":                                      "loop",
		"From: Support+c.abc@Example.COM":                                "loop",
		"From: support@example.com\nReply-To: Visitor <v@example.org>":   "",
		"From: support@example.com.evil.org":                             "",
		"From: support@example.com\nReply-To: support@example.com":       "loop",
		"From: 'Ana via Support' <support@example.com>\nReply-To: a@b.c": "",
	} {
		in, _ := parse(t, dashes(from+"\nSubject: x\n\nHello"), desk)
		if got := in.Refuse; (got == nil) != (want == "") || got != nil && got.Reason != want {
			t.Errorf("%q: %+v, want %q", from, got, want)
		}
		if want == "" && strings.HasPrefix(in.From.Value, "support@example.com") && in.From.Value != "support@example.com.evil.org" {
			t.Errorf("%q: the person is %s", from, in.From.Value)
		}
	}
}

func TestBounces(t *testing.T) {
	for name, c := range map[string]struct {
		raw       string
		address   string
		code      string
		permanent bool
		answers   bool
	}{
		"a report": {`
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: support@example.com
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon, 2 Mar 2026 10:00:00 +0000

Final-Recipient: rfc822; ana@example.org
Original-Recipient: rfc822;Ana@Example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <ana@example.org>: user unknown

--b
Content-Type: text/rfc822-headers

From: support@example.com
To: ana@example.org
Message-ID: ` + ours + `

--b--
`, "ana@example.org", "5.1.1", true, true},
		"a delay": {`
From: MAILER-DAEMON@mx.example.net
To: support@example.com
Subject: Delayed Mail (still being retried)
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ana@example.org
Action: delayed
Status: 4.4.1

--b
Content-Type: message/rfc822

From: support@example.com
Message-ID: ` + ours + `

Hello
--b--
`, "ana@example.org", "4.4.1", false, true},
		"qmail": {`
Return-Path: <>
From: MAILER-DAEMON@qmail.example.net
To: support@example.com
Subject: failure notice

Hi. This is the qmail-send program at qmail.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ana@example.org>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 unknown user
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <support@example.com>
Message-ID: ` + ours + `
From: support@example.com
To: ana@example.org
`, "ana@example.org", "5.1.1", true, true},
		"exim": {`
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@exim.example.net>
To: support@example.com
X-Failed-Recipients: ana@example.org
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ana@example.org
    host mx.example.org [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<ana@example.org>:
    550 5.1.1 <ana@example.org>: Recipient address rejected

------ This is a copy of the message, including all the headers. ------

Message-ID: ` + ours + `
To: ana@example.org
`, "ana@example.org", "5.1.1", true, true},
		"exchange": {`
From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.net>
To: support@example.com
Subject: Undeliverable: Your bill

Delivery has failed to these recipients or groups:

ana@example.org
The e-mail address you entered couldn't be found.

Diagnostic information for administrators:

Generating server: mail.example.net

ana@example.org
#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##

Original message headers:
Message-ID: ` + ours + `
`, "", "5.1.1", true, true},
		"gmail": {`
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: support@example.com
Subject: Delivery Status Notification (Failure)
In-Reply-To: ` + ours + `
References: ` + ours + `

** Address not found **

Your message wasn't delivered to ana@example.org because the address couldn't be found, or is unable to receive mail.

The response from the remote server was:
550 5.1.1 The email account that you tried to reach does not exist.
`, "ana@example.org", "5.1.1", true, true},
		"mail.ru": {`
Return-path: <>
From: mailer-daemon@corp.mail.ru
To: support@example.com
Subject: =?utf-8?B?0J/QuNGB0YzQvNC+INC90LUg0LTQvtGB0YLQsNCy0LvQtdC90L4=?=
Content-Type: text/plain; charset=utf-8

Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.

К сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:

**********************

ana@mail.ru
SMTP error from remote mail server after RCPT TO: 550 Message was not accepted -- invalid mailbox. Local mailbox ana@mail.ru is unavailable: user not found

**********************
`, "ana@mail.ru", "5.0.0", true, false},
		"yandex": {`
Return-Path: <>
From: mailer-daemon@yandex.ru
To: support@example.com
Subject: Недоставленное сообщение
Content-Type: text/plain; charset=utf-8

Здравствуйте! Это письмо отправлено почтовым сервером yandex.ru.

К сожалению, мы вынуждены сообщить Вам о том, что Ваше письмо не может
быть отправлено одному или нескольким адресатам. Технические подробности можно найти ниже.

<ana@yandex.ru>: host mxbacks.mail.yandex.net said: 550 5.7.1 No such user! (in reply to RCPT TO command)
`, "ana@yandex.ru", "5.7.1", true, false},
		"sendmail warning": {`
From: Mail Delivery Subsystem <MAILER-DAEMON@sendmail.example.net>
To: support@example.com
Subject: Warning: could not send message for past 4 hours

    **********************************************
    **      THIS IS A WARNING MESSAGE ONLY      **
    **********************************************

   ----- Transcript of session follows -----
... while talking to mx.example.org.:
<ana@example.org>... Deferred: Connection timed out
Message could not be delivered for 4 hours
Message will be retried until it's 5 days old
`, "", "", false, false},
	} {
		in, _ := parse(t, dashes(c.raw), Options{Address: "support@example.com"})
		r := in.Refuse
		if r == nil || r.Reason != "bounce" {
			t.Errorf("%s: is no bounce: %+v", name, r)
			continue
		}
		if c.address != "" && r.Address != (holdfast.Address{Scheme: "mailto", Value: c.address}) || r.Code != c.code || r.Permanent != c.permanent {
			t.Errorf("%s: %+v", name, r)
		}
		if c.answers && (len(r.Answers) != 1 || r.Answers[0].String() != "0197a3f0-1c2d-7abc-8def-0123456789ab") {
			t.Errorf("%s: answers %v", name, r.Answers)
		}
	}
}

func TestAPersonsMailAboutABounceIsNone(t *testing.T) {
	in, _ := parse(t, dashes("From: Ana <ana@example.org>\nTo: support@example.com\nSubject: Undelivered mail\n\nI got this: 550 5.1.1 <bob@example.net>: user unknown. What does it mean?"), Options{Address: "support@example.com"})
	if in.Refuse != nil {
		t.Errorf("refused: %+v", in.Refuse)
	}
}

func FuzzBounce(f *testing.F) {
	f.Add("Final-Recipient: rfc822; a@b\nStatus: 5.1.1\nAction: failed\n", "<a@b>: 550 5.1.1 no such user")
	f.Add("\n\n\nAction:", "------ This is a copy of the message ------\nMessage-ID: <x@y>")
	f.Add("Status: 99.1.1\n\nDiagnostic-Code: smtp;", "не доставлено a@b.c")
	f.Fuzz(func(t *testing.T, status, text string) {
		raw := "From: MAILER-DAEMON@x\nSubject: failure notice\nContent-Type: multipart/report; boundary=b\n\n--b\n\n" + text + "\n--b\nContent-Type: message/delivery-status\n\n" + status + "\n--b--\n"
		in, _ := parse(t, raw, Options{Address: "support@example.com"})
		if in.Refuse == nil {
			t.Errorf("a bounce became a message: %q %q", status, text)
		}
		parseStatus([]byte(status))
		plainBounce(text)
	})
}
