import { decimal } from '../../texts/format';
import { locale, orElse, t } from '../../texts/text.svelte';
import { live } from './desk';
import { continuity } from './reach';
import { refetch, resource } from './watch';
import type { Net } from './words';

type Uplink = Net.Uplink;

/** Links through the air are judged more mildly than those in a wire, and so is what nobody has named. */
export const isRadio = (kind: string): boolean => kind === 'lte' || kind === 'satellite' || kind === 'other';
/** From where on a link counts as degraded, and from which loss as down. */
export const limits = (kind: string) => ({ loss: 0.05, down: isRadio(kind) ? 0.3 : 0.25, rtt_ms: 400, mos: 3.6 });

const worst: Record<string, number> = { down: 0, degraded: 1, up: 2 };
/** What is broken first; else as it came. */
export const worstFirst = <T extends { state: string }>(list: readonly T[] | null | undefined): T[] => [...(list ?? [])].sort((a, b) => (worst[a.state] ?? 3) - (worst[b.state] ?? 3));

export const mood = (state: string): 'ok' | 'warn' | 'bad' | '' => (state === 'up' || state === 'ok' ? 'ok' : state === 'degraded' ? 'warn' : state === 'down' || state === 'bad' || state === 'failed' ? 'bad' : '');

/** Set by hand: the desk says how, or only that it is so. */
export const byHand = (l: Pick<Uplink, 'manual'>): boolean => !!l.manual;

/** "DNS: other answers than expected", or nothing for a link that is well. */
export function brokenName(l: Pick<Uplink, 'layer' | 'reason' | 'state'>): string {
  if (l.state === 'up' || (!l.layer && !l.reason)) return '';
  const reason = l.reason ? orElse('continuity.reason.' + l.reason, l.reason) : '';
  if (!l.layer || l.reason === 'manual') return reason;
  const layer = layerName(l.layer);
  return reason ? t('continuity.broken', { layer, reason }) : layer;
}
/** What was seen of a layer: a stable word first, then details as they came. */
export function layerText(text: string): string {
  const [word = '', ...rest] = text.split(/(?<=^\S+)\s/);
  return [orElse('continuity.reason.' + word.replace(/:$/, ''), word), ...rest].join(' ');
}
export const layerName = (name: string): string => orElse('continuity.layer.' + name, name);

/** Why a channel carries nothing, for a person. */
export function channelWhy(c: Net.ReachingChannel): string {
  if (c.state === 'up') return '';
  if (c.via === 'link') return t('continuity.why.link', { needs: t('continuity.needs.' + c.needs) });
  const how = c.via ? orElse('continuity.why.' + c.via, '') : '';
  return [how, c.reason || c.code].filter(Boolean).join(' ');
}

const has = (n: number | null | undefined): n is number => typeof n === 'number' && Number.isFinite(n);
const unit = (n: number, u: string): string => new Intl.NumberFormat(locale(), { style: 'unit', unit: u, unitDisplay: 'short', maximumFractionDigits: n < 10 ? 1 : 0 }).format(n);
export const ms = (n: number | null | undefined): string => (has(n) ? unit(n, 'millisecond') : '—');
export const percent = (n: number | null | undefined): string => (has(n) ? new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: n < 0.1 ? 1 : 0 }).format(n) : '—');
export const mosName = (n: number | null | undefined): string => (has(n) && n > 0 ? decimal(n) : '—');
/** A round trip that was measured; of a second in which nobody answered there is none. */
export const rttOf = (x: { rtt_ms?: number | null; loss?: number | null }): number | null => ((x.loss ?? 0) >= 1 || !x.rtt_ms ? null : x.rtt_ms);

/** How long something lasted, as short as it stays true: "45 sec", "2 hr 5 min", "3 days 4 hr". */
export function lasting(millis: number): string {
  const s = Math.max(0, Math.round(millis / 1000));
  const parts: [number, string][] = s < 60 ? [[s, 'second']] : s < 3600 ? [[Math.floor(s / 60), 'minute'], [s < 600 ? s % 60 : 0, 'second']] : s < 86_400 ? [[Math.floor(s / 3600), 'hour'], [Math.floor((s % 3600) / 60), 'minute']] : [[Math.floor(s / 86_400), 'day'], [Math.floor((s % 86_400) / 3600), 'hour']];
  return parts.filter(([n], i) => n || i === 0).map(([n, u]) => new Intl.NumberFormat(locale(), { style: 'unit', unit: u, unitDisplay: 'short' }).format(n)).join(' ');
}

/** Asks every two seconds while somebody looks; returns what stops it. What the live stream says comes without asking. */
export function keepFresh(every = 2000, ask: () => void = askAgain): () => void {
  const seen = () => typeof document === 'undefined' || document.visibilityState === 'visible';
  const turn = () => seen() && ask();
  const timer = setInterval(turn, every);
  if (typeof document !== 'undefined') document.addEventListener('visibilitychange', turn);
  return () => {
    clearInterval(timer);
    if (typeof document !== 'undefined') document.removeEventListener('visibilitychange', turn);
  };
}
function askAgain(): void {
  // While the line is lost its own attempts say when it is back.
  if (live() === 'live' && !continuity().loading) void refetch('/continuity');
}

/** The plans that run now; nothing where the desk has no plans. */
export const planRuns = (): Net.PlanRun[] => resource<{ items: Net.PlanRun[] | null }>('/plans/runs/current').data?.items ?? [];

/** Of a run: how far it is. */
export const stepsDone = (run: Net.PlanRun): number => (run.steps ?? []).filter((s) => s.state === 'done' || s.state === 'skipped').length;

/** A moment to the second. */
export const second = (at: string): string => new Intl.DateTimeFormat(locale(), { timeStyle: 'medium' }).format(new Date(at));
