import { screen } from '../model/screen.svelte';
import type { ID } from '../model/words';
import { sync } from '../sync/sync';
import { inConversation, type Action } from './action';

/** Without an argument: asks for the new subject. */
export const rename: Action<{ conversation: ID; subject: string } | void> = {
  id: 'rename',
  titleKey: 'action.subject',
  group: 'conversation',
  available: inConversation,
  async run(a) {
    if (!a) {
      screen.opened = 'subject';
      return;
    }
    const { conversation, subject } = a;
    await sync.act('subject', conversation, { subject }, 'PUT', 'subject', { subject });
  },
};
