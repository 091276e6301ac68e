// Those that people write to each other at work, with words to find them by in three
// languages. The first word of each is its name.
const list = `
😀|grin smile happy|улыбка радость|لبخند شاد
😃|smile happy|радость улыбка|خوشحال لبخند
😄|laugh smile happy|смех радость|خنده شاد
😁|beaming grin|сияние ухмылка|نیشخند
😅|relief sweat laugh|облегчение пот смех|آسودگی عرق خنده
😂|joy tears laugh|слёзы смех|اشک خنده
🙂|slight smile|улыбка лёгкая|لبخند ملایم
🙃|upside-down silly|вверх-ногами|وارونه
😉|wink|подмигивание|چشمک
😊|blush smile|румянец улыбка|خجالت لبخند
😇|angel halo|ангел нимб|فرشته
🥰|love hearts|любовь сердечки|عشق دوستی
😍|heart-eyes love|влюблённость|عاشق
🤩|star-struck wow|восторг звёзды|شگفت‌زده ستاره
😘|kiss|поцелуй|بوسه
😋|yum tasty|вкусно|خوشمزه
😎|cool sunglasses|круто очки|باحال عینک
🤓|nerd glasses|умник очки|درس‌خوان عینک
🤔|thinking hmm|раздумье думаю|فکر
🤨|raised-eyebrow doubt|сомнение бровь|تردید ابرو
😐|neutral|нейтрально|خنثی
😶|speechless silent|молчание|بی‌کلام
🙄|eye-roll|закатил глаза|چشم‌غره
😏|smirk|ухмылка|پوزخند
😴|sleep tired|сон устал|خواب خسته
😌|relieved calm|спокойствие|آرام آسوده
😔|pensive sad|грусть задумчивость|غمگین اندوه
😕|confused|растерянность|گیج
🙁|frown sad|печаль|ناراحت اخم
😢|cry sad|плач грусть|گریه غم
😭|sob cry|рыдание плач|هق‌هق گریه
😞|disappointed|разочарование|ناامید
😟|worried|тревога беспокойство|نگران
😤|huff steam|пыхтит злость|عصبانی
😠|angry|злость сердитый|خشم عصبانی
😡|rage angry red|ярость злость|خشمگین قرمز
😱|scream fear|крик ужас|جیغ ترس
😳|flushed|смущение|سرخ خجالت
😬|grimace awkward|неловкость|معذب
🤯|mind-blown|взрыв мозга|حیرت
🥳|party celebrate|праздник вечеринка|جشن
🤗|hug|объятие|آغوش بغل
🤝|handshake deal|рукопожатие договор|دست‌دادن توافق
🤒|ill fever|болезнь температура|بیمار تب
😷|mask ill|маска болезнь|ماسک بیمار
🤞|fingers-crossed luck|удача пальцы|امید شانس
👍|thumbs-up yes good|палец-вверх да хорошо|پسند بله خوب
👎|thumbs-down no bad|палец-вниз нет плохо|ناپسند نه بد
👌|ok perfect|окей отлично|عالی اوکی
✌️|victory peace|победа мир|پیروزی صلح
👏|clap bravo|аплодисменты браво|تشویق آفرین
🙌|raised-hands hooray|ура руки|هورا دست‌ها
🙏|thanks please pray|спасибо пожалуйста|سپاس خواهش دعا
💪|strong muscle|сила мышцы|قدرت بازو
👋|wave hello bye|привет пока|سلام خداحافظ
✋|stop hand|стоп рука|ایست دست
👉|right point|направо указатель|راست اشاره
👈|left point|налево указатель|چپ اشاره
👆|up point|вверх указатель|بالا اشاره
👇|down point|вниз указатель|پایین اشاره
✍️|write|пишу письмо|نوشتن
👀|eyes look|глаза смотрю|چشم‌ها نگاه
❤️|heart red love|сердце любовь|قلب عشق
🧡|orange heart|оранжевое сердце|قلب نارنجی
💛|yellow heart|жёлтое сердце|قلب زرد
💚|green heart|зелёное сердце|قلب سبز
💙|blue heart|синее сердце|قلب آبی
💜|purple heart|фиолетовое сердце|قلب بنفش
🤍|white heart|белое сердце|قلب سفید
💔|broken heart|разбитое сердце|قلب شکسته
✨|sparkles new|блеск искры|درخشش
⭐|star|звезда|ستاره
🌟|glowing star|сияющая звезда|ستاره درخشان
💯|hundred perfect|сто отлично|صد عالی
🔥|fire hot|огонь жарко|آتش داغ
🎉|tada party congratulations|поздравляю праздник|تبریک جشن
🎁|gift present|подарок|هدیه
🎂|cake birthday|торт день-рождения|کیک تولد
🌹|rose flower|роза цветок|گل رز
🌷|tulip flower|тюльпан цветок|لاله گل
🌱|seedling green spring|росток зелень|جوانه سبز
🍀|clover luck|клевер удача|شبدر شانس
☕|coffee tea|кофе чай|قهوه چای
🍉|watermelon|арбуз|هندوانه
☀️|sun weather|солнце погода|خورشید آفتاب
🌙|moon night|луна ночь|ماه شب
🌧️|rain weather|дождь погода|باران
❄️|snow cold|снег холод|برف سرد
⚡|lightning power electricity|молния электричество|برق صاعقه
🌈|rainbow|радуга|رنگین‌کمان
✅|done check yes|готово галочка да|انجام تیک بله
☑️|checkbox done|флажок готово|تیک
✔️|check mark|галочка|تیک درست
❌|cross no wrong|крест нет неверно|ضربدر نه نادرست
❗|exclamation important|важно восклицание|مهم هشدار
❓|question|вопрос|پرسش سؤال
⚠️|warning|внимание предупреждение|هشدار
ℹ️|information|информация|اطلاعات
🚫|forbidden no|запрет нельзя|ممنوع
🔴|red circle|красный круг|دایره قرمز
🟡|yellow circle|жёлтый круг|دایره زرد
🟢|green circle|зелёный круг|دایره سبز
🔵|blue circle|синий круг|دایره آبی
➡️|right arrow|стрелка вправо|پیکان راست
⬅️|left arrow|стрелка влево|پیکان چپ
🔄|refresh again|обновить снова|تازه‌سازی دوباره
⏳|hourglass wait|песочные-часы ожидание|ساعت‌شنی انتظار
⏰|alarm clock time|будильник время|ساعت زنگ زمان
📅|calendar date|календарь дата|تقویم تاریخ
📞|phone call|телефон звонок|تلفن تماس
📱|mobile phone|мобильный телефон|موبایل گوشی
💻|laptop computer|ноутбук компьютер|لپ‌تاپ رایانه
🖥️|screen computer|экран компьютер|نمایشگر رایانه
🖨️|printer|принтер|چاپگر
📶|signal internet|сигнал интернет|آنتن اینترنت
📡|antenna satellite|антенна спутник|آنتن ماهواره
🌐|globe internet web|интернет сеть глобус|اینترنت وب جهان
🔌|plug power|вилка питание|دوشاخه برق
🔋|battery|батарея|باتری
🔧|wrench repair|ключ ремонт|آچار تعمیر
🛠️|tools repair|инструменты ремонт|ابزار تعمیر
⚙️|settings gear|настройки шестерня|تنظیمات چرخ‌دنده
🔑|key password|ключ пароль|کلید رمز
🔒|locked security|замок безопасность|قفل امنیت
🔓|unlocked open|открыто замок|باز قفل
🛡️|shield security|щит защита|سپر امنیت
📧|e-mail letter|письмо почта|ایمیل نامه
✉️|envelope letter|конверт письмо|پاکت نامه
📨|incoming letter|входящее письмо|نامه رسیده
📎|paperclip attachment|скрепка вложение|گیره پیوست
📄|document page|документ страница|سند برگه
📋|clipboard list|список планшет|فهرست تخته
📊|chart report|график отчёт|نمودار گزارش
📈|rising growth chart|рост график|رشد نمودار
📉|falling chart|падение график|کاهش نمودار
📌|pin|булавка важно|سنجاق
📍|place location|место адрес|مکان نشانی
🏠|house home|дом|خانه
🏢|office building|офис здание|دفتر ساختمان
🏦|bank|банк|بانک
🛒|cart shop|корзина магазин|سبد خرید
📦|parcel box delivery|посылка коробка доставка|بسته جعبه ارسال
🚚|truck delivery|грузовик доставка|کامیون ارسال
✈️|plane travel|самолёт путешествие|هواپیما سفر
🚗|car|машина|ماشین خودرو
💳|card payment|карта оплата|کارت پرداخت
💰|money bag|деньги мешок|پول کیسه
💵|cash dollar|наличные доллар|اسکناس دلار
🧾|receipt bill|чек счёт|رسید صورت‌حساب
💡|idea light|идея лампочка|ایده لامپ
🔔|bell notice|колокольчик уведомление|زنگ اعلان
🔍|search look|поиск лупа|جست‌وجو ذره‌بین
🎯|target goal|цель мишень|هدف
🚀|rocket fast|ракета быстро|موشک سریع
🙋|raised hand question|рука вопрос|دست پرسش
🤷|shrug do-not-know|не-знаю пожимаю|نمی‌دانم شانه
🙇|bow sorry|поклон извините|تعظیم پوزش
👤|person user|человек пользователь|شخص کاربر
👥|people team|люди команда|افراد گروه
👨‍💻|engineer programmer|инженер программист|مهندس برنامه‌نویس
👷|technician worker|мастер рабочий|کارگر تکنسین
🧑‍🔧|mechanic repair|механик ремонт|مکانیک تعمیرکار
🕊️|dove peace|голубь мир|کبوتر صلح
🤲|open hands|ладони руки|دست‌های باز
`;

export interface Emoji { sign: string; name: Record<string, string>; words: string }

const bare = (s: string): string => s.toLocaleLowerCase().replace(/[يى]/g, 'ی').replace(/ك/g, 'ک').replace(/ё/g, 'е').replace(/[\u200c-]/g, ' ');

const emoji: Emoji[] = list.trim().split('\n').map((line) => {
  const [sign, en, ru, fa] = line.split('|') as [string, string, string, string];
  const name = (s: string) => s.split(' ')[0]!;
  return { sign, name: { en: name(en), ru: name(ru), fa: name(fa) }, words: bare(`${en} ${ru} ${fa}`) };
});

/** Those one of whose words begins with each word that was typed, in any of the languages. */
export function found(typed: string): Emoji[] {
  const asked = bare(typed).split(/\s+/).filter(Boolean);
  return emoji.filter((e) => asked.every((a) => (' ' + e.words).includes(' ' + a)));
}
