import { language, locale, t } from './text.svelte';

const made = new Map<string, Intl.DateTimeFormat>();

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale() + JSON.stringify(options);
  let f = made.get(key);
  if (!f) made.set(key, (f = new Intl.DateTimeFormat(locale(), options)));
  return f;
}

const day = 86_400_000;
const midnight = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
const valid = (at: string | null | undefined): Date | null => {
  const d = new Date(at ?? NaN);
  return Number.isNaN(d.getTime()) || d.getFullYear() < 1971 ? null : d;
};

export const number = (n: number): string => new Intl.NumberFormat(locale()).format(n);

/** A number with one digit behind the point. */
export const decimal = (n: number): string => new Intl.NumberFormat(locale(), { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(n);
/** A number that is a name and not an amount: no groups of thousands. */
export const plain = (n: number): string => new Intl.NumberFormat(locale(), { useGrouping: false, maximumFractionDigits: 9 }).format(n);

/** A name inside a sentence that may run the other way. */
export const isolate = (text: string): string => (text ? `\u2068${text}\u2069` : '');

/** A word of a program inside a sentence that may run the other way. */
export const ltr = (text: string): string => `\u2066${text}\u2069`;

/** 14:05 */
export function clock(at: string): string {
  const d = valid(at);
  return d ? dates({ hour: '2-digit', minute: '2-digit' }).format(d) : '';
}

/** As short as a list allows: the time today, the weekday this week, else the date. */
export function short(at: string | null | undefined, now = new Date()): string {
  const d = valid(at);
  if (!d) return '';
  const days = Math.round((midnight(now) - midnight(d)) / day);
  if (days === 0) return clock(at!);
  if (days > 0 && days < 6) return dates({ weekday: 'short' }).format(d);
  if (Math.abs(days) < 330) return dates({ day: 'numeric', month: 'short' }).format(d);
  return dates({ day: 'numeric', month: 'short', year: 'numeric' }).format(d);
}

/** The line between two days of a conversation. */
export function dayName(at: string, now = new Date()): string {
  const d = valid(at);
  if (!d) return '';
  const days = Math.round((midnight(now) - midnight(d)) / day);
  if (days === 0) return t('time.today');
  if (days === 1) return t('time.yesterday');
  const far = Math.abs(days) > 300;
  return dates({ weekday: 'long', day: 'numeric', month: 'long', ...(far ? { year: 'numeric' } : {}) }).format(d);
}

/** The whole moment, for a title or a table. */
export function full(at: string | null | undefined): string {
  const d = valid(at);
  return d ? dates({ dateStyle: 'medium', timeStyle: 'short' }).format(d) : '';
}

/** A day without an hour, as 2026-11-30, in the reader's calendar. */
export function dateName(value: string): string {
  const m = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  return m ? dates({ dateStyle: 'medium' }).format(new Date(Number(m[1]), Number(m[2]) - 1, Number(m[3]))) : '';
}

/** A moment by the clocks of a zone; with its name where they differ from the reader's, or always. */
export function momentIn(at: string, zone: string, named = false): string {
  const d = valid(at);
  if (!d) return '';
  const o: Intl.DateTimeFormatOptions = { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' };
  const here = dates(o).format(d);
  const there = dates({ ...o, timeZone: zone }).format(d);
  return here === there && !named ? here : dates({ ...o, timeZone: zone, timeZoneName: 'short' }).format(d);
}

/** A day by the clocks of a zone, in the reader's calendar; the weekday alone when that is enough. */
export function dayIn(at: string, zone: string, weekday = false): string {
  const d = valid(at);
  if (!d) return '';
  return dates({ weekday: 'long', timeZone: zone, ...(weekday ? {} : { day: 'numeric', month: 'long' }) }).format(d);
}

/** A moment to come or past, in words: "in 5 minutes", "3 days ago". */
export function relative(at: string | null | undefined, now = Date.now()): string {
  const d = valid(at);
  if (!d) return '';
  const f = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' });
  const s = (d.getTime() - now) / 1000;
  const units: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86400], ['hour', 3600], ['minute', 60]];
  for (const [unit, size] of units) if (Math.abs(s) >= size) return f.format(Math.round(s / size), unit);
  return f.format(Math.round(s), 'second');
}

/** A sum in its currency: 3.50 ₽ */
export const money = (n: number, currency: string): string => new Intl.NumberFormat(locale(), { style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).format(n);

/** 1.4 MB */
export function bytes(n: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  // Short units are Latin in Persian and would stand on the wrong side of the number.
  const unitDisplay = language() === 'fa' ? 'long' : 'short';
  return new Intl.NumberFormat(locale(), { style: 'unit', unit: units[i], unitDisplay, maximumFractionDigits: n < 10 && i > 0 ? 1 : 0 }).format(n);
}

/** A language's own name for the reader, or the tag where it is unknown. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([locale()], { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export const join = (parts: string[]): string => new Intl.ListFormat(locale(), { type: 'conjunction' }).format(parts);
