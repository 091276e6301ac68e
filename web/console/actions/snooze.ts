import { screen } from '../model/screen.svelte';
import { inConversation, type Action } from './action';

export const snooze: Action = {
  id: 'snooze',
  titleKey: 'action.snooze',
  keys: 's',
  group: 'conversation',
  available: inConversation,
  run() {
    screen.opened = 'snooze';
  },
};
