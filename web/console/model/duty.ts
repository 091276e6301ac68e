import { clock, dayName, isolate } from '../../texts/format';
import { t } from '../../texts/text.svelte';
import { me, operator, operators } from './desk';
import type { ID, Operator } from './words';
import { refetch } from './watch';

/** "13:00", or with its day when that is not today; empty for no time. */
function moment(at: string | undefined): string {
  if (!at) return '';
  const today = new Date(at).toDateString() === new Date().toDateString();
  return isolate(today ? clock(at) : `${dayName(at)} ${clock(at)}`);
}

/** Why somebody is not at work, and until when; empty for whoever is. */
export function absence(o: Operator | undefined): string {
  if (!o?.duty || o.duty.on) return '';
  const at = moment(o.duty.back);
  if (o.duty.away) return at ? t('duty.away.until', { at }) : t('duty.away');
  return at ? t('duty.off.until', { at }) : t('duty.off');
}

/** Those on duty first, each group in its order. */
export const byDuty = (list: Operator[]): Operator[] => [...list].sort((a, b) => Number(b.duty?.on ?? true) - Number(a.duty?.on ?? true));

export const isAway = (): boolean => operator(me().operator.id)?.duty?.away ?? false;

/** Of a colleague whom a conversation is with and who is not there. */
export function missing(id: ID | undefined): string {
  const o = id && id !== me().operator.id ? operator(id) : undefined;
  const why = absence(o);
  return why && t('duty.assignee', { name: isolate(o!.name), why });
}

const longest = 6 * 3600_000;

/** Asks again when the first of them comes or goes; returns what stops it. */
export function keepDuty(): () => void {
  const now = Date.now();
  const next = Math.min(...operators().map((o) => (o.duty?.next ? new Date(o.duty.next).getTime() : Infinity)).filter((at) => at > now), now + longest);
  const timer = setTimeout(() => void refetch('/operators'), next - now + 1000);
  return () => clearTimeout(timer);
}
