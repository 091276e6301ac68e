package email

import (
	"regexp"
	"strings"

	"holdfast/channel"
)

// loopHeader names the account that wrote a mail. It stops a mail of ours that
// comes back to us, and nothing else: two desks may write to each other.
const loopHeader = "X-Holdfast-Loop"

// refuse says why a mail is no message of a person, nil when it is one. Headers
// decide; words only where the header already says that no person is behind it.
func (m *parser) refuse(text string) *channel.Refusal {
	h := m.header
	own := canonical(m.o.Address)
	for _, v := range h.all("x-holdfast-loop") {
		if own != "" && canonical(printable(v)) == own {
			return &channel.Refusal{Reason: "loop", Detail: "a mail of ours came back"}
		}
	}
	if r := m.bounce(text); r != nil {
		return r
	}
	if r := m.automatic(); r != "" {
		return &channel.Refusal{Reason: "auto_reply", Detail: r, Answers: m.in.Answers, Thread: m.in.Thread}
	}
	if own != "" && canonical(m.in.From.Value) != "" && m.ours(m.in.From.Value) {
		return &channel.Refusal{Reason: "loop", Detail: "sent from our own address"}
	}
	if r := m.list(); r != "" {
		return &channel.Refusal{Reason: "loop", Detail: r}
	}
	return nil
}

// automatic is the header, or the words, by which a mail says that a program
// wrote it; empty when a person may have.
func (m *parser) automatic() string {
	h := m.header
	value := func(name string) string {
		v, _ := params(h.get(name))
		return v
	}
	if v := value("auto-submitted"); v != "" && v != "no" {
		return "Auto-Submitted: " + clipText(v, 60)
	}
	for _, name := range []string{"x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-mail-autoreply", "x-yandex-autoreply", "x-mailru-autoreply", "x-vacation", "x-out-of-office"} {
		if h.has(name) && value(name) != "no" && value(name) != "false" {
			return "header " + name
		}
	}
	if v := value("x-post-messageclass"); strings.Contains(v, "autoresponder") {
		return "X-POST-MessageClass: " + clipText(v, 60)
	}
	switch v := value("precedence"); v {
	case "auto_reply", "auto-reply":
		return "Precedence: " + v
	case "bulk", "junk":
		if !h.has("list-id") { // a list's letters are looked at as such
			return "Precedence: " + v
		}
	}
	switch v := value("x-precedence"); v {
	case "auto_reply", "bulk", "junk":
		return "X-Precedence: " + v
	}
	if v := value("delivered-to"); v == "autoresponder" {
		return "Delivered-To: Autoresponder"
	}
	if m.nullSender() && outOfOffice.MatchString(m.in.Subject) {
		return "an automatic answer by its subject, without a return path"
	}
	return ""
}

// nullSender reports whether the mail came without an address to complain to.
func (m *parser) nullSender() bool {
	if m.o.NullSender {
		return true
	}
	v := m.header.get("return-path")
	return m.header.has("return-path") && strings.TrimSpace(strings.Trim(strings.TrimSpace(v), "<>")) == ""
}

// list reports a list's mail that came round to us, or that is meant for
// everybody. That our own address is the list proves nothing: a support address
// that is a group hands every customer's mail on in this way.
func (m *parser) list() string {
	for _, p := range m.people("x-loop") {
		if m.ours(p.email) {
			return "X-Loop names our own address"
		}
	}
	if p, _ := params(m.header.get("precedence")); m.header.has("list-id") && (p == "bulk" || p == "junk") {
		return "bulk mail of the list " + clipText(printable(m.header.get("list-id")), 100)
	}
	return ""
}

var outOfOffice = regexp.MustCompile(`(?i)out of (the )?office|automatic reply|auto(matic)?[- ]?(reply|response|answer)|away from|on (vacation|leave|holiday)|vacation reply|автоответ|автоматический ответ|автоматична відповідь|вне офиса|нахожусь в отпуске|в отпуске|отсутств(ую|ие)|پاسخ خودکار|پاسخ اتوماتیک|خارج از دفتر|در مرخصی|abwesen|automatische antwort|autom\. antwort|absence|réponse automatique|respuesta automática|fuera de (la )?oficina|risposta automatica|fuori (sede|ufficio)|automatisch antwoord|afwezig|resposta automática|ausência|ausencia|autosvar|frånvar|fravær|automaattinen vastaus|poissa|odpowiedź automatyczna|autoodpowiedź|automatyczna odpowiedź|automatická odpověď|otomatik yanıt|trả lời tự động|自动回复|自動回覆|自动答复|不在办公室|自動応答|不在通知|자동 회신|부재중`)
