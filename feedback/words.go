package feedback

import (
	"strconv"

	"holdfast"
)

// words are what a customer reads, in one language.
type words struct {
	csat, nps                string
	title, comment, send     string
	thanks, again, low, high string
	good, bad                string
	wrong                    string
	digits                   string // of 0 to 9
}

var languages = map[string]*words{
	"en": {
		csat: "How did {name} help you? Please rate it:", nps: "How likely are you to recommend {name}, from 0 to 10?",
		title: "Your rating", comment: "Anything to add? (optional)", send: "Send", thanks: "Thank you! Your rating has been saved.", again: "You can change it here at any time.",
		low: "poor", high: "excellent", good: "Good", bad: "Bad", wrong: "This link is not whole. Please open it from the message again.", digits: "0123456789",
	},
	"ru": {
		csat: "Как вам помогли в «{name}»? Пожалуйста, оцените:", nps: "С какой вероятностью вы порекомендуете «{name}», от 0 до 10?",
		title: "Ваша оценка", comment: "Хотите что-то добавить? (необязательно)", send: "Отправить", thanks: "Спасибо! Ваша оценка сохранена.", again: "Её можно изменить здесь в любой момент.",
		low: "плохо", high: "отлично", good: "Хорошо", bad: "Плохо", wrong: "Ссылка неполная. Откройте её из сообщения ещё раз.", digits: "0123456789",
	},
	"fa": {
		csat: "پشتیبانی {name} چطور بود؟ لطفاً امتیاز بدهید:", nps: "از ۰ تا ۱۰، چقدر احتمال دارد {name} را به دیگران پیشنهاد کنید؟",
		title: "امتیاز شما", comment: "نکته‌ای هست که بخواهید اضافه کنید؟ (اختیاری)", send: "ارسال", thanks: "سپاسگزاریم! امتیاز شما ثبت شد.", again: "هر زمان بخواهید می‌توانید همین‌جا آن را تغییر دهید.",
		low: "ضعیف", high: "عالی", good: "خوب", bad: "بد", wrong: "این پیوند کامل نیست. لطفاً دوباره آن را از پیام باز کنید.", digits: "۰۱۲۳۴۵۶۷۸۹",
	},
}

func wordsIn(lang string) *words {
	if w := languages[lang]; w != nil {
		return w
	}
	return languages["en"]
}

func (w *words) ask(kind holdfast.RatingKind) string {
	if kind == holdfast.NPS {
		return w.nps
	}
	return w.csat
}

// Questions are our own words for each question, by kind and language.
func Questions() map[holdfast.RatingKind]map[string]string {
	out := map[holdfast.RatingKind]map[string]string{holdfast.CSAT: {}, holdfast.NPS: {}}
	for lang, w := range languages {
		out[holdfast.CSAT][lang], out[holdfast.NPS][lang] = w.csat, w.nps
	}
	return out
}

// option is one answer that can be given.
type option struct {
	Score int
	Label string // what stands on it
	Title string // what it is called
}

func (w *words) number(n int) string {
	out := ""
	for _, d := range strconv.Itoa(n) {
		out += string([]rune(w.digits)[d-'0'])
	}
	return out
}

func (w *words) options(a asked) []option {
	if a.thumbs {
		return []option{{5, "👍 " + w.good, w.good}, {1, "👎 " + w.bad, w.bad}}
	}
	var list []option
	low, high := a.kind.Scale()
	for n := low; n <= high; n++ {
		o := option{Score: n, Label: w.number(n), Title: w.number(n)}
		if a.kind == holdfast.NPS {
			list = append(list, o)
			continue
		}
		o.Label = "★ " + o.Label
		if n == low {
			o.Title += ", " + w.low
		} else if n == high {
			o.Title += ", " + w.high
		}
		list = append(list, o)
	}
	return list
}
