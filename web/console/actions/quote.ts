import { draftOf } from '../model/composer.svelte';
import { thread } from '../model/inbox';
import { screen } from '../model/screen.svelte';
import type { LocalMessage } from '../model/words';
import { current, inConversation, type Action } from './action';

/** Answers one message by quoting it in the composer; without an argument the customer's last. */
export const quote: Action<LocalMessage | void> = {
  id: 'quote',
  titleKey: 'action.quote',
  group: 'conversation',
  available: inConversation,
  run(message) {
    const m = message || thread(current().id).messages.findLast((x) => x.direction === 'in');
    if (!m) return;
    const draft = draftOf(m.conversation);
    const quoted = m.text.trim().split('\n').map((line) => ('> ' + line).trimEnd()).join('\n');
    draft.text = (draft.text.trim() ? draft.text.trimEnd() + '\n\n' : '') + quoted + '\n\n';
    draft.note = false;
    draft.edited();
    screen.composeAs = { note: false, at: Date.now() };
  },
};
