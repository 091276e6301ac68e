package status

import (
	"fmt"
	"strings"
	"time"

	"holdfast"
)

// words are what a stranger reads, in one language.
type words struct {
	Title, Name                                      string // of the language itself, too
	AllWell, SomeIll, NoneWell                       string
	Channels, Links, Open, Past, Quiet, PastNone     string
	Works, Partly, Broken                            string
	Since, Began, Ended, AsOf, Everything            string
	Call, SMS, Feed, FeedJSON, Strip, Days, DayWell  string
	DayIll, Stale, Scan, NotFound, NotFoundAbout     string
	TooMany, LatencyLoss, Languages, Offline, Notice string
	States                                           map[holdfast.IncidentState]string
}

var languages = map[string]*words{
	"en": {
		Title: "{name}: what works now", Name: "English", AllWell: "Everything works", SomeIll: "Some things do not work", NoneWell: "Most things do not work",
		Channels: "Ways to reach us", Links: "Internet links", Open: "Happening now", Past: "The last 90 days", Quiet: "Nothing is wrong that we know of.", PastNone: "Nothing went wrong in these 90 days.",
		Works: "Works", Partly: "Works in part", Broken: "Does not work", Since: "since {at}", Began: "Began {at}", Ended: "over {at}", AsOf: "As of {at}", Everything: "Concerns everything",
		Call: "Call", SMS: "Text message", Feed: "RSS", FeedJSON: "JSON feed", Strip: "90 days, today last", Days: "{n} of 90 days with an incident", DayWell: "{day}: no incident", DayIll: "{day}: {n}",
		Stale: "No connection. This is how it was at {at}.", Scan: "Open on your phone", NotFound: "There is no such page.", NotFoundAbout: "Please check the address.",
		TooMany: "Too many requests. Try again in a minute.", LatencyLoss: "{rtt} ms, {loss} % lost", Languages: "Language", Offline: "This page kept what it knew.", Notice: "Notices",
		States: map[holdfast.IncidentState]string{holdfast.IncidentInvestigating: "We are looking into it", holdfast.IncidentIdentified: "The cause is known", holdfast.IncidentWatching: "Mended, being watched", holdfast.IncidentResolved: "Over"},
	},
	"ru": {
		Title: "{name}: что сейчас работает", Name: "Русский", AllWell: "Всё работает", SomeIll: "Работает не всё", NoneWell: "Почти ничего не работает",
		Channels: "Как с нами связаться", Links: "Каналы интернета", Open: "Происходит сейчас", Past: "Последние 90 дней", Quiet: "О неполадках нам неизвестно.", PastNone: "За эти 90 дней сбоев не было.",
		Works: "Работает", Partly: "Работает частично", Broken: "Не работает", Since: "с {at}", Began: "Началось {at}", Ended: "завершилось {at}", AsOf: "По состоянию на {at}", Everything: "Затрагивает всё",
		Call: "Позвонить", SMS: "Написать SMS", Feed: "RSS", FeedJSON: "Лента JSON", Strip: "90 дней, последний — сегодня", Days: "Дней со сбоями: {n} из 90", DayWell: "{day}: без сбоев", DayIll: "{day}: {n}",
		Stale: "Нет связи. Так было в {at}.", Scan: "Откройте на телефоне", NotFound: "Такой страницы нет.", NotFoundAbout: "Проверьте адрес.",
		TooMany: "Слишком много запросов. Повторите через минуту.", LatencyLoss: "{rtt} мс, потери {loss} %", Languages: "Язык", Offline: "Страница сохранила последние сведения.", Notice: "Объявления",
		States: map[holdfast.IncidentState]string{holdfast.IncidentInvestigating: "Выясняем причину", holdfast.IncidentIdentified: "Причина известна", holdfast.IncidentWatching: "Исправлено, наблюдаем", holdfast.IncidentResolved: "Завершено"},
	},
	"fa": {
		Title: "{name}: اکنون چه چیزی کار می‌کند", Name: "فارسی", AllWell: "همه چیز کار می‌کند", SomeIll: "بعضی چیزها کار نمی‌کند", NoneWell: "بیشتر چیزها کار نمی‌کند",
		Channels: "راه‌های تماس با ما", Links: "خط‌های اینترنت", Open: "هم‌اکنون", Past: "۹۰ روز گذشته", Quiet: "از مشکلی خبر نداریم.", PastNone: "در این ۹۰ روز مشکلی پیش نیامده است.",
		Works: "کار می‌کند", Partly: "ناقص کار می‌کند", Broken: "کار نمی‌کند", Since: "از {at}", Began: "آغاز: {at}", Ended: "پایان: {at}", AsOf: "وضعیت در {at}", Everything: "به همه چیز مربوط است",
		Call: "تماس تلفنی", SMS: "پیامک", Feed: "RSS", FeedJSON: "خوراک JSON", Strip: "۹۰ روز، آخرین روز امروز است", Days: "{n} روز از ۹۰ روز مشکل داشته است", DayWell: "{day}: بدون مشکل", DayIll: "{day}: {n}",
		Stale: "ارتباط قطع است. وضعیت در {at} چنین بود.", Scan: "روی گوشی باز کنید", NotFound: "چنین صفحه‌ای نیست.", NotFoundAbout: "لطفاً نشانی را بررسی کنید.",
		TooMany: "درخواست‌ها زیاد است. یک دقیقهٔ دیگر دوباره تلاش کنید.", LatencyLoss: "{rtt} میلی‌ثانیه، {loss} ٪ از دست رفته", Languages: "زبان", Offline: "این صفحه آخرین وضعیت را نگه داشته است.", Notice: "اعلان‌ها",
		States: map[holdfast.IncidentState]string{holdfast.IncidentInvestigating: "در حال بررسی هستیم", holdfast.IncidentIdentified: "علت پیدا شد", holdfast.IncidentWatching: "برطرف شد و زیر نظر است", holdfast.IncidentResolved: "پایان یافت"},
	},
}

func wordsIn(lang string) *words {
	if w := languages[lang]; w != nil {
		return w
	}
	return languages["en"]
}

// put fills a text's {names}.
func put(text string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// clock is "14:02" in a reader's digits.
func clock(t time.Time, lang string) string { return holdfast.Digits(t.Format("15:04"), lang) }

// moment is a day and a time in a reader's calendar and digits; a day of today goes unsaid.
func moment(t, now time.Time, lang string) string {
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return clock(t, lang)
	}
	return holdfast.LongDate(t, lang) + map[string]string{"ru": ", ", "fa": "، "}[lang] + map[string]string{"en": ", "}[lang] + clock(t, lang)
}

func number(n int, lang string) string { return holdfast.Digits(fmt.Sprint(n), lang) }
