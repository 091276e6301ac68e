package paper

import (
	"fmt"

	"holdfast"
)

// words are what stands on a sheet, in one language.
type words struct {
	title, intro, left                               string
	order, customer, addresses, matter, about, since string
	contacts, row, happened, urgent, they, we        string
	page, none                                       string
}

var languages = map[string]*words{
	"en": {title: "Whom to call", intro: "As of {at}. Write what happened on a row; later key its id and your words in, once or twice: it is recorded once.", left: "{n} more customers are not on this sheet.",
		order: "No.", customer: "Customer", addresses: "Reach", matter: "Matter", about: "About", since: "Since", contacts: "Last contacts", row: "Row", happened: "What happened", urgent: "urgent", they: "they:", we: "we:", page: "Page {n}", none: "Nobody waits for anything."},
	"ru": {title: "Кому звонить", intro: "По состоянию на {at}. Запишите в строке, что произошло; потом введите её номер и запись. Введённое дважды записывается один раз.", left: "Ещё клиентов не на этом листе: {n}.",
		order: "№", customer: "Клиент", addresses: "Связь", matter: "Обращение", about: "О чём", since: "С", contacts: "Последние контакты", row: "Строка", happened: "Что произошло", urgent: "срочно", they: "клиент:", we: "мы:", page: "Страница {n}", none: "Никто ничего не ждёт."},
	"fa": {title: "به چه کسانی زنگ بزنیم", intro: "وضعیت در {at}. آنچه رخ داد را در یک سطر بنویسید؛ سپس شناسهٔ سطر و نوشته را وارد کنید. اگر دو بار وارد شود، یک بار ثبت می‌شود.", left: "{n} مشتری دیگر در این برگه نیستند.",
		order: "ردیف", customer: "مشتری", addresses: "تماس", matter: "گفت‌وگو", about: "موضوع", since: "از", contacts: "آخرین تماس‌ها", row: "سطر", happened: "چه شد", urgent: "فوری", they: "مشتری:", we: "ما:", page: "صفحهٔ {n}", none: "کسی منتظر چیزی نیست."},
}

func wordsIn(lang string) *words {
	if w := languages[lang]; w != nil {
		return w
	}
	return languages["en"]
}

func (w *words) side(in bool) string {
	if in {
		return w.they
	}
	return w.we
}

func number(n int, lang string) string { return holdfast.Digits(fmt.Sprint(n), lang) }
