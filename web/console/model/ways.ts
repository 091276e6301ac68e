import { isolate } from '../../texts/format';
import { orElse, t } from '../../texts/text.svelte';
import { channel, channelKinds } from './desk';
import type { Chain, ID, Leg, Way } from './words';

/** Why a channel was not taken, as a sentence: "Chat cannot be reached". */
export function whyText(why: string, from: ID): string {
  const name = isolate(channel(from)?.name ?? '…');
  return orElse('way.' + why, why, { channel: name });
}

/** What a way of a chain is called. */
export function legName(leg: Pick<Leg, 'channel' | 'kind'>): string {
  if (leg.channel) return channel(leg.channel)?.name ?? '…';
  return t('chains.any', { kind: isolate(channelKinds().find((k) => k.name === leg.kind)?.title ?? leg.kind ?? '') });
}

/** How long a way may take, in seconds; 0 is for as long as it takes. */
export const waits = [0, 60, 300, 600, 1800, 3600, 14400, 86400];

export function timeText(seconds: number): string {
  return seconds % 3600 === 0 ? t('chains.hours', { n: seconds / 3600 }) : t('chains.minutes', { n: Math.max(1, Math.round(seconds / 60)) });
}

export const waitText = (seconds: number): string => (seconds ? t('chains.wait.after', { time: timeText(seconds) }) : t('chains.wait.cut'));

/** What a chain does, in sentences, with what is so now. */
export function explain(chain: Pick<Chain, 'first' | 'legs'>, ways: Way[], list: (names: string[]) => string): string[] {
  if (!chain.legs.length) return [t('chains.now.none')];
  const closed = ways.filter((w) => w.state === 'cut' || w.state === 'open');
  return [
    t('chains.now.cut', { ways: list(chain.legs.map((l) => isolate(legName(l)))) }),
    chain.first ? t('chains.now.late', { time: timeText(chain.first) }) : t('chains.now.never'),
    closed.length ? t('chains.now.closed', { why: list(closed.map((w) => t('way.' + w.state, { channel: isolate(w.name) }))) }) : t('chains.now.open'),
  ];
}
