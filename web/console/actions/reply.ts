import { draftOf } from '../model/composer.svelte';
import { me } from '../model/desk';
import { remember, undoSeconds } from '../model/waiting';
import { screen } from '../model/screen.svelte';
import { asFault, type ID, type Status } from '../model/words';
import { sync } from '../sync/sync';
import { inConversation, type Action } from './action';

/** Without an argument: puts the keyboard into the composer. With one: sends what is written there. */
export const reply: Action<{ conversation: ID; channel: ID; then: Status; later?: string } | void> = {
  id: 'reply',
  titleKey: 'action.reply',
  keys: 'r',
  group: 'conversation',
  available: inConversation,
  async run(a) {
    if (!a) {
      screen.composeAs = { note: false, at: Date.now() };
      return;
    }
    const draft = draftOf(a.conversation);
    if (!draft.ready || !me().operator.id) return;
    const text = draft.text.trim();
    const written = draft.outgoing(a.channel, a.then);
    const outgoing = { ...written, ...(a.later ? { not_before: a.later } : { undo: undoSeconds(written.channel) }) };
    remember({ ...outgoing, text });
    try {
      await sync.pending.send(outgoing);
    } catch (error) {
      // What this device could not keep goes back into the field.
      if (asFault(error).code === 'device.full') draft.resume(outgoing);
      throw error;
    }
    // What was written since belongs to the next message.
    if (outgoing.note && !draft.text) draft.note = false;
    if (!draft.text) await draft.save();
  },
};
