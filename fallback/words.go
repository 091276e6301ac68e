package fallback

import (
	"strings"

	"holdfast"
)

// phrase is what a customer is told in one language. {by} is the way that a message
// came, {on} the one that it did not come.
type phrase struct {
	by, on            map[string]string // by the scheme of addresses; "" for others, with {kind}
	cut, failed, late string
	files             string // {names}
}

var phrases = map[string]phrase{
	"en": {
		by:  map[string]string{"mailto": "by e-mail", "tel": "by SMS", "visitor": "in the chat", "": "by {kind}"},
		on:  map[string]string{"mailto": "e-mail", "tel": "SMS", "visitor": "the chat", "": "{kind}"},
		cut: "Sent {by} because {on} cannot be reached", failed: "Sent {by} because it did not get through over {on}", late: "Sent {by} because it has not reached you over {on}",
		files: "Files that could not be sent this way: {names}",
	},
	"ru": {
		by:  map[string]string{"mailto": "по электронной почте", "tel": "по SMS", "visitor": "в чате", "": "через {kind}"},
		on:  map[string]string{"mailto": "электронная почта", "tel": "SMS", "visitor": "чат", "": "{kind}"},
		cut: "Отправлено {by}: сейчас нет связи ({on})", failed: "Отправлено {by}: иначе доставить не удалось ({on})", late: "Отправлено {by}: сообщение ещё не доставлено ({on})",
		files: "Файлы, которые нельзя отправить этим способом: {names}",
	},
	"fa": {
		by:  map[string]string{"mailto": "با ایمیل", "tel": "با پیامک", "visitor": "در گفت‌وگوی آنلاین", "": "با {kind}"},
		on:  map[string]string{"mailto": "ایمیل", "tel": "پیامک", "visitor": "گفت‌وگوی آنلاین", "": "{kind}"},
		cut: "{by} فرستاده شد، چون {on} در دسترس نیست", failed: "{by} فرستاده شد، چون از راه {on} نرسید", late: "{by} فرستاده شد، چون هنوز از راه {on} به شما نرسیده است",
		files: "فایل‌هایی که از این راه فرستاده نمی‌شوند: {names}",
	},
}

func phraseIn(lang string) phrase {
	if p, ok := phrases[lang]; ok {
		return p
	}
	return phrases["en"]
}

// line tells a customer why a message comes another way.
func line(lang, why string, from, to *Account) string {
	p := phraseIn(lang)
	text := p.cut
	switch why {
	case whyFailed:
		text = p.failed
	case whyLate:
		text = p.late
	}
	return strings.NewReplacer("{by}", called(p.by, lang, to), "{on}", called(p.on, lang, from)).Replace(text)
}

func called(names map[string]string, lang string, a *Account) string {
	if n, ok := names[a.Scheme]; ok {
		return n
	}
	title := a.Titles[lang]
	if title == "" {
		title = a.Name
	}
	return strings.ReplaceAll(names[""], "{kind}", title)
}

// fits reports whether a way carries these files.
func (c Carry) fits(files []holdfast.Attachment) bool {
	if len(files) > c.Attachments {
		return false
	}
	for _, f := range files {
		if c.AttachmentBytes > 0 && f.Size > c.AttachmentBytes {
			return false
		}
	}
	return true
}
