// The imaginary shop's page in its three languages, with the chat on it.

interface Page {
  brand: string; title: string; skip: string; nav: string; langs: string;
  navPlans: string; navDevices: string; navHelp: string;
  heroTitle: string; heroText: string; checkLabel: string; checkHint: string; checkButton: string; checked: string;
  plansTitle: string; plansFine: string; best: string; perMonth: string;
  plans: [name: string, about: string, price: number][];
  currency: string; mbit: string;
  devicesTitle: string; devices: [name: string, about: string][];
  helpTitle: string; helpText: string; helpButton: string; footer: string;
}

const SPEEDS = [100, 300, 1000];

const PAGES: Record<string, Page> = {
  en: {
    brand: 'Northline', title: 'Northline: home internet', skip: 'To the plans', nav: 'Main', langs: 'Language',
    navPlans: 'Plans', navDevices: 'Devices', navHelp: 'Help',
    heroTitle: 'Fibre that stays up when the weather does not',
    heroText: 'Symmetric speed to your door, a spare line over radio, and people who answer day and night.',
    checkLabel: 'Is your house connected?', checkHint: 'Street and house', checkButton: 'Check',
    checked: 'Good news: there is a free port in your house. Write to us to choose a day.',
    plansTitle: 'Plans for a home', plansFine: 'Prices include the router. Cancel at the end of any month.',
    best: 'Most chosen', perMonth: 'a month', currency: 'EUR', mbit: 'Mbit/s',
    plans: [['Calm', 'For mail, news and films in the evening.', 14], ['Family', 'Four screens at once, and school in the next room.', 19], ['Studio', 'Large files, games, and a fixed address.', 29]],
    devicesTitle: 'Good to have beside it',
    devices: [['Spare line', 'A radio modem that takes over in eight seconds when the cable is cut.'], ['Small battery', 'Keeps the router alive for six hours without power.'], ['Second point', 'Wi-Fi in the far room, on the same name and password.']],
    helpTitle: 'Something not right?',
    helpText: 'Write to us in the corner of this page. If your connection drops, your message waits on your device and reaches us by itself.',
    helpButton: 'Write to us', footer: 'Northline is an imaginary provider. This page shows the chat of Holdfast.',
  },
  ru: {
    brand: 'Нортлайн', title: 'Нортлайн: домашний интернет', skip: 'К тарифам', nav: 'Основное меню', langs: 'Язык',
    navPlans: 'Тарифы', navDevices: 'Оборудование', navHelp: 'Помощь',
    heroTitle: 'Оптика, которая работает в любую погоду',
    heroText: 'Одинаковая скорость в обе стороны, запасной канал по радио и люди, которые отвечают днём и ночью.',
    checkLabel: 'Подключён ли ваш дом?', checkHint: 'Улица и дом', checkButton: 'Проверить',
    checked: 'Хорошие новости: в вашем доме есть свободный порт. Напишите нам, чтобы выбрать день.',
    plansTitle: 'Тарифы для дома', plansFine: 'Роутер входит в цену. Отказаться можно в конце любого месяца.',
    best: 'Выбирают чаще', perMonth: 'в месяц', currency: 'RUB', mbit: 'Мбит/с',
    plans: [['Спокойный', 'Почта, новости и кино по вечерам.', 550], ['Семейный', 'Четыре экрана сразу и уроки в соседней комнате.', 750], ['Студия', 'Большие файлы, игры и постоянный адрес.', 1100]],
    devicesTitle: 'Полезно иметь рядом',
    devices: [['Запасной канал', 'Радиомодем, который подхватит связь за восемь секунд, если кабель перебит.'], ['Небольшой аккумулятор', 'Роутер проработает без электричества шесть часов.'], ['Вторая точка', 'Wi-Fi в дальней комнате с тем же именем и паролем.']],
    helpTitle: 'Что-то не так?',
    helpText: 'Напишите нам в углу этой страницы. Если связь пропадёт, сообщение подождёт на вашем устройстве и дойдёт само.',
    helpButton: 'Написать нам', footer: 'Нортлайн — вымышленный провайдер. Эта страница показывает чат Holdfast.',
  },
  fa: {
    brand: 'نورث‌لاین', title: 'نورث‌لاین: اینترنت خانگی', skip: 'رفتن به طرح‌ها', nav: 'منوی اصلی', langs: 'زبان',
    navPlans: 'طرح‌ها', navDevices: 'تجهیزات', navHelp: 'راهنما',
    heroTitle: 'فیبر نوری که در هر هوایی پابرجاست',
    heroText: 'سرعت یکسان در هر دو سو، یک خط پشتیبان رادیویی، و کسانی که شب و روز پاسخ می‌دهند.',
    checkLabel: 'خانهٔ شما زیر پوشش است؟', checkHint: 'خیابان و پلاک', checkButton: 'بررسی',
    checked: 'خبر خوب: در ساختمان شما درگاه آزاد هست. برای انتخاب روز نصب به ما پیام بدهید.',
    plansTitle: 'طرح‌های خانگی', plansFine: 'مودم در قیمت حساب شده است. پایان هر ماه می‌توانید لغو کنید.',
    best: 'پرطرفدارترین', perMonth: 'در ماه', currency: 'تومان', mbit: 'مگابیت بر ثانیه',
    plans: [['آرام', 'برای ایمیل، خبر و فیلمِ شب.', 290000], ['خانواده', 'چهار صفحه هم‌زمان و کلاس درس در اتاق کناری.', 420000], ['استودیو', 'پرونده‌های بزرگ، بازی و نشانی ثابت.', 690000]],
    devicesTitle: 'همراه‌های به‌دردبخور',
    devices: [['خط پشتیبان', 'مودم رادیویی که با قطع کابل، در هشت ثانیه جای آن را می‌گیرد.'], ['باتری کوچک', 'مودم را بدون برق شش ساعت روشن نگه می‌دارد.'], ['نقطهٔ دوم', 'وای‌فای در اتاق دورتر، با همان نام و گذرواژه.']],
    helpTitle: 'مشکلی پیش آمده؟',
    helpText: 'در گوشهٔ همین صفحه به ما بنویسید. اگر ارتباط قطع شود، پیامتان در دستگاه شما می‌ماند و خودش به ما می‌رسد.',
    helpButton: 'به ما بنویسید', footer: 'نورث‌لاین شرکتی خیالی است. این صفحه گفت‌وگوی Holdfast را نشان می‌دهد.',
  },
};

const DEVICES = [
  'M12 40h24M24 40V20M15 17a13 13 0 0 1 18 0M10 11a20 20 0 0 1 28 0M20 23a6 6 0 0 1 8 0',
  'M8 16h28v18H8zM36 22h4v6h-4M20 19l-4 7h8l-4 6',
  'M8 28h32v10H8zM14 33h.1M20 33h.1M34 28V10M28 14a9 9 0 0 1 12 0',
];

const lang = new URLSearchParams(location.search).get('lang') ?? 'en';
const spoken = lang in PAGES ? lang : 'en';
const page = PAGES[spoken]!;
const words = page as unknown as Record<string, string>;
const locale = { en: 'en-IE', ru: 'ru-RU', fa: 'fa-IR' }[spoken]!;
const number = new Intl.NumberFormat(locale);

document.documentElement.lang = spoken;
document.documentElement.dir = spoken === 'fa' ? 'rtl' : 'ltr';
document.title = page.title;
for (const el of document.querySelectorAll<HTMLElement>('[data-t]')) el.textContent = words[el.dataset['t']!]!;
for (const el of document.querySelectorAll<HTMLElement>('[data-label]')) el.setAttribute('aria-label', words[el.dataset['label']!]!);
for (const el of document.querySelectorAll<HTMLInputElement>('[data-hint]')) el.placeholder = words[el.dataset['hint']!]!;
document.querySelector(`.langs a[lang=${spoken}]`)!.setAttribute('aria-current', 'page');
document.querySelector<HTMLAnchorElement>('.brand')!.href = '/demo/shop?lang=' + spoken;

const make = (tag: string, cls: string, text: string): HTMLElement => Object.assign(document.createElement(tag), { className: cls, textContent: text });

const price = (n: number): string =>
  spoken === 'fa' ? `${number.format(n)} ${page.currency}` : new Intl.NumberFormat(locale, { style: 'currency', currency: page.currency, maximumFractionDigits: 0 }).format(n);

page.plans.forEach(([name, about, cost], i) => {
  const li = make('li', i === 1 ? 'best' : '', '');
  if (i === 1) li.append(make('span', 'tag', page.best));
  const speed = make('p', 'speed', number.format(SPEEDS[i]!) + ' ');
  speed.append(make('small', '', page.mbit));
  li.append(make('h3', '', name), speed, make('p', '', about), make('p', 'price', `${price(cost)} ${page.perMonth}`));
  document.querySelector('.plans')!.append(li);
});

page.devices.forEach(([name, about], i) => {
  const li = document.createElement('li');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 48 48');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', DEVICES[i]!);
  svg.append(path);
  li.append(svg, make('h3', '', name), make('p', '', about));
  document.querySelector('.devices')!.append(li);
});

document.querySelector('.check')!.addEventListener('submit', (e) => {
  e.preventDefault();
  const field = document.querySelector<HTMLInputElement>('#address')!;
  document.querySelector('.check output')!.textContent = field.value.trim() ? page.checked : '';
  field.focus();
});

const desk = window as unknown as { holdfast?: { open?: () => void } };
document.querySelector('.talk')!.addEventListener('click', () => desk.holdfast?.open?.());
