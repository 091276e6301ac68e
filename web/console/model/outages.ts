import { clock, full, isolate, number, short } from '../../texts/format';
import { t } from '../../texts/text.svelte';
import type { Net } from './words';

type Outage = Net.Outage;
export const day = 86_400_000;
export const span = 90 * day;

/** Until when it lasted; one that goes on lasts until now. */
export const endOf = (o: Pick<Outage, 'ended_at'>, now: number): number => (o.ended_at ? Date.parse(o.ended_at) : now);

/** Where the outages of the last 90 days are asked for; the day and not the second, so that the same screen asks the same thing all day. */
export function outagesPath(now = new Date()): string {
  const from = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 89);
  return '/continuity/outages?' + new URLSearchParams({ from: from.toISOString() });
}

export interface Bar { outage: Outage; start: number; width: number; name: string }
export interface Line { id: string; name: string; scope: Outage['scope']; bars: Bar[]; down: number }

const order = { reach: 0, link: 1, channel: 2 };

/** One line for the reach and for each link and channel that had an outage, with its bars in percent of the time shown. */
export function lines(outages: readonly Outage[], from: number, to: number, now = to): Line[] {
  const by = new Map<string, Line>();
  for (const o of outages) {
    const start = Math.max(Date.parse(o.started_at), from);
    const end = Math.min(endOf(o, now), to);
    if (end < from || start > to) continue;
    const id = o.scope + ':' + (o.scope === 'reach' ? '' : o.subject);
    const l = by.get(id) ?? { id, name: o.scope === 'reach' ? t('continuity.scope.reach') : o.what, scope: o.scope, bars: [], down: 0 };
    l.down += end - start;
    l.bars.push({ outage: o, start: (100 * (start - from)) / (to - from), width: (100 * (end - start)) / (to - from), name: '' });
    by.set(id, l);
  }
  const all = [...by.values()].sort((a, b) => order[a.scope] - order[b.scope] || a.name.localeCompare(b.name));
  for (const l of all) l.bars.sort((a, b) => a.start - b.start);
  return all;
}

/** Share of the time shown in which it worked, from 0 to 1. Outages of one line never overlap. */
export const availability = (l: Line, from: number, to: number): number => Math.max(0, 1 - l.down / (to - from));

/** "14:02–14:09", with days where they are not today's. */
export function between(o: Outage, now = new Date()): string {
  const from = new Date(o.started_at);
  const today = from.toDateString() === now.toDateString();
  const begin = today ? clock(o.started_at) : full(o.started_at);
  if (!o.ended_at) return t('continuity.since', { at: today ? begin : short(o.started_at) });
  const same = from.toDateString() === new Date(o.ended_at).toDateString();
  return `${begin} – ${same ? clock(o.ended_at) : full(o.ended_at)}`;
}

/** What fell: "Fibre", "Reach: only in the country". */
export const whatFell = (o: Outage): string => (o.scope === 'reach' ? t('continuity.fell.reach', { reach: t('reach.about.' + (o.reach || 'none')) }) : o.what);

/** The heading of an outage that goes on; how far the desk reaches is said above it. */
export const outageName = (o: Outage): string => (o.scope === 'reach' ? t('continuity.outage.reach.now') : t('continuity.outage.now', { what: isolate(o.what) }));

/** What it did, in one line; empty for an outage that touched nothing. */
export const ledgerLine = (o: Outage): string =>
  o.held || o.rerouted || o.told ? t('continuity.ledger.line', { held: number(o.held ?? 0), rerouted: number(o.rerouted ?? 0), told: number(o.told ?? 0) }) : '';
