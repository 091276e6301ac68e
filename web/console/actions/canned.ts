import { screen } from '../model/screen.svelte';
import { inConversation, type Action } from './action';

/** Offers the canned replies at the cursor of the composer. */
export const canned: Action = {
  id: 'canned',
  titleKey: 'action.canned',
  keys: 'ctrl+;',
  group: 'conversation',
  available: inConversation,
  run() {
    screen.opened = screen.opened === 'canned' ? '' : 'canned';
  },
};
