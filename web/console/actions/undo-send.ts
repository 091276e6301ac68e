import { draftOf } from '../model/composer.svelte';
import { screen } from '../model/screen.svelte';
import { undoable, written } from '../model/waiting';
import type { LocalMessage } from '../model/words';
import { sync } from '../sync/sync';
import { always, current, inConversation, type Action } from './action';

/** Takes one's own reply back, from this device or from the desk, and puts it into the composer as a new one. Without an argument: the last that can be had back. */
export const undoSend: Action<LocalMessage | void> = {
  id: 'undo-send',
  titleKey: 'action.undo',
  keys: 'z',
  group: 'conversation',
  available: (p) => inConversation(p) && undoable(p.conversation!.id) !== undefined,
  async run(message) {
    const m = message || undoable(current().id);
    if (!m) return;
    const unsent = m.local && (await sync.pending.take(m.id));
    const back = unsent || (await sync.waiting.withdraw(m.id));
    // What was said above a forwarded message is nothing to this customer.
    if ('forwarded' in back && back.forwarded) return;
    const draft = draftOf(m.conversation);
    draft.resume(written(back));
    await draft.save();
    screen.composeAs = { note: false, at: Date.now() };
  },
};

/** Lets a reply that was put off go now. */
export const sendNow: Action<LocalMessage> = {
  id: 'send-now', titleKey: 'unsent.send', group: 'conversation', available: always, run: (m) => sync.waiting.putOff(m.id),
};

/** Gives a reply that was put off another time. */
export const putOff: Action<{ message: LocalMessage; at: string }> = {
  id: 'put-off', titleKey: 'later.change', group: 'conversation', available: always, run: ({ message, at }) => sync.waiting.putOff(message.id, at),
};
