package transcript

import (
	"fmt"
	"html"
	"strings"
	"time"

	"holdfast"
)

// paper is a transcript to be written.
type paper struct {
	lang, name, subject, customer string
	zone                          *time.Location
	number                        int64
	lines                         []line
	cut                           bool
}

type words struct{ subject, about, me, them, files, cut, reply string }

var languages = map[string]words{
	"en": {"Your conversation with {name}", "You asked for this copy of conversation {n}.", "You", "{name}", "Files: {files}", "The conversation is longer; this is its latest part.", "You can reply to this mail to continue the conversation."},
	"ru": {"Ваша переписка: «{name}»", "Это копия обращения {n}.", "Вы", "{name}", "Файлы: {files}", "Переписка длиннее; здесь её последняя часть.", "Чтобы продолжить разговор, ответьте на это письмо."},
	"fa": {"گفت‌وگوی شما با {name}", "این رونوشت گفت‌وگوی {n} است.", "شما", "{name}", "پرونده‌ها: {files}", "گفت‌وگو طولانی‌تر است؛ این بخش پایانی آن است.", "برای ادامهٔ گفت‌وگو به همین ایمیل پاسخ دهید."},
}

// write gives the letter's subject and both forms of its text.
func (p *paper) write() (subject, text, formatted string) {
	w, ok := languages[p.lang]
	if !ok {
		w, p.lang = languages["en"], "en"
	}
	fill := func(s string) string {
		return strings.NewReplacer("{name}", p.name, "{n}", holdfast.Digits(fmt.Sprint(p.number), p.lang)).Replace(s)
	}
	subject = fill(w.subject)
	if p.subject != "" {
		subject += ": " + p.subject
	}
	dir := "ltr"
	if p.lang == "fa" {
		dir = "rtl"
	}
	var plain, page strings.Builder
	plain.WriteString(fill(w.about) + "\n")
	fmt.Fprintf(&page, `<div dir="%s" lang="%s"><p>%s</p>`, dir, p.lang, html.EscapeString(fill(w.about)))
	if p.cut {
		plain.WriteString(w.cut + "\n")
		fmt.Fprintf(&page, "<p>%s</p>", html.EscapeString(w.cut))
	}
	day := ""
	for _, l := range p.lines {
		at := l.at.In(p.zone)
		if today := holdfast.LongDate(at, p.lang); today != day {
			day = today
			plain.WriteString("\n" + day + "\n")
			fmt.Fprintf(&page, `<p style="margin:20px 0 4px;color:#5c6a65">%s</p>`, html.EscapeString(day))
		}
		who := w.me
		if !l.mine {
			if who = l.author; who == "" {
				who = fill(w.them)
			}
		}
		body := strings.TrimSpace(l.text)
		if len(l.files) > 0 {
			body = strings.TrimSpace(body + "\n" + strings.ReplaceAll(w.files, "{files}", strings.Join(l.files, ", ")))
		}
		clock := holdfast.Digits(at.Format("15:04"), p.lang)
		fmt.Fprintf(&plain, "\n%s, %s\n%s\n", who, clock, body)
		colour := "#f1f4f3"
		if l.mine {
			colour = "#e3f1ee"
		}
		fmt.Fprintf(&page, `<div style="margin:0 0 8px;padding:10px 14px;border-radius:10px;background:%s;color:#16211e"><b><bdi>%s</bdi></b> <span style="color:#4d5a56">%s</span><div dir="auto" style="white-space:pre-wrap">%s</div></div>`,
			colour, html.EscapeString(who), clock, html.EscapeString(body))
	}
	plain.WriteString("\n" + w.reply)
	fmt.Fprintf(&page, "<p>%s</p></div>", html.EscapeString(w.reply))
	return subject, plain.String(), page.String()
}
