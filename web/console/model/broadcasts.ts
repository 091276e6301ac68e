import { number } from '../../texts/format';
import { language, t } from '../../texts/text.svelte';
import { me } from './desk';
import type { Broadcast, BroadcastSpec, BroadcastTotals, Lane } from './words';

/** A draft that nobody has saved: everybody, by the channels there are, at a rate that a small contract has. */
export function blank(lanes: Lane[]): BroadcastSpec {
  return {
    name: '', incident: '', purpose: 'notice', first: [], texts: { [me().workspace.language]: '' }, subjects: {}, quiet: { from: '21:00', to: '09:00' },
    ways: lanes.slice(0, 1).map(wayOf), segment: { tags: [], not_tags: [], fields: [], languages: [], schemes: [], companies: [] },
  };
}

/** What a channel may send in a minute where neither its settings nor anybody says more: one a second. */
const usual = 60;
export const wayOf = (l: Lane) => ({ channel: l.id, per_minute: l.per_minute || usual });

/** What the desk stores of a broadcast, of what it says about one. */
export const specOf = (b: Broadcast): BroadcastSpec => ({
  name: b.name, incident: b.incident ?? '', purpose: b.purpose ?? 'notice', first: b.first ?? [], texts: { ...b.texts }, subjects: { ...b.subjects },
  ways: (b.ways ?? []).map((w) => ({ ...w })), quiet: b.quiet ? { ...b.quiet } : undefined,
  segment: { tags: [], not_tags: [], fields: [], languages: [], schemes: [], companies: [], ...b.segment },
});

/** Letters a minute that a broadcast takes of a lane: what its own settings allow is not talked round. */
export const taken = (perMinute: number, share: number, lane?: Lane): number => (Math.min(perMinute, lane?.per_minute || perMinute) * share) / 100;

/** A time that something takes, in the largest two units that say something. */
export function lasting(seconds: number): string {
  const unit = (n: number, u: 'second' | 'minute' | 'hour' | 'day') => new Intl.NumberFormat(language() === 'fa' ? 'fa-IR' : language(), { style: 'unit', unit: u, unitDisplay: 'long' }).format(n);
  if (seconds < 60) return unit(Math.max(1, Math.round(seconds)), 'second');
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return unit(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${unit(hours, 'hour')} ${unit(minutes % 60, 'minute')}` : unit(hours, 'hour');
  return hours % 24 ? `${unit(Math.floor(hours / 24), 'day')} ${unit(hours % 24, 'hour')}` : unit(hours / 24, 'day');
}

export const colours: Record<string, string> = {
  draft: '', asked: 'warn', running: 'info', paused: 'warn', cancelled: '', finished: 'ok',
  waiting: '', sending: 'info', told: 'ok', delivered: 'ok', unsure: 'warn', failed: 'bad', refused: 'violet', dropped: '',
};

/** How many need no more doing, of those who were to be told; and the same in percent. */
export function progress(x: BroadcastTotals): { done: number; of: number; percent: number } {
  const of = x.all - x.refused;
  const done = of - x.waiting - x.sending;
  return { done, of, percent: of > 0 ? Math.floor((100 * done) / of) : x.all > 0 ? 100 : 0 };
}

/** Why somebody is not told, in words; the room that refuses may know reasons that this page does not. */
const reasons = ['no_address', 'failing', 'told_before', 'same_address', 'opted_out', 'no_consent', 'expired'];
export const reason = (code: string): string => (reasons.includes(code) ? t('broadcasts.reason.' + code) : code);

/** Whether a change could be saved now. */
export const open = (b: Broadcast | undefined): boolean => !b || b.state === 'draft';

/** A list of words as one writes it in a field, and back. */
export const listed = (words: string[] | undefined): string => (words ?? []).join(', ');
export const unlisted = (text: string): string[] => [...new Set(text.split(/[,،\n]/).map((w) => w.trim()).filter(Boolean))];

export const money = (amount: number, currency: string): string => {
  try {
    return new Intl.NumberFormat(language() === 'fa' ? 'fa-IR' : language(), { style: 'currency', currency }).format(amount);
  } catch {
    return `${number(amount)} ${currency}`; // a provider's own credits
  }
};
