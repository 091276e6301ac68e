import { screen } from '../model/screen.svelte';
import { inConversation, type Action } from './action';

export const note: Action = {
  id: 'note',
  titleKey: 'action.note',
  keys: 'n',
  group: 'conversation',
  available: inConversation,
  run() {
    screen.composeAs = { note: true, at: Date.now() };
  },
};
