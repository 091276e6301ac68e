import { join } from '../../texts/format';
import { language, languages, t } from '../../texts/text.svelte';
import { channel } from './desk';
import type { BannerView, Incident } from './words';

type Texts = Record<string, string> | undefined | null;

/** A text in the reader's language, else in the first there is. */
export function inOurs(texts: Texts): string {
  for (const l of [language(), ...languages.map((x) => x.id)]) if (texts?.[l]) return texts[l]!;
  return '';
}

export const states = ['investigating', 'identified', 'watching', 'resolved'] as const;
export const severities = ['info', 'warning', 'critical'] as const;
export const audiences = ['console', 'widget', 'status', 'board'] as const;

/** How loud each is, in the colours of chips. */
export const severityTone: Record<string, string> = { info: 'info', warning: 'warn', critical: 'bad' };
export const stateTone: Record<string, string> = { investigating: 'warn', identified: 'warn', watching: 'info', resolved: 'ok' };

export const audienceName = (a: string): string => t('banners.in.' + a);

/** The channels that an incident concerns, by their names. */
export function concerns(i: Incident): string {
  const names = (i.scope ?? []).flatMap((id) => channel(id)?.name ?? []);
  return names.length ? join(names) : t('incidents.everything');
}

/** Those that are read in the console now, the loudest first, without those that this person has hidden. */
export function standing(list: BannerView[], hidden: string[], now = Date.now()): BannerView[] {
  return list.filter((b) => b.audiences.includes('console') && (!b.until || Date.parse(b.until) > now) && !hidden.includes(mark(b)));
}

/** A banner as it is worded now: said otherwise, it is shown again. */
export const mark = (b: BannerView): string => `${b.id} ${b.changed_at}`;

/** A moment as a field of date and time has it, by this device's clock. */
export function local(at: string | number | undefined): string {
  const d = new Date(at ?? NaN);
  return Number.isNaN(d.getTime()) ? '' : new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
export const moment = (field: string): string | undefined => (field ? new Date(field).toISOString() : undefined);
