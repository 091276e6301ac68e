import { draftOf } from '../model/composer.svelte';
import { me } from '../model/desk';
import { screen } from '../model/screen.svelte';
import type { ID, Status } from '../model/words';
import { sync } from '../sync/sync';
import { inConversation, type Action } from './action';

/** Without an argument: puts the keyboard into the composer. With one: sends what is written there. */
export const reply: Action<{ conversation: ID; channel: ID; then: Status } | void> = {
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
    const note = draft.note;
    await sync.pending.send(draft.outgoing(a.channel, a.then));
    // What was written since belongs to the next message.
    if (!draft.text) await draft.save();
    if (note) draft.note = false;
  },
};
