import { t } from '../../texts/text.svelte';
import { thread } from '../model/inbox';
import { screen } from '../model/screen.svelte';
import { undoSeconds } from '../model/waiting';
import type { Address, ID, LocalMessage } from '../model/words';
import { sync } from '../sync/sync';
import { always, current, inConversation, type Action } from './action';

/** Asks to whom a message goes on; without an argument the customer's last. */
export const forward: Action<LocalMessage | void> = {
  id: 'forward',
  titleKey: 'action.forward',
  group: 'conversation',
  available: inConversation,
  run(message) {
    screen.forwarding = message || thread(current().id).messages.findLast((x) => x.direction === 'in');
  },
};

export interface Forwarding { id: ID; to: Pick<Address, 'scheme' | 'value'>; cc: string[]; bcc: string[]; text: string; channel: ID }

export const sendForward: Action<{ message: ID; by: Forwarding }> = {
  id: 'send-forward',
  titleKey: 'forward.send',
  group: 'conversation',
  available: always,
  async run({ message, by }) {
    await sync.client.post(`/messages/${message}/forward`, { ...by, undo: undoSeconds(by.channel) });
    screen.say(t('forward.done'));
  },
};
