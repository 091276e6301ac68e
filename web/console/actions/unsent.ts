import { draftOf } from '../model/composer.svelte';
import { screen } from '../model/screen.svelte';
import { sync } from '../sync/sync';
import type { ID } from '../model/words';
import { always, type Action } from './action';

/** Sends the same reply again; the same id makes it the same reply. */
export const sendAgain: Action<ID> = {
  id: 'send-again', titleKey: 'action.again', group: 'conversation', available: always, run: (id) => sync.pending.retry(id),
};

/** Takes an unsent reply back into the composer. */
export const takeBack: Action<ID> = {
  id: 'take-back',
  titleKey: 'action.edit',
  group: 'conversation',
  available: always,
  async run(id) {
    const o = await sync.pending.take(id);
    if (!o) return;
    draftOf(o.conversation).resume(o);
    screen.composeAs = { note: o.note, at: Date.now() };
  },
};

/** Gives up what is only on this device. */
export const giveUp: Action<ID> = {
  id: 'give-up', titleKey: 'unsent.discard', group: 'conversation', available: always, run: (id) => sync.pending.drop(id),
};
