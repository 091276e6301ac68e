import { draftOf } from '../model/composer.svelte';
import { screen } from '../model/screen.svelte';
import { inConversation, type Action } from './action';

/** Asks when the reply that stands in the composer is to go. */
export const sendLater: Action = {
  id: 'send-later',
  titleKey: 'action.later',
  group: 'conversation',
  available: (p) => inConversation(p) && !draftOf(p.conversation!.id).note && draftOf(p.conversation!.id).ready,
  run() {
    screen.opened = 'later';
  },
};
