package demo

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// words fills the slots of one conversation: what is said twice is the same twice.
type words struct {
	r        *rand.Rand
	p        *person
	mail     bool
	operator *operator
	at       time.Time // the customer's own time when they first wrote
	greeted  bool
	fixed    map[string]string
}

// plans as the provider's page shows them, with their prices.
var plans = map[string][]struct {
	name  string
	price int
}{
	"en": {{"Calm", 14}, {"Family", 19}, {"Studio", 29}},
	"ru": {{"«Спокойный»", 550}, {"«Семейный»", 750}, {"«Студия»", 1100}},
	"fa": {{"«آرام»", 290000}, {"«خانواده»", 420000}, {"«استودیو»", 690000}},
}

var (
	tvChannels = map[string][]string{"en": {"News 24", "Film One", "Sport HD", "Nature"}, "ru": {"«Культура»", "«Наше кино»", "«Спорт HD»", "«Природа»"}, "fa": {"شبکهٔ ورزش", "شبکهٔ فیلم", "شبکهٔ خبر", "شبکهٔ مستند"}}
	visits     = []string{"9:00–12:00", "10:00–13:00", "13:00–16:00", "15:00–18:00", "17:00–20:00"}

	weekdays = map[string][7]string{
		"en": {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		"ru": {"в воскресенье", "в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу"},
		"fa": {"یکشنبه", "دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه", "شنبه"},
	}
	months = map[string][12]string{
		"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		"ru": {"январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь"},
		"fa": {"فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"},
	}
	chatHi = map[string][]string{
		"en": {"", "", "", "Hi! ", "Hello. ", "Hello! ", "{time}! "},
		"ru": {"", "", "", "Здравствуйте! ", "Здравствуйте. ", "Добрый день! ", "{time}! "},
		"fa": {"", "", "سلام. ", "سلام! ", "سلام، خسته نباشید. ", "{time}. "},
	}
	mailHi = map[string][]string{
		"en": {"Hello,", "Dear Northline,", "Good day,", "Hi,"},
		"ru": {"Здравствуйте!", "Добрый день!", "Уважаемая поддержка!"},
		"fa": {"سلام،", "با سلام،", "سلام و خسته نباشید،", "با سلام و احترام،"},
	}
	timely = map[string][3]string{
		"en": {"Good morning", "Good afternoon", "Good evening"},
		"ru": {"Доброе утро", "Добрый день", "Добрый вечер"},
		"fa": {"صبح بخیر", "روز بخیر", "شب بخیر"},
	}
)

func newWords(r *rand.Rand, p *person, o *operator, mail bool, at, visit time.Time, topic string) *words {
	w := &words{r: r, p: p, mail: mail, operator: o, at: at}
	plan := plans[p.lang][r.IntN(3)]
	low, mid := 3+r.IntN(22), 30+r.IntN(40)
	w.fixed = map[string]string{
		"name": p.first, "op": o.called[p.lang], "plan": plan.name,
		"price": w.money(plan.price), "fee": w.money(plan.price / 5), "sum": w.money(plan.price * (2 + r.IntN(3)) / 4),
		"low": w.digits(low), "mid": w.digits(mid), "high": w.digits(85 + r.IntN(15)),
		"hour":     w.digitsIn(fmt.Sprintf("%d:00", 17+r.IntN(4))),
		"slot":     w.slot(visits[r.IntN(len(visits))]),
		"contract": w.digits(p.contract), "code": w.digitsIn(fmt.Sprintf("%04d", p.contract%10000)),
		"invoice": fmt.Sprintf("INV-%d-%04d", at.Year(), 1+r.IntN(9000)), "ticket": fmt.Sprintf("T-%d", 20000+r.IntN(70000)),
		"ip":    fmt.Sprintf("203.0.113.%d", 2+r.IntN(250)), // RFC 5737
		"tv":    tvChannels[p.lang][r.IntN(4)],
		"month": monthBefore(p.lang, at), "flat": w.digits(p.flat), "a": "", "а": "",
	}
	if topic == "outage" { // when it will be over
		w.fixed["hour"] = w.digitsIn(fmt.Sprintf("%d:00", at.Add(3*time.Hour).Hour()))
	}
	day := weekdays[p.lang][visit.Weekday()]
	w.fixed["day"], w.fixed["day_plain"], w.fixed["day_cap"] = day, day, day
	if p.lang == "en" {
		w.fixed["day"], w.fixed["day_cap"] = "on "+day, "On "+day
	}
	if p.lang == "ru" && p.female {
		w.fixed["а"] = "а"
	}
	w.fixed["house"], w.fixed["addr"] = w.address()
	return w
}

func (w *words) address() (house, full string) {
	p := w.p
	switch p.lang {
	case "ru":
		house = fmt.Sprintf("%s, %d", p.street, p.number)
		return house, fmt.Sprintf("%s, кв. %d", house, p.flat)
	case "fa":
		house = p.street + "، پلاک " + w.digits(p.number)
		return house, house + "، واحد " + w.digits(p.flat)
	}
	house = fmt.Sprintf("%d %s", p.number, p.street)
	return house, fmt.Sprintf("%s, flat %d", house, p.flat)
}

// money is a sum in the customer's currency.
func (w *words) money(n int) string {
	switch w.p.lang {
	case "ru":
		return grouped(n, "\u00a0") + "\u00a0₽"
	case "fa":
		return w.digitsIn(grouped(n/1000*1000, "٬")) + " تومان"
	}
	return "€" + strconv.Itoa(n)
}

func grouped(n int, by string) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + by + s[i:]
	}
	return s
}

func (w *words) slot(s string) string {
	if w.p.lang != "fa" {
		return s
	}
	from, to, _ := strings.Cut(s, "–")
	return w.digitsIn(strings.TrimSuffix(from, ":00") + " تا " + strings.TrimSuffix(to, ":00"))
}

func (w *words) digits(n int) string { return w.digitsIn(strconv.Itoa(n)) }

func (w *words) digitsIn(s string) string {
	if w.p.lang != "fa" {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '۰'
		}
		return r
	}, s)
}

// monthBefore is the month that a bill of at is for, in the customer's calendar.
func monthBefore(lang string, at time.Time) string {
	m := int(at.Month()) - 1
	if lang == "fa" {
		// Persian months begin about the 21st; Farvardin in March.
		if m -= 2; at.Day() < 21 {
			m--
		}
	}
	return months[lang][(m+23)%12]
}

// say writes one line of the talk as it is sent.
func (w *words) say(l line, at time.Time) string {
	text := choose(w.r, l.text)
	if strings.HasPrefix(text, "{hi}") {
		text = w.hi(at) + strings.TrimPrefix(text, "{hi}")
	}
	if rest, ok := strings.CutPrefix(text, "{hello}"); ok {
		text = w.hello() + strings.TrimSpace(rest)
	}
	text = w.fill(text)
	if w.mail && l.who == customerSays && !w.greeted {
		text += "\n\n" + w.p.name
	}
	if l.who == customerSays {
		w.greeted = true
	}
	return text
}

func (w *words) hi(at time.Time) string {
	lang := w.p.lang
	if w.mail {
		hi := mailHi[lang]
		return hi[w.r.IntN(len(hi))] + "\n\n"
	}
	hi := chatHi[lang]
	part := 0
	if h := at.Hour(); h >= 17 || h < 4 {
		part = 2
	} else if h >= 11 {
		part = 1
	}
	return strings.ReplaceAll(hi[w.r.IntN(len(hi))], "{time}", timely[lang][part])
}

func (w *words) hello() string {
	var hello string
	switch w.p.lang {
	case "ru":
		hello = "Здравствуйте, " + w.p.first + "!"
	case "fa":
		sir := "آقای "
		if w.p.female {
			sir = "خانم "
		}
		_, last, _ := strings.Cut(w.p.name, " ")
		hello = "سلام " + sir + last + "،"
	default:
		hello = "Hello " + w.p.first + ","
	}
	if w.mail {
		return hello + "\n\n"
	}
	if w.p.lang == "en" {
		hello = strings.TrimSuffix(hello, ",") + "!"
	}
	return hello + " "
}

// fill puts the story's own words into the slots. {photo} and {file} stay: they
// become attachments.
func (w *words) fill(text string) string {
	for k, v := range w.fixed {
		text = strings.ReplaceAll(text, "{"+k+"}", v)
	}
	return strings.TrimSpace(text)
}
