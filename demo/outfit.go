package demo

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"holdfast"
)

// outfit is what a desk that has worked for a while has gathered: prepared answers,
// macros, views and custom fields, and what customers thought of it all. It has dice
// of its own, so that the talk is the same with and without it.
type outfit struct {
	t     *teller
	r     *rand.Rand
	began time.Time
}

func (t *teller) outfit(seed uint64) {
	o := &outfit{t: t, r: rand.New(rand.NewPCG(seed, 61)), began: t.cal.now.AddDate(0, 0, -60).Add(time.Hour)}
	for i, c := range t.canned() {
		o.save(i, c.Shortcut, &c)
	}
	for i, m := range t.macros() {
		o.save(20+i, fmt.Sprintf("macro %d", i), &m)
	}
	for i, v := range t.views() {
		o.save(40+i, fmt.Sprintf("view %d", i), &v)
	}
	for i, f := range fields {
		o.save(60+i, f.Of+"."+f.Key, &f)
	}
	for _, p := range t.people {
		if !p.created.IsZero() {
			o.knows(p)
		}
	}
	for _, s := range t.told {
		o.looksAt(s)
		o.rates(s)
	}
	o.merges()
}

// save writes a preset down on the desk's first days, one a minute.
func (o *outfit) save(minute int, name string, b holdfast.Body) {
	admin := holdfast.Actor{Kind: holdfast.ActorOperator, ID: o.t.staff[0].id}
	o.t.diary.add(o.began.Add(time.Duration(minute)*time.Minute), admin, o.t.id("preset %s", name), b)
}

func (t *teller) cannedID(shortcut string) holdfast.ID { return t.id("preset %s", shortcut) }

// canned are the prepared answers, in the customers' languages.
func (t *teller) canned() []holdfast.CannedSaved {
	return []holdfast.CannedSaved{
		{Title: "Restart the router", Shortcut: "restart", Texts: map[string]string{
			"en": "Hello {{customer.first_name|there}},\n\nplease take the router off the mains for a minute and switch it on again. When all lights are steady, try once more and tell me how it went.\n\n{{operator.first_name}}, {{workspace.name}}",
			"ru": "Здравствуйте, {{customer.first_name|уважаемый клиент}}!\n\nПожалуйста, отключите роутер от розетки на минуту и включите снова. Когда все индикаторы загорятся ровно, попробуйте ещё раз и напишите, что получилось.\n\n{{operator.first_name}}, {{workspace.name}}",
			"fa": "سلام {{customer.first_name|دوست عزیز}}،\n\nلطفاً مودم را یک دقیقه از برق بکشید و دوباره روشن کنید. وقتی همهٔ چراغ‌ها ثابت شدند، یک بار دیگر امتحان کنید و نتیجه را برایم بنویسید.\n\n{{operator.first_name}}، {{workspace.name}}"}},
		{Title: "Ask for a speed test", Shortcut: "speed", Texts: map[string]string{
			"en": "Could you run a speed test with a cable, right next to the router, and send me the figure? I keep your request {{conversation.number}} open meanwhile.",
			"ru": "Пожалуйста, измерьте скорость по кабелю, прямо у роутера, и пришлите результат. Ваше обращение {{conversation.number}} пока остаётся открытым.",
			"fa": "لطفاً با کابل و درست کنار مودم یک بار سرعت را اندازه بگیرید و عدد را برایم بفرستید. درخواست {{conversation.number}} شما تا آن زمان باز می‌ماند."}},
		{Title: "Outage: we are on it", Shortcut: "outage", Texts: map[string]string{
			"en": "A line in your street is damaged and our technicians are there. We expect it to work again within three hours; I will write as soon as it does. There is nothing to pay for this time.",
			"ru": "На вашей улице повреждена линия, бригада уже на месте. Рассчитываем всё восстановить в течение трёх часов, я сразу напишу. За это время платить не нужно.",
			"fa": "یک خط در خیابان شما آسیب دیده و تکنسین‌های ما آنجا هستند. انتظار داریم تا سه ساعت دیگر درست شود و همان وقت خبر می‌دهم. بابت این مدت هزینه‌ای نمی‌پردازید."}},
		{Title: "Refund is on its way", Shortcut: "refund", Teams: []holdfast.ID{t.acc.support}, Texts: map[string]string{
			"en": "I have sent the money back today. Your bank usually needs three to five working days to show it.",
			"ru": "Сегодня мы вернули деньги. Банку обычно нужно от трёх до пяти рабочих дней, чтобы они появились на счёте.",
			"fa": "امروز پول را برگرداندیم. معمولاً سه تا پنج روز کاری طول می‌کشد تا بانک آن را نشان دهد."}},
		{Title: "Our plans", Shortcut: "plans", Owner: holdfast.Owner{Team: t.acc.sales}, Texts: map[string]string{
			"en": "We have three plans: Calm, Family and Studio. Tell me how many of you are at home and what you use the internet for, and I will say which one I would take.",
			"ru": "У нас три тарифа: «Спокойный», «Семейный» и «Студия». Расскажите, сколько вас дома и для чего нужен интернет, и я подскажу, какой взял бы сам.",
			"fa": "سه طرح داریم: «آرام»، «خانواده» و «استودیو». بفرمایید در خانه چند نفرید و اینترنت را برای چه کاری می‌خواهید تا بگویم خودم کدام را برمی‌داشتم."}},
		{Title: "Anything else?", Shortcut: "bye", Texts: map[string]string{
			"en": "Is there anything else I can do for you? If not, I close this request; you can write here again at any time.",
			"ru": "Могу ли я помочь чем-то ещё? Если нет, я закрою обращение. Написать сюда снова можно в любое время.",
			"fa": "کار دیگری هست که از من بربیاید؟ اگر نه، این درخواست را می‌بندم؛ هر وقت خواستید دوباره همین‌جا بنویسید."}},
		{Title: "حال‌واحوال", Shortcut: "salam", Owner: holdfast.Owner{Operator: t.staff[2].id}, Languages: []string{"fa"}, Texts: map[string]string{
			"fa": "سلام {{customer.first_name|دوست عزیز}}، وقت بخیر. الان بررسی می‌کنم و خبر می‌دهم."}},
	}
}

func (t *teller) macros() []holdfast.MacroSaved {
	return []holdfast.MacroSaved{
		{Name: "Known outage", Actions: []holdfast.Action{{Do: holdfast.DoReply, Canned: t.cannedID("outage"), Then: holdfast.Waiting}, {Do: holdfast.DoTag, Tag: "outage"},
			{Do: holdfast.DoPriority, Priority: holdfast.High}, {Do: holdfast.DoAssign, Me: true, Team: t.acc.support}}},
		{Name: "Refund and close", Actions: []holdfast.Action{{Do: holdfast.DoReply, Canned: t.cannedID("refund"), Then: holdfast.Resolved}, {Do: holdfast.DoTag, Tag: "refund"},
			{Do: holdfast.DoNote, Text: "The money went back to {{customer.name}}."}}},
		{Name: "Over to sales", Actions: []holdfast.Action{{Do: holdfast.DoAssign, Team: t.acc.sales}, {Do: holdfast.DoTag, Tag: "plans"}, {Do: holdfast.DoNote, Text: "Please say which plan fits, I have answered the rest."}}},
		{Name: "Remind me tomorrow", Owner: holdfast.Owner{Operator: t.staff[0].id}, Actions: []holdfast.Action{{Do: holdfast.DoAssign, Me: true}, {Do: holdfast.DoSnooze, Minutes: 24 * 60}}},
	}
}

func (t *teller) views() []holdfast.ViewSaved {
	is := func(f holdfast.Field, test holdfast.Test, values ...string) holdfast.Condition {
		return holdfast.Condition{Field: f, Test: test, Values: values}
	}
	filter := func(order holdfast.Order, c ...holdfast.Condition) holdfast.ViewFilter {
		return holdfast.ViewFilter{Match: holdfast.MatchAll, Conditions: c, Order: order}
	}
	open := is(holdfast.ByState, holdfast.Is, string(holdfast.Open))
	return []holdfast.ViewSaved{
		{Name: "Urgent", Position: 1, Filter: filter(holdfast.PriorityFirst, open, is(holdfast.ByPriority, holdfast.AtLeast, strconv.Itoa(int(holdfast.High))))},
		{Name: "Nobody's for two hours", Position: 2, Filter: filter(holdfast.OldestFirst, open, is(holdfast.ByAssignee, holdfast.Is, "nobody"), is(holdfast.ByActivity, holdfast.Before, "-2h"))},
		{Name: "Outages", Position: 3, Owner: holdfast.Owner{Team: t.acc.support}, Filter: filter(holdfast.LatestFirst, is(holdfast.ByTag, holdfast.Is, "outage", "no-link"), is(holdfast.ByState, holdfast.IsNot, string(holdfast.Closed)))},
		{Name: "New customers", Position: 1, Owner: holdfast.Owner{Team: t.acc.sales}, Filter: filter(holdfast.NewestFirst, is(holdfast.ByTag, holdfast.Is, "new-line", "plans", "moving"))},
		{Name: "По-русски и без ответа", Position: 1, Owner: holdfast.Owner{Operator: t.staff[1].id}, Filter: filter(holdfast.OldestFirst, open, is(holdfast.ByLanguage, holdfast.Is, "ru"))},
		{Name: "فارسی‌های من", Position: 1, Owner: holdfast.Owner{Operator: t.staff[2].id}, Filter: filter(holdfast.LatestFirst, is(holdfast.ByLanguage, holdfast.Is, "fa"), is(holdfast.ByAssignee, holdfast.Is, "me"))},
	}
}

func labels(en, ru, fa string) map[string]string {
	return map[string]string{"en": en, "ru": ru, "fa": fa}
}

// The custom fields; "customer" and "conversation" are what they can be of.
var fields = []holdfast.FieldSaved{
	{Of: "customer", Key: "contract", Labels: labels("Contract", "Договор", "قرارداد"), Type: holdfast.NumberField, Position: 1},
	{Of: "customer", Key: "plan", Labels: labels("Plan", "Тариф", "طرح"), Type: holdfast.ChoiceField, Position: 2, Choices: []holdfast.FieldChoice{
		{Value: "calm", Labels: labels("Calm", "Спокойный", "آرام")}, {Value: "family", Labels: labels("Family", "Семейный", "خانواده")}, {Value: "studio", Labels: labels("Studio", "Студия", "استودیو")}}},
	{Of: "customer", Key: "since", Labels: labels("Customer since", "Клиент с", "مشتری از"), Type: holdfast.DateField, Position: 3},
	{Of: "customer", Key: "paperless", Labels: labels("Bills by e-mail only", "Счета только по почте", "فقط صورت‌حساب ایمیلی"), Type: holdfast.BoolField, Position: 4},
	{Of: "conversation", Key: "device", Labels: labels("Device", "Устройство", "دستگاه"), Type: holdfast.ChoiceField, Position: 1, Choices: []holdfast.FieldChoice{
		{Value: "router", Labels: labels("Router", "Роутер", "مودم")}, {Value: "fibre", Labels: labels("Fibre box", "Оптический терминал", "جعبهٔ فیبر")}, {Value: "tv", Labels: labels("TV box", "ТВ-приставка", "گیرندهٔ تلویزیون")}}},
	{Of: "conversation", Key: "cause", Labels: labels("Cause", "Причина", "علت"), Type: holdfast.TextField, Position: 2},
}

func (t *teller) field(of, key string) holdfast.ID { return t.id("preset %s.%s", of, key) }

// knows gives a customer the values of their fields, soon after they came.
func (o *outfit) knows(p *person) {
	since := o.t.cal.now.AddDate(0, -2-o.r.IntN(70), -o.r.IntN(28))
	v := map[holdfast.ID]string{
		o.t.field("customer", "contract"): strconv.Itoa(p.contract),
		o.t.field("customer", "plan"):     []string{"calm", "family", "family", "studio"}[o.r.IntN(4)],
		o.t.field("customer", "since"):    since.Format(time.DateOnly),
	}
	if o.r.IntN(3) == 0 {
		v[o.t.field("customer", "paperless")] = "yes"
	}
	o.t.diary.add(p.created.Add(2*time.Second), holdfast.System, p.id, &holdfast.FieldsSet{Of: "customer", Values: v})
}

// devices are what matters are about, by what they are tagged with.
var devices = map[string]string{"speed": "router", "router": "router", "no-link": "fibre", "outage": "fibre", "tv": "tv"}

// looksAt notes which device a matter was about, where somebody dealt with it.
func (o *outfit) looksAt(s *story) {
	if s.lastOut == "" || o.r.IntN(3) == 0 {
		return
	}
	for _, tag := range s.script.tags {
		if d := devices[tag]; d != "" {
			o.t.diary.add(s.lastAt.Add(3*time.Second), s.actor(), s.id, &holdfast.FieldsSet{Of: "conversation", Values: map[holdfast.ID]string{o.t.field("conversation", "device"): d}})
			return
		}
	}
}

var comments = map[string][]string{
	"en": {"Quick and kind, thank you.", "It worked at the first try.", "It took two days to get an answer.", "Solved, but I had to explain it twice."},
	"ru": {"Быстро и вежливо, спасибо.", "Помогло с первого раза.", "Ответа ждал два дня.", "Решили, но пришлось объяснять дважды."},
	"fa": {"سریع و مهربان، سپاسگزارم.", "همان بار اول درست شد.", "دو روز منتظر جواب ماندم.", "حل شد، ولی مجبور شدم دو بار توضیح بدهم."},
}

// rates lets about every second customer be asked what they thought, and most answer.
func (o *outfit) rates(s *story) {
	if s.ending != settled || s.lastOut == "" || o.r.IntN(2) == 0 {
		return
	}
	kind, scores := holdfast.CSAT, []int{5, 5, 5, 5, 5, 5, 4, 4, 4, 3, 2, 1}
	if o.r.IntN(6) == 0 {
		kind, scores = holdfast.NPS, []int{10, 10, 10, 9, 9, 8, 8, 7, 6, 3}
	}
	at := s.lastAt.Add(time.Minute)
	asked := o.t.diary.add(at, holdfast.System, s.id, &holdfast.ConversationSurveyed{Kind: kind, Message: holdfast.DeriveID(s.id, "survey:"+string(kind))})
	if !asked || o.r.IntN(10) < 4 {
		return
	}
	b := &holdfast.ConversationRated{Kind: kind, Score: scores[o.r.IntN(len(scores))], Via: "widget"}
	if s.mail {
		b.Via = "page"
	}
	if o.r.IntN(3) == 0 {
		half := 0 // of the comments: those of the content and those of the others
		if low, high := kind.Scale(); 2*(b.Score-low) < high-low+2 {
			half = 2
		}
		b.Comment = comments[s.lang][half+o.r.IntN(2)]
	}
	o.t.diary.add(at.Add(time.Minute+time.Duration(o.r.Int64N(int64(20*time.Hour)))), holdfast.Actor{Kind: holdfast.ActorCustomer, ID: s.p.id}, s.id, b)
}

// merges makes one of the latest two matters that a customer wrote about by mail.
func (o *outfit) merges() {
	before := map[*person]*story{}
	var a, b *story
	for _, s := range o.t.told {
		if !s.mail || s.over {
			continue
		}
		if other := before[s.p]; other != nil && other.lastOut != "" && s.ending != settled {
			a, b = other, s
		}
		before[s.p] = s
	}
	if b != nil {
		o.t.diary.add(b.lastAt.Add(5*time.Second), b.actor(), a.id, &holdfast.ConversationMerged{With: b.id})
	}
}
