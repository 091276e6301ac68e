import { kindOf } from '../model/desk';
import { canRecord } from '../model/recording';
import { writing } from '../model/writing.svelte';
import { inConversation, type Action } from './action';

/** Shows or hides the formatting bar under the text, on this device. */
export const toggleFormatting: Action = {
  id: 'toggle-formatting',
  titleKey: 'action.formatting',
  group: 'conversation',
  available: inConversation,
  run: () => writing.showBar(!writing.bar),
};

/** Opens the emoji of the composer on the screen. */
export const insertEmoji: Action = {
  id: 'insert-emoji',
  titleKey: 'action.emoji',
  group: 'conversation',
  available: inConversation,
  run: () => writing.ask('emoji'),
};

/** Starts to record a voice note in the composer on the screen. */
export const recordVoice: Action = {
  id: 'record-voice',
  titleKey: 'action.voice',
  group: 'conversation',
  available: (p) => inConversation(p) && canRecord() && kindOf(p.conversation!.channel)?.limits.attachments !== 0,
  run: () => writing.ask('voice'),
};
