import { locale, t } from '../../texts/text.svelte';
import { number, plain } from '../../texts/format';
import type { Loss } from './words';

export type Key = Loss.Factor['key'];

/** The figures of the formula in its order. */
export const keys: Key[] = ['weekly', 'internet', 'recaptured', 'staff', 'wage', 'recovery', 'leaving', 'worth', 'margin', 'penalty'];
/** Those that are sums of money. */
export const sums: Key[] = ['weekly', 'wage', 'recovery', 'worth', 'penalty'];

/** A sum without the small change, of which an estimate knows nothing. */
export function sum(n: number, currency: string): string {
  const whole = Math.abs(n) >= 100 || n === 0;
  try {
    return new Intl.NumberFormat(locale(), { style: 'currency', currency, currencyDisplay: 'narrowSymbol', maximumFractionDigits: whole ? 0 : undefined, minimumFractionDigits: whole ? 0 : undefined }).format(n);
  } catch {
    return number(n) + ' ' + currency; // a currency that is still being written
  }
}

/** "from 40 to 90", where there is a difference. */
export const band = (b: Loss.Band, currency: string): string => (Math.round(b.high - b.low) > 0 ? t('continuity.cost.band', { low: sum(b.low, currency), high: sum(b.high, currency) }) : '');

/** A figure as one writes it: shares in percent. Empty: nobody has said it. */
export const written = (value: number | undefined | null, share: boolean): string => (value == null ? '' : String(Number((share ? value * 100 : value).toFixed(share ? 2 : 6))));

/** And back; what is no number was not said. */
export function read(text: string, share: boolean): number | undefined {
  const n = Number(text.trim().replace(/[۰-۹]/g, (d) => String(d.charCodeAt(0) - 0x6f0)).replace(/[٫,]/, '.'));
  return text.trim() === '' || !Number.isFinite(n) ? undefined : share ? n / 100 : n;
}

export type Form = Record<Key, string> & { currency: string };
export const isShare = (k: Key): boolean => k === 'internet' || k === 'recaptured' || k === 'leaving' || k === 'margin';

export const formOf = (said: Loss.Assumptions): Form =>
  ({ ...Object.fromEntries(keys.map((k) => [k, written(said[k], isShare(k))])), currency: said.currency ?? '' }) as Form;

export function assumptionsOf(f: Form): Loss.Assumptions {
  const out: Loss.Assumptions = {};
  if (f.currency.trim()) out.currency = f.currency.trim().toUpperCase();
  for (const k of keys) {
    const v = read(f[k], isShare(k));
    if (v !== undefined) out[k] = v;
  }
  return out;
}

/** Where a figure comes from: "measured: 25 %", or what holds where nobody has said it. */
export function origin(f: Loss.Factor): string {
  const shown = (v: number) => (f.share ? new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 0 }).format(v) : plain(Math.round(v * 100) / 100));
  if (f.source === 'said') return f.measured == null ? t('continuity.cost.source.said') : t('continuity.cost.source.said.measured', { value: shown(f.measured) });
  return t('continuity.cost.source.' + f.source, { value: shown(f.value) });
}

/** What revenue by the hour was made of. */
export const basis = (b: Loss.Basis): string => t('continuity.cost.basis.' + b.of, { n: b.weeks, contacts: number(b.contacts) }) + (b.thin ? ' ' + t('continuity.cost.basis.thin') : '');
