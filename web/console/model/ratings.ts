import { number } from '../../texts/format';
import { locale, t } from '../../texts/text.svelte';
import { sync } from '../sync/sync';
import type { RatingTotals } from './words';

/** What ratings are narrowed to; empty is all. */
export interface RatingFilter { kind: 'csat' | 'nps'; days: string; operator: string; team: string; channel: string; commented: boolean }

export const periods = ['7', '30', '90', '365'] as const;

/** The filter as a query; a period counts whole days, so that the same screen asks the same thing all day. */
export function ratingQuery(f: RatingFilter, now = new Date()): string {
  const since = new Date(now.getFullYear(), now.getMonth(), now.getDate() - Number(f.days) + 1);
  const q = new URLSearchParams({ kind: f.kind, since: since.toISOString() });
  for (const k of ['operator', 'team', 'channel'] as const) if (f[k]) q.set(k, f[k]);
  if (f.commented) q.set('commented', 'true');
  return q.toString();
}

/** Where the ratings are had as a table. */
export const ratingTable = (f: RatingFilter): string => sync.client.href('/ratings/export', Object.fromEntries(new URLSearchParams(ratingQuery(f))));

/** "86 %" of those who answered are content; an NPS is a number from −100 to 100. */
export function percentName(kind: RatingFilter['kind'], t: Pick<RatingTotals, 'percent'>): string {
  if (t.percent === null) return '—';
  const n = Math.round(t.percent);
  return kind === 'nps' ? new Intl.NumberFormat(locale(), { signDisplay: 'exceptZero' }).format(n) : new Intl.NumberFormat(locale(), { style: 'percent' }).format(n / 100);
}
export const meanName = (t: Pick<RatingTotals, 'mean'>): string => (t.mean === null ? '—' : new Intl.NumberFormat(locale(), { maximumFractionDigits: 1, minimumFractionDigits: 1 }).format(t.mean));

/** Whether a score is good, middling or bad. */
export const moodOf = (kind: string, score: number): 'ok' | 'warn' | 'bad' => (kind === 'nps' ? (score >= 9 ? 'ok' : score >= 7 ? 'warn' : 'bad') : score >= 4 ? 'ok' : score === 3 ? 'warn' : 'bad');

/** "4 of 5" */
export const scoreName = (kind: string, score: number): string => t('ratings.score', { score: number(score), of: number(kind === 'nps' ? 10 : 5) });
export const scoresOf = (kind: string): number[] => (kind === 'nps' ? Array.from({ length: 11 }, (_, i) => i) : [1, 2, 3, 4, 5]);
