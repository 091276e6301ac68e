import { screen } from '../model/screen.svelte';
import type { ID } from '../model/words';
import { sync } from '../sync/sync';
import { inConversation, type Action } from './action';

/** Without an argument: asks for the priority, 0 to 3. */
export const prioritise: Action<{ conversation: ID; priority: number } | void> = {
  id: 'prioritise',
  titleKey: 'action.priority',
  keys: 'p',
  group: 'conversation',
  available: inConversation,
  async run(a) {
    if (!a) {
      screen.opened = 'priority';
      return;
    }
    const { conversation, priority } = a;
    await sync.act('priority', conversation, { priority }, 'PUT', 'priority', { priority });
  },
};
