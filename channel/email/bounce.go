package email

import (
	"bytes"
	"regexp"
	"strings"

	"holdfast"
	"holdfast/channel"
)

// failure is what a mail server says about one recipient.
type failure struct {
	address string
	code    string // "5.1.1"
	detail  string
	action  string // of a report: "failed", "delayed", "delivered"
}

// bounce recognises the reports of RFC 3464 and the letters that servers write
// instead of them. nil when the mail is none.
func (m *parser) bounce(text string) *channel.Refusal {
	f, ok := parseStatus(m.status)
	media, ps := params(m.header.get("content-type"))
	report := media == "multipart/report" && (strings.EqualFold(ps["report-type"], "delivery-status") || ps["report-type"] == "")
	if media == "multipart/report" && strings.EqualFold(ps["report-type"], "disposition-notification") {
		return &channel.Refusal{Reason: "auto_reply", Detail: "a read receipt", Answers: m.in.Answers, Thread: m.in.Thread}
	}
	daemon := m.fromDaemon()
	if !ok {
		if !report && !daemon && !(m.nullSender() && bounceSubject.MatchString(m.in.Subject)) {
			return nil
		}
		f, ok = plainBounce(text)
		if v := m.people("x-failed-recipients"); len(v) > 0 {
			f.address, ok = v[0].email, true
		}
		if !ok && !report && !bounceSubject.MatchString(m.in.Subject) {
			return nil
		}
	}
	r := &channel.Refusal{Reason: "bounce", Code: f.code, Detail: clipText(f.detail, 500), Answers: m.in.Answers, Thread: m.in.Thread}
	if a := canonical(f.address); a != "" {
		r.Address = holdfast.Address{Scheme: scheme, Value: a}
	}
	switch {
	case f.action == "delayed":
		r.Permanent = false
	case f.code != "":
		r.Permanent = strings.HasPrefix(f.code, "5")
	default:
		r.Permanent = f.action == "failed" || !delayWords.MatchString(m.in.Subject+" "+clipText(text, 2000))
	}
	if f.action == "delivered" || f.action == "relayed" || f.action == "expanded" {
		r.Reason, r.Permanent = "auto_reply", false
	}
	m.blame(r, text)
	return r
}

// blame finds which mail of ours came back: by the headers returned with it, or
// by a Message-ID in the letter's text.
func (m *parser) blame(r *channel.Refusal, text string) {
	ids := messageIDs(m.returned.get("message-id"))
	if len(ids) == 0 {
		if at := returnedID.FindStringSubmatch(text); at != nil {
			ids = messageIDs("<" + at[1] + ">")
		}
	}
	for _, id := range ids {
		known := false
		for _, have := range r.Thread {
			known = known || have == id
		}
		if !known {
			r.Thread = append(r.Thread[:len(r.Thread):len(r.Thread)], id)
		}
		if own, ok := ownMessage(id); ok {
			r.Answers = []holdfast.ID{own}
		}
	}
	if r.Address.Value == "" {
		if to := parseAddresses(m.returned.get("to")); len(to) == 1 {
			r.Address = holdfast.Address{Scheme: scheme, Value: canonical(to[0].email)}
		}
	}
}

var daemonName = regexp.MustCompile(`(?i)^(mailer-?daemon|postmaster|mail-?daemon|bounce|bounces|mdaemon|microsoftexchange[0-9a-f]+|mailerdaemon|mail\.system|mailsystem)$`)

func (m *parser) fromDaemon() bool {
	for _, name := range []string{"from", "sender", "return-path"} {
		for _, p := range m.people(name) {
			local, _, _ := strings.Cut(p.email, "@")
			if daemonName.MatchString(local) {
				return true
			}
		}
	}
	// "From: MAILER-DAEMON (Mail Delivery System)" has no domain
	v := strings.ToLower(m.header.get("from"))
	return strings.Contains(v, "mailer-daemon") || strings.HasPrefix(v, "postmaster ") || strings.Contains(v, "mail delivery sub") && m.nullSender()
}

// parseStatus reads a message/delivery-status body: the first recipient that
// failed, or the first one.
func parseStatus(raw []byte) (failure, bool) {
	if len(raw) == 0 {
		return failure{}, false
	}
	var best failure
	found := false
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	for block := range bytes.SplitSeq(raw, []byte("\n\n")) {
		h := newWalker(bytes.NewReader(append(bytes.TrimLeft(block, "\n"), "\n\n"...)), nil).readHeader()
		if !h.has("final-recipient") && !h.has("action") && !h.has("original-recipient") {
			continue
		}
		f := failure{code: statusCode.FindString(h.get("status"))}
		f.action = strings.ToLower(strings.TrimSpace(stripComments(h.get("action"))))
		_, diag, ok := strings.Cut(h.get("diagnostic-code"), ";")
		if !ok {
			diag = h.get("diagnostic-code")
		}
		f.detail = printable(decodeWords(diag))
		if f.code == "" || strings.HasSuffix(f.code, ".0.0") {
			if c := statusCode.FindString(f.detail); c != "" {
				f.code = c
			}
		}
		for _, name := range []string{"original-recipient", "final-recipient"} {
			_, a, ok := strings.Cut(h.get(name), ";")
			if !ok {
				a = h.get(name)
			}
			if p := parseAddresses(a); len(p) > 0 && canonical(p[0].email) != "" {
				f.address = p[0].email
				break
			}
		}
		if !found || best.action != "failed" && f.action == "failed" {
			best, found = f, true
		}
	}
	return best, found
}

var (
	statusCode = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)
	replyCode  = regexp.MustCompile(`\b([45]\d\d)[ -](?:#?([45]\.\d{1,3}\.\d{1,3}))?`)
	returnedID = regexp.MustCompile(`(?im)^[> \t]*message-id:\s*<([^<>\s]+)>`)

	bounceSubject = regexp.MustCompile(`(?i)undeliver|undelivered|delivery (status notification|failure|failed|has failed|problem|report|incomplete|unsuccessful|delayed)|returned (mail|to sender)|mail delivery (failed|failure|system)|failure notice|message (could not be|not) delivered|could not be delivered|mail (system )?error|non-?delivery|nondeliverable|warning: could not send|не доставлено|недостав|сообщение не (может быть )?доставлено|письмо не доставлено|ошибка доставки|невозможно доставить|تحویل (نشد|داده نشد)|برگشت|unzustellbar|non remis|échec de la remise|no se puede entregar|non recapitabile|niet bestelbaar|nie można dostarczyć|niedostarczona|未送达|退信|配信不能`)

	delayWords = regexp.MustCompile(`(?i)delay|warning|still (being )?(trying|retried)|will (be )?(retr|keep trying|continue)|not yet been delivered|temporar|задерж|временно|повторные попытки|تأخیر|تاخیر`)

	// where the letters of known servers name the recipient that failed
	bounceAddress = []*regexp.Regexp{
		regexp.MustCompile(`(?m)^<([^<>\s@]+@[^<>\s]+)>:?\s*$`),                                                                                                    // qmail, Postfix without a report
		regexp.MustCompile(`(?m)^<([^<>\s@]+@[^<>\s]+)>:`),                                                                                                         // Postfix, qmail
		regexp.MustCompile(`(?im)(?:all of its|following) recipients?[^\n]*\n(?:[^\n]*\n){0,3}?\s*<?([^\s<>:;]+@[^\s<>:;,]+)`),                                     // Exim, Sendmail
		regexp.MustCompile(`(?i)(?:wasn't|was not|could ?n[o']t be|couldn't be) delivered to:?\s+<?([^\s<>:;]+@[^\s<>:;,]+)`),                                      // Gmail, Outlook
		regexp.MustCompile(`(?i)(?:message|delivery) to (?:the following recipients? )?<?([^\s<>:;]+@[^\s<>:;,]+)>?`),                                              // Exchange, Office 365
		regexp.MustCompile(`(?i)(?:не (?:было |может быть |удалось )?доставлен[оаы]?|недоступ[а-я]*|доставить)[^\n@]{0,120}?\s<?([A-Za-z0-9._%+-]+@[^\s<>:;,)]+)`), // Mail.ru, Yandex
		regexp.MustCompile(`(?im)^\s*(?:to|recipient|final-recipient|получатель|кому|адрес)\s*:\s*(?:rfc822;)?\s*<?([^\s<>:;]+@[^\s<>:;,]+)`),
		regexp.MustCompile(`(?im)^\s+<?([A-Za-z0-9._%+=-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,})>?\s*$`),
	}
	bounceWords = regexp.MustCompile(`(?i)undeliver|not (be )?delivered|could ?n.t be delivered|wasn.t delivered|delivery (to|has|of)|failed|failure|permanent (fatal )?error|user unknown|unknown user|no such (user|mailbox|address|recipient)|mailbox (unavailable|is full|full|not found)|does not exist|unable to deliver|returned|rejected|не доставлен|не удалось доставить|не может быть доставлен|недоставл|не существует|ящик переполнен|не найден|تحویل`)
)

// plainBounce reads a letter that is no report.
func plainBounce(text string) (failure, bool) {
	var f failure
	if len(text) > 64<<10 {
		text = clipText(text, 64<<10)
	}
	if !bounceWords.MatchString(text) {
		return f, false
	}
	// what follows is the mail that came back; its addresses prove nothing
	letter := text
	if at := returnedBelow.FindStringIndex(text); at != nil && at[0] > 0 {
		letter = text[:at[0]]
	}
	for _, re := range bounceAddress {
		if at := re.FindStringSubmatch(letter); at != nil && canonical(strings.Trim(at[1], ".,;\"'")) != "" {
			f.address = strings.Trim(at[1], ".,;\"'")
			break
		}
	}
	for line := range strings.Lines(letter) {
		line = strings.TrimSpace(line)
		code := statusCode.FindString(line)
		reply := replyCode.FindStringSubmatch(line)
		if code == "" && reply == nil {
			continue
		}
		if code == "" {
			code = reply[2]
		}
		if code == "" {
			code = reply[1][:1] + ".0.0"
		}
		f.code, f.detail = code, line
		break
	}
	if f.detail == "" {
		if at := bounceWords.FindStringIndex(letter); at != nil {
			start := strings.LastIndexByte(letter[:at[0]], '\n') + 1
			end := strings.IndexByte(letter[at[0]:], '\n')
			if end < 0 {
				end = len(letter) - at[0]
			}
			f.detail = strings.TrimSpace(letter[start : at[0]+end])
		}
	}
	return f, f.address != "" || f.code != ""
}

var returnedBelow = regexp.MustCompile(`(?im)^-{2,}[^\n]*(copy of the message|original message|undelivered message|below this line|message (follows|headers)|returned message|исходное сообщение|текст письма)[^\n]*$|^(return-path|received): `)
