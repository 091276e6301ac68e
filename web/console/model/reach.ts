import { clock } from '../../texts/format';
import { t } from '../../texts/text.svelte';
import { live } from './desk';
import { synced } from './device';
import { resource } from './watch';
import type { Net, Resource } from './words';

/** What the desk says of its links and its reach; kept on this device for when it cannot be asked. */
export const continuity = (): Resource<Net.Continuity> => resource<Net.Continuity>('/continuity');

/** Since when these figures are old, as "14:02"; empty while the desk is heard. */
export const oldSince = (): string => (live() === 'lost' && synced() ? clock(new Date(synced()).toISOString()) : '');

/** How many links and channels are not as they should be. */
export const troubled = (c: Net.Continuity): number => [...(c.links ?? []), ...(c.channels ?? [])].filter((x) => x.state !== 'up').length;

/** Whether anything is measured at all: without a link nobody knows how far the desk reaches. */
export const measured = (c: Net.Continuity | undefined): boolean => !!c?.links?.length;

/** The whole of it in one sentence, for a title and for whoever listens. */
export function reachSentence(c: Net.Continuity, old: string): string {
  const n = troubled(c);
  return [t('reach.about.' + c.reach), n ? t('reach.trouble', { n }) : '', old ? t('reach.asof', { at: old }) : ''].filter(Boolean).join('. ');
}
