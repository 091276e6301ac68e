import { sync } from '../sync/sync';
import { mayLock } from '../sync/vault';
import { watch } from './watch';
import type { ID, Work } from './words';

/** How much is only on this device. */
export function unsent(): number {
  watch('work');
  return sync.pending.count;
}

/** What waits for a decision in a conversation and is no message of its thread. */
export function undecided(conversation: ID): Work[] {
  watch('work');
  return sync.pending.list.filter((w) => w.conversation === conversation && !w.outgoing && w.state !== 'waiting');
}

/** When the desk was last heard, in milliseconds; 0 when never. */
export function synced(): number {
  watch('heard');
  watch('live');
  return sync.heard;
}

export function updateReady(): boolean {
  watch('update');
  return sync.update.ready;
}

/** Whose things are here, for a lock screen that knows nobody else. */
export const keptName = (): string => sync.device.person?.name ?? '';

/** Whether the desk was away for so long that only a sign-in opens this device. */
export function expired(): boolean {
  watch('presence');
  return sync.device.state === 'expired';
}

export function pinned(): boolean {
  watch('pin');
  return sync.device.pinned;
}

export const mayKeep = mayLock;
export const expireNow = (): void => sync.expire();

/** Keeps this build of the console on the device, so that the page opens without the desk. */
export const keepBuild = (): void => void sync.update.start();
