package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"holdfast"
)

// person is a customer.
type person struct {
	id       holdfast.ID
	name     string
	first    string
	lang     string
	female   bool
	mail     string // "" for those who use the chat alone
	visitor  string // "" for those who write mails alone
	street   string
	number   int
	flat     int
	contract int

	created time.Time // with the first conversation
	last    *story    // the latest conversation
	free    time.Time // from when the chat would begin another conversation
}

// Names as "native=latin"; Russian surnames are a man's. The letter after a
// given name says whose it is.
var given = map[string][2]string{
	"en": {"Oliver James Thomas Henry Daniel Samuel Marcus Peter Adam Victor Leon Patrick", "Emma Olivia Grace Alice Hannah Clara Sophie Lucy Nina Martha Ruth Eleanor"},
	"ru": {"Иван=ivan Сергей=sergey Дмитрий=dmitry Андрей=andrey Михаил=mikhail Павел=pavel Никита=nikita Олег=oleg Роман=roman Егор=egor Кирилл=kirill Артём=artyom",
		"Анна=anna Мария=maria Елена=elena Ольга=olga Наталья=natalya Ирина=irina Татьяна=tatyana Светлана=svetlana Дарья=darya Юлия=yulia Ксения=ksenia Вера=vera"},
	"fa": {"علی=ali رضا=reza محمد=mohammad امیر=amir حسین=hossein مهدی=mehdi سعید=saeed بهرام=bahram کاوه=kaveh آرش=arash سینا=sina پویا=pouya",
		"مریم=maryam زهرا=zahra سارا=sara فاطمه=fatemeh نیلوفر=niloufar لیلا=leila شیرین=shirin پریسا=parisa مهسا=mahsa الهام=elham آزاده=azadeh رؤیا=roya"},
}

var family = map[string]string{
	"en": "Brown Walker Hughes Carter Bennett Foster Reid Marsh Holloway Novak Lindberg Keller Moreau Quinn Sutton Barnes Fletcher Whitmore",
	"ru": "Иванов=ivanov Смирнов=smirnov Кузнецов=kuznetsov Попов=popov Соколов=sokolov Лебедев=lebedev Козлов=kozlov Новиков=novikov Морозов=morozov Волков=volkov Зайцев=zaitsev Павлов=pavlov Голубев=golubev Виноградов=vinogradov Ильин=ilyin Гусев=gusev Титов=titov Кудрявцев=kudryavtsev",
	"fa": "محمدی=mohammadi احمدی=ahmadi رضایی=rezaei کاظمی=kazemi موسوی=mousavi صادقی=sadeghi جعفری=jafari رحیمی=rahimi نوری=nouri شریفی=sharifi اکبری=akbari قاسمی=ghasemi امینی=amini سلطانی=soltani فرهادی=farhadi یزدانی=yazdani تهرانی=tehrani باقری=bagheri",
}

var streets = map[string][]string{
	"en": {"Harbour Street", "Mill Lane", "Orchard Road", "Station Road", "Linden Avenue", "Quay Street", "Chapel Hill"},
	"ru": {"ул. Садовая", "ул. Лесная", "ул. Заречная", "пр. Мира", "ул. Чехова", "ул. Вокзальная", "наб. Северная"},
	"fa": {"خیابان بهار", "خیابان گلستان", "خیابان سعدی", "بلوار کشاورز", "خیابان دریا", "کوچهٔ یاس", "خیابان باغ"},
}

// domains that nobody can own (RFC 2606); closedDomain is the one whose
// mailboxes are closed, for the demo's mail server and its bounces.
var domains = []string{"example.com", "example.org", "example.net", "post.example", "mail.example"}

const closedDomain = "closed.example"

const closedMailboxes = 4

// people invents n customers, a third in each language. The first is the one
// whose mailbox the demo shows.
func people(r *rand.Rand, space holdfast.ID, n int) []*person {
	list := make([]*person, 0, n)
	taken := map[string]bool{CustomerAddress: true}
	add := func(p *person) {
		p.id = holdfast.DeriveID(space, fmt.Sprintf("customer %d", len(list)))
		p.contract = 100000 + r.IntN(900000)
		p.street = streets[p.lang][r.IntN(len(streets[p.lang]))]
		p.number, p.flat = 1+r.IntN(60), 1+r.IntN(120)
		list = append(list, p)
	}
	add(&person{name: CustomerName, first: "Ana", lang: "en", female: true, mail: CustomerAddress})
	for len(list) < n {
		lang := holdfast.Languages[len(list)%len(holdfast.Languages)]
		p := &person{lang: lang, female: r.IntN(2) == 0}
		sex := 0
		if p.female {
			sex = 1
		}
		firsts, lasts := strings.Fields(given[lang][sex]), strings.Fields(family[lang])
		first, latinFirst := spelt(firsts[r.IntN(len(firsts))])
		last, latinLast := spelt(lasts[r.IntN(len(lasts))])
		if p.female && lang == "ru" {
			last, latinLast = last+"а", latinLast+"a"
		}
		p.name, p.first = first+" "+last, first
		local := latinFirst + "." + latinLast
		if taken[local] {
			continue // nobody shares a name: lists are easier to read so
		}
		taken[local] = true
		domain := domains[r.IntN(len(domains))]
		if len(list) > 20 && len(list) <= 20+closedMailboxes {
			domain = closedDomain
		}
		switch way := r.IntN(100); {
		case domain == closedDomain || way < 35:
			p.mail = local + "@" + domain
		case way < 62:
			p.visitor = visitorID(space, len(list))
		default:
			p.mail, p.visitor = local+"@"+domain, visitorID(space, len(list))
		}
		add(p)
	}
	return list
}

func visitorID(space holdfast.ID, n int) string {
	return holdfast.DeriveID(space, fmt.Sprintf("visitor %d", n)).String()
}

// spelt parts "native=latin"; what is written in Latin is its own spelling.
func spelt(s string) (native, latin string) {
	native, latin, ok := strings.Cut(s, "=")
	if !ok {
		latin = strings.ToLower(native)
	}
	return native, latin
}

// addresses are the ways to reach a person, the schemes being the channels' own.
func (p *person) addresses(mailScheme, chatScheme string) []holdfast.Address {
	var list []holdfast.Address
	if p.mail != "" {
		list = append(list, holdfast.Address{Scheme: mailScheme, Value: p.mail, Name: p.name})
	}
	if p.visitor != "" {
		list = append(list, holdfast.Address{Scheme: chatScheme, Value: p.visitor, Name: p.name})
	}
	return list
}

// operator is one who answers.
type operator struct {
	id    holdfast.ID
	email string
	name  string
	lang  string
	role  holdfast.Role
	// called is how customers of a language speak to them.
	called map[string]string
}

// staff are the demo's operators; the first is the administrator.
func staff(space holdfast.ID) []*operator {
	list := []*operator{
		{email: "helen.morris@" + Domain, name: "Helen Morris", lang: "en", role: holdfast.Administrator, called: map[string]string{"en": "Helen", "ru": "Хелен", "fa": "موریس"}},
		{email: "alexey.voronov@" + Domain, name: "Алексей Воронов", lang: "ru", role: holdfast.Operator, called: map[string]string{"en": "Alexey", "ru": "Алексей", "fa": "ورونوف"}},
		{email: "narges.karimi@" + Domain, name: "نرگس کریمی", lang: "fa", role: holdfast.Operator, called: map[string]string{"en": "Narges", "ru": "Наргес", "fa": "کریمی"}},
	}
	for _, o := range list {
		o.id = holdfast.DeriveID(space, "operator "+o.email)
	}
	return list
}
