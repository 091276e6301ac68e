// Every word of the widget, in every language it speaks.

type Forms = { one: string; few?: string; many?: string; other: string };

export interface Texts {
  close: string;
  title: string;
  log: string;
  placeholder: string;
  send: string;
  attach: string;
  remove: string; // # is what it is about
  drop: string;
  waiting: string;
  sent: string;
  seen: string;
  retry: string;
  discard: string;
  typing: string;
  typingNobody: string;
  offline: string;
  call: string;
  sms: string;
  connecting: string;
  latest: string;
  today: string;
  yesterday: string;
  you: string;
  us: string;
  unread: Forms;
  record: string;
  recorded: string;
  noMic: string;
  fill: string;
  thanks: string;
  notRated: string;
  comment: string;
  good: string;
  bad: string;
  score: string; // ## is of how many
  back: string;
  soon: string;
  minutes: Forms;
  hours: Forms;
  tooLong: string;
  fileTooLarge: string; // ## is the limit in MB
  tooManyFiles: string;
  signIn: string;
  refused: Record<string, string>; // by the desk's code; "" is the rest
  offlineHours: string;
  greeting: string;
  menu: string;
  mail: string;
  mailTo: string;
  mailed: string;
  notMailed: string;
  sound: string;
}

/** A language of the site's own: its texts, where they differ from English, and how it is written. */
export type Tongue = Partial<Texts> & { lang: string; dir?: 'ltr' | 'rtl' };

const en: Texts = {
  close: 'Close the chat',
  title: 'Talk to us',
  log: 'Messages',
  placeholder: 'Write a message…',
  send: 'Send',
  attach: 'Attach files',
  remove: 'Remove #',
  drop: 'Drop files here',
  waiting: 'Waiting to be sent',
  sent: 'Sent',
  seen: 'Read',
  retry: 'Try again',
  discard: 'Delete',
  typing: '# is typing…',
  typingNobody: 'Typing…',
  offline: 'No connection. Keep writing: your messages are saved here and will be sent by themselves.',
  call: 'Call us:',
  sms: 'SMS:',
  connecting: 'Connecting…',
  latest: 'To the latest message',
  today: 'Today',
  yesterday: 'Yesterday',
  you: 'You',
  us: 'Support',
  unread: { one: '# new message', other: '# new messages' },
  record: 'Record a voice message',
  recorded: 'Stop recording',
  noMic: 'The microphone cannot be used here.',
  fill: 'Please fill in the fields above first.',
  thanks: 'Thank you!',
  notRated: 'No connection. Please try again.',
  comment: 'Anything to add?',
  good: 'Good',
  bad: 'Bad',
  score: '# out of ##',
  back: 'We are back #.',
  soon: 'We usually answer within a minute.',
  minutes: { one: 'We usually answer within # minute.', other: 'We usually answer within # minutes.' },
  hours: { one: 'We usually answer within # hour.', other: 'We usually answer within # hours.' },
  tooLong: 'Too long by # characters',
  fileTooLarge: '# is larger than ## MB.',
  tooManyFiles: 'At most # files in one message.',
  signIn: 'This chat is for signed-in customers. Please sign in first.',
  refused: {
    'transcript.empty': 'There is nothing to send before somebody has answered.',
    'transcript.address_invalid': 'This is not an e-mail address.',
    'transcript.too_many': 'It was sent several times already. Please try again in an hour.',
    'chat.refused': 'This message was not accepted.',
    'chat.file_too_large': 'The file is too large.',
    'chat.identity_required': 'Please sign in to send this.',
    '': 'This message could not be sent.',
  },
  offlineHours: 'Nobody is here right now. Write anyway, we will answer.',
  greeting: 'Hello! How can we help?',
  menu: 'More',
  mail: 'Send me this conversation by mail',
  mailTo: 'Your e-mail address',
  mailed: 'On its way to #.',
  notMailed: 'This could not be sent.',
  sound: 'Sound of new messages',
};

const ru: Texts = {
  close: 'Закрыть чат',
  title: 'Напишите нам',
  log: 'Сообщения',
  placeholder: 'Напишите сообщение…',
  send: 'Отправить',
  attach: 'Прикрепить файлы',
  remove: 'Убрать #',
  drop: 'Перетащите файлы сюда',
  waiting: 'Ждёт отправки',
  sent: 'Отправлено',
  seen: 'Прочитано',
  retry: 'Повторить',
  discard: 'Удалить',
  typing: '# печатает…',
  typingNobody: 'Печатает…',
  offline: 'Нет связи. Продолжайте писать: сообщения сохранены здесь и уйдут сами.',
  call: 'Позвоните:',
  sms: 'SMS:',
  connecting: 'Соединяемся…',
  latest: 'К последнему сообщению',
  today: 'Сегодня',
  yesterday: 'Вчера',
  you: 'Вы',
  us: 'Поддержка',
  unread: { one: '# новое сообщение', few: '# новых сообщения', many: '# новых сообщений', other: '# нового сообщения' },
  record: 'Записать голосовое сообщение',
  recorded: 'Остановить запись',
  noMic: 'Микрофон здесь недоступен.',
  fill: 'Сначала заполните поля выше.',
  thanks: 'Спасибо!',
  notRated: 'Нет связи. Попробуйте ещё раз.',
  comment: 'Хотите что-то добавить?',
  good: 'Хорошо',
  bad: 'Плохо',
  score: '# из ##',
  back: 'Мы снова на связи: #.',
  soon: 'Обычно мы отвечаем в течение минуты.',
  minutes: { one: 'Обычно мы отвечаем в течение # минуты.', few: 'Обычно мы отвечаем в течение # минут.', many: 'Обычно мы отвечаем в течение # минут.', other: 'Обычно мы отвечаем в течение # минуты.' },
  hours: { one: 'Обычно мы отвечаем в течение # часа.', few: 'Обычно мы отвечаем в течение # часов.', many: 'Обычно мы отвечаем в течение # часов.', other: 'Обычно мы отвечаем в течение # часа.' },
  tooLong: 'Слишком длинно, лишних знаков: #',
  fileTooLarge: 'Файл # больше ## МБ.',
  tooManyFiles: 'Файлов в одном сообщении — не больше #.',
  signIn: 'Этот чат для клиентов, вошедших на сайт. Пожалуйста, сначала войдите.',
  refused: {
    'transcript.empty': 'Пока никто не ответил, отправлять нечего.',
    'transcript.address_invalid': 'Это не адрес электронной почты.',
    'transcript.too_many': 'Переписку уже отправляли несколько раз. Попробуйте через час.',
    'chat.refused': 'Это сообщение не принято.',
    'chat.file_too_large': 'Файл слишком большой.',
    'chat.identity_required': 'Войдите на сайт, чтобы отправить сообщение.',
    '': 'Не удалось отправить это сообщение.',
  },
  offlineHours: 'Сейчас никого нет на месте. Всё равно напишите — мы ответим.',
  greeting: 'Здравствуйте! Чем можем помочь?',
  menu: 'Ещё',
  mail: 'Прислать мне переписку на почту',
  mailTo: 'Ваш адрес электронной почты',
  mailed: 'Отправляется на #.',
  notMailed: 'Не удалось отправить.',
  sound: 'Звук новых сообщений',
};

const fa: Texts = {
  close: 'بستن گفت‌وگو',
  title: 'با ما گفت‌وگو کنید',
  log: 'پیام‌ها',
  placeholder: 'پیام خود را بنویسید…',
  send: 'ارسال',
  attach: 'پیوست کردن پرونده',
  remove: 'برداشتن #',
  drop: 'پرونده‌ها را اینجا رها کنید',
  waiting: 'در انتظار ارسال',
  sent: 'ارسال شد',
  seen: 'خوانده شد',
  retry: 'تلاش دوباره',
  discard: 'حذف',
  typing: '# در حال نوشتن است…',
  typingNobody: 'در حال نوشتن…',
  offline: 'ارتباط قطع است. به نوشتن ادامه دهید؛ پیام‌ها همین‌جا ذخیره و خودبه‌خود فرستاده می‌شوند.',
  call: 'تماس:',
  sms: 'پیامک:',
  connecting: 'در حال اتصال…',
  latest: 'رفتن به آخرین پیام',
  today: 'امروز',
  yesterday: 'دیروز',
  you: 'شما',
  us: 'پشتیبانی',
  unread: { one: '# پیام تازه', other: '# پیام تازه' },
  record: 'ضبط پیام صوتی',
  recorded: 'پایان ضبط',
  noMic: 'اینجا نمی‌توان از میکروفون استفاده کرد.',
  fill: 'لطفاً نخست فیلدهای بالا را پر کنید.',
  thanks: 'سپاسگزاریم!',
  notRated: 'ارتباط قطع است. دوباره امتحان کنید.',
  comment: 'نکته‌ای دارید؟',
  good: 'خوب',
  bad: 'بد',
  score: '# از ##',
  back: '# دوباره پاسخگو هستیم.',
  soon: 'معمولاً در کمتر از یک دقیقه پاسخ می‌دهیم.',
  minutes: { one: 'معمولاً در کمتر از # دقیقه پاسخ می‌دهیم.', other: 'معمولاً در کمتر از # دقیقه پاسخ می‌دهیم.' },
  hours: { one: 'معمولاً در کمتر از # ساعت پاسخ می‌دهیم.', other: 'معمولاً در کمتر از # ساعت پاسخ می‌دهیم.' },
  tooLong: '# نویسه بیش از حد مجاز',
  fileTooLarge: 'حجم «#» بیش از ## مگابایت است.',
  tooManyFiles: 'در هر پیام حداکثر # پرونده.',
  signIn: 'این گفت‌وگو ویژهٔ مشتریانِ واردشده است. لطفاً نخست وارد شوید.',
  refused: {
    'transcript.empty': 'تا کسی پاسخ ندهد چیزی برای فرستادن نیست.',
    'transcript.address_invalid': 'این نشانی ایمیل نیست.',
    'transcript.too_many': 'چند بار فرستاده شده است. یک ساعت دیگر دوباره تلاش کنید.',
    'chat.refused': 'این پیام پذیرفته نشد.',
    'chat.file_too_large': 'پرونده بیش از حد بزرگ است.',
    'chat.identity_required': 'برای فرستادن پیام وارد شوید.',
    '': 'این پیام فرستاده نشد.',
  },
  offlineHours: 'الان کسی اینجا نیست. با این حال بنویسید؛ پاسخ می‌دهیم.',
  greeting: 'سلام! چه کمکی از ما برمی‌آید؟',
  menu: 'بیشتر',
  mail: 'گفت‌وگو را برایم ایمیل کنید',
  mailTo: 'نشانی ایمیل شما',
  mailed: 'به # فرستاده می‌شود.',
  notMailed: 'فرستاده نشد.',
  sound: 'صدای پیام‌های تازه',
};

export const TEXTS: Record<string, Texts> = { en, ru, fa };

/** How one language writes words, numbers, times and days. */
export class Speech {
  readonly t: Texts;
  readonly dir: 'ltr' | 'rtl';
  #locale: string;
  #plural: Intl.PluralRules;
  #number: Intl.NumberFormat;
  #time: Intl.DateTimeFormat;
  #day: Intl.DateTimeFormat;
  #full: Intl.DateTimeFormat;

  constructor(readonly lang: string, own?: Tongue) {
    this.t = { ...(TEXTS[lang] ?? en), ...own, refused: { ...(TEXTS[lang] ?? en).refused, ...own?.refused } };
    this.dir = own?.dir ?? (lang === 'fa' ? 'rtl' : 'ltr');
    this.#locale = lang === 'fa' ? 'fa-IR' : (globalThis.navigator?.languages?.find((l) => l.startsWith(lang)) ?? lang);
    this.#plural = new Intl.PluralRules(this.#locale);
    this.#number = new Intl.NumberFormat(this.#locale, { maximumFractionDigits: 1 });
    this.#time = new Intl.DateTimeFormat(this.#locale, { hour: 'numeric', minute: '2-digit' });
    this.#day = new Intl.DateTimeFormat(this.#locale, { day: 'numeric', month: 'long' });
    this.#full = new Intl.DateTimeFormat(this.#locale, { dateStyle: 'long', timeStyle: 'short' });
  }

  /** A text with what it is about in the places of ## and #. */
  say(text: string, it: string, of = ''): string {
    return text.replace('##', () => of).replace('#', () => it);
  }
  number(n: number): string {
    return this.#number.format(n);
  }
  count(forms: Forms, n: number): string {
    return (forms[this.#plural.select(n) as keyof Forms] ?? forms.other).replace('#', this.number(n));
  }
  time(at: Date): string {
    return this.#time.format(at);
  }
  full(at: Date): string {
    return this.#full.format(at);
  }
  day(at: Date, now = new Date()): string {
    const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
    return days === 0 ? this.t.today : days === 1 ? this.t.yesterday : this.#day.format(at);
  }
  /** When an answer can be hoped for; '' where that is not known. */
  away(c: { back?: string; reply?: number }, now = new Date()): string {
    if (c.back) {
      const at = new Date(c.back);
      const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - new Date(now).setHours(0, 0, 0, 0)) / 86_400_000);
      const near = days < 2; // "tomorrow" is said as people say it
      const day = near
        ? new Intl.RelativeTimeFormat(this.#locale, { numeric: 'auto' }).format(days, 'day')
        : new Intl.DateTimeFormat(this.#locale, days < 7 ? { weekday: 'long' } : { weekday: 'long', day: 'numeric', month: 'long' }).format(at);
      return this.say(this.t.back, `${day}${this.lang === 'fa' ? '،' : ','} ${this.time(at)}`);
    }
    if (!c.reply) return '';
    const minutes = Math.ceil(c.reply / 60);
    return minutes < 2 ? this.t.soon : minutes <= 90 ? this.count(this.t.minutes, minutes > 10 ? Math.ceil(minutes / 5) * 5 : minutes) : this.count(this.t.hours, Math.ceil(minutes / 60));
  }

  size(bytes: number): string {
    const units = ['byte', 'kilobyte', 'megabyte'];
    const i = bytes < 1000 ? 0 : bytes < 1_000_000 ? 1 : 2;
    return new Intl.NumberFormat(this.#locale, { style: 'unit', unit: units[i]!, unitDisplay: 'short', maximumFractionDigits: i === 2 ? 1 : 0 }).format(bytes / 1000 ** i);
  }
}
