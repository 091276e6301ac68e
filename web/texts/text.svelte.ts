/**
 * The words of a screen in the reader's language. A text is a string with {names}, or
 * an object of plural forms chosen by the number n. Only the language in use is loaded.
 */
export type Text = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Texts = Record<string, Text>;
export type Language = 'en' | 'ru' | 'fa';

export const languages: { id: Language; name: string }[] = [
  { id: 'en', name: 'English' },
  { id: 'ru', name: 'Русский' },
  { id: 'fa', name: 'فارسی' },
];

type Load = Record<Language, () => Promise<{ default: Texts }>>;
/** What the daily screens say, and everything else. */
const daily: Load = { en: () => import('./en.json?first'), ru: () => import('./ru.json?first'), fa: () => import('./fa.json?first') };
const others: Load = { en: () => import('./en.json?rest'), ru: () => import('./ru.json?rest'), fa: () => import('./fa.json?rest') };

let now = $state<Language>('en');
let texts = $state.raw<Texts>({});

export const language = (): Language => now;

/** A locale for Intl: numbers and dates as the reader writes them, the calendar included. */
export const locale = (): string => ({ en: 'en-GB', ru: 'ru-RU', fa: 'fa-IR-u-ca-persian-nu-arabext' })[now];

export function known(tag: string | null | undefined): Language | undefined {
  const id = (tag ?? '').toLowerCase().split('-')[0];
  return languages.find((l) => l.id === id)?.id;
}

let whole: Promise<void> | undefined;

/** Resolves when every text of the language is there: the settings have many that nothing else needs. */
export function allTexts(): Promise<void> {
  const id = now;
  return (whole ??= others[id]().then(
    (more) => {
      if (now === id) texts = { ...texts, ...more.default };
    },
    () => {}, // cut off at its first visit: what is missing shows by its key, and the next page tries again
  ));
}

/** Loads a language, then turns the page to it: with all of its texts where all were there, or else the rest follows when one of them is wanted. */
export async function setLanguage(id: Language): Promise<void> {
  const [first, rest] = await Promise.all([daily[id](), whole && others[id]().catch(() => undefined)]);
  texts = { ...first.default, ...rest?.default };
  now = id;
  whole = rest && Promise.resolve();
  if (typeof document !== 'undefined') {
    document.documentElement.lang = id;
    document.documentElement.dir = id === 'fa' ? 'rtl' : 'ltr';
    localStorage.setItem('holdfast.language', id);
  }
}

function text(key: string): Text | undefined {
  if (!(key in texts)) void allTexts();
  return texts[key];
}

type Parameters = Record<string, string | number | undefined>;

/** The text of a key. A number named n chooses the plural form; numbers are written in the reader's digits. */
export function t(key: string, parameters: Parameters = {}): string {
  return fill(text(key), key, parameters, now, locale());
}

/** Whether a text exists, for words that come from the desk and may be newer than this page. */
export const has = (key: string): boolean => text(key) !== undefined;

/** The text of a key that may be missing, or else what the desk said. */
export const orElse = (key: string, other: string, parameters: Parameters = {}): string => (has(key) ? t(key, parameters) : other);

export function fill(text: Text | undefined, key: string, parameters: Parameters, lang: string, numbers = lang): string {
  if (text === undefined) return key;
  const form = typeof text === 'string' ? text : (text[new Intl.PluralRules(lang).select(Number(parameters.n ?? 0))] ?? text.other ?? key);
  return form.replace(/\{(\w+)\}/g, (all, name: string) => {
    const value = parameters[name];
    return value === undefined ? all : typeof value === 'number' ? new Intl.NumberFormat(numbers).format(value) : value;
  });
}
