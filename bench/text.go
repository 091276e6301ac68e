package bench

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// speech makes messages as customers of an internet provider write them: eight
// to twenty words of which a few are in every tenth message and most are rare,
// and now and then a number.
type speech struct {
	rand *rand.Rand
	rare *rand.Zipf
}

// tongue is what one language is put together from. Its rare words are stems
// with endings, so that there are thousands of them.
type tongue struct {
	code    string
	common  []string
	stems   []string
	endings []string
	first   []string
	last    []string
}

var tongues = []tongue{
	{"ru", words("интернет не работает со вчерашнего вечера помогите пожалуйста когда будет мастер оплата договор роутер лампочка красная скорость низкая спасибо заказ адрес счёт тариф подключить ещё раз здравствуйте у меня"),
		words("кабел провод настройк телефон канал сигнал модем портал баланс платеж услуг заявк звонок оператор подъезд квартир этаж кварта дом улиц район магазин доставк курьер пакет скидк абонент ремонт авари линия сервер порт экран пульт приставк фильм игр связ сбо ошибк"),
		words("а и у ы ом ами ах е ой ик ики ник ники овый овая ового очка очки ский ская ского ная ной ные"),
		words("Иван Анна Сергей Мария Ольга Пётр Елена Дмитрий Наталья Алексей"), words("Иванов Петров Сидоров Кузнецов Соколов Попов Лебедев Козлов Новиков Морозов")},
	{"fa", words("سلام اینترنت من قطع است لطفا کمک کنید سرعت خیلی کم شده مودم چراغ قرمز سفارش پرداخت قرارداد تعرفه ممنون آدرس دوباره از دیشب کی وصل میشود خانه"),
		words("کابل سیم تنظیم تلفن کانال سیگنال پورتال مانده صورتحساب خدمت درخواست تماس کارشناس طبقه واحد کوچه خیابان منطقه فروشگاه ارسال پیک بسته تخفیف مشترک تعمیر خط سرور درگاه صفحه فیلم بازی ارتباط خطا"),
		words("ها های ی م ش مان تان شان هایی هایم هایش ای گر گری گاه"),
		words("علی مریم حسن زهرا رضا فاطمه امیر سارا محمد نرگس"), words("رضایی جعفری حسینی محمدی کریمی موسوی احمدی رحیمی صادقی اکبری")},
	{"en", words("hello my internet is down since last night please help when will the engineer come payment order contract router light red slow speed thank you address invoice again not working at home"),
		words("cable wire setting phone channel signal modem portal balance bill service request call operator entrance flat floor house street district shop deliver courier packet discount subscriber repair outage line server port screen remote box film game link fault"),
		words("s ed ing er ers less able ment ments ly ness al ally ish"),
		words("John Maria Alex Olga Peter Helen David Sarah Michael Emma"), words("Smith Johnson Brown Taylor Wilson Davies Evans Thomas Roberts Walker")},
}

func words(s string) []string { return strings.Fields(s) }

func newSpeech(seed uint64) *speech {
	r := rand.New(rand.NewPCG(seed, 0x686f6c64))
	return &speech{rand: r, rare: rand.NewZipf(r, 1.15, 8, 1<<20)}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// tongue is a language: six of ten customers write Russian, two Persian, two English.
func (s *speech) tongue() *tongue {
	return &tongues[[]int{0, 0, 0, 0, 0, 0, 1, 1, 2, 2}[s.rand.IntN(10)]]
}

// word is one of some thousand to some hundred thousand.
func (s *speech) word(t *tongue) string {
	n := int(s.rare.Uint64())
	a, n := t.stems[n%len(t.stems)], n/len(t.stems)
	if n == 0 {
		return a
	}
	b, n := t.endings[n%len(t.endings)], n/len(t.endings)
	if n == 0 {
		return a + b
	}
	return a + t.stems[n%len(t.stems)] + b
}

// message is one message's text, some 60 to 250 bytes.
func (s *speech) message(t *tongue) string {
	var b strings.Builder
	for i := range 8 + s.rand.IntN(13) {
		if i > 0 {
			b.WriteByte(' ')
		}
		if s.rand.IntN(5) < 3 {
			b.WriteString(pick(s.rand, t.common))
		} else {
			b.WriteString(s.word(t))
		}
	}
	if s.rand.IntN(12) == 0 {
		b.WriteString(" " + strconv.Itoa(10_000+s.rand.IntN(90_000)))
	}
	return b.String()
}

func (s *speech) name(t *tongue) string { return pick(s.rand, t.first) + " " + pick(s.rand, t.last) }
